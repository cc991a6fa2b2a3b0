//! Compressed messages in fragments. A sender may flush its compressor for every fragment (RFC 7692 section
//! 7.2.1), so a message of many fragments can be much longer on the wire than its plain bytes.

use super::*;
use libz_sys::{Z_DEFAULT_STRATEGY, Z_FINISH, Z_FIXED, Z_FULL_FLUSH, Z_HUFFMAN_ONLY, Z_RLE, Z_SYNC_FLUSH};
use sansws::deflate::Compressor;
use std::collections::HashMap;

/// The most plain bytes in the messages of these tests: each receiver accepts exactly the message.
fn limited(len: usize) -> [Config; 2] {
    [Delivery::Whole, Delivery::Parts].map(|delivery| config().max_message(len).delivery(delivery))
}

/// Asserts that both roles deliver exactly this message, and that a limit of one byte less rejects it.
#[track_caller]
fn arrives(frames: &[Vec<u8>], message: &[u8], case: &str) {
    let params = DeflateParams::new();
    let to_server: Vec<u8> = frames.iter().flat_map(|frame| masked(frame, [1, 0x5a, 0xff, 3])).collect();
    let to_client = frames.concat();
    for config in limited(message.len()) {
        let reported = [
            feed(&mut server_with(config, params), &to_server),
            feed(&mut client_with(config, params), &to_client),
        ];
        for reported in reported {
            match &reported[..] {
                [Reported::Binary(bytes)] => assert!(bytes == message, "{case}"),
                [Reported::Parts { bytes, is_first: true, is_last: true, .. }] => {
                    assert!(bytes == message, "{case}");
                }
                other => panic!("{case}: {:?}", other.last()),
            }
        }
    }
    if let Some(less) = message.len().checked_sub(1) {
        let failed = Reported::Failed(Limit::Message.into());
        let reported = feed(&mut server_with(config().max_message(less), params), &to_server);
        assert_eq!(reported.last(), Some(&failed), "{case}, with a limit of one byte less");
    }
}

/// Bytes that take 9 bits each in a block of type 1, the longest form. No three bytes repeat in a window.
fn long_literals(len: usize) -> Vec<u8> {
    let mut seen = HashMap::new();
    let mut literals: Vec<u8> = Vec::new();
    for mut byte in noise(len) {
        loop {
            byte = byte % 112 + 144;
            let end = literals.len();
            let Some(&[first, second]) = literals.last_chunk() else { break };
            let before = seen.insert([first, second, byte], end);
            if before.is_none_or(|before| end - before > 1 << 15) {
                break;
            }
            byte = byte.wrapping_add(1);
        }
        literals.push(byte);
    }
    literals
}

/// The bytes that a message of at most `max` plain bytes in this many fragments may have on the wire.
fn allowed(max: usize, fragments: usize) -> usize {
    max + max / 8 + max / 64 + 320 * fragments
}

#[test]
fn the_bytes_on_the_wire_may_reach_the_bound_of_the_compressor_for_every_fragment() {
    for len in (0..1000).chain([65_536, 1 << 20, 1 << 30]) {
        for fragments in [1, 7, 1000] {
            let plain = len * fragments;
            assert!(Compressor::bound(len) * fragments <= allowed(plain, fragments), "{len} {fragments}");
        }
    }
}

// PMD-7.2.1-09 · PMD-7.2.1-10 · PMD-6.1-01
#[test]
fn a_message_in_fragments_of_any_length_arrives_at_an_end_with_exactly_its_limit() {
    let lengths = [(500, &[1, 2, 7, 64, 499][..], &[1, 2, 9][..]), (4096, &[1, 300], &[1, 6])];
    for (len, pieces, levels) in lengths {
        for message in [json(len).into_bytes(), noise(len), long_literals(len), vec![b'a'; len]] {
            for (&level, &piece) in
                levels.iter().flat_map(|level| pieces.iter().map(move |piece| (level, piece)))
            {
                let frames = fragmented(&message, piece, level);
                arrives(&frames, &message, &format!("{len} bytes, pieces of {piece}, level {level}"));
            }
        }
    }
    // The fastest level finds no shorter form for these literals.
    let message = long_literals(1 << 20);
    let frames = fragmented(&message, 1 << 20, 1);
    let on_wire: usize = frames.iter().map(Vec::len).sum();
    assert!(on_wire > message.len() / 8 * 9, "{on_wire}");
    arrives(&frames, &message, "literals of 9 bits");
}

