//! Two connections and the transport between them: all orders of opening, messages, crossing Closes and lost
//! transports, up to a depth (RFC 6455 sections 4 and 7).
//!
//! This is a breadth-first search over two real connections. A connection cannot be copied, so the search
//! reaches each state by repeating its steps. Two histories count as one state if the ends have written,
//! received and reported the same: an end has no other input.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{
    Accept, Agreed, Client, ClientRequest, Config, Connection, Error, Event, HandshakeError, Heap, Role,
    Server, State, Violation,
};
use std::collections::{HashSet, VecDeque};

type Rng = StdRng;

/// A step of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Message(Who),
    Ping(Who),
    Close(Who),
    /// The server accepts the request that it has seen.
    Accept,
    /// The transport takes all bytes of this end.
    Write(Who),
    /// The transport takes one byte, and the rest waits.
    WriteOne(Who),
    /// One byte arrives at this end.
    One(Who),
    /// All bytes that are on their way to this end arrive, and then the end of the transport, if it is there.
    All(Who),
    /// This end closes its direction of the transport, as `should_disconnect` asks.
    Disconnect(Who),
    /// The transport is lost, with all bytes on their way.
    Lose,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Client,
    Server,
}
use Who::{Client as C, Server as S};

const BOTH: [Who; 2] = [C, S];

/// What an end has done and seen.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Book {
    sent: Vec<&'static str>,
    received: Vec<String>,
    pings: usize,
    pongs: usize,
    /// The code of the first Close that this end has queued by a call.
    own_close: Option<u16>,
    peer_close: Option<u16>,
    failed: bool,
    asked: bool,
    saw_end: bool,
    /// All bytes that this end has written, and how many of them have arrived.
    written: Vec<u8>,
    arrived: usize,
    /// This end has closed its direction.
    is_shut: bool,
}

struct World {
    client: Connection<Client<Rng>, Heap>,
    server: Connection<Server, Heap>,
    books: [Book; 2],
    is_lost: bool,
}

fn text(who: Who) -> &'static str {
    if who == C { "c" } else { "s" }
}

/// Each end closes with a code of its own, so that the codes show whose Close an end has seen.
fn code(who: Who) -> u16 {
    if who == C { 3001 } else { 1000 }
}

impl World {
    fn open() -> Self {
        let role = Client::new(StdRng::seed_from_u64(1));
        Self::new(
            Connection::after_handshake(role, Config::new(), Agreed::NONE),
            Connection::after_handshake(Server, Config::new(), Agreed::NONE),
        )
    }

    fn connecting() -> Self {
        let request = ClientRequest::new("ws://h/").unwrap();
        let rng = StdRng::seed_from_u64(1);
        Self::new(
            Connection::client(&request, Config::new(), rng).unwrap(),
            Connection::server(Config::new()),
        )
    }

    fn new(client: Connection<Client<Rng>, Heap>, server: Connection<Server, Heap>) -> Self {
        Self { client, server, books: [Book::default(), Book::default()], is_lost: false }
    }

    fn state(&self, who: Who) -> State {
        if who == C { self.client.state() } else { self.server.state() }
    }

    fn outgoing(&self, who: Who) -> &[u8] {
        if who == C { self.client.outgoing() } else { self.server.outgoing() }
    }

    fn should_disconnect(&self, who: Who) -> bool {
        if who == C { self.client.should_disconnect() } else { self.server.should_disconnect() }
    }

    fn book(&mut self, who: Who) -> &mut Book {
        &mut self.books[who as usize]
    }

