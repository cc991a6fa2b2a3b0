//! A server's response as a view of its complete head, and of the body of a refusal.

use super::extension::Extension;
use super::headers::Headers;
use super::line::split_line;
use super::value::{elements, parse_version};
use crate::bytes::split_once;
use core::str;

/// A server's answer to the opening handshake.
///
/// `Debug` shows the status and the length of the body only: headers and body can carry credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Response<'a> {
    head: &'a [u8],
    body: &'a [u8],
    is_truncated: bool,
}

impl<'a> Response<'a> {
    pub(crate) fn new(head: &'a [u8], body: &'a [u8], is_truncated: bool) -> Self {
        Self { head, body, is_truncated }
    }

    /// The status, such as 401 or 302.
    pub fn status(&self) -> u16 {
        let mut words = split_line(self.head).0.split(|&byte| byte == b' ');
        words.nth(1).and_then(|status| str::from_utf8(status).ok()?.parse().ok()).unwrap_or_default()
    }

    pub(super) fn is_http_1_0(&self) -> bool {
        self.head.starts_with(b"HTTP/1.0")
    }

    /// The reason phrase, which is often empty. It is also empty if it is not UTF-8.
    pub fn reason(&self) -> &'a str {
        let line = str::from_utf8(split_line(self.head).0).unwrap_or_default();
        let after_word = |text| split_once(text, b' ').map(|(_, rest)| rest);
        after_word(line).and_then(after_word).unwrap_or_default()
    }

    /// All headers in their order.
    pub fn headers(&self) -> Headers<'a> {
        Headers::of(self.head)
    }

    /// The value of the first header with this name, in any ASCII case, if it is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().text(name)
    }

    /// The `Location` of a redirect, as the server wrote it: of a response with status 301, 302, 303, 307 or
    /// 308 (RFC 9110 section 15.4). `None` for another status, and if the value is not text.
    /// [`Uri::resolve`](crate::Uri::resolve) tells where it leads. [`Fixed`](crate::Fixed) has to keep the
    /// header, see [`Config::keep_headers`](crate::Config::keep_headers).
    pub fn redirect(&self) -> Option<&'a str> {
        matches!(self.status(), 301..=303 | 307 | 308).then(|| self.header("location")).flatten()
    }

    /// The WebSocket versions that the server supports, from all headers with that name (WS-4.3-05).
    pub fn versions(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        self.headers().all("sec-websocket-version").flat_map(elements).filter_map(parse_version)
    }

    /// The extensions that the server accepts, with their parameters.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + Clone + use<'a> {
        self.headers().extensions()
    }

    /// The body of a refusal, as much of it as arrived before the transport ended and fits within
    /// [`Config::max_refusal_body`](crate::Config::max_refusal_body).
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether bytes of the body are missing. If the server does not say clearly where the body ends (RFC
    /// 9112 section 6.3), the client reports the refusal at once, and this is `true`.
    pub fn is_body_truncated(&self) -> bool {
        self.is_truncated
    }
}

shown!(Response<'_> { this => "Response({}, {} bytes)", this.status(), this.body.len(); });
