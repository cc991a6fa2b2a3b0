//! What can go wrong, sorted by who is at fault. The one place where faults become close codes and HTTP statuses.

use crate::close::CloseCode;
use core::fmt;

/// Why a call failed, by fault. Small and `Copy`: keep it, compare it, log it.
///
/// - [`Peer`](Self::Peer), [`Limit`](Self::Limit) and [`Handshake`](Self::Handshake) come out of
///   [`receive`](crate::Connection::receive) and are final: the connection has failed, and says the same each
///   time it is asked. What tells the peer (a Close frame, an HTTP error) is in
///   [`outgoing`](crate::Connection::outgoing): write it, then close the transport.
/// - [`Caller`](Self::Caller) is a refused call. It changed nothing; the connection goes on.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The peer broke the protocol.
    Peer(Violation),
    /// The peer stayed within the protocol but went beyond a limit of [`Config`](crate::Config).
    Limit(Limit),
    /// The opening handshake is not valid.
    Handshake(HandshakeError),
    /// The server answered the opening handshake with this status instead of 101.
    // As a variant of `HandshakeError` the status would make this enum larger than a register of 32 bits.
    Refused(u16),
    /// This call is not possible now, or not with these arguments. Nothing was changed.
    Caller(Misuse),
}

/// A rule of RFC 6455 that the peer broke.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Violation {
    /// A client sent a frame without a mask (section 5.1).
    Unmasked,
    /// A server sent a masked frame (section 5.1).
    Masked,
    /// A reserved bit is set that no negotiated extension uses (section 5.2). Holds RSV1 to RSV3 as 4, 2, 1.
    ReservedBits(u8),
    /// An opcode that is not defined (section 5.2).
    UnknownOpcode(u8),
    /// A control frame with more than 125 bytes of payload (section 5.5).
    ControlTooLong,
    /// A control frame without FIN (section 5.5).
    ControlFragmented,
    /// A payload length that is not in its shortest form (section 5.2).
    LengthNotMinimal,
    /// A 64-bit payload length with its top bit set (section 5.2).
    LengthTopBit,
    /// A continuation frame while no message is under way (section 5.4).
    NothingToContinue,
    /// A text or binary frame before the message under way has ended (section 5.4).
    MessageUnfinished,
    /// Text that is not UTF-8 (section 8.1).
    InvalidUtf8,
    /// A Close frame with a body of a single byte (section 5.5.1).
    CloseBodyTooShort,
    /// A close code that must not be on the wire (section 7.4).
    CloseCodeNotAllowed(CloseCode),
    /// The reason of a Close frame is not UTF-8 (section 5.5.1).
    InvalidCloseReason,
    /// A compressed message that is no DEFLATE data, or is cut off in the middle (RFC 7692 section 7.2.2).
    Deflate,
    /// The transport ended without a Close frame (section 7.1.5: reported as 1006).
    UnexpectedEof,
}

/// A limit of [`Config`](crate::Config) that the peer went beyond.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Limit {
    /// [`Config::max_frame`](crate::Config::max_frame).
    Frame,
    /// [`Config::max_message`](crate::Config::max_message), or what the storage can hold.
    Message,
    /// [`Config::max_fragments`](crate::Config::max_fragments).
    Fragments,
    /// [`Config::max_head`](crate::Config::max_head), or what the storage can hold.
    Head,
    /// [`Config::max_headers`](crate::Config::max_headers).
    Headers,
    /// The allocator had no memory for data within the other limits.
    Memory,
}

