//! The server's side of the opening handshake: check the request (RFC 6455 section 4.2.1), write acceptance or
//! rejection (section 4.2.2).

use super::accept_key::{ACCEPT_LEN, accept_key, is_valid_key};
use super::fields::{List, Once, elements, extensions, has_token, is_field_value, is_token, trim};
use super::view::{parse_request, resource_name};
use crate::error::{Error, HandshakeError, Misuse};
use core::str;

/// What a server says yes with. See [`Sender::accept`](crate::Sender::accept).
///
/// ```
/// use sansws::Accept;
///
/// let accept = Accept::new().subprotocol("chat").headers(&[("Set-Cookie", "seen=1")]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Accept<'a> {
    subprotocol: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
}

impl<'a> Accept<'a> {
    /// No subprotocol, no further header fields.
    pub const fn new() -> Self {
        Self { subprotocol: None, headers: &[] }
    }

    /// The subprotocol to speak: one of those that the client offered (WS-4.2.2-15).
    pub const fn subprotocol(mut self, name: &'a str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// Header fields to add to the 101, as pairs of name and value. `Upgrade`, `Connection` and what begins with
    /// `Sec-WebSocket-` are the library's own.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// The agreed subprotocol, checked against what was `offered`.
    pub(crate) fn agreed<'o>(&self, offered: impl IntoIterator<Item = &'o str>) -> Result<&'a str, Error> {
        match self.subprotocol {
            // WS-4.2.2-17: none agreed, so none is written.
            None => Ok(""),
            // WS-4.2.2-15 · WS-4.2.2-16 · WS-4.2.2-18: what was offered is never empty.
            Some(name) if offered.into_iter().any(|offer| offer == name) => Ok(name),
            Some(_) => Err(Misuse::SubprotocolNotOffered.into()),
        }
    }

    pub(crate) fn check_headers(&self) -> Result<(), Error> {
        check_headers(self.headers, |name| {
            is_websocket_header(name)
                || ["upgrade", "connection", "content-length", "transfer-encoding"]
                    .iter()
                    .any(|owned| name.eq_ignore_ascii_case(owned))
        })
    }

    /// The acceptance, piece by piece. `accept` is the value of `Sec-WebSocket-Accept`.
    ///
    /// WS-4.2.2-23 · WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-27
    pub(crate) fn write<E>(
        &self,
        accept: &str,
        subprotocol: &str,
        write: &mut impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        )?;
        write(accept)?;
        write("\r\n")?;
        if !subprotocol.is_empty() {
            // WS-4.2.2-19
            write_header(("Sec-WebSocket-Protocol", subprotocol), write)?;
        }
        for header in self.headers {
            write_header(*header, write)?;
        }
        write("\r\n")
    }
}

