//! A client's request as a view of its complete head.

use super::extension::Extension;
use super::headers::Headers;
use super::line::split_line;
use super::origin::{self, Scheme};
use super::swar::take_until;
use super::target::{self, Parts};
use super::uri::ResourceName;
use super::value::elements;
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
        text(self.request_line().0)
    }

    /// The request target as the client sent it: usually a path with a query, or an absolute URI.
    pub fn target(&self) -> &'a str {
        text(self.request_line().1)
    }

    /// The resource name: path and query of the target, even if it is an absolute URI (RFC 6455 section
    /// 4.2.2, WS-4.2.2-13).
    pub fn resource_name(&self) -> ResourceName<'a> {
        let Parts { path, query, .. } = self.parts();
        ResourceName::new(text(path), text(query.unwrap_or_default()))
    }

    /// The path of the resource name, without the query.
    pub fn path(&self) -> &'a str {
        text(self.parts().path)
    }

    /// The query of the resource name, if there is one, without the question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.parts().query.map(text)
    }

    /// All headers in their order.
    pub fn headers(&self) -> Headers<'a> {
        Headers::of(self.head)
    }

    /// The value of the first header with this name, in any ASCII case, if it is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().text(name)
    }

    /// The authority that the client asked for: that of the target if the target is an absolute URI, and
    /// otherwise the `Host` header (RFC 9112 section 3.2.2).
    pub fn host(&self) -> Option<&'a str> {
        self.parts().authority.map(text).or_else(|| self.header("host"))
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

    /// Whether the page came from this server over TLS: whether `Origin` has the scheme `https`, and the host
    /// and the port of [`host`](Self::host) (RFC 6454 section 4). Returns `false` without an `Origin`.
    ///
    /// This is right for a connection that the client sees as `wss`, no matter whether the server or a proxy
    /// in front of it ends the TLS. For `ws` use [`is_same_origin_over`](Self::is_same_origin_over).
    pub fn is_same_origin(&self) -> bool {
        self.is_same_origin_over(Scheme::Https)
    }

    /// As [`is_same_origin`](Self::is_same_origin), for a page that came over `scheme`. Only the embedder
    /// knows the scheme: [`Scheme::Https`] if the client uses TLS, directly or up to a proxy, and otherwise
    /// [`Scheme::Http`].
    ///
    /// An attacker in the network can put a script into any page that comes without TLS. So a server that
    /// uses TLS must not accept the origin `http` of the same host. Behind a proxy for both schemes, let the
    /// proxy tell the scheme, for instance in `X-Forwarded-Proto`, and make sure that it removes this header
    /// from the client's own request.
    pub fn is_same_origin_over(&self, scheme: Scheme) -> bool {
        match (self.origin(), self.host()) {
            (Some(origin), Some(host)) => origin::is_same(origin, host, scheme),
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

    fn parts(&self) -> Parts<'a> {
        target::parts(self.request_line().1)
    }

    /// The method and the target.
    fn request_line(&self) -> (&'a [u8], &'a [u8]) {
        let (mut line, _) = split_line(self.head);
        let method = take_until(&mut line, b' ');
        line = line.get(1..).unwrap_or_default();
        (method, take_until(&mut line, b' '))
    }
}

/// A part of a request line, which was checked to be ASCII.
fn text(part: &[u8]) -> &str {
    str::from_utf8(part).unwrap_or_default()
}

shown!(Request<'_> { this => "Request({} {})", this.method(), this.path(); });
