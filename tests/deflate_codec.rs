//! The transformation of messages, RFC 7692 section 7.2, beside C zlib.
#![cfg(feature = "deflate")]

#[path = "support/zlib.rs"]
mod zlib;

use libz_sys::{Z_DEFAULT_STRATEGY, Z_FINISH, Z_FIXED, Z_HUFFMAN_ONLY, Z_NO_FLUSH, Z_SYNC_FLUSH};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::deflate::{
    Compressor, Corrupt, Decompressor, DeflateConfig, DeflateParams, Pool, ReceiveCodec, SendCodec, Step,
};

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// Cuts input and room by turns into pieces of these lengths.
#[derive(Clone, Debug)]
struct Cuts(Vec<usize>);

impl Cuts {
    const WHOLE: usize = 1 << 20;

    fn whole() -> Self {
        Self(vec![Self::WHOLE])
    }

    fn next(&mut self) -> usize {
        self.0.rotate_left(1);
        self.0[0]
    }
}

fn any_cuts(least: usize) -> impl Strategy<Value = Cuts> {
    vec(prop_oneof![least..least + 3, least..100usize, Just(Cuts::WHOLE)], 1..5).prop_map(Cuts)
}

/// A message, with `inflate` and `finish` called as often as the cuts demand.
fn inflate(decompressor: &mut Decompressor, payload: &[u8], cuts: &mut Cuts) -> Result<Vec<u8>, Corrupt> {
    let mut message = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        let (mut piece, after) = rest.split_at(cuts.next().min(rest.len()));
        rest = after;
        grow(&mut message, cuts, |out| {
            let step = decompressor.decompress(piece, out)?;
            piece = &piece[step.consumed..];
            assert!(!step.done || piece.is_empty());
            Ok(step)
        })?;
    }
    decompressor.finish()?;
    Ok(message)
}

fn grow(
    message: &mut Vec<u8>,
    cuts: &mut Cuts,
    mut step: impl FnMut(&mut [u8]) -> Result<Step, Corrupt>,
) -> Result<(), Corrupt> {
    loop {
        let mut out = vec![0; cuts.next()];
        let taken = step(&mut out)?;
        message.extend_from_slice(&out[..taken.produced]);
        if taken.done {
            return Ok(());
        }
        if taken.produced < out.len() {
            assert_eq!(step(&mut out), Err(Corrupt), "not done, though there is room");
            return Err(Corrupt);
        }
    }
}

/// A message in pieces, with `deflate` for all but the last.
fn deflate(compressor: &mut Compressor, message: &[u8], cuts: &mut Cuts) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut rest = message;
    loop {
        let (mut piece, after) = rest.split_at(cuts.next().min(rest.len()));
        rest = after;
        loop {
            let mut out = vec![0; cuts.next().max(Compressor::MIN_ROOM)];
            let step = if rest.is_empty() {
                compressor.finish(piece, &mut out)
            } else {
                compressor.compress(piece, &mut out)
            };
            piece = &piece[step.consumed..];
            payload.extend_from_slice(&out[..step.produced]);
            if step.done {
                assert!(piece.is_empty());
                break;
            }
        }
        if rest.is_empty() {
            return payload;
        }
    }
}

fn whole(decompressor: &mut Decompressor, payload: &[u8]) -> Result<Vec<u8>, Corrupt> {
    inflate(decompressor, payload, &mut Cuts::whole())
}

/// Text that repeats itself at many distances, and noise.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let word = vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..40);
    let words = vec(word, 1..8);
    (words, vec(0usize..8, 0..200)).prop_map(|(words, order)| {
        order.into_iter().flat_map(|at| words[at % words.len()].iter().copied()).collect()
    })
}

// --- RFC 7692 section 7.2.3 ---

// PMD-7.2.1-01 · PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.2-01 · PMD-7.2.2-02
// PMD-7.2.3.3-01
#[test]
fn the_examples_of_the_rfc_read_hello() {
    for payload in [
        &HELLO[..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00],
    ] {
        for piece in 1..=payload.len() {
            for room in [1, 2, 5, 6] {
                let mut decompressor = Decompressor::new(15);
                let mut cuts = Cuts(vec![room, piece]);
                assert_eq!(
                    inflate(&mut decompressor, payload, &mut cuts).unwrap(),
                    b"Hello",
                    "{payload:02x?}"
                );
                assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
            }
        }
    }
}

