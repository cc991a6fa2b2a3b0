//! Blocks, final blocks, tails, fragments and invalid data.

use super::*;

// PMD-7.2.1-01 · PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.2-01 · PMD-7.2.2-02
// PMD-7.2.3.3-01
#[test]
fn the_examples_of_the_rfc_decompress_to_hello() {
    for payload in [
        &HELLO[..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00],
    ] {
        for piece in 1..=payload.len() {
            for room in [1, 2, 5, 6] {
                let mut decompressor = Decompressor::new(15).unwrap();
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
fn hello_is_compressed_to_the_bytes_of_the_rfc() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO_AGAIN);
    compressor.reset();
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
}

// PMD-7.2.2-04 · PMD-7.2.2-05 · PMD-7.2.2-06 · PMD-7.2.2-07 · PMD-7.2.2-08
#[test]
fn a_reset_of_the_decompressor_clears_its_window() {
    let mut decompressor = Decompressor::new(15).unwrap();
    assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
    decompressor.reset();
    assert_eq!(whole(&mut decompressor, &HELLO).unwrap(), b"Hello");
    decompressor.reset();
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN), Err(Corrupt));
}

// PMD-7.2.1-03 · PMD-7.2.1-04 · PMD-7.2.3.6-01
#[test]
fn an_empty_message_is_compressed_to_one_byte() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    let mut decompressor = Decompressor::new(15).unwrap();
    for message in [&b""[..], b"", b"Hello", b"", b""] {
        let payload = deflate(&mut compressor, message, &mut Cuts::whole());
        assert_eq!(payload == [0], message.is_empty());
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), message);
    }
    compressor.reset();
    assert_eq!(deflate(&mut compressor, b"", &mut Cuts::whole()), [0]);
}

/// The message in a final block, compressed by C zlib.
fn final_block(message: &[u8]) -> Vec<u8> {
    zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY).run(message, Z_FINISH)
}

