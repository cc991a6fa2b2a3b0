//! A connection in one piece: messages, the opening and the closing handshake, deadlines.
#![cfg(feature = "tokio")]

mod support;

use futures_util::{SinkExt, StreamExt};
use sansws_tokio::sansws::timers::{Timeout, TimersConfig};
use sansws_tokio::sansws::{
    Agreed, ClientRequest, Config, Connection, Error as ConnectionError, SendError, Server, Violation,
};
use sansws_tokio::{
    Answer, CloseCode, Error, Message, OwnedMessage, WebSocket, accept, accept_with, client, connect,
};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Stutter, pair, server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;

#[tokio::test]
async fn messages_arrive_in_order_over_any_transport() {
    for len in [1, 2, 7, 100] {
        let (a, b) = duplex(50);
        let mut server = server(Stutter::new(a, len), Config::new());
        let mut client = support::client(Stutter::new(b, len), Config::new());
        let echo = tokio::spawn(async move {
            while let Some((message, tx)) = server.recv_with_sender().await? {
                tx.message(message)?;
            }
            assert!(server.connection().is_closed_cleanly());
            Ok::<_, Error>(())
        });
        for size in [0, 1, 125, 126, 3000] {
            let bytes = vec![0xfe; size];
            let text = "é".repeat(size / 2);
            client.send(&bytes[..]).await.unwrap();
            client.send(&text[..]).await.unwrap();
            assert_eq!(client.recv().await.unwrap(), Some(Message::Binary(&bytes)));
            assert_eq!(client.recv().await.unwrap(), Some(Message::Text(&text)));
        }
        client.close(CloseCode::NORMAL, "done").await.unwrap();
        assert!(client.connection().is_closed_cleanly());
        assert_eq!(client.recv().await.unwrap(), None);
        echo.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_foreign_client_gets_its_echo() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut socket = accept(listener.accept().await.unwrap().0).await?;
        while let Some((message, tx)) = socket.recv_with_sender().await? {
            tx.message(message)?;
        }
        assert_eq!(socket.connection().close_code(), Some(CloseCode::NORMAL));
        assert!(socket.connection().is_closed_cleanly());
        Ok::<_, Error>(())
    });
    let (mut peer, _) = tokio_tungstenite::connect_async(format!("ws://{address}/")).await.unwrap();
    for size in [0, 5, 70_000, 1 << 20] {
        let message = tungstenite::Message::binary(vec![1; size]);
        peer.send(message.clone()).await.unwrap();
        assert_eq!(peer.next().await.unwrap().unwrap(), message);
    }
    peer.send(tungstenite::Message::Ping("still there?".into())).await.unwrap();
    assert_eq!(peer.next().await.unwrap().unwrap(), tungstenite::Message::Pong("still there?".into()));
    peer.close(Some(tungstenite::protocol::CloseFrame { code: 1000.into(), reason: "bye".into() }))
        .await
        .unwrap();
    while let Some(Ok(_)) = peer.next().await {}
    drop(peer);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_foreign_server_gets_messages_and_a_clean_close() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut closed = None;
        while let Some(message) = peer.next().await {
            match message.unwrap() {
                tungstenite::Message::Close(frame) => closed = frame,
                message => peer.send(message).await.unwrap(),
            }
        }
        let closed = closed.unwrap();
        (u16::from(closed.code), closed.reason.to_string())
    });
    let mut socket = connect(&format!("ws://{address}/")).await.unwrap();
    socket.send("grüß dich").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("grüß dich")));
    socket.close(CloseCode::GOING_AWAY, "bye").await.unwrap();
    assert_eq!(serving.await.unwrap(), (1001, "bye".to_owned()));
}

#[tokio::test]
async fn a_rejected_client_learns_the_status() {
    let (a, b) = duplex(1 << 10);
    let request = ClientRequest::new("ws://example/").unwrap().origin("https://evil.example");
    let serving = tokio::spawn(accept(a));
    let error = client(b, &request, Config::new(), TimersConfig::new()).await.unwrap_err();
    let Error::Refused(refusal) = error else { panic!("{error:?}") };
    assert_eq!(refusal.status(), 403);
    let body = String::from_utf8_lossy(refusal.body());
    assert!(body.contains("same_origin_over") && body.contains("has to name them"), "{body}");
    assert!(matches!(serving.await.unwrap().unwrap_err(), Error::Rejected));
}

