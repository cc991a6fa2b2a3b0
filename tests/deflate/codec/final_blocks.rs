//! Blocks behind a final block. A second decoder reads them until a copy of the window pays, so these tests
//! compare the two: each payload must mean the same with and without final blocks before it.

use super::*;

/// A window of 32 KiB that is full, so that a copy pays only after more than a thousand bytes.
fn with_full_window() -> (zlib::Deflate, Decompressor) {
    let message = at_distance(40_000);
    let mut compressor = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
    let mut decompressor = Decompressor::new(15).unwrap();
    assert_eq!(whole(&mut decompressor, &compressor.message(&message)).unwrap(), message);
    (compressor, decompressor)
}

/// Final blocks without any content. The first pays for a copy of the window, and the second does not.
const EMPTY_FINAL_BLOCKS: [u8; 4] = [0x03, 0x00, 0x03, 0x00];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    // PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.1-08
    #[test]
    fn a_message_of_c_zlib_decompresses_behind_final_blocks(
        messages in vec((any_message(), 0..10_i32, 1..=9_i32, 0..5_i32), 1..4),
        cuts in any_cuts(1),
        flush in prop_oneof![Just(Z_SYNC_FLUSH), Just(Z_FINISH), Just(Z_NO_FLUSH)],
    ) {
        let (mut compressor, mut decompressor) = with_full_window();
        for (message, level, mem_level, strategy) in messages {
            // With this strategy the compressor refers to the full window, and otherwise it has its own.
            let mut new = zlib::Deflate::new(level, 15, mem_level, strategy);
            let payload = match flush {
                Z_NO_FLUSH => compressor.message(&message),
                Z_FINISH => [new.run(&message, Z_FINISH), vec![0]].concat(),
                _ => new.message(&message),
            };
            let payload = [&EMPTY_FINAL_BLOCKS[..], &payload].concat();
            prop_assert!(inflate(&mut decompressor, &payload, &mut cuts.clone()) == Ok(message.clone()));
            if flush != Z_NO_FLUSH {
                compressor.run(&message, Z_SYNC_FLUSH);
            }
        }
    }

    // PMD-7.2.2-03
    #[test]
    fn a_payload_is_as_valid_behind_final_blocks_as_without_them(
        message in any_message(),
        flips in vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4),
        cut_off in prop_oneof![3 => Just(0_usize), 1 => 0..20_usize],
        (level, mem_level, strategy) in (0..10_i32, 1..=9_i32, 0..5_i32),
        cuts in any_cuts(1),
    ) {
        let mut payload = zlib::Deflate::new(level, 15, mem_level, strategy).message(&message);
        for (at, flip) in flips {
            let at = at.index(payload.len());
            payload[at] ^= flip;
        }
        payload.truncate(payload.len().saturating_sub(cut_off).max(1));
        let expected = whole(&mut with_full_window().1, &payload);
        let behind = [&EMPTY_FINAL_BLOCKS[..], &payload].concat();
        let (mut in_one, mut in_pieces) = (with_full_window().1, with_full_window().1);
        prop_assert_eq!(whole(&mut in_one, &behind), expected.clone());
        prop_assert_eq!(inflate(&mut in_pieces, &behind, &mut cuts.clone()), expected);
    }

    // PMD-7.2.2-02 · PMD-7.2.2-03
    #[test]
    fn noise_is_as_invalid_behind_final_blocks_as_without_them(
        payload in vec(any::<u8>(), 1..60),
        // Most noise has an invalid type of block, so the type is chosen here.
        first in prop_oneof![Just(0b100_u8), Just(0b010_u8)],
        cuts in any_cuts(1),
    ) {
        let mut payload = payload;
        payload[0] = payload[0] & !7 | first;
        let expected = whole(&mut with_full_window().1, &payload);
        let behind = [&EMPTY_FINAL_BLOCKS[..], &payload].concat();
        prop_assert_eq!(inflate(&mut with_full_window().1, &behind, &mut cuts.clone()), expected);
    }
}

// PMD-7.2.1-07: every length and every distance, from the window and from the message itself.
#[test]
fn repetitions_of_every_length_and_distance_decompress_behind_final_blocks() {
    let (mut compressor, mut decompressor) = with_full_window();
    let mut history = at_distance(40_000);
    for distance in (1..300).chain((300..32_506).step_by(977)).chain([32_505, 32_506]) {
        let len = 3 + distance % 256;
        let mut message: Vec<u8> = Vec::new();
        for _ in 0..len {
            let at = history.len() - distance;
            history.push(history[at]);
            message.push(history[at]);
        }
        let payload = [&EMPTY_FINAL_BLOCKS[..], &compressor.message(&message)].concat();
        assert_eq!(whole(&mut decompressor, &payload).unwrap(), message, "{distance}");
    }
}
