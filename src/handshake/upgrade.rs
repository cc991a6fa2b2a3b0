//! The opening handshake for an embedder that has its HTTP stack already: header fields in, header fields out.

use super::accept_key::{ACCEPT_LEN, KEY_LEN, accept_of, digest_of, encode_key};
use super::client::{ResponseHeaders, check_subprotocols};
use super::extension::{Extension, extensions};
use super::reply::Accept;
use super::server::RequestHeaders;
use super::sha1::Digest;
use super::value::elements;
use crate::error::{Error, HandshakeError};
use core::{fmt, str};
use rand_core::CryptoRng;

/// A server's half, over the request of an HTTP stack of the embedder's own (RFC 6455 section 4.2).
///
/// `headers` is a function that begins to iterate over all header fields, as pairs of name and value.
///
/// ```
/// use sansws::handshake::ServerUpgrade;
/// use sansws::{Config, Connection};
///
/// let headers = [
///     ("host", &b"chat.example"[..]), ("upgrade", b"websocket"), ("connection", b"Upgrade"),
///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", b"13"),
///     ("sec-websocket-protocol", b"chat, superchat"),
/// ];
/// // On an error answer with its `http_status()` and `http_fields()`.
/// let upgrade = ServerUpgrade::check("GET", || headers)?;
/// let chosen = upgrade.subprotocols().find(|name| *name == "chat");
/// // Answer 101 with these fields, then take the stream over.
/// for (name, value) in upgrade.accept(chosen)?.fields() {
///     println!("{name}: {value}");
/// }
/// let connection = Connection::open_server(Config::new());
/// # Ok::<(), sansws::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ServerUpgrade<H> {
    headers: H,
    accept: [u8; ACCEPT_LEN],
}

impl<H> fmt::Debug for ServerUpgrade<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerUpgrade").finish_non_exhaustive()
    }
}

impl<'h, H, I> ServerUpgrade<H>
where
    H: Fn() -> I,
    I: IntoIterator<Item = (&'h str, &'h [u8])>,
{
    /// Checks a request that came over HTTP/1.1 (RFC 6455 section 4.2.1).
    ///
    /// # Errors
    /// Tells what is not valid; answer with [`HandshakeError::http_status`] and [`HandshakeError::http_fields`].
    pub fn check(method: &str, headers: H) -> Result<Self, HandshakeError> {
        let mut fields = RequestHeaders::default();
        for (name, value) in headers() {
            fields.add(name.as_bytes(), value);
        }
        let key = fields.check(method == "GET")?;
        let mut digest = Digest::default();
        digest_of(key, &mut digest);
        Ok(Self { headers, accept: accept_of(&digest) })
    }

    /// The subprotocols that the client offers, most wanted first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> {
        self.all("sec-websocket-protocol").flat_map(elements).filter_map(|name| str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, most wanted first.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'h>> {
        self.all("sec-websocket-extensions").flat_map(extensions).filter_map(Result::ok)
    }

    /// Accepts, with one of the offered subprotocols or none.
    ///
    /// # Errors
    /// [`Misuse::SubprotocolNotOffered`](crate::Misuse::SubprotocolNotOffered).
    pub fn accept<'a>(&'a self, subprotocol: Option<&'a str>) -> Result<Acceptance<'a>, Error> {
        let accept = match subprotocol {
            Some(name) => Accept::new().subprotocol(name),
            None => Accept::new(),
        };
        accept.agreed(self.subprotocols())?;
        Ok(Acceptance { accept: str::from_utf8(&self.accept).unwrap_or_default(), subprotocol })
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        (self.headers)()
            .into_iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// What a 101 has to carry. Returned by [`ServerUpgrade::accept`].
#[derive(Clone, Copy)]
pub struct Acceptance<'a> {
    accept: &'a str,
    subprotocol: Option<&'a str>,
}

impl fmt::Debug for Acceptance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptance").field("subprotocol", &self.subprotocol).finish_non_exhaustive()
    }
}

