//! The sending half of the model: what may be sent when (RFC 6455 sections 5.4, 5.5 and 7), and what fits.

use crate::receiver::may_be_on_wire;
use sansws::{CloseCode, DataKind, Error, Misuse, SendError, State};
use std::str;

/// The state of the connection (section 7.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    Open,
    /// Our Close is queued.
    CloseSent,
    /// Both Closes are sent or queued.
    CloseExchanged,
    Failed(Error),
    /// The transport has ended.
    Ended(Result<(), Error>),
}

/// A message that is being sent in fragments.
pub struct Fragments {
    pub kind: DataKind,
    pub is_compressed: bool,
    /// All content so far.
    pub content: Vec<u8>,
}

pub struct Model {
    pub is_server: bool,
    pub max_outgoing: usize,
    pub phase: Phase,
    pub fragments: Option<Fragments>,
    pub peer_close: Option<(u16, String)>,
}

impl Model {
    #[must_use]
    pub const fn new(is_server: bool, max_outgoing: usize) -> Self {
        Self { is_server, max_outgoing, phase: Phase::Open, fragments: None, peer_close: None }
    }

    /// The length of a frame whose payload has this length (section 5.2).
    #[must_use]
    pub const fn frame_len(&self, payload_len: usize) -> usize {
        let extended = match payload_len {
            0..=125 => 0,
            126..=0xffff => 2,
            _ => 8,
        };
        2 + extended + if self.is_server { 0 } else { 4 } + payload_len
    }

    pub fn room_for(&self, frame_len: usize, queued: usize) -> Result<(), SendError> {
        if queued + frame_len <= self.max_outgoing {
            Ok(())
        } else if frame_len <= self.max_outgoing {
            Err(SendError::NotNow)
        } else {
            Err(SendError::TooLarge)
        }
    }

    /// The longest payload whose frame fits behind the queued bytes.
    #[must_use]
    pub fn room(&self, queued: usize) -> usize {
        let left = self.max_outgoing.saturating_sub(queued);
        // The longest header has 14 bytes, so the answer is near.
        (left.saturating_sub(14)..=left).rev().find(|&len| self.frame_len(len) <= left).unwrap_or(0)
    }

    pub fn may_send(&self) -> Result<(), SendError> {
        if self.phase == Phase::Open { Ok(()) } else { Err(Misuse::Closed.into()) }
    }

    pub fn may_pong(&self) -> Result<(), SendError> {
        if self.phase == Phase::CloseSent { Ok(()) } else { self.may_send() }
    }

    /// Section 5.4: the fragments of one message are not mixed with those of another.
    pub fn may_send_message(&self) -> Result<(), SendError> {
        self.may_send()?;
        if self.fragments.is_some() { Err(Misuse::MessageUnfinished.into()) } else { Ok(()) }
    }

    pub fn message(&self, payload_len: usize, queued: usize) -> Result<(), SendError> {
        self.may_send_message()?;
        self.room_for(self.frame_len(payload_len), queued)
    }

    /// `compressed_bound` is the most that a fragment can have after compression.
    pub fn fragment(
        &self, bytes: &[u8], is_last: bool, queued: usize, compressed_bound: usize,
    ) -> Result<(), SendError> {
        self.may_send()?;
        let Some(fragments) = &self.fragments else { return Err(Misuse::NothingBegun.into()) };
        if fragments.kind == DataKind::Text {
            let content = [&fragments.content, bytes].concat();
            match str::from_utf8(&content) {
                Ok(_) => {}
                Err(error) if error.error_len().is_none() && !is_last => {}
                Err(_) => return Err(Misuse::InvalidUtf8.into()),
            }
        }
        self.room_for(self.frame_len(bytes.len()), queued)?;
        if fragments.is_compressed {
            // Compression in the middle of a message cannot be undone, so the longest result has to fit.
            self.room_for(self.frame_len(compressed_bound), queued)?;
        }
        Ok(())
    }

    pub fn control(&self, payload_len: usize, queued: usize) -> Result<(), SendError> {
        if payload_len > 125 {
            return Err(Misuse::ControlTooLong.into());
        }
        self.room_for(self.frame_len(payload_len), queued)
    }

    /// Section 7.4.1: a server does not send 1010.
    pub fn close(&self, code: u16, reason: &str) -> Result<(), SendError> {
        self.may_send()?;
        if !may_be_on_wire(code) || (self.is_server && code == 1010) {
            return Err(Misuse::CloseCodeNotAllowed.into());
        }
        if reason.len() > 123 { Err(Misuse::ReasonTooLong.into()) } else { Ok(()) }
    }

    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match &self.phase {
            Phase::Failed(error) | Phase::Ended(Err(error)) => Some(*error),
            _ => None,
        }
    }

    #[must_use]
    pub fn state(&self, queued: usize) -> State {
        match self.phase {
            Phase::Open => State::Open,
            Phase::CloseSent | Phase::CloseExchanged => State::Closing,
            Phase::Failed(_) if queued > 0 => State::Closing,
            Phase::Failed(_) | Phase::Ended(_) => State::Closed,
        }
    }

    /// Section 7.1.1: a server closes the transport first, a client waits for that.
    #[must_use]
    pub fn should_disconnect(&self, queued: usize) -> bool {
        match self.phase {
            Phase::Open | Phase::CloseSent => false,
            Phase::CloseExchanged => self.is_server && queued == 0,
            Phase::Failed(_) => queued == 0,
            Phase::Ended(_) => true,
        }
    }

    /// Section 7.1.5.
    #[must_use]
    pub fn close_code(&self, queued: usize) -> Option<CloseCode> {
        match (&self.peer_close, self.state(queued)) {
            (Some((code, _)), _) => Some(CloseCode::from(*code)),
            (None, State::Closed) => Some(CloseCode::ABNORMAL),
            (None, _) => None,
        }
    }

    #[must_use]
    pub fn is_closed_cleanly(&self, queued: usize) -> bool {
        match self.phase {
            Phase::Ended(Ok(())) => true,
            Phase::CloseExchanged => self.should_disconnect(queued),
            _ => false,
        }
    }
}
