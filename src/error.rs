//! All errors, sorted by the side that is at fault. Only this file maps errors to close codes and HTTP
//! statuses.

use crate::close::CloseCode;
use core::fmt;

/// The reason why a connection failed, sorted by the side that is at fault. The value is small and `Copy`:
/// keep it, compare it, log it.
///
/// A failure is final: the connection reports the same error from then on. The bytes that tell the peer about
/// it (a Close frame, an HTTP error) are in [`outgoing`](crate::Connection::outgoing): write them, then close
/// the transport.
///
/// A refused call is not a failure: it returns a [`SendError`], and the connection continues.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The peer broke the protocol.
    Peer(Violation),
    /// The peer kept to the protocol but exceeded a limit of [`Config`](crate::Config).
    Limit(Limit),
    /// The opening handshake is not valid.
    Handshake(HandshakeError),
    /// The server answered the opening handshake with this status instead of 101.
    // As a variant of `HandshakeError` the status would make this enum larger than a register of 32 bits.
    Refused(u16),
}

/// The reason why [`Sender`](crate::Sender) refused a call. The call queued nothing and changed nothing. The
/// connection continues.
///
/// ```
/// use sansws::{Agreed, Config, Connection, SendError, Server};
///
/// let config = Config::new().max_outgoing(20);
/// let mut conn = Connection::after_handshake(Server, config, Agreed::NONE);
/// conn.sender().text("ten bytes.")?;
/// // There is no room for both at once: write `outgoing`, then send the second message again.
/// assert_eq!(conn.sender().text("ten bytes!"), Err(SendError::NotNow));
/// // This message never fits.
/// assert_eq!(conn.sender().text("longer than 20 bytes"), Err(SendError::TooLarge));
///
/// conn.mark_sent(12);
/// conn.sender().text("ten bytes!")?;
/// # Ok::<(), SendError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError {
    /// The call needs room that bytes in [`outgoing`](crate::Connection::outgoing) occupy. Write them, call
    /// [`mark_sent`](crate::Connection::mark_sent), then call again.
    ///
    /// `outgoing` is never empty when a call returns this. So an embedder can always write some bytes, and
    /// then try again.
    NotNow,
    /// The frame or the head is longer than [`Config::max_outgoing`](crate::Config::max_outgoing) or than the
    /// buffers of the storage, so the call can never succeed. Send the message in fragments, or raise the
    /// limit.
    TooLarge,
    /// The allocator had no memory.
    Memory,
    /// The state of the connection does not allow the call, or its arguments are not valid.
    NotAllowed(Misuse),
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
    /// A continuation frame that continues no message (section 5.4).
    NothingToContinue,
    /// A text or binary frame before the current message has ended (section 5.4).
    MessageUnfinished,
    /// Text that is not UTF-8 (section 8.1).
    InvalidUtf8,
    /// A Close frame with a body of a single byte (section 5.5.1).
    CloseBodyTooShort,
    /// A close code that must not be on the wire (section 7.4).
    CloseCodeNotAllowed(CloseCode),
    /// The reason of a Close frame is not UTF-8 (section 5.5.1).
    InvalidCloseReason,
    /// A compressed message that is not DEFLATE data, or ends in the middle of it (RFC 7692 section 7.2.2).
    Deflate,
    /// The transport ended without a Close frame (section 7.1.5: reported as 1006).
    UnexpectedEof,
}

/// A limit of [`Config`](crate::Config) that the peer exceeded.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Limit {
    /// [`Config::max_frame`](crate::Config::max_frame).
    Frame,
    /// [`Config::max_message`](crate::Config::max_message), or the size of the storage.
    Message,
    /// [`Config::max_fragments`](crate::Config::max_fragments).
    Fragments,
    /// [`Config::max_head`](crate::Config::max_head), or the size of the storage.
    Head,
    /// [`Config::max_headers`](crate::Config::max_headers).
    Headers,
    /// The allocator had no memory for data within the other limits.
    Memory,
}

/// The reason why an opening handshake is not valid (RFC 6455 section 4).
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
    /// The server chose an extension twice, or with parameters that do not fit the offer (RFC 7692 section
    /// 7).
    ExtensionAnswer,
    /// The transport ended before the handshake was complete.
    UnexpectedEof,
}