// PMD-7.2.1-12 · PMD-7.2.1-13 · PMD-7.2.1-14 · PMD-7.2.1-15 · PMD-7.1.1.1-03 · PMD-7.1.1.2-05
// PMD-7.1.1.2-06
#[test]
fn hello_twice_as_in_the_rfc() {
    let mut compressor = Compressor::new(6, 15);
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO_AGAIN);
    compressor.reset();
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
}

// PMD-7.2.2-04 · PMD-7.2.2-05 · PMD-7.2.2-06 · PMD-7.2.2-07 · PMD-7.2.2-08
#[test]
fn a_reset_forgets_the_window() {
    let mut decompressor = Decompressor::new(15);
    assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
    decompressor.reset();
    assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
    decompressor.reset();
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN), Err(Corrupt));
}

// PMD-7.2.1-03 · PMD-7.2.1-04 · PMD-7.2.3.6-01
#[test]
fn an_empty_message_is_one_byte() {
    let mut compressor = Compressor::new(6, 15);
    let mut decompressor = Decompressor::new(15);
    for message in [&b""[..], b"", b"Hello", b"", b""] {
        let payload = deflate(&mut compressor, message, &mut Cuts::whole());
        assert_eq!(payload == [0], message.is_empty());
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), message);
    }
    compressor.reset();
    assert_eq!(deflate(&mut compressor, b"", &mut Cuts::whole()), [0]);
}

// --- Final blocks and tails ---

/// A final block with the message, made by C zlib.
fn final_block(message: &[u8]) -> Vec<u8> {
    zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY).run(message, Z_FINISH)
}

// PMD-7.2.1-07 · PMD-7.2.1-08 · PMD-7.2.1-02: in the middle, at the end with and without the empty block,
// several, alone.
#[test]
fn final_blocks_end_a_stream_but_no_message() {
    let fin = final_block;
    for (payload, message) in [
        ([fin(b"Hello"), vec![0]].concat(), "Hello"),
        (fin(b"Hello"), "Hello"),
        ([fin(b"Hel"), fin(b"lo")].concat(), "Hello"),
        ([fin(b"Hello, "), fin(b""), HELLO.to_vec()].concat(), "Hello, Hello"),
        ([fin(b""), fin(b""), vec![0]].concat(), ""),
        // A final block that is itself the empty one at the end.
        (vec![1], ""),
        ([HELLO[..6].to_vec(), vec![0x04, 0x00, 0x00, 0xff, 0xff, 0x00]].concat(), "Hello"),
    ] {
        for piece in 1..=payload.len() {
            let mut decompressor = Decompressor::new(15);
            let mut cuts = Cuts(vec![piece, 3]);
            assert_eq!(
                inflate(&mut decompressor, &payload, &mut cuts).unwrap(),
                message.as_bytes(),
                "{payload:02x?}"
            );
            assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
        }
    }
}

// PMD-7.2.1-07 · PMD-7.2.2-05 · PMD-7.2.2-07: the window goes on across a final block, in a message and to
// the next one.
#[test]
fn final_blocks_keep_the_window() {
    let fin = [&final_block(b"Hello")[..], &[0]].concat();
    let mut decompressor = Decompressor::new(15);
    assert_eq!(whole(&mut decompressor, &fin).unwrap(), b"Hello");
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
    decompressor.reset();
    let in_one = [&final_block(b"Hello")[..], &HELLO_AGAIN].concat();
    assert_eq!(whole(&mut decompressor, &in_one).unwrap(), b"HelloHello");

    // All distances that the window has, after as many bytes as make the ring turn.
    for bits in [9, 12, 15] {
        let mut compressor = zlib::Deflate::new(6, bits, 8, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(bits);
        let mut noise = 1u32;
        for len in [10, 300, 511, 512, 513, 5000, 40_000, 70_000, 3] {
            let message: Vec<u8> = (0..len)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    noise.to_be_bytes()[0]
                })
                .collect();
            let payload = compressor.message(&message);
            assert_eq!(whole(&mut decompressor, &payload).unwrap(), message);
            // The encoder knows nothing of these final blocks, which carry no bytes.
            assert_eq!(whole(&mut decompressor, &[0x03, 0x00, 0x00]).unwrap(), b"");
            let payload = compressor.message(&message);
            assert_eq!(whole(&mut decompressor, &payload).unwrap(), message, "{len} bytes again");
        }
    }
}

