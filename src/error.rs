//! All errors, sorted by the side that is at fault. Only this file maps errors to close codes and HTTP
//! statuses.

use crate::close::CloseCode;
use crate::memory::OutOfMemory;

errors! {
    /// The reason why a connection failed, sorted by the side that is at fault. The value is small and
    /// `Copy`: keep it, compare it, log it.
    ///
    /// A failure is final: the connection reports the same error from then on. The bytes that tell the peer
    /// about it (a Close frame, an HTTP error) are in [`outgoing`](crate::Connection::outgoing): write them,
    /// then close the transport.
    ///
    /// A refused call is not a failure: it returns a [`SendError`], and the connection continues.
    ///
    /// With the feature `std`, `?` converts an error to a `std::io::Error` that has only its kind. A text
    /// would need memory, and an error can say that there is none. `std::io::Error::other(error)` keeps the
    /// text.
    pub enum Error {
        /// The peer broke the protocol, or the transport ended without a Close.
        Peer(violation: Violation) => "{}: {violation}" (violation.what_happened()),
        /// The peer kept to the protocol but exceeded a limit of [`Config`](crate::Config).
        Limit(limit: Limit) => "the peer exceeded a limit: {limit}",
        /// The opening handshake is not valid.
        Handshake(error: HandshakeError) => "the opening handshake failed: {error}",
        /// The server answered the opening handshake with this status instead of 101.
        // As a variant of `HandshakeError` the status would make this enum larger than a register of 32 bits.
        Refused(status: u16) =>
            "the server answered with status {status} instead of 101; see Event::HandshakeRefused",
    }

    /// The reason why [`Sender`](crate::Sender) refused a call. The call queued nothing and changed nothing.
    /// The connection continues.
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
    pub enum SendError {
        /// The call needs room that bytes in [`outgoing`](crate::Connection::outgoing) occupy. Write them,
        /// call [`mark_sent`](crate::Connection::mark_sent), then call again.
        ///
        /// `outgoing` is never empty when a call returns this. So an embedder can always write some bytes,
        /// and then try again.
        NotNow => "not now: write the bytes in outgoing() and call mark_sent(), then try again",
        /// The frame or the head is longer than [`Config::max_outgoing`](crate::Config::max_outgoing) or than
        /// the buffers of the storage, so the call can never succeed. Send the message in fragments, or raise
        /// the limit.
        TooLarge =>
            "too large: it can never fit; send it in fragments, or raise Config::max_outgoing or the size \
             of the storage",
        Memory = "no memory: the outgoing buffer cannot grow; write the bytes in outgoing(), or send less",
        /// The state of the connection does not allow the call, or its arguments are not valid.
        NotAllowed(misuse: Misuse) => "not allowed: {misuse}",
    }

    /// A rule of RFC 6455 that the peer broke.
    pub enum Violation {
        Unmasked = "a client's frame is not masked (RFC 6455 section 5.1)",
        Masked = "a server's frame is masked (RFC 6455 section 5.1)",
        /// A reserved bit is set that no negotiated extension uses (section 5.2). Holds RSV1 to RSV3 as 4, 2,
        /// 1.
        ReservedBits(bits: u8) => "reserved bits {bits:03b} are set, but no extension in use defines them",
        /// An opcode that is not defined (section 5.2).
        UnknownOpcode(opcode: u8) => "opcode {opcode:#x} is not defined",
        ControlTooLong = "a control frame is longer than 125 bytes (RFC 6455 section 5.5)",
        ControlFragmented = "a control frame is fragmented (RFC 6455 section 5.5)",
        LengthNotMinimal = "a payload length is not in its shortest form (RFC 6455 section 5.2)",
        LengthTopBit = "a 64-bit payload length has its top bit set (RFC 6455 section 5.2)",
        NothingToContinue = "a continuation frame continues no message (RFC 6455 section 5.4)",
        MessageUnfinished = "a new message begins before the current one has ended (RFC 6455 section 5.4)",
        InvalidUtf8 = "a text message is not UTF-8 (RFC 6455 section 8.1)",
        CloseBodyTooShort = "a Close frame has a body of one byte (RFC 6455 section 5.5.1)",
        /// A close code that must not be on the wire (section 7.4).
        CloseCodeNotAllowed(code: CloseCode) => "close code {code} must not be on the wire",
        InvalidCloseReason = "the reason of a Close frame is not UTF-8 (RFC 6455 section 5.5.1)",
        Deflate =
            "a compressed message is not DEFLATE data, or ends inside of a block (RFC 7692 section 7.2.2)",
        /// The transport ended without a Close frame (section 7.1.5: reported as 1006).
        UnexpectedEof => "the transport ended without a Close frame (1006); the peer or the network has failed",
    }

    /// A limit of [`Config`](crate::Config) that the peer exceeded.
    pub enum Limit {
        Frame = "a frame is larger than Config::max_frame; raise it, or have the peer fragment its messages",
        Message =
            "a message is larger than Config::max_message or than the storage; raise it, or use \
             Delivery::Parts",
        Fragments =
            "a message has more fragments than Config::max_fragments; raise it for peers that stream",
        FinalBlocks =
            "a compressed message has too many final DEFLATE blocks (BFINAL) for its length; have the peer \
             flush its compressor instead of finishing it",
        Head =
            "the HTTP head is larger than Config::max_head or than the storage; raise it for large cookies",
        Headers = "the HTTP head has more headers than Config::max_headers; raise it, to 128 at most",
        Memory = "the allocator has no memory; lower the limits of Config, or serve fewer connections",
    }

    /// The reason why an opening handshake is not valid (RFC 6455 section 4).
    pub enum HandshakeError {
        MalformedHead = "the head is not HTTP/1.1; check whether the peer speaks TLS or HTTP/2",
        HttpVersion =
            "the HTTP version is not 1.1 or higher; if there is a proxy, configure it for HTTP/1.1 (nginx: \
             proxy_http_version 1.1)",
        Method = "the method is not GET; a WebSocket request must use GET",
        Content =
            "the request has content, or its Content-Length is not valid; an upgrade request must have none",
        Expectation =
            "the request has an expectation; send it again without Expect, since it needs no content",
        Host = "Host is missing, occurs twice, or is not valid; a request needs one valid Host",
        Protocol = "the request asks for a protocol other than websocket; answer with 501",
        Upgrade =
            "Upgrade is missing or does not name websocket; if there is a proxy, configure it to pass \
             Upgrade on",
        Connection =
            "Connection is missing or does not contain Upgrade; if there is a proxy, configure it to pass \
             Connection on",
        Key = "Sec-WebSocket-Key is missing, occurs twice, or is not 16 bytes in base64",
        Version = "Sec-WebSocket-Version is missing, occurs twice, or is not a number from 0 to 255",
        VersionNotSupported = "Sec-WebSocket-Version is not 13; use version 13 (RFC 6455)",
        Accept =
            "Sec-WebSocket-Accept is missing, occurs twice, or does not answer the key; check whether a \
             cache or another server answers",
        Subprotocol = "Sec-WebSocket-Protocol is malformed, or occurs twice in an answer",
        SubprotocolNotOffered =
            "the server chose a subprotocol that was not offered; offer it in ClientRequest",
        Extensions = "Sec-WebSocket-Extensions is malformed",
        ExtensionNotOffered = "the server chose an extension that was not offered",
        ExtensionAnswer =
            "the server chose an extension twice, or with parameters that do not fit the offer (RFC 7692 \
             section 7)",
        UnexpectedEof =
            "the transport ended before the handshake was complete; check the address of the endpoint",
    }

    /// The reason why a call is not allowed: the state of the connection, or an argument.
    pub enum Misuse {
        NotOpenYet = "the connection is not open yet; wait for Event::HandshakeComplete",
        Closed = "a Close was sent or received, or the connection failed; make a new connection to send more",
        PayloadTooLong = "the payload has more than 2^63 - 1 bytes; send the message in fragments instead",
        MessageUnfinished = "a message is being sent in fragments; finish() it first",
        NothingBegun = "no message is being sent in fragments; begin() one first",
        InvalidUtf8 = "the text is not UTF-8; send other bytes with DataKind::Binary",
        CompressionNotAgreed =
            "this connection has not agreed on permessage-deflate; ask for it with Config::deflate",
        ControlTooLong = "the payload of a ping or pong is too long; it may have 125 bytes at most",
        ReasonTooLong = "the close reason is too long; it may have 123 bytes at most",
        CloseCodeNotAllowed =
            "this close code is not allowed; use 1000 to 1003, 1007 to 1009, 1011 to 1014 or 3000 to 4999",
        HandshakeBegun =
            "the opening handshake has begun, or the connection is over; make a new connection for each request",
        NoRequest = "no request waits for an answer; answer each request once",
        SubprotocolNotOffered =
            "the client did not offer this subprotocol; choose from request.subprotocols()",
        InvalidSubprotocol =
            "a subprotocol is not a token, or is offered twice; use a token (RFC 9110 section 5.6.2), once",
        InvalidExtension =
            "an extension has a name or a parameter that is not a token, or is permessage-deflate, which \
             Config::deflate negotiates",
        InvalidHeader = "a header name must be a token, and its value must not contain control characters",
        ReservedHeader = "the library writes this header itself; use the method that sets it",
        InvalidStatus = "the status of the reply is not between 200 and 599; for a 101, call accept()",
    }
}