/// The unmasked frames of a message that a connection sends in pieces of this length.
fn fragmented(message: &[u8], piece: usize, level: u8) -> Vec<Vec<u8>> {
    let config = Config::new().deflate(DeflateConfig::new().level(level));
    let mut server = server_with(config, DeflateParams::new());
    let tx = server.sender();
    tx.begin_with(DataKind::Binary, Compress::Always).unwrap();
    let mut pieces = message.chunks(piece).peekable();
    while let Some(piece) = pieces.next() {
        match pieces.peek() {
            Some(_) => tx.fragment(piece).unwrap(),
            None => tx.finish(piece).unwrap(),
        }
    }
    frames(&take_outgoing(&mut server))
}

/// A fragment with this payload; the first one says that the message is compressed.
fn fragments(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let last = payloads.len() - 1;
    let first = |at: usize| if at == 0 { 0x42 } else { 0 } | if at == last { 0x80 } else { 0 };
    payloads.iter().enumerate().map(|(at, payload)| frame(first(at), payload)).collect()
}

// PMD-7.2.1-02 · PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.1-08 · PMD-7.2.1-09 · PMD-7.2.1-10
#[test]
fn a_message_arrives_however_its_sender_ends_each_fragment() {
    let empty_block = vec![0, 0, 0, 0xff, 0xff];
    for (level, mem_level, strategy) in [
        (0, 8, Z_DEFAULT_STRATEGY),
        (1, 8, Z_DEFAULT_STRATEGY),
        (6, 1, Z_DEFAULT_STRATEGY),
        (9, 9, Z_FIXED),
        (6, 8, Z_HUFFMAN_ONLY),
        (6, 8, Z_RLE),
    ] {
        for message in [json(600).into_bytes(), noise(600), long_literals(600)] {
            for piece in [1, 5, 33] {
                let new = || zlib::Deflate::new(level, 15, mem_level, strategy);
                let case = format!("level {level}, strategy {strategy}, pieces of {piece}");
                // The sender flushes each fragment, also with an empty window.
                for flush in [Z_SYNC_FLUSH, Z_FULL_FLUSH] {
                    let mut encoder = new();
                    let mut payloads: Vec<_> =
                        message.chunks(piece).map(|chunk| encoder.run(chunk, flush)).collect();
                    // The sender flushes without new bytes too, and writes the empty block again.
                    let twice: Vec<_> =
                        payloads.iter().flat_map(|payload| [payload.clone(), empty_block.clone()]).collect();
                    payloads.push(vec![0]);
                    arrives(&fragments(&payloads), &message, &case);
                    arrives(&fragments(&[&twice[..], &[vec![0]]].concat()), &message, &case);
                }
                // Each fragment ends with a final block, and may have an empty block behind it.
                for end in [&[][..], &empty_block, &empty_block.repeat(2)] {
                    let mut payloads: Vec<_> = message
                        .chunks(piece)
                        .map(|chunk| [&new().run(chunk, Z_FINISH)[..], end].concat())
                        .collect();
                    payloads.push(vec![0]);
                    arrives(&fragments(&payloads), &message, &case);
                }
            }
        }
    }
}

// PMD-7.2.1-05: nothing keeps a sender from describing two codes in every block, and the description takes up
// to 286 bytes.
#[test]
fn a_message_arrives_if_each_byte_has_a_block_with_the_longest_description() {
    let message = noise(200);
    let payloads: Vec<_> = message.iter().map(|&byte| longest_block(byte)).collect();
    assert!(payloads[0].len() > 286);
    let all = [&payloads[..], &[vec![0]]].concat();
    arrives(&fragments(&all), &message, "blocks of type 2");
}

