//! The clock of `embassy-time`: `SysTick` counts milliseconds and wakes the tasks whose time has come.

use core::cell::RefCell;
use core::task::Waker;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;
use sansws_lm3s6965::HZ;

/// The processor's cycles in one tick.
const CYCLES: u32 = HZ / 1000;
const _: () = assert!(TICK_HZ == 1000, "a feature of embassy-time chooses milliseconds");

struct Clock(Mutex<RefCell<State>>);

struct State {
    /// Ticks since the start.
    now: u64,
    /// When the next task in the queue has to wake.
    next: u64,
    queue: Queue,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock::new());

impl Clock {
    const fn new() -> Self {
        Self(Mutex::new(RefCell::new(State { now: 0, next: u64::MAX, queue: Queue::new() })))
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.0.borrow_ref(cs).now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let state = &mut *self.0.borrow_ref_mut(cs);
            if state.queue.schedule_wake(at, waker) {
                state.next = state.queue.next_expiration(state.now);
            }
        });
    }
}

/// Starts the ticks.
pub fn start(mut systick: SYST) {
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(CYCLES - 1);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let state = &mut *CLOCK.0.borrow_ref_mut(cs);
        state.now += 1;
        if state.next <= state.now {
            state.next = state.queue.next_expiration(state.now);
        }
    });
}
