//! Base framing, RFC 6455 sections 5.2, 5.6, 6.1 and 6.2.

use crate::support::*;
use sansws::{Agreed, CloseCode, Config, Connection, DataKind, Misuse, Server, State, Violation};

// WS-6.2-01 · WS-5.2-08 · WS-5.2-19 · WS-6.2-07
#[test]
fn the_examples_of_section_5_7_are_understood() {
    assert_reports(&[b"\x81\x05Hello"], &[Reported::text("Hello")]);
    let masked_hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(feed(&mut open_server(), &masked_hello), [Reported::text("Hello")]);
    // The length does not include the key: the next frame begins right after the payload.
    let two = [masked_hello, masked_hello].concat();
    assert_eq!(feed(&mut open_server(), &two), [Reported::text("Hello"), Reported::text("Hello")]);
    assert_reports(&[b"\x01\x03Hel", b"\x80\x02lo"], &[Reported::text("Hello")]);
    let (reported, sent) = both_roles(&[b"\x89\x05Hello"]);
    assert_eq!(reported, [Reported::Ping(b"Hello".to_vec())]);
    assert_eq!(sent, [b"\x8a\x05Hello"]);
    let bytes = vec![7; 256];
    assert_reports(&[&[b"\x82\x7e\x01\x00", &bytes[..]].concat()], &[Reported::binary(&bytes)]);
    let bytes = vec![9; 65536];
    assert_reports(&[&[b"\x82\x7f\0\0\0\0\0\x01\0\0", &bytes[..]].concat()], &[Reported::binary(&bytes)]);
}

/// Behind these cuts, the bytes look like a message of their own, which the fast path would take.
#[test]
fn the_rest_of_a_header_is_not_taken_for_a_message() {
    // A text of two bytes. From the second byte on: a binary message of one byte.
    let masked = [0x81, 0x82, 0x81, b'k', b'e', b'y', 0x81 ^ b'h', b'k' ^ b'i'];
    assert_eq!(feed_cut(&mut open_server(), &masked, [1]), [Reported::text("hi")]);
    // A binary message of 0x8203 bytes. From the third byte on: a binary message of three bytes.
    let payload = vec![7; 0x8203];
    let frame = [b"\x82\x7e\x82\x03", &payload[..]].concat();
    assert_eq!(feed_cut(&mut open_client(), &frame, [2]), [Reported::binary(&payload)]);
}

// WS-5.2-07
#[test]
fn each_opcode_has_its_own_event_and_call() {
    assert_reports(&[b"\x81\x01t"], &[Reported::text("t")]);
    assert_reports(&[b"\x82\x01b"], &[Reported::binary(b"b")]);
    assert_reports(&[b"\x01\x01t", b"\x80\x01c"], &[Reported::text("tc")]);
    assert_eq!(both_roles(&[b"\x88\x00"]).0, [Reported::close(1005, "")]);
    assert_eq!(both_roles(&[b"\x89\x01i"]).0, [Reported::Ping(b"i".to_vec())]);
    assert_reports(&[b"\x8a\x01o"], &[Reported::Pong(b"o".to_vec())]);

    let mut server = open_server();
    let tx = server.sender();
    tx.text("t").unwrap();
    tx.binary(b"b").unwrap();
    tx.begin(DataKind::Binary).unwrap();
    tx.fragment(b"").unwrap();
    tx.finish(b"").unwrap();
    tx.ping(b"").unwrap();
    tx.pong(b"").unwrap();
    tx.close_without_code().unwrap();
    let opcodes: Vec<u8> = frames(server.outgoing()).iter().map(|frame| frame[0] & 0x0f).collect();
    assert_eq!(opcodes, [0x1, 0x2, 0x2, 0x0, 0x9, 0xa, 0x8]);
}

// WS-5.2-03 · WS-5.2-04 · WS-4.1-65 · WS-9.1-06
#[test]
fn reserved_bits_fail_the_connection_on_every_frame() {
    for (bits, value) in [(0x40, 4), (0x20, 2), (0x10, 1), (0x70, 7)] {
        for first in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
            assert_fails(&[&[first | bits, 0]], Violation::ReservedBits(value));
        }
        assert_fails(&[b"\x01\x00", &[0x80 | bits, 0]], Violation::ReservedBits(value));
    }
}

// WS-5.2-05
#[test]
fn unknown_data_opcodes_fail_the_connection() {
    for opcode in 0x3..=0x7 {
        assert_fails(&[&[0x80 | opcode, 0]], Violation::UnknownOpcode(opcode));
        assert_fails(&[&[opcode, 0]], Violation::UnknownOpcode(opcode));
    }
}

