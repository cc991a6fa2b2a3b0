//! RFC 7692 sections 6 and 7.2 on a connection: compressed messages whole, in fragments, in parts, within limits.
#![cfg(feature = "deflate")]

mod support;
#[path = "support/zlib.rs"]
mod zlib;

use proptest::collection::vec;
use proptest::prelude::*;
use sansws::deflate::{Deflate, DeflateParams, Pool};
use sansws::{
    Accept, Agreed, Client, ClientRequest, CloseCode, Compress, Config, Connection, DataKind, Delivery,
    HandshakeError, Limit, PreparedMessage, SendError, Server, Violation,
};
use std::fmt::Write;
use support::*;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

const fn config() -> Config {
    Config::new().deflate(Deflate::new())
}

fn server_with(config: Config, params: DeflateParams) -> ServerConnection {
    Connection::after_handshake(Server, config, Agreed::deflate(params))
}

fn client_with(config: Config, params: DeflateParams) -> ClientConnection {
    Connection::after_handshake(Client::new(rng()), config, Agreed::deflate(params))
}

/// What a server and a client hear of these unmasked frames, whole and byte by byte: it has to be the same.
#[track_caller]
fn heard(config: Config, frames: &[&[u8]]) -> Vec<Heard> {
    let params = DeflateParams::new();
    let (to_server, to_client) = (masked_all(frames), frames.concat());
    let first = feed(&mut server_with(config, params), &to_server);
    let each = |bytes: &[u8]| (1..bytes.len()).collect::<Vec<_>>();
    assert_eq!(feed_cut(&mut server_with(config, params), &to_server, each(&to_server)), first);
    assert_eq!(feed(&mut client_with(config, params), &to_client), first);
    assert_eq!(feed_cut(&mut client_with(config, params), &to_client, each(&to_client)), first);
    first
}

fn compressed(first: u8, message: &[u8]) -> Vec<u8> {
    frame(first, &zlib::Deflate::new(6, 15, 8, 0).message(message))
}

/// JSON-like, so that it shrinks.
fn json(len: usize) -> String {
    let mut text = String::new();
    for i in 0.. {
        write!(text, "{{\"id\":{i},\"name\":\"item {}\",\"price\":{}}},", i * 7 % 13, i * i % 1000).unwrap();
        if text.len() >= len {
            text.truncate(len);
            return text;
        }
    }
    text
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..len).map(next).collect()
}

// --- receiving ---

// PMD-6-02 · PMD-6.1-08 · PMD-6.2-01 · PMD-6.2-02 · PMD-7.2.2-01 · PMD-7.2.2-02: section 7.2.3.1
#[test]
fn a_compressed_message_whole_and_in_fragments() {
    assert_eq!(heard(config(), &[&frame(0xc1, &HELLO)]), [Heard::text("Hello")]);
    assert_eq!(heard(config(), &[&frame(0xc2, &HELLO)]), [Heard::binary(b"Hello")]);
    let fragments: [&[u8]; 2] = [b"\x41\x03\xf2\x48\xcd", b"\x80\x04\xc9\xc9\x07\x00"];
    assert_eq!(heard(config(), &fragments), [Heard::text("Hello")]);
    // PMD-6-01: control frames in between are not touched.
    let with_ping: [&[u8]; 3] = [b"\x41\x03\xf2\x48\xcd", b"\x89\x01p", b"\x80\x04\xc9\xc9\x07\x00"];
    assert_eq!(heard(config(), &with_ping), [Heard::Ping(b"p".to_vec()), Heard::text("Hello")]);
    // Empty fragments say nothing.
    let empty: [&[u8]; 4] = [b"\x41\x00", b"\x00\x07\xf2\x48\xcd\xc9\xc9\x07\x00", b"\x00\x00", b"\x80\x00"];
    assert_eq!(heard(config(), &empty), [Heard::text("Hello")]);
}

