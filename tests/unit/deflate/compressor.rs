use super::Compressor;

#[test]
fn a_message_that_fills_the_window_prefers_plain_for_any_number_of_window_bits() {
    for bits in 0..=u8::MAX {
        let window = 1 << bits.clamp(8, 15);
        assert!(!Compressor::prefers_plain(bits, window - 1, window, true), "{bits} bits");
        assert!(Compressor::prefers_plain(bits, window, window, true), "{bits} bits");
    }
}
