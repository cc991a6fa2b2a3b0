//! Reading into the receive buffer of the connection. A heuristic decides when the connection lends the
//! buffer. The sizes in these tests were measured to be fast; the library promises only those in the
//! documentation of `receive_buffer`.

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{Agreed, Config, Connection, Server, Violation};

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02
    #[test]
    fn messages_read_into_the_receive_buffer_are_the_same_as_messages_from_slices(
        fragments in vec(
            (
                0..4_u8,
                prop_oneof![3 => 0..200_usize, 1 => 10_000..25_000_usize, 2 => 60_000..150_000_usize],
                any::<bool>(),
            ),
            1..12,
        ),
        reads in vec(prop_oneof![1..100_usize, 1..30_000_usize], 1..20),
        bad_at in proptest::option::weighted(0.2, 0..60_000_usize),
        keep in prop_oneof![Just(0), Just(1 << 20)],
        releases in any::<bool>(),
    ) {
        let mut frames = Vec::new();
        let (mut is_continued, mut is_binary, mut has_large) = (false, false, false);
        for (kind, size, fin) in fragments {
            let opcode = if is_continued { 0 } else if kind == 0 { 2 } else { 1 };
            let mut payload = match kind {
                1 => vec![b'a'; size],
                // Only the end of this text is not ASCII.
                2 => [&vec![b'a'; size], "\u{20ac}".as_bytes()].concat(),
                _ => "a\u{e9}\u{20ac}x".repeat(size / 7 + 1).into_bytes(),
            };
            if let Some(byte) = bad_at.and_then(|at| payload.get_mut(at)) {
                *byte = 0xff;
            }
            is_binary = if is_continued { is_binary } else { opcode == 2 };
            has_large |= is_binary && payload.len() > 100_000;
            frames.push(frame(opcode | if fin { 0x80 } else { 0 }, &payload));
            frames.push(frame(0x89, b"p"));
            is_continued = !fin;
        }
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let bytes = masked_all(&frames);
        let mut whole = open_server();
        let reported = feed(&mut whole, &bytes);
        let outgoing = take_outgoing(&mut whole);

        let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        let mut from_buffer = Vec::new();
        let mut lent = 0;
        let mut rest = &bytes[..];
        for size in reads.into_iter().cycle() {
            if rest.is_empty() || matches!(from_buffer.last(), Some(Reported::Failed(_))) {
                break;
            }
            if let Some(room) = server.receive_buffer() {
                lent += 1;
                let len = size.min(room.len()).min(rest.len());
                room[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                server.mark_received(len);
                from_buffer.extend(feed(&mut server, &[]));
            } else {
                let (now, later) = rest.split_at(size.min(1000).min(rest.len()));
                rest = later;
                from_buffer.extend(feed(&mut server, now));
            }
            if releases {
                server.release_buffers();
            }
        }
        prop_assert!(lent > 0 || !has_large || bad_at.is_some());
        prop_assert_eq!(from_buffer, reported);
        prop_assert_eq!(take_outgoing(&mut server), outgoing);
    }
}

/// After a loan has ended, the room still contains old bytes, which the connection must not mistake for new
/// ones.
#[test]
fn mark_received_ignores_bytes_for_which_no_room_is_lent() {
    let message = masked(&frame(0x82, &vec![7; 100_000]), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..5000]), []);
    assert!(server.receive_buffer().is_some());
    assert_eq!(feed(&mut server, &[]), []);
    server.mark_received(10);
    let room = server.receive_buffer().unwrap();
    room[..10].copy_from_slice(&message[5000..5010]);
    server.mark_received(10);
    server.mark_received(10);
    assert_eq!(feed(&mut server, &message[5010..]), [Reported::binary(&vec![7; 100_000])]);
}

/// The room ends there so that the next message begins at the front of the buffer again, in memory that is
/// still in the cache.
#[test]
fn the_room_ends_with_the_current_frame() {
    let message = masked(&frame(0x82, &vec![7; 100_000]), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..5000]), []);
    let mut rest = &message[5000..];
    while !rest.is_empty() {
        let room = server.receive_buffer().unwrap();
        assert!(room.len() <= rest.len(), "{} for {}", room.len(), rest.len());
        let (now, later) = rest.split_at(room.len().min(30_000));
        room[..now.len()].copy_from_slice(now);
        server.mark_received(now.len());
        rest = later;
        let expected = if rest.is_empty() { vec![Reported::binary(&vec![7; 100_000])] } else { vec![] };
        assert_eq!(feed(&mut server, &[]), expected);
    }
}

