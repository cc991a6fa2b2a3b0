//! What a log shows of a connection, and what must never be in a log.
#![cfg(feature = "tracing")]

mod support;

use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::sansws::{ClientRequest, Config};
use sansws_tokio::{Answer, CloseCode, Error, Message, accept, accept_with, client};
#[cfg(feature = "tokio")]
use sansws_tokio::{
    WebSocket,
    sansws::{Agreed, Connection, Server},
};
use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;
use support::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of its thread. Each test has a thread of its own.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .without_time()
            .with_ansi(false)
            .with_writer(|| Log)
            .init();
    });
}

/// The lines of the log since the last call, without those of `mio`, with which tokio waits for signals.
fn lines() -> Vec<String> {
    let log = String::from_utf8(LOG.take()).unwrap();
    let lines = log.lines().map(str::trim).filter(|line| !line.starts_with("TRACE mio::"));
    lines.map(str::to_owned).collect()
}

/// This text is in each place that may hold a secret.
const SECRET: &str = "hunter2";

#[tokio::test]
async fn a_log_shows_how_a_connection_began_and_ended_and_no_secret() {
    start();
    let (a, b) = duplex(1 << 10);
    let serving = tokio::spawn(async move {
        let mut socket = accept_with(a, Config::new(), TimersConfig::new(), async |_| {
            Answer::accept().subprotocol(SECRET).header("X-Token", SECRET)
        })
        .await?;
        while let Some((message, tx)) = socket.recv_with_sender().await? {
            tx.message(message)?;
        }
        Ok::<_, Error>(())
    });
    let uri = format!("ws://example/{SECRET}?token={SECRET}");
    let request = ClientRequest::new(&uri)
        .unwrap()
        .subprotocols(&[SECRET])
        .headers(&[("Authorization", SECRET), ("Cookie", SECRET)]);
    let mut socket = client(b, &request, Config::new(), TimersConfig::new()).await.unwrap();
    socket.send(SECRET).await.unwrap();
    socket.send(SECRET.as_bytes()).await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text(SECRET)));
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Binary(SECRET.as_bytes())));
    socket.sender().ping(SECRET.as_bytes()).unwrap();
    socket.close(CloseCode::from(4001), SECRET).await.unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(
        lines(),
        [
            "DEBUG sansws: opening handshake accepted status=101",
            "DEBUG sansws: opening handshake complete",
            "DEBUG sansws: the peer closes code=4001",
            "DEBUG sansws: connection closed code=4001",
            "DEBUG sansws: the peer closes code=4001",
            "DEBUG sansws: connection closed code=4001",
        ]
    );
}

