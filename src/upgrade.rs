//! The opening handshake for an embedder with its own HTTP stack, which reads and writes the headers.
//!
//! [`ServerUpgrade`] checks a request and makes the headers of the 101. [`ClientUpgrade`] makes the headers
//! of a request and checks the response. Both negotiate permessage-deflate if
//! [`Config::deflate`](crate::Config) asks for it, and return the [agreement](crate::Agreed), which a
//! connection needs to begin after the handshake.
//!
//! On HTTP/1.1 the client asks with GET and the server answers 101. On HTTP/2 (RFC 8441) and HTTP/3 (RFC
//! 9220) one stream becomes the WebSocket: the client asks with an [`ExtendedConnect`], and the server
//! answers 200.

mod connect;
mod watch;

pub use connect::{ExtendedConnect, PseudoHeader};

#[cfg(feature = "deflate")]
use crate::config::DeflateConfig;
use crate::config::{Agreed, Config};
#[cfg(feature = "deflate")]
use crate::deflate::ExtensionValue;
use crate::error::{Error, HandshakeError, Misuse};
use crate::handshake::{
    ACCEPT_LEN, Accept, Digest, Extension, ExtensionOffer, KEY_LEN, RequestHeaders, ResponseHeaders,
    accept_of, check_subprotocols, digest_of, elements, encode_key, extensions,
};
use core::str;
use rand_core::CryptoRng;

/// A server's half of the handshake, for a request that an HTTP stack of the embedder's own has received (RFC
/// 6455 section 4.2).
///
/// ```
/// use sansws::upgrade::ServerUpgrade;
/// use sansws::{Config, Connection, Server};
///
/// let config = Config::new();
/// let headers = [
///     ("host", &b"chat.example"[..]), ("upgrade", b"websocket"), ("connection", b"Upgrade"),
///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", b"13"),
///     ("sec-websocket-protocol", b"chat, superchat"),
/// ];
/// // If this fails, answer with the error's `http_status()` and `http_headers()`, and with
/// // `Connection: Upgrade` if `Upgrade` is among them.
/// let upgrade = ServerUpgrade::check("GET", headers)?;
/// let chosen = upgrade.subprotocols().find(|name| *name == "chat");
/// let acceptance = upgrade.accept(chosen, &config)?;
/// // Answer 101 with these headers, then take over the stream.
/// for (name, value) in acceptance.headers() {
///     println!("{name}: {value}");
/// }
/// let connection = Connection::after_handshake(Server, config, acceptance.agreed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct ServerUpgrade<H> {
    headers: H,
    /// `None` on a stream of HTTP/2 or HTTP/3.
    accept: Option<[u8; ACCEPT_LEN]>,
}

// Headers carry cookies and credentials.
debug!([H] ServerUpgrade<H>, |_| ServerUpgrade {});

