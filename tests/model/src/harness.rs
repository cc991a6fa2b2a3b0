//! Compares a connection with the model, step by step.

mod calls;
mod received;

use crate::case::{RX, Setup, Side, Storage as Kind, TX, content};
use crate::inflate::Inflater;
use crate::outgoing::{Frame, Outgoing};
use crate::peer::Peer;
use crate::receiver::{Limits, Receiver, Seen, close_code};
use crate::sender::{Fragments, Model, Phase};
use arbitrary::{Result, Unstructured};
use rand::SeedableRng;
use rand::rngs::StdRng;
pub use received::receive;
use sansws::deflate::Pool;
use sansws::{
    Borrowed, Client, Compress, Connection, Event, EventKind, Fixed, FramesOnly, Heap, Limit,
    OUTGOING_RESERVE, Role, SendError, Sender, Server, Storage, Violation,
};

/// The most steps of a conversation.
const MAX_STEPS: usize = 300;

/// Runs the conversation that these bytes describe. If `is_traced`, its steps are printed.
pub fn run(bytes: &[u8], is_traced: bool) {
    // Too few bytes describe a shorter conversation.
    let _ = converse(&mut Unstructured::new(bytes), is_traced);
}

fn converse(u: &mut Unstructured<'_>, is_traced: bool) -> Result<()> {
    let setup = Setup::new(u)?;
    if is_traced {
        eprintln!("{setup:?}");
    }
    let (config, agreed) = (setup.config(), setup.agreed());
    let client = || Client::new(StdRng::seed_from_u64(7));
    let (mut receive, mut send) = ([0; RX], [0; TX]);
    macro_rules! with {
        ($role:expr, $storage:expr) => {
            Harness::new(Connection::after_handshake_in($role, config, agreed, $storage), setup, is_traced)
                .run(u)
        };
    }
    match (setup.side, setup.storage) {
        (Side::Server, Kind::Heap) => with!(Server, Heap),
        (Side::Client, Kind::Heap) => with!(client(), Heap),
        (Side::Server, Kind::Fixed) => with!(Server, Fixed::<RX, TX>),
        (Side::Client, Kind::Fixed) => with!(client(), Fixed::<RX, TX>),
        (Side::Server, Kind::FixedFramesOnly) => with!(FramesOnly::new(Server), Fixed::<RX, TX>),
        (Side::Client, Kind::FixedFramesOnly) => with!(FramesOnly::new(client()), Fixed::<RX, TX>),
        (Side::Server, Kind::Borrowed) => with!(Server, Borrowed::new(&mut receive, &mut send)),
        (Side::Client, Kind::Borrowed) => with!(client(), Borrowed::new(&mut receive, &mut send)),
    }
}

/// How bytes reach the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Receive,
    /// `find_event` and `view`.
    Tokens,
    /// Into the receive buffer of the connection, if it offers that; otherwise as `Receive`.
    InPlace,
}

struct Harness<R: Role, S: Storage> {
    connection: Connection<R, S>,
    setup: Setup,
    peer: Peer,
    receiver: Receiver,
    model: Model,
    outgoing: Outgoing,
    /// The events of the model that the connection has not reported yet.
    expected: Vec<Seen>,
    /// Whether the connection has reported a part of the current message.
    has_part: bool,
    /// The payload of the last ping, if the connection still has to answer it.
    ping: Option<Vec<u8>>,
    pool: Pool,
    is_traced: bool,
}

/// What happened to an event.
struct Reported {
    seen: Seen,
    /// The length of the outgoing bytes when the connection reported it.
    queued: usize,
    /// The result of sending the message back, if that was tried.
    echo: Option<core::result::Result<(), SendError>>,
}

impl Reported {
    fn new<R: Role, S: Storage>(event: Event<'_>, tx: &mut Sender<R, S>, echoes: bool) -> Self {
        let queued = tx.outgoing_len();
        let seen = match event {
            Event::Message(message) => Seen::Message(message.kind(), message.as_bytes().to_vec()),
            Event::Part(part) => Seen::Part {
                kind: part.data.kind(),
                bytes: part.data.as_bytes().to_vec(),
                is_first: part.is_first,
                is_last: part.is_last,
            },
            Event::Ping(payload) => Seen::Ping(payload.to_vec()),
            Event::Pong(payload) => Seen::Pong(payload.to_vec()),
            Event::Close(close) => Seen::Close(close.code.into(), close.reason.to_owned()),
            Event::Failed => Seen::Failed(tx.error().expect("a failed connection has an error")),
            other => panic!("there is no handshake: {other:?}"),
        };
        let echo = match event {
            Event::Message(message) if echoes => Some(tx.message(message)),
            _ => None,
        };
        Self { seen, queued, echo }
    }
}