/// After a binary message of 16 KiB the connection expects more of them. If it keeps a buffer, the embedder
/// may read the next message into it.
#[test]
fn room_is_lent_between_binary_messages_of_16_kib_if_the_buffer_is_kept() {
    for (opcode, len, keep, is_lent) in [
        (0x82, 16 * 1024, 16 * 1024, true),
        (0x82, 16 * 1024 - 1, 16 * 1024, false),
        (0x82, 16 * 1024, 16 * 1024 - 1, false),
        // Text is never read in place.
        (0x81, 16 * 1024, 16 * 1024, false),
    ] {
        let message = masked(&frame(opcode, &vec![b'a'; len]), [1, 2, 3, 4]);
        let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(keep), Agreed::NONE);
        assert!(server.receive_buffer().is_none());
        // The message comes in two pieces, since a message in one piece does not need the buffer.
        feed(&mut server, &message[..5000]);
        assert_eq!(feed(&mut server, &message[5000..]).len(), 1);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{opcode:x} {len} {keep}");
    }
}

/// If the message is longer than the cache of a core, it is faster to unmask it while copying it from a small
/// buffer of the embedder. The first read of a message shows whether the embedder reads little at once.
#[test]
fn no_room_is_lent_for_small_reads_of_long_masked_messages() {
    for (len, read, is_lent) in [
        (256 * 1024 + 1, 16 * 1024, false),
        (256 * 1024 + 1, 16 * 1024 + 1, true),
        (256 * 1024, 16 * 1024, true),
    ] {
        let payload = vec![b'a'; len];
        let message = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        assert_eq!(feed(&mut server, &message[..40_000]), []);
        let (now, rest) = message[40_000..].split_at(read);
        server.receive_buffer().unwrap()[..read].copy_from_slice(now);
        server.mark_received(read);
        assert_eq!(feed(&mut server, &[]), []);
        assert_eq!(server.receive_buffer().is_some(), is_lent, "{len} {read}");
        assert_eq!(feed(&mut server, rest), [Reported::binary(&payload)]);
        // The connection decides anew for the next message.
        assert_eq!(feed(&mut server, &message[..40_000]), []);
        assert!(server.receive_buffer().is_some());
    }
}

/// If a read fills the room, the embedder may have more bytes to read.
#[test]
fn a_read_that_fills_all_of_its_room_does_not_count_as_small() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    let first = masked(&frame(0x82, &[b'a'; 16 * 1024]), [1, 2, 3, 4]);
    feed(&mut server, &first[..5000]);
    assert_eq!(feed(&mut server, &first[5000..]).len(), 1);
    let second = masked(&frame(0x82, &b"b".repeat(300_000)), [1, 2, 3, 4]);
    let (now, rest) = second.split_at(16 * 1024);
    let room = server.receive_buffer().unwrap();
    assert_eq!(room.len(), now.len());
    room.copy_from_slice(now);
    server.mark_received(now.len());
    assert_eq!(feed(&mut server, &[]), []);
    // The room is at least as large as the bytes that have arrived so far.
    assert!(server.receive_buffer().unwrap().len() >= now.len());
    assert_eq!(feed(&mut server, rest), [Reported::binary(&b"b".repeat(300_000))]);
}

/// The header came alone, so the bytes in the receive buffer are the first ones of the message.
#[test]
fn a_message_that_begins_in_the_receive_buffer_may_end_in_the_input() {
    let payload: Vec<u8> = (0..100_000_u32).map(|at| at.to_be_bytes()[2]).collect();
    let message = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
    let mut server = open_server();
    let (header, rest) = message.split_at(14);
    assert_eq!(feed(&mut server, header), []);
    let room = server.receive_buffer().unwrap();
    room[..1000].copy_from_slice(&rest[..1000]);
    server.mark_received(1000);
    assert_eq!(feed(&mut server, &rest[1000..]), [Reported::binary(&payload)]);
}

