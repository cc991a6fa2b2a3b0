//! A client's request as a view of its complete head.

use super::extension::Extension;
use super::headers::Headers;
use super::line::split_line;
use super::origin;
use super::target::resource_name;
use super::value::elements;
use crate::bytes::split_once;
use core::str;

/// A client's opening handshake, or another HTTP request.
///
/// The request borrows the head, so copy the parts that must outlive the event. `Debug` shows the method and
/// the path only: the query and the headers can carry credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request<'a> {
    head: &'a [u8],
}

impl<'a> Request<'a> {
    pub(crate) fn new(head: &'a [u8]) -> Self {
        Self { head }
    }

    /// The method; always `GET` if the client asks for a WebSocket.
    pub fn method(&self) -> &'a str {
        self.request_line().0
    }

    /// The request target as the client sent it: usually a path with a query, or an absolute URI.
    pub fn target(&self) -> &'a str {
        self.request_line().1
    }

    /// The resource name: path and query of the target (RFC 6455 section 4.2.2, WS-4.2.2-13).
    pub fn resource_name(&self) -> &'a str {
        resource_name(self.target())
    }

    /// The path of the resource name, without the query.
    pub fn path(&self) -> &'a str {
        let name = self.resource_name();
        split_once(name, b'?').map_or(name, |(path, _)| path)
    }

    /// The query of the resource name, if there is one, without the question mark.
    pub fn query(&self) -> Option<&'a str> {
        split_once(self.resource_name(), b'?').map(|(_, query)| query)
    }

    /// All headers in their order.
    pub fn headers(&self) -> Headers<'a> {
        Headers::of(self.head)
    }

    /// The value of the first header with this name, in any ASCII case, if it is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().text(name)
    }

    /// The `Host` header: the authority that the client asked for.
    pub fn host(&self) -> Option<&'a str> {
        self.header("host")
    }

    /// The `Origin` header: the origin of the script that opened the connection (RFC 6455 section 10.2).
    /// Browsers always send it; other clients can send any value.
    pub fn origin(&self) -> Option<&'a str> {
        self.header("origin")
    }

    /// Whether `Origin` is one of `allowed`. Scheme and host are compared without regard to ASCII case,
    /// everything else exactly. Returns `false` without an `Origin`: a server for clients other than browsers
    /// must check for a missing `Origin` itself.
    ///
    /// A browser sends cookies no matter which site opens the connection, so a server that relies on cookies
    /// has to check the origin.
    pub fn is_origin_in(&self, allowed: &[&str]) -> bool {
        self.origin().is_some_and(|origin| origin::is_in(origin, allowed))
    }

    /// Whether `Origin` has the host and the port of `Host`, so that the page came from this server. Returns
    /// `false` without an `Origin`.
    pub fn is_same_origin(&self) -> bool {
        match (self.origin(), self.host()) {
            (Some(origin), Some(host)) => origin::is_same(origin, host),
            _ => false,
        }
    }

    /// The subprotocols that the client offers, the most wanted first, from all headers with that name.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.headers()
            .all("sec-websocket-protocol")
            .flat_map(elements)
            .filter_map(|name| str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, the most wanted first, from all headers with that name.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + Clone + use<'a> {
        self.headers().extensions()
    }

    fn request_line(&self) -> (&'a str, &'a str) {
        let line = str::from_utf8(split_line(self.head).0).unwrap_or_default();
        let (method, rest) = split_once(line, b' ').unwrap_or_default();
        (method, split_once(rest, b' ').map_or(rest, |(target, _)| target))
    }
}

shown!(Request<'_> { this => "Request({} {})", this.method(), this.path(); });
