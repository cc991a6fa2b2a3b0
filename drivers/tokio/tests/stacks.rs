//! WebSockets behind an HTTP stack.
#![cfg(feature = "axum")]

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get};
use sansws_tokio::axum::WebSocketUpgrade;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::sansws::{ClientRequest, Config, Misuse};
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
    let Error::Refused(refusal) = error else { panic!("{error:?}") };
    assert_eq!(refusal.status(), 403);
    assert!(String::from_utf8_lossy(refusal.body()).contains("same_origin_over"), "{:?}", refusal.body());
    let own = format!("http://127.0.0.1:{port}");
    Connector::new().connect(&ClientRequest::new(&uri).unwrap().origin(&own)).await.unwrap();

    let answer = ask(port, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    // RFC 9110 section 7.8
    assert!(answer.contains("\r\nupgrade: websocket\r\n"), "{answer}");
    // hyper adds `close`, because the request has it.
    assert!(answer.contains("\r\nconnection: Upgrade, close\r\n"), "{answer}");
    let old = "GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n";
    let answer = ask(port, old).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    // WS-4.2.1-05. nginx speaks HTTP/1.0 to a server unless it is configured otherwise.
    let answer = ask(port, &old.replace("HTTP/1.1", "HTTP/1.0").replace(": 8", ": 13")).await;
    assert!(answer.starts_with("HTTP/1.0 505 "), "{answer}");
    assert!(answer.contains("proxy_http_version 1.1"), "{answer}");
    let answer = ask(port, "GET /page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("a page"), "{answer}");
}

/// An opening handshake over HTTP/1.1 that also has these headers.
fn upgrade_with(headers: &[(&str, &str)]) -> sansws_tokio::upgrade::Upgrade {
    let mut request = http::Request::get("/chat")
        .header("host", "h")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    let upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(upgrade);
    sansws_tokio::upgrade::Upgrade::new(&mut request).unwrap()
}

/// RFC 9110 section 5.6.1: empty elements of a list do not count.
#[test]
fn the_offered_subprotocols_are_those_of_the_list() {
    let upgrade = upgrade_with(&[("sec-websocket-protocol", ", chat ,,other")]);
    assert_eq!(upgrade.subprotocols().collect::<Vec<_>>(), ["chat", "other"]);
    let error = upgrade.subprotocol("").unwrap_err();
    assert_eq!(error, Misuse::SubprotocolNotOffered);
}

/// No browser sends two origins.
#[test]
fn a_second_origin_is_checked_as_the_first() {
    let upgrade = upgrade_with(&[("origin", "https://h"), ("origin", "https://evil.example")]);
    assert_eq!(upgrade.same_origin().unwrap_err(), sansws_tokio::upgrade::Rejection::Origin);
}

/// A server can try another protocol with the same request, such as the tunnel of an HTTP proxy.
#[test]
fn a_request_that_is_no_opening_handshake_keeps_its_upgrade() {
    let mut request = http::Request::connect("other.example:443").body(()).unwrap();
    let upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(upgrade);
    sansws_tokio::upgrade::Upgrade::new(&mut request).unwrap_err();
    assert!(request.extensions().get::<hyper::upgrade::OnUpgrade>().is_some());
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

mod hyper_client {
    //! hyper is the client too: over HTTP/1.1, and over one stream of HTTP/2 (RFC 8441).

    use super::*;
    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper::ext::Protocol;
    use hyper::{Request, StatusCode, Version};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::service::TowerToHyperService;
    use sansws_tokio::sansws::{self, HandshakeError};
    use sansws_tokio::upgrade::UpgradeRequest;

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

    fn upgrade<'a>(uri: &'a str, subprotocols: &'a [&'a str]) -> UpgradeRequest<'a> {
        UpgradeRequest::new(Version::HTTP_2, uri, subprotocols, Config::new()).unwrap()
    }

    fn request(uri: &str) -> Request<Empty<Bytes>> {
        upgrade(uri, &[]).request(Empty::new()).unwrap()
    }

    #[tokio::test]
    async fn a_handler_serves_a_stream_of_http_2() {
        let mut sender = connect().await;
        let upgrade = upgrade("wss://server.example/chat", &["chat"]);
        sender.ready().await.unwrap();
        let mut response = sender.send_request(upgrade.request(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
        let mut socket = upgrade.open(&mut response).await.unwrap();
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
            let upgrade = upgrade("wss://server.example/echo", &[]);
            let mut sender = sender.clone();
            let mut response = sender.send_request(upgrade.request(Empty::new()).unwrap()).await.unwrap();
            sockets.push(upgrade.open(&mut response).await.unwrap());
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
        let mut foreign = request("wss://server.example/echo");
        foreign.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
        let mut own = request("wss://server.example/echo");
        own.headers_mut().insert("origin", "https://server.example".parse().unwrap());
        let mut protocol = request("wss://server.example/echo");
        protocol.extensions_mut().insert(Protocol::from_static("connect-udp"));
        let mut version = request("wss://server.example/echo");
        version.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
        let plain = Request::get("https://server.example/echo").body(Empty::new()).unwrap();
        for (request, status) in [(foreign, 403), (own, 200), (protocol, 501), (version, 426), (plain, 426)] {
            sender.ready().await.unwrap();
            let mut response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status);
            // RFC 9113 section 8.2.2
            assert!(
                !response.headers().contains_key("upgrade") && !response.headers().contains_key("connection")
            );
            if status == 200 {
                continue;
            }
            let opened = upgrade("wss://server.example/echo", &[]).open(&mut response).await;
            let Err(Error::Refused(refusal)) = opened else { panic!("{status}") };
            assert_eq!(refusal.status(), status);
        }
    }

    // WS-4.1-61
    #[tokio::test]
    async fn a_101_in_http_1_0_does_not_open_a_websocket() {
        let (near, mut far) = tokio::io::duplex(64 << 10);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let upgrade =
            UpgradeRequest::new(Version::HTTP_11, "ws://server.example/", &[], Config::new()).unwrap();
        let response = sender.send_request(upgrade.request(Empty::<Bytes>::new()).unwrap());
        let answer = async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(far.read_u8().await.unwrap());
            }
            far.write_all(b"HTTP/1.0 101 Switching Protocols\r\n\r\n").await.unwrap();
            far
        };
        let (response, _far) = tokio::join!(response, answer);
        let error = upgrade.open(&mut response.unwrap()).await.unwrap_err();
        let expected = sansws::Error::Handshake(HandshakeError::HttpVersion);
        assert!(matches!(error, Error::Connection(error) if error == expected), "{error:?}");
    }

    /// The same calls over HTTP/1.1.
    #[tokio::test]
    async fn a_client_of_hyper_opens_a_websocket_over_http_1() {
        let stream = TcpStream::connect(("127.0.0.1", serve().await)).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let uri = "ws://server.example/chat?id=7";
        let upgrade = UpgradeRequest::new(Version::HTTP_11, uri, &["other", "chat"], Config::new()).unwrap();
        let request = upgrade.request(Empty::<Bytes>::new()).unwrap();
        assert_eq!((request.uri().path(), request.uri().query()), ("/chat", Some("id=7")));
        assert_eq!(request.headers()["host"], "server.example");
        let mut response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
        let mut socket = upgrade.open(&mut response).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("welcome")));
        socket.send("hello").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), None);
    }

    /// An answer to another key is that of a cache or of another server.
    #[tokio::test]
    async fn a_response_to_another_request_is_an_error() {
        let new = || UpgradeRequest::new(Version::HTTP_11, "ws://h/", &[], Config::new()).unwrap();
        let mut response = http::Response::builder().status(101);
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("sec-websocket-accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ] {
            response = response.header(name, value);
        }
        let error = new().open(&mut response.body(()).unwrap()).await.unwrap_err();
        assert!(
            matches!(error, Error::Connection(sansws::Error::Handshake(HandshakeError::Accept))),
            "{error:?}"
        );
    }
}
