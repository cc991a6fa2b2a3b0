//! The client's side of the opening handshake: write the request, check the response (RFC 6455 section 4.1).

use super::accept_key::{KEY_LEN, accept_of};
use super::fields::{List, Once, has_token, is_token, trim};
use super::head::Own;
use super::line::{StatusLine, fields, judged_field, status_line};
use super::out::Out;
use super::server::{check_headers, is_websocket_header};
use super::sha1::Digest;
use super::uri::{Uri, UriError};
use crate::error::{Error, HandshakeError, Misuse};
use core::str;

/// What a client asks for: where to, which subprotocols, and with which further header fields.
///
/// ```
/// use sansws::ClientRequest;
///
/// let request = ClientRequest::new("wss://chat.example/room?id=7")?
///     .subprotocols(&["chat.v2", "chat"])
///     .headers(&[("Authorization", "Bearer 123"), ("Cookie", "seen=1")]);
/// // This is what to connect to, with TLS first.
/// let uri = request.uri();
/// assert_eq!((uri.host(), uri.port(), uri.is_secure()), ("chat.example", 443, true));
/// # Ok::<(), sansws::UriError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ClientRequest<'a> {
    uri: Uri<'a>,
    subprotocols: &'a [&'a str],
    origin: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
}

impl<'a> ClientRequest<'a> {
    /// Asks for what a `ws://` or `wss://` URI names (RFC 6455 section 3).
    ///
    /// # Errors
    /// As [`Uri::parse`].
    pub fn new(uri: &'a str) -> Result<Self, UriError> {
        // WS-4.1-04
        Ok(Self::from_uri(Uri::parse(uri)?))
    }

    /// Asks for what a checked URI names.
    pub const fn from_uri(uri: Uri<'a>) -> Self {
        Self { uri, subprotocols: &[], origin: None, headers: &[] }
    }

    /// Where to connect to.
    #[must_use]
    pub const fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// The subprotocols that the client speaks, most wanted first. Each is a token and stands there once.
    pub const fn subprotocols(mut self, names: &'a [&'a str]) -> Self {
        self.subprotocols = names;
        self
    }

    /// The `Origin` field. Browsers send it; other clients need it for servers that insist (RFC 6455 section 10.2).
    pub const fn origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Further header fields, such as `Authorization` and `Cookie`, as pairs of name and value. `Host`, `Origin` and
    /// those of the handshake itself are written by the library.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    pub(crate) fn offered(&self) -> &'a [&'a str] {
        self.subprotocols
    }

    pub(crate) fn check(&self) -> Result<(), Misuse> {
        check_subprotocols(self.subprotocols)?;
        // WS-4.1-37
        if !self
            .origin
            .is_none_or(|origin| !origin.is_empty() && origin.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Misuse::InvalidHeader);
        }
        // WS-4.1-45 · WS-11.3.1-01
        check_headers(self.headers, |name| {
            is_websocket_header(name.as_bytes())
                || ["host", "origin", "upgrade", "connection", "content-length", "transfer-encoding"]
                    .iter()
                    .any(|owned| name.eq_ignore_ascii_case(owned))
        })
    }

    /// The request. WS-4.1-19 to WS-4.1-40
    pub(crate) fn write(&self, key: &[u8; KEY_LEN], extensions: Option<&str>, out: &mut Out<'_>) {
        out.put(b"GET ");
        self.uri.resource_name().write(out);
        out.put(b" HTTP/1.1\r\nHost: ");
        self.uri.host_field().write(out);
        out.put(
            b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        );
        out.put(key);
        out.put(b"\r\n");
        if let Some(origin) = self.origin {
            out.field("Origin", origin);
        }
        // WS-4.1-41
        for (i, name) in self.subprotocols.iter().enumerate() {
            out.put(if i == 0 { b"Sec-WebSocket-Protocol: " } else { b", " });
            out.put(name.as_bytes());
        }
        if !self.subprotocols.is_empty() {
            out.put(b"\r\n");
        }
        if let Some(extensions) = extensions {
            out.field("Sec-WebSocket-Extensions", extensions);
        }
        for (name, value) in self.headers {
            out.field(name, value);
        }
        out.put(b"\r\n");
    }
}

/// WS-4.1-42 · WS-4.1-43
pub(crate) fn check_subprotocols(names: &[&str]) -> Result<(), Misuse> {
    for (i, name) in names.iter().enumerate() {
        if !is_token(name.as_bytes()) || names.iter().take(i).any(|earlier| earlier == name) {
            return Err(Misuse::InvalidSubprotocol);
        }
    }
    Ok(())
}

