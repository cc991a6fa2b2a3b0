use super::super::Mask;
use super::*;

/// With the feature `simd`, wide vectors that may start at any address unmask 256 bytes and more.
#[test]
fn ascii_of_any_length_is_unmasked_and_any_other_byte_is_refused() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let text: [u8; 1000] = core::array::from_fn(|i| u8::try_from(i * 7 % 128).unwrap());
    for (len, start) in (0..150).map(|len| (len, 0)).chain((255..390).map(|len| (len, len % 64))) {
        let mut masked = text;
        Mask::new(key).apply(&mut masked[..len]);
        let mut chars = [AsciiChar::Null; 1000];
        let to = &mut chars[start..start + len];
        let mut mask = Mask::new(key);
        assert!(mask.copy_ascii(&masked[..len], to), "length {len}");
        for (char, byte) in to.iter().zip(text) {
            assert_eq!(char.as_byte(), byte, "length {len}");
        }
        // The position in the key has moved by the length.
        assert_eq!(mask.0, key_at(key, len));
        for bad in 0..len {
            masked[bad] ^= 0x80;
            let mut mask = Mask::new(key);
            assert!(!mask.copy_ascii(&masked[..len], to), "length {len}, byte {bad}");
            assert_eq!(mask.0, key_at(key, 0));
            masked[bad] ^= 0x80;
        }
        assert!(chars[..start].iter().chain(&chars[start + len..]).all(|char| *char == AsciiChar::Null));
    }
}

fn key_at(mut key: [u8; 4], at: usize) -> u32 {
    key.rotate_left(at % 4);
    u32::from_le_bytes(key)
}
