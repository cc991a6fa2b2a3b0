//! WebSockets over the HTTP stack hyper, version 1: for a server that also answers other requests, and for a
//! client whose connection hyper has opened.

mod client;

pub use client::{ClientSocket, UpgradeRequest};

use crate::accept::NOT_OWN_PAGE;
use crate::{Error, WebSocket, trace};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Uri};
use http::{Extensions, Method, Request, Response, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sansws::handshake::origin::{Scheme, is_own_page};
use sansws::timers::TimersConfig;
use sansws::upgrade::{ExtendedConnect, ServerUpgrade};
use sansws::{Agreed, Config, HandshakeError, Misuse, Server};
use std::future::Future;
use std::iter::Map;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{error, fmt, io, str};

/// A WebSocket over a connection that hyper has upgraded.
pub type UpgradedSocket = WebSocket<TokioIo<Upgraded>, Server>;

/// Why a request does not become a WebSocket. It converts to the response that tells the client.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// The request is not a valid opening handshake.
    Handshake(HandshakeError),
    /// The request comes from a web page of another site, or of another scheme than the server expects.
    Origin,
    /// The server does not offer hyper's upgrades on this connection.
    NotUpgradable,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Origin => f.write_str(NOT_OWN_PAGE),
            Self::NotUpgradable => {
                f.write_str("the connection cannot be upgraded; does the server use `with_upgrades`?")
            }
        }
    }
}

impl error::Error for Rejection {}

impl Rejection {
    /// The response that tells the client, with this body.
    ///
    /// If it has the header `Upgrade`, it also has `Connection: Upgrade`, as HTTP/1.1 demands. Over HTTP/2
    /// hyper removes both.
    #[must_use]
    pub fn response<B>(&self, body: B) -> Response<B> {
        let (status, headers) = match self {
            Self::Handshake(error) => (error.http_status().unwrap_or(400), error.http_headers()),
            Self::Origin => (403, &[][..]),
            Self::NotUpgradable => (500, &[][..]),
        };
        trace::rejected(status);
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        for (name, value) in headers {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                response.headers_mut().append(name, HeaderValue::from_static(value));
            }
        }
        if response.headers().contains_key(header::UPGRADE) {
            // RFC 9110 section 7.8
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        response
    }
}

/// A valid opening handshake that waits for an answer.
///
/// ```no_run
/// use http::{Request, Response};
/// use sansws_tokio::upgrade::{Rejection, Upgrade};
///
/// fn chat<B>(mut request: Request<B>) -> Result<Response<()>, Rejection> {
///     let upgrade = Upgrade::new(&mut request)?.same_origin()?;
///     let (response, socket) = upgrade.accept();
///     tokio::spawn(async move {
///         let mut socket = socket.await?;
///         while let Some(message) = socket.recv().await? {
///             let message = message.into_owned()?;
///             socket.send(&message).await?;
///         }
///         Ok::<_, sansws_tokio::Error>(())
///     });
///     Ok(response)
/// }
/// ```
pub struct Upgrade {
    upgraded: OnUpgrade,
    head: Head,
    config: Config,
    timers: TimersConfig,
    subprotocol: Option<String>,
}

impl fmt::Debug for Upgrade {
    // Headers carry cookies and credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").finish_non_exhaustive()
    }
}

impl Upgrade {
    /// Checks a request and takes hyper's upgrade out of it. It may come over HTTP/1.1 (RFC 6455 section
    /// 4.2.1) or HTTP/2 (RFC 8441), if the server enables that: `enable_connect_protocol` of hyper's builder.
    ///
    /// # Errors
    /// The request is not a valid opening handshake. Answer with [`Rejection::response`]. Such a request
    /// keeps its upgrade, so it may still ask for another protocol.
    pub fn new<B>(request: &mut Request<B>) -> Result<Self, Rejection> {
        let head = Head {
            method: request.method().clone(),
            version: request.version(),
            uri: request.uri().clone(),
            protocol: request.extensions().get().cloned(),
            headers: request.headers().clone(),
        };
        Self::of(head, request.extensions_mut())
    }

    pub(crate) fn of(head: Head, extensions: &mut Extensions) -> Result<Self, Rejection> {
        head.check().map_err(Rejection::Handshake)?;
        let upgraded = extensions.remove().ok_or(Rejection::NotUpgradable)?;
        let (config, timers) = (Config::new(), TimersConfig::new());
        Ok(Self { upgraded, head, config, timers, subprotocol: None })
    }

    /// Rejects requests from web pages of other sites, as [`Answer::same_origin`](crate::Answer::same_origin)
    /// does.
    ///
    /// # Errors
    /// [`Rejection::Origin`].
    pub fn same_origin(self) -> Result<Self, Rejection> {
        self.of_page(None)
    }

