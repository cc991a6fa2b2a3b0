//! Receiving compressed messages: whole, in fragments, in parts, within limits.

use super::*;

// PMD-6-02 · PMD-6.1-08 · PMD-6.2-01 · PMD-6.2-02 · PMD-7.2.2-01 · PMD-7.2.2-02: section 7.2.3.1
#[test]
fn a_compressed_message_is_decompressed_whether_it_is_fragmented_or_not() {
    assert_eq!(reported(config(), &[&frame(0xc1, &HELLO)]), [Reported::text("Hello")]);
    assert_eq!(reported(config(), &[&frame(0xc2, &HELLO)]), [Reported::binary(b"Hello")]);
    let fragments: [&[u8]; 2] = [b"\x41\x03\xf2\x48\xcd", b"\x80\x04\xc9\xc9\x07\x00"];
    assert_eq!(reported(config(), &fragments), [Reported::text("Hello")]);
    // PMD-6-01: control frames between the fragments are not decompressed.
    let with_ping: [&[u8]; 3] = [b"\x41\x03\xf2\x48\xcd", b"\x89\x01p", b"\x80\x04\xc9\xc9\x07\x00"];
    assert_eq!(reported(config(), &with_ping), [Reported::Ping(b"p".to_vec()), Reported::text("Hello")]);
    // Empty fragments change nothing.
    let empty: [&[u8]; 4] = [b"\x41\x00", b"\x00\x07\xf2\x48\xcd\xc9\xc9\x07\x00", b"\x00\x00", b"\x80\x00"];
    assert_eq!(reported(config(), &empty), [Reported::text("Hello")]);
}

// PMD-7.2.2-05 · PMD-7.2.2-07 · PMD-7.2.3.2-01: section 7.2.3.2, with an uncompressed message in between.
#[test]
fn the_window_lasts_from_message_to_message_and_uncompressed_messages_do_not_change_it() {
    let again = frame(0xc1, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let all = reported(config(), &[&frame(0xc1, &HELLO), &frame(0x81, b"Hullo"), &again]);
    assert_eq!(all, [Reported::text("Hello"), Reported::text("Hullo"), Reported::text("Hello")]);
    // PMD-7.2.2-06 · PMD-7.2.2-04: without context takeover a message cannot refer to the one before.
    let params =
        DeflateParams::new().with_client_no_context_takeover(true).with_server_no_context_takeover(true);
    let frames = [frame(0xc1, &HELLO), again];
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let failed = [Reported::text("Hello"), Reported::Failed(Violation::Deflate.into())];
    assert_eq!(feed(&mut server_with(config(), params), &masked_all(&frames)), failed);
    assert_eq!(feed(&mut client_with(config(), params), &frames.concat()), failed);
}

// PMD-7.2.1-05 · PMD-7.2.1-08: a message may have many final blocks, but not without end. Each costs a copy
// of the window, and most of them here have no content.
#[test]
fn a_message_with_too_many_final_blocks_for_its_length_fails_with_1008() {
    let blocks = |count: usize| frame(0xc2, &[[0x03, 0x00].repeat(count), HELLO.to_vec()].concat());
    assert_eq!(reported(config(), &[&blocks(1000)]), [Reported::binary(b"Hello")]);
    let failed = Reported::Failed(Limit::FinalBlocks.into());
    let params = DeflateParams::new();
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = config().delivery(delivery);
        let mut server = server_with(config, params);
        assert_eq!(feed(&mut server, &masked_all(&[&blocks(20_000)])).last(), Some(&failed));
        assert_eq!(server.outgoing()[..4], [0x88, server.outgoing()[1], 0x03, 0xf0]);
    }
}

// PMD-6-04 · PMD-6.2-04
#[test]
fn an_uncompressed_message_is_not_decompressed() {
    assert_eq!(reported(config(), &[b"\x82\x01\xf2"]), [Reported::binary(&[0xf2])]);
    assert_eq!(reported(config(), &[b"\x81\x05Hello"]), [Reported::text("Hello")]);
}

// PMD-7.2.1-04 · PMD-7.2.1-05 · PMD-7.2.1-07 · PMD-7.2.3.3-01: sections 7.2.3.3 to 7.2.3.6
#[test]
fn deflate_blocks_of_all_types_are_decompressed() {
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    for payload in [&stored[..], last, two] {
        let frames: [&[u8]; 2] = [&frame(0xc1, payload), &frame(0xc1, &HELLO)];
        assert_eq!(reported(config(), &frames), [Reported::text("Hello"), Reported::text("Hello")]);
    }
    assert_eq!(reported(config(), &[b"\xc1\x01\x00"]), [Reported::text("")]);
    // A peer may forget to remove the tail.
    let with_tail = [&HELLO[..], &[0, 0, 0xff, 0xff]].concat();
    assert_eq!(reported(config(), &[&frame(0xc1, &with_tail)]), [Reported::text("Hello")]);
}

