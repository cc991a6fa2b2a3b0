//! The server's side of the opening handshake: check the request (RFC 6455 section 4.2.1), write acceptance or
//! rejection (section 4.2.2).

use super::accept_key::{ACCEPT_LEN, KEY_LEN, valid_key};
use super::fields::{List, Once, has_token, is_name, is_token, is_value_byte, trim};
use super::head::Own;
use super::line::{RequestLine, fields, judged_field, request_line};
use super::out::Out;
use super::view::has_resource_name;
use crate::bytes::FOR_SPEED;
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
    pub(crate) fn agreed<'o>(&self, offered: impl IntoIterator<Item = &'o str>) -> Result<&'a str, Misuse> {
        match self.subprotocol {
            // WS-4.2.2-17: none agreed, so none is written.
            None => Ok(""),
            // WS-4.2.2-15 · WS-4.2.2-16 · WS-4.2.2-18: what was offered is never empty.
            Some(name) if offered.into_iter().any(|offer| offer == name) => Ok(name),
            Some(_) => Err(Misuse::SubprotocolNotOffered),
        }
    }

    pub(crate) fn check_headers(&self) -> Result<(), Misuse> {
        check_headers(self.headers, |name| {
            is_websocket_header(name.as_bytes())
                || ["upgrade", "connection", "content-length", "transfer-encoding"]
                    .iter()
                    .any(|owned| name.eq_ignore_ascii_case(owned))
        })
    }

    /// The acceptance. `accept` is the value of `Sec-WebSocket-Accept`.
    ///
    /// WS-4.2.2-23 · WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-27
    pub(crate) fn write(
        &self,
        accept: &[u8; ACCEPT_LEN],
        subprotocol: &str,
        extensions: Option<&str>,
        out: &mut Out<'_>,
    ) {
        out.put(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        out.put(accept);
        out.put(b"\r\n");
        if !subprotocol.is_empty() {
            // WS-4.2.2-19
            out.field("Sec-WebSocket-Protocol", subprotocol);
        }
        if let Some(extensions) = extensions {
            // PMD-5-13
            out.field("Sec-WebSocket-Extensions", extensions);
        }
        for (name, value) in self.headers {
            out.field(name, value);
        }
        out.put(b"\r\n");
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

    pub(crate) fn check(&self) -> Result<(), Misuse> {
        if !(200..=599).contains(&self.status) {
            return Err(Misuse::InvalidStatus);
        }
        check_headers(self.headers, |name| {
            ["connection", "content-length", "transfer-encoding", "sec-websocket-accept"]
                .iter()
                .any(|owned| name.eq_ignore_ascii_case(owned))
        })
    }

    /// The reply. `is_head`: the request was a HEAD, whose answer has no body (RFC 9110 section 9.3.2).
    pub(crate) fn write(&self, is_head: bool, out: &mut Out<'_>) {
        out.put(VERSION);
        out.number(self.status.into());
        out.put(reason(self.status));
        for (name, value) in self.headers {
            out.field(name, value);
        }
        let upgrade = self.headers.iter().any(|(name, _)| is_name(name.as_bytes(), b"upgrade"));
        // RFC 9110 section 7.8: who sends Upgrade names it in Connection.
        out.put(if upgrade { b"Connection: Upgrade, close\r\n" } else { b"Connection: close\r\n" });
        // RFC 9110 section 8.6
        let has_body = !matches!(self.status, 204 | 304);
        if has_body {
            out.put(b"Content-Length: ");
            out.number(self.body.len());
            out.put(b"\r\n");
        }
        out.put(b"\r\n");
        if has_body && !is_head {
            out.put(self.body);
        }
    }
}

/// What a server answers by itself to a request that is not valid: as a [`Reply`] with the status and the fields of the
/// error, but written by hand, so that a program without replies of its own has no code for them. WS-4.2.1-01 · WS-10.7-04
pub(crate) fn error_answer(error: Error) -> Option<&'static [u8]> {
    let status = error.http_status()?;
    Some(ERROR_ANSWERS.iter().find(|(known, _)| *known == status)?.1)
}

static ERROR_ANSWERS: [(u16, &[u8]); 5] = [
    (400, b"400 Bad Request\r\nConnection: "),
    (405, b"405 Method Not Allowed\r\nAllow: GET\r\nConnection: "),
    // WS-4.2.2-11 · WS-4.2.2-12 · WS-4.4-01
    (
        426,
        b"426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Connection: Upgrade, ",
    ),
    (431, b"431 Request Header Fields Too Large\r\nConnection: "),
    (505, b"505 HTTP Version Not Supported\r\nConnection: "),
];

