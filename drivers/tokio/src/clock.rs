//! The deadlines of a connection, with tokio's clock.

use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{Event, State};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

pub(crate) struct Clock {
    timers: Timers,
    start: Instant,
    /// When bytes arrived last. Events that are found in them count from then, because asking for the time takes longer
    /// than finding a small message.
    arrival: Duration,
    /// Armed for the next deadline, or for one before it: most deadlines move on before they are reached.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new(config: TimersConfig) -> Self {
        Self {
            timers: Timers::new(config, Duration::ZERO),
            start: Instant::now(),
            arrival: Duration::ZERO,
            sleep: None,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn received(&mut self) {
        self.arrival = self.now();
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
        let now = self.now();
        self.timers.sent(now, len);
    }

    /// The connection was asked for a keepalive ping. `queued` is how many bytes wait up to it; `None`: there is no
    /// room for it.
    pub(crate) fn pinged(&mut self, queued: Option<usize>) {
        match queued {
            Some(len) => self.timers.ping_queued(len),
            None => self.timers.ping_refused(),
        }
    }

    pub(crate) const fn round_trip_time(&self) -> Option<Duration> {
        self.timers.round_trip_time()
    }

    /// Ready if there is something to do now. Otherwise `waker` is woken at the next deadline.
    pub(crate) fn poll(&mut self, waker: &Waker, state: State) -> Poll<Action> {
        loop {
            let now = self.now();
            match self.timers.poll(now, state) {
                Action::Wait => {}
                action => return Poll::Ready(action),
            }
            let Some(deadline) = self.timers.next_deadline() else { return Poll::Pending };
            let deadline = self.start + deadline;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if sleep.is_elapsed() || sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            if sleep.as_mut().poll(&mut Context::from_waker(waker)).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
