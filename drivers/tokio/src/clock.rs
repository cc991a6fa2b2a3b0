//! The deadlines of a connection, and its pings.

mod alarm;
mod ping;

use crate::split::Ping as PingState;
use crate::trace;
use alarm::{Alarm, Instant};
use ping::{Payload, Ping};
use sansws::timers::{Action, Timers, TimersConfig};
use sansws::{Event, State};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

pub(crate) struct Clock {
    timers: Timers,
    start: Instant,
    /// When bytes arrived last. Events that are found in these bytes count from that time, because asking for
    /// the time takes longer than finding a small message. In nanoseconds, because a `Duration` takes twice
    /// the memory.
    arrival: u64,
    /// Whether these bytes held a message that is not reported to the timers yet. All messages of one read
    /// are reported at once.
    has_message: bool,
    /// Set for the next deadline, or for a time before it: most deadlines move on before they are reached.
    alarm: Option<Alarm>,
    /// The ping of the application that waits for its pong, or whose round trip no one has taken yet.
    ping: Option<Box<Ping>>,
}

impl Clock {
    pub(crate) fn new(config: TimersConfig) -> Self {
        Self {
            timers: Timers::new(config, Duration::ZERO),
            start: Instant::now(),
            arrival: 0,
            has_message: false,
            alarm: None,
            ping: None,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn received(&mut self) {
        self.report_message();
        let now = self.now();
        self.timers.received(now);
        // Enough for 584 years.
        self.arrival = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    }

    const fn arrival(&self) -> Duration {
        Duration::from_nanos(self.arrival)
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        if let Event::Pong(payload) = event {
            let now = self.arrival();
            if let Some(round_trip) = self.timers.pong(now, payload) {
                trace::keepalive_answered(round_trip);
            }
            if let Some(ping) = &mut self.ping {
                ping.pong(now, payload);
            }
        }
    }

    pub(crate) const fn message(&mut self) {
        self.has_message = true;
    }

    fn report_message(&mut self) {
        if std::mem::take(&mut self.has_message) {
            self.timers.message(self.arrival());
        }
    }

    /// The transport took `len` of the outgoing bytes; 0 if it is full.
    pub(crate) fn sent(&mut self, len: usize) {
        let now = self.now();
        self.timers.sent(now, len);
        if let Some(ping) = &mut self.ping {
            ping.sent(now, len);
        }
    }

    /// The connection was asked for a keepalive ping, which it queued or refused. `outgoing_len` bytes wait
    /// to be written now.
    pub(crate) fn keepalive(&mut self, payload: [u8; 4], is_queued: bool, outgoing_len: usize) {
        if !is_queued {
            self.timers.ping_refused(outgoing_len);
            return;
        }
        trace::keepalive_queued();
        self.timers.ping_queued(outgoing_len);
        if let Some(ping) = &mut self.ping {
            ping.keepalive(payload);
        }
    }

    /// The payload for a ping of the application.
    pub(crate) fn ping_payload(&self) -> Payload {
        ping::payload(self.now())
    }

    /// The application's ping is the last of `queued` outgoing bytes.
    pub(crate) fn pinged(&mut self, payload: Payload, queued: usize) {
        self.ping = Some(Box::new(Ping::new(payload, self.now(), queued)));
    }

    /// The state of the application's ping.
    pub(crate) fn ping(&self) -> PingState {
        match &self.ping {
            None => PingState::None,
            Some(ping) if ping.round_trip().is_none() => PingState::Awaited,
            Some(_) => PingState::Answered,
        }
    }

    /// The round trip of the application's ping. A second call returns `None`.
    pub(crate) fn take_pong(&mut self) -> Option<Duration> {
        let round_trip = self.ping.as_ref()?.round_trip()?;
        self.ping = None;
        Some(round_trip)
    }

    pub(crate) const fn round_trip_time(&self) -> Option<Duration> {
        self.timers.round_trip_time()
    }

    /// Ready if there is something to do now. Otherwise `waker` is woken at the next deadline.
    pub(crate) fn poll(&mut self, waker: &Waker, state: State) -> Poll<Action> {
        self.report_message();
        loop {
            let now = self.now();
            // A deadline counts once its alarm has gone off. If the task is late, bytes of the peer can wait
            // that tokio has not looked for yet; it does so before it lets the alarm go off.
            if self.timers.next_deadline().is_some_and(|deadline| deadline <= now) {
                ready!(self.poll_alarm(waker));
            }
            match self.timers.poll(now, state) {
                Action::Wait => {}
                action => return Poll::Ready(action),
            }
            ready!(self.poll_alarm(waker));
        }
    }

    /// Ready if the alarm for the next deadline, or for a time before it, has gone off.
    fn poll_alarm(&mut self, waker: &Waker) -> Poll<()> {
        let Some(deadline) = self.timers.next_deadline() else { return Poll::Pending };
        let deadline = self.start + deadline;
        let alarm = self.alarm.get_or_insert_with(|| Alarm::new(deadline));
        alarm.poll(&mut Context::from_waker(waker), deadline)
    }
}
