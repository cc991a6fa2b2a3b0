//! Everything below the opening handshake of a client: TCP, an HTTP proxy, TLS.

use crate::client::open;
use crate::{Error, RandomClient, ServerResponse, Transport, WebSocket, proxy};
use sansws::handshake::{Downgrade, Response};
use sansws::timers::TimersConfig;
use sansws::{ClientRequest, Config, Uri, UriError};
use std::io;
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "rustls")]
use tokio_rustls::rustls;

/// Connects to a `ws://` or `wss://` URI and opens a WebSocket, with the defaults of [`Connector`].
///
/// # Errors
/// As [`Connector::connect`].
pub async fn connect(uri: &str) -> Result<WebSocket<Transport, RandomClient>, Error> {
    Connector::new().connect(&ClientRequest::new(uri)?).await
}

/// How to connect. One value serves for many connections.
///
/// ```no_run
/// use sansws_tokio::sansws::{ClientRequest, Config};
/// use sansws_tokio::{Connector, Error};
///
/// # async fn example() -> Result<(), Error> {
/// let request = ClientRequest::new("ws://chat.example/room")?
///     .subprotocols(&["chat"])
///     .headers(&[("Authorization", "Bearer secret")]);
/// let socket = Connector::new().config(Config::new().max_message(64 << 10)).connect(&request).await?;
/// println!("the server speaks {:?}", socket.connection().subprotocol());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    config: Config,
    timers: TimersConfig,
    connect_timeout: Duration,
    max_redirects: usize,
    proxy: Option<String>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Connector {
    // The URL of a proxy can contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("connect_timeout", &self.connect_timeout).finish_non_exhaustive()
    }
}

