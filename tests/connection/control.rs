//! Control frames, RFC 6455 section 5.5: pings, pongs, and the rules that hold for all three opcodes.

use crate::support::*;
use sansws::{
    Agreed, Client, CloseCode, Config, Connection, DataKind, Misuse, OUTGOING_RESERVE, SendError, Server,
    State, Violation,
};

// WS-5.4-05 · WS-5.4-10
#[test]
fn control_frames_may_come_between_fragments() {
    let (reported, sent) = both_roles(&[b"\x01\x01a", b"\x89\x02hi", b"\x8a\x00", b"\x80\x01b"]);
    assert_eq!(reported, [Reported::Ping(b"hi".to_vec()), Reported::Pong(vec![]), Reported::text("ab")]);
    assert_eq!(sent, [b"\x8a\x02hi"]);

    let mut client = open_client();
    feed(&mut client, b"\x01\x01a");
    feed(&mut client, b"\x89\x00");
    assert_eq!(frames(client.outgoing()), [b"\x8a\x00"], "the pong does not wait for the end of the message");
}

// WS-5.4-06 · WS-5.5-03
#[test]
fn control_frames_are_never_fragmented() {
    for first in [0x08, 0x09, 0x0a] {
        assert_fails(&[&[first, 0]], Violation::ControlFragmented);
    }
    let mut server = open_server();
    server.sender().ping(b"").unwrap();
    server.sender().pong(b"").unwrap();
    server.sender().close_without_code().unwrap();
    assert_eq!(server.outgoing(), b"\x89\x00\x8a\x00\x88\x00");
}

// WS-5.5-01
#[test]
fn a_sent_control_frame_has_at_most_125_bytes() {
    let mut server = open_server();
    let tx = server.sender();
    tx.ping(&[1; 125]).unwrap();
    tx.pong(&[1; 125]).unwrap();
    assert_eq!(tx.ping(&[1; 126]), Err(Misuse::ControlTooLong.into()));
    assert_eq!(tx.pong(&[1; 126]), Err(Misuse::ControlTooLong.into()));
    assert_eq!(tx.close(CloseCode::NORMAL, &"r".repeat(124)), Err(Misuse::ReasonTooLong.into()));
    assert_eq!(tx.state(), State::Open, "a refused call changes nothing");
    tx.close(CloseCode::NORMAL, &"r".repeat(123)).unwrap();
    assert_eq!(frames(server.outgoing()).len(), 3);
}

// WS-5.5-02
#[test]
fn a_received_control_frame_has_at_most_125_bytes() {
    for first in [0x88, 0x89, 0x8a] {
        assert_fails(&[&[first, 126, 0, 126]], Violation::ControlTooLong);
        assert_fails(&[&[first, 127, 0, 0, 0, 0, 0, 0, 0, 1]], Violation::ControlTooLong);
    }
    // The second byte is enough to tell.
    assert_eq!(feed(&mut open_client(), b"\x89\x7e"), [Reported::Failed(Violation::ControlTooLong.into())]);
    let longest = frame(0x89, &[7; 125]);
    assert_eq!(both_roles(&[&longest]).0, [Reported::Ping(vec![7; 125])]);
}

// WS-5.5.2-01 · WS-5.5.2-02 · WS-5.5.3-01
#[test]
fn a_ping_is_answered_with_the_same_payload() {
    for len in [0, 1, 5, 125] {
        let payload: Vec<u8> = (0..len).map(|i| 255 - i).collect();
        let (reported, sent) = both_roles(&[&frame(0x89, &payload)]);
        assert_eq!(reported, [Reported::Ping(payload.clone())]);
        assert_eq!(sent, [frame(0x8a, &payload)]);
    }
}

// WS-5.5.2-03
#[test]
fn pings_after_the_peers_close_are_not_answered() {
    let (reported, sent) = both_roles(&[&close_frame(1000_u16), b"\x89\x00"]);
    assert_eq!(reported, [Reported::close(1000, "")]);
    assert_eq!(sent, [close_frame(1000_u16)]);
}

// WS-5.5.2-04
#[test]
fn pings_after_our_own_close_are_still_answered() {
    let mut server = open_server();
    server.sender().close(CloseCode::NORMAL, "").unwrap();
    feed(&mut server, &masked_all(&[b"\x89\x02hi"]));
    assert_eq!(take_outgoing(&mut server), b"\x88\x02\x03\xe8\x8a\x02hi");
    // An embedder that answers pings itself can still do so.
    let mut server = Connection::after_handshake(Server, Config::new().auto_pong(false), Agreed::NONE);
    server.sender().close(CloseCode::NORMAL, "").unwrap();
    server.sender().pong(b"hi").unwrap();
    assert_eq!(server.sender().ping(b""), Err(Misuse::Closed.into()));
}

