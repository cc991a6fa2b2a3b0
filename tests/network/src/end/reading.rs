//! How an embedder reads, and what it does with the events.

use super::{Decide, Direction, End, LINGER, Memory, refusal_body};
use crate::allocator::{arm, disarm, has_failed, library};
use crate::book::{Book, Item, UNSOLICITED};
use crate::link::Read;
use crate::plan::{Decision, Way};
use rand::RngExt;
use sansws::{Connection, DataKind, Error, Event, Limit, Role, SendError, Sender, State, Storage};
use std::time::Duration;

/// An event that owns its contents.
#[derive(Debug)]
pub enum Seen {
    Request,
    Complete,
    Refused {
        status: u16,
        body: Vec<u8>,
        is_truncated: bool,
    },
    /// A message, and whether the embedder has sent it back.
    Message(DataKind, Vec<u8>, Option<Result<(), SendError>>),
    Part {
        kind: DataKind,
        bytes: Vec<u8>,
        is_first: bool,
        is_last: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Failed(Error),
}

impl Seen {
    fn new<R: Role, S: Storage>(event: Event<'_>, tx: &mut Sender<R, S>, echoes: bool) -> Self {
        match event {
            Event::HandshakeRequest(_) => Self::Request,
            Event::HandshakeComplete(_) => Self::Complete,
            Event::HandshakeRefused(response) => Self::Refused {
                status: response.status(),
                body: response.body().to_vec(),
                is_truncated: response.is_body_truncated(),
            },
            Event::Message(message) => {
                let echo = (echoes && tx.state() == State::Open).then(|| library(|| tx.message(message)));
                Self::Message(message.kind(), message.as_bytes().to_vec(), echo)
            }
            Event::Part(part) => Self::Part {
                kind: part.data.kind(),
                bytes: part.data.as_bytes().to_vec(),
                is_first: part.is_first,
                is_last: part.is_last,
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.code.into(), close.reason.to_owned()),
            Event::Failed => Self::Failed(tx.error().expect("a failed connection has an error")),
            other => panic!("no such event can come: {other:?}"),
        }
    }
}

/// Calls the library in a way that returns an event, and takes the event over.
fn take<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, bytes: &mut [u8], way: Way, echoes: bool,
    timers: &mut dyn FnMut(&Event<'_>),
) -> (usize, Option<Seen>) {
    if way == Way::Tokens {
        let (consumed, token) = library(|| connection.find_event(bytes));
        let seen = token.map(|token| {
            arm();
            let (event, tx) = connection.view(token, bytes);
            disarm();
            timers(&event);
            Seen::new(event, tx, echoes)
        });
        return (consumed, seen);
    }
    let mut input = bytes;
    let before = input.len();
    arm();
    let event = connection.receive(&mut input);
    disarm();
    let seen = event.map(|(event, tx)| {
        timers(&event);
        Seen::new(event, tx, echoes)
    });
    (before - input.len(), seen)
}

impl<R: Decide, S: Memory> End<'_, R, S> {
    pub(super) fn read(&mut self, now: u64, input: &mut Direction, output: &mut Direction) {
        if self.input_ended || self.decides_at.is_some() || self.next_read > now {
            return;
        }
        let most = self.plan.read.0;
        let most = self.rng.random_range(most.div_ceil(2)..=most);
        let lent = if self.plan.way == Way::InPlace && self.inbox.is_empty() {
            library(|| self.connection.receive_buffer())
        } else {
            None
        };
        let read = if let Some(room) = lent {
            assert!(!room.is_empty(), "the connection lends a buffer without room");
            let most = most.min(room.len());
            let read = input.link.read(now, &mut room[..most]);
            if let Read::Bytes(len) = read {
                self.connection.mark_received(len);
            }
            read
        } else {
            let start = self.inbox.len();
            self.inbox.resize(start + most, 0);
            let read = input.link.read(now, &mut self.inbox[start..]);
            self.inbox.truncate(start + if let Read::Bytes(len) = read { len } else { 0 });
            read
        };
        match read {
            Read::Nothing => {}
            Read::Bytes(len) => {
                self.trace(now, || format!("reads {len} bytes"));
                self.next_read = now + self.plan.read.1;
                self.history.sign_of_life = now;
                self.timers.received(Duration::from_millis(now));
                self.consume_from(now, &mut input.book, output);
            }
            Read::End => {
                self.trace(now, || "reads the end".to_string());
                self.end_input(now);
            }
        }
    }

    /// Takes events from the bytes that waited for the answer to a request.
    pub(super) fn consume(&mut self, now: u64, output: &mut Direction) {
        // A client sends nothing before the answer, so the book of the client stays as it is.
        self.consume_from(now, &mut Book::default(), output);
    }