    /// Makes a step. Returns whether the step was possible.
    fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Message(who) => {
                let is_first = self.book(who).sent.is_empty();
                let is_sent = is_first
                    && match who {
                        C => self.client.sender().text(text(who)).is_ok(),
                        S => self.server.sender().text(text(who)).is_ok(),
                    };
                if is_sent {
                    self.book(who).sent.push(text(who));
                }
                is_sent
            }
            Step::Ping(who) => {
                let is_first = self.book(who).pings == 0;
                let is_sent = is_first
                    && match who {
                        C => self.client.sender().ping(b"").is_ok(),
                        S => self.server.sender().ping(b"").is_ok(),
                    };
                self.book(who).pings += usize::from(is_sent);
                is_sent
            }
            Step::Close(who) => {
                let is_sent = match who {
                    C => self.client.sender().close(code(who).into(), "").is_ok(),
                    S => self.server.sender().close(code(who).into(), "").is_ok(),
                };
                if is_sent {
                    self.book(who).own_close = Some(code(who));
                }
                is_sent
            }
            Step::Accept => {
                let is_accepted = self.books[1].asked && self.server.sender().accept(&Accept::new()).is_ok();
                if is_accepted {
                    self.arrive(S, &[]);
                }
                is_accepted
            }
            Step::Write(who) => self.write(who, usize::MAX),
            Step::WriteOne(who) => self.outgoing(who).len() > 1 && self.write(who, 1),
            Step::One(who) => self.on_the_way(who) > 1 && self.deliver(who, 1),
            Step::All(who) => self.deliver(who, usize::MAX),
            Step::Disconnect(who) => {
                let may = !self.is_lost && self.should_disconnect(who) && !self.books[who as usize].is_shut;
                if may {
                    self.book(who).is_shut = true;
                }
                may
            }
            Step::Lose => {
                let may = !self.is_lost;
                self.is_lost = true;
                if may {
                    self.end(C);
                    self.end(S);
                }
                may
            }
        }
    }

    fn write(&mut self, who: Who, len: usize) -> bool {
        let bytes = self.outgoing(who);
        let bytes = bytes[..len.min(bytes.len())].to_vec();
        if bytes.is_empty() || self.is_lost || self.books[who as usize].is_shut {
            return false;
        }
        match who {
            C => self.client.mark_sent(bytes.len()),
            S => self.server.mark_sent(bytes.len()),
        }
        self.book(who).written.extend(bytes);
        true
    }

    /// The number of bytes on their way to this end.
    fn on_the_way(&self, to: Who) -> usize {
        let from = &self.books[1 - to as usize];
        if self.is_lost { 0 } else { from.written.len() - from.arrived }
    }

    fn deliver(&mut self, to: Who, len: usize) -> bool {
        let len = self.on_the_way(to).min(len);
        let from = &mut self.books[1 - to as usize];
        let bytes = from.written[from.arrived..from.arrived + len].to_vec();
        from.arrived += len;
        let ends = from.is_shut && from.arrived == from.written.len() && !self.is_lost;
        let ends = ends && !self.books[to as usize].saw_end;
        if len > 0 {
            self.arrive(to, &bytes);
        }
        if ends {
            self.end(to);
        }
        len > 0 || ends
    }

    fn end(&mut self, who: Who) {
        if std::mem::replace(&mut self.book(who).saw_end, true) {
            return;
        }
        let event = match who {
            C => self.client.receive_eof().map(|event| event.kind()),
            S => self.server.receive_eof().map(|event| event.kind()),
        };
        self.book(who).failed |= event == Some(sansws::EventKind::Failed);
    }

    fn arrive(&mut self, who: Who, bytes: &[u8]) {
        let book = &mut self.books[who as usize];
        match who {
            C => receive(&mut self.client, bytes, book),
            S => receive(&mut self.server, bytes, book),
        }
    }
}

fn receive<R: Role>(connection: &mut Connection<R, Heap>, bytes: &[u8], book: &mut Book) {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    while let Some((event, _)) = connection.receive(&mut input) {
        match event {
            Event::HandshakeRequest(_) => book.asked = true,
            Event::Message(message) => book.received.push(message.as_text().unwrap().to_owned()),
            Event::HandshakeComplete(_) | Event::Ping(_) => {}
            Event::Pong(_) => book.pongs += 1,
            Event::Close(close) => book.peer_close = Some(close.code.into()),
            other => panic!("{other:?}"),
        }
    }
    assert!(input.is_empty(), "nothing arrives before the server has accepted");
}

impl World {
    /// What an end has said and seen decides what it says at the end (sections 7.1.4 and 7.1.5).
    fn check_codes(&self, steps: &[Step]) {
        for who in BOTH {
            let (own, peer) = (&self.books[who as usize], &self.books[1 - who as usize]);
            let (code, clean, error) = match who {
                C => (self.client.close_code(), self.client.is_closed_cleanly(), self.client.error()),
                S => (self.server.close_code(), self.server.is_closed_cleanly(), self.server.error()),
            };
            let is_closed = self.state(who) == State::Closed;
            // 7.1.5: the code of the first Close that arrived, and 1006 if none did.
            let expected = own.peer_close.or(is_closed.then_some(1006));
            assert_eq!(code.map(u16::from), expected, "{who:?} after {steps:?}");
            // The Close that arrives is the one that the other end has sent by itself, or the echo of one's
            // own.
            if let Some(arrived) = own.peer_close {
                assert_eq!(Some(arrived), peer.own_close.or(own.own_close), "{who:?} after {steps:?}");
            }
            // 7.1.4: cleanly, if the closing handshake was finished before. This end always answers the Close
            // of the other end, so its arrival finishes it.
            assert!(!clean || own.peer_close.is_some(), "{who:?} after {steps:?}");
            if is_closed {
                assert_eq!(clean, own.peer_close.is_some(), "{who:?} after {steps:?}");
            }
            let early =
                [Error::Peer(Violation::UnexpectedEof), Error::Handshake(HandshakeError::UnexpectedEof)];
            assert_eq!(own.failed, error.is_some_and(|error| early.contains(&error)), "{steps:?}");
            assert_eq!(error.is_some(), own.failed, "{who:?} after {steps:?}");
            assert_eq!(own.failed, own.saw_end && own.peer_close.is_none(), "{who:?} after {steps:?}");
            // Messages arrive once and in order, or not at all.
            assert!(own.received.len() <= peer.sent.len(), "{steps:?}");
            assert!(
                peer.sent.iter().zip(&own.received).all(|(sent, received)| sent == received),
                "{steps:?}"
            );
        }
    }