/// What a server answers with instead of a WebSocket: any status but 101, header fields, a body.
///
/// ```
/// use sansws::Reply;
///
/// let unauthorized = Reply::new(401).headers(&[("WWW-Authenticate", "Bearer")]);
/// let page = Reply::new(200).headers(&[("Content-Type", "text/html; charset=utf-8")]).body(b"<h1>hello</h1>");
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Reply<'a> {
    status: u16,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// A reply with this status, from 200 to 599, without a body.
    pub const fn new(status: u16) -> Self {
        Self { status, headers: &[], body: &[] }
    }

    /// Header fields, as pairs of name and value. `Connection: close`, `Content-Length` and `Transfer-Encoding` are
    /// the library's own: the connection ends with the reply.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// The body. It has to fit below [`Config::max_outgoing`](crate::Config::max_outgoing).
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(200..=599).contains(&self.status) {
            return Err(Misuse::InvalidStatus.into());
        }
        check_headers(self.headers, |name| {
            ["connection", "content-length", "transfer-encoding", "sec-websocket-accept"]
                .iter()
                .any(|owned| name.eq_ignore_ascii_case(owned))
        })
    }

    /// The reply, piece by piece. `is_head`: the request was a HEAD, whose answer has no body (RFC 9110 section 9.3.2).
    pub(crate) fn write<E>(
        &self,
        is_head: bool,
        write: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let [hundreds, tens, ones] = [self.status / 100, self.status / 10 % 10, self.status % 10].map(digit);
        write(b"HTTP/1.1 ")?;
        write(&[hundreds, tens, ones, b' '])?;
        write(reason(self.status).as_bytes())?;
        write(b"\r\n")?;
        let upgrade = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"));
        // RFC 9110 section 7.8: who sends Upgrade names it in Connection.
        write(if upgrade { b"Connection: Upgrade, close\r\n" } else { b"Connection: close\r\n" })?;
        for header in self.headers {
            write_header(*header, &mut |text: &str| write(text.as_bytes()))?;
        }
        // RFC 9110 section 8.6
        let has_body = !matches!(self.status, 204 | 304);
        if has_body {
            let mut digits = [0; 20];
            write(b"Content-Length: ")?;
            write(decimal(self.body.len(), &mut digits))?;
            write(b"\r\n")?;
        }
        write(b"\r\n")?;
        if has_body && !is_head { write(self.body) } else { Ok(()) }
    }
}

/// What a request turned out to be.
pub(crate) enum Verdict {
    /// A valid opening handshake, and the value of `Sec-WebSocket-Accept` that answers it.
    Upgrade {
        accept: [u8; ACCEPT_LEN],
        /// Whether there is a list of subprotocols at all: most requests have none, and are not searched for it.
        offers_subprotocols: bool,
    },
    /// Valid HTTP that asks for no WebSocket.
    Plain {
        /// What it is told where the embedder does not answer it.
        error: HandshakeError,
        is_head: bool,
    },
}

/// Checks a complete request head.
pub(crate) fn check_request(head: &[u8], max_fields: u8) -> Result<Verdict, Error> {
    let mut fields = RequestFields::default();
    let (method, target, is_http_1_1) =
        parse_request(head, max_fields, |name, value| fields.add(name, value))?;
    if !fields.upgrade {
        // RFC 9112 section 3.2
        if is_http_1_1 && fields.hosts != 1 {
            return Err(HandshakeError::Host.into());
        }
        return Ok(Verdict::Plain { error: plain_error(method), is_head: method == "HEAD" });
    }
    // WS-4.2.2-13: there is no resource name in `http://host?query`.
    if !resource_name(target).starts_with('/') {
        return Err(HandshakeError::MalformedHead.into());
    }
    // WS-4.2.1-05
    if !is_http_1_1 {
        return Err(HandshakeError::HttpVersion.into());
    }
    let offers_subprotocols = fields.subprotocols != List::Missing;
    Ok(Verdict::Upgrade { accept: fields.check(method)?, offers_subprotocols })
}

/// What an invalid handshake is told that asks for no WebSocket at all.
fn plain_error(method: &str) -> HandshakeError {
    if method == "GET" { HandshakeError::Upgrade } else { HandshakeError::Method }
}

/// The fields of a request that the handshake is about, over all their lines.
#[derive(Debug, Default)]
pub(crate) struct RequestFields<'a> {
    hosts: u8,
    pub(crate) upgrade: bool,
    connection: bool,
    key: Once<&'a [u8]>,
    version: Once<&'a [u8]>,
    subprotocols: List,
    extensions: List,
}