impl<'h, H> ServerUpgrade<H>
where
    H: IntoIterator<Item = (&'h str, &'h [u8])> + Clone,
{
    /// Checks a request that came over HTTP/1.1 (RFC 6455 section 4.2.1). `headers` iterates over all
    /// headers, as pairs of name and value. If the request came over HTTP/1.0, do not call this: answer as
    /// [`HandshakeError::HttpVersion`] says.
    ///
    /// # Errors
    /// The reason why the request is not valid. Answer with [`HandshakeError::http_status`] and
    /// [`HandshakeError::http_headers`].
    pub fn check(method: &str, headers: H) -> Result<Self, HandshakeError> {
        let mut known = RequestHeaders::default();
        for (name, value) in headers.clone() {
            known.add(name.as_bytes(), value);
        }
        let key = known.check(method == "GET")?;
        let mut digest = Digest::default();
        digest_of(key, &mut digest);
        Ok(Self { headers, accept: Some(accept_of(&digest)) })
    }

    /// The subprotocols that the client offers, the most wanted first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> {
        values(self.headers.clone(), "sec-websocket-protocol")
            .flat_map(elements)
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, the most wanted first.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'h>> {
        values(self.headers.clone(), "sec-websocket-extensions").flat_map(extensions).filter_map(Result::ok)
    }

    /// Accepts the request, with one of the offered subprotocols or none. If `config` and the client both
    /// want compression, the connection will compress messages.
    ///
    /// # Errors
    /// [`Misuse::SubprotocolNotOffered`].
    pub fn accept<'a>(
        &self, subprotocol: Option<&'a str>, config: &Config,
    ) -> Result<Acceptance<'a>, Misuse> {
        let accept = match subprotocol {
            Some(name) => Accept::new().subprotocol(name),
            None => Accept::new(),
        };
        accept.agreed(self.subprotocols().map(str::as_bytes))?;
        let (agreed, extensions) = self.negotiate(config);
        Ok(Acceptance { accept: self.accept, subprotocol, agreed, extensions })
    }

    #[cfg(feature = "deflate")]
    fn negotiate(&self, config: &Config) -> (Agreed, Option<ExtensionValue>) {
        let offers = values(self.headers.clone(), "sec-websocket-extensions");
        match config.deflate.and_then(|deflate| deflate.accept(offers)) {
            Some((params, answer)) => (Agreed::deflate(params), Some(answer)),
            None => (Agreed::NONE, None),
        }
    }

    #[cfg(not(feature = "deflate"))]
    #[expect(clippy::unused_self, reason = "the signature is that with the feature")]
    const fn negotiate(&self, _config: &Config) -> (Agreed, Option<ExtensionValue>) {
        (Agreed::NONE, None)
    }
}

/// The content of the answer, as [`ServerUpgrade::accept`] returns it.
#[derive(Clone, Copy)]
pub struct Acceptance<'a> {
    accept: Option<[u8; ACCEPT_LEN]>,
    subprotocol: Option<&'a str>,
    agreed: Agreed,
    extensions: Option<ExtensionValue>,
}

impl Acceptance<'_> {
    /// The status of the answer: 101, or 200 on a stream of HTTP/2 or HTTP/3. H2-5-14
    pub const fn status(&self) -> u16 {
        if self.accept.is_some() { 101 } else { 200 }
    }

    /// The headers of the answer. To accept an extension of its own, an embedder appends [its
    /// answer](Extension::answer) to the value of `Sec-WebSocket-Extensions`, after a comma, or adds that
    /// header if it is missing: a response may have it only once (RFC 6455 section 11.3.2). WS-4.2.2-24 ·
    /// WS-4.2.2-25 · WS-4.2.2-26
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> + Clone {
        let names = Names::of(self.accept.is_none());
        let accept = self.accept.iter().flat_map(|accept| {
            let accept = str::from_utf8(accept).unwrap_or_default();
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]
        });
        accept
            .chain(self.subprotocol.map(|name| (names.protocol, name)))
            .chain(self.extensions.iter().map(move |value| (names.extensions, value.as_str())))
    }

    /// The agreement that the connection after the handshake needs.
    pub const fn agreed(&self) -> Agreed {
        self.agreed
    }
}

/// The names of headers that both HTTP/1.1 and later versions have. H2-5-13
struct Names {
    version: &'static str,
    protocol: &'static str,
    extensions: &'static str,
}

impl Names {
    /// HTTP/2 and HTTP/3 write all names in lower case.
    const fn of(is_stream: bool) -> Self {
        if is_stream {
            Self {
                version: "sec-websocket-version",
                protocol: "sec-websocket-protocol",
                extensions: "sec-websocket-extensions",
            }
        } else {
            Self {
                version: "Sec-WebSocket-Version",
                protocol: "Sec-WebSocket-Protocol",
                extensions: "Sec-WebSocket-Extensions",
            }
        }
    }
}

