//! What `receive` reports.

#[cfg(feature = "alloc")]
mod owned;

#[cfg(feature = "alloc")]
pub use owned::OwnedMessage;

use crate::close::Close;
use crate::handshake::{Request, Response};
use crate::message::DataKind;

/// What happened on a connection. Returned by [`Connection::receive`](crate::Connection::receive).
///
/// An event borrows the input or the connection's receive buffer. It ends with the next call, so copy out of
/// it what you want to keep. Its `Debug` output has no payloads and no header values: they can be secret.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event<'a> {
    /// To a server: a valid opening handshake. Answer it with [`accept`](crate::Sender::accept) or
    /// [`reject`](crate::Sender::reject), now or later. The connection takes no more input until then.
    HandshakeRequest(Request<'a>),
    /// To a server with [`Config::http_requests`](crate::Config::http_requests): a request that does not ask
    /// for a WebSocket. Answer it with [`respond`](crate::Sender::respond).
    HttpRequest(Request<'a>),
    /// The connection is open (RFC 6455 section 4). What both sides agreed on can be read at any time, see
    /// [`subprotocol`](crate::Connection::subprotocol).
    HandshakeComplete(Handshake<'a>),
    /// To a client: the server answered with a status other than 101, such as 401 or 302. The connection is
    /// closed.
    HandshakeRefused(Response<'a>),
    /// A whole message. With [`Delivery::Whole`](crate::Delivery::Whole), the default.
    Message(Message<'a>),
    /// A part of a message, as it arrived. With [`Delivery::Parts`](crate::Delivery::Parts).
    Part(Part<'a>),
    /// A ping with its payload. The connection has queued the pong already, unless
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off.
    Ping(&'a [u8]),
    /// A pong with its payload, whether it answers a ping or not (RFC 6455 section 5.5.3).
    Pong(&'a [u8]),
    /// The peer's Close. The connection has queued its own Close already, unless it had sent one before. It
    /// receives nothing more.
    Close(Close<'a>),
    /// The connection has failed (RFC 6455 section 7.1.7); [`Sender::error`](crate::Sender::error) says why. This is the
    /// last event. If the peer can be told, [`outgoing`](crate::Connection::outgoing) holds the Close frame or the HTTP
    /// error that says so.
    // The event does not hold the error: that costs 330 bytes of flash in a server, and two stores for each event.
    Failed,
}

impl Event<'_> {
    /// The same event, rebuilt field by field: as a piece of memory it would be copied in other words than it
    /// was written in, and wait for them.
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
        /// Which [`Event`] there is, without its content.
        #[non_exhaustive]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum EventKind {
            $(#[doc = concat!("[`Event::", stringify!($kind), "`].")] $(#[$more])* $kind),+
        }

        impl Event<'_> {
            /// Which event this is, without its content.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self {
                    $(Self::$kind { .. } => EventKind::$kind),+
                }
            }
        }
    };
}
event_kinds!(
    HandshakeRequest,
    HttpRequest,
    HandshakeComplete,
    HandshakeRefused,
    /// If a text message turns out not to be UTF-8, [`view`](crate::Connection::view) shows [`Event::Failed`]
    /// instead.
    Message,
    Part,
    Ping,
    Pong,
    Close,
    Failed
);

/// A message (RFC 6455 section 5.6).
///
/// ```
/// use sansws::{DataKind, Message};
///
/// let message = Message::from("hello");
/// assert_eq!((message.kind(), message.as_text(), message.len()), (DataKind::Text, Some("hello"), 5));
/// // Logs do not show what was said.
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
    /// Whether it is text or binary.
    #[must_use]
    pub const fn kind(&self) -> DataKind {
        match self {
            Self::Text(_) => DataKind::Text,
            Self::Binary(_) => DataKind::Binary,
        }
    }

    /// The payload of a text message; `None` if the message is binary.
    #[must_use]
    pub const fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload of either kind.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// How many bytes the payload has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload has no bytes.
    #[must_use]
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

/// A part of a message. The parts of a message are reported in its order. Where the message is cut has no
/// meaning: it depends on the reads as well as on the sender's fragments (RFC 6455 section 5.4).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part<'a> {
    /// The content, which may be empty. Text is never cut inside of a character.
    pub data: Message<'a>,
    /// Whether the message begins with this part.
    pub is_first: bool,
    /// Whether the message ends with this part.
    pub is_last: bool,
}

shown!(Part<'_> { this => "{:?}, is_first: {}, is_last: {}", this.data, this.is_first, this.is_last; });

impl<'a> Part<'a> {
    /// A part with this content.
    #[must_use]
    pub const fn new(data: Message<'a>, is_first: bool, is_last: bool) -> Self {
        Self { data, is_first, is_last }
    }
}

/// A completed opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handshake<'a> {
    pub(crate) response: Option<Response<'a>>,
}

shown!(Handshake<'_> { this => "Handshake({:?})", this.response; });

impl<'a> Handshake<'a> {
    /// To a client: the server's answer with all its headers, such as `Set-Cookie`. `None` to a server.
    #[must_use]
    pub const fn response(&self) -> Option<Response<'a>> {
        self.response
    }
}
