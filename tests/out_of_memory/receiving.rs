//! Memory is short while an open connection receives.

use crate::allocator::{for_each_allocation, library};
use crate::observed::*;
use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, Delivery, Role, Server};

/// Gives `frames` to a server and to a client, in pieces of several lengths and in both ways, once for each
/// allocation, which then fails.
fn receive(config: Config, frames: &[&[u8]]) {
    let (to_server, to_client) = (masked_all(frames), frames.concat());
    let lengths = |len: usize| {
        let short = if len < 400 { vec![1, 3] } else { vec![] };
        short.into_iter().chain([7 + len / 9, 1 + len / 2, len])
    };
    for way in [Way::Receive, Way::Tokens] {
        for len in lengths(to_server.len()) {
            let pieces = pieces(&to_server, len);
            runs(|| Connection::after_handshake(Server, config, Agreed::NONE), &pieces, way);
        }
        for len in lengths(to_client.len()) {
            let pieces = pieces(&to_client, len);
            runs(|| Connection::after_handshake(Client::new(rng()), config, Agreed::NONE), &pieces, way);
        }
    }
}

pub fn runs<R: Role + Decide>(open: impl Fn() -> Connection<R>, pieces: &[&[u8]], way: Way) {
    let run = || {
        let mut connection = library(&open);
        let observed = Observed::of(&mut connection, pieces, way, NO_REQUEST);
        (connection, observed)
    };
    let (_, expected) = run();
    for_each_allocation(|shortage| {
        let (connection, observed) = run();
        observed.assert_open(&connection, &expected, shortage);
    });
}

const KEEPING: Config = Config::new().keep_capacity(1 << 20);
const PARTS: Config = Config::new().delivery(Delivery::Parts);

// WS-7.1.7-05
#[test]
fn a_message_that_arrives_in_pieces_needs_memory() {
    for config in [Config::new(), KEEPING] {
        receive(config, &[&frame(0x82, &[7; 300]), &frame(0x82, b"short"), &frame(0x88, b"")]);
        receive(config, &[&frame(0x82, &[7; 9000]), &frame(0x82, &vec![8; 70_000])]);
        receive(config, &[&frame(0x02, &[7; 100]), &frame(0, &[8; 2000]), &frame(0x80, b"end")]);
    }
}

#[test]
fn a_text_that_arrives_in_pieces_needs_memory() {
    let latin = "abcdefgh".repeat(40);
    let mixed = format!("{latin}ä{latin}€😀{latin}");
    let long = "naïve ".repeat(2000);
    for config in [Config::new(), KEEPING] {
        for text in ["grün", &latin, &mixed] {
            receive(config, &[&frame(0x81, text.as_bytes()), &frame(0x81, text.as_bytes())]);
            let (first, second) = text.as_bytes().split_at(text.len() - 2);
            receive(config, &[&frame(1, first), &frame(0, second), &frame(0x80, b"!")]);
        }
        receive(config, &[&frame(0x81, long.as_bytes())]);
    }
}

// WS-5.5.2-02 · WS-5.5.1-08
#[test]
fn a_control_frame_that_a_read_cuts_needs_memory() {
    for payload in [&b""[..], b"x", &[7; 125]] {
        receive(Config::new(), &[&frame(0x89, payload), &frame(0x8a, payload), &frame(0x89, b"again")]);
        receive(KEEPING, &[&frame(0x02, b"be"), &frame(0x89, payload), &frame(0x80, b"tween")]);
    }
    receive(Config::new(), &[&frame(0x88, b"\x03\xe8goodbye")]);
    receive(Config::new(), &[&frame(0x88, b"")]);
}

/// The pongs of a flood of pings wait, and are queued later.
#[test]
fn a_flood_of_pings_needs_memory() {
    let ping = masked(&frame(0x89, &[7; 125]), [1, 2, 3, 4]);
    let run = || {
        let mut connection = open_server();
        let mut observed = Observed::default();
        for _ in 0..20 {
            observed.receive(&mut connection, &ping, Way::Receive, NO_REQUEST);
        }
        // The peer reads slowly.
        while !connection.outgoing().is_empty() {
            let len = connection.outgoing().len().min(50);
            observed.sent.extend_from_slice(&connection.outgoing()[..len]);
            library(|| connection.mark_sent(len));
        }
        (connection, observed)
    };
    let (_, expected) = run();
    for_each_allocation(|shortage| {
        let (mut connection, mut observed) = run();
        if observed.reported == expected.reported && observed.sent != expected.sent {
            // There was no memory for the last pong when its turn came. It leaves after the next frame.
            connection.sender().text("").unwrap();
            observed.take_outgoing(&mut connection);
            let pongs = &expected.sent[..expected.sent.len() - 127];
            assert_eq!(observed.sent, [pongs, &frame(0x81, b""), &frame(0x8a, &[7; 125])].concat());
        } else {
            observed.assert_open(&connection, &expected, shortage);
        }
    });
}

#[test]
fn parts_need_memory_only_for_control_frames() {
    let text = "naïve ".repeat(30);
    receive(PARTS, &[&frame(1, text.as_bytes()), &frame(0x89, b"ping"), &frame(0x80, b"end")]);
    receive(PARTS, &[&frame(2, &[7; 5000]), &frame(0x89, b"ping"), &frame(0x80, b"end")]);
}

/// If there is no memory to lend, the embedder reads into its own buffer.
#[test]
fn reading_into_the_receive_buffer_needs_memory() {
    let frames = [
        frame(0x82, &vec![7; 200_000]),
        frame(0x02, &vec![8; 100_000]),
        frame(0x89, b"ping"),
        frame(0x80, &vec![9; 90_000]),
    ];
    let bytes = masked_all(&[&frames[0], &frames[1], &frames[2], &frames[3]]);
    for config in [Config::new(), KEEPING] {
        let run = || {
            let mut connection = Connection::after_handshake(Server, config, Agreed::NONE);
            let mut observed = Observed::default();
            let mut rest = &bytes[..];
            while !rest.is_empty() && connection.error().is_none() {
                let read = if let Some(room) = library(|| connection.receive_buffer()) {
                    let len = room.len().min(rest.len()).min(20_000);
                    room[..len].copy_from_slice(&rest[..len]);
                    library(|| connection.mark_received(len));
                    observed.receive(&mut connection, &[], Way::Receive, NO_REQUEST);
                    len
                } else {
                    let len = rest.len().min(4096);
                    observed.receive(&mut connection, &rest[..len], Way::Receive, NO_REQUEST);
                    len
                };
                rest = &rest[read..];
                observed.take_outgoing(&mut connection);
            }
            (connection, observed)
        };
        let (_, expected) = run();
        assert_eq!(expected.reported.len(), 3);
        for_each_allocation(|shortage| {
            let (connection, observed) = run();
            observed.assert_open(&connection, &expected, shortage);
        });
    }
}
