//! The answers to a request: those that a server's embedder decides on, and those of the library itself.

use super::compression::ExtensionValue;
use super::send::{Decision, Sender, full};
use super::state::{Phase, Step};
use crate::error::{Error, Misuse, SendError};
use crate::event::Message;
use crate::frame::FrameHeader;
use crate::handshake::{Accept, CLOSE, Reply, VERSION, accept_of, error_answer};
use crate::message::DataKind;
use crate::role::{AcceptsHandshake, Role, Unmasked};
use crate::storage::Storage;
use crate::storage::sealed::{Empty, Text};

/// The room for an error answer of the library itself, whatever the embedder's limit is.
const ERROR_ANSWER: usize = 512;

impl<R: AcceptsHandshake, S: Storage> Sender<R, S> {
    /// Accepts the opening handshake: queues the 101, and the connection is open (RFC 6455 section 4.2.2).
    /// The next [`receive`](crate::Connection::receive) reports
    /// [`Event::HandshakeComplete`](crate::Event::HandshakeComplete); messages can be sent at once.
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::SubprotocolNotOffered`], [`Misuse::InvalidHeader`],
    /// [`Misuse::ReservedHeader`], [`SendError::TooLarge`]. The request then still waits for an answer.
    pub fn accept(&mut self, accept: &Accept<'_>) -> Result<(), SendError> {
        if self.decision() != Decision::Upgrade {
            return Err(Misuse::NoRequest.into());
        }
        let agreed = accept.agreed(self.offered())?;
        accept.check_headers()?;
        let mut negotiation = S::Text::empty();
        negotiation.push(agreed).map_err(full::<S>)?;
        let key = accept_of(&self.under_way.digest());
        let answer = self.compression.negotiation().and_then(|negotiation| negotiation.answer());
        let extensions = answer.as_ref().map(ExtensionValue::as_str);
        self.write_head(self.max_outgoing(), |out| accept.write(&key, agreed, extensions, out))?;
        self.negotiation = negotiation;
        self.step(Step::Opened);
        Ok(())
    }

    /// Refuses the opening handshake: queues an HTTP answer with any status but 101 and ends the connection,
    /// as for 401 with `WWW-Authenticate`, a redirect, or 403 for an `Origin` (RFC 6455 section 4.2.2).
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::InvalidStatus`], [`Misuse::InvalidHeader`],
    /// [`Misuse::ReservedHeader`], [`SendError::TooLarge`]. The request then still waits for an answer.
    pub fn reject(&mut self, reply: &Reply<'_>) -> Result<(), SendError> {
        let is_head = match self.decision() {
            Decision::None => return Err(Misuse::NoRequest.into()),
            Decision::Upgrade => false,
            Decision::Http { is_head } => is_head,
        };
        reply.check()?;
        self.write_reply(reply, is_head, self.max_outgoing())?;
        self.step(Step::Answered);
        Ok(())
    }

    /// Answers an [`Event::HttpRequest`](crate::Event::HttpRequest), with a page for instance, and ends the
    /// connection. An answer to `HEAD` is sent without its body.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    pub fn respond(&mut self, reply: &Reply<'_>) -> Result<(), SendError> {
        self.reject(reply)
    }

    /// The decision that is still to be made. After the end of the transport there is none.
    fn decision(&self) -> Decision {
        if matches!(self.lifecycle.phase(), Phase::Handshake) { self.decision } else { Decision::None }
    }
}

impl<R: Unmasked, S: Storage> Sender<R, S> {
    /// The header of a message whose payload the caller writes itself. Like
    /// [`mask_in_place`](Self::mask_in_place), but for payloads that are shared, since a server does not
    /// mask.
    ///
    /// # Errors
    /// As [`mask_in_place`](Self::mask_in_place).
    #[inline]
    pub fn message_header(&mut self, message: Message<'_>) -> Result<FrameHeader, SendError> {
        self.header_only(message.kind(), message.len() as u64)
    }

    /// The header of a binary message of `payload_len` bytes, at most 2^63 - 1, that the caller writes
    /// itself. Its payload need not be in memory, nor exist as a whole yet.
    ///
    /// # Errors
    /// [`Misuse::PayloadTooLong`]; otherwise as [`mask_in_place`](Self::mask_in_place).
    #[inline]
    pub fn binary_header(&mut self, payload_len: u64) -> Result<FrameHeader, SendError> {
        // WS-5.2-12
        if payload_len >> 63 != 0 {
            return Err(Misuse::PayloadTooLong.into());
        }
        self.header_only(DataKind::Binary, payload_len)
    }
}

impl<R: Role, S: Storage> Sender<R, S> {
    /// Answers a request that is not valid. WS-4.2.1-01 · WS-10.7-04
    pub(super) fn answer_invalid(&mut self, error: Error) {
        if let Some(answer) = error_answer(error) {
            // If there is no memory even for this, the transport is closed without an answer.
            let _ = self.write_head(ERROR_ANSWER, |out| {
                out.put(VERSION);
                out.put(answer);
                out.put(CLOSE);
            });
        }
    }

    fn write_reply(&mut self, reply: &Reply<'_>, is_head: bool, limit: usize) -> Result<(), SendError> {
        self.write_head(limit, |out| reply.write(is_head, out))
    }
}
