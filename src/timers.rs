//! Deadlines and keepalive of one connection, as a state machine without a clock: the caller tells it the
//! time, and it returns the action to take.
//!
//! [`Connection`](crate::Connection) itself knows nothing of time. In each turn of the loop first tell
//! [`Timers`] which bytes and events have arrived and which bytes the transport has taken, then call
//! [`poll`](Timers::poll). In this order a late turn never blames a peer whose bytes were waiting.
//!
//! | limit | counts | default |
//! |---|---|---|
//! | [handshake deadline](TimersConfig::handshake_deadline) | from `Timers::new` to `Open` | 10 s |
//! | [ping interval](TimersConfig::ping_interval) | in `Open`, from ping to ping | 30 s |
//! | [pong timeout](TimersConfig::pong_timeout) | in `Open`, from a written ping to the next byte | 20 s |
//! | [idle deadline](TimersConfig::idle_deadline) | in `Open`, from message to message | off |
//! | [close deadline](TimersConfig::close_deadline) | from the first poll in `Closing` to `Closed` | 10 s |
//!
//! ```
//! use core::time::Duration;
//! use sansws::State;
//! use sansws::timers::{Action, Timeout, Timers, TimersConfig};
//!
//! const CONFIG: TimersConfig = TimersConfig::new().close_deadline(Some(Duration::from_secs(3)));
//!
//! let second = Duration::from_secs;
//! let mut timers = Timers::new(CONFIG, second(0));
//! assert_eq!(timers.poll(second(1), State::Open), Action::Wait);
//! assert_eq!(timers.next_deadline(), Some(second(31)));
//!
//! // Nothing else happens until then: send this ping with `conn.sender().ping(&payload)`. If the buffer is
//! // full, call `ping_refused` instead.
//! let Action::SendPing(payload) = timers.poll(second(31), State::Open) else { panic!() };
//! timers.ping_queued(6);
//!
//! // The transport takes the ping, together with `conn.mark_sent(6)`.
//! timers.sent(second(31), 6);
//!
//! // Bytes arrive, and the pong is among them. (`Timers::event` tells pongs and messages apart.)
//! timers.received(second(32));
//! assert_eq!(timers.pong(second(32), &payload), Some(second(1)));
//!
//! // The next ping waits behind other bytes, which the transport takes slowly. It is not answered: close the
//! // transport.
//! assert!(matches!(timers.poll(second(61), State::Open), Action::SendPing(_)));
//! timers.ping_queued(1_000_006);
//! timers.sent(second(75), 500_000);
//! timers.sent(second(90), 500_006);
//! assert_eq!(timers.next_deadline(), Some(second(110)));
//! assert_eq!(timers.poll(second(110), State::Open), Action::GiveUp(Timeout::Pong));
//! ```

mod time;

use crate::State;
use crate::bytes::to_u32;
use crate::event::Event;
use core::time::Duration;
use time::{Instant, Millis};

/// The limits of [`Timers`]. `Copy`: keep one value and create all timers with it.
///
/// A limit is rounded up to whole milliseconds. It is at least 1 ms and at most 49 days. `None` turns it off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct TimersConfig {
    handshake_deadline: Millis,
    ping_interval: Millis,
    pong_timeout: Millis,
    idle_deadline: Millis,
    close_deadline: Millis,
}

impl TimersConfig {
    /// The defaults. The documentation of each method below names its default.
    pub const fn new() -> Self {
        Self {
            handshake_deadline: Millis::new(Some(Duration::from_secs(10))),
            ping_interval: Millis::new(Some(Duration::from_secs(30))),
            pong_timeout: Millis::new(Some(Duration::from_secs(20))),
            idle_deadline: Millis::OFF,
            close_deadline: Millis::new(Some(Duration::from_secs(10))),
        }
    }
}

