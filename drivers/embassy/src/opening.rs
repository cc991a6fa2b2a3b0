//! The opening handshake, of a server and of a client.

use crate::{Error, Transport, WebSocket};
use core::future::poll_fn;
use core::task::Poll;
use core::{fmt, str};
use sansws::handshake::Request;
use sansws::handshake::origin::{Scheme, is_own_page};
use sansws::rand_core::CryptoRng;
use sansws::{Accept, AcceptsHandshake, Client, Event, Reply, Storage};

/// The answer to an opening handshake.
#[derive(Clone, Copy)]
#[must_use]
pub struct Answer<'a> {
    status: Option<u16>,
    subprotocol: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl fmt::Debug for Answer<'_> {
    // Headers and body can hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, subprotocol, .. } = self;
        let mut answer = f.debug_struct("Answer");
        answer.field("status", status).field("subprotocol", subprotocol).finish_non_exhaustive()
    }
}

impl<'a> Answer<'a> {
    /// Accepts the connection.
    pub const fn accept() -> Self {
        Self { status: None, subprotocol: None, headers: &[], body: &[] }
    }

    /// Rejects the connection with this HTTP status, such as 403.
    pub const fn reject(status: u16) -> Self {
        Self { status: Some(status), subprotocol: None, headers: &[], body: &[] }
    }

    /// Accepts the connection if the request does not come from a web page of another site; otherwise rejects
    /// it with 403. Without this check, any web site could connect in the name of a user who visits it (RFC
    /// 6455 section 10.2).
    ///
    /// These are accepted: requests without `Origin`, because only browsers send it; pages over `https` of
    /// the same host, no matter whether a proxy ends the TLS; and pages over `http` if the host is this
    /// machine. A device that serves its own pages without TLS uses
    /// [`same_origin_over`](Self::same_origin_over).
    pub fn same_origin(request: &Request<'_>) -> Self {
        Self::of_page(request, None)
    }

    /// As [`same_origin`](Self::same_origin), for a server whose pages come over this scheme only.
    pub fn same_origin_over(request: &Request<'_>, scheme: Scheme) -> Self {
        Self::of_page(request, Some(scheme))
    }

    fn of_page(request: &Request<'_>, scheme: Option<Scheme>) -> Self {
        let host = request.host().unwrap_or_default();
        // A value that is not text is no page of this server.
        let is_own = |origin| str::from_utf8(origin).is_ok_and(|origin| is_own_page(origin, host, scheme));
        let is_foreign = !request.headers().all("origin").all(is_own);
        if is_foreign { Self::reject(403) } else { Self::accept() }
    }

    /// Chooses a subprotocol, which the client must have offered.
    pub const fn subprotocol(mut self, name: &'a str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// Headers to add to the answer, as pairs of name and value.
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// The body of a rejection.
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}

impl<T: Transport, R: AcceptsHandshake, S: Storage, B: AsMut<[u8]>> WebSocket<T, R, S, B> {
    /// Accepts the client's opening handshake, if [`Answer::same_origin`] does.
    ///
    /// # Errors
    /// As [`accept_with`](Self::accept_with).
    pub async fn accept(&mut self) -> Result<(), Error<T::Error>> {
        self.accept_with(async |request| Answer::same_origin(request)).await
    }

    /// Accepts the client's opening handshake, if `decide` does. It gets the request and may take its time;
    /// the handshake deadline is checked only while bytes are awaited.
    ///
    /// Cancel safe, except that the decision begins anew.
    ///
    /// ```
    /// use sansws_embassy::{Answer, Error, Transport, WebSocket};
    /// # use sansws_embassy::sansws::{AcceptsHandshake, Storage};
    ///
    /// # async fn example<T: Transport, R: AcceptsHandshake, S: Storage, B: AsMut<[u8]>>(
    /// #     mut socket: WebSocket<T, R, S, B>,
    /// # ) -> Result<(), Error<T::Error>> {
    /// socket
    ///     .accept_with(async |request| {
    ///         if request.path() != "/sensor" {
    ///             return Answer::reject(404);
    ///         }
    ///         if request.subprotocols().any(|offered| offered == "v1") {
    ///             return Answer::accept().subprotocol("v1");
    ///         }
    ///         Answer::reject(400).body(b"speak v1")
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The request was not valid ([`Error::Connection`]) or was rejected ([`Error::Rejected`]): the client
    /// has received an HTTP answer. Or the transport failed, or the handshake deadline passed.
    pub async fn accept_with<'a>(
        &mut self, decide: impl AsyncFnOnce(&Request<'_>) -> Answer<'a>,
    ) -> Result<(), Error<T::Error>> {
        let mut decide = Some(decide);
        while poll_fn(|cx| self.engine.poll_find(cx)).await? {
            match self.engine.peek() {
                Some(Event::HandshakeRequest(request)) => {
                    let Some(decide) = decide.take() else { return Err(Error::Rejected) };
                    let answer = decide(&request).await;
                    let Some((_, tx)) = self.engine.take() else { return Err(Error::Rejected) };
                    if let Some(status) = answer.status {
                        tx.reject(&Reply::new(status).headers(answer.headers).body(answer.body))?;
                    } else {
                        let accept = Accept::new().headers(answer.headers);
                        tx.accept(&match answer.subprotocol {
                            Some(name) => accept.subprotocol(name),
                            None => accept,
                        })?;
                    }
                }
                Some(Event::HandshakeComplete(_)) => {
                    let _ = self.engine.take();
                    return self.begin_to_write().await;
                }
                Some(Event::HttpRequest(_)) => {
                    if let Some((_, tx)) = self.engine.take() {
                        tx.respond(&Reply::new(426).headers(&[("Upgrade", "websocket")]))?;
                    }
                }
                _ => _ = self.engine.take(),
            }
        }
        // The request was rejected, and the client knows.
        Err(self.connection().error().map_or(Error::Rejected, Error::Connection))
    }

    /// Writes what the transport takes now. The next calls write the rest.
    async fn begin_to_write(&mut self) -> Result<(), Error<T::Error>> {
        poll_fn(|cx| match self.engine.poll_write(cx) {
            Poll::Pending => Poll::Ready(Ok(())),
            ready @ Poll::Ready(_) => ready,
        })
        .await
    }
}

impl<T: Transport, G: CryptoRng, S: Storage, B: AsMut<[u8]>> WebSocket<T, Client<G>, S, B> {
    /// Completes the opening handshake of a client.
    ///
    /// Cancel safe: call it again to continue. To see the headers and the body of a refusal, call
    /// [`recv_event`](Self::recv_event) instead.
    ///
    /// # Errors
    /// [`Error::Connection`] with [`sansws::Error::Refused`] and the HTTP status, if the server answered with
    /// another status than 101. Otherwise, the answer was not valid, the transport failed, or the handshake
    /// deadline passed.
    pub async fn open(&mut self) -> Result<(), Error<T::Error>> {
        while poll_fn(|cx| self.engine.poll_find(cx)).await? {
            if let Some((Event::HandshakeComplete(_), _)) = self.engine.take() {
                return Ok(());
            }
        }
        Err(self.connection().error().map_or(Error::Unwritten, Error::Connection))
    }
}
