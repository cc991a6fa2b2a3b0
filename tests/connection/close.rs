//! The closing handshake and failing the connection, RFC 6455 sections 5.5.1 and 7.

use crate::support::*;
use sansws::{
    CloseCode, Config, Connection, DataKind, Error, EventKind, HandshakeError, Misuse, State, Violation,
};

/// Brings a server into the state that a row of the table names.
type Prepare = fn(&mut ServerConnection);

/// A frame with the unknown opcode 3.
const BAD_FRAME: &[u8] = b"\x83\x00";

// WS-5.5.1-01 · WS-7.4-02
#[test]
fn a_close_frame_is_empty_or_has_a_body() {
    assert_eq!(both_roles(&[b"\x88\x00"]).0, [Reported::close(1005, "")]);
    assert_eq!(both_roles(&[b"\x88\x02\x03\xe8"]).0, [Reported::close(1000, "")]);
    let mut server = open_server();
    server.sender().close_without_code().unwrap();
    assert_eq!(server.outgoing(), b"\x88\x00");
}

// WS-5.5.1-02 · WS-5.5.1-04 · WS-7.1.2-01 · WS-7.4-01
#[test]
fn the_body_of_a_close_is_a_code_and_a_reason() {
    assert_eq!(both_roles(&[b"\x88\x04\x03\xe8ok"]).0, [Reported::close(1000, "ok")]);
    let mut server = open_server();
    server.sender().close(4000.into(), "bye").unwrap();
    assert_eq!(server.outgoing(), b"\x88\x05\x0f\xa0bye");
    let mut server = open_server();
    server.sender().close(CloseCode::GOING_AWAY, "").unwrap();
    assert_eq!(server.outgoing(), b"\x88\x02\x03\xe9");
}

// WS-5.5.1-03
#[test]
fn a_close_body_of_one_byte_is_malformed() {
    assert_fails(&[b"\x88\x01\x03"], Violation::CloseBodyTooShort);
}

// WS-5.5.1-07
#[test]
fn neither_data_nor_pings_can_be_sent_after_our_close() {
    let mut server = open_server();
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"a").unwrap();
    tx.close(CloseCode::NORMAL, "").unwrap();
    for refused in [tx.fragment(b"b"), tx.finish(b""), tx.text("t"), tx.begin(DataKind::Text), tx.ping(b"")] {
        assert_eq!(refused, Err(Misuse::Closed.into()));
    }
    assert_eq!(server.outgoing(), b"\x01\x01a\x88\x02\x03\xe8");
}

// WS-5.5.1-08 · WS-5.5.1-09 · WS-5.5.1-10
#[test]
fn a_close_is_answered_at_once_with_the_same_code() {
    for code in [1000_u16, 1001, 1011, 3000, 4000, 4999] {
        let (reported, sent) = both_roles(&[&close_frame(code)]);
        assert_eq!(reported, [Reported::close(code, "")]);
        assert_eq!(sent, [close_frame(code)]);
    }
    // The answer does not repeat the reason. An empty Close is answered with an empty Close.
    assert_eq!(both_roles(&[b"\x88\x04\x03\xe8ok"]).1, [close_frame(1000_u16)]);
    assert_eq!(both_roles(&[b"\x88\x00"]).1, [b"\x88\x00"]);
}

// WS-5.5.1-11: the answer does not wait until the server has sent its own message. That message is cut off.
#[test]
fn a_close_is_answered_in_the_middle_of_a_message_that_we_send() {
    let mut server = open_server();
    server.sender().begin(DataKind::Text).unwrap();
    server.sender().fragment(b"a").unwrap();
    feed(&mut server, &masked_all(&[b"\x88\x00"]));
    assert_eq!(server.sender().finish(b"b"), Err(Misuse::Closed.into()));
    assert_eq!(server.outgoing(), b"\x01\x01a\x88\x00");
}

// WS-5.5.1-12
#[test]
fn frames_after_the_peers_close_are_dropped() {
    let (reported, sent) = both_roles(&[b"\x88\x00", b"\x81\x01a", BAD_FRAME, b"\x89\x00", b"\x88\x00"]);
    assert_eq!(reported, [Reported::close(1005, "")]);
    assert_eq!(sent, [b"\x88\x00"]);
}