/// Why an opening handshake is not valid (RFC 6455 section 4).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HandshakeError {
    /// The head is not HTTP/1.1 syntax.
    MalformedHead,
    /// The HTTP version is not 1.1.
    HttpVersion,
    /// The request's method is not GET.
    Method,
    /// The request has no `Host`, more than one, or an invalid one.
    Host,
    /// `Upgrade` is missing or does not name `websocket`.
    Upgrade,
    /// `Connection` is missing or does not contain `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Key` is missing, occurs twice, or is not 16 bytes in base64.
    Key,
    /// `Sec-WebSocket-Version` is missing, occurs twice, or is not a number from 0 to 255.
    Version,
    /// `Sec-WebSocket-Version` asks for a version other than 13.
    VersionNotSupported,
    /// `Sec-WebSocket-Accept` is missing, occurs twice, or is not the answer to the key that was sent.
    Accept,
    /// `Sec-WebSocket-Protocol` is malformed, or occurs twice in an answer.
    Subprotocol,
    /// The server chose a subprotocol that was not offered.
    SubprotocolNotOffered,
    /// `Sec-WebSocket-Extensions` is malformed.
    Extensions,
    /// The server chose an extension that was not offered.
    ExtensionNotOffered,
    /// The server chose an extension twice, or with parameters that do not fit the offer (RFC 7692 section 7).
    ExtensionAnswer,
    /// The transport ended before the handshake was complete.
    UnexpectedEof,
}

/// Why a call was refused.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Misuse {
    /// The connection is not open yet.
    NotOpenYet,
    /// A Close was sent or received, or the connection has failed: no data can be sent any more.
    Closed,
    /// The frame does not fit below [`Config::max_outgoing`](crate::Config::max_outgoing).
    OutgoingFull,
    /// Something waits in [`outgoing`](crate::Connection::outgoing) that has to be written before.
    OutgoingPending,
    /// A payload has at most 2^63 - 1 bytes.
    PayloadTooLong,
    /// A message is being sent in fragments and has to be finished first.
    MessageUnfinished,
    /// A fragment without a message that was begun.
    NothingBegun,
    /// The fragments of a text message are not UTF-8 when joined.
    InvalidUtf8,
    /// `Compress::Always` needs a connection that has agreed on permessage-deflate.
    CompressionNotAgreed,
    /// A control frame carries at most 125 bytes.
    ControlTooLong,
    /// A close reason has at most [`MAX_CLOSE_REASON`](crate::MAX_CLOSE_REASON) bytes.
    ReasonTooLong,
    /// This close code must not be sent by this role.
    CloseCodeNotAllowed,
    /// No request waits for an answer.
    NoRequest,
    /// A request waits for `accept`, `reject` or `respond` before more input can be taken.
    DecisionPending,
    /// The subprotocol was not offered by the client.
    SubprotocolNotOffered,
    /// A subprotocol has to be a token, and to be offered only once.
    InvalidSubprotocol,
    /// The name of a header is not a token, or its value has a control character.
    InvalidHeader,
    /// The library itself writes this header.
    ReservedHeader,
    /// The status of a reply has to be between 200 and 599.
    InvalidStatus,
    /// The storage is too small for what has to be remembered of the handshake.
    StorageTooSmall,
}

impl Error {
    /// The close code that was sent for this failure, or that the embedder would send.
    ///
    /// `None` for refused calls, for handshakes (which end by an HTTP status) and at the end of the transport.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            // WS-7.4.1-09 · WS-8.1-01 · WS-8.1-03
            Self::Peer(Violation::InvalidUtf8 | Violation::InvalidCloseReason | Violation::Deflate) => {
                Some(CloseCode::INVALID_PAYLOAD)
            }
            // WS-7.4.1-10
            Self::Limit(Limit::Frame | Limit::Message) => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Limit(Limit::Fragments) => Some(CloseCode::POLICY_VIOLATION),
            Self::Limit(Limit::Memory) => Some(CloseCode::TRY_AGAIN_LATER),
            Self::Peer(Violation::UnexpectedEof)
            | Self::Limit(Limit::Head | Limit::Headers)
            | Self::Handshake(_)
            | Self::Refused(_)
            | Self::Caller(_) => None,
            // WS-7.4.1-02
            Self::Peer(_) => Some(CloseCode::PROTOCOL_ERROR),
        }
    }

    /// The HTTP status that a server answers with when a request fails like this; `None` outside of handshakes.
    #[must_use]
    pub const fn http_status(self) -> Option<u16> {
        match self {
            Self::Handshake(error) => error.http_status(),
            Self::Limit(Limit::Head | Limit::Headers) => Some(431),
            _ => None,
        }
    }
}

