//! WebSockets behind an HTTP stack.
#![cfg(feature = "axum")]

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get};
use sansws_tokio::axum::WebSocketUpgrade;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::sansws::{ClientRequest, Config};
use sansws_tokio::{CloseCode, Connector, Error, Message, client, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        while let Some((message, tx)) = socket.recv_with_sender().await? {
            tx.message(message)?;
        }
        Ok(())
    })
}

async fn chat(upgrade: WebSocketUpgrade) -> Result<Response, String> {
    let config = Config::new().max_message(10);
    let upgrade = upgrade.subprotocol("chat").map_err(|error| error.to_string())?.config(config);
    Ok(upgrade.any_origin().on_upgrade(|mut socket| async move {
        socket.send("welcome").await?;
        socket.recv().await?;
        socket.close(CloseCode::NORMAL, "").await
    }))
}

/// Serves, and returns the port.
async fn serve() -> u16 {
    let app = Router::new()
        .route("/echo", any(echo))
        .route("/chat", any(chat))
        .route("/page", get(|| async { "a page" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// The answer to a request, as text.
async fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_axum_handler_echoes_messages() {
    let port = serve().await;
    let mut socket = connect(&format!("ws://127.0.0.1:{port}/echo")).await.unwrap();
    for size in [0, 1, 1000, 200_000] {
        let bytes = vec![1; size];
        socket.send(&bytes[..]).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Binary(&bytes)));
    }
    socket.close(CloseCode::NORMAL, "bye").await.unwrap();
}

#[tokio::test]
async fn a_subprotocol_is_agreed_on_and_the_limits_hold() {
    let port = serve().await;
    let uri = format!("ws://127.0.0.1:{port}/chat");
    let request = ClientRequest::new(&uri)
        .unwrap()
        .subprotocols(&["other", "chat"])
        .origin("https://elsewhere.example");
    let mut socket = Connector::new().connect(&request).await.unwrap();
    assert_eq!(socket.connection().subprotocol(), Some("chat"));
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("welcome")));
    socket.send("longer than ten bytes").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), None);
    assert_eq!(socket.connection().close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
}

// RFC 6455 sections 4.2.1 and 10.2
#[tokio::test]
async fn requests_that_are_no_opening_handshake_are_rejected_with_the_status_that_says_why() {
    let port = serve().await;
    let uri = format!("ws://127.0.0.1:{port}/echo");
    let evil = ClientRequest::new(&uri).unwrap().origin("https://evil.example");
    let error = Connector::new().connect(&evil).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.status() == 403), "{error:?}");
    let own = format!("http://127.0.0.1:{port}");
    Connector::new().connect(&ClientRequest::new(&uri).unwrap().origin(&own)).await.unwrap();

    let answer = ask(port, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    let old = "GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n";
    let answer = ask(port, old).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    let answer = ask(port, "GET /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("a page"), "{answer}");
}

#[tokio::test]
async fn frames_that_arrive_together_with_the_request_are_not_lost() {
    let port = serve().await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut bytes = b"GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .to_vec();
    bytes.extend(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0");
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(answer.ends_with(b"\x81\x02hi\x88\x00"), "{answer:?}");
}

/// A client over a stream of one's own reaches the same server.
#[tokio::test]
async fn a_client_over_its_own_stream_reaches_axum() {
    let port = serve().await;
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let uri = format!("ws://127.0.0.1:{port}/echo");
    let request = ClientRequest::new(&uri).unwrap();
    let mut socket = client(stream, &request, Config::new(), TimersConfig::new()).await.unwrap();
    socket.send("hello").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("hello")));
}

mod http2 {
    //! RFC 8441: the connection is one stream of HTTP/2. hyper is the client too.

    use super::*;
    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper::ext::Protocol;
    use hyper::{Method, Request, StatusCode};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::service::TowerToHyperService;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sansws_tokio::WebSocket;
    use sansws_tokio::sansws::upgrade::ClientUpgrade;
    use sansws_tokio::sansws::{Agreed, Client};

