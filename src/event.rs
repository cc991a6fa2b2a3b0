//! The events that `receive` reports.

#[cfg(feature = "alloc")]
mod frame_left;
#[cfg(feature = "alloc")]
mod owned;

#[cfg(feature = "alloc")]
pub(crate) use frame_left::FrameProgress;
#[cfg(feature = "alloc")]
pub use owned::OwnedMessage;

use crate::close::Close;
use crate::handshake::{Request, Response};
use crate::message::DataKind;

/// An event on a connection, as [`Connection::receive`](crate::Connection::receive) returns it.
///
/// An event borrows the input or the connection's receive buffer, until the next call. Copy the content that
/// you want to keep. The `Debug` output contains no payloads and no header values, because they can be
/// secret.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// A server received a valid opening handshake. Answer it with [`accept`](crate::Sender::accept) or
    /// [`reject`](crate::Sender::reject), now or later. The connection takes no more input until then.
    HandshakeRequest(Request<'a>),
    /// A server with [`Config::http_requests`](crate::Config::http_requests) received a request that does not
    /// ask for a WebSocket. Answer it with [`respond`](crate::Sender::respond).
    HttpRequest(Request<'a>),
    /// The connection is open (RFC 6455 section 4): from now on it can send messages.
    /// [`Sender::subprotocol`](crate::Sender::subprotocol) tells which subprotocol both sides agreed on.
    HandshakeComplete(Handshake<'a>),
    /// The server answered a client's handshake with a status other than 101, such as 401 or 302. The
    /// connection is closed.
    HandshakeRefused(Response<'a>),
    /// A whole message, with [`Delivery::Whole`](crate::Delivery::Whole), the default.
    Message(Message<'a>),
    /// A part of a message, as it arrived, with [`Delivery::Parts`](crate::Delivery::Parts).
    Part(Part<'a>),
    /// A ping with its payload. The connection has queued the pong already, unless
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off.
    Ping(&'a [u8]),
    /// A pong with its payload, whether it answers a ping or not (RFC 6455 section 5.5.3).
    Pong(&'a [u8]),
    /// The peer's Close. The connection has queued its own Close already, unless it had sent one before. It
    /// receives nothing more.
    Close(Close<'a>),
    /// The connection has failed (RFC 6455 section 7.1.7); [`Sender::error`](crate::Sender::error) says why.
    /// This is the last event. If the connection can tell the peer, [`outgoing`](crate::Connection::outgoing)
    /// holds the Close frame or the HTTP error that does so. A client can inspect an
    /// [`invalid_response`](crate::Connection::invalid_response).
    // The event does not hold the error, because that would cost 330 bytes of flash in a server, and two
    // stores for each event.
    Failed,
}

impl Event<'_> {
    /// Rebuilds the event field by field. The compiler would copy the whole event in machine words that
    /// differ from those in which it was written, and each load would wait for the stores (a store-forwarding
    /// stall).
    #[inline(always)]
    pub(crate) const fn in_registers(self) -> Self {
        match self {
            Self::Message(Message::Text(text)) => Self::Message(Message::Text(text)),
            Self::Message(Message::Binary(bytes)) => Self::Message(Message::Binary(bytes)),
            other => other,
        }
    }
}

shown!(Event<'_> {
    Self::HandshakeRequest(request) => "HandshakeRequest({:?})", request;
    Self::HttpRequest(request) => "HttpRequest({:?})", request;
    Self::HandshakeComplete(handshake) => "HandshakeComplete({:?})", handshake;
    Self::HandshakeRefused(response) => "HandshakeRefused({:?})", response;
    Self::Message(message) => "Message({:?})", message;
    Self::Part(part) => "Part({:?})", part;
    Self::Ping(payload) => "Ping({} bytes)", payload.len();
    Self::Pong(payload) => "Pong({} bytes)", payload.len();
    Self::Close(close) => "{:?}", close;
    Self::Failed => "Failed";
});

macro_rules! event_kinds {
    ($($(#[$more:meta])* $kind:ident),+) => {
        /// The kind of an [`Event`].
        #[non_exhaustive]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum EventKind {
            $(#[doc = concat!("[`Event::", stringify!($kind), "`].")] $(#[$more])* $kind),+
        }

        impl Event<'_> {
            /// The kind of the event.
            pub const fn kind(&self) -> EventKind {
                match self {
                    $(Self::$kind { .. } => EventKind::$kind),+
                }
            }
        }
    };
}
event_kinds!(
    HandshakeRequest, HttpRequest, HandshakeComplete, HandshakeRefused, Message, Part, Ping, Pong, Close,
    Failed
);

/// A message (RFC 6455 section 5.6).
///
/// ```
/// use sansws::{DataKind, Message};
///
/// let message = Message::from("hello");
/// assert_eq!((message.kind(), message.as_text(), message.len()), (DataKind::Text, Some("hello"), 5));
/// // Logs do not show the payload.
/// assert_eq!(format!("{message:?}"), "Text(5 bytes)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The kind of the message: text or binary.
    pub const fn kind(&self) -> DataKind {
        match self {
            Self::Text(_) => DataKind::Text,
            Self::Binary(_) => DataKind::Binary,
        }
    }

    /// The payload of a text message; `None` if the message is binary.
    pub const fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload of either kind.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The length of the payload in bytes.
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

from! {
    ['a] &'a str => Message<'a>, |text| Self::Text(text);
    ['a] &'a [u8] => Message<'a>, |bytes| Self::Binary(bytes);
}

impl AsRef<[u8]> for Message<'_> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

shown!(Message<'_> { this => "{:?}({} bytes)", this.kind(), this.len(); });

/// A part of a message. The connection reports the parts in order. The boundaries between the parts have no
/// meaning: they depend on the reads as well as on the sender's fragments (RFC 6455 section 5.4).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part<'a> {
    /// The content, which may be empty. Text is never cut inside of a character.
    pub data: Message<'a>,
    /// Whether the message begins with this part.
    pub is_first: bool,
    /// Whether the message ends with this part.
    pub is_last: bool,
    #[cfg(feature = "alloc")]
    pub(crate) frame: FrameProgress<'a>,
}

shown!(Part<'_> { this => "{:?}, is_first: {}, is_last: {}", this.data, this.is_first, this.is_last; });

impl<'a> Part<'a> {
    /// A part with this content, whose frame has an unknown length.
    #[must_use]
    pub const fn new(data: Message<'a>, is_first: bool, is_last: bool) -> Self {
        Self {
            data,
            is_first,
            is_last,
            #[cfg(feature = "alloc")]
            frame: FrameProgress::UNKNOWN,
        }
    }
}

/// A completed opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handshake<'a> {
    pub(crate) response: Option<Response<'a>>,
}

shown!(Handshake<'_> { this => "Handshake({:?})", this.response; });

impl<'a> Handshake<'a> {
    /// The answer that a client received, with its headers, such as `Set-Cookie`. `None` on a server.
    pub const fn response(&self) -> Option<Response<'a>> {
        self.response
    }
}