impl<R: Role, S: Storage> Harness<R, S> {
    fn new(connection: Connection<R, S>, setup: Setup, is_traced: bool) -> Self {
        let is_heap = setup.storage == Kind::Heap;
        let is_server = setup.side == Side::Server;
        // A message in parts needs no buffer, and a buffer on the heap holds less than 4 GiB.
        let capacity = match is_heap {
            _ if setup.in_parts => u64::MAX,
            true => u32::MAX.into(),
            false => RX as u64,
        };
        let no_limit = |limit: usize| if limit == usize::MAX { u64::MAX } else { limit as u64 };
        let limits = Limits {
            max_message: no_limit(setup.max_message).min(capacity),
            max_frame: no_limit(setup.max_frame),
            max_fragments: setup.max_fragments as u64,
            in_parts: setup.in_parts,
        };
        let max_outgoing =
            if is_heap { setup.max_outgoing } else { setup.max_outgoing.min(TX - OUTGOING_RESERVE) };
        let inflater = |bits, takeover| Inflater::new(bits, takeover);
        let from_peer = setup.deflate.map(|deflate| inflater(deflate.peer_bits, deflate.peer_takeover));
        let from_us = setup.deflate.map(|deflate| inflater(deflate.own_bits, deflate.own_takeover));
        let mut harness = Self {
            connection,
            peer: Peer::new(&setup),
            receiver: Receiver::new(limits, is_server, from_peer),
            model: Model::new(is_server, max_outgoing),
            outgoing: Outgoing::new(!is_server, from_us),
            expected: Vec::new(),
            has_part: false,
            ping: None,
            pool: Pool::new(1),
            is_traced,
            setup,
        };
        if harness.setup.deflate.is_some_and(|deflate| deflate.pooled) {
            harness.connection.set_deflate_pool(&harness.pool).unwrap();
        }
        harness
    }

    fn run(mut self, u: &mut Unstructured<'_>) -> Result<()> {
        for _ in 0..MAX_STEPS {
            if u.is_empty() {
                break;
            }
            self.step(u)?;
            self.check();
        }
        self.finish();
        Ok(())
    }

    /// Another connection uses the only codecs of the pool. So the next message of this connection meets
    /// codecs whose context is not its own. A message that is under way keeps its codec.
    fn use_pool_elsewhere(&self) {
        const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let Some(deflate) = self.setup.deflate.filter(|deflate| deflate.pooled) else { return };
        let mut compressor = self.pool.take_compressor(deflate.level, deflate.own_bits).unwrap();
        assert_eq!(compressor.finish(b"Hello", &mut [0; 100]).produced, HELLO.len());
        self.pool.give_compressor(compressor);
        let mut decompressor = self.pool.take_decompressor().unwrap();
        assert_eq!(decompressor.decompress(&HELLO, &mut [0; 100]).map(|step| step.produced), Ok(5));
        decompressor.finish().unwrap();
        self.pool.give_decompressor(decompressor);
    }

    /// In the end everything arrives and leaves.
    fn finish(mut self) {
        let len = self.peer.sent.len();
        self.feed(len, Way::Receive, false);
        self.check();
        self.send_out(usize::MAX);
        self.check();
        self.end_transport();
        self.check();
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let choice: u8 = u.int_in_range(0..=31)?;
        self.trace(choice);
        if choice % 2 == 0 {
            self.use_pool_elsewhere();
        }
        match choice {
            0..=9 => self.peer.act(u)?,
            10..=16 => {
                let waiting = self.peer.sent.len();
                let len = match u.int_in_range(0..=3)? {
                    0 => waiting,
                    1 => waiting.min(1),
                    _ => u.int_in_range(0..=waiting)?,
                };
                let way = *u.choose(&[Way::Receive, Way::Receive, Way::Tokens, Way::Tokens, Way::InPlace])?;
                let echoes = u.arbitrary()?;
                self.feed(len, way, echoes);
            }
            17 | 18 => {
                let len = u.int_in_range(0..=self.outgoing.unsent.len() + 1)?;
                self.send_out(len);
            }
            19 => self.send_out(usize::MAX),
            20 => self.connection.release_buffers(),
            21..=23 => self.send_message(u)?,
            24 | 25 => self.send_fragment(u)?,
            26 => self.send_control(u)?,
            27 => self.send_elsewhere(u)?,
            28 if u.ratio(1, 4)? => self.send_close(u)?,
            29 if u.ratio(1, 20)? => self.end_transport(),
            30 => {
                // Without a loan this call does nothing.
                let _ = self.connection.receive_buffer().map(|room| room.len());
            }
            31 if u.ratio(1, 4)? => self.ping_and_write(u)?,
            _ => {}
        }
        Ok(())
    }

