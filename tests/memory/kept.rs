//! Memory that an idle or a failed connection must not keep.

use crate::held;
use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, Event, Server};

/// Only the event shows that the body of the Close is bad. The next call of `receive`, which ends every loop,
/// returns the memory.
#[test]
fn a_bad_close_inside_of_a_message_returns_its_memory() {
    for opcode in [0x01, 0x02] {
        let mut message = masked(&frame(opcode, &vec![b'a'; 60_000]), [1, 2, 3, 4]);
        let mut close = masked(&close_frame(1005_u16), [1, 2, 3, 4]);
        let before = held();
        let config = Config::new().keep_capacity(1 << 20);
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        assert!(server.receive(&mut &mut message[..]).is_none());
        assert!(held() - before >= 60_000);
        let mut input = &mut close[..];
        assert!(matches!(server.receive(&mut input), Some((Event::Failed, _))));
        assert!(server.receive(&mut input).is_none());
        assert!(held() - before <= 256, "{} bytes", held() - before);
    }
}

/// The large message ends in a read that also brings a ping, so the buffer holds the ping when the message is
/// dropped. An empty buffer then keeps no more than `keep_capacity` allows.
#[test]
fn a_ping_behind_a_large_message_leaves_no_memory() {
    const KEEP: usize = 16 * 1024;
    let large = frame(0x02, &vec![7; 500_000]);
    let rest = [frame(0x80, b"end"), frame(0x89, b"ping")].concat();
    let before = held();
    let mut client =
        Connection::after_handshake(Client::new(rng()), Config::new().keep_capacity(KEEP), Agreed::NONE);
    assert!(client.receive(&mut &mut large.clone()[..]).is_none());
    let room = client.receive_buffer().expect("the message is large");
    room[..rest.len()].copy_from_slice(&rest);
    client.mark_received(rest.len());
    let mut events = 0;
    while client.receive(&mut &mut [][..]).is_some() {
        events += 1;
    }
    assert_eq!(events, 2);
    client.mark_sent(usize::MAX);
    assert!(held() - before <= 2 * KEEP, "{} bytes", held() - before);
}

/// The embedder borrows the receive buffer and then passes the whole payload as input.
#[test]
fn a_loan_that_was_not_used_leaves_no_memory() {
    let mut message = frame(0x82, &vec![7; 100_000]);
    let before = held();
    let mut client = Connection::after_handshake(Client::new(rng()), Config::new(), Agreed::NONE);
    let (header, payload) = message.split_at_mut(10);
    assert!(client.receive(&mut &mut header[..]).is_none());
    assert!(client.receive_buffer().is_some());
    let mut input = &mut payload[..];
    assert!(matches!(client.receive(&mut input), Some((Event::Message(_), _))));
    assert!(client.receive(&mut input).is_none());
    assert_eq!(held() - before, 0);
}