setters! {
    TimersConfig:
    /// The most time that the opening handshake may take. Default 10 s, as in Python's `websockets`.
    ///
    /// Without this limit, a peer that sends a byte now and then occupies a connection for ever. The time
    /// counts from [`Timers::new`]. Call that before the transport connects to include the time for
    /// connecting and TLS.
    handshake_deadline(self, limit: Option<Duration>) => handshake_deadline = Millis::new(limit);

    /// The time from one keepalive ping, or from the opening, to the next ping. Default 30 s: half of the 60
    /// s after which nginx and the load balancers of clouds cut a connection by default.
    ///
    /// The pings do not depend on other traffic. Some proxies watch each direction separately, so an endpoint
    /// that only receives must send something too. The pings also keep the round trip time up to date. While
    /// nothing was received since the last ping, no other ping is sent, unless the pong timeout is off.
    ping_interval(self, limit: Option<Duration>) => ping_interval = Millis::new(limit);

    /// The most time from a keepalive ping to the next sign of life. Default 20 s, as in Python's
    /// `websockets` and Socket.IO. A peer that vanishes is noticed after the ping interval and the pong
    /// timeout together. Without a ping interval this limit has no effect.
    ///
    /// Any byte of the peer is a sign of life, because a pong can be delayed by a large message before it.
    /// The ping can be delayed in the same way by the bytes that are written before it, if the peer reads
    /// slowly. So the time counts from the moment that the transport has taken the ping, and before that from
    /// the last bytes that it took ([`Timers::sent`]). If a ping finds no room, [`Timers::poll`] asks for it
    /// again as soon as the transport takes bytes.
    ///
    /// The transport can have a buffer of its own, such as the send buffer of a socket, and the ping can wait
    /// there too. So if the transport is full after the ping, each byte that it takes later is also a sign of
    /// life. If it is not full, choose a limit that is longer than the transport needs to empty its buffer.
    pong_timeout(self, limit: Option<Duration>) => pong_timeout = Millis::new(limit);

    /// The most time that an open connection may be without a message from the peer. Default off: a
    /// connection that waits for news is healthy, and a client should not close without a reason
    /// (WS-7.2.1-03, WS-7.3-02).
    ///
    /// This limit is for servers that want to drop peers which only answer pings. The messages that a peer
    /// receives do not count, so it also drops a peer that only listens.
    idle_deadline(self, limit: Option<Duration>) => idle_deadline = Millis::new(limit);

    /// The most time that the closing handshake may take, up to the end of the transport. Default 10 s, as in
    /// Python's `websockets`.
    ///
    /// Without this limit, a peer that never answers a Close, or never closes the transport after it
    /// (WS-7.1.1-05), occupies the connection for ever. The time includes writing the bytes before the Close,
    /// however slowly the peer reads: otherwise it could extend the limit byte by byte.
    close_deadline(self, limit: Option<Duration>) => close_deadline = Millis::new(limit);
}

/// The timers of one connection; 72 bytes.
///
/// Every `now` is the time since a fixed point that the embedder chooses, at most 584 years, on a clock that
/// does not jump. If `now` is earlier than in an earlier call, the timers use the later time.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    config: TimersConfig,
    /// The latest time that the caller has passed.
    now: Instant,
    countdown: Countdown,
    round_trip_time: Option<Duration>,
    /// The payload of the last ping: a number that counts up.
    pings: u32,
}

impl Timers {
    /// The timers of a connection that begins `now`. The handshake deadline runs until a [`poll`](Self::poll)
    /// with another state than `Connecting`.
    #[must_use]
    pub const fn new(config: TimersConfig, now: Duration) -> Self {
        let now = Instant::new(now);
        Self { config, now, countdown: Countdown::Connecting { since: now }, round_trip_time: None, pings: 0 }
    }

    /// Tells the timers that bytes arrived, so the peer is alive.
    pub fn received(&mut self, now: Duration) {
        let now = self.advance(now);
        if let Countdown::Open { ping, pinged, .. } = &mut self.countdown {
            match ping {
                Ping::Unanswered { .. } => *ping = Ping::Overtaken,
                Ping::Queued { .. } | Ping::Refused | Ping::Due => *pinged = now,
                Ping::None | Ping::Overtaken => {}
            }
        }
    }