// WS-5.5.1-17 · WS-7.1.2-02
#[test]
fn closes_that_cross_complete_the_closing_handshake() {
    let mut server = open_server();
    server.sender().close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(take_outgoing(&mut server), close_frame(1000_u16));
    assert!(!server.should_disconnect(), "the peer's Close has not arrived yet");
    assert_eq!(feed(&mut server, &masked_all(&[&close_frame(1001_u16)])), [Reported::close(1001, "")]);
    assert!(server.outgoing().is_empty(), "the server sends one Close only");
    assert!(server.should_disconnect());

    // If the peer's Close comes first, the server writes its answer before it asks to disconnect.
    let mut server = open_server();
    feed(&mut server, &masked_all(&[&close_frame(1000_u16)]));
    assert!(!server.should_disconnect());
    take_outgoing(&mut server);
    assert!(server.should_disconnect());
    // A client waits for the server to close the transport.
    let mut client = open_client();
    feed(&mut client, &close_frame(1000_u16));
    take_outgoing(&mut client);
    assert!(!client.should_disconnect());
    assert!(client.receive_eof().is_none());
    assert!(client.should_disconnect());
}

#[test]
fn messages_are_received_until_the_peers_close() {
    let mut pair = Pair::open();
    pair.client.sender().close(CloseCode::NORMAL, "done").unwrap();
    pair.server.sender().text("one more").unwrap();
    assert_eq!(pair.deliver_to_client(), [Reported::text("one more")]);
    assert_eq!(pair.deliver_to_server(), [Reported::close(1000, "done")]);
    assert_eq!(pair.deliver_to_client(), [Reported::close(1000, "")]);
    assert!(pair.server.should_disconnect());
    assert_eq!((pair.client.state(), pair.server.state()), (State::Closing, State::Closing));
    assert!(pair.server.receive_eof().is_none());
    assert!(pair.client.receive_eof().is_none());
    assert_eq!((pair.client.state(), pair.server.state()), (State::Closed, State::Closed));
    assert!(pair.client.is_closed_cleanly() && pair.server.is_closed_cleanly());
}

// WS-7.1.1-02
#[test]
fn bytes_after_the_closing_handshake_are_discarded() {
    let mut server = open_server();
    feed(&mut server, &masked_all(&[b"\x88\x00"]));
    take_outgoing(&mut server);
    assert!(server.should_disconnect());
    assert_eq!(feed(&mut server, &masked_all(&[b"\x81\x01a", b"\x89\x00"])), []);
    assert!(server.receive_eof().is_none());
    assert_eq!(feed(&mut server, b"anything"), []);
    assert!(server.outgoing().is_empty());
}

// WS-7.1.3-01 · WS-7.3-03
#[test]
fn a_close_in_either_direction_begins_the_state_closing() {
    let mut sent = open_server();
    assert_eq!(sent.state(), State::Open);
    sent.sender().close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(sent.state(), State::Closing);
    assert!(!sent.outgoing().is_empty() && !sent.should_disconnect());
    let mut received = open_client();
    feed(&mut received, b"\x88\x00");
    assert_eq!(received.state(), State::Closing);
}

