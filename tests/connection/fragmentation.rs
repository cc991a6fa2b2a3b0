//! Fragmentation, RFC 6455 section 5.4.

use crate::support::*;
use sansws::{Agreed, Client, Config, Connection, DataKind, Delivery, Misuse, Violation};

// WS-5.4-01
#[test]
fn a_message_is_the_same_wherever_its_frames_begin() {
    let text = b"frame boundaries mean nothing";
    for pieces in 1..=text.len() {
        let size = text.len().div_ceil(pieces);
        let chunks: Vec<&[u8]> = text.chunks(size).collect();
        let frames: Vec<Vec<u8>> = chunks
            .iter()
            .enumerate()
            .map(|(i, chunk)| {
                let fin = if i + 1 == chunks.len() { 0x80 } else { 0 };
                frame(fin | u8::from(i == 0), chunk)
            })
            .collect();
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        assert_reports(&frames, &[Reported::text("frame boundaries mean nothing")]);
    }
}

// WS-5.4-02
#[test]
fn an_unfragmented_message_is_one_frame_with_fin() {
    assert_reports(&[b"\x82\x01\x00"], &[Reported::binary(b"\0")]);
}

// WS-5.4-03
#[test]
fn a_fragmented_message_ends_with_the_frame_that_has_fin() {
    assert_reports(&[b"\x01\x03Hel", b"\x80\x02lo"], &[Reported::text("Hello")]);
}

// WS-5.4-04
#[test]
fn a_continuation_without_a_message_to_continue_fails() {
    assert_fails(&[b"\x80\x00"], Violation::NothingToContinue);
    assert_fails(&[b"\x00\x01a"], Violation::NothingToContinue);
    let (reported, sent) = both_roles(&[b"\x81\x01a", b"\x80\x00"]);
    assert_eq!(reported, [Reported::text("a"), Reported::Failed(Violation::NothingToContinue.into())]);
    assert_eq!(sent, [close_frame(1002_u16)]);
    let (reported, _) = both_roles(&[b"\x01\x01a", b"\x80\x01b", b"\x00\x00"]);
    assert_eq!(reported, [Reported::text("ab"), Reported::Failed(Violation::NothingToContinue.into())]);
}

// WS-5.4-07
#[test]
fn fragments_are_joined_in_order() {
    let bytes: Vec<u8> = (0..=255).collect();
    let frames: Vec<Vec<u8>> = bytes
        .chunks(16)
        .enumerate()
        .map(|(i, chunk)| {
            frame(
                if i == 0 {
                    0x02
                } else if i == 15 {
                    0x80
                } else {
                    0
                },
                chunk,
            )
        })
        .collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    assert_reports(&frames, &[Reported::binary(&bytes)]);
}

// WS-5.4-08
#[test]
fn a_sender_has_to_finish_a_message_before_it_begins_another() {
    let mut server = open_server();
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    let refused = Err(Misuse::MessageUnfinished.into());
    assert_eq!(tx.begin(DataKind::Text), refused);
    assert_eq!(tx.text("t"), refused);
    tx.fragment(b"a").unwrap();
    assert_eq!(tx.binary(b"b"), refused);
    assert_eq!(tx.prepared(&sansws::PreparedMessage::text("p").unwrap()), refused);
    assert_eq!(tx.mask_in_place(DataKind::Binary, &mut []), Err(Misuse::MessageUnfinished.into()));
    tx.finish(b"b").unwrap();
    tx.text("t").unwrap();
    assert_eq!(server.outgoing(), b"\x01\x01a\x80\x01b\x81\x01t");
}

#[test]
fn a_fragment_cannot_be_sent_before_a_message_has_begun() {
    let mut server = open_server();
    assert_eq!(server.sender().fragment(b"a"), Err(Misuse::NothingBegun.into()));
    assert_eq!(server.sender().finish(b"a"), Err(Misuse::NothingBegun.into()));
    assert!(server.outgoing().is_empty());
}

// WS-5.4-09
#[test]
fn a_new_message_inside_an_unfinished_one_fails() {
    for second in [&b"\x81\x01b"[..], b"\x01\x01b", b"\x82\x01b", b"\x02\x01b"] {
        assert_fails(&[b"\x01\x01a", second], Violation::MessageUnfinished);
        assert_fails(&[b"\x02\x00", b"\x00\x00", second], Violation::MessageUnfinished);
    }
}

// WS-5.4-11 · WS-5.6-02
#[test]
fn messages_may_be_cut_between_any_two_bytes() {
    assert_reports(&[b"\x01\x00", b"\x00\x00", b"\x00\x01a", b"\x80\x00"], &[Reported::text("a")]);
    assert_reports(&[b"\x01\x01\xc3", b"\x80\x01\xa9"], &[Reported::text("\u{e9}")]);
    assert_reports(
        &[b"\x01\x01\xf0", b"\x00\x01\x9f", b"\x00\x01\x98", b"\x00\x00", b"\x80\x01\x80"],
        &[Reported::text("\u{1f600}")],
    );
}

// WS-5.4-12 · WS-6.2-05
#[test]
fn whole_and_fragmented_messages_may_alternate() {
    assert_reports(
        &[b"\x81\x01a", b"\x02\x01b", b"\x80\x01c", b"\x82\x01d", b"\x01\x00", b"\x80\x01e"],
        &[Reported::text("a"), Reported::binary(b"bc"), Reported::binary(b"d"), Reported::text("e")],
    );
}

