//! Every state of a connection and every legal transition between them (RFC 6455 sections 4 and 7). The one
//! writer is `Lifecycle::apply`; which role is played does not matter here, except for who closes the
//! transport first.
//!
//! ```text
//!                 Opened              SentClose              ReceivedClose
//!   Handshake ------------> Open -----------------> CloseSent ----------> CloseExchanged
//!     |    \                  |  \     ReceivedClose                      ^       |
//!     |     \ Answered        |   `--------------------------------------'        |
//!     |      `-----> Answered |                                                   | Eof
//!     |                 |     |                                                   v
//!     |                 |     |                 Eof                             Ended
//!     |                 `-----+-------------------------------------------------^
//!     |  Fail                 | Fail (from anywhere but the end)                |
//!     `-------> Failed <------'                                                 |
//!                  `------------------------------- Eof ------------------------'
//! ```
//!
//! A client whose handshake was refused has failed with `Error::Refused`, which keeps the status.

use crate::error::{Error, HandshakeError, Misuse, Violation};
use core::fmt;

/// The state of a connection, by the names that browsers use (RFC 6455 sections 4.1 and 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// The opening handshake is not complete.
    Connecting,
    /// Messages can be sent and received.
    Open,
    /// A Close was sent or received, or the connection failed and has something left to write.
    Closing,
    /// It is over: the transport has ended, or the handshake was refused or failed and all is written.
    Closed,
}

/// The name in lower case.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// A request or a response is awaited, or the embedder's decision.
    Handshake,
    /// Both sides may send.
    Open,
    /// We sent a Close and wait for the peer's.
    CloseSent,
    /// Both Close frames went over the wire or are queued. WS-5.5.1-17
    CloseExchanged,
    /// A server answered the handshake with something other than 101.
    Answered,
    /// The connection failed (RFC 6455 section 7.1.7).
    Failed(Error),
    /// The transport has ended.
    Ended(Ending),
}

/// How a connection was when its transport ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The closing handshake had finished. WS-7.1.4-02
    Clean,
    /// A server had answered the handshake with something other than 101. WS-7.1.4-03
    Answered,
    /// It had failed, if only by this end.
    Failed(Error),
}

/// What happens to a connection.
// With a tag of its own: a compiler that has to look for it in the error keeps the whole table where a step
// is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Step {
    /// The handshake is complete. WS-4.1-64 · WS-4.2.2-29
    Opened,
    /// A server refuses the handshake.
    Answered,
    /// We queue a Close.
    SentClose,
    /// The peer's Close arrived.
    ReceivedClose,
    /// Something cannot go on.
    Fail(Error),
    /// The transport has ended.
    Eof,
}

#[derive(Debug)]
pub(crate) struct Lifecycle {
    phase: Phase,
}

impl Lifecycle {
    pub(crate) const fn new() -> Self {
        Self { phase: Phase::Handshake }
    }

    pub(crate) const fn open() -> Self {
        Self { phase: Phase::Open }
    }

    #[inline]
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether frames are received. After the peer's Close nothing more is (WS-5.5.1-12), nor after a failure
    /// (WS-7.1.7-08).
    #[inline]
    pub(crate) const fn is_receiving(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::CloseSent)
    }

    /// Takes a step. `false` if it is not legal now; then nothing changes.
    // Inlined, since the step is nearly always a constant: a column of the table is left of it.
    #[inline(always)]
    pub(crate) fn apply(&mut self, step: Step) -> bool {
        match next(self.phase, step) {
            Some(phase) => {
                self.phase = phase;
                true
            }
            None => false,
        }
    }

    /// Whether a data frame or a ping may be sent. WS-6.1-01 · WS-5.5.1-07 · WS-4.1-46
    #[inline]
    pub(crate) const fn may_send(&self) -> Result<(), Misuse> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Handshake => Err(Misuse::NotOpenYet),
            _ => Err(Misuse::Closed),
        }
    }

    /// Whether a pong may be sent: also after our own Close, until the peer's arrives. WS-5.5.2-04 ·
    /// WS-5.5.2-03
    pub(crate) const fn may_pong(&self) -> Result<(), Misuse> {
        match self.phase {
            Phase::CloseSent => Ok(()),
            _ => self.may_send(),
        }
    }
}

/// The table of transitions. `None`: not legal.
#[inline(always)]
const fn next(phase: Phase, step: Step) -> Option<Phase> {
    Some(match (phase, step) {
        (Phase::Handshake, Step::Opened) => Phase::Open,
        (Phase::Handshake, Step::Answered) => Phase::Answered,
        // WS-7.1.2-01 · WS-7.1.3-01
        (Phase::Open, Step::SentClose) => Phase::CloseSent,
        // Answered in the same step, or crossing with ours. WS-5.5.1-08 · WS-5.5.1-17
        (Phase::Open | Phase::CloseSent, Step::ReceivedClose) => Phase::CloseExchanged,
        (Phase::Handshake | Phase::Open | Phase::CloseSent, Step::Fail(error)) => Phase::Failed(error),
        // The transport is lost in the middle. WS-7.2.1-02
        (Phase::Handshake, Step::Eof) => {
            Phase::Ended(Ending::Failed(Error::Handshake(HandshakeError::UnexpectedEof)))
        }
        (Phase::Open | Phase::CloseSent, Step::Eof) => {
            Phase::Ended(Ending::Failed(Error::Peer(Violation::UnexpectedEof)))
        }
        // The transport ends where it should. WS-7.1.4-01
        (Phase::CloseExchanged, Step::Eof) => Phase::Ended(Ending::Clean),
        (Phase::Answered, Step::Eof) => Phase::Ended(Ending::Answered),
        (Phase::Failed(error), Step::Eof) => Phase::Ended(Ending::Failed(error)),
        (Phase::Ended(ending), Step::Eof) => Phase::Ended(ending),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "../../tests/unit/connection/state.rs"]
mod tests;
