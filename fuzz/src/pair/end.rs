//! One end of a pair: what it has to report, and what it has reported.

use crate::options::Options;
use crate::storages::Kind;
use sansws::deflate::Compressor;
use sansws::{
    CloseCode, Connection, DataKind, Error, Event, HandshakeError, Limit, OUTGOING_RESERVE, Role, State,
    Violation,
};
use std::collections::VecDeque;

/// A message that the other end was allowed to send.
#[derive(Debug)]
pub struct Sent {
    pub kind: DataKind,
    pub content: Vec<u8>,
    pub fragments: usize,
    /// Whether the other end has sent its last fragment.
    pub is_complete: bool,
}

/// The first byte of the payload of each ping; the rest is a number that counts up.
pub const PING: u8 = b'p';
/// The first byte of the payload of a pong that answers no ping.
pub const UNSOLICITED: u8 = b'u';

pub struct End<R: Role, S: Kind> {
    pub connection: Connection<R, S>,
    pub options: Options,
    pub sizes: Option<(usize, usize)>,
    /// The bytes that are on their way to this end.
    pub arriving: Vec<u8>,
    /// What the other end has sent and this end has not reported.
    pub messages: VecDeque<Sent>,
    pub pings: VecDeque<Vec<u8>>,
    pub pongs: VecDeque<Vec<u8>>,
    pub close: Option<(u16, String)>,
    /// The content of the message at the front of `messages` that was reported in parts; `None` between
    /// messages.
    part: Option<usize>,
    /// The number of pings that this end has sent, and the number of the last one that was answered.
    pub pings_sent: u32,
    answered: u32,
    /// The message that this end sends in fragments, and its content that is not sent.
    pub fragments: Option<(DataKind, Vec<u8>, bool)>,
    pub has_request: bool,
    has_opened: bool,
    /// Whether a Close of this end is on its way, or would be if the transport had not ended.
    pub has_closed: bool,
    seen_close: Option<(u16, String)>,
    refused: Option<u16>,
    pub has_lost_transport: bool,
    pub spare: Vec<u8>,
}

/// How a connection ended.
#[derive(Debug)]
pub struct Outcome {
    pub error: Option<Error>,
    pub is_clean: bool,
    has_opened: bool,
}

