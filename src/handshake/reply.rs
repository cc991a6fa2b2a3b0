//! A server's answers (RFC 6455 section 4.2.2): the 101, a reply of the embedder, or an error answer of the
//! library.

use super::accept_key::ACCEPT_LEN;
use super::chars::append_digit;
use super::name::is_name;
use super::own_extension::ExtensionAnswer;
use super::writer::{HeadWriter, OwnHeaders};
use crate::bytes::{FOR_SPEED, plus};
use crate::error::{Error, Misuse};

/// The content of the 101 that accepts the opening handshake. See [`Sender::accept`](crate::Sender::accept).
///
/// `Debug` shows the names of the headers without their values.
///
/// ```
/// use sansws::Accept;
///
/// let accept = Accept::new().subprotocol("chat").headers(&[("Set-Cookie", "seen=1")]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[must_use]
pub struct Accept<'a> {
    subprotocol: Option<&'a str>,
    extension: Option<ExtensionAnswer<'a>>,
    headers: OwnHeaders<'a>,
}

impl<'a> Accept<'a> {
    /// Accepts without a subprotocol and without further headers.
    pub const fn new() -> Self {
        Self { subprotocol: None, extension: None, headers: OwnHeaders(&[]) }
    }

    /// The subprotocol to use: one of those that the client offered (WS-4.2.2-15).
    pub const fn subprotocol(mut self, name: &'a str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// An extension of the embedder's own to use: one that the client offered, see
    /// [`Extension::answer`](super::Extension::answer). The library itself negotiates permessage-deflate.
    pub const fn extension(mut self, answer: ExtensionAnswer<'a>) -> Self {
        self.extension = Some(answer);
        self
    }

    /// Headers to add to the 101, as pairs of name and value. The library itself writes `Upgrade`,
    /// `Connection` and all headers whose names begin with `Sec-WebSocket-`. `Content-Length` and
    /// `Transfer-Encoding` are not allowed.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = OwnHeaders(headers);
        self
    }

    /// The agreed subprotocol, after a check that it is one of `offered`.
    pub(crate) fn agreed<'o>(&self, offered: impl IntoIterator<Item = &'o [u8]>) -> Result<&'a str, Misuse> {
        match self.subprotocol {
            // WS-4.2.2-17: no subprotocol is agreed on, so none is written.
            None => Ok(""),
            // WS-4.2.2-15 · WS-4.2.2-16 · WS-4.2.2-18: an offered subprotocol is never empty.
            Some(name) if offered.into_iter().any(|offer| offer == name.as_bytes()) => Ok(name),
            Some(_) => Err(Misuse::SubprotocolNotOffered),
        }
    }

    pub(crate) fn check_headers(&self) -> Result<(), Misuse> {
        if let Some(extension) = &self.extension {
            extension.check()?;
        }
        self.headers
            .check(&["upgrade", "connection", "content-length", "transfer-encoding", "sec-websocket-"])
    }

    /// Writes the 101. `accept` is the value of `Sec-WebSocket-Accept`.
    ///
    /// WS-4.2.2-23 · WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-27
    pub(crate) fn write(
        &self, accept: &[u8; ACCEPT_LEN], subprotocol: &str, extensions: Option<&str>,
        out: &mut HeadWriter<'_>,
    ) {
        out.put(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        out.put(accept);
        out.put(b"\r\n");
        if !subprotocol.is_empty() {
            // WS-4.2.2-19
            out.header("Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        // PMD-5-13 · WS-11.3.2-02: a response has one such header at most.
        match (extensions, &self.extension) {
            (None, None) => {}
            (Some(extensions), None) => out.header("Sec-WebSocket-Extensions", extensions.as_bytes()),
            (extensions, Some(own)) => {
                out.put(b"Sec-WebSocket-Extensions: ");
                if let Some(extensions) = extensions {
                    out.put(extensions.as_bytes());
                    out.put(b", ");
                }
                own.write(out);
                out.put(b"\r\n");
            }
        }
        self.headers.write(out);
        out.put(b"\r\n");
    }
}

/// A server's answer with a status other than 101: the status, headers and a body.
///
/// `Debug` shows the names of the headers without their values, and only the length of the body.
///
/// ```
/// use sansws::Reply;
///
/// let unauthorized = Reply::new(401).headers(&[("WWW-Authenticate", "Bearer")]);
/// let headers = [("Content-Type", "text/html; charset=utf-8")];
/// let page = Reply::new(200).headers(&headers).body(b"<h1>hello</h1>");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct Reply<'a> {
    status: u16,
    headers: OwnHeaders<'a>,
    body: &'a [u8],
}

impl<'a> Reply<'a> {
    /// A reply with this status, from 200 to 599, without a body.
    pub const fn new(status: u16) -> Self {
        Self { status, headers: OwnHeaders(&[]), body: &[] }
    }

    /// Headers, as pairs of name and value. The library itself writes `Connection: close`, because the
    /// connection ends with the reply, and `Content-Length`. `Transfer-Encoding` and `Sec-WebSocket-Accept`
    /// are not allowed.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = OwnHeaders(headers);
        self
    }

    /// The body. The whole reply must not exceed [`Config::max_outgoing`](crate::Config::max_outgoing). A
    /// reply with a status that allows no content is sent without its body: 204, 205 and 304.
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Misuse> {
        if !(200..=599).contains(&self.status) {
            return Err(Misuse::InvalidStatus);
        }
        self.headers.check(&["connection", "content-length", "transfer-encoding", "sec-websocket-accept"])
    }

    /// Writes the reply. `is_head` tells that it answers a HEAD request and has no body (RFC 9110 section
    /// 9.3.2).
    pub(crate) fn write(&self, is_head: bool, out: &mut HeadWriter<'_>) {
        out.put(STATUS_LINE_PREFIX);
        out.number(self.status.into());
        out.put(reason(self.status));
        self.headers.write(out);
        let upgrade = self.headers.0.iter().any(|(name, _)| is_name(name.as_bytes(), b"upgrade"));
        // RFC 9110 section 7.8: a sender of Upgrade names it in Connection.
        out.put(if upgrade { b"Connection: Upgrade, close\r\n" } else { b"Connection: close\r\n" });
        // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5: these have no content.
        let body = if matches!(self.status, 204 | 205 | 304) { &[] } else { self.body };
        // RFC 9110 section 8.6. Without a length the content of a 205 would end with the connection (RFC 9112
        // section 6.3).
        if !matches!(self.status, 204 | 304) {
            out.put(b"Content-Length: ");
            out.number(body.len());
            out.put(b"\r\n");
        }
        out.put(b"\r\n");
        if !is_head {
            out.put(body);
        }
    }
}