impl Connector {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            config: Config::new(),
            timers: TimersConfig::new(),
            connect_timeout: Duration::from_secs(20),
            max_redirects: 0,
            proxy: None,
            #[cfg(feature = "rustls")]
            tls: None,
        }
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

    /// The most time that TCP, the proxy and TLS may take together, before the opening handshake, which has a
    /// deadline of its own. Default 20 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Follows at most this many redirects (RFC 6455 section 4.2.2), and only to the same host and port,
    /// because the headers of the request can carry credentials. A redirect from the default port of `ws` to
    /// that of `wss` is followed, too. A redirect from `wss` to `ws` is an error, and no setting allows it.
    /// If a redirect is not followed, `connect` returns [`Error::Refused`], whose response names the target.
    /// Default 0.
    #[must_use]
    pub fn max_redirects(mut self, count: usize) -> Self {
        self.max_redirects = count;
        self
    }

    /// Connects through an HTTP proxy, with the method CONNECT (RFC 6455 section 4.1, RFC 9110 section
    /// 9.3.6): `http://proxy.example:3128`, or `http://user:password@proxy.example:3128`. Default: none.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// The TLS configuration for `wss://`, such as one [with a private CA](crate#a-private-ca). Default: the
    /// root certificates of the operating system.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Connects and opens a WebSocket.
    ///
    /// Not cancel safe: if you drop the future, the connection is dropped.
    ///
    /// # Errors
    /// The name cannot be resolved, the connection or TLS failed or took too long, `wss://` needs the feature
    /// `rustls`, or as [`client`](crate::client).
    pub async fn connect(
        &self, request: &ClientRequest<'_>,
    ) -> Result<WebSocket<Transport, RandomClient>, Error> {
        self.open(request, |_| ()).await.map(|(socket, ())| socket)
    }

    /// As [`connect`](Self::connect), and returns the answer of the server too, with its headers, such as
    /// `Set-Cookie`.
    ///
    /// Not cancel safe, as `connect`.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn connect_with_response(
        &self, request: &ClientRequest<'_>,
    ) -> Result<(WebSocket<Transport, RandomClient>, ServerResponse), Error> {
        self.open(request, ServerResponse::of).await
    }

    async fn open<O>(
        &self, request: &ClientRequest<'_>, keep: fn(&Response<'_>) -> O,
    ) -> Result<(WebSocket<Transport, RandomClient>, O), Error> {
        // WS-4.1-50
        let mut left = self.max_redirects;
        let mut target = None::<String>;
        loop {
            let request = match &target {
                Some(target) => request.with_uri(Uri::parse(target)?),
                None => *request,
            };
            let refusal = match self.open_once(&request, keep).await {
                Err(Error::Refused(refusal)) if left > 0 => refusal,
                result => return result,
            };
            let Some(location) = refusal.redirect() else { return Err(Error::Refused(refusal)) };
            let from = request.uri();
            target = match from.resolve(location, Downgrade::Refuse) {
                Err(UriError::Insecure) => return Err(UriError::Insecure.into()),
                Ok(to) if Uri::parse(&to).is_ok_and(|to| is_same_server(from, to)) => Some(to),
                // Another server, or a target that no WebSocket URI names.
                _ => return Err(Error::Refused(refusal)),
            };
            left -= 1;
        }
    }

    async fn open_once<O>(
        &self, request: &ClientRequest<'_>, keep: fn(&Response<'_>) -> O,
    ) -> Result<(WebSocket<Transport, RandomClient>, O), Error> {
        let transport = match timeout(self.connect_timeout, self.transport(request.uri())).await {
            Ok(transport) => transport?,
            Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        };
        // WS-4.1-03
        open(transport, request, self.config, self.timers, keep).await
    }

    async fn transport(&self, uri: Uri<'_>) -> io::Result<Transport> {
        let host = uri.host();
        let stream = match &self.proxy {
            Some(url) => proxy::connect(url, uri).await?,
            // WS-4.1-12 · WS-4.1-14
            None => TcpStream::connect((host, uri.port())).await?,
        };
        // Without this, small messages would wait until the peer acknowledges earlier ones.
        stream.set_nodelay(true)?;
        // WS-4.1-15 · WS-4.1-17
        if uri.is_secure() { self.secure(stream, host).await } else { Ok(Transport::Plain(stream)) }
    }

    #[cfg(feature = "rustls")]
    async fn secure(&self, stream: TcpStream, host: &str) -> io::Result<Transport> {
        let config = match &self.tls {
            Some(config) => Arc::clone(config),
            None => Arc::new(tls_config()?),
        };
        // WS-4.1-16 · WS-4.1-18: rustls sends the name, and checks the certificate for it.
        let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, stream).await?;
        Ok(Transport::Tls(Box::new(stream)))
    }

    #[cfg(not(feature = "rustls"))]
    #[allow(clippy::unused_self, clippy::unused_async, reason = "the signature is that with the feature")]
    async fn secure(&self, _stream: TcpStream, _host: &str) -> io::Result<Transport> {
        let reason = "wss:// needs the feature `rustls`, or a TLS stream of your own for `client`";
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }
}

/// Trusts the same authorities as the operating system.
#[cfg(feature = "rustls")]
fn tls_config() -> io::Result<rustls::ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the system has no trusted root certificates"));
    }
    // `ClientConfig::builder` would choose for the whole program, and it panics if the features of rustls
    // leave a choice.
    let provider = rustls::crypto::CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth())
}

/// Whether a redirect leads to the server that has sent it, so that the server may learn the credentials in
/// the request. Another port can belong to another program.
fn is_same_server(from: Uri<'_>, to: Uri<'_>) -> bool {
    let begins_tls = !from.is_secure() && to.is_secure() && from.port_is_default() && to.port_is_default();
    from.host().eq_ignore_ascii_case(to.host()) && (from.port() == to.port() || begins_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_the_host_and_the_port() {
        for (from, to, is_same) in [
            ("ws://h/a", "ws://H/b", true),
            ("ws://h/", "wss://h/", true),
            ("ws://h:80/", "wss://h:443/", true),
            ("ws://h:8080/", "wss://h:8080/", true),
            ("wss://[::1]:9/", "wss://[::1]:9/", true),
            ("ws://h/", "ws://h:8080/", false),
            ("ws://h:8080/", "wss://h/", false),
            ("ws://h/", "wss://h:8443/", false),
            ("wss://h/", "wss://h:8443/", false),
            ("wss://h/", "wss://other/", false),
            ("wss://h/", "wss://h.other/", false),
        ] {
            let [from, to] = [from, to].map(|uri| Uri::parse(uri).unwrap());
            assert_eq!(is_same_server(from, to), is_same, "{from} {to}");
        }
    }
}
