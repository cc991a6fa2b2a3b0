//! What a healthy peer sees.

use crate::{Client, Example, MAX_MESSAGE, expect, expect_close};
use std::thread;
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

pub fn messages_come_back(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    for message in [
        Message::text("Hello"),
        Message::text(""),
        Message::text("grüß Gott, \u{1f980}"),
        Message::binary(vec![]),
        Message::binary((0..=255).collect::<Vec<u8>>()),
        Message::text("x".repeat(70_000)),
        Message::binary(vec![7; MAX_MESSAGE]),
    ] {
        client.send(message.clone()).unwrap();
        expect(&mut client, &message);
    }
}

pub fn a_long_fragmented_message_comes_back(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    let payload: Vec<u8> = (0..=250).cycle().take(MAX_MESSAGE).collect();
    // The shortest ones are as many as a message may have.
    for len in [256, 2000, 64 << 10] {
        send_fragments(&mut client, &payload, len);
        expect(&mut client, &Message::binary(payload.clone()));
    }
}

/// A binary message in fragments of this length, with a ping behind each 64th.
fn send_fragments(client: &mut Client, payload: &[u8], len: usize) {
    let count = payload.len().div_ceil(len);
    for (at, piece) in payload.chunks(len).enumerate() {
        let opcode = OpCode::Data(if at == 0 { Data::Binary } else { Data::Continue });
        client.write(Message::Frame(Frame::message(piece.to_vec(), opcode, at + 1 == count))).unwrap();
        if at % 64 == 63 && at + 1 < count {
            client.send(Message::Ping("in between".into())).unwrap();
            expect(client, &Message::Pong("in between".into()));
        }
    }
    client.flush().unwrap();
}

pub fn small_messages_in_one_write_come_back(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    for i in 0..10_000 {
        client.write(Message::text(format!("message {i}"))).unwrap();
    }
    client.flush().unwrap();
    for i in 0..10_000 {
        expect(&mut client, &Message::text(format!("message {i}")));
    }
}

/// Four peers with eight messages under way each, 32 KiB on average.
pub fn messages_come_back_while_more_arrive(example: &Example) {
    let server = example.start(&[]);
    let clients: Vec<_> = (0_u8..4)
        .map(|number| {
            let mut client = server.open();
            thread::spawn(move || {
                // A window of eight messages is under way.
                for i in 0..136 {
                    if i < 128 {
                        let payload = vec![number; 1000 * (i % 66)];
                        client.send(Message::binary(payload)).unwrap();
                    }
                    if i >= 8 {
                        expect(&mut client, &Message::binary(vec![number; 1000 * ((i - 8) % 66)]));
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

pub fn a_ping_is_answered(example: &Example) {
    let server = example.start(&[]);
    let mut client = server.open();
    for payload in [&b""[..], b"still there?", &[7; 125]] {
        client.send(Message::Ping(payload.to_vec().into())).unwrap();
        expect(&mut client, &Message::Pong(payload.to_vec().into()));
    }
}

pub fn a_close_is_answered_with_its_code(example: &Example) {
    let server = example.start(&[]);
    for code in [1000, 1001, 3000, 4999] {
        let mut client = server.open();
        let frame = CloseFrame { code: CloseCode::from(code), reason: "enough".into() };
        client.close(Some(frame)).unwrap();
        expect_close(&mut client, code);
    }
}

pub fn a_server_that_ends_closes_its_connections(example: &Example) {
    for signal in ["INT", "TERM"] {
        let mut server = example.start(&[]);
        let mut clients: Vec<Client> = (0..10).map(|_| server.open()).collect();
        // This one has not sent its request, and there is nothing to wait for.
        let _silent = server.connect_tcp();
        clients[0].send(Message::text("last words")).unwrap();
        expect(&mut clients[0], &Message::text("last words"));
        server.signal(signal);
        for mut client in clients {
            expect_close(&mut client, 1001);
        }
        assert!(server.wait().success());
    }
}
