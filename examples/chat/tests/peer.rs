//! A peer of the chat on a clock that the test sets, so that no test has to wait.

#[allow(dead_code, reason = "the test calls a part of it")]
#[path = "../src/answer.rs"]
mod answer;
#[allow(dead_code, reason = "the test calls a part of it")]
#[path = "../src/peer.rs"]
mod peer;

use peer::{Peer, READ, network};
use sansws::{CloseCode, State};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// An unfragmented ping without a payload, whose masking key is zero.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A peer whose opening handshake is complete at this time, and the client's end of its transport.
fn open(now: Duration) -> (Peer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, address) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = mio::net::TcpStream::from_std(stream);
    let mut peer = Peer::new(stream, address.ip(), now);
    let request = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.write_all(request.as_bytes()).unwrap();
    while peer.connection.state() == State::Connecting {
        let _ = peer.read(&mut [0; READ], now);
    }
    peer.look_at_clock(now);
    (peer, client)
}

#[test]
fn a_peer_that_does_not_say_its_name_is_closed_even_if_it_sends_pings() {
    let (mut peer, mut client) = open(seconds(1));
    client.write_all(&PING).unwrap();
    while peer.read(&mut [0; READ], seconds(6)).is_err() {}
    peer.look_at_clock(seconds(6));
    assert_eq!(peer.connection.state(), State::Open);
    assert_eq!(peer.timers.next_deadline(), Some(seconds(11)));

    peer.look_at_clock(seconds(11));
    assert_eq!(peer.connection.state(), State::Closing);
    peer.flush(true, seconds(11));
    // The client never answers the Close.
    assert_eq!(peer.timers.next_deadline(), Some(seconds(16)));
    peer.look_at_clock(seconds(16));
    assert!(peer.is_done());
    drop(peer);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    let code = u16::from(CloseCode::TIMEOUT).to_be_bytes();
    assert!(bytes.ends_with(&[&[0x88, 15][..], &code, b"say your name"].concat()), "{bytes:?}");
}

#[test]
fn a_guest_may_be_silent() {
    let (mut peer, _client) = open(seconds(1));
    peer.enter("Ada".to_owned(), seconds(10));
    peer.look_at_clock(seconds(10));
    peer.look_at_clock(seconds(39));
    assert_eq!(peer.connection.state(), State::Open);
    assert!(peer.name.is_some());
    // The next thing to do is a ping.
    assert_eq!(peer.timers.next_deadline(), Some(seconds(40)));
}

#[test]
fn one_machine_cannot_choose_between_many_addresses() {
    let network_of = |address: &str| network(address.parse().unwrap()).to_string();
    assert_eq!(network_of("192.0.2.1"), "192.0.2.1");
    assert_eq!(network_of("::ffff:192.0.2.1"), "192.0.2.1");
    assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}