// PMD-7.2.1-07 · PMD-7.2.1-08 · PMD-7.2.1-02: a final block in the middle of the payload, at its end with and
// without the empty block, several final blocks, and a final block alone.
#[test]
fn a_final_block_does_not_end_a_message() {
    let fin = final_block;
    for (payload, message) in [
        ([fin(b"Hello"), vec![0]].concat(), "Hello"),
        (fin(b"Hello"), "Hello"),
        ([fin(b"Hel"), fin(b"lo")].concat(), "Hello"),
        ([fin(b"Hello, "), fin(b""), HELLO.to_vec()].concat(), "Hello, Hello"),
        ([fin(b""), fin(b""), vec![0]].concat(), ""),
        // The empty block at the end of the message is itself final.
        (vec![1], ""),
        ([HELLO[..6].to_vec(), vec![0x04, 0x00, 0x00, 0xff, 0xff, 0x00]].concat(), "Hello"),
    ] {
        for piece in 1..=payload.len() {
            let mut decompressor = Decompressor::new(15).unwrap();
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

// PMD-7.2.1-07 · PMD-7.2.2-05 · PMD-7.2.2-07
#[test]
fn the_window_lasts_across_final_blocks_within_a_message_and_to_the_next() {
    let fin = [&final_block(b"Hello")[..], &[0]].concat();
    let mut decompressor = Decompressor::new(15).unwrap();
    assert_eq!(whole(&mut decompressor, &fin).unwrap(), b"Hello");
    assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
    decompressor.reset();
    let in_one = [&final_block(b"Hello")[..], &HELLO_AGAIN].concat();
    assert_eq!(whole(&mut decompressor, &in_one).unwrap(), b"HelloHello");

    // The messages use all distances of the window, and are long enough to wrap its ring buffer around.
    for bits in [9, 12, 15] {
        let mut compressor = zlib::Deflate::new(6, bits, 8, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(bits).unwrap();
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
            // C zlib did not write this final block, which has no bytes.
            assert_eq!(whole(&mut decompressor, &[0x03, 0x00, 0x00]).unwrap(), b"");
            let payload = compressor.message(&message);
            assert_eq!(whole(&mut decompressor, &payload).unwrap(), message, "{len} bytes again");
        }
    }
}

#[test]
fn a_tail_that_the_peer_did_not_remove_does_no_harm() {
    let mut decompressor = Decompressor::new(15).unwrap();
    let left_on = [&HELLO[..], &[0x00, 0x00, 0xff, 0xff]].concat();
    for piece in 1..=left_on.len() {
        let mut cuts = Cuts(vec![piece, 1]);
        assert_eq!(inflate(&mut decompressor, &left_on, &mut cuts).unwrap(), b"Hello");
        assert_eq!(whole(&mut decompressor, &HELLO_AGAIN).unwrap(), b"Hello");
        assert_eq!(whole(&mut decompressor, &[0x00, 0x00, 0x00, 0xff, 0xff]).unwrap(), b"");
        assert_eq!(whole(&mut decompressor, &[]).unwrap(), b"");
    }
}

// The tail of the message is then the length of a final block that holds nothing (RFC 1951 section 3.2.4). A
// sender adds another block behind a final one (RFC 7692 section 7.2.3.4), but this message can be read
// without it.
#[test]
fn a_final_block_that_the_tail_ends_does_no_harm_to_the_next_message() {
    for first in [&[0x19][..], &[0x01], b"\x00\x05\x00\xfa\xffHello\x01"] {
        for next in [&[][..], &[0x00], &HELLO] {
            let mut decompressor = Decompressor::new(15).unwrap();
            let expected = if first.len() > 1 { &b"Hello"[..] } else { b"" };
            for _ in 0..3 {
                assert_eq!(whole(&mut decompressor, first).unwrap(), expected, "{first:02x?}");
                let expected = if next == HELLO { &b"Hello"[..] } else { b"" };
                assert_eq!(whole(&mut decompressor, next).unwrap(), expected, "{first:02x?} {next:02x?}");
            }
        }
    }
}

// PMD-7.2.2-02 · PMD-7.2.2-03
#[test]
fn invalid_data_is_an_error() {
    for payload in [
        &[0xff, 0xff][..],
        &[0x06],
        // A zlib header.
        &[0x78, 0x9c, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        // This refers to bytes before the first message.
        &HELLO_AGAIN,
        // These bytes look like a tail, but are the header of a stored block.
        &[0x00, 0x00, 0xff, 0xff],
        &[0x00, 0xff, 0xff],
        &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        // A stored block whose bytes are cut off, so that the payload ends like a tail.
        &[0x00, 0x0a, 0x00, 0xf5, 0xff, 0x00, 0x00, 0xff, 0xff],
    ] {
        assert_eq!(whole(&mut Decompressor::new(15).unwrap(), payload), Err(Corrupt), "{payload:02x?}");
    }
}

#[test]
fn a_message_that_is_cut_off_is_an_error() {
    let message = b"a message of some length, some length of a message, 0123456789";
    for strategy in [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY] {
        let payload = zlib::Deflate::new(6, 15, 8, strategy).message(&message.repeat(20));
        for end in 1..payload.len() {
            assert_eq!(whole(&mut Decompressor::new(15).unwrap(), &payload[..end]), Err(Corrupt), "{end}");
        }
    }
}

// A decompressor needs no more room than the length of the message.
#[test]
fn a_decompression_bomb_writes_no_more_than_the_room_it_is_given() {
    let len = 10 << 20;
    let payload = zlib::Deflate::new(9, 15, 8, Z_DEFAULT_STRATEGY).message(&vec![0; len]);
    assert!(payload.len() < 11_000);
    let mut decompressor = Decompressor::new(15).unwrap();
    let mut out = vec![1; 1000];
    let step = decompressor.decompress(&payload, &mut out).unwrap();
    assert_eq!((step.produced, step.done), (1000, false));
    assert!(step.consumed < 200);
    let step = decompressor.decompress(&payload[step.consumed..], &mut []).unwrap();
    assert_eq!((step.produced, step.done), (0, false));

    let mut decompressor = Decompressor::new(15).unwrap();
    let mut out = vec![1; len];
    let step = decompressor.decompress(&payload, &mut out).unwrap();
    assert_eq!(step, Step { consumed: payload.len(), produced: len, done: true });
    decompressor.finish().unwrap();
    assert_eq!(out, vec![0; len]);

    let mut decompressor = Decompressor::new(15).unwrap();
    let step = decompressor.decompress(&payload, &mut out[..len - 1]).unwrap();
    assert_eq!((step.produced, step.done), (len - 1, false));
}

// PMD-7.2.1-05 · PMD-7.2.1-06
#[test]
fn blocks_of_every_type_are_decompressed() {
    let message: Vec<u8> = (0..100_000u32).map(|i| (i % 997 * i / 7).to_be_bytes()[2]).collect();
    let mut decompressor = Decompressor::new(15).unwrap();
    // Stored blocks, fixed blocks, dynamic blocks, and many small dynamic blocks.
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

// PMD-7.2.1-09 · PMD-7.2.1-10 · PMD-7.2.3.6-01
#[test]
fn each_fragment_can_be_decompressed_before_the_next_arrives() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    let mut decompressor = Decompressor::new(15).unwrap();
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

#[test]
fn a_reset_in_the_middle_of_a_message_forgets_the_message() {
    let whole = zlib::Deflate::new(6, 15, 8, 0).message(b"Hello Hello Hello");
    for len in 1..whole.len() {
        let mut decompressor = Decompressor::new(15).unwrap();
        let mut out = [0; 100];
        assert!(decompressor.decompress(&whole[..len], &mut out).unwrap().done);
        decompressor.reset();
        // An empty message has no block from which its end could be seen.
        assert_eq!(decompressor.finish(), Ok(()), "{len}");
        let step = decompressor.decompress(&whole, &mut out).unwrap();
        assert_eq!(&out[..step.produced], b"Hello Hello Hello", "{len}");
        assert_eq!(decompressor.finish(), Ok(()), "{len}");
    }
}

#[test]
fn a_flush_without_input_returns_what_the_compressor_holds() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    let mut out = [0; 100];
    assert_eq!(compressor.flush(b"", &mut []), Step { consumed: 0, produced: 0, done: true });
    let first = compressor.compress(b"Hello", &mut out);
    assert!(first.done);
    let second = compressor.flush(b"", &mut out[first.produced..]);
    assert!(second.done);
    let payload = &out[..first.produced + second.produced];
    let mut room = [0; 100];
    let step = Decompressor::new(15).unwrap().decompress(payload, &mut room).unwrap();
    assert_eq!(&room[..step.produced], b"Hello");
    assert_eq!(compressor.flush(b"", &mut []), Step { consumed: 0, produced: 0, done: true });
}

#[test]
fn a_reset_of_the_compressor_forgets_an_unfinished_message() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    for _ in 0..2 {
        assert!(compressor.compress(b"Hello", &mut [0; 100]).done);
        compressor.reset();
        // The message is empty, so it takes one byte.
        let mut out = [1];
        assert_eq!(compressor.finish(b"", &mut out), Step { consumed: 0, produced: 1, done: true });
        assert_eq!(out, [0]);
    }
    assert_eq!(deflate(&mut compressor, b"Hello", &mut Cuts::whole()), HELLO);
}

#[test]
fn a_level_beyond_1_to_9_counts_as_the_nearest_one() {
    let message: Vec<u8> = (9..300).flat_map(at_distance).collect();
    let payload = |level| deflate(&mut Compressor::new(level, 15).unwrap(), &message, &mut Cuts::whole());
    assert_ne!(payload(1), payload(9));
    assert_eq!(payload(0), payload(1));
    assert_eq!(payload(10), payload(9));
    assert_eq!(payload(u8::MAX), payload(9));
}
