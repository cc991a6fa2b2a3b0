//! The opening handshake of a client.

use crate::engine::Wakers;
use crate::{Error, WebSocket};
use rand::rngs::{StdRng, SysRng};
use sansws::rand_core::SeedableRng;
use sansws::timers::TimersConfig;
use sansws::{Client, ClientRequest, Config, Connection, Event};
use std::future::poll_fn;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The role of a client, with a random source that is `Send` and gets its seed from the operating system.
pub type RandomClient = Client<StdRng>;

/// Opens a WebSocket over a transport that is connected already.
///
/// Not cancel safe: if you drop the future, the transport is dropped.
///
/// # Errors
/// The server refused the handshake or answered it wrongly, the transport failed, or the handshake deadline passed.
pub async fn client<T>(
    io: T, request: &ClientRequest<'_>, config: Config, timers: TimersConfig,
) -> Result<WebSocket<T, RandomClient>, Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let rng = StdRng::try_from_rng(&mut SysRng).map_err(|error| io::Error::other(error.to_string()))?;
    let connection = Connection::client(request, config, rng)?;
    let mut socket = WebSocket::new(io, connection, &[], timers);
    while poll_fn(|cx| socket.engine.poll_find(Wakers::one(cx.waker()))).await? {
        if let Some((Event::HandshakeComplete(_), _)) = socket.engine.take() {
            return Ok(socket);
        }
    }
    Err(socket.connection().error().map_or(Error::Rejected, Error::Connection))
}

/// Connects to a `ws://` URI over TCP and opens a WebSocket.
///
/// # Errors
/// The URI is not valid, the name cannot be resolved, or as [`client`].
pub async fn connect(uri: &str) -> Result<WebSocket<TcpStream, RandomClient>, Error> {
    let request = ClientRequest::new(uri)?;
    let uri = request.uri();
    if uri.is_secure() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "wss:// needs TLS: connect the stream and call `client`",
        )
        .into());
    }
    let host = uri.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, uri.port())).await?;
    // Otherwise small messages would wait until the peer acknowledges earlier ones.
    stream.set_nodelay(true)?;
    client(stream, &request, Config::new(), TimersConfig::new()).await
}
