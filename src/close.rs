//! Status codes and reasons of the closing handshake, RFC 6455 section 7.4.

use core::fmt;

/// The length limit of a close reason in bytes. A control frame carries 125 bytes, and the code takes two of
/// them.
///
/// WS-5.5-01
pub const MAX_CLOSE_REASON: usize = 123;

/// The status code of a Close frame (RFC 6455 section 7.4).
///
/// It can be any `u16`, so that no code of a peer is lost. [`is_allowed_on_wire`](Self::is_allowed_on_wire)
/// says which codes a Close frame may contain. A connection that receives any other code fails with
/// [`PROTOCOL_ERROR`](Self::PROTOCOL_ERROR), and it refuses to send such a code.
///
/// ```
/// use sansws::CloseCode;
///
/// assert_eq!(u16::from(CloseCode::NORMAL), 1000);
/// assert!(CloseCode::from(4001).is_allowed_on_wire());
/// assert!(!CloseCode::ABNORMAL.is_allowed_on_wire());
/// assert_eq!(CloseCode::TRY_AGAIN_LATER.to_string(), "1013 (try again later)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CloseCode(u16);

macro_rules! codes {
    ($($(#[$documentation:meta])+ $constant:ident = $code:literal $name:literal,)+) => {
        impl CloseCode {
            $($(#[$documentation])+ pub const $constant: Self = Self($code);)+

            const fn name(self) -> Option<&'static str> {
                Some(match self.0 {
                    $($code => $name,)+
                    _ => return None,
                })
            }
        }
    };
}
codes! {
    /// 1000: the connection has served its purpose.
    NORMAL = 1000 "normal",
    /// 1001: the endpoint is going away: a server shuts down, or a browser leaves the page.
    GOING_AWAY = 1001 "going away",
    /// 1002: the peer broke the protocol.
    PROTOCOL_ERROR = 1002 "protocol error",
    /// 1003: the endpoint cannot accept this type of data, such as binary data if it understands only text.
    UNSUPPORTED_DATA = 1003 "unsupported data",
    /// 1005: reported when a Close frame had no code. Never on the wire.
    NO_STATUS_RECEIVED = 1005 "no status received",
    /// 1006: reported when the connection ended without a Close frame. Never on the wire.
    ABNORMAL = 1006 "abnormal closure",
    /// 1007: the data does not match its type, such as text that is not UTF-8.
    INVALID_PAYLOAD = 1007 "invalid payload",
    /// 1008: a policy of the endpoint is violated; the code to use if no other fits.
    POLICY_VIOLATION = 1008 "policy violation",
    /// 1009: a message is too big for the endpoint.
    MESSAGE_TOO_BIG = 1009 "message too big",
    /// 1010: the server has not accepted an extension that the client needs. Only clients send it
    /// (WS-7.4.1-13).
    MANDATORY_EXTENSION = 1010 "mandatory extension",
    /// 1011: the endpoint has met an unexpected condition.
    INTERNAL_ERROR = 1011 "internal error",
    /// 1012: the service restarts; clients may reconnect after a random delay.
    SERVICE_RESTART = 1012 "service restart",
    /// 1013: the service is overloaded; clients should come back later.
    TRY_AGAIN_LATER = 1013 "try again later",
    /// 1014: a gateway received an invalid answer from its upstream server.
    BAD_GATEWAY = 1014 "bad gateway",
    /// 1015: reported when a TLS handshake failed. Never on the wire.
    TLS_HANDSHAKE = 1015 "TLS handshake",
    /// 3000: the endpoint must be authorized to use this resource.
    UNAUTHORIZED = 3000 "unauthorized",
    /// 3003: the endpoint is authorized, but has no permission.
    FORBIDDEN = 3003 "forbidden",
    /// 3008: the endpoint took too long to respond.
    TIMEOUT = 3008 "timeout",
}

impl CloseCode {
    /// Whether a Close frame may contain the code, in either direction.
    ///
    /// True for the codes that IANA registered for the wire (1000 to 1003, 1007 to 1014), for the range of
    /// libraries, frameworks and applications (3000 to 3999), and for private use (4000 to 4999).
    pub const fn is_allowed_on_wire(self) -> bool {
        // WS-7.4.1-04 to -08, -15, -16 · WS-7.4.2-01 to -06 · WS-11.7-01
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

from! {
    [] u16 => CloseCode, |code| Self(code);
    [] CloseCode => u16, |code| code.0;
}

/// Writes the number, with the registered name if there is one.
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({self})")
    }
}

/// The content of a Close frame.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Close<'a> {
    /// The status code; [`CloseCode::NO_STATUS_RECEIVED`] if the frame had none (WS-7.1.5-02).
    pub code: CloseCode,
    /// The reason, at most [`MAX_CLOSE_REASON`] bytes, often empty. It is meant for logs, not for users.
    pub reason: &'a str,
}

impl<'a> Close<'a> {
    /// A Close with this code and reason.
    #[must_use]
    pub const fn new(code: CloseCode, reason: &'a str) -> Self {
        Self { code, reason }
    }
}

shown!(Close<'_> { this => "Close({}, reason of {} bytes)", this.code, this.reason.len(); });