/// The room is one byte longer than a usual read, so a usual read does not fill it.
#[test]
fn a_read_that_leaves_one_byte_of_its_room_counts_as_small() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    feed(&mut server, &masked(&frame(0x02, &b"a".repeat(260_000)), [1, 2, 3, 4]));
    let last = masked(&frame(0x80, &b"b".repeat(16 * 1024 + 1)), [1, 2, 3, 4]);
    let (header, payload) = last.split_at(8);
    assert_eq!(feed(&mut server, header), []);
    let room = server.receive_buffer().unwrap();
    assert_eq!(room.len(), payload.len());
    room[..16 * 1024].copy_from_slice(&payload[..16 * 1024]);
    server.mark_received(16 * 1024);
    assert!(server.receive_buffer().is_none());
    assert_eq!(feed(&mut server, &payload[16 * 1024..]).len(), 1);
}

/// `mark_received` completes the message, and the next call of `receive` reports it, even if the embedder
/// releases the buffers in between or the input already has the next message.
#[test]
fn a_message_completed_in_the_receive_buffer_waits_for_the_next_receive() {
    let payload: Vec<u8> = (0..100_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let first = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
    let second = masked(&frame(0x82, b"second"), [5, 6, 7, 8]);
    for (releases, has_more) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        assert_eq!(feed(&mut server, &first[..1000]), []);
        let mut rest = &first[1000..];
        while !rest.is_empty() {
            let room = server.receive_buffer().unwrap();
            let len = room.len().min(rest.len());
            room[..len].copy_from_slice(&rest[..len]);
            server.mark_received(len);
            rest = &rest[len..];
        }
        assert!(server.receive_buffer().is_none(), "the connection must report the complete message first");
        if releases {
            server.release_buffers();
        }
        if has_more {
            let both = [Reported::binary(&payload), Reported::binary(b"second")];
            assert_eq!(feed(&mut server, &second), both, "{releases}");
        } else {
            assert_eq!(feed(&mut server, &[]), [Reported::binary(&payload)], "{releases}");
        }
        assert_eq!(feed(&mut server, &second), [Reported::binary(b"second")]);
    }
}

/// Between large binary messages the embedder may read any frames into the receive buffer.
#[test]
fn frames_of_every_kind_may_arrive_in_the_receive_buffer() {
    let large = vec![7; 20_000];
    let text = "aé€".repeat(3000);
    let (start, end) = text.as_bytes().split_at(7001);
    let frames_in: [&[u8]; 9] = [
        &frame(0x82, &large),
        &frame(0x01, start),
        &frame(0x89, b"ping"),
        &frame(0x80, end),
        &frame(0x02, b"a"),
        &frame(0x8a, b"pong"),
        &frame(0x80, &large),
        &frame(0x82, b""),
        &frame(0x88, b"\x03\xe8bye"),
    ];
    let bytes = masked_all(&frames_in);
    let expected = [
        Reported::binary(&large),
        Reported::Ping(b"ping".to_vec()),
        Reported::text(&text),
        Reported::Pong(b"pong".to_vec()),
        Reported::binary(&[b"a", &large[..]].concat()),
        Reported::binary(b""),
        Reported::close(1000, "bye"),
    ];
    for read in [1, 7, 100, 5000, 16 * 1024] {
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        let (mut reported, mut lent, mut rest) = (Vec::new(), 0, &bytes[..]);
        while !rest.is_empty() {
            if let Some(room) = server.receive_buffer() {
                let len = read.min(room.len()).min(rest.len());
                room[..len].copy_from_slice(&rest[..len]);
                server.mark_received(len);
                reported.extend(feed(&mut server, &[]));
                (rest, lent) = (&rest[len..], lent + 1);
            } else {
                let (now, later) = rest.split_at(read.min(rest.len()));
                reported.extend(feed(&mut server, now));
                rest = later;
            }
        }
        assert_eq!(reported, expected, "reads of {read} bytes");
        assert!(lent > 0, "reads of {read} bytes");
        assert!(server.error().is_none());
    }
}

