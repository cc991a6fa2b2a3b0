use super::*;
use alloc::vec;
use alloc::vec::Vec;

/// A decompressor whose window of 32 KiB is full.
fn with_full_window() -> Decompressor {
    let mut decompressor = Decompressor::new(15).unwrap();
    let bytes = vec![7; 40_000];
    let stored = [&[0, 0x40, 0x9c, 0xbf, 0x63][..], &bytes, &[0]].concat();
    let mut out = vec![0; 40_000];
    let step = decompressor.decompress(&stored, &mut out).unwrap();
    assert!(step.done && out == bytes);
    decompressor.finish().unwrap();
    decompressor
}

/// Final blocks with and without content, and the length of their output.
const CASES: [(&str, &[u8], usize); 6] = [
    ("an empty block of type 1", &[0x03, 0x00], 0),
    ("an empty stored block", &[0x01, 0x00, 0x00, 0xff, 0xff], 0),
    ("an empty block before it", &[0x02, 0x0c, 0x00], 0),
    ("a literal", &[0x4b, 0x04, 0x00], 1),
    ("a stored byte", &[0x01, 0x01, 0x00, 0xfe, 0xff, 0x61], 1),
    // Length 3, distance 32768: code 257 is 0000001, code 29 is 11101, and 13 further bits are set.
    ("the oldest bytes of the window", &[0x03, 0xde, 0xff, 0x0f, 0x00], 3),
];

/// Otherwise one MiB of them would take half a second.
#[test]
fn final_blocks_that_the_bytes_do_not_pay_for_fail_the_message() {
    for (name, stream, produced) in CASES {
        let mut decompressor = with_full_window();
        let payload = stream.repeat(20_000);
        let mut out = vec![0; 3 * 20_000 + 1];
        // The output before the failure comes first.
        let result = match decompressor.decompress(&payload, &mut out) {
            Ok(step) => {
                assert!(!step.done && step.produced > 1000 * produced, "{name}");
                decompressor.decompress(&payload[step.consumed..], &mut out)
            }
            result => result,
        };
        assert_eq!(result, Err(DecompressError::FinalBlocks), "{name}");
        // The credit is for a thousand blocks, and the bytes pay for some more.
        let mut decompressor = with_full_window();
        let payload = stream.repeat(1001);
        let step = decompressor.decompress(&payload, &mut out).unwrap();
        assert_eq!((step.produced, step.done), (1001 * produced, true), "{name}");
        decompressor.finish().unwrap();
    }
}

/// The credit pays for a thousand blocks with a full window, to the byte. A final block costs 4096 and the
/// length of the window, and each byte since the last one earns 32.
#[test]
fn the_credit_for_final_blocks_is_exact() {
    let failing_at = |window: u16, block: &[u8]| {
        let mut decompressor = Decompressor::new(15).unwrap();
        let ([low, high], [not_low, not_high]) = (window.to_le_bytes(), (!window).to_le_bytes());
        let stored = [&[0, low, high, not_low, not_high][..], &vec![7; window.into()], &[0]].concat();
        let mut out = vec![0; usize::from(window) + 1];
        assert!(decompressor.decompress(&stored, &mut out).unwrap().done);
        decompressor.finish().unwrap();
        (0..3000).find(|_| decompressor.decompress(block, &mut out).is_err())
    };
    // The first block is free, and the second one finds the whole credit. The credit lacks one byte for the
    // last block: 36,864,000 + 1062 * 7 * 32 - 1063 * (4096 + 30,807) = -1.
    assert_eq!(failing_at(30_807, &[0, 0, 0, 0xff, 0xff, 0x03, 0x00]), Some(1063));
    // This pays for all blocks but the last one: 36,864,000 + 1039 * 5 * 32 - 1040 * (4096 + 31,510) = 0.
    assert_eq!(failing_at(31_510, &[0x01, 0x00, 0x00, 0xff, 0xff]), Some(1041));
}

/// The next user of a decompressor in a pool pays nothing for the final blocks of the last one.
#[test]
fn a_decompressor_from_a_pool_has_the_whole_credit() {
    let pool = crate::deflate::Pool::new(1);
    let block = [0x03, 0x00].repeat(800);
    for _ in 0..3 {
        let mut decompressor = pool.take_decompressor().unwrap();
        let mut out = vec![0; 40_001];
        let window =
            [&[0, 0x40, 0x9c, 0xbf, 0x63][..], &vec![7; 40_000], &[0, 0, 0, 0xff, 0xff], &block].concat();
        assert!(decompressor.decompress(&window, &mut out).unwrap().done);
        pool.give_decompressor(decompressor);
    }
}