// PMD-6.1-06 · PMD-6.1-07
#[test]
fn rsv1_fails_the_connection_except_on_the_first_frame_of_a_message() {
    let failed = [Reported::Failed(Violation::ReservedBits(4).into())];
    assert_eq!(reported(config(), &[b"\xc9\x00"]), failed);
    assert_eq!(reported(config(), &[b"\xc8\x00"]), failed);
    assert_eq!(reported(config(), &[b"\x41\x03\xf2\x48\xcd", b"\xc0\x04\xc9\xc9\x07\x00"]), failed);
    assert_eq!(reported(config(), &[b"\x01\x01a", b"\xc0\x00"]), failed);
    assert_eq!(reported(config(), &[b"\xe1\x00"]), [Reported::Failed(Violation::ReservedBits(2).into())]);
    // Without an agreement RSV1 is never allowed.
    assert_eq!(feed(&mut open_server(), &masked_all(&[&frame(0xc1, &HELLO)])), failed);
}

// PMD-7.2.2-03
#[test]
fn payloads_that_are_not_deflate_data_fail_with_1007() {
    for payload in [&b"\xff"[..], b"\x07", b"\xf2\x48\xcd\xc9"] {
        let mut server = server_with(config(), DeflateParams::new());
        let reported = feed(&mut server, &masked_all(&[&frame(0xc2, payload)]));
        assert_eq!(reported.last(), Some(&Reported::Failed(Violation::Deflate.into())), "{payload:02x?}");
        assert_eq!(take_outgoing(&mut server), close_frame(CloseCode::INVALID_PAYLOAD));
    }
}

// PMD-6.1-09 · WS-8.1-01 · WS-8.1-02
#[test]
fn text_is_checked_after_it_is_decompressed() {
    let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
    assert_eq!(reported(config(), &[&compressed(0xc1, b"a\xff")]), failed);
    assert_eq!(reported(config(), &[&compressed(0xc1, "\u{20ac}".as_bytes())]), [Reported::text("\u{20ac}")]);
    assert_eq!(reported(config(), &[&compressed(0xc1, b"\xe2\x82")]), failed);
    // The connection fails before the message has ended.
    let bad = compressed(0x41, &[&[b'a'; 5000][..], b"\xff", &vec![b'a'; 50000]].concat());
    assert_eq!(reported(config(), &[&bad]), failed);
    // The compressed bytes of a valid text need not be UTF-8.
    assert!(String::from_utf8(HELLO.to_vec()).is_err());
}

// PMD-6.1-09 · WS-8.1-01 · WS-8.1-02
#[test]
fn the_text_before_a_bad_byte_is_a_part() {
    let parts = config().delivery(Delivery::Parts);
    let failed = Reported::Failed(Violation::InvalidUtf8.into());
    let text = |text: &str| Reported::Parts {
        is_text: true,
        bytes: text.as_bytes().to_vec(),
        is_first: true,
        is_last: false,
    };
    for (message, before) in
        [(&b"ab\xff"[..], "ab"), (b"ab\xe2\x82", "ab"), (b"\xe2\x82\xac\xffcd", "\u{20ac}")]
    {
        assert_eq!(
            reported(parts, &[&compressed(0xc1, message)]),
            [text(before), failed.clone()],
            "{message:02x?}"
        );
    }
    for message in [&b"\xff"[..], b"\xe2\x82", b"\xc0\x80ab"] {
        assert_eq!(
            reported(parts, &[&compressed(0xc1, message)]),
            std::slice::from_ref(&failed),
            "{message:02x?}"
        );
    }
    // A stored block of five bytes whose character is cut between two fragments, and does not continue.
    let block = b"\x00\x05\x00\xfa\xffab\xe2\x82\xff\x00";
    let fragments: [&[u8]; 2] = [&frame(0x41, &block[..9]), &frame(0x80, &block[9..])];
    assert_eq!(reported(parts, &fragments), [text("ab"), failed]);
}

