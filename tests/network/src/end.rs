//! One end: a connection, its timers and its embedder. The embedder does what the documentation demands, at
//! any time and in any order.

mod calls;
mod reading;

use crate::allocator::{held, library, take_peak};
use crate::book::{Book, Item};
use crate::link::Link;
use crate::plan::{Call, Decision, RX, SidePlan, Storage as Kind, TX};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sansws::deflate::{DeflateParams, Pool};
use sansws::timers::{Action, Timeout, Timers};
use sansws::{
    Accept, Borrowed, Client, CloseCode, Connection, DataKind, Error, Fixed, Heap, Reply, Role, SendError,
    Server, State, Storage,
};
use std::collections::VecDeque;
use std::time::Duration;

/// How long an end waits for the end of the transport if no timer does, in milliseconds. It is longer than
/// all deadlines together, because a living peer must not need it.
const LINGER: u64 = 3_000_000_000;

/// The most memory of one compressor and one decompressor, in bytes.
const CODECS: usize = (288 + 47 + 32 + 1) * 1024;

/// A transport in one direction, and the account of what it carries.
pub struct Direction {
    pub link: Link,
    pub book: Book,
}

/// What an end shows to the run.
pub struct Report<'a> {
    pub plan: &'a SidePlan,
    pub state: State,
    pub error: Option<Error>,
    pub close_code: Option<CloseCode>,
    pub peer_close: Option<(u16, String)>,
    pub is_clean: bool,
    pub subprotocol: Option<String>,
    pub deflate: Option<DeflateParams>,
    pub history: History,
}

/// What has happened to an end. Times are in milliseconds.
#[expect(clippy::struct_excessive_bools, reason = "each is an observation of its own")]
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    pub is_done: bool,
    pub was_open: bool,
    pub given_up: Option<(u64, Timeout)>,
    /// When bytes arrived the last time, or the transport took some.
    pub sign_of_life: u64,
    /// When the closing handshake began.
    pub closing_since: Option<u64>,
    /// When the end stopped waiting for the end of the transport without a timer.
    pub lingered: bool,
    /// Whether an allocation has failed in a call of this end.
    pub lacked_memory: bool,
}

pub trait Peer {
    /// When this end has something to do.
    fn wakes_at(&self, now: u64, input: &Link, output: &Link) -> Option<u64>;

    /// One turn of the loop of the embedder.
    fn turn(&mut self, now: u64, input: &mut Direction, output: &mut Direction);

    fn report(&self) -> Report<'_>;
}

/// How a role answers a request.
pub trait Decide: Role + Sized {
    fn decide<S: Storage>(connection: &mut Connection<Self, S>, decision: Decision) -> Result<(), SendError>;
}

/// The body of a refusal.
pub fn refusal_body(len: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(len).collect()
}

impl Decide for Server {
    fn decide<S: Storage>(connection: &mut Connection<Self, S>, decision: Decision) -> Result<(), SendError> {
        match decision {
            Decision::Accept { subprotocol } => {
                let accept = subprotocol.map_or(Accept::new(), |name| Accept::new().subprotocol(name));
                library(|| connection.sender().accept(&accept))
            }
            Decision::Reject { status, body } => {
                let body = refusal_body(body);
                library(|| connection.sender().reject(&Reply::new(status).body(&body)))
            }
        }
    }
}

impl Decide for Client<StdRng> {
    fn decide<S: Storage>(_: &mut Connection<Self, S>, _: Decision) -> Result<(), SendError> {
        unreachable!("a client receives no request");
    }
}

/// How the embedder takes bytes that it writes later. Only buffers on the heap can be taken.
pub trait Memory: Storage {
    fn take_outgoing<R: Role>(connection: &mut Connection<R, Self>) -> Vec<u8>
    where
        Self: Sized;
}

impl Memory for Heap {
    fn take_outgoing<R: Role>(connection: &mut Connection<R>) -> Vec<u8> {
        connection.take_outgoing(Vec::new())
    }
}

impl Memory for Fixed<RX, TX> {
    fn take_outgoing<R: Role>(_: &mut Connection<R, Self>) -> Vec<u8> {
        Vec::new()
    }
}

impl Memory for Borrowed<'_> {
    fn take_outgoing<R: Role>(_: &mut Connection<R, Self>) -> Vec<u8> {
        Vec::new()
    }
}

