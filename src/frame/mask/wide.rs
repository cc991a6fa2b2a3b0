//! Masking with the widest vectors of the processor, which the crate `pulp` detects at run time.

use super::ascii::convert;
use super::{Purpose, turned, union, xor};
use crate::bytes::plus;
use ascii::AsciiChar;
use pulp::{Arch, Simd, WithSimd, bytemuck};

/// The length from which the detection of the vectors pays, in bytes. The vectors can mask data of [`VECTOR`]
/// bytes or more.
pub(super) const MIN_LEN: usize = 256;

/// How many of `len` bytes are whole vectors of `vector` bytes. The product is at most `len`.
#[inline(always)]
fn whole_vectors(len: usize, vector: usize) -> usize {
    len.checked_div(vector).unwrap_or_default().wrapping_mul(vector)
}

/// The length of the longest vector, in bytes.
const VECTOR: usize = 64;
/// Data that is longer than this is masked in blocks of this many bytes, the last block first: it was read
/// last, so it is still in the nearest cache.
const NEAR: usize = 8192;

/// The most bytes that are still on their way to the cache when all of them have been unmasked. A processor
/// has room for 50 to 70 vectors that wait to be written.
const IN_FLIGHT: usize = 2048;

/// Masks in place. For [`Purpose::Ascii`] this returns the union of the masked words, which takes a sixth
/// more time; otherwise it returns all ones.
// Inlined into `mask_words`, which would otherwise do nothing but call this for long data.
#[inline(always)]
pub(super) fn mask(data: &mut [u8], word: u64, purpose: Purpose) -> u64 {
    let arch = Arch::new();
    match purpose {
        Purpose::Ascii => arch.dispatch(InPlace::<true> { data, word }),
        Purpose::Validation if data.len() <= IN_FLIGHT => {
            // The validation has vectors of 32 bytes at most.
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                return Simd::vectorize(simd, FromStart { data, word });
            }
            arch.dispatch(FromStart { data, word })
        }
        _ => arch.dispatch(InPlace::<false> { data, word }),
    }
}

pub(super) fn copy(from: &[u8], to: &mut [u8], word: u64) {
    Arch::new().dispatch(Copy { from, to, word });
}

/// Converts the lowest seven bits of each unmasked byte to a character. Returns the union of the unmasked
/// words.
#[inline(always)]
pub(super) fn copy_ascii(from: &[u8], to: &mut [AsciiChar], word: u64) -> u64 {
    Arch::new().dispatch(CopyAscii { from, to, word })
}

/// The vectors are aligned, so none of them crosses a cache line.
struct InPlace<'a, const FINDS_ASCII: bool> {
    data: &'a mut [u8],
    word: u64,
}

/// The vectors begin with the first byte, as those of a validation do. So the validation can load its vectors
/// before they are in the cache: each of them lies within one vector that was written. A vector that spans
/// two written ones would have to wait.
struct FromStart<'a> {
    data: &'a mut [u8],
    word: u64,
}

struct Copy<'a> {
    from: &'a [u8],
    to: &'a mut [u8],
    word: u64,
}

struct CopyAscii<'a> {
    from: &'a [u8],
    to: &'a mut [AsciiChar],
    word: u64,
}

/// Returns the first and the last 64 bytes, masked; the start of the first aligned vector; and the key at
/// this start. The two blocks may overlap the aligned vectors, none of which crosses a cache line.
#[inline(always)]
fn ends(data: &[u8], at: *const u8, word: u64) -> ([u8; VECTOR], [u8; VECTOR], usize, u64) {
    let first = xor(data.first_chunk().copied().unwrap_or([0; VECTOR]), word);
    let last = xor(data.last_chunk().copied().unwrap_or([0; VECTOR]), turned(word, data.len()));
    let start = at.align_offset(VECTOR).min(VECTOR);
    (first, last, start, turned(word, start))
}

fn write(to: &mut [u8], first: [u8; VECTOR], last: [u8; VECTOR]) {
    if let Some(to) = to.first_chunk_mut() {
        *to = first;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = last;
    }
}

