//! SHA-1 (RFC 3174) for the one text that a handshake computes a digest of. SHA-1 is broken as a secure hash,
//! but the handshake does not need one: the digest only shows that the peer knows the WebSocket protocol (RFC
//! 6455 section 10.8).
//!
//! With the feature `alloc` the crate `sha1_smol` computes it, and with the feature `sha1` the crate `sha1`.
//! Without an allocator the code has to be small and free of panics, so this file implements it.

/// A SHA-1 digest. Functions write it to its final place, since a copy would add a function to a small
/// program.
pub(crate) type Digest = [u8; 20];

/// The digest of a text of 60 bytes, in two parts.
#[cfg(all(feature = "alloc", not(feature = "sha1")))]
pub(crate) fn sha1(front: &[u8; 24], back: &[u8; 36], digest: &mut Digest) {
    let mut sha1 = sha1_smol::Sha1::from(front);
    sha1.update(back);
    *digest = sha1.digest().bytes();
}

#[cfg(any(feature = "sha1", not(feature = "alloc")))]
pub(crate) use by_blocks as sha1;

#[cfg(any(test, feature = "sha1", not(feature = "alloc")))]
type ChainingValue = [u32; 5];
#[cfg(any(test, feature = "sha1", not(feature = "alloc")))]
type Block = [u32; 16];

#[cfg(any(test, feature = "sha1", not(feature = "alloc")))]
const START: ChainingValue = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The text and its padding (section 4) fill two blocks. The padding is zeros except for the mark and the
/// length.
#[cfg(any(test, feature = "sha1", not(feature = "alloc")))]
pub(crate) fn by_blocks(front: &[u8; 24], back: &[u8; 36], digest: &mut Digest) {
    let mut state = START;
    let mut block = [0; 16];
    let (first, second) = block.split_at_mut_checked(6).unwrap_or_default();
    fill(front, first);
    fill(back, second);
    if let Some(place) = second.last_mut() {
        *place = 1 << 31;
    }
    compress(&mut state, &mut block);
    block = [0; 16];
    let [.., bits] = &mut block;
    *bits = 8 * 60;
    compress(&mut state, &mut block);
    for (to, word) in digest.chunks_exact_mut(4).zip(&state) {
        if let Some(to) = to.first_chunk_mut() {
            *to = word.to_be_bytes();
        }
    }
}

/// Copies bytes to words. There are enough words for all bytes.
#[cfg(any(test, feature = "sha1", not(feature = "alloc")))]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn fill(bytes: &[u8], words: &mut [u32]) {
    for (place, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *place = bytes.first_chunk().copied().map_or(0, u32::from_be_bytes);
    }
}

/// Uses the processor's SHA-1 instructions if it has them.
#[cfg(feature = "sha1")]
fn compress(state: &mut ChainingValue, block: &mut Block) {
    let bytes: [u8; 64] =
        block.map(u32::to_be_bytes).as_flattened().first_chunk().copied().unwrap_or([0; 64]);
    sha1::block_api::compress(state, &[bytes]);
}

#[cfg(not(feature = "sha1"))]
#[cfg(any(test, not(feature = "alloc")))]
use compress_small as compress;

#[cfg(any(test, not(any(feature = "alloc", feature = "sha1"))))]
static CONSTANTS: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// The computation of section 6.1 with the functions and constants of section 5. Only sixteen words are kept:
/// each is replaced by the word that is needed sixteen steps later.
#[cfg(any(test, not(any(feature = "alloc", feature = "sha1"))))]
#[inline(never)]
#[expect(clippy::many_single_char_names, reason = "as in the RFC")]
fn compress_small(state: &mut ChainingValue, words: &mut Block) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for at in 0..80 {
        let round = at / 20;
        let mixed = match round {
            0 => d ^ (b & (c ^ d)),
            2 => (b & c) | (d & (b | c)),
            _ => b ^ c ^ d,
        };
        let after = |steps: usize| words.get(crate::bytes::plus(at, steps) % 16).copied().unwrap_or_default();
        let word = after(0);
        let next = (after(13) ^ after(8) ^ after(2) ^ word).rotate_left(1);
        if let Some(place) = words.get_mut(at % 16) {
            *place = next;
        }
        let constant = CONSTANTS.get(round).copied().unwrap_or_default();
        let sum =
            a.rotate_left(5).wrapping_add(mixed).wrapping_add(constant).wrapping_add(e).wrapping_add(word);
        (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
        *old = old.wrapping_add(new);
    }
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/sha1.rs"]
mod tests;