// PMD-7.2.2-05 · PMD-7.2.2-07 · PMD-7.2.3.2-01: section 7.2.3.2, with a plain message between.
#[test]
fn the_window_is_taken_over_and_plain_messages_leave_it_alone() {
    let again = frame(0xc1, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    let all = heard(config(), &[&frame(0xc1, &HELLO), &frame(0x81, b"Hullo"), &again]);
    assert_eq!(all, [Heard::text("Hello"), Heard::text("Hullo"), Heard::text("Hello")]);
    // PMD-7.2.2-06 · PMD-7.2.2-04: without takeover there is nothing to refer to.
    let params =
        DeflateParams::new().with_client_no_context_takeover(true).with_server_no_context_takeover(true);
    let frames = [frame(0xc1, &HELLO), again];
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let failed = [Heard::text("Hello"), Heard::Failed(Violation::Deflate.into())];
    assert_eq!(feed(&mut server_with(config(), params), &masked_all(&frames)), failed);
    assert_eq!(feed(&mut client_with(config(), params), &frames.concat()), failed);
}

// PMD-6-04 · PMD-6.2-04
#[test]
fn a_plain_message_is_not_decompressed() {
    assert_eq!(heard(config(), &[b"\x82\x01\xf2"]), [Heard::binary(&[0xf2])]);
    assert_eq!(heard(config(), &[b"\x81\x05Hello"]), [Heard::text("Hello")]);
}

// PMD-7.2.1-04 · PMD-7.2.1-05 · PMD-7.2.1-07 · PMD-7.2.3.3-01: sections 7.2.3.3 to 7.2.3.6
#[test]
fn blocks_of_all_kinds() {
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    for payload in [&stored[..], last, two] {
        let frames: [&[u8]; 2] = [&frame(0xc1, payload), &frame(0xc1, &HELLO)];
        assert_eq!(heard(config(), &frames), [Heard::text("Hello"), Heard::text("Hello")]);
    }
    assert_eq!(heard(config(), &[b"\xc1\x01\x00"]), [Heard::text("")]);
    // A peer that leaves the tail on.
    let with_tail = [&HELLO[..], &[0, 0, 0xff, 0xff]].concat();
    assert_eq!(heard(config(), &[&frame(0xc1, &with_tail)]), [Heard::text("Hello")]);
}

// PMD-6.1-06 · PMD-6.1-07
#[test]
fn rsv1_stands_on_the_first_frame_of_a_message_alone() {
    let failed = [Heard::Failed(Violation::ReservedBits(4).into())];
    assert_eq!(heard(config(), &[b"\xc9\x00"]), failed);
    assert_eq!(heard(config(), &[b"\xc8\x00"]), failed);
    assert_eq!(heard(config(), &[b"\x41\x03\xf2\x48\xcd", b"\xc0\x04\xc9\xc9\x07\x00"]), failed);
    assert_eq!(heard(config(), &[b"\x01\x01a", b"\xc0\x00"]), failed);
    assert_eq!(heard(config(), &[b"\xe1\x00"]), [Heard::Failed(Violation::ReservedBits(2).into())]);
    // Where nothing was agreed it stands nowhere.
    assert_eq!(feed(&mut open_server(), &masked_all(&[&frame(0xc1, &HELLO)])), failed);
}

// PMD-7.2.2-03
#[test]
fn what_is_no_deflate_data_fails_with_1007() {
    for payload in [&b"\xff"[..], b"\x07", b"\xf2\x48\xcd\xc9"] {
        let mut server = server_with(config(), DeflateParams::new());
        let heard = feed(&mut server, &masked_all(&[&frame(0xc2, payload)]));
        assert_eq!(heard.last(), Some(&Heard::Failed(Violation::Deflate.into())), "{payload:02x?}");
        assert_eq!(take_outgoing(&mut server), close_frame(CloseCode::INVALID_PAYLOAD));
    }
}

// PMD-6.1-09 · WS-8.1-01 · WS-8.1-02
#[test]
fn text_is_checked_as_it_comes_out() {
    let failed = [Heard::Failed(Violation::InvalidUtf8.into())];
    assert_eq!(heard(config(), &[&compressed(0xc1, b"a\xff")]), failed);
    assert_eq!(heard(config(), &[&compressed(0xc1, "\u{20ac}".as_bytes())]), [Heard::text("\u{20ac}")]);
    assert_eq!(heard(config(), &[&compressed(0xc1, b"\xe2\x82")]), failed);
    // Before the message has ended.
    let bad = compressed(0x41, &[&[b'a'; 5000][..], b"\xff", &vec![b'a'; 50000]].concat());
    assert_eq!(heard(config(), &[&bad]), failed);
    // What is no UTF-8 on the wire may well be text.
    assert!(String::from_utf8(HELLO.to_vec()).is_err());
}

// WS-10.4-04
#[test]
fn the_limit_counts_what_comes_out() {
    let limited = config().max_message(1000);
    let fits = vec![b'a'; 1000];
    assert_eq!(heard(limited, &[&compressed(0xc2, &fits)]), [Heard::binary(&fits)]);
    let failed = [Heard::Failed(Limit::Message.into())];
    assert_eq!(heard(limited, &[&compressed(0xc2, &[b'a'; 1001])]), failed);
    // Over all fragments, and before the message has ended.
    assert_eq!(heard(limited, &[&compressed(0x42, &vec![b'a'; 100_000])]), failed);
    // What does not shrink may be longer on the wire.
    let noise = noise(1000);
    let stored = compressed(0xc2, &noise);
    assert!(stored.len() > 1004);
    assert_eq!(heard(limited, &[&stored]), [Heard::binary(&noise)]);
    // But not by much.
    let padding = [&[0x00, 0x00, 0x00, 0xff, 0xff].repeat(300)[..], &HELLO].concat();
    assert_eq!(heard(limited, &[&frame(0xc2, &padding)]), failed);
    let parts = limited.delivery(Delivery::Parts);
    assert_eq!(heard(parts, &[&compressed(0xc2, &[b'a'; 1001])]).last(), failed.last());
    let whole = Heard::Parts { is_text: false, bytes: fits.clone(), is_first: true, is_last: true };
    assert_eq!(heard(parts, &[&compressed(0xc2, &fits)]), [whole]);
}

// --- in parts, and however cut ---

/// A character that is cut, and then bytes that are no DEFLATE data: nothing to report but the failure, which is not to
/// wait for the next read.
#[test]
fn a_failure_behind_a_cut_character_is_told_at_once() {
    // Ten bytes of 59.
    let unfinished = [0x41, 59, 59, 1, 0, 4, 0, 13, 0, 63, 255, 130];
    let parts = config().delivery(Delivery::Parts);
    assert_eq!(heard(parts, &[&unfinished]), [Heard::Failed(Violation::Deflate.into())]);
}

#[test]
fn parts_come_as_they_are_decompressed() {
    let text = "a\u{20ac}".repeat(30_000);
    let frames = [compressed(0xc1, text.as_bytes()), compressed(0xc2, &vec![7; 100_000])];
    let mut server = server_with(config().delivery(Delivery::Parts), DeflateParams::new());
    let mut bytes = masked_all(&[&frames[0], &frames[1]]);
    let mut input = &mut bytes[..];
    let (mut joined, mut longest, mut ends) = (Vec::new(), 0, 0);
    while let Some((event, _)) = server.receive(&mut input).unwrap() {
        let sansws::Event::Part(part) = event else { panic!("{event:?}") };
        joined.extend_from_slice(part.data.as_bytes());
        longest = longest.max(part.data.as_bytes().len());
        ends += usize::from(part.is_last);
    }
    assert_eq!((longest, ends), (16 * 1024, 2));
    assert!(joined == [text.as_bytes(), &vec![7; 100_000]].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02 · PMD-7.2.1-06
    #[test]
    fn the_events_do_not_depend_on_how_the_bytes_were_cut(
        messages in vec((0..4_u8, 0..4000_usize, any::<bool>(), 0..10_i32, 0..5_i32, vec(any::<prop::sample::Index>(), 0..4)), 1..6),
        bad in proptest::option::weighted(0.3, (any::<prop::sample::Index>(), 1..=255_u8)),
        cuts in vec(any::<prop::sample::Index>(), 0..30),
        is_whole in any::<bool>(),
        max in prop_oneof![Just(1_u64 << 20), 0..6000_u64],
        takeover in any::<bool>(),
    ) {
        let mut encoder = zlib::Deflate::new(6, 15, 8, 0);
        let mut frames = Vec::new();
        let mut plain = Vec::new();
        for (kind, len, is_compressed, level, strategy, fragments) in messages {
            let (opcode, message) = match kind {
                0 => (1, json(len).into_bytes()),
                1 => (1, "a\u{e9}\u{20ac}".repeat(len / 6).into_bytes()),
                2 => (2, noise(len)),
                _ => (2, vec![7; len]),
            };
            plain.push(if opcode == 1 {
                Heard::text(std::str::from_utf8(&message).unwrap())
            } else {
                Heard::binary(&message)
            });
            let payload = if !is_compressed {
                message
            } else if takeover {
                encoder.message(&message)
            } else {
                zlib::Deflate::new(level, 15, 8, strategy).message(&message)
            };
            let rsv1 = if is_compressed { 0x40 } else { 0 };
            let mut ends: Vec<usize> = fragments.iter().map(|at| at.index(payload.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(payload.len());
            let (mut from, last) = (0, ends.len() - 1);
            for (i, to) in ends.into_iter().enumerate() {
                let first = if i == 0 { opcode | rsv1 } else { 0 } | if i == last { 0x80 } else { 0 };
                frames.push(frame(first, &payload[from..to]));
                frames.push(frame(0x89, b"p"));
                from = to;
            }
        }
        if let Some((at, flip)) = bad {
            let at = at.index(frames.len());
            let frame = &mut frames[at];
            let last = frame.len() - 1;
            if last > 1 && frame[0] != 0x89 {
                frame[last] ^= flip;
            }
        }
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let delivery = if is_whole { Delivery::Whole } else { Delivery::Parts };
        let config = config().delivery(delivery).max_message(max);
        let params = DeflateParams::new().with_client_no_context_takeover(!takeover);
        let bytes = masked_all(&frames);
        let mut whole = server_with(config, params);
        let heard = feed(&mut whole, &bytes);
        let outgoing = take_outgoing(&mut whole);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let mut cut = server_with(config, params);
        prop_assert_eq!(&feed_cut_with(&mut cut, &bytes, at, Connection::release_buffers), &heard);
        prop_assert_eq!(take_outgoing(&mut cut), outgoing.clone());
        let mut each = server_with(config, params);
        prop_assert_eq!(&feed_cut(&mut each, &bytes, 1..bytes.len()), &heard);
        prop_assert_eq!(take_outgoing(&mut each), outgoing);
        if is_whole && bad.is_none() && max == 1 << 20 {
            let messages: Vec<_> = heard.into_iter().filter(|heard| !matches!(heard, Heard::Ping(_))).collect();
            prop_assert_eq!(messages, plain);
        }
    }

    // PMD-7.2.1-01 · PMD-7.2.1-03 · PMD-7.2.1-09 · PMD-7.2.1-13 · PMD-7.2.1-15 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7-02
    #[test]
    fn what_is_sent_is_what_zlib_reads(
        messages in vec((0..4_u8, 0..6000_usize, 0..3_u8, any::<bool>(), 0..3_usize), 1..12),
        bits in 8..=15_u8,
        no_takeover in any::<bool>(),
        level in 1..=9_u8,
        is_client in any::<bool>(),
        pooled in any::<bool>(),
    ) {
        let params = DeflateParams::new()
            .with_server_no_context_takeover(no_takeover)
            .with_client_no_context_takeover(no_takeover)
            .with_server_max_window_bits(bits)
            .with_client_max_window_bits(bits);
        let config = Config::new().deflate(Deflate::new().level(level));
        let pool = Pool::new(2);
        let mut server = server_with(config, params);
        let mut client = client_with(config, params);
        if pooled {
            server.set_deflate_pool(&pool).unwrap();
            client.set_deflate_pool(&pool).unwrap();
        }
        let mut decoder = zlib::Inflate::new(bits.max(8));
        for (kind, len, how, is_prepared, fragments) in messages {
            let message = match kind {
                0 | 1 => json(len).into_bytes(),
                2 => noise(len),
                _ => vec![b'x'; len],
            };
            let how = [Compress::Auto, Compress::Always, Compress::Never][usize::from(how)];
            macro_rules! send {
                ($connection:expr) => {{
                    let tx = $connection.sender();
                    if fragments > 0 {
                        tx.compress(how).begin(DataKind::Binary).unwrap();
                        for piece in message.chunks(message.len() / fragments + 1) {
                            tx.fragment(piece).unwrap();
                            tx.ping(b"between").unwrap();
                        }
                        tx.finish(b"").unwrap();
                    } else if is_prepared {
                        tx.compress(how).prepared(&PreparedMessage::binary(&message)).unwrap();
                    } else {
                        tx.compress(how).binary(&message).unwrap();
                    }
                    take_outgoing(&mut $connection)
                }};
            }
            let sent = if is_client { send!(client) } else { send!(server) };
            let mut payload = Vec::new();
            let mut is_compressed = false;
            for frame in frames(&sent) {
                if frame[0] == 0x89 {
                    continue;
                }
                let header_len = match frame[1] { 126 => 4, 127 => 10, _ => 2 };
                // PMD-6.1-02 · PMD-6.1-05
                if frame[0] & 0x0f == 2 { is_compressed = frame[0] & 0x40 != 0 } else { assert_eq!(frame[0] & 0x40, 0) }
                payload.extend_from_slice(&frame[header_len..]);
            }
            if is_compressed {
                prop_assert!(how != Compress::Never);
                // A window of 256 bytes is refused by zlib for raw data, and stands for one of 512 there.
                prop_assert!(decoder.message(&payload) == Ok(message), "{} bytes", len);
            } else {
                prop_assert!(payload == message);
            }
            if no_takeover {
                decoder.reset();
            }
            // The peer of this library hears it too.
            if is_client {
                prop_assert!(matches!(feed(&mut server, &sent).last(), Some(Heard::Binary(_))));
            } else {
                prop_assert!(matches!(feed(&mut client, &sent).last(), Some(Heard::Binary(_))));
            }
        }
    }
}

// --- sending ---

fn sent(server: &mut ServerConnection) -> Vec<u8> {
    take_outgoing(server)
}

// PMD-6-03 · PMD-6.1-01 · PMD-6.1-02 · PMD-6.1-04
#[test]
fn short_messages_go_out_plain_unless_asked_for() {
    let mut server = server_with(config(), DeflateParams::new());
    let short = "a".repeat(31);
    server.sender().text(&short).unwrap();
    assert_eq!(sent(&mut server), frame(0x81, short.as_bytes()));
    let long = "a".repeat(32);
    server.sender().text(&long).unwrap();
    let frames = sent(&mut server);
    assert_eq!(frames[0], 0xc1);
    assert!(frames.len() < 10);
    server.sender().compress(Compress::Always).text("aaaa").unwrap();
    assert_eq!(sent(&mut server)[0], 0xc1);
    server.sender().compress(Compress::Never).text(&long).unwrap();
    assert_eq!(sent(&mut server), frame(0x81, long.as_bytes()));
    // It holds for one message.
    server.sender().text(&long).unwrap();
    assert_eq!(sent(&mut server)[0], 0xc1);
    // 256 without takeover.
    let params = DeflateParams::new().with_server_no_context_takeover(true);
    let mut server = server_with(config(), params);
    for (len, first) in [(255, 0x81), (256, 0xc1)] {
        server.sender().text(&"a".repeat(len)).unwrap();
        assert_eq!(sent(&mut server)[0], first, "{len}");
    }
}

// PMD-6-01 · PMD-6.1-05
#[test]
fn control_frames_are_never_compressed() {
    let mut server = server_with(Config::new().deflate(Deflate::new().threshold(0)), DeflateParams::new());
    let payload = [b'a'; 125];
    server.sender().ping(&payload).unwrap();
    server.sender().pong(&payload).unwrap();
    server.sender().close(CloseCode::NORMAL, &"a".repeat(123)).unwrap();
    let first: Vec<u8> = frames(&sent(&mut server)).iter().map(|frame| frame[0]).collect();
    assert_eq!(first, [0x89, 0x8a, 0x88]);
}

// PMD-7.2.3.6-01 · PMD-7.2.1-04 · PMD-7.2.1-10
#[test]
fn an_empty_message_and_an_empty_end() {
    let mut server = server_with(config(), DeflateParams::new());
    server.sender().compress(Compress::Always).text("").unwrap();
    assert_eq!(sent(&mut server), b"\xc1\x01\x00");
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"Hello").unwrap();
    tx.finish(b"").unwrap();
    let frames = frames(&sent(&mut server));
    assert_eq!(frames[0][0], 0x41);
    assert!(frames[0].ends_with(&[0, 0, 0xff, 0xff]));
    assert_eq!(frames[1], b"\x80\x01\x00");
}

/// Noise grows, and so may the header: in front of 126 bytes it has two more.
#[test]
fn a_message_may_grow_beyond_what_its_header_had_room_for() {
    let mut server = server_with(config(), DeflateParams::new());
    let mut client = client_with(config(), DeflateParams::new());
    let all = noise(200_000);
    let (mut at, mut grown) = (0, 0);
    for len in (80..200).chain([32_767, 65_535, 65_536]) {
        // None of it was there before.
        let noise = &all[at..at + len];
        at += len;
        server.sender().binary(noise).unwrap();
        let sent = take_outgoing(&mut server);
        grown += usize::from(sent[0] == 0xc2 && sent[1] == 126 && len < 126);
        assert_eq!(feed(&mut client, &sent), [Heard::binary(noise)], "{len}");
        client.sender().binary(noise).unwrap();
        assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Heard::binary(noise)], "{len}");
    }
    assert_ne!(grown, 0);
}

/// What fits as it is goes out as it is, where it does not fit compressed.
#[test]
fn a_message_that_grows_beyond_the_room_goes_out_plain() {
    let config = config().max_outgoing(2004);
    let mut server = server_with(config, DeflateParams::new());
    let mut client = client_with(config, DeflateParams::new());
    let (noise, text) = (noise(2000), json(1000));
    for _ in 0..2 {
        server.sender().binary(&noise).unwrap();
        let sent = take_outgoing(&mut server);
        assert_eq!(sent[0], 0x82);
        assert_eq!(feed(&mut client, &sent), [Heard::binary(&noise)]);
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Heard::text(&text)]);
    }
}