/// The reason why a call is not allowed: the state of the connection, or an argument.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Misuse {
    /// The connection is not open yet.
    NotOpenYet,
    /// A Close was sent or received, or the connection has failed: no data can be sent any more.
    Closed,
    /// The payload has more than 2^63 - 1 bytes.
    PayloadTooLong,
    /// A message in fragments must be finished first.
    MessageUnfinished,
    /// No message was begun that the fragment could belong to.
    NothingBegun,
    /// The text is not UTF-8.
    InvalidUtf8,
    /// The call needs a connection that has agreed on permessage-deflate, or still negotiates it.
    CompressionNotAgreed,
    /// The payload of the control frame has more than 125 bytes.
    ControlTooLong,
    /// The close reason has more than [`MAX_CLOSE_REASON`](crate::MAX_CLOSE_REASON) bytes.
    ReasonTooLong,
    /// This role must not send this close code.
    CloseCodeNotAllowed,
    /// There is no request to answer.
    NoRequest,
    /// The client did not offer the subprotocol.
    SubprotocolNotOffered,
    /// A subprotocol is not a token, or the request offers it twice.
    InvalidSubprotocol,
    /// The name of a header is not a token, or its value contains a control character.
    InvalidHeader,
    /// The library writes this header itself.
    ReservedHeader,
    /// The status of the reply is not between 200 and 599.
    InvalidStatus,
}

impl Error {
    /// The close code for this failure. The connection has sent it if it was open.
    ///
    /// `None` for a failed handshake, which ends with an HTTP status, and if the transport has ended.
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
            | Self::Refused(_) => None,
            // WS-7.4.1-02
            Self::Peer(_) => Some(CloseCode::PROTOCOL_ERROR),
        }
    }

    /// The HTTP status with which a server answers a request that fails with this error; `None` for errors
    /// outside of handshakes.
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
    /// The HTTP status for a request with this error (WS-10.7-04); `None` for errors in a server's answer.
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

    /// The headers of an answer with [`http_status`](Self::http_status), except `Connection`.
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
impl core::error::Error for SendError {}
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
from!(Peer(Violation), Limit(Limit), Handshake(HandshakeError));

impl From<Misuse> for SendError {
    fn from(misuse: Misuse) -> Self {
        Self::NotAllowed(misuse)
    }
}

/// Converts each error to an `io::Error` of a matching kind.
#[cfg(feature = "std")]
mod io {
    use super::{Error, HandshakeError, Limit, Misuse, SendError, Violation};
    use std::io::ErrorKind;

    macro_rules! into_io_error {
        ($($name:ident: $kind:expr),* $(,)?) => {
            $(impl From<$name> for std::io::Error {
                fn from(error: $name) -> Self {
                    let kind: fn($name) -> ErrorKind = $kind;
                    Self::new(kind(error), error)
                }
            })*
        };
    }
    into_io_error! {
        Error: |error| match error {
            Error::Peer(violation) => of_violation(violation),
            Error::Limit(_) => ErrorKind::InvalidData,
            Error::Handshake(error) => of_handshake(error),
            Error::Refused(_) => ErrorKind::ConnectionRefused,
        },
        Violation: of_violation,
        Limit: |_| ErrorKind::InvalidData,
        HandshakeError: of_handshake,
        SendError: |error| match error {
            // Not `WouldBlock`: event loops read that as "the socket is not ready", and wait for the wrong
            // thing.
            SendError::NotNow => ErrorKind::ResourceBusy,
            SendError::TooLarge => ErrorKind::InvalidInput,
            SendError::Memory => ErrorKind::OutOfMemory,
            SendError::NotAllowed(misuse) => of_misuse(misuse),
        },
        Misuse: of_misuse,
    }

    fn of_violation(violation: Violation) -> ErrorKind {
        match violation {
            Violation::UnexpectedEof => ErrorKind::UnexpectedEof,
            _ => ErrorKind::InvalidData,
        }
    }

    fn of_handshake(error: HandshakeError) -> ErrorKind {
        match error {
            HandshakeError::UnexpectedEof => ErrorKind::UnexpectedEof,
            _ => ErrorKind::InvalidData,
        }
    }