// WS-5.2-06
#[test]
fn unknown_control_opcodes_fail_the_connection() {
    for opcode in 0xb..=0xf {
        assert_fails(&[&[0x80 | opcode, 0]], Violation::UnknownOpcode(opcode));
    }
}

// WS-5.2-02
#[test]
fn sent_frames_have_no_reserved_bits() {
    let mut server = open_server();
    let mut client = open_client();
    send_one_of_each(server.sender());
    send_one_of_each(client.sender());
    for bytes in [take_outgoing(&mut server), take_outgoing(&mut client)] {
        let frames = frames(&bytes);
        assert_eq!(frames.len(), 7);
        assert!(frames.iter().all(|frame| frame[0] & 0x70 == 0));
    }
}

fn send_one_of_each<R: sansws::Role, S: sansws::Storage>(tx: &mut sansws::Sender<R, S>) {
    tx.text("t").unwrap();
    tx.binary(b"b").unwrap();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"f").unwrap();
    tx.finish(b"f").unwrap();
    tx.ping(b"p").unwrap();
    tx.pong(b"p").unwrap();
    tx.close(CloseCode::NORMAL, "").unwrap();
}

// WS-5.2-09 · WS-5.2-10 · WS-5.2-11 · WS-5.2-13 · WS-5.3-08
#[test]
fn payload_lengths_of_every_form_are_sent_and_received() {
    for (len, short) in [(0, 0), (1, 1), (125, 125), (126, 126), (65535, 126), (65536, 127), (70_000, 127)] {
        let payload: Vec<u8> = (0..len).map(|i: usize| u8::try_from(i % 251).unwrap()).collect();
        let mut pair = Pair::open();
        pair.client.sender().binary(&payload).unwrap();
        assert_eq!(pair.client.outgoing()[1], 0x80 | short);
        assert_eq!(pair.deliver_to_server(), [Reported::binary(&payload)]);
        pair.server.sender().binary(&payload).unwrap();
        assert_eq!(pair.server.outgoing()[1], short);
        assert_eq!(pair.deliver_to_client(), [Reported::binary(&payload)]);
    }
}