    /// Tells the timers that the transport took `len` of the outgoing bytes: call it together with
    /// [`mark_sent`](crate::Connection::mark_sent). If bytes wait and the transport takes none, because it is
    /// full, `len` is 0.
    ///
    /// The [pong timeout](TimersConfig::pong_timeout) needs this. Without these calls it counts from the
    /// moment that the ping was queued, and a peer that reads slowly can be given up.
    pub fn sent(&mut self, now: Duration, len: usize) {
        let now = self.advance(now);
        if let Countdown::Open { ping, pinged, .. } = &mut self.countdown {
            *ping = match *ping {
                Ping::Queued { ahead } if len > 0 => {
                    *pinged = now;
                    match ahead.saturating_sub(to_u32(len)) {
                        0 => Ping::Unanswered { is_full: false },
                        ahead => Ping::Queued { ahead },
                    }
                }
                Ping::Refused if len > 0 => {
                    *pinged = now;
                    Ping::Due
                }
                Ping::Unanswered { .. } if len == 0 => Ping::Unanswered { is_full: true },
                // The transport was full, so the peer has read since.
                Ping::Unanswered { is_full: true } => Ping::Overtaken,
                other => other,
            };
        }
    }

    /// Tells the timers that the ping of [`Action::SendPing`] was queued. The ping ends the `outgoing_len`
    /// bytes that wait to be written: pass [`Sender::outgoing_len`](crate::Sender::outgoing_len), and add the
    /// earlier bytes that you still have to write but the connection no longer holds, such as those of
    /// [`take_outgoing`](crate::Connection::take_outgoing).
    ///
    /// Without this call the timers assume that the ping was written at once.
    pub fn ping_queued(&mut self, outgoing_len: usize) {
        if let Countdown::Open { ping: ping @ Ping::Unanswered { .. }, .. } = &mut self.countdown {
            *ping = Ping::Queued { ahead: to_u32(outgoing_len) };
        }
    }

    /// Tells the timers that the ping of [`Action::SendPing`] was refused, because the outgoing buffer is
    /// full or memory is short. `outgoing_len` bytes wait to be written, counted as for
    /// [`ping_queued`](Self::ping_queued).
    ///
    /// [`poll`](Self::poll) asks for the ping again once [`sent`](Self::sent) says that bytes were written.
    /// If no bytes wait, it asks again after the [ping interval](TimersConfig::ping_interval).
    pub fn ping_refused(&mut self, outgoing_len: usize) {
        if let Countdown::Open { ping: ping @ Ping::Unanswered { .. }, .. } = &mut self.countdown {
            *ping = if outgoing_len > 0 { Ping::Refused } else { Ping::None };
        }
    }

    /// Tells the timers that the connection reported an event: call it with each event that
    /// [`receive`](crate::Connection::receive) returns. It calls [`message`](Self::message) for a message or
    /// a part of one and [`pong`](Self::pong) for a pong, and ignores all other events.
    pub fn event(&mut self, now: Duration, event: &Event<'_>) {
        match event {
            Event::Message(_) | Event::Part(_) => self.message(now),
            Event::Pong(payload) => _ = self.pong(now, payload),
            _ => {}
        }
    }

    /// Tells the timers that a data message or a part of one arrived: the idle deadline starts again. An
    /// embedder that counts the messages it sends as activity can call this for them too.
    pub fn message(&mut self, now: Duration) {
        let now = self.advance(now);
        if let Countdown::Open { message, .. } = &mut self.countdown {
            *message = now;
        }
    }

