//! Windows: the distances within them, messages that the peer does not decompress, and the endpoints of a
//! connection.

use super::*;

// PMD-7.1.2.1-05 · PMD-7.1.2.2-10 · PMD-7.2.2-09 · PMD-7.2.2-10 · PMD-7.2.2-11 · PMD-7.2.2-12: C zlib refers
// back by at most 32,768 - 262 bytes. So the second message is written by hand: a fixed block with one match
// of three bytes.
#[test]
fn the_decompressor_reads_the_largest_distance() {
    let mut message = at_distance(32_768);
    message.truncate(32_768);
    let mut compressor = zlib::Deflate::new(0, 15, 8, Z_DEFAULT_STRATEGY);
    let mut decompressor = Decompressor::new(15).unwrap();
    assert_eq!(whole(&mut decompressor, &compressor.message(&message)).unwrap(), message);
    // The header of the block is 0, 01. Length 3 is 0000001. Distances from 24577 to 32768 are 11101 with 13
    // more bits. The end of the block is 0000000, and an empty block begins with 000.
    let bits = "0 10 0000001 11101 1111111111111 0000000 000";
    let bits: Vec<u8> = bits.bytes().filter(|&bit| bit != b' ').map(|bit| bit - b'0').collect();
    let payload: Vec<u8> =
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect();
    assert_eq!(whole(&mut decompressor, &payload).unwrap(), message[..3]);
}

// PMD-7.1.2.1-04 · PMD-7.1.2.2-03 · PMD-7.2.1-11 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7.2.2-13: C zlib
// decompresses the messages with a window that is no larger. The distances are around the size of each
// window.
#[test]
fn the_compressor_uses_no_distance_beyond_its_window() {
    for bits in 8..=15u8 {
        let window = 1usize << bits;
        for level in [1, 2, 3, 6, 9] {
            let mut compressor = Compressor::new(level, bits).unwrap();
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

// PMD-7.2.3.2-01 · PMD-7.3-03
#[test]
fn a_message_that_was_sent_uncompressed_is_not_referred_to_after_a_reset() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    let mut decompressor = zlib::Inflate::new(15);
    let first = deflate(&mut compressor, b"one two three four", &mut Cuts::whole());
    decompressor.message(&first).unwrap();
    // The peer gets this message uncompressed, although it was compressed completely.
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
fn prefers_plain_weighs_the_lengths_against_the_loss_of_the_window() {
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

#[test]
fn a_message_of_another_compressor_can_be_sent_if_a_reset_follows() {
    let prepared =
        deflate(&mut Compressor::new(9, 9).unwrap(), b"to all: one two three four", &mut Cuts::whole());
    let mut decompressor = Decompressor::new(15).unwrap();
    let mut compressor = Compressor::new(6, 15).unwrap();
    for message in ["to you: one two three four", "to you: again", "to you: one two three four"] {
        let payload = deflate(&mut compressor, message.as_bytes(), &mut Cuts::whole());
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), message.as_bytes());
        assert_eq!(whole(&mut decompressor, &prepared).unwrap(), b"to all: one two three four");
        compressor.reset();
    }
}

/// One endpoint of a connection: a codec for each direction.
struct End {
    send: SendCodec,
    receive: ReceiveCodec,
}

/// Compresses a message at one endpoint, decompresses it at the other, and returns the compressed payload.
fn exchange(from: &mut End, to: &mut End, message: &[u8]) -> Vec<u8> {
    let payload = deflate(from.send.compressor().unwrap(), message, &mut Cuts::whole());
    from.send.end_message();
    assert_eq!(whole(to.receive.decompressor().unwrap(), &payload).unwrap(), message);
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
fn each_endpoint_keeps_to_the_context_takeover_that_was_agreed_on() {
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
fn each_endpoint_compresses_with_its_own_window() {
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

/// The codec itself forgets the window when it restarts. The copy of the window must be forgotten too: it
/// comes back at the end of a final block. PMD-7.2.2-04 · PMD-7.2.2-06
#[test]
fn a_reset_also_forgets_the_window_that_a_final_block_brings_back() {
    let mut decompressor = Decompressor::new(15).unwrap();
    assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
    let again = [&[0x03, 0x00][..], &HELLO_AGAIN].concat();
    assert_eq!(whole(&mut decompressor, &again).unwrap(), b"Hello");
    decompressor.reset();
    assert_eq!(whole(&mut decompressor, &again), Err(Corrupt));
}

// PMD-7.2.1-01 · PMD-7.2.1-04
#[test]
fn the_last_piece_of_a_message_may_be_empty() {
    for message in [&b"Hello"[..], &[7; 1000], &at_distance(20_000)] {
        let mut compressor = Compressor::new(6, 15).unwrap();
        let mut decompressor = Decompressor::new(15).unwrap();
        for _ in 0..2 {
            let mut out = vec![0; Compressor::bound(message.len())];
            let step = compressor.compress(message, &mut out);
            assert!(step.done && step.consumed == message.len());
            let last = compressor.finish(&[], &mut out[step.produced..]);
            assert!(last.done);
            let payload = &out[..step.produced + last.produced];
            assert!(payload.len() > 1 && !payload.ends_with(&[0, 0, 0xff, 0xff]));
            assert_eq!(whole(&mut decompressor, payload).unwrap(), message);
        }
    }
}

// PMD-7.2.1-04 · PMD-7.2.3.6-01
#[test]
fn a_step_without_enough_room_is_not_done_and_takes_nothing() {
    let nothing = Step { consumed: 0, produced: 0, done: false };
    let mut compressor = Compressor::new(6, 15).unwrap();
    assert_eq!(compressor.finish(b"", &mut []), nothing);
    for len in 0..Compressor::MIN_ROOM {
        assert_eq!(compressor.finish(b"Hello", &mut vec![0xaa; len]), nothing, "{len}");
        assert_eq!(compressor.flush(b"Hello", &mut vec![0xaa; len]), nothing, "{len}");
    }
    // The output does not depend on what the room held before.
    for old in [0, 0xaa] {
        let mut out = [old; 1];
        assert_eq!(compressor.finish(b"", &mut out), Step { consumed: 0, produced: 1, done: true });
        assert_eq!(out, [0]);
    }
    let mut out = [0xaa; Compressor::MIN_ROOM];
    let step = compressor.finish(b"Hello", &mut out);
    assert!(step.done);
    assert_eq!(out[..step.produced], HELLO);
}
