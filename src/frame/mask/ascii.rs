//! Unmasks ASCII while copying it into a text. The result is made of `AsciiChar`, which is text by its type,
//! so no second pass has to validate the bytes.

use super::{turned, union, xor};
use ascii::AsciiChar;

/// The number of characters that are converted at once. Blocks of this size become SIMD with the baseline
/// features of every target that has SIMD.
const BLOCK: usize = 32;

/// Unmasks `from` into `to`, which has the same length. Returns the union of the unmasked words.
pub(super) fn copy(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    match from.len() {
        0..8 => copy_few(from, to, word),
        8..=16 => copy_ends::<8>(from, to, word),
        17..=32 => copy_ends::<16>(from, to, word),
        33..=64 => copy_ends::<32>(from, to, word),
        _ => copy_blocks(from, to, word),
    }
}

#[inline(always)]
fn copy_blocks(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    let key = repeated(word);
    let mut all = [0; BLOCK];
    for (from, to) in from.chunks_exact(BLOCK).zip(to.chunks_exact_mut(BLOCK)) {
        if let (Some(from), Some(to)) = (from.first_chunk(), to.first_chunk_mut()) {
            copy_block::<BLOCK>(from, to, &key, &mut all);
        }
    }
    // The last block may overlap the block before it.
    union(&all) | copy_last::<BLOCK>(from, to, word)
}

/// Unmasks `N` to `2 * N` bytes.
#[inline(always)]
pub(super) fn copy_ends<const N: usize>(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    let mut all = [0; N];
    if let (Some(from), Some(to)) = (from.first_chunk(), to.first_chunk_mut()) {
        copy_block::<N>(from, to, &repeated(word), &mut all);
    }
    union(&all) | copy_last::<N>(from, to, word)
}

#[inline(always)]
fn copy_last<const N: usize>(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    let key = repeated(turned(word, from.len().wrapping_sub(N)));
    let mut all = [0; N];
    if let (Some(from), Some(to)) = (from.last_chunk(), to.last_chunk_mut()) {
        copy_block::<N>(from, to, &key, &mut all);
    }
    union(&all)
}

/// A block that repeats the key.
#[inline(always)]
fn repeated<const N: usize>(word: u64) -> [u8; N] {
    xor([0; N], word)
}

/// Unmasks a block byte by byte. The compiler makes SIMD of this loop; a loop over words would have to split
/// each word into characters again.
#[inline(always)]
fn copy_block<const N: usize>(from: &[u8; N], to: &mut [AsciiChar; N], key: &[u8; N], all: &mut [u8; N]) {
    for (((from, to), key), all) in from.iter().zip(to).zip(key).zip(all) {
        *all |= from ^ key;
        *to = convert(from ^ key);
    }
}

fn copy_few(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    let mut all = 0;
    for ((from, to), key) in from.iter().zip(to).zip(word.to_le_bytes()) {
        all |= u64::from(from ^ key);
        *to = convert(from ^ key);
    }
    all
}

/// Converts the lowest seven bits of a byte to a character, without a branch.
#[inline(always)]
pub(super) fn convert(byte: u8) -> AsciiChar {
    AsciiChar::from_ascii(byte & 0x7f).unwrap_or(AsciiChar::Null)
}

#[cfg(test)]
mod tests {
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
}
