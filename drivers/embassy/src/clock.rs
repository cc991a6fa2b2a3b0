//! The deadlines of a connection, with the clock of `embassy-time`.

use crate::transport::poll_once;
use core::task::{Context, Poll};
use core::time::Duration;
use embassy_time::{Instant, Timer};
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{Event, State};

pub(crate) struct Clock {
    timers: Timers,
    /// When bytes arrived last. Events that are found in them count from then.
    arrival: Duration,
}

fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

impl Clock {
    pub(crate) fn new(config: TimersConfig) -> Self {
        Self { timers: Timers::new(config, now()), arrival: Duration::ZERO }
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

    /// The connection was asked for a keepalive ping, which it queued or refused. `outgoing_len` bytes wait to be
    /// written now.
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
        match self.timers.poll(now(), state) {
            Action::Wait => {}
            action => return Poll::Ready(action),
        }
        if let Some(deadline) = self.timers.next_deadline() {
            // A clock that ticks more slowly than in microseconds rounds down. One tick more, and the
            // deadline has passed.
            let micros = u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX);
            let at = Instant::from_micros(micros).saturating_add(embassy_time::Duration::from_ticks(1));
            // A timer that is dropped has still arranged the wake. If an earlier wake is arranged too, the
            // task is polled once more.
            let _ = poll_once(Timer::at(at), cx);
        }
        Poll::Pending
    }
}
