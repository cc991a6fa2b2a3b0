//! The client's side of the opening handshake: it writes the request and checks the response (RFC 6455
//! section 4.1).

use super::accept_key::{ACCEPT_LEN, KEY_LEN, accept_of};
use super::chars::{is_token, trim};
use super::line::{StatusLine, header_lines, status_line};
use super::name::KnownHeader;
use super::own_extension::ExtensionOffer;
use super::sha1::Digest;
use super::uri::{Uri, UriError};
use super::value::{List, Once, has_token};
use super::writer::{HeadWriter, OwnHeaders};
use crate::bytes::minus;
use crate::error::{Error, HandshakeError, Misuse};
use core::str;

/// The headers that the library itself writes, or that no request has.
static RESERVED: [&str; 7] =
    ["host", "origin", "upgrade", "connection", "content-length", "transfer-encoding", "sec-websocket-"];

/// A client's request: a URI, the subprotocols that the client offers, and further headers.
///
/// `Debug` shows neither the query of the URI nor the values of headers.
///
/// ```
/// use sansws::ClientRequest;
///
/// let request = ClientRequest::new("wss://chat.example/room?id=7")?
///     .subprotocols(&["chat.v2", "chat"])
///     .headers(&[("Authorization", "Bearer 123"), ("Cookie", "seen=1")]);
/// // Connect to this host and port, with TLS if the URI is secure.
/// let uri = request.uri();
/// assert_eq!((uri.host(), uri.port(), uri.is_secure()), ("chat.example", 443, true));
/// # Ok::<(), sansws::UriError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct ClientRequest<'a> {
    uri: Uri<'a>,
    subprotocols: &'a [&'a str],
    extensions: &'a [ExtensionOffer<'a>],
    origin: Option<&'a str>,
    headers: OwnHeaders<'a>,
    byte_headers: OwnHeaders<'a, &'a [u8]>,
}

impl<'a> ClientRequest<'a> {
    /// Asks for the resource that a `ws://` or `wss://` URI names (RFC 6455 section 3).
    ///
    /// # Errors
    /// As [`Uri::parse`].
    pub fn new(uri: &'a str) -> Result<Self, UriError> {
        // WS-4.1-04
        Ok(Self::from_uri(Uri::parse(uri)?))
    }

    /// Asks for the resource that a checked URI names.
    pub const fn from_uri(uri: Uri<'a>) -> Self {
        Self {
            uri,
            subprotocols: &[],
            extensions: &[],
            origin: None,
            headers: OwnHeaders(&[]),
            byte_headers: OwnHeaders(&[]),
        }
    }

    /// The URI, which contains the host and port to connect to.
    pub const fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// The same request for another URI, for example after a redirect. Headers such as `Authorization` and
    /// `Cookie` are sent to the other host too.
    pub const fn with_uri(mut self, uri: Uri<'a>) -> Self {
        self.uri = uri;
        self
    }

