//! The opening handshake of a client.

use crate::{Error, ServerResponse, WebSocket, trace};
use rand::rngs::{StdRng, SysRng};
use sansws::handshake::Response;
use sansws::rand_core::SeedableRng;
use sansws::timers::TimersConfig;
use sansws::{Client, ClientRequest, Config, Connection, Event};
use std::future::poll_fn;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// The role of a client, with a random source that is `Send` and gets its seed from the operating system.
pub type RandomClient = Client<StdRng>;

/// Opens a WebSocket over a transport that is connected already.
///
/// Not cancel safe: if you drop the future, the transport is dropped.
///
/// # Errors
/// The server refused the handshake or answered it wrongly, the transport failed, or the handshake deadline
/// passed.
pub async fn client<T>(
    io: T, request: &ClientRequest<'_>, config: Config, timers: TimersConfig,
) -> Result<WebSocket<T, RandomClient>, Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    open(io, request, config, timers, |_| ()).await.map(|(socket, ())| socket)
}

/// As [`client`], and returns the answer of the server too, with its headers, such as `Set-Cookie`.
///
/// Not cancel safe, as `client`.
///
/// # Errors
/// The server refused the handshake or answered it wrongly, the transport failed, or the handshake deadline
/// passed.
pub async fn client_with_response<T>(
    io: T, request: &ClientRequest<'_>, config: Config, timers: TimersConfig,
) -> Result<(WebSocket<T, RandomClient>, ServerResponse), Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    open(io, request, config, timers, ServerResponse::of).await
}

/// A generator for masking keys and for the key of the handshake, with a seed from the operating system.
/// WS-4.1-33 · WS-4.1-34 · WS-5.3-03 · WS-5.3-04
pub(crate) fn random() -> io::Result<StdRng> {
    StdRng::try_from_rng(&mut SysRng).map_err(|error| io::Error::other(error.to_string()))
}

/// Opens a WebSocket, and also returns what `keep` makes of the server's answer.
pub(crate) async fn open<T, O>(
    io: T, request: &ClientRequest<'_>, config: Config, timers: TimersConfig,
    keep: impl Fn(&Response<'_>) -> O,
) -> Result<(WebSocket<T, RandomClient>, O), Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let rng = random()?;
    let connection = Connection::client(request, config, rng)?;
    let mut socket = WebSocket::new(io, connection, &[], timers);
    while poll_fn(|cx| socket.engine.poll_find(cx.waker())).await? {
        match socket.engine.take() {
            Some((Event::HandshakeComplete(handshake), _)) => {
                if let Some(kept) = handshake.response().as_ref().map(&keep) {
                    trace::connected();
                    return Ok((socket, kept));
                }
            }
            Some((Event::HandshakeRefused(response), _)) => {
                trace::refused(response.status());
                return Err(Error::Refused(Box::new(ServerResponse::of(&response))));
            }
            _ => {}
        }
    }
    Err(socket.connection().error().map_or(Error::Rejected, Error::Connection))
}