impl<'a> RequestFields<'a> {
    /// Takes the next field. WS-4.1-63, WS-4.2.1-03 and WS-4.2.1-18: any ASCII case, any order, unknown ones ignored.
    pub(crate) fn add(&mut self, name: &str, value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let value = trim(value);
        match name.len() {
            4 if is("host") => {
                let is_valid = !value.contains(&b',') && !value.contains(&b' ');
                self.hosts = self.hosts.saturating_add(if is_valid { 1 } else { 2 });
            }
            // WS-4.2.1-09
            7 if is("upgrade") => self.upgrade |= has_token(value, "websocket"),
            // WS-4.2.1-10
            10 if is("connection") => self.connection |= has_token(value, "upgrade"),
            17 if is("sec-websocket-key") => self.key.set(value),
            21 if is("sec-websocket-version") => self.version.set(value),
            // WS-4.3-03 · WS-11.3.4-01 · WS-8.1-04
            22 if is("sec-websocket-protocol") => {
                self.subprotocols.add(elements(value).map(|name| str::from_utf8(name).is_ok_and(is_token)));
            }
            // WS-4.3-06 · WS-9.1-01 · WS-9.1-03 · WS-11.3.2-01
            24 if is("sec-websocket-extensions") => match str::from_utf8(value) {
                Ok(value) => self.extensions.add(extensions(value).map(|extension| extension.is_ok())),
                Err(_) => self.extensions.add([false]),
            },
            _ => {}
        }
    }

    /// The checks of section 4.2.1. Returns the value of `Sec-WebSocket-Accept`.
    pub(crate) fn check(&self, method: &str) -> Result<[u8; ACCEPT_LEN], HandshakeError> {
        // WS-4.2.1-04
        if method != "GET" {
            return Err(HandshakeError::Method);
        }
        // WS-4.2.1-07
        if self.hosts != 1 {
            return Err(HandshakeError::Host);
        }
        if !self.upgrade {
            return Err(HandshakeError::Upgrade);
        }
        if !self.connection {
            return Err(HandshakeError::Connection);
        }
        // WS-4.2.1-14 · WS-11.3.5-02
        match self.version {
            Once::Found(b"13") => {}
            Once::Found(version) if parse_version(version).is_some() => {
                return Err(HandshakeError::VersionNotSupported);
            }
            _ => return Err(HandshakeError::Version),
        }
        // WS-4.2.1-11 · WS-11.3.1-01
        let Once::Found(key) = self.key else {
            return Err(HandshakeError::Key);
        };
        if !is_valid_key(key) {
            return Err(HandshakeError::Key);
        }
        if !self.subprotocols.is_valid() {
            return Err(HandshakeError::Subprotocol);
        }
        if !self.extensions.is_valid() {
            return Err(HandshakeError::Extensions);
        }
        Ok(accept_key(key))
    }
}

/// A number from 0 to 255 without leading zeros. WS-4.3-04
pub(crate) fn parse_version(value: &[u8]) -> Option<u8> {
    match value {
        [b'0'] | [b'1'..=b'9', ..] => str::from_utf8(value).ok()?.parse().ok(),
        _ => None,
    }
}

/// Whether the field belongs to the opening handshake by its name.
pub(crate) fn is_websocket_header(name: &str) -> bool {
    const PREFIX: &[u8] = b"sec-websocket-";
    name.as_bytes().get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Header fields of the embedder: nothing in them may break the head apart (WS-4.1-21) or be the library's own.
pub(crate) fn check_headers(headers: &[(&str, &str)], is_owned: impl Fn(&str) -> bool) -> Result<(), Error> {
    for (name, value) in headers {
        if !is_token(name) || !is_field_value(value) {
            return Err(Misuse::InvalidHeader.into());
        }
        if is_owned(name) {
            return Err(Misuse::ReservedHeader.into());
        }
    }
    Ok(())
}

pub(crate) fn write_header<E>(
    (name, value): (&str, &str),
    write: &mut impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    write(name)?;
    write(": ")?;
    write(value)?;
    write("\r\n")
}

fn digit(value: u16) -> u8 {
    b'0' + (value % 10) as u8
}

#[expect(clippy::cast_possible_truncation, reason = "a digit")]
fn decimal(mut value: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        used += 1;
        if value == 0 {
            break;
        }
    }
    digits.get(digits.len() - used..).unwrap_or_default()
}

/// The reason phrases of RFC 9110 for what a WebSocket server is likely to say.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
