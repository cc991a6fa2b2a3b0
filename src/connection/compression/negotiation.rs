//! Negotiates permessage-deflate in the opening handshake of a connection.

use crate::config::{DeflateConfig, DeflateParams};
use crate::deflate::{ExtensionValue, Pool};
use crate::error::HandshakeError;
use crate::handshake::Headers;
use crate::memory::{OutOfMemory, TryBox};

/// The preferences of this end, and the agreement of both ends so far.
pub(crate) struct Negotiation {
    pub(super) config: DeflateConfig,
    pub(super) pool: Option<Pool>,
    pub(super) agreed: Option<DeflateParams>,
    /// A server's answer, which states the agreement. It is boxed because it is much larger than the rest of
    /// the negotiation.
    answer: Option<TryBox<ExtensionValue>>,
}

/// The header that negotiates extensions.
const EXTENSIONS: &str = "sec-websocket-extensions";

impl Negotiation {
    pub(super) const fn new(config: DeflateConfig) -> Self {
        Self { config, pool: None, agreed: None, answer: None }
    }

    /// The value of `Sec-WebSocket-Extensions` in a client's request.
    pub(crate) fn offer(&self) -> ExtensionValue {
        self.config.offer()
    }

    /// A server chooses one of the offers in this request. WS-4.2.2-20 · WS-4.2.2-21 · WS-9-03
    pub(crate) fn choose(&mut self, request: &[u8]) -> Result<(), OutOfMemory> {
        if let Some((params, answer)) = self.config.accept(Headers::of(request).all(EXTENSIONS)) {
            self.answer = Some(TryBox::new(answer)?);
            self.agreed = Some(params);
        }
        Ok(())
    }

    /// The value of `Sec-WebSocket-Extensions` in a server's 101; `None` if the server has chosen no offer.
    /// WS-4.2.2-22 · WS-9.1-10
    pub(crate) fn answer(&self) -> Option<ExtensionValue> {
        self.answer.as_deref().copied()
    }

    /// A client checks the extensions in this response. `is_own` tells which of them the embedder has
    /// offered. WS-4.1-65 · WS-9.1-06
    pub(crate) fn check_answer(
        &mut self, response: &[u8], is_own: impl Fn(&str) -> bool,
    ) -> Result<(), HandshakeError> {
        self.agreed = self.config.check_answer_among(Headers::of(response).all(EXTENSIONS), is_own)?;
        Ok(())
    }
}
