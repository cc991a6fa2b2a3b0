//! tokio-websockets.

use futures_util::{SinkExt, StreamExt};
use hyper::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use rust_peers::{CLOSE, PING, Result, run, wants_subprotocol};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, CloseCode, Message, ServerBuilder, WebSocketStream};

fn main() {
    run(env!("TOKIO_WEBSOCKETS"), server, client);
}

async fn echo<T: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<T>) -> Result {
    while let Some(message) = socket.next().await {
        let message = message?;
        match message.as_text() {
            Some("!ping") => socket.send(Message::ping(PING)).await?,
            Some("!close") => {
                let code = CloseCode::try_from(CLOSE.0)?;
                socket.send(Message::close(Some(code), CLOSE.1)).await?;
            }
            _ if message.is_text() || message.is_binary() => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}

async fn server(stream: TcpStream) -> Result {
    let (_, socket) = ServerBuilder::new().accept(stream).await?;
    echo(socket).await
}

async fn client(stream: TcpStream, url: String) -> Result {
    let mut builder = ClientBuilder::from_uri(url.parse()?);
    if wants_subprotocol(&url) {
        builder = builder.add_header(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("other, matrix"))?;
    }
    let (socket, _) = builder.connect_on(stream).await?;
    echo(socket).await
}