    fn of_misuse(misuse: Misuse) -> ErrorKind {
        match misuse {
            Misuse::NotOpenYet | Misuse::Closed => ErrorKind::NotConnected,
            _ => ErrorKind::InvalidInput,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Limit(limit) => write!(f, "the peer exceeded a limit: {limit}"),
            Self::Handshake(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Refused(status) => {
                write!(
                    f,
                    "the server answered with status {status} instead of 101; see Event::HandshakeRefused"
                )
            }
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNow => "not now: write the bytes in outgoing() and call mark_sent(), then try again",
            Self::TooLarge => {
                "too large: it can never fit; send it in fragments, or raise Config::max_outgoing \
                 or the size of the storage"
            }
            Self::Memory => {
                "no memory: the outgoing buffer cannot grow; write the bytes in outgoing(), or send less"
            }
            Self::NotAllowed(misuse) => return write!(f, "not allowed: {misuse}"),
        })
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
            Self::NothingToContinue => "a continuation frame continues no message",
            Self::MessageUnfinished => "a new message begins before the current one has ended",
            Self::InvalidUtf8 => "a text message is not UTF-8",
            Self::Deflate => "a compressed message is not valid DEFLATE data",
            Self::CloseBodyTooShort => "a Close frame has a body of one byte",
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
            Self::Frame => {
                "a frame is larger than Config::max_frame; raise it, or have the peer fragment its messages"
            }
            Self::Message => {
                "a message is larger than Config::max_message or than the storage; raise it, or \
                 use Delivery::Parts"
            }
            Self::Fragments => {
                "a message has more fragments than Config::max_fragments; raise it for peers that stream"
            }
            Self::Head => {
                "the HTTP head is larger than Config::max_head or than the storage; raise it for \
                 large cookies"
            }
            Self::Headers => "the HTTP head has more headers than Config::max_headers; raise it, 128 at most",
            Self::Memory => {
                "there was no memory for a message; lower Config::max_message, or serve fewer connections"
            }
        })
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MalformedHead => "the head is not HTTP/1.1; check whether the peer speaks TLS or HTTP/2",
            Self::HttpVersion => {
                "the HTTP version is not 1.1; if there is a proxy, configure it for HTTP/1.1 \
                 (nginx: proxy_http_version 1.1)"
            }
            Self::Method => "the method is not GET; a WebSocket request must use GET",
            Self::Host => "Host is missing, occurs twice, or is not valid; a request needs one valid Host",
            Self::Upgrade => {
                "Upgrade does not name websocket; if there is a proxy, configure it to pass Upgrade on"
            }
            Self::Connection => {
                "Connection does not contain Upgrade; if there is a proxy, configure it to pass Connection on"
            }
            Self::Key => "Sec-WebSocket-Key is missing, occurs twice, or is not 16 bytes in base64",
            Self::Version => {
                "Sec-WebSocket-Version is missing, occurs twice, or is not a number from 0 to 255"
            }
            Self::VersionNotSupported => "Sec-WebSocket-Version is not 13; use version 13 (RFC 6455)",
            Self::Accept => {
                "Sec-WebSocket-Accept does not answer the key; check whether a cache or another server answers"
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
                "the transport ended before the handshake was complete; check the address of the endpoint"
            }
        })
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpenYet => "the connection is not open yet; wait for Event::HandshakeComplete",
            Self::Closed => {
                "a Close was sent or received, or the connection failed; make a new connection to send more"
            }
            Self::PayloadTooLong => {
                "the payload has more than 2^63 - 1 bytes; send the message in fragments instead"
            }
            Self::MessageUnfinished => "a message is being sent in fragments; finish() it first",
            Self::NothingBegun => "no message is being sent in fragments; begin() one first",
            Self::InvalidUtf8 => "the text is not UTF-8; send other bytes with DataKind::Binary",
            Self::CompressionNotAgreed => {
                "this connection has not agreed on permessage-deflate; ask for it with Config::deflate"
            }
            Self::ControlTooLong => "the payload of a ping or pong is too long; 125 bytes are the most",
            Self::ReasonTooLong => "the close reason is too long; 123 bytes are the most",
            Self::CloseCodeNotAllowed => {
                "this close code is not allowed; use 1000 to 1003, 1007 to 1009, 1011 to 1014 or 3000 to 4999"
            }
            Self::NoRequest => "no request waits for an answer; answer each request once",
            Self::SubprotocolNotOffered => {
                "the client did not offer this subprotocol; choose from request.subprotocols()"
            }
            Self::InvalidSubprotocol => {
                "a subprotocol is not a token, or is offered twice; use a token (RFC 9110 section 5.6.2), once"
            }
            Self::InvalidHeader => {
                "a header name must be a token, and its value must not contain control characters"
            }
            Self::ReservedHeader => "the library writes this header itself; use the method that sets it",
            Self::InvalidStatus => {
                "the status of the reply is not between 200 and 599; for a 101 call accept()"
            }
        })
    }
}
