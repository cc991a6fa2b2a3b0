//! A foreign WebSocket on the other end of a real TCP connection, in both roles.
#![allow(clippy::cast_possible_truncation, reason = "messages differ in their last byte")]

mod support;
#[path = "support/tcp.rs"]
mod tcp;

use sansws_embassy::sansws::{Borrowed, ClientRequest, CloseCode, Config, Connection, Message};
use sansws_embassy::{Answer, TimersConfig, WebSocket};
use std::net::{TcpListener, TcpStream};
use support::run;
use tcp::Tcp;
use tungstenite::protocol::frame::coding::CloseCode as ForeignCode;

const LENGTHS: [usize; 7] = [0, 1, 125, 126, 4096, 65_535, 65_536];

#[test]
fn a_foreign_client_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        use tungstenite::client::IntoClientRequest;
        let mut request = format!("ws://{address}/board").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "v1".parse().unwrap());
        let stream = TcpStream::connect(address).unwrap();
        let (mut socket, response) = tungstenite::client(request, stream).unwrap();
        assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "v1");
        for len in LENGTHS {
            socket.send(tungstenite::Message::binary(vec![len as u8; len])).unwrap();
            socket.send(tungstenite::Message::Ping(vec![9; 100].into())).unwrap();
            assert_eq!(socket.read().unwrap(), tungstenite::Message::binary(vec![len as u8; len]));
            assert_eq!(socket.read().unwrap(), tungstenite::Message::Pong(vec![9; 100].into()));
        }
        let close = tungstenite::protocol::CloseFrame { code: ForeignCode::Away, reason: "bye".into() };
        socket.close(Some(close)).unwrap();
        assert!(matches!(socket.read(), Ok(tungstenite::Message::Close(_))));
        assert!(matches!(socket.read(), Err(tungstenite::Error::ConnectionClosed)));
    });
    let tcp = Tcp::new(listener.accept().unwrap().0);
    run(async {
        let (mut receive, mut send) = (vec![0; 70_000], vec![0; 70_000]);
        let memory = Borrowed::new(&mut receive, &mut send);
        let connection = Connection::server_in(Config::new(), memory);
        let mut socket = WebSocket::new(tcp, connection, vec![0; 1000], TimersConfig::new());
        socket
            .accept_with(async |request| match request.path() {
                "/board" => Answer::accept().subprotocol("v1"),
                _ => Answer::reject(404),
            })
            .await
            .unwrap();
        while let Some((message, tx)) = socket.recv_with_sender().await.unwrap() {
            tx.message(message).unwrap();
        }
        assert_eq!(socket.connection().close_code(), Some(CloseCode::GOING_AWAY));
    });
    client.join().unwrap();
}

#[test]
fn a_foreign_server_is_spoken_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        loop {
            match socket.read() {
                Ok(message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_))) => {
                    socket.send(message).unwrap();
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    let tcp = Tcp::new(TcpStream::connect(address).unwrap());
    run(async {
        let request = ClientRequest::new("ws://board/").unwrap();
        let (mut receive, mut send) = (vec![0; 70_000], vec![0; 70_000]);
        let memory = Borrowed::new(&mut receive, &mut send);
        let connection = Connection::client_in(&request, Config::new(), rand::rng(), memory).unwrap();
        let mut socket = WebSocket::new(tcp, connection, vec![0; 1000], TimersConfig::new());
        socket.open().await.unwrap();
        for len in LENGTHS {
            let text = "x".repeat(len);
            socket.send(&*text).await.unwrap();
            assert_eq!(socket.recv().await, Ok(Some(Message::Text(&text))));
        }
        socket.close(CloseCode::NORMAL, "done").await.unwrap();
        assert!(socket.connection().is_closed_cleanly());
    });
    assert!(matches!(server.join().unwrap(), tungstenite::Error::ConnectionClosed));
}