// WS-7.1.4-01 · WS-7.1.4-02 · WS-7.1.5-03 · WS-7.2.1-02
#[test]
fn the_end_of_the_transport_is_an_error_unless_the_peer_has_sent_a_close() {
    let lost = Error::Peer(Violation::UnexpectedEof);
    let no_handshake = Error::Handshake(HandshakeError::UnexpectedEof);
    let table: [(&str, bool, Prepare, Result<(), Error>, u16); 8] = [
        ("connecting", false, |_| {}, Err(no_handshake), 1006),
        ("half a head", false, |c| drop(feed(c, b"GET / HT")), Err(no_handshake), 1006),
        ("open", true, |_| {}, Err(lost), 1006),
        ("inside a frame", true, |c| drop(feed(c, b"\x81\x85abcd")), Err(lost), 1006),
        ("close sent", true, |c| c.sender().close(CloseCode::NORMAL, "").unwrap(), Err(lost), 1006),
        ("close received", true, |c| drop(feed(c, &masked(b"\x88\x02\x0f\xa0", [1; 4]))), Ok(()), 4000),
        (
            "both closes",
            true,
            |c| {
                c.sender().close(CloseCode::NORMAL, "").unwrap();
                feed(c, &masked(b"\x88\x02\x0f\xa0", [1; 4]));
            },
            Ok(()),
            4000,
        ),
        ("failed", true, |c| drop(feed(c, BAD_FRAME)), Err(Violation::UnknownOpcode(3).into()), 1006),
    ];
    for (name, is_open, prepare, expected, code) in table {
        let mut server = if is_open { open_server() } else { Connection::server(Config::new()) };
        prepare(&mut server);
        // A failure is reported once: here, or before.
        let reported = server.error().is_some();
        for is_first in [true, false] {
            let event = server.receive_eof().map(|event| event.kind());
            let failed = expected.err().filter(|_| is_first && !reported).map(|_| EventKind::Failed);
            assert_eq!(event, failed, "{name}");
            assert_eq!(server.state(), State::Closed, "{name}");
            assert_eq!(server.is_closed_cleanly(), expected.is_ok(), "{name}");
            assert_eq!(server.close_code(), Some(code.into()), "{name}");
            assert_eq!(server.error(), expected.err(), "{name}");
            assert!(server.should_disconnect(), "{name}");
        }
    }
}

// WS-7.1.5-01 · WS-7.1.6-01
#[test]
fn the_first_close_received_gives_code_and_reason() {
    let mut server = open_server();
    assert_eq!((server.peer_close(), server.close_code()), (None, None));
    server.sender().close(CloseCode::NORMAL, "ours").unwrap();
    assert_eq!((server.peer_close(), server.close_code()), (None, None));
    feed(&mut server, &masked_all(&[b"\x88\x05\x0f\xa0bye", b"\x88\x06\x0f\xa1late"]));
    let close = server.peer_close().unwrap();
    assert_eq!((close.code, close.reason), (4000.into(), "bye"));
    assert_eq!(server.close_code(), Some(4000.into()));
    let mut client = open_client();
    feed(&mut client, b"\x88\x02\x03\xe8");
    assert_eq!(client.peer_close().unwrap().reason, "");
}

// WS-7.1.5-02 · WS-7.4.1-05
#[test]
fn a_close_without_a_code_is_reported_as_1005_which_is_never_sent() {
    let (reported, sent) = both_roles(&[b"\x88\x00"]);
    assert_eq!(reported, [Reported::close(1005, "")]);
    assert_eq!(sent, [b"\x88\x00"]);
    let mut server = open_server();
    assert_eq!(
        server.sender().close(CloseCode::NO_STATUS_RECEIVED, ""),
        Err(Misuse::CloseCodeNotAllowed.into())
    );
}

// WS-7.1.7-05 · WS-7.4.1-02 · WS-10.7-03
#[test]
fn a_failure_sends_a_close_with_the_code_for_its_cause() {
    for (frames, code) in [
        (&[BAD_FRAME][..], 1002_u16),
        (&[b"\x81\x01\xff"], 1007),
        (&[b"\x82\x7f\x10\0\0\0\0\0\0\0"], 1009),
        (&[b"\x88\x03\x03\xe8\xff"], 1007),
    ] {
        assert_eq!(both_roles(frames).1, [close_frame(code)], "{frames:02x?}");
    }
}

// WS-7.1.7-07
#[test]
fn a_failure_after_our_close_sends_no_second_close() {
    let mut server = open_server();
    server.sender().close(CloseCode::NORMAL, "").unwrap();
    take_outgoing(&mut server);
    assert_eq!(feed(&mut server, BAD_FRAME), [Reported::Failed(Violation::UnknownOpcode(3).into())]);
    assert!(server.outgoing().is_empty());
    assert!(server.should_disconnect());
    assert_eq!(server.state(), State::Closed);
}