    /// The subprotocols that the client offers, the most wanted first. Each is a token and may occur once.
    pub const fn subprotocols(mut self, names: &'a [&'a str]) -> Self {
        self.subprotocols = names;
        self
    }

    /// Extensions of the embedder's own to offer, the most wanted first. The library itself offers
    /// permessage-deflate in front of them. [`Response::extensions`](super::Response::extensions) shows which
    /// of them the server has accepted, and with which parameters.
    pub const fn extensions(mut self, offers: &'a [ExtensionOffer<'a>]) -> Self {
        self.extensions = offers;
        self
    }

    /// The `Origin` header. Browsers send it; other clients need it for servers that require it (RFC 6455
    /// section 10.2).
    pub const fn origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Further headers, such as `Authorization` and `Cookie`, as pairs of name and value. The library itself
    /// writes `Host`, `Origin` and the headers of the handshake. `Content-Length` and `Transfer-Encoding` are
    /// not allowed.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = OwnHeaders(headers);
        self
    }

    /// As [`headers`](Self::headers), for values that are not UTF-8: a value is any sequence of bytes except
    /// control characters (RFC 9110 section 5.5). These headers follow those of `headers`.
    ///
    /// ```
    /// use sansws::ClientRequest;
    ///
    /// // A cookie that the server once set in ISO-8859-1.
    /// let request = ClientRequest::new("ws://chat.example/")?.byte_headers(&[("Cookie", b"name=J\xf6rg")]);
    /// # Ok::<(), sansws::UriError>(())
    /// ```
    pub const fn byte_headers(mut self, headers: &'a [(&'a str, &'a [u8])]) -> Self {
        self.byte_headers = OwnHeaders(headers);
        self
    }

    pub(crate) fn offered_extensions(&self) -> &'a [ExtensionOffer<'a>] {
        self.extensions
    }

    pub(crate) fn offered(&self) -> &'a [&'a str] {
        self.subprotocols
    }

    pub(crate) fn check(&self) -> Result<(), Misuse> {
        check_subprotocols(self.subprotocols)?;
        self.extensions.iter().try_for_each(ExtensionOffer::check)?;
        // WS-4.1-37
        if self
            .origin
            .is_some_and(|origin| origin.is_empty() || !origin.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Misuse::InvalidHeader);
        }
        // WS-4.1-45 · WS-11.3.1-01
        self.headers.check(&RESERVED)?;
        self.byte_headers.check(&RESERVED)
    }

    /// Writes the request. WS-4.1-19 to WS-4.1-40
    pub(crate) fn write(&self, key: &[u8; KEY_LEN], extensions: Option<&str>, out: &mut HeadWriter<'_>) {
        let [path, mark, query] = self.uri.resource_name().pieces();
        let ([open, host, close, colon], port) = self.uri.host_field().pieces();
        for piece in ["GET ", path, mark, query, " HTTP/1.1\r\nHost: ", open, host, close, colon] {
            if !piece.is_empty() {
                out.put(piece.as_bytes());
            }
        }
        if let Some(port) = port {
            out.number(port.into());
        }
        out.put(
            b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        );
        out.put(key);
        out.put(b"\r\n");
        if let Some(origin) = self.origin {
            out.header("Origin", origin.as_bytes());
        }
        // WS-4.1-41
        let mut before: &[u8] = b"Sec-WebSocket-Protocol: ";
        for name in self.subprotocols {
            out.put(before);
            out.put(name.as_bytes());
            before = b", ";
        }
        if !self.subprotocols.is_empty() {
            out.put(b"\r\n");
        }
        if extensions.is_some() || !self.extensions.is_empty() {
            out.put(b"Sec-WebSocket-Extensions: ");
            out.put(extensions.unwrap_or_default().as_bytes());
            let mut before: &[u8] = if extensions.is_none() { b"" } else { b", " };
            for own in self.extensions {
                out.put(before);
                own.write(out);
                before = b", ";
            }
            out.put(b"\r\n");
        }
        self.headers.write(out);
        self.byte_headers.write(out);
        out.put(b"\r\n");
    }
}

debug!(ClientRequest<'_>, |this| ClientRequest {
    uri: this.uri,
    subprotocols: this.subprotocols,
    has_origin: this.origin.is_some(),
    headers: this.headers,
    byte_headers: this.byte_headers,
});

/// Checks that each name is a token and occurs once. WS-4.1-42 · WS-4.1-43
pub(crate) fn check_subprotocols(names: &[&str]) -> Result<(), Misuse> {
    let mut rest = names;
    while let [name, later @ ..] = rest {
        if !is_token(name.as_bytes()) || later.contains(name) {
            return Err(Misuse::InvalidSubprotocol);
        }
        rest = later;
    }
    Ok(())
}

/// A response that was checked.
#[derive(Clone, Copy)]
pub(crate) enum CheckedResponse<'a> {
    /// The connection is open. The subprotocol is empty if none was agreed on.
    Upgrade { subprotocol: &'a str },
    /// An interim response, which the final response follows (RFC 9110 section 15.2).
    Interim,
    /// An ordinary HTTP response. WS-4.1-48
    Refusal,
}

/// Checks a response head, and returns the result with the length of the head. `None` if the head is not
/// complete. `offered` are the subprotocols of the request, and `digest` belongs to its key. A head that
/// `IS_VALIDATED` is complete, and its syntax was checked when it arrived.
pub(crate) fn check_response<'a, 'o, const IS_VALIDATED: bool>(
    head: &'a [u8], max_headers: u8, digest: &Digest, offered: impl Iterator<Item = &'o str>,
    offers_extensions: bool,
) -> Result<Option<(CheckedResponse<'a>, usize)>, Error> {
    let Some((line, rest)) = status_line(head)? else {
        return Ok(None);
    };
    let mut known = ResponseHeaders::default();
    let headers = header_lines::<IS_VALIDATED>(rest, max_headers, |line| known.add(line.name, line.value));
    let Some(after) = headers? else {
        return Ok(None);
    };
    let response = known.response(line, digest, offered, offers_extensions)?;
    Ok(Some((response, minus(head.len(), after.len()))))
}

