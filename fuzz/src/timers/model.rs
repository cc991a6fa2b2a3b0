//! What timers have to do, in whole nanoseconds.

use arbitrary::{Result, Unstructured};
use sansws::State;
use sansws::timers::{Action, Timeout, TimersConfig};
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    handshake: Option<Duration>,
    ping: Option<Duration>,
    pong: Option<Duration>,
    idle: Option<Duration>,
    close: Option<Duration>,
}

impl Limits {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut limit = || {
            Ok(match u.int_in_range(0..=7)? {
                0 => None,
                1 => Some(Duration::ZERO),
                2 => Some(Duration::from_nanos(u.arbitrary::<u32>()?.into())),
                3 => Some(Duration::new(u.arbitrary()?, u.int_in_range(0..=999_999_999)?)),
                _ => Some(Duration::from_millis(u.arbitrary::<u16>()?.into())),
            })
        };
        Ok(Self { handshake: limit()?, ping: limit()?, pong: limit()?, idle: limit()?, close: limit()? })
    }

    pub fn config(&self) -> TimersConfig {
        TimersConfig::new()
            .handshake_deadline(self.handshake)
            .ping_interval(self.ping)
            .pong_timeout(self.pong)
            .idle_deadline(self.idle)
            .close_deadline(self.close)
    }
}

/// The time at which a limit has passed: it is rounded up to milliseconds, at least 1 and at most 49 days.
fn after(start: u64, limit: Option<Duration>) -> Option<u64> {
    let millis = limit?.as_nanos().div_ceil(1_000_000).clamp(1, u32::MAX.into());
    Some(start + u64::try_from(millis).expect("49 days at most") * 1_000_000)
}

/// A ping that was asked for.
#[derive(Clone, Copy, Debug)]
struct Ping {
    /// The last moment at which the ping, or bytes in front of it, moved on, or the peer sent bytes while it
    /// waited.
    moved: u64,
    /// The bytes up to its end that the transport has not taken.
    ahead: u64,
    /// The transport was full after the ping.
    is_full: bool,
    /// There was a sign of life after the ping was written.
    has_life: bool,
    is_refused: bool,
    /// It was refused, and since then the transport took bytes.
    is_due: bool,
    is_answered: bool,
}

impl Ping {
    fn is_silent(&self) -> bool {
        !self.has_life && !self.is_answered
    }
}

#[derive(Debug)]
pub struct Model {
    limits: Limits,
    /// The latest time that the timers were told.
    now: u64,
    state: State,
    /// The time of the first poll in this state.
    since: u64,
    message: u64,
    ping: Option<Ping>,
    pings: u32,
    given_up: Option<Timeout>,
}

impl Model {
    pub fn new(limits: Limits, now: u64) -> Self {
        let state = State::Connecting;
        Self { limits, now, state, since: now, message: now, ping: None, pings: 0, given_up: None }
    }

    /// A time in the past counts as the latest one.
    fn advance(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        self.now
    }

    pub fn payload(&self) -> [u8; 4] {
        self.pings.to_be_bytes()
    }

    pub fn received(&mut self, now: u64) {
        let now = self.advance(now);
        if let Some(ping) = &mut self.ping {
            if ping.is_refused || ping.ahead > 0 {
                if !ping.is_answered {
                    ping.moved = now;
                }
            } else {
                ping.has_life = true;
            }
        }
    }

    pub fn sent(&mut self, now: u64, len: u64) {
        let now = self.advance(now);
        let Some(ping) = self.ping.as_mut().filter(|ping| ping.is_silent()) else { return };
        if ping.is_refused {
            if len > 0 && !ping.is_due {
                ping.moved = now;
                ping.is_due = true;
            }
        } else if ping.ahead > 0 {
            if len > 0 {
                ping.moved = now;
                ping.ahead = ping.ahead.saturating_sub(len);
            }
        } else if len == 0 {
            ping.is_full = true;
        } else if ping.is_full {
            ping.has_life = true;
        }
    }

