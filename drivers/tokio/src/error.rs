//! Why an operation failed.

use sansws::handshake::Response;
use sansws::timers::Timeout;
use sansws::{CloseCode, Limit, Misuse, OutOfMemory, SendError, UriError, Violation};
use std::{error, fmt, io};

/// The error of a [`WebSocket`](crate::WebSocket), or of its opening handshake.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The transport failed.
    Io(io::Error),
    /// The connection failed: the peer broke the protocol, a limit was reached, or the transport ended before
    /// the closing handshake.
    Connection(sansws::Error),
    /// The server answered the client's opening handshake with another status than 101.
    Refused(Box<ServerResponse>),
    /// The server rejected the client's opening handshake, by its own decision.
    Rejected,
    /// A deadline has passed.
    Timeout(Timeout),
    /// The connection cannot send this, or its state does not allow the call.
    Send(SendError),
    /// The URI is not valid.
    Uri(UriError),
    /// A message has arrived, and [`ping`](crate::WebSocket::ping) can only continue once you have received
    /// it.
    MessageFirst,
}

/// The answer of a server to an opening handshake: 101, or a refusal such as 401 or 302.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerResponse {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl ServerResponse {
    pub(crate) fn of(response: &Response<'_>) -> Self {
        Self { status: response.status(), headers: owned(response.headers()), body: response.body().to_vec() }
    }

    /// The answer of a server, without its body.
    #[cfg(feature = "hyper")]
    pub(crate) fn new<'h>(status: u16, headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        Self { status, headers: owned(headers), body: Vec::new() }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All headers in their order, as pairs of name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), &value[..]))
    }

    /// The value of the first header with this name, in any ASCII case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body of a refusal, at most as long as
    /// [`Config::max_refusal_body`](sansws::Config::max_refusal_body). A 101 has none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The `Location` of a redirect.
    #[cfg(feature = "tokio")]
    pub(crate) fn redirect(&self) -> Option<&str> {
        if matches!(self.status, 301..=303 | 307 | 308) { self.header("location") } else { None }
    }
}

fn owned<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Vec<(String, Vec<u8>)> {
    headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

impl fmt::Debug for ServerResponse {
    // Headers and body can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Error {
    /// The close code for this failure, as the application sees it (RFC 6455 section 7.1.5). `None` if there
    /// was no connection yet, or if the call was refused and the connection continues.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            // No Close is sent, but the application sees a code.
            Self::Connection(sansws::Error::Peer(Violation::UnexpectedEof))
            | Self::Io(_)
            | Self::Timeout(Timeout::Pong | Timeout::Idle | Timeout::Close) => Some(CloseCode::ABNORMAL),
            Self::Connection(error) => error.close_code(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the transport failed: {error}"),
            Self::Connection(error) => error.fmt(f),
            Self::Refused(refusal) => sansws::Error::Refused(refusal.status).fmt(f),
            Self::Rejected => f.write_str("the server rejected the opening handshake"),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Uri(error) => error.fmt(f),
            Self::MessageFirst => {
                f.write_str("a message has arrived before the pong; receive it, then call ping again")
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),+) => {$(
        impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        }
    )+};
}
from!(io::Error => Io, sansws::Error => Connection, Timeout => Timeout, SendError => Send, UriError => Uri);

/// The state of the connection, or an argument, does not allow a call.
impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Send(misuse.into())
    }
}

/// A connection without memory for its messages is of no use.
impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::Connection(Limit::Memory.into())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::Connection(error) => error.into(),
            Error::Refused(refusal) => sansws::Error::Refused(refusal.status).into(),
            Error::Rejected => Self::new(io::ErrorKind::ConnectionRefused, error),
            Error::Timeout(timeout) => Self::new(io::ErrorKind::TimedOut, timeout),
            Error::Send(error) => error.into(),
            Error::Uri(error) => error.into(),
            Error::MessageFirst => Self::new(io::ErrorKind::ResourceBusy, error),
        }
    }
}