/// The two windows stay the same through whatever is refused or sent otherwise.
#[test]
fn a_message_that_does_not_go_out_leaves_the_window_right() {
    let config = config().max_outgoing(20_000);
    let mut server = server_with(config, DeflateParams::new());
    let mut client = client_with(config, DeflateParams::new());
    let (text, noise) = (json(3000), noise(19_000));
    for _ in 0..3 {
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Heard::text(&text)]);
        // Does not fit as it is.
        assert_eq!(server.sender().text(&json(20_001)), Err(SendError::TooLarge));
        server.sender().binary(&noise).unwrap();
        assert_eq!(server.sender().binary(&noise), Err(SendError::NotNow));
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Heard::binary(&noise)]);
        server.sender().prepared(&PreparedMessage::text(&text)).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Heard::text(&text)]);
    }
}

#[test]
fn a_prepared_message_is_compressed_once_for_all() {
    let text = json(5000);
    let message = PreparedMessage::text(&text);
    let with =
        |bits, no| DeflateParams::new().with_server_max_window_bits(bits).with_server_no_context_takeover(no);
    let mut outgoing = Vec::new();
    for params in [with(15, false), with(15, true), with(10, false)] {
        let mut server = server_with(config(), params);
        let mut client = client_with(config(), params);
        server.sender().text("something before it, which it may not refer to").unwrap();
        feed(&mut client, &take_outgoing(&mut server));
        server.sender().prepared(&message).unwrap();
        let bytes = take_outgoing(&mut server);
        assert!(bytes.len() < text.len() / 2);
        assert_eq!(feed(&mut client, &bytes), [Heard::text(&text)]);
        outgoing.push(bytes);
    }
    assert_eq!(outgoing[0], outgoing[1]);
    assert_ne!(outgoing[0], outgoing[2]);
    // Plain where nothing was agreed, and where it would not be shorter.
    let mut plain = open_server();
    plain.sender().prepared(&message).unwrap();
    assert_eq!(take_outgoing(&mut plain), frame(0x81, text.as_bytes()));
    let noise = noise(500);
    let mut server = server_with(config(), with(15, false));
    server.sender().prepared(&PreparedMessage::binary(&noise)).unwrap();
    assert_eq!(take_outgoing(&mut server), frame(0x82, &noise));
}