    pub fn message(&mut self, now: u64) {
        self.message = self.advance(now);
    }

    /// Returns the round trip time.
    pub fn pong(&mut self, now: u64, payload: [u8; 4]) -> Option<u64> {
        let (now, expected) = (self.advance(now), self.payload());
        match &mut self.ping {
            Some(ping) if payload == expected && !ping.is_refused && !ping.is_answered => {
                ping.is_answered = true;
                Some(now - ping.moved)
            }
            _ => {
                self.received(now);
                None
            }
        }
    }

    pub fn ping_queued(&mut self, len: u64) {
        self.ping.as_mut().expect("a ping was asked for").ahead = len;
    }

    pub fn ping_refused(&mut self, len: u64) {
        let ping = self.ping.as_mut().expect("a ping was asked for");
        ping.is_refused = true;
        // Only bytes that are written can make the ping due, so nothing is expected of the peer.
        ping.is_answered = len == 0;
    }

    /// The limits of this state, and when they pass.
    fn timeouts(&self) -> Vec<(u64, Timeout)> {
        let limits = &self.limits;
        let of = |start, limit, timeout| after(start, limit).map(|at| (at, timeout));
        let all = match self.state {
            State::Connecting => [of(self.since, limits.handshake, Timeout::Handshake), None],
            State::Open => {
                let silent = self.ping.filter(Ping::is_silent);
                [
                    silent.and_then(|ping| of(ping.moved, limits.pong, Timeout::Pong)),
                    of(self.message, limits.idle, Timeout::Idle),
                ]
            }
            State::Closing => [of(self.since, limits.close, Timeout::Close), None],
            State::Closed => [None, None],
        };
        all.into_iter().flatten().collect()
    }

    /// The time at which the next ping is due.
    fn next_ping(&self) -> Option<u64> {
        if self.state != State::Open {
            return None;
        }
        match self.ping {
            None => after(self.since, self.limits.ping),
            Some(ping) if ping.is_due => Some(ping.moved),
            Some(ping) if ping.is_silent() && self.limits.pong.is_some() => None,
            Some(ping) => after(ping.moved, self.limits.ping),
        }
    }

    /// The timers have answered a poll with this action.
    pub fn poll(&mut self, now: u64, state: State, action: Action) {
        let now = self.advance(now);
        if state != self.state {
            (self.state, self.since, self.message) = (state, now, now);
            (self.ping, self.given_up) = (None, None);
        }
        if let Some(timeout) = self.given_up {
            assert_eq!(action, Action::GiveUp(timeout));
            return;
        }
        let passed: Vec<_> = self.timeouts().into_iter().filter(|&(at, _)| at <= now).collect();
        match action {
            Action::GiveUp(timeout) => {
                assert!(passed.iter().any(|&(_, other)| other == timeout), "{timeout:?} too early: {self:?}");
                (self.given_up, self.ping) = (Some(timeout), None);
            }
            _ if !passed.is_empty() => panic!("{passed:?} has passed: {action:?} {self:?}"),
            Action::SendPing(payload) => {
                assert!(self.next_ping().is_some_and(|at| at <= now), "a ping too early: {self:?}");
                self.pings += 1;
                assert_eq!(payload, self.payload());
                self.ping = Some(Ping {
                    moved: now,
                    ahead: 0,
                    is_full: false,
                    has_life: false,
                    is_refused: false,
                    is_due: false,
                    is_answered: false,
                });
            }
            Action::Wait => assert!(self.next_ping().is_none_or(|at| at > now), "no ping: {self:?}"),
            other => panic!("a new action: {other:?}"),
        }
    }

    pub fn next_deadline(&self) -> Option<u64> {
        if self.given_up.is_some() {
            return None;
        }
        self.timeouts().into_iter().map(|(at, _)| at).chain(self.next_ping()).min()
    }
}