debug!(Reply<'_>, |this| Reply { status: this.status, headers: this.headers, body_len: this.body.len() });

/// The answer of the library to a request that is not valid, without `STATUS_LINE_PREFIX` and `ERROR_TAIL`.
/// The answer equals a [`Reply`] with the status and the headers of the error. It is a constant, so that a
/// program that sends no replies of its own does not contain the code of `Reply`. WS-4.2.1-01 · WS-10.7-04
pub(crate) fn error_answer(error: Error) -> Option<&'static [u8]> {
    let status = error.http_status()?;
    Some(ERROR_ANSWERS.iter().find(|(known, _)| *known == status)?.1)
}

static ERROR_ANSWERS: &[(u16, &[u8])] = &[
    (400, b"400 Bad Request\r\nConnection: "),
    (405, b"405 Method Not Allowed\r\nAllow: GET\r\nConnection: "),
    (417, b"417 Expectation Failed\r\nConnection: "),
    // WS-4.2.2-11 · WS-4.2.2-12 · WS-4.4-01
    (
        426,
        b"426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Connection: Upgrade, ",
    ),
    (431, b"431 Request Header Fields Too Large\r\nConnection: "),
    #[cfg(feature = "alloc")]
    (503, b"503 Service Unavailable\r\nConnection: "),
    (505, b"505 HTTP Version Not Supported\r\nConnection: "),
];

/// The beginning of every answer.
pub(crate) const STATUS_LINE_PREFIX: &[u8] = b"HTTP/1.1 ";

/// The end of every error answer.
pub(crate) const ERROR_TAIL: &[u8] = b"close\r\nContent-Length: 0\r\n\r\n";

/// The statuses that a WebSocket server is likely to answer with, and their reason phrases of RFC 9110. A
/// build for size has only the statuses of the library's own answers and the most usual ones: a reason phrase
/// is optional and means nothing (RFC 9112 section 4).
const REASONS: &[u8] = if FOR_SPEED {
    b"200 OK\r\n204 No Content\r\n301 Moved Permanently\r\n302 Found\r\n303 See Other\r\n304 Not Modified\r\n\
    307 Temporary Redirect\r\n308 Permanent Redirect\r\n400 Bad Request\r\n401 Unauthorized\r\n403 Forbidden\r\n\
    404 Not Found\r\n405 Method Not Allowed\r\n408 Request Timeout\r\n413 Content Too Large\r\n\
    417 Expectation Failed\r\n421 Misdirected Request\r\n426 Upgrade Required\r\n429 Too Many Requests\r\n\
    431 Request Header Fields Too Large\r\n500 Internal Server Error\r\n502 Bad Gateway\r\n\
    503 Service Unavailable\r\n504 Gateway Timeout\r\n505 HTTP Version Not Supported\r\n"
} else {
    b"200 OK\r\n400 Bad Request\r\n401 Unauthorized\r\n403 Forbidden\r\n404 Not Found\r\n\
    405 Method Not Allowed\r\n417 Expectation Failed\r\n426 Upgrade Required\r\n\
    431 Request Header Fields Too Large\r\n503 Service Unavailable\r\n505 HTTP Version Not Supported\r\n"
};

/// The rest of the status line after the status: a space, the reason phrase and the line end.
fn reason(status: u16) -> &'static [u8] {
    let mut lines = REASONS;
    while let [hundreds, tens, ones, rest @ ..] = lines {
        let number = [hundreds, tens, ones].iter().fold(0, |number, digit| append_digit(number, **digit));
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| plus(end, 1));
        let (line, after) = rest.split_at_checked(end).unwrap_or_default();
        if number == status {
            return line;
        }
        lines = after;
    }
    b" \r\n"
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/reply.rs"]
mod tests;
