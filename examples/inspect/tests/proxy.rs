//! The proxy between ends of ours, and between foreign ones.

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "support/programs.rs"]
mod programs;

use programs::{Proxy, echo, foreign_server, result, server, wscat};
use sansws::deflate::DeflateConfig;
use sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Config, Error, accept_with};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tungstenite::{Bytes, Message};

/// The frames of both sides, as pairs of the side and the payload.
fn payloads(records: &[Value]) -> Vec<(&str, Value)> {
    let frames = records.iter().filter(|record| record["type"] == "frame");
    frames
        .map(|frame| {
            let from = frame["from"].as_str().unwrap();
            let found = ["message", "close"].iter().find(|name| !frame[**name].is_null());
            match found.copied() {
                Some("message") => (from, frame["message"]["payload"].clone()),
                Some(name) => (from, frame[name].clone()),
                None => (from, frame["payload"].clone()),
            }
        })
        .collect()
}

#[test]
fn foreign_ends_talk_through_the_proxy_and_it_shows_what_they_send() {
    let server = foreign_server(echo);
    let mut proxy = Proxy::start(server, &["--json"]);
    let (mut client, _) = tungstenite::connect(format!("ws://{}/chat", proxy.address)).unwrap();
    let long = "x".repeat(70_000);
    let ping = Message::Ping(Bytes::from_static(b"are you there"));
    for message in [Message::text("hello"), Message::binary(vec![0, 255]), Message::text(&*long), ping] {
        client.send(message).unwrap();
        client.read().unwrap();
    }
    client.close(None).unwrap();
    while client.read().is_ok() {}
    drop(client);

    let records = proxy.records(2);
    let types: Vec<_> = records[..3].iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["start", "request", "response"]);
    assert_eq!((&records[1]["target"], &records[2]["status"]), (&json!("/chat"), &json!(101)));
    assert!(records.iter().all(|record| record["type"] != "error"), "{records:#?}");
    let cut = json!({"text": long[..1024], "truncated": true});
    let expected = [json!({"text": "hello"}), json!({"hex": "00ff"}), cut, json!({"text": "are you there"})];
    for side in ["client", "server"] {
        let shown: Vec<_> = payloads(&records).into_iter().filter(|(from, _)| *from == side).collect();
        assert_eq!(shown.len(), 5);
        assert!(shown.iter().map(|(_, payload)| payload).zip(&expected).all(|(a, b)| a == b), "{shown:?}");
    }
    let frames: Vec<_> = records.iter().filter(|record| record["opcode"] == "text").collect();
    assert!(frames.iter().all(|frame| frame["mask"].is_string() == (frame["from"] == "client")));
    assert_eq!(frames[2]["length"], 70_000);
}

/// An echo server of ours, with compression.
fn our_server() -> SocketAddr {
    server(|stream| {
        stream.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let served: Result<(), Error> = runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream)?;
            let config = Config::new().deflate(DeflateConfig::new());
            let timers = TimersConfig::new();
            let mut socket = accept_with(stream, config, timers, async |_| Answer::accept()).await?;
            while let Some(message) = socket.recv().await? {
                let message = message.into_owned()?;
                socket.send(&message).await?;
            }
            Ok(())
        });
        served.unwrap();
    })
}

#[test]
fn our_ends_compress_and_the_proxy_shows_both_lengths() {
    let mut proxy = Proxy::start(our_server(), &["--json"]);
    let text = "again and ".repeat(30);
    let url = format!("ws://{}/", proxy.address);
    let output = wscat(&["--deflate", &url], &format!("{text}\n{text}\n/close 4001 bye\n"));
    assert_eq!(result(&output).0, 0, "{}", result(&output).2);

    let records = proxy.records(2);
    assert!(records.iter().all(|record| record["type"] != "error"), "{records:#?}");
    let messages: Vec<_> = records.iter().filter(|record| record["opcode"] == "text").collect();
    assert_eq!(messages.len(), 4);
    for message in messages {
        let inner = &message["message"];
        assert_eq!(inner["payload"], json!({"text": text}));
        assert_eq!((&inner["length"], &inner["compressed"]), (&json!(text.len()), &message["length"]));
        assert!(message["length"].as_u64().unwrap() < 60);
    }
    let closes: Vec<_> = records.iter().filter(|record| record["opcode"] == "close").collect();
    assert_eq!((closes.len(), &closes[0]["close"]), (2, &json!({"code": 4001, "reason": "bye"})));
}

#[cfg(target_os = "linux")]
#[test]
fn the_proxy_accepts_connections_again_after_too_many_files_were_open() {
    let mut proxy = Proxy::start(foreign_server(echo), &["--json"]);
    proxy.limit_files(24);
    let clients: Vec<_> = (0..40).map(|_| TcpStream::connect(proxy.address).unwrap()).collect();
    loop {
        let error = proxy.next_error().expect("the proxy goes on");
        if error.starts_with("cannot accept a connection: ") {
            break;
        }
    }
    drop(clients);
    // Otherwise the connections that still wait could take the files that the next one needs.
    proxy.limit_files(1024);
    let (mut client, _) = tungstenite::connect(format!("ws://{}/", proxy.address)).unwrap();
    client.send(Message::text("hello")).unwrap();
    assert_eq!(client.read().unwrap(), Message::text("hello"));
}

#[test]
fn many_connections_have_numbers_of_their_own() {
    let mut proxy = Proxy::start(foreign_server(echo), &["--json", "--opcode", "text"]);
    let url = format!("ws://{}/", proxy.address);
    let mut clients: Vec<_> = (0..20).map(|_| tungstenite::connect(&url).unwrap().0).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(Message::text(format!("number {number}"))).unwrap();
        client.read().unwrap();
    }
    drop(clients);
    // The filter lets only frames and errors through, among them one error for each side that ends without a
    // Close.
    let mut texts = Vec::new();
    while texts.len() < 40 {
        let record = proxy.next_record();
        texts.extend((record["opcode"] == "text").then_some(record));
    }
    for (index, pair) in texts.chunks(2).enumerate() {
        let payload = json!({"text": format!("number {index}")});
        assert!(
            pair.iter().all(|text| text["payload"] == payload && text["connection"] == index + 1),
            "{pair:?}"
        );
    }
}

#[test]
fn a_client_that_does_not_mask_is_shown_and_the_server_still_gets_every_byte() {
    let server = server(|mut stream| {
        let mut head = [0; 1000];
        let len = stream.read(&mut head).unwrap();
        assert!(head[..len].ends_with(b"\r\n\r\n"));
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut frame = [0; 4];
        stream.read_exact(&mut frame).unwrap();
        stream.write_all(&frame).unwrap();
    });
    let mut proxy = Proxy::start(server, &["--json"]);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![0; 129];
    client.read_exact(&mut answer).unwrap();
    client.write_all(b"\x81\x02hi").unwrap();
    let mut echoed = [0; 4];
    client.read_exact(&mut echoed).unwrap();
    assert_eq!(echoed, *b"\x81\x02hi");
    drop(client);
    let records = proxy.records(2);
    let error = records.iter().find(|record| record["type"] == "error").unwrap();
    assert_eq!((&error["from"], &error["requirement"]["id"]), (&json!("client"), &json!("WS-5.1-03")));
    assert_eq!(payloads(&records), [("client", json!({"text": "hi"})), ("server", json!({"text": "hi"}))]);
}