pub struct End<'p, R: Role, S: Storage> {
    connection: Connection<R, S>,
    plan: &'p SidePlan,
    rng: StdRng,
    timers: Timers,
    is_traced: bool,
    history: History,
    /// Bytes that were read and not consumed, because a request waits for its answer.
    inbox: Vec<u8>,
    next_read: u64,
    input_ended: bool,
    /// When the request is answered.
    decides_at: Option<u64>,
    /// Bytes that the connection no longer holds and the embedder still has to write.
    raw: Vec<u8>,
    script: VecDeque<(u64, Call)>,
    next_call: u64,
    /// The next call waits until bytes were written.
    is_blocked: bool,
    /// The message that is being sent in fragments, and the number of bytes that were sent.
    message: Option<(DataKind, Vec<u8>, usize)>,
    /// Pings that the embedder has to answer.
    pings: VecDeque<Vec<u8>>,
    peer_close: Option<(u16, String)>,
    lingers_until: Option<u64>,
    pool: Pool,
    calls: u32,
    /// The bytes that this end holds, and the most of them that had to wait for the transport.
    held: isize,
    most_outgoing: usize,
    /// The most bytes that the embedder took in calls of this turn.
    embedders: usize,
}

impl<'p, R: Decide, S: Memory> End<'p, R, S> {
    /// The memory that `connection` has taken already is `held`.
    pub fn new(connection: Connection<R, S>, plan: &'p SidePlan, held: isize, is_traced: bool) -> Self {
        let mut script = VecDeque::from(plan.script.clone());
        let next_call = script.front_mut().map_or(0, |(delay, _)| *delay);
        Self {
            most_outgoing: connection.outgoing().len(),
            connection,
            plan,
            rng: StdRng::seed_from_u64(plan.seed),
            timers: Timers::new(plan.timers, Duration::ZERO),
            is_traced,
            history: History::default(),
            inbox: Vec::new(),
            next_read: 0,
            input_ended: false,
            decides_at: None,
            raw: Vec::new(),
            script,
            next_call,
            is_blocked: false,
            message: None,
            pings: VecDeque::new(),
            peer_close: None,
            lingers_until: None,
            pool: Pool::new(1),
            calls: 0,
            held,
            embedders: 0,
        }
    }

