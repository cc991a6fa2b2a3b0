//! Time since the start, from `SysTick`: an interrupt for each millisecond.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use sansws_lm3s6965::HZ;

/// The interrupt is the only writer. So a load and a store are enough, and a `Cortex-M0` has no other atomic
/// operations.
static MILLIS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    MILLIS.store(MILLIS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// A clock that never jumps. It continues after 49 days, when 32 bits of milliseconds end.
pub struct Clock {
    last: u32,
    total: u64,
}

impl Clock {
    /// Starts the interrupts.
    #[must_use]
    pub fn start(systick: &mut SYST) -> Self {
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(HZ / 1000 - 1);
        systick.clear_current();
        systick.enable_interrupt();
        systick.enable_counter();
        Self { last: 0, total: 0 }
    }

    /// The time since the start. Call this at least once in 49 days.
    pub fn now(&mut self) -> Duration {
        let millis = MILLIS.load(Ordering::Relaxed);
        self.total += u64::from(millis.wrapping_sub(self.last));
        self.last = millis;
        Duration::from_millis(self.total)
    }
}