// --- negotiation in the opening handshake ---

// PMD-7-01 · PMD-5-13 · PMD-5-19 · WS-9-01 · WS-9.1-10 · WS-9.2-01 · WS-6.1-08 · WS-6.2-06
#[test]
fn both_ends_agree_in_the_handshake() {
    let deflate = Deflate::new().server_max_window_bits(12).client_no_context_takeover(true);
    let mut pair = Pair::new(Config::new().deflate(deflate));
    assert!(pair.client.deflate().is_none());
    let request = String::from_utf8(pair.client.outgoing().to_vec()).unwrap();
    let offer =
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits";
    assert!(request.contains(&format!("\r\nSec-WebSocket-Extensions: {offer}\r\n")), "{request}");
    pair.deliver_to_server();
    let answer = String::from_utf8(pair.server.outgoing().to_vec()).unwrap();
    let value = "permessage-deflate; client_no_context_takeover; server_max_window_bits=12";
    assert!(answer.contains(&format!("\r\nSec-WebSocket-Extensions: {value}\r\n")), "{answer}");
    pair.deliver_to_client();
    let params = DeflateParams::new().with_server_max_window_bits(12).with_client_no_context_takeover(true);
    assert_eq!(pair.client.deflate(), Some(params));
    assert_eq!(pair.server.deflate(), Some(params));
    let text = json(2000);
    pair.client.sender().text(&text).unwrap();
    assert!(pair.client.outgoing().len() < 1000);
    assert_eq!(pair.deliver_to_server(), [Heard::text(&text)]);
    pair.server.sender().text(&text).unwrap();
    assert!(pair.server.outgoing().len() < 1000);
    assert_eq!(pair.deliver_to_client(), [Heard::text(&text)]);
}

