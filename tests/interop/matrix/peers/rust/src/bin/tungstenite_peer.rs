//! tokio-tungstenite.

use futures_util::{SinkExt, StreamExt};
use rust_peers::{CLOSE, FRAGMENTS, PING, Result, run, wants_subprotocol};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

fn main() {
    run(env!("TOKIO_TUNGSTENITE"), server, client);
}

async fn echo(mut socket: WebSocketStream<TcpStream>) -> Result {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) if text == "!ping" => socket.send(Message::Ping(PING.into())).await?,
            Message::Text(text) if text == "!close" => {
                socket.close(Some(CloseFrame { code: CLOSE.0.into(), reason: CLOSE.1.into() })).await?;
            }
            Message::Text(text) if text == "!fragments" => {
                for (n, part) in FRAGMENTS.iter().enumerate() {
                    let opcode = OpCode::Data(if n == 0 { Data::Text } else { Data::Continue });
                    let frame = Frame::message(*part, opcode, n + 1 == FRAGMENTS.len());
                    socket.send(Message::Frame(frame)).await?;
                }
            }
            message if message.is_text() || message.is_binary() => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}

#[allow(clippy::result_large_err)]
async fn server(stream: TcpStream) -> Result {
    let choose = |request: &Request, mut response: Response| {
        if request.headers().get("Sec-WebSocket-Protocol").is_some() {
            response.headers_mut().insert("Sec-WebSocket-Protocol", "matrix".parse().unwrap());
        }
        Ok(response)
    };
    echo(accept_hdr_async(stream, choose).await?).await
}

async fn client(stream: TcpStream, url: String) -> Result {
    let mut request = ClientRequestBuilder::new(url.parse()?);
    if wants_subprotocol(&url) {
        request = request.with_sub_protocol("other").with_sub_protocol("matrix");
    }
    echo(client_async(request, stream).await?.0).await
}
