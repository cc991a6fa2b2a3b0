//! How long to wait before the next try to connect.

use embassy_time::Duration;
use sansws_embassy::sansws::rand_core::CryptoRng;

/// Waits that double after each failure, up to a longest one. Each wait is a random part of its limit,
/// between half of it and all of it: if a broker fails, its thousand devices must not come back at the same
/// moment.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    limit: Duration,
}

impl Backoff {
    /// Waits between half of `shortest` and all of `longest`.
    #[must_use]
    pub const fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, limit: shortest }
    }

    /// The next wait.
    pub fn next(&mut self, rng: &mut impl CryptoRng) -> Duration {
        let limit = self.limit;
        self.limit = Duration::from_ticks(limit.as_ticks().saturating_mul(2)).min(self.longest);
        between_half_and_all_of(limit, rng)
    }

    /// The wait after a failure that does not end by itself, such as a wrong password.
    pub fn longest(&mut self, rng: &mut impl CryptoRng) -> Duration {
        self.limit = self.longest;
        between_half_and_all_of(self.longest, rng)
    }

    /// The connection has worked, so the waits are short again.
    pub fn reset(&mut self) {
        self.limit = self.shortest;
    }
}

fn between_half_and_all_of(limit: Duration, rng: &mut impl CryptoRng) -> Duration {
    let half = limit.as_ticks() / 2;
    // A fraction of 2^32. No wait is so long that the product does not fit into 128 bits.
    let part = u128::from(half).saturating_mul(u128::from(rng.next_u32())) >> 32;
    let ticks = limit.as_ticks().saturating_sub(half);
    Duration::from_ticks(ticks.saturating_add(u64::try_from(part).unwrap_or(half)))
}