// WS-10.4-04
#[test]
fn max_message_limits_the_decompressed_bytes() {
    let limited = config().max_message(1000);
    let fits = vec![b'a'; 1000];
    assert_eq!(reported(limited, &[&compressed(0xc2, &fits)]), [Reported::binary(&fits)]);
    let failed = [Reported::Failed(Limit::Message.into())];
    assert_eq!(reported(limited, &[&compressed(0xc2, &[b'a'; 1001])]), failed);
    // The connection fails before the message has ended.
    assert_eq!(reported(limited, &[&compressed(0x42, &vec![b'a'; 100_000])]), failed);
    // A message that does not shrink may be longer on the wire than the limit.
    let noise = noise(1000);
    let stored = compressed(0xc2, &noise);
    assert!(stored.len() > 1004);
    assert_eq!(reported(limited, &[&stored]), [Reported::binary(&noise)]);
    // It must not be much longer, though.
    let padding = [&[0x00, 0x00, 0x00, 0xff, 0xff].repeat(300)[..], &HELLO].concat();
    assert_eq!(reported(limited, &[&frame(0xc2, &padding)]), failed);
    let parts = limited.delivery(Delivery::Parts);
    assert_eq!(reported(parts, &[&compressed(0xc2, &[b'a'; 1001])]).last(), failed.last());
    let whole = Reported::Parts { is_text: false, bytes: fits.clone(), is_first: true, is_last: true };
    assert_eq!(reported(parts, &[&compressed(0xc2, &fits)]), [whole]);
}

/// The data decompresses to a part of a character, and is invalid after that. There is no text to report, so
/// the failure must not wait for the next read.
#[test]
fn a_failure_after_a_cut_character_is_reported_at_once() {
    // The header declares 59 bytes, and ten of them arrive.
    let unfinished = [0x41, 59, 59, 1, 0, 4, 0, 13, 0, 63, 255, 130];
    let parts = config().delivery(Delivery::Parts);
    assert_eq!(reported(parts, &[&unfinished]), [Reported::Failed(Violation::Deflate.into())]);
}

#[test]
fn parts_are_reported_in_pieces_of_at_most_16_kib() {
    let text = "a\u{20ac}".repeat(30_000);
    let frames = [compressed(0xc1, text.as_bytes()), compressed(0xc2, &vec![7; 100_000])];
    let mut server = server_with(config().delivery(Delivery::Parts), DeflateParams::new());
    let mut bytes = masked_all(&[&frames[0], &frames[1]]);
    let mut input = &mut bytes[..];
    let (mut joined, mut longest, mut ends) = (Vec::new(), 0, 0);
    while let Some((event, _)) = server.receive(&mut input) {
        let sansws::Event::Part(part) = event else { panic!("{event:?}") };
        joined.extend_from_slice(part.data.as_bytes());
        longest = longest.max(part.data.as_bytes().len());
        ends += usize::from(part.is_last);
    }
    assert_eq!((longest, ends), (16 * 1024, 2));
    assert!(joined == [text.as_bytes(), &vec![7; 100_000]].concat());
}

// PMD-6-04: an uncompressed message on the same connection has a known length.
#[test]
fn a_part_of_a_compressed_message_does_not_tell_how_much_is_still_to_come() {
    let mut server = server_with(config().delivery(Delivery::Parts), DeflateParams::new());
    for (first, payload, left) in [(0xc1, &HELLO[..], None), (0x82, b"Hello", Some(0))] {
        let mut bytes = masked(&frame(first, payload), [1, 2, 3, 4]);
        let Some((sansws::Event::Part(part), _)) = server.receive(&mut &mut bytes[..]) else { panic!() };
        assert_eq!((part.data.as_bytes(), part.frame_left()), (&b"Hello"[..], left));
    }
}

/// Even an uncompressed message may be followed by a compressed one in the same buffer.
#[test]
fn no_room_is_lent_on_a_connection_that_has_agreed_on_compression() {
    let config = config().keep_capacity(1 << 20);
    let payload = vec![7; 100_000];
    let large = masked(&frame(0x82, &payload), [1, 2, 3, 4]);
    // The header and one byte of the payload.
    let (begin, rest) = large.split_at(15);
    for agreed in [Agreed::NONE, Agreed::deflate(DeflateParams::new())] {
        let mut server = Connection::after_handshake(Server, config, agreed);
        assert_eq!(feed(&mut server, begin), []);
        assert_eq!(server.receive_buffer().is_some(), agreed == Agreed::NONE);
        assert_eq!(feed(&mut server, rest), [Reported::binary(&payload)]);
        assert_eq!(server.receive_buffer().is_some(), agreed == Agreed::NONE);
    }
}