#[test]
fn a_tail_that_was_left_on_does_no_harm() {
    let mut decompressor = Decompressor::new(15);
    let left_on = [&HELLO[..], &[0x00, 0x00, 0xff, 0xff]].concat();
    for piece in 1..=left_on.len() {
        let mut cuts = Cuts(vec![piece, 1]);
        assert_eq!(inflate(&mut decompressor, &left_on, &mut cuts).unwrap(), b"Hello");
        assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
        assert_eq!(whole(&mut decompressor, &[0x00, 0x00, 0x00, 0xff, 0xff]).unwrap(), b"");
        assert_eq!(whole(&mut decompressor, &[]).unwrap(), b"");
    }
}

// --- What is not valid ---

// PMD-7.2.2-02 · PMD-7.2.2-03
#[test]
fn bad_data_is_noticed() {
    for payload in [
        &[0xff, 0xff][..],
        &[0x06],
        // A zlib header.
        &[0x78, 0x9c, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        // Refers to what was never there.
        &HELLO_AGAIN,
        // What looks like a tail is the header of a stored block.
        &[0x00, 0x00, 0xff, 0xff],
        &[0x00, 0xff, 0xff],
        &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        // A stored block without its bytes, which ends like a tail.
        &[0x00, 0x0a, 0x00, 0xf5, 0xff, 0x00, 0x00, 0xff, 0xff],
    ] {
        assert_eq!(whole(&mut Decompressor::new(15), payload), Err(Corrupt), "{payload:02x?}");
    }
}

#[test]
fn messages_that_are_cut_off_are_noticed() {
    let message = b"a message of some length, some length of a message, 0123456789";
    for strategy in [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY] {
        let payload = zlib::Deflate::new(6, 15, 8, strategy).message(&message.repeat(20));
        for end in 1..payload.len() {
            assert_eq!(whole(&mut Decompressor::new(15), &payload[..end]), Err(Corrupt), "{end}");
        }
    }
}

// No more than there is room for, and exactly as much room as there are bytes is enough.
#[test]
fn a_bomb_fills_no_more_than_the_room() {
    let len = 10 << 20;
    let payload = zlib::Deflate::new(9, 15, 8, Z_DEFAULT_STRATEGY).message(&vec![0; len]);
    assert!(payload.len() < 11_000);
    let mut decompressor = Decompressor::new(15);
    let mut out = vec![1; 1000];
    let step = decompressor.decompress(&payload, &mut out).unwrap();
    assert_eq!((step.produced, step.done), (1000, false));
    assert!(step.consumed < 200);
    let step = decompressor.decompress(&payload[step.consumed..], &mut []).unwrap();
    assert_eq!((step.produced, step.done), (0, false));

    let mut decompressor = Decompressor::new(15);
    let mut out = vec![1; len];
    let step = decompressor.decompress(&payload, &mut out).unwrap();
    assert_eq!(step, Step { consumed: payload.len(), produced: len, done: true });
    decompressor.finish().unwrap();
    assert_eq!(out, vec![0; len]);

    let mut decompressor = Decompressor::new(15);
    let step = decompressor.decompress(&payload, &mut out[..len - 1]).unwrap();
    assert_eq!((step.produced, step.done), (len - 1, false));
}

// --- Blocks and windows ---

// PMD-7.2.1-05 · PMD-7.2.1-06
#[test]
fn every_type_of_block_is_read() {
    let message: Vec<u8> = (0..100_000u32).map(|i| (i % 997 * i / 7).to_be_bytes()[2]).collect();
    let mut decompressor = Decompressor::new(15);
    // Stored, fixed, dynamic, and dynamic of many blocks.
    for (level, mem_level, strategy) in
        [(0, 8, Z_DEFAULT_STRATEGY), (6, 8, Z_FIXED), (6, 9, Z_DEFAULT_STRATEGY), (9, 1, Z_HUFFMAN_ONLY)]
    {
        let mut compressor = zlib::Deflate::new(level, 15, mem_level, strategy);
        for cuts in [Cuts::whole(), Cuts(vec![1000, 333]), Cuts(vec![7, Cuts::WHOLE])] {
            let payload = compressor.message(&message);
            assert_eq!(inflate(&mut decompressor, &payload, &mut cuts.clone()).unwrap(), message);
        }
        decompressor.reset();
    }
}

/// Eight bytes, then others, then the eight again, `distance` bytes later.
fn at_distance(distance: usize) -> Vec<u8> {
    let mut noise = 7u32;
    let mut between = (0..distance - 8).map(|_| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + noise.to_be_bytes()[0] % 26
    });
    [&b"01234567"[..], &between.by_ref().collect::<Vec<_>>(), b"01234567"].concat()
}