impl Violation {
    /// The beginning of the text of [`Error::Peer`]. An end without a Close is often the fault of the
    /// network.
    const fn what_happened(self) -> &'static str {
        match self {
            Self::UnexpectedEof => "the connection broke off",
            _ => "the peer broke the protocol",
        }
    }
}

impl Error {
    /// The close code for this failure. The connection has sent it if it was open, and if there was memory
    /// for the Close.
    ///
    /// `None` for a failed handshake, which ends with an HTTP status, and if the transport has ended.
    pub const fn close_code(self) -> Option<CloseCode> {
        match self {
            // WS-7.4.1-09 · WS-8.1-01 · WS-8.1-03
            Self::Peer(Violation::InvalidUtf8 | Violation::InvalidCloseReason | Violation::Deflate) => {
                Some(CloseCode::INVALID_PAYLOAD)
            }
            // WS-7.4.1-10
            Self::Limit(Limit::Frame | Limit::Message) => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Limit(Limit::Fragments | Limit::FinalBlocks) => Some(CloseCode::POLICY_VIOLATION),
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
    /// outside of handshakes. [`Limit::Memory`] has both a status and a close code.
    pub const fn http_status(self) -> Option<u16> {
        match self {
            Self::Handshake(error) => error.http_status(),
            Self::Limit(Limit::Head | Limit::Headers) => Some(431),
            // Only a storage on the heap runs out of memory.
            #[cfg(feature = "alloc")]
            Self::Limit(Limit::Memory) => Some(503),
            _ => None,
        }
    }
}

impl HandshakeError {
    /// The HTTP status for a request with this error (WS-10.7-04); `None` for errors in a server's answer.
    pub const fn http_status(self) -> Option<u16> {
        Some(match self {
            Self::Method => 405,
            Self::HttpVersion => 505,
            // RFC 9220 section 3. H3-3-03
            Self::Protocol => 501,
            // RFC 9110 section 10.1.1
            Self::Expectation => 417,
            // RFC 9110 section 15.5.22. WS-4.2.2-11
            Self::Upgrade | Self::VersionNotSupported => 426,
            Self::MalformedHead
            | Self::Content
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

    /// The headers of an answer with [`http_status`](Self::http_status), except `Connection`. If `Upgrade` is
    /// among them, an answer over HTTP/1.1 also needs `Connection: Upgrade` (RFC 9110 section 7.8). An answer
    /// over HTTP/2 or HTTP/3 has neither of the two.
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

from! {
    [] Violation => Error, |violation| Self::Peer(violation);
    [] Limit => Error, |limit| Self::Limit(limit);
    [] HandshakeError => Error, |error| Self::Handshake(error);
    [] Misuse => SendError, |misuse| Self::NotAllowed(misuse);
}

from! {
    [] OutOfMemory => Limit, |_| Self::Memory;
    [] OutOfMemory => Error, |_| Self::Limit(Limit::Memory);
    [] OutOfMemory => SendError, |_| Self::Memory;
}

into_io_error! {
    Error: of_failure, Violation: of_failure, Limit: of_failure, HandshakeError: of_failure,
    SendError: of_refusal, Misuse: of_refusal, OutOfMemory: of_failure,
}

#[cfg(feature = "std")]
fn of_failure(error: impl Into<Error>) -> std::io::ErrorKind {
    match error.into() {
        Error::Peer(Violation::UnexpectedEof) | Error::Handshake(HandshakeError::UnexpectedEof) => {
            std::io::ErrorKind::UnexpectedEof
        }
        Error::Refused(_) => std::io::ErrorKind::ConnectionRefused,
        Error::Limit(Limit::Memory) => std::io::ErrorKind::OutOfMemory,
        _ => std::io::ErrorKind::InvalidData,
    }
}

#[cfg(feature = "std")]
fn of_refusal(error: impl Into<SendError>) -> std::io::ErrorKind {
    match error.into() {
        // Not `WouldBlock`: event loops read that as "the socket is not ready", and wait for the wrong thing.
        SendError::NotNow => std::io::ErrorKind::ResourceBusy,
        SendError::Memory => std::io::ErrorKind::OutOfMemory,
        SendError::NotAllowed(Misuse::NotOpenYet | Misuse::Closed) => std::io::ErrorKind::NotConnected,
        SendError::TooLarge | SendError::NotAllowed(_) => std::io::ErrorKind::InvalidInput,
    }
}