    /// Tells the timers that a pong arrived. If it is the first answer to the last keepalive ping, this
    /// returns the round trip time.
    ///
    /// Any other pong counts as received bytes only: unsolicited pongs are legal (WS-5.5.3-03), and the
    /// embedder may send pings of its own.
    pub fn pong(&mut self, now: Duration, payload: &[u8]) -> Option<Duration> {
        self.advance(now);
        match &mut self.countdown {
            Countdown::Open {
                ping: ping @ (Ping::Queued { .. } | Ping::Unanswered { .. } | Ping::Overtaken),
                pinged,
                ..
            } if payload == self.pings.to_be_bytes() => {
                *ping = Ping::None;
                self.round_trip_time = Some(self.now.since(*pinged));
                self.round_trip_time
            }
            _ => {
                self.received(now);
                None
            }
        }
    }

    /// Returns the action to take `now`, in this state of the connection.
    ///
    /// Call it at [`next_deadline`](Self::next_deadline), and in each turn in which the state may have
    /// changed: the time in a state counts from the first poll with that state. Even a late call looks at the
    /// state first, so a handshake that is complete has no deadline any more. If several pings were due, only
    /// one is sent, and the next deadline counts from `now`.
    pub fn poll(&mut self, now: Duration, state: State) -> Action {
        let now = self.advance(now);
        if self.countdown.state() != state {
            self.countdown = Countdown::enter(state, now);
        }
        if let Countdown::GivenUp { timeout, .. } = self.countdown {
            return Action::GiveUp(timeout);
        }
        if let Some((_, timeout)) = self.next_timeout().filter(|&(at, _)| at <= now) {
            self.countdown = Countdown::GivenUp { state, timeout };
            return Action::GiveUp(timeout);
        }
        match (self.next_ping(), &mut self.countdown) {
            (Some(at), Countdown::Open { pinged, ping, .. }) if at <= now => {
                self.pings = self.pings.wrapping_add(1);
                *pinged = now;
                *ping = Ping::Unanswered { is_full: false };
                Action::SendPing(self.pings.to_be_bytes())
            }
            _ => Action::Wait,
        }
    }

    /// The time to poll again even if nothing happens. `None` if no deadline is pending: the limits are off,
    /// the connection is closed, or it was given up in this state.
    ///
    /// Call this at the end of each turn. The deadline is later than the `now` of the last poll, unless
    /// something has happened since, so a loop that waits for it never spins. With a coarser clock, round up.
    pub fn next_deadline(&self) -> Option<Duration> {
        let timeout = self.next_timeout().map(|(at, _)| at);
        [timeout, self.next_ping()].into_iter().flatten().min().map(Instant::to_duration)
    }

    /// The last measured time from a keepalive ping to its pong. It counts from the moment that the transport
    /// took the ping, and includes the time that both frames spent in the buffers of transports.
    pub const fn round_trip_time(&self) -> Option<Duration> {
        self.round_trip_time
    }

    fn advance(&mut self, now: Duration) -> Instant {
        self.now = self.now.max(Instant::new(now));
        self.now
    }

    /// The next limit at which the connection is given up, and its time.
    fn next_timeout(&self) -> Option<(Instant, Timeout)> {
        let config = &self.config;
        match self.countdown {
            Countdown::Connecting { since } => {
                config.handshake_deadline.after(since).map(|at| (at, Timeout::Handshake))
            }
            Countdown::Open { message, pinged, ping } => {
                let idle = config.idle_deadline.after(message).map(|at| (at, Timeout::Idle));
                let pong = match ping {
                    Ping::None | Ping::Overtaken => None,
                    _ => config.pong_timeout.after(pinged).map(|at| (at, Timeout::Pong)),
                };
                [pong, idle].into_iter().flatten().min_by_key(|&(at, _)| at)
            }
            // WS-7.1.1-05
            Countdown::Closing { since } => config.close_deadline.after(since).map(|at| (at, Timeout::Close)),
            Countdown::Closed | Countdown::GivenUp { .. } => None,
        }
    }

    fn next_ping(&self) -> Option<Instant> {
        let Countdown::Open { pinged, ping, .. } = self.countdown else {
            return None;
        };
        let has_timeout = self.config.pong_timeout != Millis::OFF;
        match ping {
            Ping::Due => Some(pinged),
            // The pong timeout comes first.
            Ping::Queued { .. } | Ping::Refused | Ping::Unanswered { .. } if has_timeout => None,
            _ => self.config.ping_interval.after(pinged),
        }
    }
}