// PMD-7.1.2.1-05 · PMD-7.1.2.2-10 · PMD-7.2.2-09 · PMD-7.2.2-10 · PMD-7.2.2-11 · PMD-7.2.2-12: C zlib
// refers back 32,768 - 262 bytes at most, so by hand: 32,768 bytes, all different in their neighbourhood,
// and a fixed block with one match of three bytes.
#[test]
fn the_largest_distance_is_read() {
    let mut message = at_distance(32_768);
    message.truncate(32_768);
    let mut compressor = zlib::Deflate::new(0, 15, 8, Z_DEFAULT_STRATEGY);
    let mut decompressor = Decompressor::new(15);
    assert_eq!(whole(&mut decompressor, &compressor.message(&message)).unwrap(), message);
    // 0, 01: length 3 is 0000001, distance 24577 to 32768 is 11101 with thirteen bits more, end of block
    // 0000000, empty block 000.
    let bits = "0 10 0000001 11101 1111111111111 0000000 000";
    let bits: Vec<u8> = bits.bytes().filter(|&bit| bit != b' ').map(|bit| bit - b'0').collect();
    let payload: Vec<u8> =
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect();
    assert_eq!(whole(&mut decompressor, &payload).unwrap(), message[..3]);
}

// PMD-7.1.2.1-04 · PMD-7.1.2.2-03 · PMD-7.2.1-11 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7.2.2-13: each
// distance around each window, read by a decoder that has no larger window.
#[test]
fn no_distance_is_beyond_the_window() {
    for bits in 8..=15u8 {
        let window = 1usize << bits;
        for level in [1, 2, 3, 6, 9] {
            let mut compressor = Compressor::new(level, bits);
            let mut decompressor = zlib::Inflate::new(bits);
            for distance in [
                16,
                100,
                249,
                250,
                251,
                255,
                256,
                257,
                506,
                window.saturating_sub(262),
                window - 1,
                window,
                window + 1,
            ] {
                let message = at_distance(distance.max(9));
                let payload = deflate(&mut compressor, &message, &mut Cuts::whole());
                assert_eq!(
                    decompressor.message(&payload),
                    Ok(message),
                    "level {level}, {bits} bits, {distance}"
                );
            }
        }
    }
}

// --- Fragments ---

// PMD-7.2.1-09 · PMD-7.2.1-10 · PMD-7.2.3.6-01
#[test]
fn fragments_can_be_read_as_they_come() {
    let mut compressor = Compressor::new(6, 15);
    let mut decompressor = Decompressor::new(15);
    for round in 0..3 {
        let mut message = Vec::new();
        for fragment in [&b"first of three, "[..], b"", b"second of three, "] {
            let mut out = [0; 100];
            let step = compressor.flush(fragment, &mut out);
            assert!(step.done);
            let payload = &out[..step.produced];
            assert_eq!(payload.ends_with(&[0, 0, 0xff, 0xff]), !fragment.is_empty());
            let mut room = [0; 100];
            let step = decompressor.decompress(payload, &mut room).unwrap();
            assert_eq!((&room[..step.produced], step.done), (fragment, true));
            message.extend_from_slice(fragment);
        }
        let last = if round == 1 { &b""[..] } else { b"third of three" };
        let payload = deflate(&mut compressor, last, &mut Cuts::whole());
        assert_eq!(payload == [0], last.is_empty());
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), last);
    }
}