#[tokio::test]
async fn a_log_shows_rejected_handshakes_with_their_status() {
    start();
    let (a, b) = duplex(1 << 10);
    let serving = tokio::spawn(accept_with(a, Config::new(), TimersConfig::new(), async |_| {
        Answer::reject(401).header("WWW-Authenticate", SECRET).body(SECRET)
    }));
    let uri = format!("ws://example/?token={SECRET}");
    let request = ClientRequest::new(&uri).unwrap().headers(&[("Authorization", SECRET)]);
    client(b, &request, Config::new(), TimersConfig::new()).await.unwrap_err();
    serving.await.unwrap().unwrap_err();
    let log = lines();
    let expected = [
        "INFO sansws: opening handshake rejected status=401",
        "INFO sansws: opening handshake refused status=401",
    ];
    assert_eq!(log, expected);

    // A request that is no opening handshake.
    let (a, mut b) = duplex(1 << 10);
    b.write_all(format!("GET /{SECRET} HTTP/1.1\r\nHost: h\r\nX: {SECRET}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let serving = tokio::spawn(accept(a));
    b.read_to_end(&mut Vec::new()).await.unwrap();
    drop(b);
    serving.await.unwrap().unwrap_err();
    let log = lines();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(
        log[0].starts_with("INFO sansws: connection failed fault=\"handshake\" status=426 error="),
        "{log:?}"
    );
    assert!(!log[0].contains(SECRET), "{log:?}");
}

// WS-7.1.7-04
#[tokio::test]
async fn a_log_shows_each_failure_once_with_its_fault() {
    start();
    // A violation: text that is not UTF-8.
    let (a, mut b) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    let frame = [&b"\x81\x89\0\0\0\0\xff\xff"[..], SECRET.as_bytes()].concat();
    b.write_all(&frame).await.unwrap();
    b.shutdown().await.unwrap();
    socket.recv().await.unwrap_err();
    assert_eq!(socket.recv().await.unwrap(), None);
    // A limit.
    let (a, mut b) = duplex(1 << 10);
    let mut socket = server(a, Config::new().max_message(1));
    b.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    b.shutdown().await.unwrap();
    socket.recv().await.unwrap_err();
    // A transport that is lost: both halves learn of it, and the log has it once.
    let (a, b) = duplex(16);
    let (mut reading, mut writing) = server(a, Config::new()).into_split();
    writing.send(&[1; 1000][..]).await.unwrap();
    drop(b);
    writing.flush().await.unwrap_err();
    reading.recv().await.unwrap_err();
    let log = lines();
    let starts = [
        "INFO sansws: connection failed fault=\"peer\" code=1007 error=",
        "INFO sansws: connection failed fault=\"limit\" code=1009 error=",
        "INFO sansws: connection failed fault=\"transport\" error=",
    ];
    assert_eq!(log.len(), starts.len(), "{log:?}");
    for (line, start) in log.iter().zip(starts) {
        assert!(line.starts_with(start) && !line.contains(SECRET), "{line}");
    }
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn a_log_shows_keepalive_and_deadlines() {
    start();
    let (mut socket, mut peer) = support::pair(1 << 10);
    let answering = tokio::spawn(async move { peer.recv().await.map(|_| ()) });
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(45), socket.recv()).await;
    waiting.unwrap_err();
    answering.abort();
    answering.await.unwrap_err();
    // Both ends send pings.
    let log = lines();
    assert_eq!(log.iter().filter(|line| *line == "TRACE sansws: keepalive ping").count(), 2, "{log:?}");
    let pong = "TRACE sansws: keepalive pong round_trip=";
    assert_eq!(log.iter().filter(|line| line.starts_with(pong)).count(), 2, "{log:?}");

    let (mut socket, _peer) = support::pair(1 << 10);
    socket.recv().await.unwrap_err();
    let log = lines();
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0], "TRACE sansws: keepalive ping");
    assert!(log[1].starts_with("INFO sansws: connection failed fault=\"deadline\" error="), "{log:?}");
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn a_log_shows_that_a_connection_was_idle() {
    start();
    let (a, mut peer) = duplex(1 << 10);
    let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let timers = TimersConfig::new().idle_deadline(Some(std::time::Duration::from_secs(5)));
    let mut socket = WebSocket::new(a, connection, &[], timers);
    peer.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
    drop(peer);
    assert_eq!(socket.recv().await.unwrap(), None);
    let closed = ["DEBUG sansws: the peer closes code=1000", "DEBUG sansws: connection closed code=1000"];
    assert_eq!(lines(), closed);

    let (a, _peer) = duplex(1 << 10);
    let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    WebSocket::new(a, connection, &[], timers).recv().await.unwrap_err();
    let log = lines();
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0], "DEBUG sansws: idle deadline passed, closing");
    assert!(log[1].starts_with("INFO sansws: connection failed fault=\"deadline\" error="), "{log:?}");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_log_shows_how_a_handler_of_axum_began_and_ended() {
    use axum::routing::any;
    use sansws_tokio::axum::WebSocketUpgrade;
    start();
    let handler = async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(|mut socket| async move {
            socket.close(CloseCode::from(1), "").await // not a valid code
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving =
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().route("/", any(handler))).await },
        );
    let uri = format!("ws://{address}/?token={SECRET}");
    let request = ClientRequest::new(&uri).unwrap().origin("https://evil.example");
    sansws_tokio::Connector::new().connect(&request).await.unwrap_err();
    let log = lines();
    let expected = [
        "INFO sansws: opening handshake rejected status=403",
        "INFO sansws: opening handshake refused status=403",
    ];
    assert_eq!(log.iter().filter(|line| line.contains("sansws:")).collect::<Vec<_>>(), expected, "{log:?}");
    sansws_tokio::connect(&uri).await.unwrap().recv().await.unwrap_err();
    let log = lines();
    for expected in [
        "DEBUG sansws: opening handshake accepted status=101",
        "DEBUG sansws: opening handshake complete",
        "DEBUG sansws: the handler ended with an error error=",
    ] {
        assert!(log.iter().any(|line| line.starts_with(expected)), "{expected} {log:?}");
    }
    assert!(!log.concat().contains(SECRET), "{log:?}");
    serving.abort();
}

/// A server may end the body of its refusal with the transport.
#[tokio::test]
async fn a_log_shows_a_refusal_that_ends_with_the_transport_as_a_refusal() {
    start();
    let (a, mut b) = duplex(1 << 10);
    b.write_all(format!("HTTP/1.1 403 Forbidden\r\nX: {SECRET}\r\n\r\n{SECRET}").as_bytes()).await.unwrap();
    b.shutdown().await.unwrap();
    let request = ClientRequest::new("ws://example/").unwrap();
    let error = client(a, &request, Config::new(), TimersConfig::new()).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(lines(), ["INFO sansws: opening handshake refused status=403"]);
}

/// The opening handshake of a client over hyper.
#[cfg(feature = "hyper")]
#[tokio::test]
async fn a_log_shows_how_the_opening_handshake_over_hyper_ended() {
    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper_util::rt::TokioIo;
    use sansws_tokio::upgrade::UpgradeRequest;

    start();
    let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let invalid = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    for (answer, expected) in [
        (None, "DEBUG sansws: opening handshake complete"),
        (Some(refused), "INFO sansws: opening handshake refused status=403"),
        (Some(invalid), "INFO sansws: connection failed fault=\"handshake\" error="),
    ] {
        let (a, mut b) = duplex(1 << 10);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(a)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let serving = tokio::spawn(async move {
            match answer {
                None => accept(b).await.map(|_| ()),
                Some(answer) => Ok(b.write_all(answer.as_bytes()).await?),
            }
        });
        let uri = format!("ws://example/?token={SECRET}");
        let upgrade = UpgradeRequest::new(http::Version::HTTP_11, &uri, &[], Config::new()).unwrap();
        let mut response = sender.send_request(upgrade.request(Empty::new()).unwrap()).await.unwrap();
        let opened = upgrade.open(&mut response).await;
        assert_eq!(opened.is_ok(), answer.is_none());
        serving.await.unwrap().unwrap();
        let log = lines();
        let of_client = |line: &&String| line.contains("sansws:") && !line.contains("accepted");
        let log: Vec<_> = log.iter().filter(of_client).collect();
        assert!(log.len() == 1 && log[0].starts_with(expected) && !log[0].contains(SECRET), "{log:?}");
    }
}

#[test]
fn logs_show_no_header_value_and_no_body_of_an_answer() {
    let answer = Answer::reject(401).header("Set-Cookie", SECRET).body(SECRET);
    let shown = format!("{answer:?}");
    assert!(shown.contains("401") && !shown.contains(SECRET) && !shown.contains("104, 117"), "{shown}");
}