// PMD-7.2.2-03
#[test]
fn the_bytes_before_corrupt_data_are_a_part() {
    let parts = config().delivery(Delivery::Parts);
    let failed = Reported::Failed(Violation::Deflate.into());
    // A block of reserved type follows after few bytes, and after more than the connection decompresses at a
    // time.
    for len in [1, 2, 5, 600, 3000] {
        let before = noise(len);
        let mut payload = zlib::Deflate::new(6, 15, 8, 0).run(&before, libz_sys::Z_FULL_FLUSH);
        payload.extend([7, 0, 0]);
        let part = Reported::Parts { is_text: false, bytes: before, is_first: true, is_last: false };
        assert_eq!(reported(parts, &[&frame(0xc2, &payload)]), [part, failed.clone()], "{len}");
    }
    // The message ends in the middle of a block.
    let (start, _) = HELLO.split_at(3);
    let reported = reported(parts, &[&frame(0xc2, start)]);
    assert_eq!(reported.last(), Some(&failed), "{reported:?}");
    assert_eq!(super::reported(parts, &[&frame(0xc2, &HELLO[..1])]), [failed]);
}

/// Blocks of one byte each without compression, so that each byte is decompressed as soon as it arrives.
fn stored(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| [0, 1, 0, 0xfe, 0xff, byte]).collect()
}

// WS-8.1-01 · WS-8.1-02 · PMD-6.1-09
#[test]
fn a_compressed_text_that_ends_inside_a_character_fails() {
    let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
    let part = |text: &str| Reported::Parts {
        is_text: true,
        bytes: text.as_bytes().to_vec(),
        is_first: true,
        is_last: false,
    };
    let last = |bytes: &[u8]| [stored(bytes), vec![0]].concat();
    for (fragments, before) in [
        (vec![frame(0xc1, &last(b"gr\xc3"))], Some("gr")),
        (vec![frame(0xc1, &last(b"\xc3"))], None),
        // The last fragment continues the character, but does not complete it.
        (vec![frame(0x41, &stored(b"gr\xe2")), frame(0x80, &last(b"\x82"))], Some("gr")),
        (vec![frame(0x41, &stored(b"\xe2")), frame(0x80, &last(b"\x82"))], None),
        (vec![frame(0x41, &stored(b"\xe2")), frame(0x80, &last(b""))], None),
    ] {
        let frames: Vec<&[u8]> = fragments.iter().map(Vec::as_slice).collect();
        assert_eq!(reported(config(), &frames), failed, "{frames:02x?}");
        let parts = config().delivery(Delivery::Parts);
        let expected: Vec<_> = before.map(part).into_iter().chain(failed.clone()).collect();
        assert_eq!(reported(parts, &frames), expected, "{frames:02x?}");
    }
}

// WS-8.1-01
#[test]
fn a_compressed_text_in_parts_that_begins_with_a_bad_byte_fails_without_a_part() {
    let failed = [Reported::Failed(Violation::InvalidUtf8.into())];
    for text in [&b"\xff"[..], b"\xffabc", b"\x80", b"\xc3("] {
        let payload = [stored(text), vec![0]].concat();
        assert_eq!(
            reported(config().delivery(Delivery::Parts), &[&frame(0xc1, &payload)]),
            failed,
            "{text:02x?}"
        );
    }
}

/// The part ends at the block that the credit does not pay for, however the message is cut.
#[test]
fn the_bytes_before_one_final_block_too_many_are_a_part() {
    let window = zlib::Deflate::new(6, 15, 8, 0).run(&vec![7; 1 << 15], libz_sys::Z_SYNC_FLUSH);
    let payload = [window, [0x4b, 0x04, 0x00].repeat(1500)].concat();
    let reported = reported(config().delivery(Delivery::Parts), &[&frame(0xc2, &payload)]);
    let [Reported::Parts { bytes, is_last: false, .. }, failed] = &reported[..] else { panic!() };
    assert_eq!(*failed, Reported::Failed(Limit::FinalBlocks.into()));
    assert!(bytes.len() > (1 << 15) + 1000, "{}", bytes.len());
}

// PMD-7.2.2-03
#[test]
fn the_bytes_of_a_block_that_the_message_cuts_off_are_a_part() {
    let failed = Reported::Failed(Violation::Deflate.into());
    for len in 1..4 {
        let bytes = b"abc"[..len].to_vec();
        // A stored block of five bytes.
        let payload = [&[0, 5, 0, 0xfa, 0xff], &bytes[..]].concat();
        let part = Reported::Parts { is_text: false, bytes, is_first: true, is_last: false };
        assert_eq!(
            reported(config().delivery(Delivery::Parts), &[&frame(0xc2, &payload)]),
            [part, failed.clone()],
            "{len}"
        );
    }
}