/// What a complete response head says.
pub(crate) enum Answer<'a> {
    /// The connection is open, with this subprotocol or none.
    Open { subprotocol: &'a str },
    /// An interim answer: the real one follows (RFC 9110 section 15.2).
    Interim,
    /// An ordinary HTTP answer. WS-4.1-48
    Refusal,
}

/// Checks a response head, and says how long it is. `None`: it is not complete. `offered` are the subprotocols of the
/// request, and `digest` is what answers its key.
pub(crate) fn check_response<'a>(
    head: &'a [u8],
    max_fields: u8,
    digest: &Digest,
    offered: impl Iterator<Item = &'a str>,
    offers_extensions: bool,
) -> Result<Option<(Answer<'a>, usize)>, Error> {
    let Some((line, rest)) = status_line(head)? else {
        return Ok(None);
    };
    let mut known = ResponseFields::default();
    let Some(after) = fields(rest, max_fields, |field| known.add(field.name, field.value))? else {
        return Ok(None);
    };
    let answer = known.answer(line, digest, offered, offers_extensions)?;
    Ok(Some((answer, head.len() - after.len())))
}

/// The same for a head whose lines were judged as they came.
pub(crate) fn check_judged_response<'a>(
    head: &'a [u8],
    digest: &Digest,
    offered: impl Iterator<Item = &'a str>,
    offers_extensions: bool,
) -> Result<Answer<'a>, HandshakeError> {
    let Some((line, mut rest)) = status_line(head)? else {
        return Err(HandshakeError::MalformedHead);
    };
    let mut known = ResponseFields::default();
    while let Some(field) = judged_field(&mut rest) {
        known.add(field.name, field.value);
    }
    known.answer(line, digest, offered, offers_extensions)
}

/// The fields of a response that the handshake is about, over all their lines.
#[derive(Debug, Default)]
pub(crate) struct ResponseFields<'a> {
    upgrade: Once<&'a [u8]>,
    connection: bool,
    accept: Once<&'a [u8]>,
    subprotocol: Once<&'a [u8]>,
    extensions: List,
}

impl<'a> ResponseFields<'a> {
    /// Takes the next field. WS-4.1-63
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn add(&mut self, name: &[u8], value: &'a [u8]) {
        // WS-4.1-57
        let value = trim(value);
        if let Some(own) = Own::named(name) {
            self.add_own(own, value);
        }
    }

    #[inline(always)]
    fn add_own(&mut self, own: Own, value: &'a [u8]) {
        match own {
            Own::UPGRADE => self.upgrade.set(value),
            Own::CONNECTION => self.connection |= has_token(value, b"upgrade"),
            Own::ACCEPT => self.accept.set(value),
            // WS-11.3.4-02
            Own::PROTOCOL => self.subprotocol.set(value),
            // WS-11.3.2-02
            Own::EXTENSIONS => self.extensions.add_extensions(value),
            _ => {}
        }
    }

    /// What a response with this first line amounts to.
    #[inline]
    fn answer<'o>(
        &self,
        line: StatusLine,
        digest: &Digest,
        offered: impl Iterator<Item = &'o str>,
        offers_extensions: bool,
    ) -> Result<Answer<'a>, HandshakeError> {
        Ok(match line.status {
            101 if !line.is_http_1_1 => return Err(HandshakeError::HttpVersion),
            101 => {
                let subprotocol = self.check(digest, offered, offers_extensions)?.unwrap_or_default();
                Answer::Open { subprotocol }
            }
            100..=199 => Answer::Interim,
            _ => Answer::Refusal,
        })
    }

    /// The checks of section 4.1. Returns the chosen subprotocol.
    pub(crate) fn check<'o>(
        &self,
        digest: &Digest,
        mut offered: impl Iterator<Item = &'o str>,
        offers_extensions: bool,
    ) -> Result<Option<&'a str>, HandshakeError> {
        // WS-4.1-51 · WS-4.1-52
        match self.upgrade {
            Once::Found(value) if value.eq_ignore_ascii_case(b"websocket") => {}
            _ => return Err(HandshakeError::Upgrade),
        }
        // WS-4.1-53 · WS-4.1-54
        if !self.connection {
            return Err(HandshakeError::Connection);
        }
        // WS-4.1-55 · WS-4.1-56 · WS-4.3-09 · WS-11.3.3-01
        match self.accept {
            Once::Found(value) if value == accept_of(digest) => {}
            _ => return Err(HandshakeError::Accept),
        }
        // WS-9.1-01 · WS-4.1-59
        match self.extensions {
            List::Missing => {}
            // Which of them is looked at apart.
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