    fn trace(&self, step: u8) {
        if self.is_traced {
            let (queued, waiting) = (self.outgoing.unsent.len(), self.peer.sent.len());
            let Self { model, ping, .. } = self;
            eprintln!(
                "step {step}: {:?}, {queued} bytes queued, {waiting} to receive, {ping:?}",
                model.phase
            );
        }
    }

    /// Everything that the connection tells about itself.
    fn check(&mut self) {
        let connection = &mut self.connection;
        assert_eq!(connection.outgoing(), self.outgoing.unsent, "outgoing bytes have changed");
        let queued = self.outgoing.unsent.len();
        assert!(queued <= self.model.max_outgoing + OUTGOING_RESERVE, "{queued} bytes wait");
        assert_eq!(connection.state(), self.model.state(queued));
        assert_eq!(connection.error(), self.model.error());
        assert_eq!(connection.result().err(), self.model.error());
        assert_eq!(connection.should_disconnect(), self.model.should_disconnect(queued));
        assert_eq!(connection.is_closed_cleanly(), self.model.is_closed_cleanly(queued));
        assert_eq!(connection.close_code(), self.model.close_code(queued));
        let close = connection.peer_close().map(|close| (close.code.into(), close.reason.to_owned()));
        assert_eq!(close, self.model.peer_close);
        assert_eq!(connection.deflate().is_some(), self.setup.deflate.is_some());
        let tx = connection.sender();
        assert_eq!(tx.outgoing_len(), queued);
        assert_eq!(tx.room(), self.model.room(queued));
        assert_eq!(tx.max_room(), self.model.room(0));
    }

    /// The next bytes of the peer arrive.
    fn feed(&mut self, len: usize, way: Way, echoes: bool) {
        let mut sent: Vec<u8> = self.peer.sent.drain(..len).collect();
        let original = sent.clone();
        let mut start = 0;
        if way == Way::InPlace {
            if let Some(room) = self.connection.receive_buffer() {
                assert!(!room.is_empty(), "the connection offers a buffer without room");
                start = original.len().min(room.len());
                room[..start].copy_from_slice(&original[..start]);
                self.connection.mark_received(start);
                self.model_receives(&original[..start]);
            }
        }
        loop {
            let (consumed, reported) = if way == Way::Tokens {
                let (consumed, token) = self.connection.find_event(&mut sent[start..]);
                let reported = token.map(|token| {
                    let (event, tx) = self.connection.view(token, &sent[start..]);
                    assert_eq!(event.kind(), token.kind(), "the token has another kind than its event");
                    Reported::new(event, tx, echoes)
                });
                (consumed, reported)
            } else {
                let mut input = &mut sent[start..];
                let before = input.len();
                let reported =
                    self.connection.receive(&mut input).map(|(event, tx)| Reported::new(event, tx, echoes));
                (before - input.len(), reported)
            };
            self.model_receives(&original[start..start + consumed]);
            start += consumed;
            let Some(reported) = reported else { break };
            if matches!(reported.seen, Seen::Failed(_)) {
                // A connection that fails does not say at which byte.
                self.model_receives(&original[start..]);
            }
            self.reported(reported);
        }
        assert_eq!(start, original.len(), "the connection reports nothing, and leaves input");
        assert_eq!(self.expected, [], "the connection has not reported this");
        let frames = self.outgoing.new_frames(self.connection.outgoing());
        assert_eq!(frames, [], "the connection sends frames without a reason");
        // `receive` has ended each loan, so a call that comes late does nothing.
        self.connection.mark_received(len % 5);
    }

    fn model_receives(&mut self, bytes: &[u8]) {
        if matches!(self.model.phase, Phase::Open | Phase::CloseSent) {
            for &byte in bytes {
                self.receiver.byte(byte, &mut self.expected);
            }
        }
    }