    fn consume_from(&mut self, now: u64, book: &mut Book, output: &mut Direction) {
        let mut bytes = std::mem::take(&mut self.inbox);
        let mut start = 0;
        while self.decides_at.is_none() {
            let queued = self.connection.outgoing().len();
            let was_open = self.connection.state() == State::Open;
            let timers = &mut self.timers;
            let echoes = self.plan.echoes && self.message.is_none();
            let (consumed, seen) =
                take(&mut self.connection, &mut bytes[start..], self.plan.way, echoes, &mut |event| {
                    timers.event(Duration::from_millis(now), event);
                });
            start += consumed;
            let Some(seen) = seen else {
                assert_eq!(start, bytes.len(), "the connection reports nothing, and leaves input");
                break;
            };
            self.trace(now, || format!("reports {seen:.300?}"));
            let now_queued = self.connection.outgoing().len();
            self.most_outgoing = self.most_outgoing.max(now_queued);
            if let Seen::Failed(error) = seen {
                // A client that has no memory for what was agreed on was open for this moment.
                if (was_open || !R::IS_SERVER) && now_queued > queued {
                    let code = error.close_code().expect("a failure with a Close has a code");
                    output.book.sent.push(Item::Close(code.into(), String::new()));
                }
            }
            self.seen(now, seen, book, output);
        }
        self.inbox = bytes.split_off(start);
    }

    fn seen(&mut self, now: u64, seen: Seen, book: &mut Book, output: &mut Direction) {
        match seen {
            Seen::Request => self.decides_at = Some(now + self.plan.decision_delay),
            Seen::Complete => {
                self.history.was_open = true;
                self.next_call += now;
            }
            Seen::Refused { status, body, is_truncated } => self.check_refusal(status, &body, is_truncated),
            Seen::Message(kind, bytes, echo) => {
                assert!(!self.plan.in_parts);
                let item = Item::Message(kind, bytes);
                book.report(&item);
                match echo {
                    Some(Ok(())) => output.book.sent.push(item),
                    Some(Err(error)) => self.refused(error),
                    None => {}
                }
            }
            Seen::Part { kind, bytes, is_first, is_last } => {
                assert!(self.plan.in_parts);
                book.report_part(kind, &bytes, is_first, is_last);
            }
            Seen::Ping(payload) => {
                book.report_control(&Item::Ping(payload.clone()));
                if !self.plan.auto_pong {
                    self.pings.push_back(payload);
                }
            }
            Seen::Pong(payload) if payload.first() == Some(&UNSOLICITED) => {
                book.report_control(&Item::Pong(payload));
            }
            Seen::Pong(payload) => output.book.answer(&payload),
            Seen::Close(code, reason) => {
                let item = Item::Close(code, reason.clone());
                book.report_control(&item);
                self.peer_close = Some((code, reason));
                self.pings.clear();
                if output.book.close().is_none() {
                    // The answer has the same code.
                    output.book.sent.push(Item::Close(code, String::new()));
                }
            }
            Seen::Failed(error) => {
                if error == Error::Limit(Limit::Memory) {
                    assert!(has_failed(), "no allocation has failed");
                    self.note_shortage();
                }
            }
        }
    }

    /// The peer sends no more.
    pub(super) fn end_input(&mut self, now: u64) {
        if self.input_ended {
            return;
        }
        self.input_ended = true;
        arm();
        let event = self.connection.receive_eof();
        disarm();
        if let Some(Event::HandshakeRefused(response)) = event {
            let (status, body, is_truncated) =
                (response.status(), response.body().to_vec(), response.is_body_truncated());
            self.check_refusal(status, &body, is_truncated);
        }
        assert_eq!(self.connection.state(), State::Closed, "the transport has ended");
        self.lingers_until.get_or_insert(now + LINGER);
    }

    /// A refusal is the one that the server decided on, or that of a server without memory.
    fn check_refusal(&self, status: u16, body: &[u8], is_truncated: bool) {
        assert_eq!(self.connection.error(), Some(Error::Refused(status)));
        match self.plan.decision {
            Decision::Reject { status: expected, body: len } if status == expected => {
                let expected = refusal_body(len);
                assert!(expected.starts_with(body));
                assert!(
                    is_truncated || body.len() == len || self.input_ended,
                    "{} of {len} bytes",
                    body.len()
                );
            }
            _ => assert_eq!(status, 503, "the server did not refuse"),
        }
    }

    /// Answers pings if the connection does not.
    pub(super) fn answer_pings(&mut self) {
        while let Some(payload) = self.pings.front() {
            match library(|| self.connection.sender().pong(payload)) {
                // If the connection is closed, no pong is due any more.
                Ok(()) | Err(SendError::NotAllowed(_)) => {}
                // There is room later.
                Err(SendError::NotNow) => break,
                // Memory is short once, so the next call succeeds.
                Err(SendError::Memory) => {
                    self.note_shortage();
                    continue;
                }
                Err(error) => panic!("{error:?}"),
            }
            self.pings.pop_front();
        }
    }
}
