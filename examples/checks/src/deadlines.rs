//! Peers that are slow, silent or gone. Each server runs with short deadlines, and each check ends when the
//! server acts.

use crate::{Client, Example, MAX_MESSAGE, Server, expect};
use std::io::{Read, Write};
use std::thread;
use tungstenite::{Bytes, Message};

fn impatient(example: &Example) -> Server {
    example.start(&["--patience", "0.5"])
}

/// Reads until the server ends the transport.
fn wait_for_end(stream: &mut impl Read) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(len) => bytes.extend_from_slice(&buffer[..len]),
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                panic!("the server still waits after {} bytes", bytes.len());
            }
            // A reset.
            Err(_) => return bytes,
        }
    }
}

pub fn a_peer_that_sends_no_request_is_dropped(example: &Example) {
    let server = impatient(example);
    // The second peer sends a byte of its request now and then, which does not help.
    let mut silent = server.connect_tcp();
    let mut slow = server.connect();
    let sender = thread::spawn(move || {
        let mut bytes = b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
        while slow.write_all(&[*bytes.next().unwrap()]).and_then(|()| slow.flush()).is_ok() {
            thread::park_timeout(std::time::Duration::from_millis(20));
        }
    });
    wait_for_end(&mut silent);
    sender.join().unwrap();
}

pub fn a_peer_that_answers_no_ping_is_dropped(example: &Example) {
    let server = impatient(example);
    let mut client = server.open();
    client.send(Message::text("then silence")).unwrap();
    expect(&mut client, &Message::text("then silence"));
    // tungstenite would answer, so nobody reads the frames.
    let bytes = wait_for_end(client.get_mut());
    assert_eq!(bytes.first(), Some(&0x89), "the only thing that arrives is a ping: {bytes:?}");
    assert_eq!(bytes.len(), 6, "{bytes:?}");
}

pub fn a_peer_that_answers_pings_stays(example: &Example) {
    // Each pong has to arrive within this time, on a busy machine too.
    let server = example.start(&["--patience", "1"]);
    let mut client = server.open();
    for _ in 0..3 {
        let ping = client.read().unwrap();
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
        client.flush().unwrap();
    }
    client.send(Message::text("still there?")).unwrap();
    while let Message::Ping(_) = client.read().unwrap() {}
    client.close(None).unwrap();
    loop {
        match client.read() {
            Ok(_) => {}
            Err(error) => break assert!(matches!(error, tungstenite::Error::ConnectionClosed), "{error}"),
        }
    }
}

/// The server ends its direction after the closing handshake. If the peer does not do the same, the server
/// gives up, and then the system answers each byte with a reset.
pub fn a_peer_that_does_not_end_its_transport_is_dropped(example: &Example) {
    let server = impatient(example);
    let mut client = server.open();
    let stream = client.get_mut();
    // A Close with code 1000.
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).unwrap();
    stream.flush().unwrap();
    assert_eq!(wait_for_end(stream), [0x88, 0x02, 0x03, 0xe8]);
    while stream.write_all(&[0]).and_then(|()| stream.flush()).is_ok() {
        thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

/// Each peer sends as much as the server takes, and reads nothing.
pub fn a_peer_that_never_reads_is_dropped_and_costs_little_memory(example: &Example) {
    const PEERS: usize = 8;
    /// The echo of one message of a quarter MiB, and the buffers around it.
    const EACH: usize = 1 << 20;
    /// What the buffers of the system take in both directions.
    const SYSTEM: usize = 100 << 20;
    let server = example.start(&["--patience", "1"]);
    // The first connection fills what the server holds for all of them.
    let mut witness = server.open();
    witness.send(Message::binary(vec![7; MAX_MESSAGE])).unwrap();
    expect(&mut witness, &Message::binary(vec![7; MAX_MESSAGE]));
    drop(witness);
    let before = server.memory("VmHWM");
    let payload = Bytes::from(vec![7; MAX_MESSAGE / 4]);
    let floods: Vec<_> = (0..PEERS)
        .map(|_| {
            let (mut client, payload): (Client, _) = (server.open(), payload.clone());
            thread::spawn(move || {
                let mut sent = 0;
                while sent < SYSTEM && client.send(Message::Binary(payload.clone())).is_ok() {
                    sent += payload.len();
                }
                sent
            })
        })
        .collect();
    for flood in floods {
        let sent = flood.join().unwrap();
        assert!(sent < SYSTEM, "the server has taken {sent} bytes, although nobody reads their echo");
        println!("a peer could send {} MiB", sent >> 20);
    }
    let grown = server.memory("VmHWM") - before;
    println!("{PEERS} such peers took {} KiB", grown >> 10);
    assert!(grown < PEERS * EACH, "{grown} bytes");
    let mut client = server.open();
    client.send(Message::text("still there?")).unwrap();
    expect(&mut client, &Message::text("still there?"));
}