impl<'a> Acceptance<'a> {
    /// The header fields of the 101. WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &'a str)> + use<'a> {
        [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", self.accept)]
            .into_iter()
            .chain(self.subprotocol.map(|name| ("Sec-WebSocket-Protocol", name)))
    }
}

/// A client's half, for a request that an HTTP stack of the embedder's own makes (RFC 6455 section 4.1).
///
/// ```
/// use sansws::handshake::ClientUpgrade;
/// use sansws::{Config, Connection};
/// # let mut rng = rand::rng();
///
/// let upgrade = ClientUpgrade::new(&mut rng, &["chat"])?;
/// // Send a GET over HTTP/1.1 with these fields.
/// for (name, value) in upgrade.fields() {
///     println!("{name}: {value}");
/// }
/// # let sha1 = sansws::handshake::ServerUpgrade::check("GET", || {
/// #     let of = |n| upgrade.fields().find(|f| f.0 == n).unwrap().1.as_bytes();
/// #     [("host", &b"h"[..]), ("upgrade", of("Upgrade")), ("connection", of("Connection")),
/// #      ("sec-websocket-key", of("Sec-WebSocket-Key")), ("sec-websocket-version", of("Sec-WebSocket-Version"))]
/// # }).unwrap();
/// # let answer: Vec<_> = sha1.accept(None).unwrap().fields().map(|(n, v)| (n, v.as_bytes())).collect();
/// // Check the answer, then take the stream over.
/// let subprotocol = upgrade.check(101, answer)?;
/// let connection = Connection::open_client(Config::new(), rng);
/// # assert_eq!(subprotocol, None);
/// # Ok::<(), sansws::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ClientUpgrade<'a> {
    key: [u8; KEY_LEN],
    offered: &'a [&'a str],
    offers_extensions: bool,
}

impl fmt::Debug for ClientUpgrade<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientUpgrade").field("subprotocols", &self.offered).finish_non_exhaustive()
    }
}

impl<'a> ClientUpgrade<'a> {
    /// Makes a key of `rng`, and offers subprotocols, most wanted first.
    ///
    /// # Errors
    /// [`Misuse::InvalidSubprotocol`](crate::Misuse::InvalidSubprotocol).
    pub fn new(rng: &mut impl CryptoRng, offered: &'a [&'a str]) -> Result<Self, Error> {
        check_subprotocols(offered)?;
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        Ok(Self { key: encode_key(nonce), offered, offers_extensions: false })
    }

    /// Lets the server answer with extensions: for who offers some in a field of their own, and checks the answer, as by
    /// `deflate::DeflateConfig` (feature `deflate`). Otherwise any is [`HandshakeError::ExtensionNotOffered`].
    #[must_use]
    pub const fn with_extensions(mut self) -> Self {
        self.offers_extensions = true;
        self
    }

    /// The header fields of the request, besides `Host`. A subprotocol stands in a field of its own each, which equals
    /// a list (RFC 6455 section 11.3.4).
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let key = str::from_utf8(&self.key).unwrap_or_default();
        [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
        ]
        .into_iter()
        .chain(self.offered.iter().map(|name| ("Sec-WebSocket-Protocol", *name)))
    }

    /// Checks the answer, and returns the subprotocol that the server chose.
    ///
    /// # Errors
    /// [`HandshakeError::Refused`] for a status other than 101; otherwise what is not valid.
    pub fn check<'h>(
        &self,
        status: u16,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<&'h str>, HandshakeError> {
        if status != 101 {
            return Err(HandshakeError::Refused);
        }
        let mut fields = ResponseHeaders::default();
        for (name, value) in headers {
            fields.add(name.as_bytes(), value);
        }
        let mut digest = Digest::default();
        digest_of(&self.key, &mut digest);
        fields.check(&digest, self.offered.iter().copied(), self.offers_extensions)
    }
}
