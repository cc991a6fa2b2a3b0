use super::{Compressor, Step};

#[test]
fn a_message_that_fills_the_window_prefers_plain_for_any_number_of_window_bits() {
    for bits in 0..=u8::MAX {
        let window = 1 << bits.clamp(8, 15);
        assert!(!Compressor::prefers_plain(bits, window - 1, window, true), "{bits} bits");
        assert!(Compressor::prefers_plain(bits, window, window, true), "{bits} bits");
    }
}

// PMD-7.2.1-04
#[test]
fn pieces_without_bytes_change_nothing_of_an_empty_message() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    for before in [&b""[..], b"Hello", b"Hello"] {
        assert!(compressor.finish(before, &mut [0; 100]).done);
        for pieces in 0..4 {
            for _ in 0..pieces {
                let nothing = Step { consumed: 0, produced: 0, done: true };
                assert_eq!(compressor.compress(b"", &mut [0; 100]), nothing);
                assert_eq!(compressor.flush(b"", &mut []), nothing);
                assert!(compressor.is_between_messages());
            }
            let mut out = [1; 100];
            let step = compressor.finish(b"", &mut out);
            assert_eq!((step, out[0]), (Step { consumed: 0, produced: 1, done: true }, 0), "{pieces} pieces");
        }
    }
}

#[test]
fn a_compressor_is_between_messages_only_if_it_holds_nothing_of_one() {
    let mut compressor = Compressor::new(6, 15).unwrap();
    assert!(compressor.is_between_messages());
    assert!(compressor.compress(b"a", &mut [0; 100]).done);
    assert!(!compressor.is_between_messages());
    assert!(compressor.flush(b"", &mut [0; 100]).done);
    assert!(compressor.is_between_messages());
    // The last four bytes of the output are held until it is known whether they are the tail.
    let literals: [u8; 200] = core::array::from_fn(|i| u8::try_from(i).unwrap());
    assert!(!compressor.finish(&literals, &mut [0; Compressor::MIN_ROOM]).done);
    assert!(!compressor.is_between_messages());
    compressor.reset();
    assert!(compressor.is_between_messages());
}