/// The values of the response headers that belong to the handshake. A name may occur in several headers.
#[derive(Debug, Default)]
pub(crate) struct ResponseHeaders<'a> {
    upgrade: Once<&'a [u8]>,
    connection: bool,
    accept: Once<&'a [u8]>,
    subprotocol: Once<&'a [u8]>,
    extensions: List,
}

impl<'a> ResponseHeaders<'a> {
    /// Reads the next header. WS-4.1-63
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn add(&mut self, name: &[u8], value: &'a [u8]) {
        // WS-4.1-57
        let value = trim(value);
        let Some(known) = KnownHeader::named(name) else {
            return;
        };
        match known {
            KnownHeader::UPGRADE => self.upgrade.set(value),
            KnownHeader::CONNECTION => self.connection |= has_token(value, b"upgrade"),
            KnownHeader::ACCEPT => self.accept.set(value),
            // WS-11.3.4-02
            KnownHeader::PROTOCOL => self.subprotocol.set(value),
            // WS-11.3.2-02
            KnownHeader::EXTENSIONS => self.extensions.add_extensions(value),
            _ => {}
        }
    }

    /// Checks the response with this first line.
    #[inline]
    fn response<'o>(
        &self, line: StatusLine, digest: &Digest, offered: impl Iterator<Item = &'o str>,
        offers_extensions: bool,
    ) -> Result<CheckedResponse<'a>, HandshakeError> {
        Ok(match line.status {
            101 if !line.is_http_1_1 => return Err(HandshakeError::HttpVersion),
            101 => {
                let subprotocol = self.check(digest, offered, offers_extensions)?.unwrap_or_default();
                CheckedResponse::Upgrade { subprotocol }
            }
            100..=199 => CheckedResponse::Interim,
            _ => CheckedResponse::Refusal,
        })
    }

    /// Makes the checks of section 4.1. Returns the subprotocol that the server chose.
    pub(crate) fn check<'o>(
        &self, digest: &Digest, offered: impl Iterator<Item = &'o str>, offers_extensions: bool,
    ) -> Result<Option<&'a str>, HandshakeError> {
        self.check_upgrade()?;
        self.check_accept(&accept_of(digest))?;
        self.check_agreement(offered, offers_extensions)
    }

    /// Checks that the server changes to the protocol `websocket`.
    #[inline]
    pub(crate) fn check_upgrade(&self) -> Result<(), HandshakeError> {
        // WS-4.1-51 · WS-4.1-52
        match self.upgrade {
            Once::Found(value) if value.eq_ignore_ascii_case(b"websocket") => {}
            _ => return Err(HandshakeError::Upgrade),
        }
        // WS-4.1-53 · WS-4.1-54
        if !self.connection {
            return Err(HandshakeError::Connection);
        }
        Ok(())
    }

    /// Checks that the response answers the key of the request.
    #[inline]
    pub(crate) fn check_accept(&self, expected: &[u8; ACCEPT_LEN]) -> Result<(), HandshakeError> {
        // WS-4.1-55 · WS-4.1-56 · WS-4.3-09 · WS-11.3.3-01
        match self.accept {
            Once::Found(value) if value == expected => Ok(()),
            _ => Err(HandshakeError::Accept),
        }
    }

    /// Makes the checks that also hold for a stream of HTTP/2 or HTTP/3 (RFC 8441 section 5). Returns the
    /// subprotocol that the server chose. H2-5-12
    pub(crate) fn check_agreement<'o>(
        &self, mut offered: impl Iterator<Item = &'o str>, offers_extensions: bool,
    ) -> Result<Option<&'a str>, HandshakeError> {
        // WS-9.1-01 · WS-4.1-59
        match self.extensions {
            List::Missing => {}
            // The caller checks which extensions they are.
            List::Valid if offers_extensions => {}
            List::Valid => return Err(HandshakeError::ExtensionNotOffered),
            List::Empty | List::Malformed => return Err(HandshakeError::Extensions),
        }
        match self.subprotocol {
            // WS-4.1-62
            Once::Missing => Ok(None),
            Once::Repeated => Err(HandshakeError::Subprotocol),
            // WS-4.1-61 · WS-8.1-04
            Once::Found(name) => match str::from_utf8(name).ok().filter(|name| is_token(name.as_bytes())) {
                None => Err(HandshakeError::Subprotocol),
                Some(name) if offered.any(|offer| offer == name) => Ok(Some(name)),
                // WS-4.1-60
                Some(_) => Err(HandshakeError::SubprotocolNotOffered),
            },
        }
    }
}
