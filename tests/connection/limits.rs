//! Every limit of an open connection is tested at the limit and one past it (RFC 6455 section 10.4). The
//! limits of the handshake are tested with the handshake.

use crate::support::*;
use sansws::{
    Agreed, Client, Config, Connection, DataKind, Delivery, Limit, OUTGOING_RESERVE, PreparedMessage,
    SendError, Server,
};

// WS-10.4-01 · WS-10.4-02
#[test]
fn a_frame_longer_than_max_frame_fails_at_its_header() {
    let config = Config::new().max_frame(300);
    assert_eq!(both_roles_with(config, &[&frame(0x82, &[1; 300])]).0, [Reported::binary(&[1; 300])]);
    assert_fails_with(config, &[b"\x82\x7e\x01\x2d"], Limit::Frame);
    assert_fails_with(config, &[b"\x82\x7f\x10\0\0\0\0\0\0\0"], Limit::Frame);
    // Control frames have a limit of their own.
    assert_eq!(
        both_roles_with(Config::new().max_frame(1), &[b"\x89\x02hi"]).0,
        [Reported::Ping(b"hi".to_vec())]
    );
    // A length of more than 32 bits is compared with the limit before it is converted.
    assert_fails_with(config, &[b"\x82\x7f\0\0\0\x01\0\0\0\x01"], Limit::Frame);
}

// WS-10.4-03 · WS-7.4.1-10
#[test]
fn max_message_counts_all_fragments() {
    let config = Config::new().max_message(10);
    assert_eq!(both_roles_with(config, &[&frame(0x82, &[1; 10])]).0, [Reported::binary(&[1; 10])]);
    assert_fails_with(config, &[b"\x82\x0b"], Limit::Message);
    let fragments: [&[u8]; 3] = [b"\x02\x04abcd", b"\x00\x05efghi", b"\x80\x01j"];
    assert_eq!(both_roles_with(config, &fragments).0, [Reported::binary(b"abcdefghij")]);
    // The connection fails at the header of the frame that exceeds the limit, before its payload.
    assert_fails_with(config, &[b"\x02\x04abcd", b"\x00\x05efghi", b"\x80\x02"], Limit::Message);
    assert_fails_with(
        config,
        &[b"\x02\x04abcd", b"\x00\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"],
        Limit::Message,
    );
    // The count starts anew with each message.
    let two: [&[u8]; 2] = [b"\x82\x0aabcdefghij", b"\x82\x0aabcdefghij"];
    assert_eq!(both_roles_with(config, &two).0.len(), 2);
    // The limit also holds for delivery in parts.
    let parts = config.delivery(Delivery::Parts);
    let reported = both_roles_with(parts, &[b"\x02\x0aabcdefghij", b"\x80\x01"]).0;
    assert_eq!(reported.last(), Some(&Reported::Failed(Limit::Message.into())));
}

#[test]
fn the_defaults_are_one_mebibyte_and_4096_fragments() {
    let mut client = open_client();
    assert_eq!(feed(&mut client, b"\x82\x7f\0\0\0\0\0\x10\0\0"), []);
    assert_fails(&[b"\x82\x7f\0\0\0\0\0\x10\0\x01"], Limit::Message);
    let mut bytes = b"\x02\x00".to_vec();
    bytes.extend(b"\x00\x00".repeat(4095));
    let mut client = open_client();
    assert_eq!(feed(&mut client, &bytes), []);
    assert_eq!(feed(&mut client, b"\x80\x00"), [Reported::Failed(Limit::Fragments.into())]);
    assert_eq!(frames(client.outgoing()), [close_frame(1008_u16)]);
}

