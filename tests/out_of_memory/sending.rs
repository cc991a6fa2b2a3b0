//! Memory is short while a connection sends.

use crate::allocator::{allocations, for_each_allocation, has_failed, library};
use crate::observed::retry;
use crate::support::*;
use sansws::{
    Agreed, Client, CloseCode, Config, Connection, DataKind, Message, PreparedMessage, Role, SendError,
    Server,
};

/// One call that sends.
#[derive(Clone, Copy)]
pub enum Send<'a> {
    Message(Message<'a>),
    Prepared(&'a PreparedMessage),
    Fragment(&'a [u8]),
    Finish(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(&'a str),
    CloseWithoutCode,
}

impl Send<'_> {
    pub fn call<R: Role>(self, connection: &mut Connection<R>) -> Result<(), SendError> {
        let tx = connection.sender();
        match self {
            Self::Message(message) => tx.message(message),
            Self::Prepared(message) => tx.prepared(message),
            Self::Fragment(bytes) => tx.fragment(bytes),
            Self::Finish(bytes) => tx.finish(bytes),
            Self::Ping(payload) => tx.ping(payload),
            Self::Pong(payload) => tx.pong(payload),
            Self::Close(reason) => tx.close(CloseCode::NORMAL, reason),
            Self::CloseWithoutCode => tx.close_without_code(),
        }
    }
}

/// Sends all of it, with a write after every third call. Repeats a call that is refused.
pub fn send<R: Role>(mut connection: Connection<R>, calls: &[Send<'_>]) -> Vec<u8> {
    let mut sent = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if matches!(call, Send::Fragment(_)) {
            // The first fragment begins the message, which needs no memory.
            let begun = connection.sender().begin(DataKind::Text);
            assert!(begun.is_ok() || begun == Err(sansws::Misuse::MessageUnfinished.into()));
        }
        retry(&mut connection, |connection| call.call(connection));
        if at % 3 == 2 {
            let len = connection.outgoing().len() / 2;
            sent.extend_from_slice(&connection.outgoing()[..len]);
            library(|| connection.mark_sent(len));
        }
    }
    sent.extend(take_outgoing(&mut connection));
    sent
}

#[test]
fn a_call_that_sends_is_refused_without_memory_and_can_be_repeated() {
    let long = "naïve ".repeat(20_000);
    let long_bytes = vec![8; 70_000];
    let prepared = [PreparedMessage::text(&long).unwrap(), PreparedMessage::binary(b"prepared").unwrap()];
    let all = [
        Send::Message(Message::Text("hello")),
        Send::Message(Message::Binary(&[7; 500])),
        Send::Ping(&[7; 125]),
        Send::Message(Message::Text(&long)),
        Send::Prepared(&prepared[0]),
        Send::Prepared(&prepared[1]),
        Send::Fragment("grün".as_bytes()),
        Send::Fragment(long.as_bytes()),
        Send::Pong(b"unsolicited"),
        Send::Finish(b"end"),
        Send::Message(Message::Binary(&long_bytes)),
    ];
    for close in [Send::Close("bye"), Send::CloseWithoutCode] {
        let calls = [&all[..], &[close]].concat();
        for config in [Config::new(), Config::new().keep_capacity(1 << 20)] {
            let server = || Connection::after_handshake(Server, config, Agreed::NONE);
            let client = || Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
            let expected = frames(&send(server(), &calls));
            assert_eq!(frames(&send(client(), &calls)), expected);
            for_each_allocation(|_| assert!(frames(&send(server(), &calls)) == expected));
            for_each_allocation(|_| assert!(frames(&send(client(), &calls)) == expected));
        }
    }
    // Each of these calls alone, on a connection that holds no memory yet.
    for call in all.into_iter().filter(|call| !matches!(call, Send::Finish(_))) {
        let expected = frames(&send(open_server(), &[call]));
        for_each_allocation(|_| assert!(frames(&send(open_server(), &[call])) == expected));
    }
}

/// A vector that is the next buffer brings its memory along.
#[test]
fn taking_the_outgoing_bytes_allocates_nothing() {
    let run = || {
        let mut connection = open_server();
        let mut taken = Vec::new();
        for round in 0..6 {
            retry(&mut connection, |connection| connection.sender().binary(&[round; 300]));
            let next = Vec::with_capacity(100 * usize::from(round));
            let bytes = library(|| connection.take_outgoing(next));
            taken.extend_from_slice(&bytes);
        }
        frames(&taken)
    };
    let expected = run();
    for_each_allocation(|_| assert!(run() == expected));
    let mut connection = open_server();
    connection.sender().text("hello").unwrap();
    connection.mark_sent(3);
    let mut taken = Vec::new();
    assert_eq!(allocations(|| taken = connection.take_outgoing(Vec::new())), 0);
    assert_eq!(taken, b"ello");
}

/// The second ping comes while the pong for the first one waits, so its pong waits too. If there is no memory
/// for it when the bytes before it leave, it is there after the next call. WS-5.5.2-02
#[test]
fn a_waiting_pong_leaves_when_there_is_memory_again() {
    fn run(write: fn(&mut ServerConnection) -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut connection = open_server();
        connection.sender().binary(&[7; 3000]).unwrap();
        for payload in [b"1", b"2"] {
            feed(&mut connection, &masked_all(&[&frame(0x89, payload)]));
        }
        let mut written = write(&mut connection);
        written.extend(write(&mut connection));
        written.extend(write(&mut connection));
        frames(&written)
    }
    fn take(connection: &mut ServerConnection) -> Vec<u8> {
        library(|| connection.take_outgoing(Vec::new()))
    }
    fn mark(connection: &mut ServerConnection) -> Vec<u8> {
        let bytes = connection.outgoing().to_vec();
        // A loop that has nothing to write does not call `mark_sent`.
        if !bytes.is_empty() {
            library(|| connection.mark_sent(bytes.len()));
        }
        bytes
    }
    for write in [take, mark] {
        let expected = [frame(0x82, &[7; 3000]), frame(0x8a, b"1"), frame(0x8a, b"2")];
        assert_eq!(run(write), expected);
        for_each_allocation(|_| assert_eq!(run(write), expected));
    }
}

#[test]
fn a_header_for_payload_of_the_embedder_needs_no_memory() {
    let (mut server, mut client) = (open_server(), open_client());
    let mut payload = vec![7; 100_000];
    assert_eq!(allocations(|| client.sender().mask_in_place(DataKind::Binary, &mut payload)), 0);
    assert_eq!(allocations(|| server.sender().message_header(Message::Binary(&payload))), 0);
    assert_eq!(allocations(|| server.sender().binary_header(1 << 40)), 0);
    assert!(!has_failed());
}
