//! Every state of a connection and every legal transition between them (RFC 6455 sections 4 and 7). Only
//! `Lifecycle::apply` changes the state. The table is the same for servers and clients.
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
//! A server that refuses the handshake is `Answered`. A client whose handshake was refused has failed with
//! `Error::Refused`, which keeps the status.

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
    /// The connection is over: the transport has ended, or the handshake was refused or failed and all bytes
    /// are written.
    Closed,
}

/// Writes the name in lower case.
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

/// The phase of a connection's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The connection waits for a request, a response or the embedder's decision.
    Handshake,
    /// Both sides may send.
    Open,
    /// This end queued a Close and waits for the peer's.
    CloseSent,
    /// Both ends have sent a Close; ours may still be queued. WS-5.5.1-17
    CloseExchanged,
    /// A server answered the handshake with something other than 101.
    Answered,
    /// The connection failed (RFC 6455 section 7.1.7).
    Failed(Error),
    /// The transport has ended.
    Ended(Ending),
}

/// The way in which a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The closing handshake had finished. WS-7.1.4-02
    Clean,
    /// A server had answered the handshake with something other than 101. WS-7.1.4-03
    Answered,
    /// The connection had failed, or it failed because the transport ended too early.
    Failed(Error),
}

/// A transition from one phase to another.
// `repr(u8)` gives the type a tag of its own. If the tag were hidden in a niche of `Error`, the compiler
// would keep the whole table of transitions even for a constant transition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Transition {
    /// The handshake is complete. WS-4.1-64 · WS-4.2.2-29
    Opened,
    /// A server refuses the handshake.
    Answered,
    /// This end queues a Close.
    SentClose,
    /// The peer's Close arrived.
    ReceivedClose,
    /// The connection fails.
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

    /// The state after an opening handshake that took place elsewhere. H2-5-15
    pub(crate) const fn open() -> Self {
        Self { phase: Phase::Open }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the connection receives frames. It receives none after the peer's Close (WS-5.5.1-12) or after
    /// a failure (WS-7.1.7-08).
    pub(crate) const fn is_receiving(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::CloseSent)
    }

    /// Makes a transition. Returns `false` if the transition is not legal now; then nothing changes.
    // The transition is nearly always a constant, so inlining leaves only one column of the table.
    #[inline(always)]
    pub(crate) fn apply(&mut self, transition: Transition) -> bool {
        match next(self.phase, transition) {
            Some(phase) => {
                self.phase = phase;
                true
            }
            None => false,
        }
    }

    /// Whether a data frame or a ping may be sent. WS-6.1-01 · WS-5.5.1-07 · WS-4.1-46
    pub(crate) const fn may_send(&self) -> Result<(), Misuse> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Handshake => Err(Misuse::NotOpenYet),
            _ => Err(Misuse::Closed),
        }
    }

    /// Whether a pong may be sent. It may also be sent between our Close and the peer's. WS-5.5.2-04 ·
    /// WS-5.5.2-03
    pub(crate) const fn may_pong(&self) -> Result<(), Misuse> {
        match self.phase {
            Phase::CloseSent => Ok(()),
            _ => self.may_send(),
        }
    }
}

/// The table of transitions. `None`: the transition is not legal in this phase.
#[inline(always)]
const fn next(phase: Phase, transition: Transition) -> Option<Phase> {
    Some(match (phase, transition) {
        (Phase::Handshake, Transition::Opened) => Phase::Open,
        (Phase::Handshake, Transition::Answered) => Phase::Answered,
        // WS-7.1.2-01 · WS-7.1.3-01
        (Phase::Open, Transition::SentClose) => Phase::CloseSent,
        // Either our Close answers the peer's at once, or it was sent before and the two cross. WS-5.5.1-08 ·
        // WS-5.5.1-17
        (Phase::Open | Phase::CloseSent, Transition::ReceivedClose) => Phase::CloseExchanged,
        (Phase::Handshake | Phase::Open | Phase::CloseSent, Transition::Fail(error)) => Phase::Failed(error),
        // The transport is lost before the end of the handshake or of the connection. WS-7.2.1-02
        (Phase::Handshake, Transition::Eof) => {
            Phase::Ended(Ending::Failed(Error::Handshake(HandshakeError::UnexpectedEof)))
        }
        (Phase::Open | Phase::CloseSent, Transition::Eof) => {
            Phase::Ended(Ending::Failed(Error::Peer(Violation::UnexpectedEof)))
        }
        // The transport ends after the closing handshake, as it should. WS-7.1.4-01
        (Phase::CloseExchanged, Transition::Eof) => Phase::Ended(Ending::Clean),
        (Phase::Answered, Transition::Eof) => Phase::Ended(Ending::Answered),
        (Phase::Failed(error), Transition::Eof) => Phase::Ended(Ending::Failed(error)),
        (Phase::Ended(ending), Transition::Eof) => Phase::Ended(ending),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "../../tests/unit/connection/state.rs"]
mod tests;