/// What is in front of every answer.
pub(crate) const VERSION: &[u8] = b"HTTP/1.1 ";

/// The end of such an answer.
pub(crate) const CLOSE: &[u8] = b"close\r\nContent-Length: 0\r\n\r\n";

/// What a request turned out to be.
pub(crate) enum Verdict<'a> {
    /// A valid opening handshake.
    Upgrade {
        key: &'a [u8; KEY_LEN],
        /// The lines in which subprotocols are offered; none where none are, as in most requests.
        offers: &'a [u8],
    },
    /// Valid HTTP that asks for no WebSocket.
    Plain { is_head: bool },
}

/// Checks a request head, and says how long it is. `None`: it is not complete. `takes_plain`: whether it may be a request
/// that asks for no WebSocket.
#[inline(never)]
pub(crate) fn check_request(
    head: &[u8],
    max_fields: u8,
    takes_plain: bool,
) -> Result<Option<(Verdict<'_>, usize)>, Error> {
    let Some((line, rest)) = request_line(head)? else {
        return Ok(None);
    };
    let mut known = RequestFields::default();
    let Some(after) = fields(rest, max_fields, |field| known.add(field.name, field.value))? else {
        return Ok(None);
    };
    Ok(Some((known.verdict(&line, rest, takes_plain)?, head.len() - after.len())))
}

/// The same for a head whose lines were judged as they came.
#[inline(never)]
pub(crate) fn check_judged_request(head: &[u8], takes_plain: bool) -> Result<Verdict<'_>, HandshakeError> {
    let Some((line, lines)) = request_line(head)? else {
        return Err(HandshakeError::MalformedHead);
    };
    let mut known = RequestFields::default();
    let mut rest = lines;
    while let Some(field) = judged_field(&mut rest) {
        known.add(field.name, field.value);
    }
    known.verdict(&line, lines, takes_plain)
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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn add(&mut self, name: &[u8], value: &'a [u8]) {
        if let Some(own) = Own::named(name) {
            self.add_own(own, trim(value));
        }
    }

    #[inline(always)]
    fn add_own(&mut self, own: Own, value: &'a [u8]) {
        match own {
            Own::HOST => {
                let is_valid = !value.iter().any(|byte| matches!(byte, b',' | b' '));
                self.hosts = self.hosts.saturating_add(if is_valid { 1 } else { 2 });
            }
            // WS-4.2.1-09
            Own::UPGRADE => self.upgrade |= has_token(value, b"websocket"),
            // WS-4.2.1-10
            Own::CONNECTION => self.connection |= has_token(value, b"upgrade"),
            Own::KEY => self.key.set(value),
            Own::VERSION => self.version.set(value),
            // WS-4.3-03 · WS-11.3.4-01 · WS-8.1-04
            Own::PROTOCOL => self.subprotocols.add_tokens(value),
            // WS-4.3-06 · WS-9.1-01 · WS-9.1-03 · WS-11.3.2-01
            Own::EXTENSIONS => self.extensions.add_extensions(value),
            _ => {}
        }
    }

    /// What a request with this first line amounts to, and these lines.
    #[inline(always)]
    fn verdict(
        &self,
        line: &RequestLine<'_>,
        lines: &'a [u8],
        takes_plain: bool,
    ) -> Result<Verdict<'a>, HandshakeError> {
        let is_get = line.method == b"GET";
        if !self.upgrade {
            // RFC 9112 section 3.2
            if line.is_http_1_1 && self.hosts != 1 {
                return Err(HandshakeError::Host);
            }
            if !takes_plain {
                return Err(if is_get { HandshakeError::Upgrade } else { HandshakeError::Method });
            }
            return Ok(Verdict::Plain { is_head: line.method == b"HEAD" });
        }
        // WS-4.2.2-13: there is no resource name in `http://host?query`.
        if !has_resource_name(line.target.as_bytes()) {
            return Err(HandshakeError::MalformedHead);
        }
        // WS-4.2.1-05
        if !line.is_http_1_1 {
            return Err(HandshakeError::HttpVersion);
        }
        let key = self.check(is_get)?;
        Ok(Verdict::Upgrade { key, offers: if self.subprotocols == List::Missing { &[] } else { lines } })
    }

    /// The checks of section 4.2.1. Returns the key.
    pub(crate) fn check(&self, is_get: bool) -> Result<&'a [u8; KEY_LEN], HandshakeError> {
        // WS-4.2.1-04
        if !is_get {
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
        let key = valid_key(key).ok_or(HandshakeError::Key)?;
        if !self.subprotocols.is_valid() {
            return Err(HandshakeError::Subprotocol);
        }
        if !self.extensions.is_valid() {
            return Err(HandshakeError::Extensions);
        }
        Ok(key)
    }
}