/// All words of a vector, combined with OR.
fn fold<V: bytemuck::Pod>(all: V) -> u64 {
    bytemuck::cast_slice::<_, u64>(&[all]).iter().fold(0, |all, word| all | word)
}

impl<const FINDS_ASCII: bool> WithSimd for InPlace<'_, FINDS_ASCII> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u64 {
        let Self { data, word } = self;
        let (first, last, start, word) = ends(data, data.as_ptr(), word);
        let key = simd.splat_u64s(word);
        let mut all = simd.splat_u64s(union(&first) | union(&last));
        let len = size_of::<S::u64s>();
        let vectors = whole_vectors(data.len().saturating_sub(start), len);
        let vectors = data.get_mut(start..plus(start, vectors)).unwrap_or_default();
        for near in vectors.rchunks_mut(NEAR) {
            for bytes in near.chunks_exact_mut(len) {
                let masked = simd.xor_u64s(bytemuck::pod_read_unaligned(bytes), key);
                if FINDS_ASCII {
                    all = simd.or_u64s(all, masked);
                }
                bytes.copy_from_slice(bytemuck::bytes_of(&masked));
            }
        }
        write(data, first, last);
        if FINDS_ASCII { fold(all) } else { u64::MAX }
    }
}

impl WithSimd for FromStart<'_> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u64 {
        let Self { data, word } = self;
        // The last block may overlap another vector, so it is read before that one is written.
        let last = xor(data.last_chunk().copied().unwrap_or([0; VECTOR]), turned(word, data.len()));
        let key = simd.splat_u64s(word);
        let mut vectors = data.chunks_exact_mut(size_of::<S::u64s>());
        for bytes in &mut vectors {
            let masked = simd.xor_u64s(bytemuck::pod_read_unaligned(bytes), key);
            bytes.copy_from_slice(bytemuck::bytes_of(&masked));
        }
        if !vectors.into_remainder().is_empty()
            && let Some(to) = data.last_chunk_mut()
        {
            *to = last;
        }
        u64::MAX
    }
}

impl WithSimd for Copy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { from, to, word } = self;
        let (first, last, start, word) = ends(from, to.as_ptr(), word);
        let key = simd.splat_u64s(word);
        let len = size_of::<S::u64s>();
        let sources = from.get(start..).unwrap_or_default().chunks_exact(len);
        let targets = to.get_mut(start..).unwrap_or_default().chunks_exact_mut(len);
        for (from, to) in sources.zip(targets) {
            let masked = simd.xor_u64s(bytemuck::pod_read_unaligned(from), key);
            to.copy_from_slice(bytemuck::bytes_of(&masked));
        }
        write(to, first, last);
    }
}

impl WithSimd for CopyAscii<'_> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u64 {
        let Self { from, to, word } = self;
        let len = size_of::<S::u64s>();
        let start = to.as_ptr().align_offset(len).min(len);
        let last = from.len().saturating_sub(len);
        // The first and the last vector may overlap the others, which are aligned.
        let first = copy_chars(simd, from.get(..len), to.get_mut(..len), word);
        let last = copy_chars(simd, from.get(last..), to.get_mut(last..), turned(word, last));
        let all = copy_chars(simd, from.get(start..), to.get_mut(start..), turned(word, start));
        fold(simd.or_u64s(all, simd.or_u64s(first, last)))
    }
}

/// Copies all whole vectors. Returns their union.
#[inline(always)]
fn copy_chars<S: Simd>(simd: S, from: Option<&[u8]>, to: Option<&mut [AsciiChar]>, word: u64) -> S::u64s {
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let key = simd.splat_u64s(word);
    let mut all = simd.splat_u64s(0);
    let len = size_of::<S::u64s>();
    for (from, to) in from.chunks_exact(len).zip(to.chunks_exact_mut(len)) {
        let masked = simd.xor_u64s(bytemuck::pod_read_unaligned(from), key);
        all = simd.or_u64s(all, masked);
        for (byte, char) in bytemuck::bytes_of(&masked).iter().zip(to) {
            *char = convert(*byte);
        }
    }
    all
}

#[cfg(test)]
#[path = "../../../tests/unit/frame/mask/wide.rs"]
mod tests;