/// The failure does not depend on how the payload and the room are cut.
#[test]
fn the_limit_of_final_blocks_is_at_the_same_byte_for_every_cut() {
    for (name, stream, _) in CASES {
        let payload = stream.repeat(1200);
        let failing_at = |piece: usize, room: usize| {
            let mut decompressor = with_full_window();
            let mut arrived = 0;
            for piece in payload.chunks(piece) {
                let mut rest = piece;
                loop {
                    match decompressor.decompress(rest, &mut vec![0; room]) {
                        Ok(step) => {
                            arrived += step.consumed;
                            rest = &rest[step.consumed..];
                            if step.done {
                                break;
                            }
                        }
                        Err(error) => {
                            assert_eq!(error, DecompressError::FinalBlocks, "{name}");
                            return Some((arrived + rest.len()).div_ceil(stream.len()));
                        }
                    }
                }
            }
            None
        };
        let expected = failing_at(1, 100);
        assert!(expected.is_some_and(|block| block > 1001), "{name}: {expected:?}");
        assert_eq!(failing_at(1, 1), expected, "{name}");
    }
}

/// Each message may end with a final block, however short it is, and so may each flush of some length.
#[test]
fn usual_final_blocks_are_free() {
    let mut decompressor = with_full_window();
    for _ in 0..10_000 {
        let step = decompressor.decompress(&[0x4b, 0x04, 0x00], &mut [0; 2]).unwrap();
        assert_eq!((step.produced, step.done), (1, true));
        decompressor.finish().unwrap();
    }
    let flush = [&[1, 0xd0, 0x07, 0x2f, 0xf8][..], &[9; 2000]].concat();
    let mut out = vec![0; 2000 * 5000 + 1];
    let step = decompressor.decompress(&flush.repeat(5000), &mut out).unwrap();
    assert_eq!((step.produced, step.done), (2000 * 5000, true));
    decompressor.finish().unwrap();
}

/// What a decompressor can have been through: it reads this payload, with this much room for the output, and
/// then the message may end.
const BEFORE: [(&str, &[u8], usize, bool); 9] = [
    ("nothing", &[], 0, false),
    ("a message", HELLO, 9, true),
    ("half a message", &[0xf2, 0x48, 0xcd], 9, false),
    ("a message without enough room, so that one byte waits", HELLO, 2, false),
    ("a message without any room", HELLO, 0, false),
    ("corrupt data", &[0x07], 9, false),
    ("corrupt data behind output", &[0x00, 0x01, 0x00, 0xfe, 0xff, b'a', 0x07], 9, false),
    ("a final block", &[0x4b, 0x04, 0x00], 9, false),
    ("a payload that ends like a tail", &[0x00, 0x00, 0x00, 0xff, 0xff], 9, false),
];
const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// The output of a payload, and how the message ends.
fn read(decompressor: &mut Decompressor, payload: &[u8]) -> (Vec<u8>, Result<(), DecompressError>) {
    let mut out = [0; 100];
    let (mut at, mut len) = (0, 0);
    loop {
        match decompressor.decompress(&payload[at..], &mut out[len..]) {
            Ok(step) => {
                (at, len) = (at + step.consumed, len + step.produced);
                if step.done {
                    return (out[..len].to_vec(), decompressor.finish());
                }
            }
            Err(error) => return (out[..len].to_vec(), Err(error)),
        }
    }
}

#[test]
fn after_a_reset_a_decompressor_is_as_new_whatever_was_before() {
    let messages: [&[u8]; 7] = [
        &[],
        &[0x00],
        HELLO,
        // This refers to the message before.
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        &[0x4b, 0x04, 0x00],
        &[0x03],
        &[0x00, 0x00, 0xff, 0xff],
    ];
    for (name, payload, room, ends) in BEFORE {
        for message in messages {
            let mut decompressor = Decompressor::new(15).unwrap();
            let _ = decompressor.decompress(payload, &mut [0; 9][..room]);
            if ends {
                assert_eq!(decompressor.finish(), Ok(()));
            }
            decompressor.reset();
            assert!(decompressor.is_between_messages(), "{name}");
            assert_eq!(decompressor.context.history.len(), 0, "{name}");
            let mut new = Decompressor::new(15).unwrap();
            assert_eq!(read(&mut decompressor, message), read(&mut new, message), "{name}, {message:02x?}");
            // What the first message leaves behind is the same too.
            assert_eq!(read(&mut decompressor, HELLO), read(&mut new, HELLO), "{name}, {message:02x?}");
        }
    }
}

// PMD-7.2.2-03
#[test]
fn the_output_before_corrupt_data_comes_first_however_short_it_is() {
    for len in 0..4_u8 {
        let bytes = vec![b'a'; len.into()];
        // A stored block, and then one of the reserved type.
        let payload = [&[0, len, 0, !len, 0xff], &bytes[..], &[0x07]].concat();
        let mut decompressor = Decompressor::new(15).unwrap();
        let mut out = [0; 9];
        if len > 0 {
            let step = decompressor.decompress(&payload, &mut out).unwrap();
            assert_eq!((&out[..step.produced], step.done), (&bytes[..], false), "{len}");
        }
        assert_eq!(decompressor.decompress(&[], &mut out).is_err(), len > 0);
        assert_eq!(decompressor.decompress(&payload, &mut out), Err(Corrupt), "{len}");
    }
}