// WS-5.2-12
#[test]
fn a_64_bit_length_with_the_top_bit_set_fails() {
    assert_fails(&[b"\x82\x7f\x80\0\0\0\0\0\0\0"], Violation::LengthTopBit);
    assert_fails(&[b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"], Violation::LengthTopBit);
}

// WS-5.2-14
#[test]
fn a_16_bit_length_below_126_fails() {
    assert_fails(&[b"\x82\x7e\x00\x7d"], Violation::LengthNotMinimal);
    assert_fails(&[b"\x82\x7e\x00\x00"], Violation::LengthNotMinimal);
    assert_reports(&[&[b"\x82\x7e\x00\x7e", &[1; 126][..]].concat()], &[Reported::binary(&[1; 126])]);
}

// WS-5.2-15
#[test]
fn a_64_bit_length_below_65536_fails() {
    assert_fails(&[b"\x82\x7f\0\0\0\0\0\0\xff\xff"], Violation::LengthNotMinimal);
    assert_fails(&[b"\x82\x7f\0\0\0\0\0\0\0\x7d"], Violation::LengthNotMinimal);
}

// WS-5.2-18 · WS-5.6-03
#[test]
fn binary_payloads_are_delivered_unchanged() {
    let every: Vec<u8> = (0..=255).collect();
    assert_reports(&[&frame(0x82, &every)], &[Reported::binary(&every)]);
    assert_reports(&[b"\x82\x02\xff\xfe"], &[Reported::binary(b"\xff\xfe")]);
}

// WS-5.2-20
#[test]
fn empty_payloads_are_legal() {
    assert_reports(&[b"\x81\x00"], &[Reported::text("")]);
    assert_reports(&[b"\x82\x00"], &[Reported::binary(b"")]);
    assert_reports(&[b"\x01\x00", b"\x80\x00"], &[Reported::text("")]);
}

// WS-5.2-01
#[test]
fn one_frame_can_be_a_whole_message() {
    assert_reports(&[b"\x81\x01a"], &[Reported::text("a")]);
}

// WS-6.1-01
#[test]
fn a_message_can_be_sent_only_while_the_connection_is_open() {
    let mut pair = Pair::new(Config::new());
    let request = pair.client.outgoing().to_vec();
    assert_eq!(pair.client.state(), State::Connecting);
    assert_all_refused(pair.client.sender(), Misuse::NotOpenYet);
    assert_all_refused(pair.server.sender(), Misuse::NotOpenYet);
    assert_eq!(pair.client.outgoing(), request);
    assert!(pair.server.outgoing().is_empty());

    // After our own Close.
    let mut server = open_server();
    server.sender().close(CloseCode::NORMAL, "").unwrap();
    take_outgoing(&mut server);
    assert_all_refused(server.sender(), Misuse::Closed);
    assert!(server.outgoing().is_empty());

    // After the peer's Close.
    let mut client = open_client();
    feed(&mut client, b"\x88\x00");
    take_outgoing(&mut client);
    assert_all_refused(client.sender(), Misuse::Closed);
    assert!(client.outgoing().is_empty());

    // After a failure, and after the end.
    let mut client = open_client();
    feed(&mut client, b"\x83\x00");
    take_outgoing(&mut client);
    assert_all_refused(client.sender(), Misuse::Closed);
    assert!(client.receive_eof().is_none());
    assert_all_refused(client.sender(), Misuse::Closed);
    assert!(client.outgoing().is_empty());
}

#[track_caller]
fn assert_all_refused<R: sansws::Role, S: sansws::Storage>(tx: &mut sansws::Sender<R, S>, misuse: Misuse) {
    let refused = Err(misuse.into());
    assert_eq!(tx.text("t"), refused);
    assert_eq!(tx.binary(b"b"), refused);
    assert_eq!(tx.begin(DataKind::Text), refused);
    assert_eq!(tx.ping(b""), refused);
    assert_eq!(tx.mask_in_place(DataKind::Binary, &mut [1]), Err(misuse.into()));
    assert_eq!(tx.prepared(&sansws::PreparedMessage::text("p").unwrap()), refused);
    assert_eq!(tx.close(CloseCode::NORMAL, ""), refused);
    assert_eq!(tx.close_without_code(), refused);
}

// WS-6.1-02
#[test]
fn a_failure_ends_a_message_that_is_being_sent() {
    let mut server = open_server();
    server.sender().begin(DataKind::Text).unwrap();
    server.sender().fragment(b"a").unwrap();
    feed(&mut server, b"\x81\x01a");
    take_outgoing(&mut server);
    assert_eq!(server.sender().fragment(b"b"), Err(Misuse::Closed.into()));
    assert_eq!(server.sender().finish(b""), Err(Misuse::Closed.into()));
    assert!(server.outgoing().is_empty());
}

// WS-6.1-03 · WS-6.1-05
#[test]
fn data_is_sent_in_a_frame_of_its_kind() {
    let mut server = open_server();
    server.sender().text("Hello").unwrap();
    assert_eq!(take_outgoing(&mut server), b"\x81\x05Hello");
    server.sender().binary(b"Hello").unwrap();
    assert_eq!(take_outgoing(&mut server), b"\x82\x05Hello");
}

// WS-6.2-03
#[test]
fn the_first_frame_gives_the_kind_of_the_message() {
    assert_reports(&[b"\x02\x01a", b"\x80\x01b"], &[Reported::binary(b"ab")]);
    assert_reports(&[b"\x01\x01a", b"\x80\x01b"], &[Reported::text("ab")]);
}

// WS-10.7-05
#[test]
fn the_length_alone_tells_where_a_frame_ends() {
    let (reported, sent) = both_roles(&[b"\x81\x04\x02\x00\x01\x7f", b"\x89\x00"]);
    assert_eq!(reported, [Reported::text("\x02\x00\x01\x7f"), Reported::Ping(vec![])]);
    assert_eq!(sent, [b"\x8a\x00"]);
}

// WS-5.1-08 · WS-7.3-01
#[test]
fn either_side_may_send_the_first_message() {
    let mut pair = Pair::open();
    pair.server.sender().text("from the server").unwrap();
    pair.client.sender().text("from the client").unwrap();
    assert_eq!(pair.deliver_to_client(), [Reported::text("from the server")]);
    assert_eq!(pair.deliver_to_server(), [Reported::text("from the client")]);
}

#[test]
fn a_handler_can_send_the_payload_that_it_borrows() {
    let mut server: ServerConnection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let mut bytes = masked_all(&[b"\x81\x02hi", b"\x82\x02yo"]);
    let mut input = &mut bytes[..];
    while let Some((event, tx)) = server.receive(&mut input) {
        match event {
            sansws::Event::Message(sansws::Message::Text(text)) => tx.text(text).unwrap(),
            sansws::Event::Message(sansws::Message::Binary(bytes)) => tx.binary(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.outgoing(), b"\x81\x02hi\x82\x02yo");
}