    type Sender = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

    /// A client of HTTP/2 that is connected to the application.
    async fn connect() -> Sender {
        let app = Router::new().route("/echo", any(echo)).route("/chat", any(chat));
        let (near, far) = tokio::io::duplex(64 << 10);
        tokio::spawn(async move {
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.enable_connect_protocol();
            builder.serve_connection(TokioIo::new(far), TowerToHyperService::new(app)).await
        });
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn request(uri: &str, upgrade: &ClientUpgrade<'_>) -> Request<Empty<Bytes>> {
        let mut request = Request::builder().method(Method::CONNECT).uri(uri);
        for (name, value) in upgrade.headers() {
            request = request.header(name, value);
        }
        request.extension(Protocol::from_static("websocket")).body(Empty::new()).unwrap()
    }

    #[tokio::test]
    async fn a_handler_serves_a_stream_of_http_2() {
        let mut sender = connect().await;
        let upgrade = ClientUpgrade::connect(&Config::new(), &["chat"]).unwrap();
        sender.ready().await.unwrap();
        let mut response =
            sender.send_request(request("https://server.example/chat", &upgrade)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers: Vec<_> =
            response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let negotiated = upgrade.check(200, headers.iter().copied()).unwrap();
        assert_eq!(negotiated.subprotocol(), Some("chat"));
        let agreed = negotiated.agreed();
        let upgraded = hyper::upgrade::on(&mut response).await.unwrap();
        let client = Client::new(StdRng::seed_from_u64(7));
        let mut socket = WebSocket::from_upgraded(TokioIo::new(upgraded), client, Config::new(), agreed, &[]);
        assert_eq!(agreed, Agreed::NONE);
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("welcome")));
        socket.send("hello").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), None);
        assert_eq!(socket.connection().close_code(), Some(CloseCode::NORMAL));
        assert!(socket.connection().is_closed_cleanly());
    }

    #[tokio::test]
    async fn streams_are_echoed_side_by_side() {
        let sender = connect().await;
        let mut sockets = Vec::new();
        for _ in 0..5 {
            let upgrade = ClientUpgrade::connect(&Config::new(), &[]).unwrap();
            let mut sender = sender.clone();
            let response =
                sender.send_request(request("https://server.example/echo", &upgrade)).await.unwrap();
            let upgraded = hyper::upgrade::on(response).await.unwrap();
            let client = Client::new(StdRng::seed_from_u64(7));
            sockets.push(WebSocket::from_upgraded(
                TokioIo::new(upgraded),
                client,
                Config::new(),
                Agreed::NONE,
                &[],
            ));
        }
        for (size, socket) in sockets.iter_mut().enumerate() {
            let bytes = vec![1; size * 30_000];
            socket.send(&bytes[..]).await.unwrap();
            assert_eq!(socket.recv().await.unwrap(), Some(Message::Binary(&bytes)));
        }
        for mut socket in sockets {
            socket.close(CloseCode::NORMAL, "").await.unwrap();
        }
    }

    #[tokio::test]
    async fn other_requests_are_rejected() {
        let mut sender = connect().await;
        let upgrade = ClientUpgrade::connect(&Config::new(), &[]).unwrap();
        let mut foreign = request("https://server.example/echo", &upgrade);
        foreign.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
        let mut own = request("https://server.example/echo", &upgrade);
        own.headers_mut().insert("origin", "https://server.example".parse().unwrap());
        let mut protocol = request("https://server.example/echo", &upgrade);
        protocol.extensions_mut().insert(Protocol::from_static("connect-udp"));
        let mut version = request("https://server.example/echo", &upgrade);
        version.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
        let plain = Request::get("https://server.example/echo").body(Empty::new()).unwrap();
        for (request, status) in [(foreign, 403), (own, 200), (protocol, 501), (version, 426), (plain, 426)] {
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
        }
    }
}