// Without the key.
debug!(Acceptance<'_>, |this| Acceptance { subprotocol: this.subprotocol, agreed: this.agreed });

/// A client's half of the handshake, for a request that an HTTP stack of the embedder's own sends (RFC 6455
/// section 4.1).
///
/// ```
/// use sansws::upgrade::ClientUpgrade;
/// use sansws::{Client, Config, Connection};
/// # let mut rng = rand::rng();
///
/// let config = Config::new();
/// let upgrade = ClientUpgrade::new(&mut rng, &config, &["chat"])?;
/// // Send a GET over HTTP/1.1 with these headers.
/// for (name, value) in upgrade.headers() {
///     println!("{name}: {value}");
/// }
/// # let of = |n| upgrade.headers().find(|header| header.0 == n).unwrap().1.as_bytes();
/// # let request = [
/// #     ("host", &b"h"[..]), ("upgrade", of("Upgrade")), ("connection", of("Connection")),
/// #     ("sec-websocket-key", of("Sec-WebSocket-Key")),
/// #     ("sec-websocket-version", of("Sec-WebSocket-Version")),
/// # ];
/// # let server = sansws::upgrade::ServerUpgrade::check("GET", request)?;
/// # let acceptance = server.accept(None, &config)?;
/// # let (status, headers) = (101, acceptance.headers().map(|(name, value)| (name, value.as_bytes())));
/// // Check the response, then take over the stream.
/// let negotiated = upgrade.check(status, headers)?;
/// let connection = Connection::after_handshake(Client::new(rng), config, negotiated.agreed());
/// # assert_eq!(negotiated.subprotocol(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct ClientUpgrade<'a> {
    /// `None` on a stream of HTTP/2 or HTTP/3.
    key: Option<[u8; KEY_LEN]>,
    subprotocols: &'a [&'a str],
    extensions: &'a [ExtensionOffer<'a>],
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateConfig>,
    offer: Option<ExtensionValue>,
}

// Without the key.
debug!(ClientUpgrade<'_>, |this| ClientUpgrade { subprotocols: this.subprotocols });

impl<'a> ClientUpgrade<'a> {
    /// Makes a key with `rng`, and offers these subprotocols, the most wanted first. Offers compression if
    /// `config` asks for it.
    ///
    /// # Errors
    /// [`Misuse::InvalidSubprotocol`].
    pub fn new(
        rng: &mut impl CryptoRng, config: &Config, subprotocols: &'a [&'a str],
    ) -> Result<Self, Misuse> {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        Self::with_key(Some(encode_key(nonce)), config, subprotocols)
    }

    fn with_key(
        key: Option<[u8; KEY_LEN]>, config: &Config, subprotocols: &'a [&'a str],
    ) -> Result<Self, Misuse> {
        #[cfg(feature = "deflate")]
        let offer = config.deflate.map(|deflate| deflate.offer());
        #[cfg(not(feature = "deflate"))]
        let (_, offer) = (config, None);
        check_subprotocols(subprotocols)?;
        Ok(Self {
            key,
            subprotocols,
            extensions: &[],
            #[cfg(feature = "deflate")]
            deflate: config.deflate,
            offer,
        })
    }

    /// Also offers extensions of the embedder's own. [`headers`](Self::headers) does not contain them: write
    /// each in a `Sec-WebSocket-Extensions` header of its own. [`Extension::list`] shows which of them the
    /// server has accepted.
    ///
    /// # Errors
    /// [`Misuse::InvalidExtension`].
    pub fn extensions(mut self, offers: &'a [ExtensionOffer<'a>]) -> Result<Self, Misuse> {
        offers.iter().try_for_each(ExtensionOffer::check)?;
        self.extensions = offers;
        Ok(self)
    }

    /// The headers of the request, except `Host`. Each subprotocol is in a header of its own, which is
    /// equivalent to one list (RFC 6455 section 11.3.4).
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> + Clone {
        let names = Names::of(self.key.is_none());
        let key = self.key.as_ref().map(|key| str::from_utf8(key).unwrap_or_default());
        let upgrade = key.into_iter().flat_map(|_| [("Upgrade", "websocket"), ("Connection", "Upgrade")]);
        upgrade
            .chain([(names.version, "13")])
            .chain(key.map(|key| ("Sec-WebSocket-Key", key)))
            .chain(self.subprotocols.iter().map(move |name| (names.protocol, *name)))
            .chain(self.offer.iter().map(move |value| (names.extensions, value.as_str())))
    }

    /// Checks the response. `headers` iterates over all its headers, as pairs of name and value. A 101 over
    /// HTTP/1.0 is not valid, whatever its headers are ([`HandshakeError::HttpVersion`]).
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 101, or than 200 to 299 on a stream of HTTP/2 or HTTP/3;
    /// otherwise the reason why the response is not valid.
    pub fn check<'h, H>(&self, status: u16, headers: H) -> Result<Negotiated<'h>, Error>
    where
        H: IntoIterator<Item = (&'h str, &'h [u8])> + Clone,
    {
        let known = known_headers(status, self.key.is_some(), headers.clone())?;
        let offers_extensions = self.offer.is_some() || !self.extensions.is_empty();
        let offered = self.subprotocols.iter().copied();
        let subprotocol = match &self.key {
            Some(key) => {
                let mut digest = Digest::default();
                digest_of(key, &mut digest);
                known.check(&digest, offered, offers_extensions)?
            }
            None => known.check_agreement(offered, offers_extensions)?,
        };
        Ok(Negotiated { subprotocol, agreed: self.check_extensions(headers)? })
    }

    #[cfg(feature = "deflate")]
    fn check_extensions<'h>(
        &self, headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Agreed, HandshakeError> {
        let answers = values(headers, "sec-websocket-extensions");
        let Some(deflate) = self.deflate else {
            return self.check_own(answers);
        };
        let params = deflate.check_answer_among(answers, |name| self.is_own(name))?;
        Ok(params.map_or(Agreed::NONE, Agreed::deflate))
    }

    #[cfg(not(feature = "deflate"))]
    fn check_extensions<'h>(
        &self, headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Agreed, HandshakeError> {
        self.check_own(values(headers, "sec-websocket-extensions"))
    }

    /// Checks the answers of a server if the client does not offer compression.
    fn check_own<'h>(&self, mut answers: impl Iterator<Item = &'h [u8]>) -> Result<Agreed, HandshakeError> {
        if answers.all(|answer| Extension::list(answer).all(|extension| self.is_own(extension.name()))) {
            Ok(Agreed::NONE)
        } else {
            Err(HandshakeError::ExtensionNotOffered)
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.extensions.iter().any(|offer| offer.name() == name)
    }
}

