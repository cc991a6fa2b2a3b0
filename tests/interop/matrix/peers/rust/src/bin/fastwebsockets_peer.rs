//! fastwebsockets, with hyper for the opening handshake.

use bytes::Bytes;
use fastwebsockets::upgrade::{is_upgrade_request, upgrade};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, WebSocket, handshake};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rust_peers::{CLOSE, FRAGMENTS, PING, Result, run, wants_subprotocol};
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

fn main() {
    run(env!("FASTWEBSOCKETS"), server, client);
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) -> Result {
    socket.set_max_message_size(4 << 20);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match (frame.opcode, &frame.payload[..]) {
            (OpCode::Close, _) => return Ok(()),
            (OpCode::Text, b"!ping") => {
                socket.write_frame(Frame::new(true, OpCode::Ping, None, Payload::Borrowed(PING))).await?;
            }
            (OpCode::Text, b"!close") => {
                socket.write_frame(Frame::close(CLOSE.0, CLOSE.1.as_bytes())).await?;
            }
            (OpCode::Text, b"!fragments") => {
                for (n, part) in FRAGMENTS.iter().enumerate() {
                    let opcode = if n == 0 { OpCode::Text } else { OpCode::Continuation };
                    let payload = Payload::Borrowed(part.as_bytes());
                    socket.write_frame(Frame::new(n + 1 == FRAGMENTS.len(), opcode, None, payload)).await?;
                }
            }
            (OpCode::Text | OpCode::Binary, _) => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn server(stream: TcpStream) -> Result {
    let service = service_fn(|mut request: Request<Incoming>| async move {
        if !is_upgrade_request(&request) {
            return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
                Response::builder().status(400).body(Empty::new())?,
            );
        }
        let (mut response, socket) = upgrade(&mut request)?;
        if request.headers().contains_key(SEC_WEBSOCKET_PROTOCOL) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("matrix"));
        }
        tokio::task::spawn_local(async move {
            if let Err(error) = async { echo(socket.await?).await }.await {
                eprintln!("{error}");
            }
        });
        Ok(response)
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await?;
    Ok(())
}

struct Executor;

impl<F: Future + 'static> hyper::rt::Executor<F> for Executor
where
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

async fn client(stream: TcpStream, url: String) -> Result {
    let uri: hyper::Uri = url.parse()?;
    let mut request = Request::builder()
        .uri(uri.path())
        .header("Host", uri.authority().map_or("", |it| it.as_str()))
        .header("Upgrade", "websocket")
        .header("Connection", "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())?;
    if wants_subprotocol(&url) {
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("other, matrix"));
    }
    let (socket, _) = handshake::client(&Executor, request, stream).await?;
    echo(socket).await
}