/// The action to take, as [`Timers::poll`] returns it.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action {
    /// Nothing is due. Poll again at [`Timers::next_deadline`], or after bytes or events.
    Wait,
    /// Send a ping with this payload. If [`Sender::ping`](crate::Sender::ping) succeeds, call
    /// [`Timers::ping_queued`], otherwise [`Timers::ping_refused`]. Tell [`Timers::event`] about each event,
    /// and [`Timers::sent`] about each write.
    SendPing([u8; 4]),
    /// A limit was reached; [`Timeout`] says what to do. The answer is the same until the state changes.
    GiveUp(Timeout),
}

errors! {
    /// The limit that was reached.
    pub enum Timeout {
        /// The opening handshake took longer than [`TimersConfig::handshake_deadline`].
        ///
        /// There is no WebSocket to close yet: drop the transport. A server that has the request can reject
        /// it with 408.
        Handshake => "the opening handshake took too long; check the address of the endpoint",
        /// There was no sign of life for [`TimersConfig::pong_timeout`] after a ping: nothing was received,
        /// and the transport took no bytes if any waited.
        ///
        /// A Close would not reach the peer: drop the transport and report
        /// [`CloseCode::ABNORMAL`](crate::CloseCode::ABNORMAL).
        Pong => "nothing was received after a ping; drop the transport and connect again",
        /// No message was received for [`TimersConfig::idle_deadline`].
        ///
        /// The peer still answers: begin the closing handshake, with
        /// [`CloseCode::TIMEOUT`](crate::CloseCode::TIMEOUT) or
        /// [`CloseCode::GOING_AWAY`](crate::CloseCode::GOING_AWAY). Then poll once more: the close deadline
        /// counts from the first poll with `State::Closing`.
        Idle => "no message was received for too long; close the connection, or raise idle_deadline",
        /// The closing handshake took longer than [`TimersConfig::close_deadline`].
        ///
        /// Drop the transport: there is nothing left to send.
        Close => "the peer did not finish the closing handshake in time; drop the transport",
    }
}

into_io_error!(Timeout: |_| std::io::ErrorKind::TimedOut);

/// The state of the last poll, with the times from which its limits count. In `Open`, both times are at first
/// the time of the opening. `pinged` is the time at which the last ping was due or written; while that ping
/// waits, it is the time of the last sign of life.
#[derive(Clone, Copy, Debug)]
enum Countdown {
    Connecting { since: Instant },
    Open { message: Instant, pinged: Instant, ping: Ping },
    Closing { since: Instant },
    Closed,
    GivenUp { state: State, timeout: Timeout },
}

/// The fate of the last keepalive ping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ping {
    /// No ping was sent, its pong has arrived, or it was refused and no bytes wait to be written.
    None,
    /// The ping ends this many bytes after the last byte that the transport took.
    Queued { ahead: u32 },
    /// The ping found no room, and bytes wait to be written.
    Refused,
    /// The ping found no room, and bytes were written since.
    Due,
    /// There was no sign of life since the ping was written. `is_full`: the transport takes no more bytes.
    Unanswered { is_full: bool },
    /// There was a sign of life since the ping was written, but no pong.
    Overtaken,
}

impl Countdown {
    const fn enter(state: State, now: Instant) -> Self {
        match state {
            State::Connecting => Self::Connecting { since: now },
            State::Open => Self::Open { message: now, pinged: now, ping: Ping::None },
            State::Closing => Self::Closing { since: now },
            State::Closed => Self::Closed,
        }
    }

    const fn state(&self) -> State {
        match self {
            Self::Connecting { .. } => State::Connecting,
            Self::Open { .. } => State::Open,
            Self::Closing { .. } => State::Closing,
            Self::Closed => State::Closed,
            Self::GivenUp { state, .. } => *state,
        }
    }
}