#[tokio::test]
async fn the_decision_about_a_request_can_take_its_time_and_choose_a_subprotocol() {
    let (a, b) = duplex(1 << 10);
    let serving = tokio::spawn(accept_with(a, Config::new(), TimersConfig::new(), async |request| {
        assert_eq!(request.path(), "/room");
        let offered: Vec<_> = request.subprotocols().map(str::to_owned).collect();
        tokio::time::sleep(Duration::from_millis(10)).await;
        Answer::accept().subprotocol(&offered[1]).header("X-Room", "7")
    }));
    let request = ClientRequest::new("ws://example/room").unwrap().subprotocols(&["a", "b"]);
    let socket = client(b, &request, Config::new(), TimersConfig::new()).await.unwrap();
    assert_eq!(socket.connection().subprotocol(), Some("b"));
    assert_eq!(serving.await.unwrap().unwrap().connection().subprotocol(), Some("b"));
}

#[tokio::test]
async fn frames_that_arrive_with_the_handshake_are_not_lost() {
    let (a, mut b) = duplex(1 << 10);
    let mut bytes = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .to_vec();
    bytes.extend(b"\x81\x82\0\0\0\0hi");
    b.write_all(&bytes).await.unwrap();
    let mut socket = accept(a).await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("hi")));
}

// RFC 6455 sections 7.1.1 and 7.1.7: the peer learns the reason before the application does.
#[tokio::test]
async fn an_error_is_reported_after_the_close_was_written() {
    let (a, mut b) = duplex(1 << 10);
    let mut socket = server(Stutter::new(a, 1), Config::new());
    // Text that is not UTF-8.
    b.write_all(b"\x81\x82\0\0\0\0\xff\xff").await.unwrap();
    let reading = tokio::spawn(async move {
        let mut answer = Vec::new();
        b.read_to_end(&mut answer).await.unwrap();
        answer
    });
    let error = socket.recv().await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::Peer(Violation::InvalidUtf8))), "{error:?}");
    assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD));
    let answer = reading.await.unwrap();
    assert_eq!(answer[..4], [0x88, answer[1], 3, 0xef]);
    assert_eq!(socket.recv().await.unwrap(), None);
}

#[tokio::test]
async fn the_end_of_the_transport_without_a_close_is_an_error() {
    let (a, b) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    drop(b);
    let error = socket.recv().await.unwrap_err();
    assert!(matches!(error, Error::Connection(ConnectionError::Peer(Violation::UnexpectedEof))), "{error:?}");
    assert!(matches!(socket.send("too late").await, Err(Error::Send(SendError::NotAllowed(_)))));
}

/// Some peers reset the transport after the closing handshake, and some do not wait for our Close.
#[tokio::test]
async fn a_transport_that_is_lost_after_the_peers_close_is_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for frames in [&b"\x88\x80\0\0\0\0"[..], b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xe8"] {
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut socket = server(listener.accept().await.unwrap().0, Config::new());
        peer.write_all(frames).await.unwrap();
        // The kernel sends a reset, because there are unread bytes.
        socket.send("unread").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(peer);
        while socket.recv().await.unwrap().is_some() {}
        assert!(socket.connection().peer_close().is_some());
    }
}

#[tokio::test]
async fn flush_fails_if_the_connection_ended_before_everything_was_written() {
    let (a, b) = duplex(16);
    let (mut reading, mut writing) = server(a, Config::new()).into_split();
    writing.send(&[1; 1000][..]).await.unwrap();
    drop(b);
    reading.recv().await.unwrap_err();
    let error = writing.flush().await.unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::BrokenPipe), "{error:?}");
}

/// Without a Close, the end of the transport is an error, and the application sees 1006 (WS-7.1.5-03).
#[tokio::test]
async fn a_transport_that_ends_before_the_close_is_an_error_with_1006() {
    let (a, b) = duplex(1024);
    let mut socket = server(a, Config::new());
    drop(b);
    let error = socket.recv().await.unwrap_err();
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
}

