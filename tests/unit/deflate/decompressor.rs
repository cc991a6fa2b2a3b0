use super::*;
use alloc::vec;

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

/// RFC 7692 section 7.2.1 allows final blocks anywhere. If each of them cost a copy of the window, then one
/// MiB of them would take half a second.
#[test]
fn the_work_for_final_blocks_is_bounded_by_the_bytes() {
    let cases: [(&str, &[u8], usize); 6] = [
        ("an empty block of type 1", &[0x03, 0x00], 0),
        ("an empty stored block", &[0x01, 0x00, 0x00, 0xff, 0xff], 0),
        ("an empty block before it", &[0x02, 0x0c, 0x00], 0),
        ("a literal", &[0x4b, 0x04, 0x00], 1),
        ("a stored byte", &[0x01, 0x01, 0x00, 0xfe, 0xff, 0x61], 1),
        // Length 3, distance 32768: code 257 is 0000001, code 29 is 11101, and 13 further bits are set.
        ("the oldest bytes of the window", &[0x03, 0xde, 0xff, 0x0f, 0x00], 3),
    ];
    for (name, stream, produced) in cases {
        for per_message in [1, 2, 1000, 20_000] {
            let mut decompressor = with_full_window();
            let before = decompressor.copied;
            let payload = stream.repeat(per_message);
            let mut out = vec![0; payload.len() + 1];
            let messages = 20_000 / per_message;
            for _ in 0..messages {
                let step = decompressor.decompress(&payload, &mut out).unwrap();
                assert_eq!((step.produced, step.done), (produced * per_message, true), "{name}");
                decompressor.finish().unwrap();
            }
            // `finish` adds at most five bytes to each message.
            let bytes = messages * (payload.len() + 5 + produced * per_message);
            let copied = decompressor.copied - before;
            assert!(
                copied <= (bytes + 40_000) * COPIES_PER_BYTE,
                "{name}, {per_message}: {copied} for {bytes}"
            );
            // The codec of zlib-rs does most of the work if there is much of it.
            assert!(copied > 0, "{name}, {per_message}");
        }
    }
}

/// The codec of zlib-rs is faster, so it decodes all messages but the shortest.
#[test]
fn a_message_with_a_final_block_that_pays_for_a_copy_of_the_window_gets_one() {
    let mut decompressor = with_full_window();
    let stored = [&[1, 0xd0, 0x07, 0x2f, 0xf8][..], &[9; 2000]].concat();
    for _ in 0..3 {
        let step = decompressor.decompress(&stored, &mut [0; 2001]).unwrap();
        assert_eq!((step.produced, step.done), (2000, true));
        assert!(!decompressor.uses_small);
        decompressor.finish().unwrap();
    }
}