/// A block of type 2 (RFC 1951 section 3.2.7) with this literal only. It gives a length to all 286 + 30
/// symbols and never abbreviates. An empty stored block follows.
fn longest_block(literal: u8) -> Vec<u8> {
    let mut bits = Bits(Vec::new());
    bits.low_first(0b100, 3);
    bits.low_first(29, 5);
    bits.low_first(29, 5);
    bits.low_first(15, 4);
    // The code for the lengths: the lengths 8, 9, 5 and 4 have 7 bits, and the other lengths fill the code.
    // The order of the symbols is 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15.
    let code = [0, 0, 0, 1, 7, 0, 7, 2, 0, 7, 0, 7, 3, 4, 0, 5, 0, 0, 0];
    for len in code {
        bits.low_first(len, 3);
    }
    // Codes: 0 has 0, 6 has 10, 12 has 110, 3 has 1110, 2 has 11110; then 4, 5, 8 and 9 have 7 bits.
    let (four, five, eight, nine) = (0b111_1100, 0b111_1101, 0b111_1110, 0b111_1111);
    // 226 symbols of 8 bits and 60 of 9 bits fill the code for literals and lengths.
    for symbol in 0..286 {
        bits.high_first(if symbol < 226 { eight } else { nine }, 7);
    }
    // Two distances of 4 bits and 28 of 5 bits fill the code for distances.
    for distance in 0..30 {
        bits.high_first(if distance < 2 { four } else { five }, 7);
    }
    let code = |symbol: u32| if symbol < 226 { (symbol, 8) } else { (symbol - 226 + 226 * 2, 9) };
    for symbol in [literal.into(), 256] {
        let (code, len) = code(symbol);
        bits.high_first(code, len);
    }
    bits.low_first(0, 3);
    let mut block: Vec<u8> = bits
        .0
        .chunks(8)
        .map(|byte| byte.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
        .collect();
    block.extend([0, 0, 0xff, 0xff]);
    block
}

struct Bits(Vec<bool>);

impl Bits {
    /// A number: its lowest bit comes first.
    fn low_first(&mut self, number: u32, len: u32) {
        self.0.extend((0..len).map(|at| number >> at & 1 == 1));
    }

    /// A code: its highest bit comes first.
    fn high_first(&mut self, code: u32, len: u32) {
        self.0.extend((0..len).rev().map(|at| code >> at & 1 == 1));
    }
}

// PMD-7.2.1-10
#[test]
fn empty_fragments_may_come_anywhere_in_a_compressed_message() {
    let message = json(1000).into_bytes();
    let payload = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY).message(&message);
    let payloads: Vec<_> =
        payload.chunks(1).flat_map(|byte| [Vec::new(), byte.to_vec(), Vec::new()]).collect();
    arrives(&fragments(&payloads), &message, "empty fragments");
}

// WS-10.4-03: the work for a message remains bounded.
#[test]
fn the_bytes_on_the_wire_are_limited_by_the_message_and_its_fragments() {
    for (max, count) in [(0, 1), (0, 10), (1000, 1), (1000, 10), (100_000, 100)] {
        let allowed = allowed(max, count);
        for (len, is_accepted) in [(allowed, true), (allowed + 1, false)] {
            // All fragments are empty except the last. Its header decides before any payload arrives.
            let mut payloads = vec![Vec::new(); count];
            payloads[count - 1] = vec![0; len];
            let bytes: Vec<u8> =
                fragments(&payloads).iter().flat_map(|frame| masked(frame, [0; 4])).collect();
            let config = config().max_message(max);
            let mut server = server_with(config, DeflateParams::new());
            let error = if is_accepted { None } else { Some(Limit::Message.into()) };
            feed(&mut server, &bytes[..bytes.len() - len]);
            assert_eq!(server.error(), error, "{max} {count} {len}");
        }
    }
}
