//! The opening handshake of two other endpoints, for a program between them.

use super::{Negotiated, ServerUpgrade, known_headers, values};
use crate::config::Agreed;
#[cfg(feature = "deflate")]
use crate::config::DeflateConfig;
use crate::error::{Error, HandshakeError};
use crate::handshake::Extension;

const EXTENSIONS: &str = "sec-websocket-extensions";

/// The most accepted extensions that this library does not know. Each is compared with all offers, so without
/// this limit the work would grow with the square of the heads.
const MAX_OTHERS: usize = 16;

impl<'h, H> ServerUpgrade<H>
where
    H: IntoIterator<Item = (&'h str, &'h [u8])> + Clone,
{
    /// Checks the response of another server to this request, for a program that stands between a client and
    /// a server, or that reads a record of both: a proxy, an inspector. `headers` iterates over all headers
    /// of the response, as pairs of name and value.
    ///
    /// The result says what both sides agreed on. With this result, such a program reads the client's frames
    /// as a [`Server`](crate::Server), and the server's frames as a [`Client`](crate::Client).
    ///
    /// The client may have offered extensions that this library does not know, and the server may have
    /// accepted them: [`Extension::list`] shows that. Such an extension can give a meaning to reserved bits
    /// and change the payload, so a connection of this library cannot read the frames. More than 16 of them
    /// are an error.
    ///
    /// ```
    /// use sansws::upgrade::ServerUpgrade;
    ///
    /// let request = [
    ///     ("host", &b"chat.example"[..]), ("upgrade", b"websocket"), ("connection", b"Upgrade"),
    ///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", b"13"),
    ///     ("sec-websocket-protocol", b"chat"),
    /// ];
    /// let response = [
    ///     ("upgrade", &b"websocket"[..]), ("connection", b"Upgrade"),
    ///     ("sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ("sec-websocket-protocol", b"chat"),
    /// ];
    /// let upgrade = ServerUpgrade::check("GET", request)?;
    /// let negotiated = upgrade.check_response(101, response)?;
    /// assert_eq!(negotiated.subprotocol(), Some("chat"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 101, or than 200 to 299 on a stream of HTTP/2 or HTTP/3;
    /// otherwise the reason why the response is not valid.
    pub fn check_response<'r, R>(&self, status: u16, headers: R) -> Result<Negotiated<'r>, Error>
    where
        R: IntoIterator<Item = (&'r str, &'r [u8])> + Clone,
    {
        let known = known_headers(status, self.accept.is_some(), headers.clone())?;
        let offers_extensions = self.extensions().next().is_some();
        if let Some(accept) = &self.accept {
            known.check_upgrade()?;
            known.check_accept(accept)?;
        }
        let subprotocol = known.check_agreement(self.subprotocols(), offers_extensions)?;
        let answers = move || values(headers.clone(), EXTENSIONS);
        Ok(Negotiated { subprotocol, agreed: self.check_answers(answers)? })
    }

    fn check_answers<'r, I: Iterator<Item = &'r [u8]>>(
        &self, answers: impl Fn() -> I,
    ) -> Result<Agreed, HandshakeError> {
        let mut left = MAX_OTHERS;
        for other in answers().flat_map(Extension::list).filter(|answer| !is_deflate(answer.name())) {
            // WS-4.1-59
            let is_offered = self.extensions().any(|offer| offer.name() == other.name());
            left = left.checked_sub(1).filter(|_| is_offered).ok_or(HandshakeError::ExtensionNotOffered)?;
        }
        self.check_deflate(answers)
    }

    /// The server accepts one of the client's offers of compression as it is, so its answer is checked
    /// against each.
    #[cfg(feature = "deflate")]
    fn check_deflate<'r, I: Iterator<Item = &'r [u8]>>(
        &self, answers: impl Fn() -> I,
    ) -> Result<Agreed, HandshakeError> {
        if !answers().flat_map(Extension::list).any(|extension| is_deflate(extension.name())) {
            return Ok(Agreed::NONE);
        }
        let mut result = Err(HandshakeError::ExtensionNotOffered);
        for offer in self.extensions().filter_map(|offer| DeflateConfig::of_offer(&offer)) {
            let checked = offer.check_answer_among(answers(), |name| !is_deflate(name));
            result = checked.map(|params| params.map_or(Agreed::NONE, Agreed::deflate));
            if result.is_ok() {
                break;
            }
        }
        result
    }

    #[cfg(not(feature = "deflate"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature is that with the feature"
    )]
    fn check_deflate<I>(&self, _answers: impl Fn() -> I) -> Result<Agreed, HandshakeError> {
        Ok(Agreed::NONE)
    }
}

/// Whether this library knows the extension.
fn is_deflate(name: &str) -> bool {
    cfg!(feature = "deflate") && name == "permessage-deflate"
}
