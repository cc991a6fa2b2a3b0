//! Why an operation failed.

use core::{error, fmt};
use sansws::timers::Timeout;
use sansws::{CloseCode, SendError, Violation};

/// The error of a [`WebSocket`](crate::WebSocket) over a transport with the error `E`.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error<E> {
    /// The transport failed.
    Transport(E),
    /// The transport takes no more bytes, or has ended, and bytes still wait to be written.
    Unwritten,
    /// The connection failed: the peer broke the protocol, a limit was reached, the transport ended before
    /// the closing handshake, or the server refused the client's opening handshake
    /// ([`sansws::Error::Refused`], with the HTTP status).
    Connection(sansws::Error),
    /// The server rejected the client's opening handshake, by its own decision.
    Rejected,
    /// A deadline has passed.
    Timeout(Timeout),
    /// The connection cannot send this, or cannot send in this state.
    Send(SendError),
    /// The message does not fit into the buffer of the caller, who can call again with a larger one.
    TooLong {
        /// The length of the message in bytes.
        len: usize,
    },
}

impl<E> Error<E> {
    /// The close code for this failure, as the application sees it (RFC 6455 section 7.1.5). `None` if there
    /// was no connection yet, or if the call was refused and the connection continues.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Connection(sansws::Error::Peer(Violation::UnexpectedEof))
            | Self::Transport(_)
            | Self::Unwritten
            | Self::Timeout(Timeout::Pong | Timeout::Idle | Timeout::Close) => Some(CloseCode::ABNORMAL),
            Self::Connection(error) => error.close_code(),
            _ => None,
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The errors of embedded-io need not have a text.
            Self::Transport(error) => write!(f, "the transport failed: {error:?}"),
            Self::Unwritten => f.write_str("the transport has ended, and bytes still wait to be written"),
            Self::Connection(error) => error.fmt(f),
            Self::Rejected => f.write_str("the server rejected the opening handshake"),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::TooLong { len } => write!(f, "the message has {len} bytes, more than the buffer holds"),
        }
    }
}

impl<E: fmt::Debug> error::Error for Error<E> {}

impl<E> From<sansws::Error> for Error<E> {
    fn from(error: sansws::Error) -> Self {
        Self::Connection(error)
    }
}

impl<E> From<Timeout> for Error<E> {
    fn from(timeout: Timeout) -> Self {
        Self::Timeout(timeout)
    }
}

impl<E> From<SendError> for Error<E> {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
