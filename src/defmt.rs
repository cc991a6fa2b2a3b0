//! `defmt::Format` for the types that cannot derive it. No implementation shows a payload, a key or the value
//! of a header, because other people read logs.

#![allow(clippy::match_same_arms, clippy::single_match_else, reason = "the macro expands the arms to this")]

use crate::close::Close;
use crate::connection::{Connection, Sender};
use crate::event::{Event, Handshake, Message, Part};
use crate::handshake::{Request, Response};
use crate::role::Role;
use crate::storage::Storage;
use defmt::{Format, Formatter, write};

impl Format for Event<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::HandshakeRequest(request) => write!(f, "HandshakeRequest({})", request),
            Self::HttpRequest(request) => write!(f, "HttpRequest({})", request),
            Self::HandshakeComplete(handshake) => write!(f, "HandshakeComplete({})", handshake),
            Self::HandshakeRefused(response) => write!(f, "HandshakeRefused({})", response),
            Self::Message(message) => write!(f, "Message({})", message),
            Self::Part(part) => write!(f, "Part({})", part),
            Self::Ping(payload) => write!(f, "Ping({=usize} bytes)", payload.len()),
            Self::Pong(payload) => write!(f, "Pong({=usize} bytes)", payload.len()),
            Self::Close(close) => write!(f, "{}", close),
            Self::Failed => write!(f, "Failed"),
        }
    }
}

impl Format for Message<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Text(text) => write!(f, "Text, {=usize} bytes", text.len()),
            Self::Binary(bytes) => write!(f, "Binary, {=usize} bytes", bytes.len()),
        }
    }
}

#[cfg(feature = "alloc")]
impl Format for crate::event::OwnedMessage {
    fn format(&self, f: Formatter<'_>) {
        self.as_message().format(f);
    }
}

impl Format for Part<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}, is_first: {=bool}, is_last: {=bool}", self.data, self.is_first, self.is_last);
    }
}

impl Format for Close<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Close({}, reason of {=usize} bytes)", self.code, self.reason.len());
    }
}

impl Format for Handshake<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self.response() {
            Some(response) => write!(f, "{}", response),
            None => write!(f, "Accepted"),
        }
    }
}

impl Format for Request<'_> {
    fn format(&self, f: Formatter<'_>) {
        // A query may hold a token.
        write!(f, "{=str} {=str}", self.method(), self.path());
    }
}

impl Format for Response<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=u16}", self.status());
    }
}

impl<R: Role, S: Storage> Format for Connection<R, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Connection({}, {=usize} bytes to write)", self.state(), self.outgoing().len());
    }
}

impl<R: Role, S: Storage> Format for Sender<R, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Sender({}, {=usize} bytes to write)", self.state(), self.outgoing_len());
    }
}