impl HandshakeError {
    /// The HTTP status for a request that is not valid in this way (WS-10.7-04); `None` for faults of an answer.
    #[must_use]
    pub const fn http_status(self) -> Option<u16> {
        Some(match self {
            Self::Method => 405,
            Self::HttpVersion => 505,
            // RFC 9110 section 15.5.22. WS-4.2.2-11
            Self::Upgrade | Self::VersionNotSupported => 426,
            Self::MalformedHead
            | Self::Host
            | Self::Connection
            | Self::Key
            | Self::Version
            | Self::Subprotocol
            | Self::Extensions => 400,
            Self::Accept
            | Self::SubprotocolNotOffered
            | Self::ExtensionNotOffered
            | Self::ExtensionAnswer
            | Self::UnexpectedEof => return None,
        })
    }

    /// The headers that an answer with [`http_status`](Self::http_status) carries besides `Connection`.
    #[must_use]
    pub const fn http_headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Method => &[("Allow", "GET")],
            // WS-4.2.2-12 · WS-4.4-01
            Self::Upgrade | Self::VersionNotSupported => {
                &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            }
            _ => &[],
        }
    }
}

impl core::error::Error for Error {}
impl core::error::Error for Violation {}
impl core::error::Error for Limit {}
impl core::error::Error for HandshakeError {}
impl core::error::Error for Misuse {}