#[test]
fn a_bad_frame_in_the_receive_buffer_fails_the_connection_and_the_frames_before_it_are_reported() {
    let large = masked(&frame(0x82, &vec![7; 20_000]), [1, 2, 3, 4]);
    for (bad, violation) in [
        (&b"\xf1\x80"[..], Violation::ReservedBits(7)),
        (&frame(0x81, b"unmasked"), Violation::Unmasked),
        (&masked(&frame(0x80, b"more"), [1, 2, 3, 4]), Violation::NothingToContinue),
        (&masked(&frame(0x81, b"gr\xff"), [1, 2, 3, 4]), Violation::InvalidUtf8),
        (&masked(&frame(0x81, b"gr\xc3"), [1, 2, 3, 4]), Violation::InvalidUtf8),
    ] {
        for ping in [&[][..], &masked(&frame(0x89, b"ping"), [5, 6, 7, 8])] {
            let mut server =
                Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
            assert_eq!(feed(&mut server, &large[..5000]), []);
            assert_eq!(feed(&mut server, &large[5000..]).len(), 1);
            let bytes = [ping, bad].concat();
            server.receive_buffer().unwrap()[..bytes.len()].copy_from_slice(&bytes);
            server.mark_received(bytes.len());
            let mut expected = vec![Reported::Failed(violation.into())];
            if !ping.is_empty() {
                expected.insert(0, Reported::Ping(b"ping".to_vec()));
            }
            assert_eq!(feed(&mut server, &[]), expected, "{violation:?}");
            assert!(server.receive_buffer().is_none());
        }
    }
}

/// A read that returns no bytes, such as one that would block, changes nothing.
#[test]
fn an_empty_read_into_the_receive_buffer_changes_nothing() {
    let message = masked(&frame(0x82, &vec![7; 100_000]), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    assert_eq!(feed(&mut server, &message[..5000]), []);
    server.receive_buffer().unwrap().fill(0xee);
    server.mark_received(0);
    assert_eq!(feed(&mut server, &message[5000..]), [Reported::binary(&vec![7; 100_000])]);
}

/// A read may end anywhere, also between a header and its payload.
#[test]
fn frames_in_the_receive_buffer_may_be_cut_anywhere() {
    let large = masked(&frame(0x82, &vec![7; 20_000]), [1, 2, 3, 4]);
    let frames: [&[u8]; 4] =
        [&frame(0x89, b"ping"), &frame(0x8a, b""), &frame(0x8a, b"pong"), &frame(0x82, b"short")];
    let bytes = masked_all(&frames);
    let expected = [
        Reported::Ping(b"ping".to_vec()),
        Reported::Pong(vec![]),
        Reported::Pong(b"pong".to_vec()),
        Reported::binary(b"short"),
    ];
    for read in 1..=bytes.len() {
        let mut server =
            Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
        assert_eq!(feed(&mut server, &large[..5000]), []);
        assert_eq!(feed(&mut server, &large[5000..]).len(), 1);
        let mut reported = Vec::new();
        for piece in bytes.chunks(read) {
            if let Some(room) = server.receive_buffer() {
                room[..piece.len()].copy_from_slice(piece);
                server.mark_received(piece.len());
                reported.extend(feed(&mut server, &[]));
            } else {
                reported.extend(feed(&mut server, piece));
            }
        }
        assert_eq!(reported, expected, "reads of {read} bytes");
    }
}

#[test]
fn mark_received_changes_nothing_on_a_connection_that_receives_no_frames() {
    let mut server = open_server();
    server.sender().close_without_code().unwrap();
    assert_eq!(feed(&mut server, &masked(&frame(0x88, b""), [1, 2, 3, 4])), [Reported::close(1005, "")]);
    assert!(server.receive_buffer().is_none());
    server.mark_received(10);
    assert_eq!(feed(&mut server, &[]), []);
    assert_eq!(server.error(), None);
    assert_eq!(server.receive_eof(), None);
    assert!(server.is_closed_cleanly());
}

/// While the buffer still holds frames, the embedder may read more. If few bytes are left behind many
/// consumed ones, they move to the front.
#[test]
fn the_receive_buffer_is_lent_again_while_it_still_holds_frames() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(1 << 20), Agreed::NONE);
    let large = masked(&frame(0x82, &vec![7; 400_000]), [1, 2, 3, 4]);
    assert_eq!(feed(&mut server, &large[..5000]), []);
    assert_eq!(feed(&mut server, &large[5000..]).len(), 1);
    let messages: Vec<Vec<u8>> = (0..20).map(|number| vec![number; 16 * 1024]).collect();
    let bytes: Vec<u8> =
        messages.iter().flat_map(|message| masked(&frame(0x82, message), [5, 6, 7, 8])).collect();
    let room = server.receive_buffer().unwrap();
    room[..bytes.len()].copy_from_slice(&bytes);
    server.mark_received(bytes.len());
    for message in &messages {
        let (event, _) = server.receive(&mut &mut [][..]).unwrap();
        assert_eq!(Reported::of(event, None), Reported::binary(message));
        assert!(server.receive_buffer().is_some());
    }
    assert_eq!(feed(&mut server, &[]), []);
}