/// No buffer holds 4 GiB, so a message of that size fails at its header, before any of it is collected. A
/// message in parts needs no buffer. WS-10.4-03
#[test]
fn a_limit_above_4_gib_counts_as_4_gib_for_what_lies_in_a_buffer() {
    const MOST: u64 = u32::MAX as u64;
    let header = |len: u64| [&[0x82, 127][..], &len.to_be_bytes()].concat();
    let config = Config::new().max_message(usize::MAX).max_outgoing(usize::MAX);
    let open = |config| Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
    assert_eq!(feed(&mut open(config), &header(MOST)), []);
    assert_eq!(feed(&mut open(config), &header(MOST + 1)), [Reported::Failed(Limit::Message.into())]);
    let parts = config.delivery(Delivery::Parts);
    assert_eq!(feed(&mut open(parts), &header(MOST + 1)), []);
    #[cfg(target_pointer_width = "64")]
    {
        let parts = parts.max_frame(5 << 30).max_message(5 << 30);
        assert_eq!(feed(&mut open(parts), &header(5 << 30)), []);
        assert_eq!(feed(&mut open(parts), &header((5 << 30) + 1)), [Reported::Failed(Limit::Frame.into())]);
    }
    // The longest frame leaves room for a pong and a Close.
    let longest = 14 + open(config).sender().max_room();
    assert!(u32::try_from(longest + OUTGOING_RESERVE).is_ok());
}

#[test]
fn max_fragments_counts_empty_ones_and_not_control_frames() {
    let config = Config::new().max_fragments(3);
    let three: [&[u8]; 6] = [b"\x01\x00", b"\x8a\x00", b"\x00\x00", b"\x8a\x00", b"\x80\x01a", b"\x8a\x00"];
    assert_eq!(both_roles_with(config, &three).0[2], Reported::text("a"));
    assert_fails_with(config, &[b"\x01\x00", b"\x00\x00", b"\x00\x00", b"\x80\x00"], Limit::Fragments);
    // A limit of zero means one: otherwise no message would be allowed at all.
    assert_eq!(both_roles_with(Config::new().max_fragments(0), &[b"\x81\x01a"]).0, [Reported::text("a")]);
    assert_fails_with(Config::new().max_fragments(0), &[b"\x01\x00", b"\x80\x00"], Limit::Fragments);
}

#[test]
fn a_frame_beyond_max_outgoing_is_refused_as_a_whole() {
    let mut server = Connection::after_handshake(Server, Config::new().max_outgoing(10), Agreed::NONE);
    let full = Err(SendError::NotNow);
    let never = Err(SendError::TooLarge);
    let tx = server.sender();
    assert_eq!(tx.text("123456789"), never);
    assert_eq!(tx.outgoing_len(), 0);
    tx.text("12345678").unwrap();
    assert_eq!(tx.outgoing_len(), 10);
    assert_eq!(tx.binary(b""), full);
    assert_eq!(tx.ping(b""), full);
    assert_eq!(tx.pong(b""), full);
    tx.begin(DataKind::Text).unwrap();
    assert_eq!(tx.fragment(b""), full);
    assert_eq!(server.outgoing(), b"\x81\x0812345678");
    server.mark_sent(2);
    server.sender().fragment(b"").unwrap();
    assert_eq!(server.outgoing(), b"12345678\x01\x00");
    server.mark_sent(1);
    server.mark_sent(1);
    // The refused fragment has changed nothing.
    server.sender().finish(b"").unwrap();
    assert_eq!(server.outgoing(), b"345678\x01\x00\x80\x00");

    let mut server = Connection::after_handshake(Server, Config::new().max_outgoing(10), Agreed::NONE);
    assert_eq!(server.sender().prepared(&PreparedMessage::text("123456789").unwrap()), never);
    server.sender().prepared(&PreparedMessage::text("12345678").unwrap()).unwrap();
    let mut client =
        Connection::after_handshake(Client::new(rng()), Config::new().max_outgoing(14), Agreed::NONE);
    assert_eq!(client.sender().prepared(&PreparedMessage::text("123456789").unwrap()), never);
    client.sender().prepared(&PreparedMessage::text("12345678").unwrap()).unwrap();
    assert_eq!(client.outgoing().len(), 14);
}

#[test]
fn marking_more_bytes_than_are_queued_marks_all_of_them() {
    let mut server = open_server();
    server.sender().text("a").unwrap();
    server.mark_sent(usize::MAX);
    assert!(server.outgoing().is_empty());
    server.sender().text("b").unwrap();
    assert_eq!(server.outgoing(), b"\x81\x01b");
}