    /// The connection has reported an event: the model expects the same, and the frames that answer it.
    fn reported(&mut self, Reported { seen, queued, echo }: Reported) {
        let outgoing = self.connection.outgoing();
        let had_nothing_queued = self.outgoing.unsent.is_empty();
        let automatic = self.outgoing.new_frames(&outgoing[..queued]);
        let echoed = self.outgoing.new_frames(outgoing);
        self.expect(&seen);
        match seen {
            Seen::Ping(payload) => {
                if self.setup.auto_pong && self.model.may_pong().is_ok() {
                    self.ping = Some(payload);
                }
                self.answered(&automatic);
                assert!(self.ping.is_none() || !had_nothing_queued, "a pong waits for no reason");
            }
            Seen::Close(code, reason) => {
                let is_answer = self.model.phase == Phase::Open;
                self.model.peer_close = Some((code, reason));
                self.model.phase = Phase::CloseExchanged;
                let body = if code == 1005 { Vec::new() } else { code.to_be_bytes().to_vec() };
                let answer = Frame { first: 0x88, payload: body };
                assert_eq!(automatic, Vec::from_iter(is_answer.then_some(answer)));
                self.ping = None;
            }
            Seen::Failed(error) => {
                let code = close_code(error).filter(|_| self.model.phase == Phase::Open);
                let close = code.map(|code| Frame { first: 0x88, payload: code.to_be_bytes().to_vec() });
                assert_eq!(automatic, Vec::from_iter(close), "{error:?}");
                self.model.phase = Phase::Failed(error);
                self.ping = None;
            }
            Seen::Message(kind, bytes) => {
                assert_eq!(automatic, []);
                if let Some(result) = echo {
                    self.message_sent(kind, &bytes, queued, Compress::Auto, result, &echoed);
                }
            }
            Seen::Part { .. } | Seen::Pong(_) => assert_eq!(automatic, []),
        }
    }

    /// Takes an event off the front of what the model expects.
    fn expect(&mut self, seen: &Seen) {
        if *seen == Seen::Failed(Limit::FinalBlocks.into()) {
            // The library documents this limit as a thousand blocks ahead of the bytes that pay for them.
            let blocks = self.receiver.inflater.as_ref().map_or(0, |inflater| inflater.final_blocks);
            assert!(blocks >= 1000, "only {blocks} final blocks");
            self.receiver.is_done = true;
            self.expected.clear();
            return;
        }
        let Seen::Part { kind, bytes, is_first, is_last } = seen else {
            assert!(!self.expected.is_empty(), "the model has nothing, the connection {seen:?}");
            assert_eq!(*seen, self.expected.remove(0));
            return;
        };
        assert_eq!(*is_first, !self.has_part, "`is_first` is wrong");
        self.has_part = !is_last;
        if bytes.is_empty() && !is_last {
            return;
        }
        let Some(Seen::Part { kind: expected_kind, bytes: expected, is_last: ends, .. }) =
            self.expected.first_mut()
        else {
            panic!("the model has {:?}, the connection {seen:?}", self.expected.first());
        };
        assert_eq!(kind, expected_kind);
        assert!(expected.starts_with(bytes), "the content of a part is wrong");
        expected.drain(..bytes.len());
        if *is_last {
            assert!(*ends && expected.is_empty(), "the message ends too early");
        }
        if expected.is_empty() && *is_last == *ends {
            self.expected.remove(0);
        }
    }

    /// An automatic pong answers the last ping, and with it all earlier ones (section 5.5.3). So pongs do not
    /// overtake each other.
    fn answered(&mut self, pongs: &[Frame]) {
        if !pongs.is_empty() {
            let payload = self.ping.take().expect("a pong answers a ping");
            assert_eq!(pongs, [Frame { first: 0x8a, payload }]);
        }
    }

    /// The transport takes some of the outgoing bytes.
    fn send_out(&mut self, len: usize) {
        self.connection.mark_sent(len);
        self.outgoing.sent(len);
        let frames = self.outgoing.new_frames(self.connection.outgoing());
        self.answered(&frames);
        if self.outgoing.unsent.is_empty() {
            assert_eq!(self.ping, None, "nothing is queued, but a ping was not answered");
        }
    }

    fn end_transport(&mut self) {
        let event = self.connection.receive_eof().map(|event| event.kind());
        let result = match &self.model.phase {
            Phase::Open | Phase::CloseSent => Err(Violation::UnexpectedEof.into()),
            Phase::CloseExchanged => Ok(()),
            Phase::Failed(error) => Err(*error),
            Phase::Ended(result) => *result,
        };
        let fails = matches!(self.model.phase, Phase::Open | Phase::CloseSent);
        assert_eq!(event, fails.then_some(EventKind::Failed));
        self.model.phase = Phase::Ended(result);
        self.peer.sent.clear();
    }

    /// Asserts that a call has queued exactly these frames. Their payloads are not compressed.
    fn assert_queued(&mut self, frames: &[Frame]) {
        assert_eq!(self.outgoing.new_frames(self.connection.outgoing()), frames);
    }
}