/// The agreement after a server's response, as [`ClientUpgrade::check`] returns it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Negotiated<'h> {
    subprotocol: Option<&'h str>,
    agreed: Agreed,
}

impl<'h> Negotiated<'h> {
    /// The subprotocol that the server chose.
    pub const fn subprotocol(&self) -> Option<&'h str> {
        self.subprotocol
    }

    /// The agreement that the connection after the handshake needs.
    pub const fn agreed(&self) -> Agreed {
        self.agreed
    }
}

/// The handshake's headers of a response that accepts the WebSocket: a response with the status 101 on
/// HTTP/1.1, and with any successful status on a stream of HTTP/2 or HTTP/3 (H2-5-14).
fn known_headers<'h>(
    status: u16, is_http_1: bool, headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
) -> Result<ResponseHeaders<'h>, Error> {
    let is_success = if is_http_1 { status == 101 } else { (200..=299).contains(&status) };
    if !is_success {
        return Err(Error::Refused(status));
    }
    let mut known = ResponseHeaders::default();
    for (name, value) in headers {
        known.add(name.as_bytes(), value);
    }
    Ok(known)
}

/// The values of all headers with this name, in any ASCII case.
fn values<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>, name: &str,
) -> impl Iterator<Item = &'h [u8]> {
    headers.into_iter().filter(move |(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Without the feature `deflate` no extension is ever offered or accepted.
#[cfg(not(feature = "deflate"))]
#[derive(Clone, Copy)]
pub(crate) enum ExtensionValue {}

#[cfg(not(feature = "deflate"))]
impl ExtensionValue {
    pub(crate) const fn as_str(&self) -> &str {
        match *self {}
    }
}