// WS-5.5.2-05
#[test]
fn the_pong_is_queued_before_data_that_is_sent_later() {
    let mut server = open_server();
    feed(&mut server, &masked_all(&[b"\x89\x00"]));
    server.sender().text("later").unwrap();
    assert_eq!(server.outgoing(), b"\x8a\x00\x81\x05later");
}

// WS-5.5.2-06
#[test]
fn a_ping_can_be_sent_at_any_time_while_the_connection_is_open() {
    let mut server = open_server();
    let tx = server.sender();
    tx.ping(b"1").unwrap();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"a").unwrap();
    tx.ping(b"2").unwrap();
    tx.finish(b"").unwrap();
    assert_eq!(server.outgoing(), b"\x89\x011\x01\x01a\x89\x012\x80\x00");
    let mut connecting: ServerConnection = Connection::server(Config::new());
    assert_eq!(connecting.sender().ping(b""), Err(Misuse::NotOpenYet.into()));
    assert_eq!(connecting.sender().pong(b""), Err(Misuse::NotOpenYet.into()));
}

// WS-5.5.3-02
#[test]
fn after_a_burst_of_pings_only_the_latest_is_answered() {
    let mut server = open_server();
    let pings: Vec<Vec<u8>> = (0..100).map(|i| frame(0x89, &[i; 125])).collect();
    let pings: Vec<&[u8]> = pings.iter().map(Vec::as_slice).collect();
    let reported = feed(&mut server, &masked_all(&pings));
    assert_eq!(reported.len(), 100);
    // The first 16 pings are answered one by one. Of the others only the latest is answered, once those pongs
    // are written.
    let sent = frames(server.outgoing());
    assert_eq!(sent, pings[..16].iter().map(|ping| frame(0x8a, &ping[2..])).collect::<Vec<_>>());
    server.mark_sent(16 * 127 - 1);
    assert_eq!(server.outgoing().len(), 1);
    server.mark_sent(1);
    assert_eq!(server.outgoing(), frame(0x8a, &[99; 125]));
    server.mark_sent(127);
    assert!(server.outgoing().is_empty());

    // A pong may answer the second ping and skip the first: the client only reports it.
    let mut client = open_client();
    client.sender().ping(b"1").unwrap();
    client.sender().ping(b"2").unwrap();
    assert_eq!(feed(&mut client, b"\x8a\x012"), [Reported::Pong(b"2".to_vec())]);
}

#[test]
fn a_postponed_pong_follows_queued_data_but_never_a_close() {
    let open = || Connection::after_handshake(Server, Config::new().max_outgoing(20), Agreed::NONE);
    let mut server = open();
    feed(&mut server, &masked_all(&[b"\x89\x011", b"\x89\x012"]));
    server.sender().text("data").unwrap();
    server.mark_sent(3);
    assert_eq!(server.outgoing(), b"\x81\x04data\x8a\x012");
    // After the peer's Close no further ping is answered.
    let mut server = open();
    feed(&mut server, &masked_all(&[b"\x89\x011", b"\x89\x012", b"\x88\x00"]));
    assert_eq!(take_outgoing(&mut server), b"\x8a\x011\x88\x00");
}

// WS-5.5.3-03
#[test]
fn an_unsolicited_pong_is_only_reported() {
    assert_reports(&[b"\x8a\x01x"], &[Reported::Pong(b"x".to_vec())]);
    let mut server = open_server();
    server.sender().pong(b"alive").unwrap();
    assert_eq!(server.outgoing(), b"\x8a\x05alive");
}

// WS-6.2-02
#[test]
fn a_close_in_the_middle_of_a_message_starts_the_closing_handshake() {
    let (reported, sent) = both_roles(&[b"\x01\x01a", &close_frame(1001_u16), b"\x80\x01b"]);
    assert_eq!(reported, [Reported::close(1001, "")]);
    assert_eq!(sent, [close_frame(1001_u16)]);
}

#[test]
fn automatic_pongs_can_be_turned_off() {
    let (reported, sent) = both_roles_with(Config::new().auto_pong(false), &[b"\x89\x02hi"]);
    assert_eq!(reported, [Reported::Ping(b"hi".to_vec())]);
    assert!(sent.is_empty());
}

#[test]
fn pongs_and_the_close_fit_even_if_the_queue_is_full_of_data() {
    let mut client =
        Connection::after_handshake(Client::new(rng()), Config::new().max_outgoing(20), Agreed::NONE);
    client.sender().text(&"t".repeat(14)).unwrap();
    assert_eq!(client.outgoing().len(), 20);
    assert_eq!(client.sender().ping(b""), Err(SendError::NotNow));
    feed(&mut client, &frame(0x89, &[7; 125]));
    feed(&mut client, &frame(0x89, &[8; 125]));
    client.sender().close(CloseCode::NORMAL, &"r".repeat(123)).unwrap();
    assert_eq!(client.outgoing().len(), 20 + OUTGOING_RESERVE);
}
