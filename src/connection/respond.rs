//! A server's answers to a request: the embedder accepts or rejects a valid request, and the library itself
//! answers an invalid one.

use super::compression::ExtensionValue;
use super::send::{Decision, Sender, full};
use super::state::{Phase, Transition};
use crate::error::{Error, Misuse, SendError};
use crate::handshake::{Accept, ERROR_TAIL, Reply, STATUS_LINE_PREFIX, accept_of, error_answer};
use crate::role::{AcceptsHandshake, Role};
use crate::storage::Storage;
use crate::storage::sealed::Subprotocols;

/// The most bytes of the library's own error answers. They may take this much room even if the embedder's
/// limit is lower.
const MAX_ERROR_ANSWER: usize = 512;

impl<R: AcceptsHandshake, S: Storage> Sender<R, S> {
    /// Accepts the opening handshake: queues the 101 and opens the connection (RFC 6455 section 4.2.2).
    /// Messages can be sent at once. The next [`receive`](crate::Connection::receive) reports
    /// [`Event::HandshakeComplete`](crate::Event::HandshakeComplete).
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::SubprotocolNotOffered`], [`Misuse::InvalidExtension`],
    /// [`Misuse::InvalidHeader`], [`Misuse::ReservedHeader`], [`SendError::TooLarge`],
    /// [`SendError::Memory`]. The request still waits for an answer after an error.
    pub fn accept(&mut self, accept: &Accept<'_>) -> Result<(), SendError> {
        if self.decision() != Decision::Upgrade {
            return Err(Misuse::NoRequest.into());
        }
        let agreed = accept.agreed(self.offered())?;
        accept.check_headers()?;
        let prepared = S::Subprotocols::prepared_for(agreed.as_bytes()).map_err(full::<S>)?;
        let key = accept_of(&self.under_way.digest());
        let answer = self.compression.negotiation().and_then(|negotiation| negotiation.answer());
        let extensions = answer.as_ref().map(ExtensionValue::as_str);
        self.write_head(self.max_outgoing(), |out| accept.write(&key, agreed, extensions, out))?;
        self.agree_on(agreed, prepared);
        self.step(Transition::Opened);
        Ok(())
    }

    /// Refuses the opening handshake: queues an HTTP response with a status from 200 to 599, and ends the
    /// connection. Use it for 401 with `WWW-Authenticate`, a redirect, or 403 because of the `Origin` (RFC
    /// 6455 section 4.2.2).
    ///
    /// # Errors
    /// [`Misuse::NoRequest`], [`Misuse::InvalidStatus`], [`Misuse::InvalidHeader`],
    /// [`Misuse::ReservedHeader`], [`SendError::TooLarge`], [`SendError::Memory`]. The request still waits
    /// for an answer after an error.
    pub fn reject(&mut self, reply: &Reply<'_>) -> Result<(), SendError> {
        let is_head = match self.decision() {
            Decision::None => return Err(Misuse::NoRequest.into()),
            Decision::Upgrade => false,
            Decision::Http { is_head } => is_head,
        };
        reply.check()?;
        self.write_head(self.max_outgoing(), |out| reply.write(is_head, out))?;
        // WS-4.2.2-09
        self.step(Transition::Answered);
        Ok(())
    }

    /// Answers an [`Event::HttpRequest`](crate::Event::HttpRequest), for instance with a page, and ends the
    /// connection. The response to a `HEAD` request is sent without its body.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    pub fn respond(&mut self, reply: &Reply<'_>) -> Result<(), SendError> {
        self.reject(reply)
    }

    /// The decision that the embedder has to make. There is none after the transport has ended.
    fn decision(&self) -> Decision {
        if matches!(self.lifecycle.phase(), Phase::Handshake) { self.decision } else { Decision::None }
    }
}

impl<R: Role, S: Storage> Sender<R, S> {
    /// Answers a request that is not valid with an HTTP error. WS-4.2.1-01 · WS-10.7-04
    pub(super) fn answer_invalid(&mut self, error: Error) {
        if let Some(answer) = error_answer(error) {
            // If there is no memory even for this, the transport is closed without an answer.
            let _ = self.write_head(MAX_ERROR_ANSWER, |out| {
                out.put(STATUS_LINE_PREFIX);
                out.put(answer);
                out.put(ERROR_TAIL);
            });
        }
    }
}
