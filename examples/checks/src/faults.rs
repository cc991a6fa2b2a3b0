//! What a peer that breaks the rules sees.

use crate::{Client, Example, MAX_MESSAGE, Server, expect, expect_close};
use std::io::{Read, Write};
use tungstenite::{Error, Message};

/// A masked frame whose masking key is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

fn send_raw(client: &mut Client, bytes: &[u8]) {
    client.get_mut().write_all(bytes).unwrap();
    client.get_mut().flush().unwrap();
}

/// The server does not fail together with one of its connections.
fn still_works(server: &Server) {
    let mut client = server.open();
    client.send(Message::text("still there?")).unwrap();
    expect(&mut client, &Message::text("still there?"));
}

pub fn a_broken_frame_is_answered_with_1002(example: &Example) {
    let server = example.start(&[]);
    let broken = [
        // A reserved bit, a reserved opcode, a continuation without a beginning, a fragmented ping.
        frame(0xc1, b"x"),
        frame(0x83, b"x"),
        frame(0x80, b"x"),
        frame(0x09, b"x"),
        // Without a mask.
        b"\x81\x01x".to_vec(),
        // A Close with one byte of payload.
        frame(0x88, b"x"),
    ];
    for broken in broken {
        let mut client = server.open();
        // The echo of a valid message arrives before.
        let mut bytes = frame(0x81, b"valid");
        bytes.extend(broken);
        send_raw(&mut client, &bytes);
        expect(&mut client, &Message::text("valid"));
        expect_close(&mut client, 1002);
    }
    still_works(&server);
}

pub fn invalid_text_is_answered_with_1007(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    send_raw(&mut client, &frame(0x81, b"valid until \xff"));
    expect_close(&mut client, 1007);
    still_works(&server);
}

pub fn a_message_beyond_the_limit_is_answered_with_1009(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    // The header is enough. The server drops the payload, so that it can deliver its Close.
    let header = [0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0];
    assert_eq!(u64::from_be_bytes(header[2..10].try_into().unwrap()), MAX_MESSAGE as u64 + 1);
    send_raw(&mut client, &header);
    send_raw(&mut client, &vec![0; MAX_MESSAGE + 1]);
    expect_close(&mut client, 1009);
    still_works(&server);
}

pub fn a_page_of_another_origin_is_rejected(example: &Example) {
    let server = example.start(&[]);
    let scheme = if example.scheme == "wss" { "https" } else { "http" };
    let own = format!("{scheme}://{}", server.address);
    assert!(server.handshake(server.connect(), Some(&own)).is_ok());
    for origin in ["https://evil.test", "null", "http://127.0.0.1"] {
        match server.handshake(server.connect(), Some(origin)) {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{origin}"),
            Err(other) => panic!("{origin}: {other:?}"),
            Ok(_) => panic!("{origin} was accepted"),
        }
    }
}

/// The whole answer, up to the end of the transport.
fn answer_to(server: &Server, request: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(request).unwrap();
    stream.flush().unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub fn a_request_for_a_page_is_refused(example: &Example) {
    let server = example.start(&[]);
    let answer = answer_to(&server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

pub fn noise_is_refused(example: &Example) {
    let server = example.start(&[]);
    let answer = answer_to(&server, b"\x16\x03\x01 this is not HTTP");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    still_works(&server);
}

pub fn a_peer_that_vanishes_harms_nobody(example: &Example) {
    let server = example.start(&[]);
    // At any point: before the handshake, in the middle of a request, open, in the middle of a message.
    drop(server.connect_tcp());
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    drop(stream);
    drop(server.open());
    let mut client = server.open();
    send_raw(&mut client, &frame(0x01, b"to be continued"));
    drop(client);
    // With an echo that nobody reads, so that the kernel sends a reset.
    let mut client = server.open();
    client.send(Message::binary(vec![7; MAX_MESSAGE])).unwrap();
    drop(client);
    still_works(&server);
}
