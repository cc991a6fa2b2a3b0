//! What a server's embedder decides about a request, and what the library answers by itself.

use super::compression::ExtensionValue;
use super::send::{Decision, Sender};
use super::state::{Phase, Step};
use crate::error::{Error, Misuse};
use crate::frame::FrameHeader;
use crate::handshake::{Accept, ERROR_TAIL, Reply, STATUS_LINE_PREFIX, accept_of, error_answer};
use crate::message::DataKind;
use crate::role::sealed::Unmasked;
use crate::role::{Role, Server};
use crate::storage::Storage;
use crate::storage::sealed::{Empty, Text};

/// Room for an error answer of the library's own, whatever the embedder's limit is.
const ERROR_ANSWER: usize = 512;

impl<S: Storage> Sender<Server, S> {
    /// Accepts the opening handshake: queues the 101, and the connection is open (RFC 6455 section 4.2.2). The next
    /// [`receive`](crate::Connection::receive) reports [`Event::HandshakeComplete`](crate::Event::HandshakeComplete);
    /// messages can be sent at once.
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::SubprotocolNotOffered`], [`Misuse::InvalidHeader`],
    /// [`Misuse::ReservedHeader`], [`Misuse::OutgoingFull`]. The request then still waits for an answer.
    pub fn accept(&mut self, accept: &Accept<'_>) -> Result<(), Error> {
        if self.decision() != Decision::Upgrade {
            return Err(Misuse::NoRequest.into());
        }
        let agreed = accept.agreed(self.offered())?;
        accept.check_headers()?;
        let mut negotiation = S::Text::empty();
        negotiation.push(agreed).map_err(|_| Misuse::StorageTooSmall)?;
        let key = accept_of(&self.under_way.digest());
        let answer = self.compression.negotiation().and_then(|negotiation| negotiation.answer());
        let extensions = answer.as_ref().map(ExtensionValue::as_str);
        self.write_head(self.max_outgoing(), |out| accept.write(&key, agreed, extensions, out))?;
        self.negotiation = negotiation;
        self.step(Step::Opened);
        Ok(())
    }

    /// Refuses the opening handshake: queues an HTTP answer with any status but 101 and ends the connection, as for
    /// 401 with `WWW-Authenticate`, a redirect, or 403 for an `Origin` (RFC 6455 section 4.2.2).
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::InvalidStatus`], [`Misuse::InvalidHeader`], [`Misuse::ReservedHeader`],
    /// [`Misuse::OutgoingFull`]. The request then still waits for an answer.
    pub fn reject(&mut self, reply: &Reply<'_>) -> Result<(), Error> {
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

    /// Answers an [`Event::HttpRequest`](crate::Event::HttpRequest), with a page for instance, and ends the connection.
    /// An answer to `HEAD` goes out without its body.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    pub fn respond(&mut self, reply: &Reply<'_>) -> Result<(), Error> {
        self.reject(reply)
    }

    /// What waits for a decision; nothing any more once the transport has ended.
    fn decision(&self) -> Decision {
        if matches!(self.lifecycle.phase(), Phase::Handshake) { self.decision } else { Decision::None }
    }
}

impl<R: Role + Unmasked, S: Storage> Sender<R, S> {
    /// The header of a text message whose payload the caller writes itself. Like
    /// [`frame_in_place`](Self::frame_in_place), for payloads that are shared: a server does not mask.
    ///
    /// # Errors
    /// As [`frame_in_place`](Self::frame_in_place).
    #[inline]
    pub fn text_header(&mut self, text: &str) -> Result<FrameHeader, Error> {
        self.header_only(DataKind::Text, text.len() as u64)
    }

    /// The header of a binary message of `payload_len` bytes, at most 2^63 - 1, that the caller writes itself. They
    /// need not be in memory, nor all there yet.
    ///
    /// # Errors
    /// [`Misuse::PayloadTooLong`]; otherwise as [`frame_in_place`](Self::frame_in_place).
    #[inline]
    pub fn binary_header(&mut self, payload_len: u64) -> Result<FrameHeader, Error> {
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
            // Where there is no memory even for this, the transport is closed without an answer.
            let _ = self.write_head(ERROR_ANSWER, |out| {
                out.put(STATUS_LINE_PREFIX);
                out.put(answer);
                out.put(ERROR_TAIL);
            });
        }
    }

    fn write_reply(&mut self, reply: &Reply<'_>, is_head: bool, limit: usize) -> Result<(), Error> {
        self.write_head(limit, |out| reply.write(is_head, out))
    }
}