    /// As [`same_origin`](Self::same_origin), for a server whose pages come over this scheme only.
    ///
    /// # Errors
    /// [`Rejection::Origin`].
    pub fn same_origin_over(self, scheme: Scheme) -> Result<Self, Rejection> {
        self.of_page(Some(scheme))
    }

    fn of_page(self, scheme: Option<Scheme>) -> Result<Self, Rejection> {
        let host = self.head.host();
        let is_own =
            |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| is_own_page(origin, host, scheme));
        if self.head.headers.get_all(header::ORIGIN).iter().all(is_own) {
            Ok(self)
        } else {
            Err(Rejection::Origin)
        }
    }

    /// The web page that the request comes from, if it comes from a browser.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.head.headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"))
    }

    /// All headers of the request.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The limits and choices of the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The deadlines and keepalive of the connection.
    #[must_use]
    pub fn timers(mut self, timers: TimersConfig) -> Self {
        self.timers = timers;
        self
    }

    /// The subprotocols that the client offers, the most wanted first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let values = self.head.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let names = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        // RFC 9110 section 5.6.1: empty elements do not count.
        names.map(str::trim).filter(|name| !name.is_empty())
    }

    /// Chooses a subprotocol. [`Connection::subprotocol`](sansws::Connection::subprotocol) does not know it,
    /// because the handshake takes place in hyper: so keep it in the handler.
    ///
    /// # Errors
    /// [`Misuse::SubprotocolNotOffered`]: the client did not offer it.
    pub fn subprotocol(mut self, name: &str) -> Result<Self, Misuse> {
        if !self.subprotocols().any(|offered| offered == name) {
            return Err(Misuse::SubprotocolNotOffered);
        }
        self.subprotocol = Some(name.to_owned());
        Ok(self)
    }

    /// Accepts the connection: returns the response, with the status 101 (200 over HTTP/2), and a future for
    /// the connection. Give the response to hyper, and wait for the future in a task of its own: it is ready
    /// once hyper has sent the response.
    pub fn accept(self) -> (Response<()>, OnSocket) {
        let mut response = Response::new(());
        let mut agreed = Agreed::NONE;
        // The request and the subprotocol were checked before.
        if let Ok(upgrade) = self.head.check() {
            if let Ok(acceptance) = upgrade.accept(self.subprotocol.as_deref(), &self.config) {
                agreed = acceptance.agreed();
                *response.status_mut() = StatusCode::from_u16(acceptance.status()).unwrap_or_default();
                for (name, value) in acceptance.headers() {
                    if let (Ok(name), Ok(value)) =
                        (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
                    {
                        response.headers_mut().append(name, value);
                    }
                }
            }
        }
        trace::accepted(response.status().as_u16());
        let Self { upgraded, config, timers, .. } = self;
        (response, OnSocket { upgraded, config, timers, agreed })
    }
}

/// All headers, as pairs of name and value.
#[derive(Clone, Copy)]
struct Pairs<'h>(&'h HeaderMap);

impl<'h> IntoIterator for Pairs<'h> {
    type Item = (&'h str, &'h [u8]);
    type IntoIter = Map<header::Iter<'h, HeaderValue>, fn((&'h HeaderName, &'h HeaderValue)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) uri: Uri,
    /// `:protocol`, on HTTP/2.
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: HeaderMap,
}

impl Head {
    fn check(&self) -> Result<ServerUpgrade<Pairs<'_>>, HandshakeError> {
        let (method, headers) = (self.method.as_str(), Pairs(&self.headers));
        // WS-4.2.1-05
        if self.version < Version::HTTP_11 {
            return Err(HandshakeError::HttpVersion);
        }
        if self.version < Version::HTTP_2 {
            return ServerUpgrade::check(method, headers);
        }
        let request = ExtendedConnect {
            method,
            protocol: self.protocol.as_ref().map(Protocol::as_str),
            scheme: self.uri.scheme_str(),
            authority: self.uri.authority().map(Authority::as_str),
            path: self.uri.path_and_query().map(PathAndQuery::as_str),
        };
        ServerUpgrade::check_connect(&request, headers)
    }

    /// The host that the client asked for, with its port.
    fn host(&self) -> &str {
        let header = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        self.uri.authority().map(Authority::as_str).or(header).unwrap_or_default()
    }
}

/// Becomes the connection once hyper has sent the response.
#[must_use = "the connection begins when this future is awaited"]
pub struct OnSocket {
    upgraded: OnUpgrade,
    config: Config,
    timers: TimersConfig,
    agreed: Agreed,
}

impl fmt::Debug for OnSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnSocket").finish_non_exhaustive()
    }
}

impl Future for OnSocket {
    type Output = Result<UpgradedSocket, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.upgraded).poll(cx)).map_err(io::Error::other)?;
        let connection = sansws::Connection::after_handshake(Server, self.config, self.agreed);
        // hyper keeps the bytes that it has read already, and returns them from the first reads.
        Poll::Ready(Ok(WebSocket::new(TokioIo::new(upgraded), connection, &[], self.timers)))
    }
}