// WS-7.1.7-08
#[test]
fn nothing_is_processed_after_a_failure() {
    let (reported, sent) = both_roles(&[BAD_FRAME, b"\x81\x01a", b"\x89\x00", b"\x88\x00"]);
    assert_eq!(reported, [Reported::Failed(Violation::UnknownOpcode(3).into())]);
    assert_eq!(sent, [close_frame(1002_u16)]);
    let mut client = open_client();
    assert_eq!(feed(&mut client, BAD_FRAME), [Reported::Failed(Violation::UnknownOpcode(3).into())]);
    for bytes in [BAD_FRAME, b"\x81\x01a", b""] {
        assert_eq!(feed(&mut client, bytes), []);
        assert_eq!(client.error(), Some(Violation::UnknownOpcode(3).into()));
    }
    assert_eq!(client.peer_close(), None);
    assert_eq!(client.state(), State::Closing, "its Close is not written yet");
    take_outgoing(&mut client);
    assert_eq!(client.state(), State::Closed);
}

fn allowed_codes() -> impl Iterator<Item = u16> {
    (1000..=1003).chain(1007..=1014).chain(3000..=4999)
}

// WS-7.4.1-01 · WS-7.4.1-03 · WS-7.4.1-04 · WS-7.4.1-06 · WS-7.4.1-07 · WS-7.4.1-08 · WS-7.4.1-14
// WS-7.4.1-15 · WS-7.4.1-16 · WS-7.4.2-01 · WS-7.4.2-02 · WS-7.4.2-03 · WS-7.4.2-04 · WS-7.4.2-05
// WS-7.4.2-06 · WS-11.7-01
#[test]
fn only_allowed_close_codes_can_be_received_and_sent() {
    let allowed: Vec<u16> = allowed_codes().collect();
    for code in 0..=u16::MAX {
        let is_allowed = allowed.binary_search(&code).is_ok();
        assert_eq!(CloseCode::from(code).is_allowed_on_wire(), is_allowed, "{code}");

        let mut client = open_client();
        let reported = feed(&mut client, &close_frame(code));
        let sent = frames(&take_outgoing(&mut client));
        if is_allowed {
            assert_eq!(reported, [Reported::close(code, "")]);
            assert_eq!(sent, [close_frame(code)]);
        } else {
            let violation = Violation::CloseCodeNotAllowed(code.into());
            assert_eq!(reported, [Reported::Failed(violation.into())]);
            assert_eq!(sent, [close_frame(1002_u16)], "the code is not echoed");
        }

        let mut client = open_client();
        let result = client.sender().close(code.into(), "");
        assert_eq!(result.is_ok(), is_allowed, "{code}");
        assert_eq!(client.outgoing().is_empty(), !is_allowed);
    }
}

// WS-7.4.1-13
#[test]
fn a_server_never_sends_1010() {
    let mut server = open_server();
    let refused = Err(Misuse::CloseCodeNotAllowed.into());
    assert_eq!(server.sender().close(CloseCode::MANDATORY_EXTENSION, ""), refused);
    assert_eq!(server.state(), State::Open);
    open_client().sender().close(CloseCode::MANDATORY_EXTENSION, "x").unwrap();
}

#[test]
fn close_codes_are_displayed_with_their_names() {
    for (code, text) in [
        (CloseCode::NORMAL, "1000 (normal)"),
        (CloseCode::SERVICE_RESTART, "1012 (service restart)"),
        (CloseCode::BAD_GATEWAY, "1014 (bad gateway)"),
        (CloseCode::UNAUTHORIZED, "3000 (unauthorized)"),
        (CloseCode::FORBIDDEN, "3003 (forbidden)"),
        (CloseCode::TIMEOUT, "3008 (timeout)"),
        (CloseCode::from(4321), "4321"),
    ] {
        assert_eq!(code.to_string(), text);
    }
}

// WS-10.7-02
#[test]
fn a_half_closed_transport_can_still_be_written() {
    // The peer shuts down its direction in the middle of a conversation. The server still writes its queued
    // bytes.
    let mut server = open_server();
    server.sender().text("last words").unwrap();
    assert!(server.receive_eof().is_some());
    assert_eq!(server.outgoing(), b"\x81\x0alast words");
    take_outgoing(&mut server);
    assert!(server.should_disconnect());
}
