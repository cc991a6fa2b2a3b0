//! Points in time and limits, as small numbers.

use core::num::NonZeroU32;
use core::time::Duration;

/// A point in time, in nanoseconds since the embedder's fixed point. All arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Instant(u64);

impl Instant {
    pub(super) const fn new(time: Duration) -> Self {
        Self(time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos() as u64))
    }

    pub(super) const fn to_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    pub(super) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A limit in milliseconds; each connection has five of them, and this is half the size of an `Instant`. It
/// is never zero, since a loop that waits for a limit of zero would spin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Millis(Option<NonZeroU32>);

impl Millis {
    pub(super) const OFF: Self = Self(None);

    pub(super) const fn new(limit: Option<Duration>) -> Self {
        let Some(limit) = limit else {
            return Self::OFF;
        };
        let millis = limit
            .as_secs()
            .saturating_mul(1000)
            .saturating_add(limit.subsec_nanos().div_ceil(1_000_000) as u64);
        #[expect(clippy::cast_possible_truncation, reason = "compared before")]
        match millis {
            0 => Self(NonZeroU32::new(1)),
            1..=0xFFFF_FFFF => Self(NonZeroU32::new(millis as u32)),
            _ => Self(Some(NonZeroU32::MAX)),
        }
    }

    /// The point in time at which the limit is reached, counted from `start`.
    pub(super) fn after(self, start: Instant) -> Option<Instant> {
        self.0
            .map(|millis| Instant(start.0.saturating_add(u64::from(millis.get()).saturating_mul(1_000_000))))
    }
}