/// Without a Close, a reset is an error.
#[tokio::test]
async fn a_transport_that_is_reset_before_the_close_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut socket = server(listener.accept().await.unwrap().0, Config::new());
    socket.send("unread").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(peer);
    let error = socket.recv().await.unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{error:?}");
    assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_is_given_up_after_ping_interval_and_pong_timeout() {
    let (mut server, _client) = pair(1 << 10);
    let start = tokio::time::Instant::now();
    let error = server.recv().await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn keepalive_measures_the_round_trip_and_keeps_a_quiet_connection_open() {
    let (mut server, mut client) = pair(1 << 10);
    tokio::spawn(async move { client.recv().await.map(|_| ()) });
    let quiet = tokio::time::timeout(Duration::from_secs(3600), server.recv()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(server.round_trip_time().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_sends_its_request_is_given_up() {
    let (a, _b) = duplex(1 << 10);
    let start = tokio::time::Instant::now();
    let error = accept(a).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Timeout::Handshake)), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_a_close_is_given_up() {
    let (mut server, _client) = pair(1 << 10);
    let start = tokio::time::Instant::now();
    let error = server.close(CloseCode::NORMAL, "").await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Timeout::Close)), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_connection_is_a_stream_and_a_sink() {
    let (mut server, client) = pair(100);
    let echo = tokio::spawn(async move {
        while let Some(message) = server.next().await {
            SinkExt::send(&mut server, message.unwrap()).await.unwrap();
        }
    });
    let (mut stream, mut sink) = client.into_split();
    for number in 0..20 {
        let message = OwnedMessage::from(number.to_string().repeat(number));
        SinkExt::send(&mut sink, message.clone()).await.unwrap();
        assert_eq!(StreamExt::next(&mut stream).await.unwrap().unwrap(), message);
    }
    SinkExt::close(&mut sink).await.unwrap();
    assert!(stream.next().await.is_none());
    echo.await.unwrap();
}

#[tokio::test]
async fn the_parts_of_a_connection_continue_elsewhere() {
    let (mut server, client) = pair(1 << 10);
    server.send("before").await.unwrap();
    let parts = client.into_parts().unwrap();
    let mut client = WebSocket::new(parts.io, parts.connection, &parts.unread, TimersConfig::new());
    assert_eq!(client.recv().await.unwrap(), Some(Message::Text("before")));
}

// WS-7.1.1-01
#[tokio::test]
async fn a_peer_over_tcp_that_closes_sees_no_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut socket = server(listener.accept().await.unwrap().0, Config::new());
    // A violation, and behind it bytes that the server will never look at.
    peer.write_all(&vec![0xff; 100_000]).await.unwrap();
    let serving = tokio::spawn(async move { socket.recv().await.map(|_| ()) });
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer[0], 0x88);
    assert_eq!(answer[2..4], 1002u16.to_be_bytes());
    drop(peer);
    serving.await.unwrap().unwrap_err();
}

/// A transport that always has bytes to read, takes all bytes, and never ends.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        room.put_slice(&[0xff; 10]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A peer that goes on sending after it broke the protocol neither blocks the thread nor keeps the connection
/// alive.
#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_without_end_after_its_violation_is_given_up() {
    let mut socket = server(Endless, Config::new());
    let start = tokio::time::Instant::now();
    // Time stands still while a task can run, so this one moves it on.
    let time = tokio::spawn(async {
        loop {
            tokio::time::advance(Duration::from_millis(100)).await;
        }
    });
    socket.recv().await.unwrap_err();
    assert!(start.elapsed() <= Duration::from_secs(11), "{:?}", start.elapsed());
    time.abort();
}

/// A program that blocks its thread sees late what the peer has sent in time. tokio looks at its sockets only
/// when the task waits.
#[tokio::test]
async fn a_late_turn_blames_no_peer_whose_bytes_wait() {
    let ms = Duration::from_millis;
    for is_idle in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let timers = TimersConfig::new().ping_interval(Some(ms(50)));
        let timers =
            if is_idle { timers.idle_deadline(Some(ms(300))) } else { timers.pong_timeout(Some(ms(300))) };
        let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
        let mut socket = WebSocket::new(listener.accept().await.unwrap().0, connection, &[], timers);
        // A keepalive ping is under way.
        tokio::time::timeout(ms(100), socket.recv()).await.unwrap_err();
        io::Write::write_all(&mut peer, b"\x81\x82\0\0\0\0hi").unwrap();
        std::thread::sleep(ms(500));
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("hi")));
    }
}

/// The peer has closed and is gone. Its Close waits to be read, and our bytes can no longer be written.
#[tokio::test]
async fn a_close_that_arrived_is_read_although_nothing_can_be_written_any_more() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    peer.write_all(b"\x81\x84\0\0\0\0last\x88\x82\0\0\0\0\x03\xf0").await.unwrap();
    drop(peer);
    socket.feed("too late").unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("last")));
    assert_eq!(socket.recv().await.unwrap(), None);
    assert_eq!(socket.connection().close_code(), Some(CloseCode::from(1008)));
    // Without a Close, the failed write is the error.
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    peer.write_all(b"\x81\x84\0\0\0\0last").await.unwrap();
    drop(peer);
    socket.feed("too late").unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("last")));
    assert!(matches!(socket.recv().await, Err(Error::Io(_))));
    assert_eq!(socket.recv().await.unwrap(), None);
}
