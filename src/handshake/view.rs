//! A complete head, seen through its parts. The syntax was checked when it arrived (`line`), so the views split without asking again.

use super::fields::{Extension, elements, extensions, is_token, trim};
use super::line::{judged_field, split_line, token_len};
use super::origin;
use super::server::parse_version;
use crate::bytes::split_once;
use core::{fmt, str};

/// A client's opening handshake, or another HTTP request.
///
/// It borrows the head, so take what outlives the event.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    head: &'a [u8],
}

impl<'a> Request<'a> {
    pub(crate) fn new(head: &'a [u8]) -> Self {
        Self { head }
    }

    /// The method; always `GET` where a WebSocket is asked for.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.request_line().0
    }

    /// The request target as it was sent: usually a path with a query, or an absolute URI.
    #[must_use]
    pub fn target(&self) -> &'a str {
        self.request_line().1
    }

    /// The resource name: path and query of the target (RFC 6455 section 4.2.2, WS-4.2.2-13).
    #[must_use]
    pub fn resource_name(&self) -> &'a str {
        resource_name(self.target())
    }

    /// The path of the resource name, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        let name = self.resource_name();
        split_once(name, b'?').map_or(name, |(path, _)| path)
    }

    /// The query of the resource name, if there is one, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        split_once(self.resource_name(), b'?').map(|(_, query)| query)
    }

    /// All header fields in their order.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        Headers::of(self.head)
    }

    /// The value of the first header field with this name, in any ASCII case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().text(name)
    }

    /// The `Host` field: the authority that the client asked for.
    #[must_use]
    pub fn host(&self) -> Option<&'a str> {
        self.header("host")
    }

    /// The `Origin` field: where the script comes from that opened the connection (RFC 6455 section 10.2).
    /// Browsers always send it; other clients can send what they like.
    #[must_use]
    pub fn origin(&self) -> Option<&'a str> {
        self.header("origin")
    }

    /// Whether `Origin` is one of `allowed`, compared exactly but for the ASCII case of scheme and host. False
    /// without an `Origin`: a server that wants to serve other clients than browsers checks for that itself.
    ///
    /// A browser sends cookies whatever site opens the connection, so a server that relies on cookies has to check.
    #[must_use]
    pub fn is_origin_in(&self, allowed: &[&str]) -> bool {
        self.origin().is_some_and(|origin| origin::is_in(origin, allowed))
    }

    /// Whether `Origin` has the host and the port of `Host`: the page came from this server. False without an
    /// `Origin`.
    #[must_use]
    pub fn is_same_origin(&self) -> bool {
        match (self.origin(), self.host()) {
            (Some(origin), Some(host)) => origin::is_same(origin, host),
            _ => false,
        }
    }

    /// The subprotocols that the client offers, most wanted first, over all lines of the field.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.headers()
            .all("sec-websocket-protocol")
            .flat_map(elements)
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, most wanted first, over all lines of the field.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + Clone + use<'a> {
        self.headers().extensions()
    }

    fn request_line(&self) -> (&'a str, &'a str) {
        let (method, rest) = split_once(first_line(self.head), b' ').unwrap_or_default();
        (method, split_once(rest, b' ').map_or(rest, |(target, _)| target))
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Header fields stay out of logs: they carry cookies and credentials.
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("target", &self.target())
            .finish_non_exhaustive()
    }
}

/// A server's answer to the opening handshake.
#[derive(Clone, Copy)]
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
    #[must_use]
    pub fn status(&self) -> u16 {
        let mut words = split_line(self.head).0.split(|&byte| byte == b' ');
        words.nth(1).and_then(|status| str::from_utf8(status).ok()?.parse().ok()).unwrap_or_default()
    }

    /// The reason phrase, often empty; empty too where it is not UTF-8.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        let words = |line| split_once(line, b' ').map(|(_, words)| words);
        words(first_line(self.head)).and_then(words).unwrap_or_default()
    }

    /// All header fields in their order.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        Headers::of(self.head)
    }

    /// The value of the first header field with this name, in any ASCII case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().text(name)
    }

    /// The WebSocket versions that the server names, over all lines of the field (WS-4.3-05).
    pub fn versions(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        self.headers().all("sec-websocket-version").flat_map(elements).filter_map(parse_version)
    }

    /// The body of a refusal, as far as it came before the end and within
    /// [`Config::max_refusal_body`](crate::Config::max_refusal_body).
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether bytes of the body are missing.
    #[must_use]
    pub fn is_body_truncated(&self) -> bool {
        self.is_truncated
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

/// The header fields of a head: pairs of name and value, the value without the white space around it.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    /// What is left, from the beginning of a line.
    lines: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(crate) fn of(head: &'a [u8]) -> Self {
        Self { lines: split_line(head).1 }
    }

    /// The values of all fields with this name, in any ASCII case (WS-4.1-63).
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(self, name: &str) -> Option<&'a str> {
        str::from_utf8(self.all(name).next()?).ok()
    }

    pub(crate) fn extensions(self) -> impl Iterator<Item = Extension<'a>> + Clone + use<'a> {
        self.all("sec-websocket-extensions").flat_map(extensions).filter_map(Result::ok)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let field = judged_field(&mut self.lines)?;
        Some((str::from_utf8(field.name).ok()?, trim(field.value)))
    }
}

/// Path and query of a request target in origin form or in absolute form. WS-4.2.1-06
pub(crate) fn resource_name(target: &str) -> &str {
    // Nearly always, and then not worth a search.
    if target.starts_with('/') {
        return target;
    }
    let Some((scheme, rest)) = split_once(target, b':') else {
        return target;
    };
    let Some(rest) = rest.strip_prefix("//").filter(|_| is_token(scheme.as_bytes())) else {
        return target;
    };
    let start = rest.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    match rest.get(start..) {
        Some("") | None => "/",
        Some(name) => name,
    }
}

/// Whether a resource name begins with a slash, as all do but that of `http://host?query`.
pub(crate) fn has_resource_name(target: &[u8]) -> bool {
    if let [b'/', ..] = target {
        return true;
    }
    let (scheme, rest) = target.split_at_checked(token_len(target)).unwrap_or_default();
    match rest {
        [b':', b'/', b'/', rest @ ..] if !scheme.is_empty() => {
            rest.iter().find(|byte| matches!(byte, b'/' | b'?')) != Some(&b'?')
        }
        _ => false,
    }
}

/// The first line, without what ends it.
fn first_line(head: &[u8]) -> &str {
    str::from_utf8(split_line(head).0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // WS-4.2.1-06 · WS-4.2.2-13
    #[test]
    fn a_resource_name_begins_with_a_slash() {
        for target in [
            "/",
            "/a?b",
            "?",
            "*",
            "",
            ":",
            "://",
            "://a",
            "http:",
            "http:/",
            "http:/a",
            "http://",
            "http://a",
            "http://a/",
            "http://a/b?c",
            "http://a?b/c",
            "http://?",
            "ht tp://a",
            "a:80",
            "a:b://c",
            "h\u{fc}://a",
            "http://\u{fc}",
        ] {
            assert_eq!(
                has_resource_name(target.as_bytes()),
                resource_name(target).starts_with('/'),
                "{target}"
            );
        }
    }
}