// WS-5.3-07: what is masked is what was compressed.
#[test]
fn a_client_masks_the_compressed_bytes() {
    let mut client = client_with(config(), DeflateParams::new());
    client.sender().compress(Compress::Always).text("Hello").unwrap();
    let bytes = take_outgoing(&mut client);
    assert_eq!(bytes[..2], [0xc1, 0x80 | 7]);
    assert_eq!(frames(&bytes), [frame(0xc1, &HELLO)]);
}

// PMD-7.2.1-17: within what was agreed, whatever the hint was.
#[test]
fn a_client_may_use_more_than_it_hinted_at() {
    let params = DeflateParams::new().with_client_max_window_bits(12);
    let block = noise(3000);
    let message = [&block[..], &block].concat();
    let payload = zlib::Deflate::new(9, 12, 8, 0).message(&message);
    assert!(payload.len() < 4000, "refers back 3000 bytes");
    let heard = feed(&mut server_with(config(), params), &masked_all(&[&frame(0xc2, &payload)]));
    assert_eq!(heard, [Heard::binary(&message)]);
}

// PMD-5.1-01 · WS-7.4.1-11 · WS-7.4.1-12 · WS-9-02: an answer without the extension is valid, and the embedder that needs
// it says so.
#[test]
fn a_client_that_needs_compression_closes_with_1010() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let client = Connection::client(&request, config(), rng()).unwrap();
    let mut pair = Pair { client, server: Connection::server(Config::new()) };
    pair.deliver_to_server();
    assert_eq!(pair.deliver_to_client(), [Heard::Complete]);
    assert!(pair.client.deflate().is_none());
    pair.client.sender().close(CloseCode::MANDATORY_EXTENSION, "permessage-deflate").unwrap();
    assert_eq!(pair.deliver_to_server(), [Heard::close(1010, "permessage-deflate")]);
}

