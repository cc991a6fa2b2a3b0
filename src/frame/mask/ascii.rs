//! Unmasks ASCII while copying it into a text. The result is made of `AsciiChar`, which is text by its type,
//! so no second pass has to validate the bytes.

use super::{turned, union, xor};
use ascii::AsciiChar;

/// The number of characters that are converted at once. Blocks of this size become SIMD with the baseline
/// features of every target that has SIMD.
const BLOCK: usize = 32;

/// Unmasks at most 64 bytes into `to`, which has the same length. Returns the union of the unmasked words.
pub(super) fn copy_short(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    match from.len() {
        0..8 => copy_few(from, to, word),
        8..=16 => copy_ends::<8>(from, to, word),
        17..=32 => copy_ends::<16>(from, to, word),
        _ => copy_ends::<32>(from, to, word),
    }
}

/// As [`copy_short`], for at least 32 bytes. If this were inlined, the compiler would not know that the two
/// slices do not overlap, and would keep the blocks in memory.
#[inline(never)]
pub(super) fn copy_blocks(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
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
fn copy_ends<const N: usize>(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
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

/// Unmasks a block byte by byte. The compiler turns this loop into SIMD; a loop over words would have to
/// split each word into characters again.
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
#[path = "../../../tests/unit/frame/mask/ascii.rs"]
mod tests;