// WS-10.7-01 · WS-10.7-02
#[test]
fn random_bytes_never_break_a_connection() {
    use rand::RngExt;
    let mut rng = rng();
    let mut failures = 0;
    for _ in 0..2000 {
        let mut bytes = [0; 64];
        rng.fill(&mut bytes);
        failures += feed_and_end(Connection::server(Config::new()), &bytes);
        failures += feed_and_end(open_server(), &bytes);
        failures += feed_and_end(open_client(), &bytes);
    }
    assert!(
        failures > 4000,
        "only {failures} of 6000 connections failed, but most random bytes are not valid"
    );
}

/// Feeds the bytes and returns 1 if they fail the connection. Asserts that a connection that has failed asks
/// to disconnect, and that each connection can be dropped at the end of the transport.
fn feed_and_end<R: sansws::Role>(mut connection: Connection<R>, bytes: &[u8]) -> u32
where
    Connection<R>: Answer,
{
    // `feed` asserts that the connection consumes all of the input unless it fails.
    let reported = feed(&mut connection, bytes);
    let has_failed = matches!(reported.last(), Some(Reported::Failed(_)));
    assert_eq!(connection.error().is_some(), has_failed, "{bytes:02x?}");
    take_outgoing(&mut connection);
    assert!(connection.should_disconnect() || !has_failed);
    let _ = connection.receive_eof();
    assert_eq!(connection.state(), sansws::State::Closed);
    assert!(connection.should_disconnect());
    u32::from(has_failed)
}

/// The longest payload of a frame that fits into `max` bytes, by the role.
fn longest(max: usize, key: usize) -> usize {
    (0..=max).rev().find(|&len| frame(0x82, &vec![0; len]).len() + key <= max).unwrap_or(0)
}

// WS-5.2-13: the header has three lengths, and a client's header has a key of four bytes.
#[test]
fn the_room_is_exact_at_each_length_of_the_header_in_both_roles() {
    let limits = (6..20).chain(120..145).chain(65_530..65_560);
    for max in limits {
        let config = Config::new().max_outgoing(max);
        let (for_server, for_client) = (longest(max, 0), longest(max, 4));
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        assert_eq!(
            (server.sender().max_room(), client.sender().max_room()),
            (for_server, for_client),
            "{max}"
        );
        for kind in [DataKind::Binary, DataKind::Text] {
            let too_long = vec![b'a'; for_server + 1];
            exactly(&mut server, kind, &too_long, max);
            let too_long = vec![b'a'; for_client + 1];
            exactly(&mut client, kind, &too_long, max);
        }
        // The same behind other bytes.
        for before in [2, 7] {
            let fits = max.checked_sub(before).map(|rest| (longest(rest, 0), rest >= 2));
            if let (Some((len, true)), true) = (fits, before >= 2) {
                server.sender().binary(&vec![0; before - 2]).unwrap();
                assert_eq!(server.sender().room(), len, "{max}");
                assert!(server.sender().binary(&vec![0; len + 1]).is_err());
                server.sender().binary(&vec![0; len]).unwrap();
                server.mark_sent(usize::MAX);
            }
        }
    }
}

/// A payload without its last byte fits, and the whole payload does not.
fn exactly<R: sansws::Role>(connection: &mut Connection<R>, kind: DataKind, too_long: &[u8], max: usize) {
    let fits = &too_long[..too_long.len() - 1];
    let mut send = |payload: &[u8], fragmented: bool| {
        let tx = connection.sender();
        let result = if fragmented {
            tx.begin(kind).unwrap();
            let result = tx.finish(payload);
            if result.is_err() {
                connection.sender().finish(b"").unwrap();
            }
            result
        } else if kind == DataKind::Binary {
            tx.binary(payload)
        } else {
            tx.text(std::str::from_utf8(payload).unwrap())
        };
        connection.mark_sent(usize::MAX);
        result
    };
    for fragmented in [false, true] {
        assert_eq!(send(too_long, fragmented), Err(SendError::TooLarge), "{max}");
        assert_eq!(send(fits, fragmented), Ok(()), "{max}");
    }
}