    /// No state is a dead end: if both ends write and read what there is, do what `should_disconnect` says,
    /// and one of them closes, then both end closed.
    fn finish(mut self, steps: &[Step]) {
        let mut more = Vec::new();
        let mut rest = vec![Step::Accept];
        rest.extend(
            BOTH.into_iter().flat_map(|who| [Step::Write(who), Step::All(who), Step::Disconnect(who)]),
        );
        // Two ends without a Close stay open for ever, so the client closes if nothing else happens.
        rest.push(Step::Close(C));
        while let Some(&step) = rest.iter().find(|&&step| self.step(step)) {
            more.push(step);
            assert!(more.len() < 50, "the ends never become quiet: {steps:?}, then {more:?}");
        }
        let context = [steps, &more].concat();
        for who in BOTH {
            assert_eq!(self.state(who), State::Closed, "{who:?} after {context:?}");
        }
        self.check_codes(&context);
        if !self.is_lost {
            // Nothing was lost, so both ends agree that they closed cleanly, and each message and ping has
            // arrived.
            assert!(self.client.is_closed_cleanly() && self.server.is_closed_cleanly(), "{context:?}");
            for who in BOTH {
                let (own, peer) = (&self.books[who as usize], &self.books[1 - who as usize]);
                assert_eq!(own.received, peer.sent, "{who:?} after {context:?}");
            }
        }
    }

    fn key(&self) -> (Vec<u8>, Vec<u8>, [Book; 2], bool) {
        (self.outgoing(C).to_vec(), self.outgoing(S).to_vec(), self.books.clone(), self.is_lost)
    }
}

fn replay(open: fn() -> World, steps: &[Step]) -> World {
    let mut world = open();
    for &step in steps {
        assert!(world.step(step), "a step is possible again");
    }
    world
}

/// Visits all states that at most `depth` steps reach. Returns their number.
fn search(open: fn() -> World, depth: usize) -> usize {
    let mut steps = vec![Step::Accept, Step::Lose];
    for who in BOTH {
        steps.extend([Step::Message(who), Step::Ping(who), Step::Close(who), Step::Write(who)]);
        steps.extend([Step::WriteOne(who), Step::One(who), Step::All(who), Step::Disconnect(who)]);
    }
    let mut visited = HashSet::from([open().key()]);
    let mut queue = VecDeque::from([Vec::new()]);
    while let Some(path) = queue.pop_front() {
        for &step in &steps {
            let mut world = replay(open, &path);
            if !world.step(step) {
                continue;
            }
            if visited.insert(world.key()) {
                let path = [&path[..], &[step]].concat();
                world.check_codes(&path);
                world.finish(&path);
                if path.len() < depth {
                    queue.push_back(path);
                }
            }
        }
    }
    visited.len()
}

/// A proof for all orders of steps from two open connections, up to the depth below, in which each end sends
/// at most one message and one ping. Both ends can always end closed, with the codes of section 7.1.5, and
/// cleanly if the transport is not lost before the Closes have crossed. WS-7.1.4-01 · WS-7.1.4-02 ·
/// WS-7.1.5-03 · WS-5.5.1-08 · WS-5.5.1-17 · WS-7.1.5-01
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn two_open_ends_always_end_closed_with_the_right_codes() {
    let states = search(World::open, 7);
    println!("{states} states");
    assert!(states >= 13_973, "only {states} states");
}

/// As above, from two ends that have not opened yet. WS-7.2.1-02
#[test]
#[ignore = "it takes a minute with optimisation, and many without"]
fn two_ends_that_open_always_end_closed_with_the_right_codes() {
    let states = search(World::connecting, 12);
    println!("{states} states");
    assert!(states >= 25_338, "only {states} states");
}
