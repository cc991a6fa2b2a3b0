//! The deadlines of a connection, with the clock of `embassy-time`.

use crate::transport::poll_once;
use core::task::{Context, Poll};
use core::time::Duration;
use embassy_time::{Instant, Timer};
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{Event, State};

pub(crate) struct Clock {
    timers: Timers,
    /// When bytes arrived last. Events that are found in these bytes count from that time.
    arrival: Duration,
    /// Whether a deadline has passed, and the other tasks run once more before it counts.
    is_late: bool,
}

fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

impl Clock {
    pub(crate) fn new(config: TimersConfig) -> Self {
        Self { timers: Timers::new(config, now()), arrival: Duration::ZERO, is_late: false }
    }

    pub(crate) fn received(&mut self) {
        self.arrival = now();
        self.timers.received(self.arrival);
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        self.timers.event(self.arrival, event);
    }

    pub(crate) fn message(&mut self) {
        self.timers.message(self.arrival);
    }

    /// The transport took `len` of the outgoing bytes; 0 if it is full.
    pub(crate) fn sent(&mut self, len: usize) {
        self.timers.sent(now(), len);
    }

    /// The connection was asked for a keepalive ping, which it queued or refused. `outgoing_len` bytes wait
    /// to be written now.
    pub(crate) fn pinged(&mut self, is_queued: bool, outgoing_len: usize) {
        if is_queued {
            self.timers.ping_queued(outgoing_len);
        } else {
            self.timers.ping_refused(outgoing_len);
        }
    }

    pub(crate) const fn round_trip_time(&self) -> Option<Duration> {
        self.timers.round_trip_time()
    }

    /// Ready if there is something to do now. Otherwise the task is woken at the next deadline.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, state: State) -> Poll<Action> {
        let now = now();
        // If this task is late, so is the task that carries the peer's bytes: the runner of embassy-net or of
        // a bridge. It runs before the deadline counts.
        let is_late = self.timers.next_deadline().is_some_and(|deadline| deadline <= now);
        self.is_late = is_late && !self.is_late;
        if self.is_late {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.timers.poll(now, state) {
            Action::Wait => {}
            action => return Poll::Ready(action),
        }
        if let Some(deadline) = self.timers.next_deadline() {
            // A clock whose ticks are longer than a microsecond rounds down. One tick later, the deadline has
            // passed.
            let micros = u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX);
            let at = Instant::from_micros(micros).saturating_add(embassy_time::Duration::from_ticks(1));
            // A dropped timer still wakes the task at its time. If an earlier wake is arranged too, the task
            // is polled once more.
            let _ = poll_once(Timer::at(at), cx);
        }
        Poll::Pending
    }
}
