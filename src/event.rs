//! What `receive` reports.

use crate::close::Close;
use crate::error::Error;
use crate::handshake::{Request, Response};
use core::fmt;

/// What the peer's bytes amount to. Returned by [`Connection::receive`](crate::Connection::receive).
///
/// An event borrows the input or the connection's receive buffer. It is gone with the next call, so take out of it
/// what you want to keep. `Debug` shows the length of a payload instead of the payload, which can be a secret.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// To a server: a valid opening handshake. Answer by [`accept`](crate::Sender::accept) or
    /// [`reject`](crate::Sender::reject), now or later; until then no more input is taken.
    HandshakeRequest(Request<'a>),
    /// To a server with [`Config::http_requests`](crate::Config::http_requests): a request that asks for no
    /// WebSocket. Answer by [`respond`](crate::Sender::respond).
    HttpRequest(Request<'a>),
    /// The connection is open (RFC 6455 section 4). What was agreed stays readable, see
    /// [`subprotocol`](crate::Connection::subprotocol).
    HandshakeComplete(Handshake<'a>),
    /// To a client: the server answered with a status other than 101, such as 401 or 302. The connection is closed.
    HandshakeRefused(Response<'a>),
    /// A whole message. With [`Delivery::Whole`](crate::Delivery::Whole), the default.
    Message(Message<'a>),
    /// A part of a message, as it arrived. With [`Delivery::Parts`](crate::Delivery::Parts).
    Part(Part<'a>),
    /// A ping with its payload. The pong is queued already, unless [`Config::auto_pong`](crate::Config::auto_pong)
    /// is off.
    Ping(&'a [u8]),
    /// A pong with its payload, asked for or not (RFC 6455 section 5.5.3).
    Pong(&'a [u8]),
    /// The peer's Close. The answering Close is queued already unless this answers one of ours; nothing more will be
    /// received.
    Close(Close<'a>),
    /// The connection has failed (RFC 6455 section 7.1.7). This comes once and is the last event. If the peer can be told,
    /// [`outgoing`](crate::Connection::outgoing) holds the Close frame or the HTTP error that says so.
    Failed(Error),
}

impl Event<'_> {
    /// Which event this is, without its content.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::HandshakeRequest(_) => EventKind::HandshakeRequest,
            Self::HttpRequest(_) => EventKind::HttpRequest,
            Self::HandshakeComplete(_) => EventKind::HandshakeComplete,
            Self::HandshakeRefused(_) => EventKind::HandshakeRefused,
            Self::Message(_) => EventKind::Message,
            Self::Part(_) => EventKind::Part,
            Self::Ping(_) => EventKind::Ping,
            Self::Pong(_) => EventKind::Pong,
            Self::Close(_) => EventKind::Close,
            Self::Failed(_) => EventKind::Failed,
        }
    }

    /// The same, field by field instead of as a piece of memory.
    #[inline(always)]
    pub(crate) const fn in_registers(self) -> Self {
        match self {
            Self::HandshakeRequest(request) => Self::HandshakeRequest(request),
            Self::HttpRequest(request) => Self::HttpRequest(request),
            Self::HandshakeComplete(handshake) => Self::HandshakeComplete(handshake),
            Self::HandshakeRefused(response) => Self::HandshakeRefused(response),
            Self::Message(Message::Text(text)) => Self::Message(Message::Text(text)),
            Self::Message(Message::Binary(bytes)) => Self::Message(Message::Binary(bytes)),
            Self::Part(part) => Self::Part(part),
            Self::Ping(payload) => Self::Ping(payload),
            Self::Pong(payload) => Self::Pong(payload),
            Self::Close(close) => Self::Close(close),
            Self::Failed(error) => Self::Failed(error),
        }
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandshakeRequest(request) => f.debug_tuple("HandshakeRequest").field(request).finish(),
            Self::HttpRequest(request) => f.debug_tuple("HttpRequest").field(request).finish(),
            Self::HandshakeComplete(handshake) => {
                f.debug_tuple("HandshakeComplete").field(handshake).finish()
            }
            Self::HandshakeRefused(response) => f.debug_tuple("HandshakeRefused").field(response).finish(),
            Self::Message(message) => f.debug_tuple("Message").field(message).finish(),
            Self::Part(part) => part.fmt(f),
            Self::Ping(payload) => write!(f, "Ping({} bytes)", payload.len()),
            Self::Pong(payload) => write!(f, "Pong({} bytes)", payload.len()),
            Self::Close(close) => close.fmt(f),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

/// Which [`Event`](crate::Event) there is, without its content.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EventKind {
    /// [`Event::HandshakeRequest`](crate::Event::HandshakeRequest).
    HandshakeRequest,
    /// [`Event::HttpRequest`](crate::Event::HttpRequest).
    HttpRequest,
    /// [`Event::HandshakeComplete`](crate::Event::HandshakeComplete).
    HandshakeComplete,
    /// [`Event::HandshakeRefused`](crate::Event::HandshakeRefused).
    HandshakeRefused,
    /// [`Event::Message`](crate::Event::Message). If a text message turns out not to be UTF-8,
    /// [`view`](crate::Connection::view) shows [`Event::Failed`](crate::Event::Failed) instead.
    Message,
    /// [`Event::Part`](crate::Event::Part).
    Part,
    /// [`Event::Ping`](crate::Event::Ping).
    Ping,
    /// [`Event::Pong`](crate::Event::Pong).
    Pong,
    /// [`Event::Close`](crate::Event::Close).
    Close,
    /// [`Event::Failed`](crate::Event::Failed).
    Failed,
}

/// A message (RFC 6455 section 5.6).
///
/// `Debug` shows the kind and the length but not the payload, which can be a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The payload, whichever kind it is of.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// A part of a message, in the order of the message. Where it is cut says nothing: it follows the network's pieces as
/// well as the sender's fragments (RFC 6455 section 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Part<'a> {
    /// The content, which may be empty. Text is never cut inside of a character.
    pub data: Message<'a>,
    /// Whether the message begins with this part.
    pub is_first: bool,
    /// Whether the message ends with this part.
    pub is_last: bool,
}

/// A completed opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handshake<'a> {
    pub(crate) response: Option<Response<'a>>,
}

impl<'a> Handshake<'a> {
    /// To a client: the server's answer with all its headers, such as `Set-Cookie`. `None` to a server.
    #[must_use]
    pub const fn response(&self) -> Option<Response<'a>> {
        self.response
    }
}