// --- What the peer does not see ---

// PMD-7.2.3.2-01 · PMD-7.3-03
#[test]
fn a_message_that_goes_out_plain_is_not_referred_to() {
    let mut compressor = Compressor::new(6, 15);
    let mut decompressor = zlib::Inflate::new(15);
    let first = deflate(&mut compressor, b"one two three four", &mut Cuts::whole());
    decompressor.message(&first).unwrap();
    // Compressed to the end, or half of it; the peer gets it plain.
    let _ = deflate(&mut compressor, b"five six seven eight", &mut Cuts::whole());
    compressor.reset();
    let next = deflate(&mut compressor, b"five six seven eight, one two three four", &mut Cuts::whole());
    assert_eq!(decompressor.message(&next).unwrap(), b"five six seven eight, one two three four");
    let _ = compressor.compress(b"nine ten eleven twelve", &mut [0; 100]);
    let _ = compressor.finish(b"thirteen fourteen fifteen sixteen", &mut [0; Compressor::MIN_ROOM]);
    compressor.reset();
    let next = deflate(&mut compressor, b"nine ten eleven twelve", &mut Cuts::whole());
    assert_eq!(decompressor.message(&next).unwrap(), b"nine ten eleven twelve");
}

#[test]
fn when_a_message_goes_out_plain() {
    for (plain, compressed, takeover, expected) in [
        (100, 99, false, false),
        (100, 100, false, true),
        (100, 100, true, false),
        (1023, 1030, true, false),
        (1024, 1030, true, true),
        (1024, 1023, true, false),
    ] {
        assert_eq!(Compressor::prefers_plain(10, plain, compressed, takeover), expected);
    }
}

/// A message that was compressed once, for many, lies between the messages of a compressor.
#[test]
fn a_message_from_elsewhere_lies_between() {
    let prepared = deflate(&mut Compressor::new(9, 9), b"to all: one two three four", &mut Cuts::whole());
    let mut decompressor = Decompressor::new(15);
    let mut compressor = Compressor::new(6, 15);
    for message in ["to you: one two three four", "to you: again", "to you: one two three four"] {
        let payload = deflate(&mut compressor, message.as_bytes(), &mut Cuts::whole());
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), message.as_bytes());
        assert_eq!(whole(&mut decompressor, &prepared).unwrap(), b"to all: one two three four");
        compressor.reset();
    }
}

// --- The pool ---

#[test]
fn a_pool_lends_codecs_without_a_past() {
    for pool in [Pool::new(1), Pool::per_thread(1)] {
        let mut compressor = pool.take_compressor(6, 15);
        assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
        let place = &raw const *compressor;
        pool.clone().give_compressor(compressor);
        let mut compressor = pool.take_compressor(6, 15);
        assert_eq!(&raw const *compressor, place, "the same one");
        assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
        pool.give_compressor(compressor);
        // Of another window: made anew, and takes the other's place.
        let small = pool.take_compressor(6, 9);
        assert_ne!(&raw const *small, place);
        pool.give_compressor(small);
        let mut decompressor = pool.take_decompressor();
        whole(&mut decompressor, &HELLO).unwrap();
        let place = &raw const *decompressor;
        pool.give_decompressor(decompressor);
        let mut decompressor = pool.take_decompressor();
        assert_eq!(&raw const *decompressor, place, "the same one");
        assert_eq!(whole(&mut decompressor, &HELLO_AGAIN), Err(Corrupt));
        pool.give_decompressor(decompressor);
        assert_eq!(whole(&mut pool.take_decompressor(), &HELLO).unwrap(), b"Hello");
    }
}

