//! The clock of `embassy-time` on the host. It stands still while the device sleeps, as the clocks of many
//! chips do. Afterwards it is told how long the sleep was.

use embassy_time::Duration;
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::task::Waker;
use std::time::Instant as RealInstant;

/// Wakes the tasks whose time has come, in a thread of its own.
struct Clock {
    state: Mutex<State>,
    has_changed: Condvar,
    thread: Once,
}

struct State {
    /// The real time at which the clock began to run, or began again after a sleep.
    runs_since: Option<RealInstant>,
    /// What the clock had counted by then.
    before: u64,
    /// How many times faster than real time the clock runs.
    speed: u32,
    queue: Queue,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    state: Mutex::new(State { runs_since: None, before: 0, speed: 1, queue: Queue::new() }),
    has_changed: Condvar::new(),
    thread: Once::new(),
});

impl State {
    fn now(&mut self) -> u64 {
        let since = self.runs_since.get_or_insert_with(RealInstant::now);
        self.before + ticks(since.elapsed()) * u64::from(self.speed)
    }
}

impl Clock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.state();
        loop {
            let now = state.now();
            let next = state.queue.next_expiration(now);
            // The clock may be told of a sleep meanwhile, so it looks at least once in a second.
            let wait = std::time::Duration::from_micros(next.saturating_sub(now).min(TICK_HZ)) / state.speed;
            state = self.has_changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        self.state().now()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        self.thread.call_once(|| _ = std::thread::spawn(|| CLOCK.run()));
        if self.state().queue.schedule_wake(at, waker) {
            self.has_changed.notify_one();
        }
    }
}

/// Makes the clock run faster than real time by this factor, so that a check need not wait for a deadline.
pub fn set_speed(speed: u32) {
    CLOCK.state().speed = speed.max(1);
}

/// Stops the program, and the clock with it, for `time / speed`. Then adds `time` to the clock.
pub fn sleep(time: Duration, speed: u32) {
    const { assert!(TICK_HZ == 1_000_000, "a tick is a microsecond") };
    let now = CLOCK.state().now();
    std::thread::sleep(std::time::Duration::from_micros(time.as_ticks()) / speed.max(1));
    let mut state = CLOCK.state();
    state.before = now + time.as_ticks();
    state.runs_since = Some(RealInstant::now());
    // Some tasks may be late by now.
    CLOCK.has_changed.notify_one();
}

fn ticks(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