    fn trace(&self, now: u64, text: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{now:8} ms  {}: {}", self.plan.name, text());
        }
    }

    fn has_backlog(&self) -> bool {
        !self.raw.is_empty() || !self.connection.outgoing().is_empty()
    }

    fn may_call(&self) -> bool {
        self.connection.state() == State::Open && !self.is_blocked && !self.script.is_empty()
    }

    fn answer_request(&mut self, now: u64, output: &mut Direction) {
        if self.decides_at.is_none_or(|at| at > now) {
            return;
        }
        self.decides_at = None;
        if self.input_ended {
            return;
        }
        let result = R::decide(&mut self.connection, self.plan.decision);
        self.trace(now, || format!("answers the request: {result:?}"));
        match result {
            Ok(()) => self.consume(now, output),
            Err(SendError::Memory) => {
                self.note_shortage();
                self.decides_at = Some(now + 1);
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Writes as much as the transport takes.
    fn write(&mut self, now: u64, output: &mut Direction) {
        self.most_outgoing = self.most_outgoing.max(self.connection.outgoing().len());
        if output.link.is_shut {
            self.raw.clear();
            library(|| self.connection.mark_sent(usize::MAX));
            return;
        }
        while self.has_backlog() && !output.link.is_struck() {
            let bytes = if self.raw.is_empty() { self.connection.outgoing() } else { &self.raw };
            let most = self.plan.write.min(output.link.until_strike());
            let len = bytes.len().min(output.link.room()).min(most);
            let late = self.rng.random_range(0..=output.link.plan.jitter);
            output.link.write(now, &bytes[..len], late);
            if self.raw.is_empty() {
                library(|| self.connection.mark_sent(len));
            } else {
                self.raw.drain(..len);
            }
            self.timers.sent(Duration::from_millis(now), len);
            if len == 0 {
                break;
            }
            self.trace(now, || format!("writes {len} bytes"));
            self.history.sign_of_life = now;
            self.is_blocked = false;
            self.answer_pings();
        }
    }

    fn poll_timers(&mut self, now: u64, output: &mut Direction) {
        let time = Duration::from_millis(now);
        let state = self.connection.state();
        match self.timers.poll(time, state) {
            Action::SendPing(payload) => {
                let result = library(|| self.connection.sender().ping(&payload));
                self.trace(now, || format!("keepalive ping: {result:?}"));
                let outgoing_len = self.connection.outgoing().len() + self.raw.len();
                match result {
                    Ok(()) => {
                        output.book.sent.push(Item::Ping(payload.to_vec()));
                        self.timers.ping_queued(outgoing_len);
                        self.write(now, output);
                    }
                    Err(error @ (SendError::NotNow | SendError::Memory)) => {
                        if error == SendError::Memory {
                            self.note_shortage();
                        }
                        self.timers.ping_refused(outgoing_len);
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            Action::GiveUp(timeout) => {
                self.trace(now, || format!("gives up: {timeout:?}"));
                self.history.given_up = Some((now, timeout));
            }
            _ => {}
        }
        if state == State::Closing && self.history.closing_since.is_none() {
            self.history.closing_since = Some(now);
        }
    }

    /// Ends the transport in the order that the documentation of `should_disconnect` demands.
    fn disconnect(&mut self, now: u64, input: &mut Direction, output: &mut Direction) {
        if self.history.given_up.is_some() {
            self.end_input(now);
            input.link.lose_all();
            output.link.reset(now);
            output.link.is_shut = true;
            self.history.is_done = true;
            return;
        }
        if self.connection.should_disconnect() {
            self.lingers_until.get_or_insert(now + LINGER);
            if !self.has_backlog() {
                output.link.shut(now);
            }
        }
        self.history.lingered = self.lingers_until.is_some_and(|until| until <= now);
        if self.history.lingered || (self.input_ended && output.link.is_shut) {
            self.end_input(now);
            output.link.shut(now);
            input.link.lose_all();
            self.history.is_done = true;
            self.trace(now, || "is done".to_string());
        }
    }

    /// Asserts what the documentation of `Heap`, `Fixed` and `Borrowed` says about memory, at every moment of
    /// a turn.
    fn check_memory(&self, peak: isize, longest_received: usize) {
        // An end that has failed no longer knows what it has agreed on.
        let compresses = self.connection.deflate().is_some() || self.connection.error().is_some();
        let codecs = if compresses { CODECS } else { 0 };
        let (held, peak) = (usize::try_from(self.held).unwrap(), usize::try_from(peak).unwrap());
        if self.is_traced {
            eprintln!("{:14}{}: {held} bytes are held, {peak} at the peak", "", self.plan.name);
        }
        let (held, peak) = (held.saturating_sub(codecs), peak.saturating_sub(codecs + self.embedders));
        if self.plan.storage != Kind::Heap {
            // The settings of compression are on the heap.
            assert!(peak <= 1024, "{peak} bytes are held without buffers on the heap");
            return;
        }
        // A head has less than a KiB, and a large message can be lent 16 KiB before its bytes arrive.
        let received = longest_received.max(1024) + if longest_received > 16 * 1024 { 16 * 1024 } else { 0 };
        let small = 4 * 192 + 512;
        let (twice, thrice) = (2 * received.max(self.plan.keeps), 3 * received.max(self.plan.keeps));
        assert!(held <= twice + 2 * self.most_outgoing.max(self.plan.keeps) + small, "{held} bytes are held");
        assert!(
            peak <= thrice + 3 * self.most_outgoing.max(self.plan.keeps) + small,
            "{peak} bytes at the peak"
        );
    }

    fn note_shortage(&mut self) {
        self.history.lacked_memory = true;
    }
}

impl<R: Decide, S: Memory> Peer for End<'_, R, S> {
    fn wakes_at(&self, now: u64, input: &Link, output: &Link) -> Option<u64> {
        if self.history.is_done {
            return None;
        }
        let is_waiting = self.decides_at.is_some();
        let reads = input
            .next_arrival()
            .filter(|_| !self.input_ended && !is_waiting)
            .map(|at| at.max(self.next_read));
        let writes = (self.has_backlog() && output.room() > 0 && !output.is_shut).then_some(now);
        let calls = self.may_call().then_some(self.next_call);
        // A loop with a coarser clock rounds up.
        let timers =
            self.timers.next_deadline().map(|at| u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap());
        [reads, writes, calls, timers, self.decides_at, self.lingers_until].into_iter().flatten().min()
    }

    fn turn(&mut self, now: u64, input: &mut Direction, output: &mut Direction) {
        let before = held();
        take_peak();
        self.embedders = 0;
        self.read(now, input, output);
        self.answer_request(now, output);
        self.answer_pings();
        while self.may_call() && self.next_call <= now {
            self.call(now, output);
            self.most_outgoing = self.most_outgoing.max(self.connection.outgoing().len());
        }
        self.write(now, output);
        self.poll_timers(now, output);
        self.disconnect(now, input, output);
        let peak = self.held + (take_peak() - before);
        self.held += held() - before;
        self.check_memory(peak, input.book.longest());
    }

    fn report(&self) -> Report<'_> {
        let connection = &self.connection;
        Report {
            plan: self.plan,
            state: connection.state(),
            error: connection.error(),
            close_code: connection.close_code(),
            peer_close: connection.peer_close().map(|close| (close.code.into(), close.reason.to_owned())),
            is_clean: connection.is_closed_cleanly(),
            subprotocol: connection.subprotocol().map(str::to_owned),
            deflate: connection.deflate(),
            history: self.history,
        }
    }
}
