//! The opening handshake of a server.

use crate::{Error, WebSocket, trace};
use sansws::handshake::Request;
use sansws::handshake::origin::{Scheme, is_own_page};
use sansws::timers::TimersConfig;
use sansws::{Config, Connection, Event, HandshakeError, Reply, Server};
use std::future::poll_fn;
use std::{fmt, str};
use tokio::io::{AsyncRead, AsyncWrite};

/// The text for a request that the check of the origin rejects.
pub(crate) const NOT_OWN_PAGE: &str = "the request comes from a web page with another scheme, host or port: \
    a server whose own pages come over http without TLS needs same_origin_over, and a server for pages of \
    other origins has to name them";

/// The answer to an opening handshake.
#[derive(Clone)]
pub struct Answer {
    status: Option<u16>,
    subprotocol: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl fmt::Debug for Answer {
    // Headers and body can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, subprotocol, .. } = self;
        let mut answer = f.debug_struct("Answer");
        answer.field("status", status).field("subprotocol", subprotocol).finish_non_exhaustive()
    }
}

impl Answer {
    /// Accepts the connection.
    #[must_use]
    pub const fn accept() -> Self {
        Self { status: None, subprotocol: None, headers: Vec::new(), body: Vec::new() }
    }

    /// Rejects the connection with this HTTP status, such as 403.
    #[must_use]
    pub const fn reject(status: u16) -> Self {
        Self { status: Some(status), subprotocol: None, headers: Vec::new(), body: Vec::new() }
    }

    /// Accepts the connection if the request does not come from a web page of another site; otherwise rejects
    /// it with 403, and the body says why. Without this check, any web site could connect in the name of a
    /// user who visits it (RFC 6455 section 10.2).
    ///
    /// These are accepted: requests without `Origin`, because only browsers send it; pages over `https` of
    /// the same host, no matter whether a proxy ends the TLS; and pages over `http` if the host is this
    /// machine. For a server in a network that is reached without TLS, use
    /// [`same_origin_over`](Self::same_origin_over).
    #[must_use]
    pub fn same_origin(request: &Request<'_>) -> Self {
        Self::of_page(request, None)
    }

    /// As [`same_origin`](Self::same_origin), for a server whose pages come over this scheme only.
    #[must_use]
    pub fn same_origin_over(request: &Request<'_>, scheme: Scheme) -> Self {
        Self::of_page(request, Some(scheme))
    }

    fn of_page(request: &Request<'_>, scheme: Option<Scheme>) -> Self {
        let host = request.host().unwrap_or_default();
        // A value that is not text is no page of this server.
        let is_own = |origin| str::from_utf8(origin).is_ok_and(|origin| is_own_page(origin, host, scheme));
        let is_foreign = !request.headers().all("origin").all(is_own);
        if is_foreign { Self::reject(403).body(NOT_OWN_PAGE) } else { Self::accept() }
    }

    /// Chooses a subprotocol, which the client must have offered.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body of a rejection.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// Accepts a WebSocket from a client, if [`Answer::same_origin`] does, with the default [`Config`].
///
/// # Errors
/// As [`accept_with`].
pub async fn accept<T>(io: T) -> Result<WebSocket<T, Server>, Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    accept_with(io, Config::new(), TimersConfig::new(), async |request| Answer::same_origin(request)).await
}

/// Accepts a WebSocket from a client, if `decide` does. It gets the request and may take its time, for
/// example to ask a database who the client is; the handshake deadline is checked only while bytes are
/// awaited.
///
/// Not cancel safe: if you drop the future, the transport is dropped.
///
/// # Errors
/// The request was not valid, or was rejected: the client has received an HTTP answer. Or the transport
/// failed or the handshake deadline passed.
pub async fn accept_with<T, F>(
    io: T, config: Config, timers: TimersConfig, decide: F,
) -> Result<WebSocket<T, Server>, Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: AsyncFnOnce(&Request<'_>) -> Answer,
{
    let mut socket = WebSocket::new(io, Connection::server(config), &[], timers);
    let mut decide = Some(decide);
    while poll_fn(|cx| socket.engine.poll_find(cx.waker())).await? {
        match (socket.engine.take(), decide.take()) {
            (Some((Event::HandshakeRequest(request), tx)), Some(decide)) => {
                let answer = decide(&request).await;
                let headers: Vec<_> =
                    answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                if let Some(status) = answer.status {
                    trace::rejected(status);
                    tx.reject(&Reply::new(status).headers(&headers).body(&answer.body))?;
                } else {
                    let accept = sansws::Accept::new().headers(&headers);
                    tx.accept(&match &answer.subprotocol {
                        Some(name) => accept.subprotocol(name),
                        None => accept,
                    })?;
                }
            }
            (Some((Event::HandshakeComplete(_), _)), _) => {
                socket.flush().await?;
                trace::accepted(101);
                return Ok(socket);
            }
            // `decide` sees opening handshakes only, so the driver answers a plain request.
            (Some((Event::HttpRequest(_), tx)), rest) => {
                decide = rest;
                let error = HandshakeError::Upgrade;
                let status = error.http_status().unwrap_or(426);
                trace::rejected(status);
                tx.respond(&Reply::new(status).headers(error.http_headers()))?;
            }
            (_, rest) => decide = rest,
        }
    }
    // The request was rejected, and the client knows.
    Err(socket.connection().error().map_or(Error::Rejected, Error::Connection))
}
