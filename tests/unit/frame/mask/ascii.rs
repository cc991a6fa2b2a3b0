use super::super::tests::{Extent, prove};
use super::super::{HIGH_BITS, Mask};
use super::*;
use ascii::AsMutAsciiStr;

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

fn prove_copy(extent: Extent) {
    prove(0..=600, extent, |mask, from, to| {
        to.fill(0);
        Some(mask.copy_ascii(from, to.as_mut_ascii_str().unwrap().as_mut_slice()))
    });
    // Long payloads take this code only without the feature `simd`.
    prove(32..=600, extent, |mask, from, to| {
        to.fill(0);
        let all = copy_blocks(from, to.as_mut_ascii_str().unwrap().as_mut_slice(), mask.word());
        mask.advance(from.len());
        Some(all & HIGH_BITS == 0)
    });
}

/// A part of the proof below.
#[test]
fn unmasking_ascii_passes_each_bit_and_each_bit_of_the_key() {
    prove_copy(Extent::Quick);
}

/// A proof for all payloads of up to 600 bytes, see [`prove`].
#[test]
#[ignore = "it takes seconds with optimisation, and minutes without"]
fn proof_that_unmasking_ascii_is_the_algorithm_of_the_rfc() {
    prove_copy(Extent::All);
}