/// An event that owns its content.
pub enum Seen {
    Request,
    Opened,
    Refused(u16),
    Message(DataKind, Vec<u8>),
    Part { kind: DataKind, bytes: Vec<u8>, is_first: bool, is_last: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Failed,
}

impl Seen {
    pub fn new(event: &Event<'_>) -> Self {
        match *event {
            Event::HandshakeRequest(request) => {
                assert_eq!((request.target(), request.path()), ("/room?id=7", "/room"));
                assert_eq!(request.header("HOST"), Some("chat.example:81"));
                Self::Request
            }
            Event::HandshakeComplete(_) => Self::Opened,
            Event::HandshakeRefused(response) => Self::Refused(response.status()),
            Event::Message(message) => Self::Message(message.kind(), message.as_bytes().to_vec()),
            Event::Part(part) => Self::Part {
                kind: part.data.kind(),
                bytes: part.data.as_bytes().to_vec(),
                is_first: part.is_first,
                is_last: part.is_last,
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.code.into(), close.reason.to_owned()),
            Event::Failed => Self::Failed,
            other => panic!("a pair never reports {other:?}"),
        }
    }
}

impl<R: Role, S: Kind> End<R, S> {
    pub fn new(connection: Connection<R, S>, options: Options, sizes: Option<(usize, usize)>) -> Self {
        Self {
            connection,
            options,
            sizes,
            arriving: Vec::new(),
            messages: VecDeque::new(),
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            close: None,
            part: None,
            pings_sent: 0,
            answered: 0,
            fragments: None,
            has_request: false,
            has_opened: false,
            has_closed: false,
            seen_close: None,
            refused: None,
            has_lost_transport: false,
            spare: Vec::new(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.connection.state() == State::Open
    }

    /// What holds at any time.
    pub fn check(&self) {
        let (connection, outgoing) = (&self.connection, self.connection.outgoing().len());
        // Error answers of a server may be longer than the limit.
        let limit = self.options.max_outgoing.saturating_add(OUTGOING_RESERVE).max(512);
        let limit = self.sizes.map_or(limit, |(_, send)| limit.min(send));
        assert!(outgoing <= limit, "{outgoing} bytes wait, and {limit} are allowed");
        assert_eq!(connection.result().err(), connection.error());
        if let Some(close) = connection.peer_close() {
            let seen = self.seen_close.as_ref().map(|(code, reason)| (*code, reason.as_str()));
            assert_eq!(Some((close.code.into(), close.reason)), seen);
        }
    }

    /// This end reports an event. Returns the code of the Close that it sends for that reason.
    pub fn reported(&mut self, seen: Seen) -> Option<CloseCode> {
        match seen {
            Seen::Request => {
                assert!(!self.has_opened && !self.has_request);
                self.has_request = true;
            }
            Seen::Opened => {
                assert!(!self.has_opened, "the connection opens twice");
                self.has_opened = true;
            }
            Seen::Refused(status) => self.refused = Some(status),
            Seen::Message(kind, bytes) => {
                assert!(!self.options.in_parts);
                assert!(bytes.len() <= self.options.max_message, "a message exceeds the limit");
                let sent = self.messages.pop_front().expect("a message that nobody sent");
                assert!(sent.is_complete && kind == sent.kind, "a message that was not sent like this");
                assert!(bytes == sent.content, "the message has other bytes: {bytes:?} {sent:?}");
                assert!(sent.fragments <= self.options.max_fragments.max(1));
            }
            Seen::Part { kind, bytes, is_first, is_last } => {
                assert!(self.options.in_parts);
                assert_eq!(is_first, self.part.is_none());
                let sent = self.messages.front().expect("a part that nobody sent");
                let start = self.part.unwrap_or(0);
                assert_eq!(kind, sent.kind);
                assert!(sent.content[start..].starts_with(&bytes), "the part has other bytes");
                let end = start + bytes.len();
                assert!(end <= self.options.max_message, "the parts exceed the limit");
                self.part = Some(end);
                if is_last {
                    assert!(sent.is_complete && end == sent.content.len(), "the message ends too early");
                    self.messages.pop_front();
                    self.part = None;
                }
            }
            Seen::Ping(payload) => assert_eq!(Some(payload), self.pings.pop_front(), "another ping was sent"),
            Seen::Pong(payload) if payload.first() == Some(&PING) => {
                let number = u32::from_be_bytes(payload[1..].try_into().expect("the payload of a ping"));
                assert!(self.answered < number && number <= self.pings_sent, "pong {number}");
                self.answered = number;
            }
            Seen::Pong(payload) => assert_eq!(Some(payload), self.pongs.pop_front(), "another pong was sent"),
            Seen::Close(code, reason) => {
                assert_eq!(Some((code, reason.clone())), self.close, "another Close was sent");
                self.assert_complete();
                self.seen_close = Some((code, reason));
                assert_eq!(self.connection.close_code(), Some(code.into()));
                return (!self.has_closed).then_some(code.into());
            }
            Seen::Failed => {
                let error = self.connection.error().expect("a failed connection has an error");
                self.assert_justified(error);
                let was_open = self.has_opened && !self.has_closed;
                return error.close_code().filter(|_| was_open && !self.has_lost_transport);
            }
        }
        None
    }

    /// Everything that was sent has been reported, except for a message that was not finished.
    pub fn assert_complete(&self) {
        let unfinished = self.messages.iter().filter(|sent| !sent.is_complete).count();
        assert!(unfinished <= 1 && self.messages.len() == unfinished, "lost: {:?}", self.messages);
        assert!(self.pings.is_empty() && self.pongs.is_empty(), "lost: {:?} {:?}", self.pings, self.pongs);
    }

    /// A connection fails only for a reason that the other end, which keeps to the protocol, can give.
    fn assert_justified(&self, error: Error) {
        let front = self.messages.front();
        let len = front.map_or(0, |sent| sent.content.len());
        let is_justified = match error {
            Error::Limit(Limit::Message) => {
                // A whole message has to fit into buffers of a fixed size, next to what is left of its
                // compressed form.
                let has_room = self.sizes.is_none() || self.options.in_parts;
                len > self.options.max_message || !has_room
            }
            Error::Limit(Limit::Frame) => front.is_some() && Compressor::bound(len) > self.options.max_frame,
            Error::Limit(Limit::Fragments) => {
                front.is_some_and(|sent| sent.fragments > self.options.max_fragments.max(1))
            }
            Error::Limit(Limit::Head) => {
                !self.has_opened && (self.options.max_head < 1000 || self.sizes.is_some())
            }
            Error::Limit(Limit::Headers) => !self.has_opened && self.options.allowed_headers() < 12,
            Error::Handshake(HandshakeError::UnexpectedEof) => !self.has_opened && self.has_lost_transport,
            Error::Peer(Violation::UnexpectedEof) => self.has_lost_transport,
            _ => false,
        };
        assert!(is_justified, "{error:?} for no reason: {front:?}, {:?}", self.options);
    }

    /// The transport ends, and all bytes on their way are lost.
    pub fn lose_transport(&mut self) {
        self.has_lost_transport = true;
        self.end();
    }

    /// The transport ends.
    pub fn end(&mut self) {
        let error = self.connection.error();
        self.arriving.clear();
        self.has_request = false;
        let seen = self.connection.receive_eof().map(|event| Seen::new(&event));
        assert!(seen.is_none() || error.is_none(), "a failure is reported twice");
        if let Some(seen) = seen {
            if !self.has_lost_transport && matches!(seen, Seen::Failed) {
                // The other end has failed, and this is the end of its transport.
                assert_eq!(self.connection.close_code(), Some(CloseCode::ABNORMAL));
            } else {
                assert!(self.reported(seen).is_none());
            }
        }
        assert!(self.connection.should_disconnect());
    }

    pub fn assert_refused(&self, status: u16) {
        let limit = matches!(self.connection.error(), Some(Error::Limit(_)));
        assert!(limit || self.refused == Some(status), "{:?} instead of {status}", self.refused);
    }

    pub fn outcome(&self) -> Outcome {
        Outcome {
            error: self.connection.error(),
            is_clean: self.connection.is_closed_cleanly(),
            has_opened: self.has_opened,
        }
    }

    /// The close code of this end fits to the end of the other one. No transport was lost.
    pub fn assert_received_close_of(&self, other: &Outcome) {
        let own = self.connection.error();
        let has_failed = own.is_some_and(|error| error != Violation::UnexpectedEof.into());
        let code = self.connection.close_code();
        if let (true, Some((code, _))) = (self.has_opened && !has_failed, &self.close) {
            assert!(self.seen_close.is_some(), "the Close with code {code} is lost");
        }
        match &self.seen_close {
            Some((seen, _)) => assert_eq!(code, Some((*seen).into())),
            None => assert_eq!(code, Some(CloseCode::ABNORMAL), "{other:?}"),
        }
        if let (Some(error), None) = (other.error, own) {
            let expected = error.close_code().filter(|_| other.has_opened);
            assert!(expected.is_none() || self.seen_close.is_some(), "no Close for {error:?}");
        }
    }
}