#[test]
fn a_pool_of_each_thread_is_its_own() {
    let pool = Pool::per_thread(1);
    let decompressor = pool.take_decompressor();
    let place = (&raw const *decompressor).addr();
    pool.give_decompressor(decompressor);
    let other = pool.clone();
    // What is taken there stays there, so it cannot be the one that is kept here.
    std::thread::spawn(move || assert_ne!((&raw const *other.take_decompressor()).addr(), place))
        .join()
        .unwrap();
    assert_eq!((&raw const *pool.take_decompressor()).addr(), place);
}

/// Noise of bytes that the fixed code is longest for does not shrink in any way.
#[test]
fn the_bound_is_enough() {
    let mut noise = 3u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        144 + noise.to_be_bytes()[0] % 112
    };
    for bits in [8, 12, 15] {
        for level in 1..10 {
            let mut compressor = Compressor::new(level, bits);
            for len in [0, 1, 2, 10, 100, 1000, 5000, 70_000] {
                let message: Vec<u8> = (0..len).map(|_| next()).collect();
                let step = compressor.finish(&message, &mut vec![0; Compressor::bound(len)]);
                assert!(step.done, "level {level}, {bits} bits, {len} bytes");
                compressor.reset();
            }
        }
    }
}

// --- Both ends ---

/// One end of a connection: a codec for each direction.
struct End {
    send: SendCodec,
    receive: ReceiveCodec,
}

/// What one end sends, and the other reads.
fn exchange(from: &mut End, to: &mut End, message: &[u8]) -> Vec<u8> {
    let payload = deflate(from.send.compressor(), message, &mut Cuts::whole());
    from.send.end_message();
    assert_eq!(whole(to.receive.decompressor(), &payload).unwrap(), message);
    to.receive.end_message();
    payload
}

fn ends(params: DeflateParams, pool: Option<&Pool>) -> (End, End) {
    let end = |is_server| End {
        send: SendCodec::new(is_server, params, &DeflateConfig::new(), pool.cloned()),
        receive: ReceiveCodec::new(is_server, params, pool.cloned()),
    };
    (end(true), end(false))
}

// PMD-7-02 · PMD-5-21 · PMD-7.1.1.1-03 · PMD-7.1.1.2-05 · PMD-7.1.1.2-06 · PMD-7.2.1-12 · PMD-7.2.1-13
// PMD-7.2.1-14 · PMD-7.2.1-15 · PMD-7.2.2-04 · PMD-7.2.2-05 · PMD-7.2.2-06 · PMD-7.2.2-07
// PMD-7.2.2-08
#[test]
fn each_end_keeps_to_what_is_agreed() {
    let pool = Pool::new(2);
    for pool in [None, Some(&pool)] {
        for (server_alone, client_alone) in [(false, false), (false, true), (true, false), (true, true)] {
            let params = DeflateParams::new()
                .with_server_no_context_takeover(server_alone)
                .with_client_no_context_takeover(client_alone);
            let (mut server, mut client) = ends(params, pool);
            for _ in 0..3 {
                assert_eq!(exchange(&mut server, &mut client, b"").len(), 1);
                let first = exchange(&mut server, &mut client, b"Hello");
                assert_eq!(exchange(&mut server, &mut client, b"Hello") == first, server_alone);
                let first = exchange(&mut client, &mut server, b"Hello!");
                assert_eq!(exchange(&mut client, &mut server, b"Hello!") == first, client_alone);
                server.send.forget();
                client.send.forget();
            }
        }
    }
}

