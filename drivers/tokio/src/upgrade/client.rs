//! The opening handshake of a client over a connection that hyper has opened.

use super::Pairs;
use crate::{Error, RandomClient, ServerResponse, WebSocket, trace};
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sansws::timers::TimersConfig;
use sansws::upgrade::ClientUpgrade;
use sansws::{Client, Config, Connection, HandshakeError};
use std::{fmt, io};

/// A client's WebSocket over a connection that hyper has opened.
pub type ClientSocket = WebSocket<TokioIo<Upgraded>, RandomClient>;

/// A client's opening handshake, as a request and a response of the crate `http`: for HTTP/1.1 (RFC 6455
/// section 4.1), and for one stream of HTTP/2 (RFC 8441), whose server has to enable extended CONNECT.
///
/// ```
/// use http::{Request, Version};
/// use http_body_util::Empty;
/// use hyper::body::Bytes;
/// use hyper::client::conn::http2::SendRequest;
/// use sansws_tokio::upgrade::{ClientSocket, UpgradeRequest};
/// use sansws_tokio::{Config, Error};
///
/// # type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
/// async fn open(sender: &mut SendRequest<Empty<Bytes>>) -> Result<ClientSocket> {
///     let uri = "wss://chat.example/room";
///     let upgrade = UpgradeRequest::new(Version::HTTP_2, uri, &["chat"], Config::new())?;
///     let mut request = upgrade.request(Empty::new())?;
///     request.headers_mut().insert("authorization", "Bearer secret".parse()?);
///     let mut response = sender.send_request(request).await?;
///     Ok(upgrade.open(&mut response).await?)
/// }
/// ```
pub struct UpgradeRequest<'a> {
    upgrade: ClientUpgrade<'a>,
    uri: sansws::Uri<'a>,
    version: Version,
    config: Config,
    timers: TimersConfig,
    role: RandomClient,
}

impl fmt::Debug for UpgradeRequest<'_> {
    // The query of the URI can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<'a> UpgradeRequest<'a> {
    /// Asks for the resource that a `ws://` or `wss://` URI names, and offers these subprotocols, the most
    /// wanted first. `version` is that of the connection. Compression is offered if `config` asks for it.
    ///
    /// # Errors
    /// [`Error::Uri`]; [`Error::Send`] if a subprotocol is not valid; [`Error::Io`] if the operating system
    /// has no random numbers.
    pub fn new(
        version: Version, uri: &'a str, subprotocols: &'a [&'a str], config: Config,
    ) -> Result<Self, Error> {
        let uri = sansws::Uri::parse(uri)?;
        let mut rng = crate::client::random()?;
        let upgrade = if version < Version::HTTP_2 {
            ClientUpgrade::new(&mut rng, &config, subprotocols)
        } else {
            ClientUpgrade::connect(&config, subprotocols)
        };
        let upgrade = upgrade.map_err(sansws::SendError::from)?;
        let role = Client::new(rng);
        Ok(Self { upgrade, uri, version, config, timers: TimersConfig::new(), role })
    }

    /// The deadlines and keepalive of the connection.
    #[must_use]
    pub fn timers(mut self, timers: TimersConfig) -> Self {
        self.timers = timers;
        self
    }

    /// The request, with this body, which has to be empty. You may add headers, such as `Authorization`.
    ///
    /// # Errors
    /// The crate `http` does not accept the URI.
    pub fn request<B>(&self, body: B) -> Result<Request<B>, http::Error> {
        let part = |wanted| {
            let mut parts = ClientUpgrade::pseudo_headers(self.uri);
            parts.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_string()).unwrap_or_default()
        };
        let (authority, path) = (part(":authority"), part(":path"));
        let mut request = Request::builder().version(self.version);
        request = if self.version < Version::HTTP_2 {
            request.method(Method::GET).uri(path).header(HOST, authority)
        } else {
            let uri = Uri::builder().scheme(&*part(":scheme")).authority(authority).path_and_query(path);
            let protocol = Protocol::from_static("websocket");
            request.method(Method::CONNECT).uri(uri.build()?).extension(protocol)
        };
        for (name, value) in self.upgrade.headers() {
            request = request.header(name, HeaderValue::from_str(value)?);
        }
        request.body(body)
    }

    /// Checks the response to the request, and opens the WebSocket. The response shows which subprotocol the
    /// server has chosen.
    ///
    /// Not cancel safe: if you drop the future, the connection is lost.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 101, or than 200 to 299 on HTTP/2; its body stays in the
    /// response. [`Error::Connection`] if the response is not valid. [`Error::Io`] if hyper could not upgrade
    /// the connection.
    pub async fn open<B>(self, response: &mut Response<B>) -> Result<ClientSocket, Error> {
        let headers = Pairs(response.headers());
        // WS-4.1-61
        let is_old =
            response.status() == StatusCode::SWITCHING_PROTOCOLS && response.version() < Version::HTTP_11;
        let checked = if is_old {
            Err(HandshakeError::HttpVersion.into())
        } else {
            self.upgrade.check(response.status().as_u16(), headers)
        };
        let negotiated = checked.map_err(|error| {
            trace::broken(error);
            match error {
                sansws::Error::Refused(status) => {
                    Error::Refused(Box::new(ServerResponse::new(status, headers)))
                }
                error => Error::Connection(error),
            }
        })?;
        let connection = Connection::after_handshake(self.role, self.config, negotiated.agreed());
        let upgraded = hyper::upgrade::on(response).await.map_err(io::Error::other);
        let upgraded = upgraded.map_err(Error::Io).inspect_err(trace::failed)?;
        trace::connected();
        // hyper keeps the bytes that it has read already, and returns them from the first reads.
        Ok(WebSocket::new(TokioIo::new(upgraded), connection, &[], self.timers))
    }
}