/// A number from 0 to 255 without leading zeros. WS-4.3-04
pub(crate) fn parse_version(value: &[u8]) -> Option<u8> {
    if matches!(value, [b'0', _, ..] | []) {
        return None;
    }
    let mut number = 0;
    for digit in value {
        number = 10 * number + u16::from(digit.is_ascii_digit().then_some(digit & 0x0f)?);
        if number > 255 {
            return None;
        }
    }
    u8::try_from(number).ok()
}

/// Whether the field belongs to the opening handshake by its name.
pub(crate) fn is_websocket_header(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"sec-websocket-";
    name.get(..PREFIX.len()).is_some_and(|start| is_name(start, PREFIX))
}

/// Header fields of the embedder: nothing in them may break the head apart (WS-4.1-21) or be the library's own.
pub(crate) fn check_headers(headers: &[(&str, &str)], is_owned: impl Fn(&str) -> bool) -> Result<(), Misuse> {
    for (name, value) in headers {
        if !is_token(name.as_bytes()) || !value.bytes().all(is_value_byte) {
            return Err(Misuse::InvalidHeader);
        }
        if is_owned(name) {
            return Err(Misuse::ReservedHeader);
        }
    }
    Ok(())
}

/// The lines of statuses that a WebSocket server is likely to answer with, by RFC 9110. Where flash is short those of the
/// library's own answers and the most usual ones: a reason phrase is optional and means nothing (RFC 9112 section 4).
const STATUSES: &[u8] = if FOR_SPEED {
    b"200 OK\r\n204 No Content\r\n301 Moved Permanently\r\n302 Found\r\n303 See Other\r\n304 Not Modified\r\n\
    307 Temporary Redirect\r\n308 Permanent Redirect\r\n400 Bad Request\r\n401 Unauthorized\r\n403 Forbidden\r\n\
    404 Not Found\r\n405 Method Not Allowed\r\n408 Request Timeout\r\n413 Content Too Large\r\n\
    421 Misdirected Request\r\n426 Upgrade Required\r\n429 Too Many Requests\r\n\
    431 Request Header Fields Too Large\r\n500 Internal Server Error\r\n502 Bad Gateway\r\n\
    503 Service Unavailable\r\n504 Gateway Timeout\r\n505 HTTP Version Not Supported\r\n"
} else {
    b"200 OK\r\n400 Bad Request\r\n401 Unauthorized\r\n403 Forbidden\r\n404 Not Found\r\n\
    405 Method Not Allowed\r\n426 Upgrade Required\r\n431 Request Header Fields Too Large\r\n\
    503 Service Unavailable\r\n505 HTTP Version Not Supported\r\n"
};

/// What follows a status in its line.
fn reason(status: u16) -> &'static [u8] {
    let mut lines = STATUSES;
    while let [hundreds, tens, ones, rest @ ..] = lines {
        let number =
            [hundreds, tens, ones].iter().fold(0, |number, digit| 10 * number + u16::from(**digit & 0x0f));
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at_checked(end).unwrap_or_default();
        if number == status {
            return line;
        }
        lines = after;
    }
    b" \r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Limit;
    use std::vec;

    #[test]
    fn an_error_answer_is_as_a_reply_writes_it() {
        let errors = [
            HandshakeError::MalformedHead,
            HandshakeError::HttpVersion,
            HandshakeError::Method,
            HandshakeError::Host,
            HandshakeError::Upgrade,
            HandshakeError::Connection,
            HandshakeError::Key,
            HandshakeError::Version,
            HandshakeError::VersionNotSupported,
            HandshakeError::Accept,
            HandshakeError::Subprotocol,
            HandshakeError::SubprotocolNotOffered,
            HandshakeError::Extensions,
            HandshakeError::ExtensionNotOffered,
            HandshakeError::ExtensionAnswer,
            HandshakeError::UnexpectedEof,
            HandshakeError::Refused,
        ];
        let limits = [Limit::Head, Limit::HeadFields, Limit::Message].map(|limit| (limit.into(), &[][..]));
        for (error, fields) in
            errors.map(|error| (error.into(), error.http_fields())).into_iter().chain(limits)
        {
            let error: Error = error;
            let written = error.http_status().map(|status| {
                let reply = Reply::new(status).headers(fields);
                let mut room = vec![0; 512];
                let mut out = Out::to(&mut room);
                reply.write(false, &mut out);
                let len = out.len();
                room.truncate(len);
                room
            });
            let answer = error_answer(error).map(|answer| [VERSION, answer, CLOSE].concat());
            assert_eq!(answer, written, "{error:?}");
        }
    }
}
