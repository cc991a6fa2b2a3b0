//! Properties of random messages, compared with C zlib.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    // PMD-5-21 · PMD-7.2.1-01 · PMD-7.2.1-02 · PMD-7.2.1-03 · PMD-7.2.1-09 · PMD-7.2.1-12
    // PMD-7.2.1-13 · PMD-7.2.1-14 · PMD-7.2.1-15 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7.3-02
    // PMD-7.2.2-13
    #[test]
    fn c_zlib_decompresses_our_messages(
        messages in vec(any_message(), 1..5),
        mut cuts in any_cuts(1),
        (level, bits, takeover) in (1u8..10, 8u8..16, any::<bool>()),
    ) {
        let mut compressor = Compressor::new(level, bits).unwrap();
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
    fn we_decompress_the_messages_of_c_zlib(
        messages in vec(any_message(), 1..5),
        mut cuts in any_cuts(1),
        (level, mem_level, bits, takeover) in (0..10, 1..10, 9u8..16, any::<bool>()),
    ) {
        let mut compressor = zlib::Deflate::new(level, bits, mem_level, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(bits).unwrap();
        for message in messages {
            let payload = compressor.message(&message);
            prop_assert_eq!(inflate(&mut decompressor, &payload, &mut cuts), Ok(message));
            if !takeover {
                compressor.reset();
                decompressor.reset();
            }
        }
    }

    // PMD-7.2.1-05 · PMD-7.2.1-06 · PMD-7.2.1-07 · PMD-7.2.1-08
    #[test]
    fn we_decompress_blocks_with_every_kind_of_flush(
        pieces in vec(
            (any_message(), prop_oneof![Just(Z_NO_FLUSH), Just(Z_SYNC_FLUSH), Just(Z_FINISH)]),
            1..6,
        ),
        mut cuts in any_cuts(1),
    ) {
        let mut compressor = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
        let mut decompressor = Decompressor::new(15).unwrap();
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

    // PMD-7.2.2-03
    #[test]
    fn valid_and_damaged_payloads_give_the_same_result_wherever_they_are_cut(
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
            let (mut one, mut other) = (Decompressor::new(15).unwrap(), Decompressor::new(15).unwrap());
            let expected = whole(&mut one, &payload);
            prop_assert_eq!(inflate(&mut other, &payload, &mut cuts), expected.clone());
            if expected.is_ok() {
                prop_assert_eq!(inflate(&mut other, &HELLO, &mut cuts), whole(&mut one, &HELLO));
            }
        }
    }
}