// PMD-7.2.2-13: it offers any window, and the server wants one of 512 bytes.
#[test]
fn a_client_compresses_within_the_window_that_was_agreed() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let wants = Config::new().deflate(Deflate::new().client_max_window_bits(9));
    let client = Connection::client(&request, config(), rng()).unwrap();
    let mut pair = Pair { client, server: Connection::server(wants) };
    pair.deliver_to_server();
    pair.deliver_to_client();
    assert_eq!(pair.client.deflate().unwrap().client_max_window_bits(), 9);
    // It repeats itself at a distance of 1000 bytes, which is beyond that window.
    let message = [noise(600), vec![b'a'; 400], noise(600)].concat();
    pair.client.sender().binary(&message).unwrap();
    let frame = &frames(pair.client.outgoing())[0];
    assert_eq!((frame[0], frame[1]), (0xc2, 126));
    assert!(frame.len() > 1200, "the noise refers to nothing");
    assert_eq!(zlib::Inflate::new(9).message(&frame[4..]), Ok(message.clone()));
    assert_eq!(pair.deliver_to_server(), [Heard::binary(&message)]);
}

// PMD-5-18 · PMD-5-19 · WS-9-02
#[test]
fn one_end_alone_compresses_nothing() {
    for (client, server) in [(config(), Config::new()), (Config::new(), config())] {
        let request = ClientRequest::new("ws://h/").unwrap();
        let mut pair = Pair {
            client: Connection::client(&request, client, rng()).unwrap(),
            server: Connection::server(server),
        };
        pair.deliver_to_server();
        assert_eq!(pair.deliver_to_client(), [Heard::Complete]);
        assert_eq!((pair.client.deflate(), pair.server.deflate()), (None, None));
        let text = json(1000);
        pair.server.sender().text(&text).unwrap();
        assert_eq!(take_outgoing(&mut pair.server), frame(0x81, text.as_bytes()));
        assert_eq!(
            feed(&mut pair.server, &masked_all(&[&frame(0xc1, &HELLO)])),
            [Heard::Failed(Violation::ReservedBits(4).into())]
        );
    }
}