// WS-5.4-17
#[test]
fn all_fragments_have_the_kind_of_the_first() {
    assert_reports(
        &[b"\x02\x01\xff", b"\x00\x01\xfe", b"\x80\x01\xfd"],
        &[Reported::binary(b"\xff\xfe\xfd")],
    );
}

// WS-6.1-04 · WS-6.1-06
#[test]
fn a_streamed_message_is_a_series_of_frames() {
    let mut server = open_server();
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"a").unwrap();
    tx.fragment(b"b").unwrap();
    tx.finish(b"").unwrap();
    tx.begin(DataKind::Binary).unwrap();
    tx.finish(b"c").unwrap();
    assert_eq!(server.outgoing(), b"\x01\x01a\x00\x01b\x80\x00\x82\x01c");
}

// WS-6.2-04
#[test]
fn a_message_is_complete_at_fin() {
    let mut client = open_client();
    assert_eq!(feed(&mut client, b"\x01\x01a\x00\x01b"), []);
    assert_eq!(feed(&mut client, b"\x80\x01c"), [Reported::text("abc")]);
}

#[test]
fn parts_are_delivered_as_they_arrive() {
    let mut client = Connection::after_handshake(
        Client::new(rng()),
        Config::new().delivery(Delivery::Parts),
        Agreed::NONE,
    );
    let part = |bytes: &[u8], is_first, is_last| {
        vec![Reported::Parts { is_text: true, bytes: bytes.to_vec(), is_first, is_last }]
    };
    assert_eq!(feed(&mut client, b"\x01\x05ab"), part(b"ab", true, false));
    assert_eq!(feed(&mut client, b"c"), part(b"c", false, false));
    // A character that is cut in two is delivered when it is complete.
    assert_eq!(feed(&mut client, b"\xc3"), []);
    assert_eq!(feed(&mut client, b"\xa9"), part("\u{e9}".as_bytes(), false, false));
    assert_eq!(feed(&mut client, b"\x89\x00"), [Reported::Ping(vec![])]);
    assert_eq!(
        feed(&mut client, b"\x00\x01d\x80\x00"),
        [Reported::Parts { is_text: true, bytes: b"d".to_vec(), is_first: false, is_last: true },]
    );
    // A message of one frame is one part, and so is an empty message.
    assert_eq!(feed(&mut client, b"\x81\x02hi"), part(b"hi", true, true));
    assert_eq!(feed(&mut client, b"\x81\x00"), part(b"", true, true));
}

// With 32-bit pointers this limit is below the length of the message. `tests/firmware` has such a test for
// them.
#[cfg(target_pointer_width = "64")]
#[test]
fn delivery_in_parts_accepts_messages_of_any_length() {
    let config = Config::new().delivery(Delivery::Parts).max_message(usize::MAX >> 1);
    let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
    let mut received = 0;
    feed(&mut client, b"\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00");
    for _ in 0..100 {
        match &feed(&mut client, &[5; 10_000])[..] {
            [Reported::Parts { bytes, is_last: false, .. }] => received += bytes.len(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received, 1_000_000);
}

#[test]
fn text_in_parts_fails_at_its_first_bad_byte() {
    let mut client = Connection::after_handshake(
        Client::new(rng()),
        Config::new().delivery(Delivery::Parts),
        Agreed::NONE,
    );
    let reported = feed(&mut client, b"\x01\x7dok\xc3(");
    assert_eq!(reported.last(), Some(&Reported::Failed(Violation::InvalidUtf8.into())));
    for cut_off in [&b"\x81\x01\xc3"[..], b"\x01\x01\xc3\x80\x00", b"\x01\x01a\x80\x02\xe2\x82"] {
        let mut client = Connection::after_handshake(
            Client::new(rng()),
            Config::new().delivery(Delivery::Parts),
            Agreed::NONE,
        );
        let reported = feed(&mut client, cut_off);
        assert_eq!(reported.last(), Some(&Reported::Failed(Violation::InvalidUtf8.into())), "{cut_off:02x?}");
    }
}

#[test]
fn text_before_a_bad_byte_is_one_part_wherever_it_is_cut() {
    let config = Config::new().delivery(Delivery::Parts);
    for bad in
        [&b"\x81\x04ab\xff\x00"[..], b"\x81\x04ab\xc3(", b"\x81\x04ab\xe2\x82", b"\x01\x02ab\x80\x01\xc3"]
    {
        let before = Reported::Parts { is_text: true, bytes: b"ab".to_vec(), is_first: true, is_last: false };
        let expected = [before, Reported::Failed(Violation::InvalidUtf8.into())];
        for cut in 0..bad.len() {
            let mut client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
            assert_eq!(feed_cut(&mut client, bad, [cut]), expected, "{bad:02x?} cut at {cut}");
        }
    }
}

#[test]
fn text_fragments_are_checked_when_they_are_sent() {
    let mut server = open_server();
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"\xc3").unwrap();
    // A refused call changes nothing: the character can still be completed.
    assert_eq!(tx.fragment(b"("), Err(Misuse::InvalidUtf8.into()));
    assert_eq!(tx.finish(b""), Err(Misuse::InvalidUtf8.into()));
    tx.finish(b"\xa9").unwrap();
    assert_eq!(server.outgoing(), b"\x01\x01\xc3\x80\x01\xa9");
}