// PMD-7-02 · PMD-7.2.1-16 · PMD-7.2.1-18
#[test]
fn each_end_has_its_own_window() {
    let params = DeflateParams::new().with_server_max_window_bits(9).with_client_max_window_bits(12);
    let (mut server, mut client) = ends(params, None);
    let far = at_distance(1000);
    let from_server = exchange(&mut server, &mut client, &far);
    let from_client = exchange(&mut client, &mut server, &far);
    assert!(from_client.len() < from_server.len());
    assert_eq!(zlib::Inflate::new(9).message(&from_server), Ok(far.clone()));
    assert_eq!(zlib::Inflate::new(12).message(&from_client), Ok(far));
    assert_eq!((server.send.window_bits(), client.send.window_bits()), (9, 12));
    assert_eq!((server.send.compresses(31), server.send.compresses(32)), (false, true));
    assert!(server.send.prefers_plain(512, 512) && !client.send.prefers_plain(512, 512));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    // PMD-5-21 · PMD-7.2.1-01 · PMD-7.2.1-02 · PMD-7.2.1-03 · PMD-7.2.1-09 · PMD-7.2.1-12
    // PMD-7.2.1-13 · PMD-7.2.1-14 · PMD-7.2.1-15 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7.3-02
    // PMD-7.2.2-13
    #[test]
    fn c_zlib_reads_what_we_compress(
        messages in vec(any_message(), 1..5),
        mut cuts in any_cuts(1),
        (level, bits, takeover) in (1u8..10, 8u8..16, any::<bool>()),
    ) {
        let mut compressor = Compressor::new(level, bits);
        let mut decompressor = zlib::Inflate::new(bits);
        for message in messages {
            let payload = deflate(&mut compressor, &message, &mut cuts);
            prop_assert!(!payload.is_empty() && payload[payload.len() - 1] & 0xe0 == 0);
            prop_assert_eq!(decompressor.message(&payload), Ok(message));
            if !takeover {
                compressor.reset();
                decompressor.reset();
            }
        }
    }

    // PMD-5-21 · PMD-7.2.2-01 · PMD-7.2.2-02 · PMD-7.2.2-04 · PMD-7.2.2-05 · PMD-7.2.2-06
    // PMD-7.2.2-07 · PMD-7.2.2-08 · PMD-7.2.2-09 · PMD-7.2.2-10 · PMD-7.2.2-11 · PMD-7.2.2-12
    // PMD-7.1.2.2-04
    #[test]
    fn we_read_what_c_zlib_compresses(
        messages in vec(any_message(), 1..5),
        mut cuts in any_cuts(1),
        (level, mem_level, bits, takeover) in (0..10, 1..10, 9u8..16, any::<bool>()),
    ) {
        let mut compressor = zlib::Deflate::new(level, bits, mem_level, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(bits);
        for message in messages {
            let payload = compressor.message(&message);
            prop_assert_eq!(inflate(&mut decompressor, &payload, &mut cuts), Ok(message));
            if !takeover {
                compressor.reset();
                decompressor.reset();
            }
        }
    }

    // PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.1-08: blocks that end in every way.
    #[test]
    fn we_read_blocks_that_end_in_any_way(
        pieces in vec((any_message(), prop_oneof![Just(Z_NO_FLUSH), Just(Z_SYNC_FLUSH), Just(Z_FINISH)]), 1..6),
        mut cuts in any_cuts(1),
    ) {
        let mut compressor = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(15);
        for _ in 0..2 {
            let mut payload = Vec::new();
            for (piece, flush) in &pieces {
                payload.extend(compressor.run(piece, *flush));
                if *flush == Z_FINISH {
                    compressor.reset();
                }
            }
            payload.extend(compressor.message(b""));
            let message: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
            prop_assert_eq!(inflate(&mut decompressor, &payload, &mut cuts), Ok(message));
        }
    }

    // PMD-7.2.2-03: no cut changes what comes out, whether it is valid or not.
    #[test]
    fn any_bytes_give_the_same_however_they_are_cut(
        message in any_message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        noise in vec(any::<u8>(), 0..20),
        mut cuts in any_cuts(1),
    ) {
        let mut payload = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY).message(&message);
        for (at, byte) in damage {
            *at.get_mut(&mut payload) = byte;
        }
        for payload in [payload, noise] {
            let (mut one, mut other) = (Decompressor::new(15), Decompressor::new(15));
            let expected = whole(&mut one, &payload);
            prop_assert_eq!(inflate(&mut other, &payload, &mut cuts), expected.clone());
            if expected.is_ok() {
                prop_assert_eq!(inflate(&mut other, &HELLO, &mut cuts), whole(&mut one, &HELLO));
            }
        }
    }
}