// PMD-7-07 · PMD-7-08 · PMD-7-09 · PMD-5-20 · WS-9-04
#[test]
fn a_client_fails_at_an_answer_that_does_not_fit() {
    for (extensions, error) in [
        ("permessage-deflate; unknown", HandshakeError::ExtensionAnswer),
        ("permessage-deflate; server_max_window_bits=16", HandshakeError::ExtensionAnswer),
        ("permessage-deflate, permessage-deflate", HandshakeError::ExtensionAnswer),
        ("x-other", HandshakeError::ExtensionNotOffered),
        ("permessage-deflate;", HandshakeError::Extensions),
    ] {
        let mut pair = Pair::new(config());
        pair.deliver_to_server();
        let answer = String::from_utf8(take_outgoing(&mut pair.server)).unwrap();
        let answer = answer.replace(": permessage-deflate", &format!(": {extensions}"));
        assert_eq!(feed(&mut pair.client, answer.as_bytes()), [Heard::Failed(error.into())], "{extensions}");
    }
}

/// The embedder's 101 is still its own, and a refusal says nothing of extensions.
#[test]
fn an_answer_with_header_fields_and_a_refusal() {
    let mut pair = Pair::new(config());
    let mut bytes = take_outgoing(&mut pair.client);
    let mut input = &mut bytes[..];
    let (_, tx) = pair.server.receive(&mut input).unwrap().unwrap();
    tx.accept(&Accept::new().headers(&[("X-Test", "1")])).unwrap();
    let answer = String::from_utf8(take_outgoing(&mut pair.server)).unwrap();
    assert!(answer.contains("Sec-WebSocket-Extensions: permessage-deflate\r\nX-Test: 1\r\n"), "{answer}");
    // Sent at once, before the event that tells of it.
    pair.server.sender().text(&json(1000)).unwrap();
    assert_eq!(pair.server.outgoing()[0], 0xc1);

    let mut pair = Pair::new(config());
    let mut bytes = take_outgoing(&mut pair.client);
    let (_, tx) = pair.server.receive(&mut &mut bytes[..]).unwrap().unwrap();
    tx.reject(&sansws::Reply::new(403)).unwrap();
    assert!(!String::from_utf8(take_outgoing(&mut pair.server)).unwrap().contains("Extensions"));
    assert!(pair.server.deflate().is_none());
}