macro_rules! from {
    ($($kind:ident($inner:ty)),*) => {
        $(impl From<$inner> for Error {
            fn from(inner: $inner) -> Self {
                Self::$kind(inner)
            }
        })*
    };
}
from!(Peer(Violation), Limit(Limit), Handshake(HandshakeError), Caller(Misuse));

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            Error::Peer(Violation::UnexpectedEof) | Error::Handshake(HandshakeError::UnexpectedEof) => {
                ErrorKind::UnexpectedEof
            }
            Error::Refused(_) => ErrorKind::ConnectionRefused,
            Error::Peer(_) | Error::Limit(_) | Error::Handshake(_) => ErrorKind::InvalidData,
            Error::Caller(Misuse::OutgoingFull) => ErrorKind::WouldBlock,
            Error::Caller(Misuse::NotOpenYet | Misuse::Closed) => ErrorKind::NotConnected,
            Error::Caller(_) => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Limit(limit) => write!(f, "the peer went beyond a limit: {limit}"),
            Self::Handshake(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Refused(status) => {
                write!(
                    f,
                    "the server answered with status {status} instead of 101; see Event::HandshakeRefused"
                )
            }
            Self::Caller(misuse) => write!(f, "refused: {misuse}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unmasked => "a client's frame is not masked",
            Self::Masked => "a server's frame is masked",
            Self::ReservedBits(bits) => {
                return write!(f, "reserved bits {bits:03b} are set and no extension in use defines them");
            }
            Self::UnknownOpcode(opcode) => return write!(f, "opcode {opcode:#x} is not defined"),
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::ControlFragmented => "a control frame is fragmented",
            Self::LengthNotMinimal => "a payload length is not in its shortest form",
            Self::LengthTopBit => "a 64-bit payload length has its top bit set",
            Self::NothingToContinue => "a continuation frame while no message is under way",
            Self::MessageUnfinished => "a new message before the one under way has ended",
            Self::InvalidUtf8 => "a text message is not UTF-8",
            Self::Deflate => "a compressed message is not valid DEFLATE data",
            Self::CloseBodyTooShort => "a Close frame with a body of one byte",
            Self::CloseCodeNotAllowed(code) => return write!(f, "close code {code} must not be on the wire"),
            Self::InvalidCloseReason => "the reason of a Close frame is not UTF-8",
            Self::UnexpectedEof => {
                "the transport ended without a Close frame (1006); reconnect if you need to"
            }
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "a frame is larger than Config::max_frame; raise it, or have the peer fragment its messages",
            Self::Message => {
                "a message is larger than Config::max_message or than the storage; raise it, or use Delivery::Parts"
            }
            Self::Fragments => "a message has more fragments than Config::max_fragments; raise it for peers that stream",
            Self::Head => "the HTTP head is larger than Config::max_head or than the storage; raise it for large cookies",
            Self::Headers => "the HTTP head has more headers than Config::max_headers; raise it, 128 at most",
            Self::Memory => "there was no memory to buffer a message; lower Config::max_message or hold fewer connections",
        })
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedHead => "the head is not HTTP/1.1 (is this a TLS or an HTTP/2 connection?)",
            Self::HttpVersion => {
                "the HTTP version is not 1.1 (a proxy in between may need to be told: proxy_http_version 1.1)"
            }
            Self::Method => "the method is not GET",
            Self::Host => "Host is missing, occurs twice, or is not valid",
            Self::Upgrade => "Upgrade does not name websocket (a proxy in between has to pass Upgrade on)",
            Self::Connection => {
                "Connection does not contain Upgrade (a proxy in between has to pass Connection on)"
            }
            Self::Key => "Sec-WebSocket-Key is missing, occurs twice, or is not 16 bytes in base64",
            Self::Version => {
                "Sec-WebSocket-Version is missing, occurs twice, or is not a number from 0 to 255"
            }
            Self::VersionNotSupported => "Sec-WebSocket-Version is not 13",
            Self::Accept => {
                "Sec-WebSocket-Accept does not answer the key (does a cache or another server answer?)"
            }
            Self::Subprotocol => "Sec-WebSocket-Protocol is malformed",
            Self::SubprotocolNotOffered => {
                "the server chose a subprotocol that was not offered; offer it in ClientRequest"
            }
            Self::Extensions => "Sec-WebSocket-Extensions is malformed",
            Self::ExtensionNotOffered => "the server chose an extension that was not offered",
            Self::ExtensionAnswer => {
                "the server chose an extension twice, or with parameters that do not fit the offer"
            }
            Self::UnexpectedEof => {
                "the transport ended before the handshake was complete; is this a WebSocket endpoint?"
            }
        })
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpenYet => "the connection is not open yet; wait for Event::HandshakeComplete",
            Self::Closed => "a Close was sent or received, or the connection failed; nothing can be sent any more",
            Self::OutgoingFull => "outgoing() is full; write it and mark_sent() first, or raise Config::max_outgoing",
            Self::OutgoingPending => "outgoing() has bytes that go first; write them and mark_sent(), then ask again",
            Self::PayloadTooLong => "a payload has at most 2^63 - 1 bytes; send a message in fragments instead",
            Self::MessageUnfinished => "a message is being sent in fragments; finish() it first",
            Self::NothingBegun => "no message is being sent in fragments; begin() one first",
            Self::InvalidUtf8 => "the fragments of a text message are not UTF-8 when joined; use DataKind::Binary for bytes",
            Self::CompressionNotAgreed => "this connection has not agreed on permessage-deflate; use Compress::Auto",
            Self::ControlTooLong => "a ping or pong carries at most 125 bytes",
            Self::ReasonTooLong => "a close reason has at most 123 bytes",
            Self::CloseCodeNotAllowed => {
                "this close code must not be sent; use 1000 to 1003, 1007 to 1009, 1011 to 1014 or 3000 to 4999"
            }
            Self::NoRequest => "no request waits for an answer; call this on the request's event, and once only",
            Self::DecisionPending => {
                "a request waits for an answer; accept() or reject() it, then call receive() again with the same input"
            }
            Self::SubprotocolNotOffered => "the client did not offer this subprotocol; choose from request.subprotocols()",
            Self::InvalidSubprotocol => "a subprotocol has to be a token (RFC 9110 section 5.6.2) and offered only once",
            Self::InvalidHeader => "a header name has to be a token, and its value free of CR, LF, NUL and other controls",
            Self::ReservedHeader => "the library itself writes this header; set it with its own method",
            Self::InvalidStatus => "the status of a reply has to be between 200 and 599; accept() writes the 101",
            Self::StorageTooSmall => "the storage is too small for what has to be remembered of this handshake",
        })
    }
}
