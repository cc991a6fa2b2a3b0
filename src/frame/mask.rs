//! Masking, RFC 6455 section 5.3: XOR combines byte `i` of a payload with byte `i` modulo 4 of the key
//! (WS-5.3-05). The position in the key carries over from each piece of a frame to the next (WS-5.3-06).

#[cfg(feature = "simdutf8")]
mod ascii;
#[cfg(feature = "simd")]
mod wide;

use crate::bytes::{FOR_SPEED, copy};

/// A masking key, rotated so that its lowest byte masks the next payload byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mask(u32);

/// What happens to bytes after they have been unmasked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Any,
    /// They are validated as text immediately.
    Validation,
    /// The caller wants to know whether they are ASCII, because then it need not validate them now.
    Ascii,
}

/// The highest bit of each byte of a word. ASCII has none of them.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

impl Mask {
    /// The key that changes no byte. It stands for a frame without a key.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// Masks or unmasks `data` in place, and advances the position in the key by its length.
    #[inline(always)]
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        self.apply_to(data, Purpose::Any);
    }

    /// As [`apply`](Self::apply). Returns whether the result is known to be ASCII. For short data this costs
    /// nothing; for long data this finds it out only for [`Purpose::Ascii`].
    #[inline(always)]
    pub(crate) fn apply_to(&mut self, data: &mut [u8], purpose: Purpose) -> bool {
        self.apply_or(data, |mask, data| mask.apply_long(data, purpose))
    }

    /// As [`apply`](Self::apply), but `apply_long` masks data of more than 64 bytes. Returns whether the
    /// result is known to be ASCII. A build for size does not call `apply_long`.
    #[inline(always)]
    pub(crate) fn apply_or(
        &mut self, data: &mut [u8], apply_long: impl FnOnce(Self, &mut [u8]) -> bool,
    ) -> bool {
        if !FOR_SPEED {
            self.apply_compactly(data);
            return false;
        }
        let word = self.word();
        // Each case needs one comparison.
        let len = data.len();
        let union = if len < 8 {
            self.apply_short(data);
            return data.is_ascii();
        } else if len <= 16 {
            mask_ends::<8>(data, word)
        } else if len <= 32 {
            mask_ends::<16>(data, word)
        } else if len <= 64 {
            mask_ends::<32>(data, word)
        } else {
            let is_ascii = apply_long(*self, data);
            self.advance(data.len());
            return is_ascii;
        };
        self.advance(data.len());
        union & HIGH_BITS == 0
    }

    /// As [`apply_to`](Self::apply_to), for more than 64 bytes. The position does not change.
    #[inline(always)]
    pub(crate) fn apply_long(self, data: &mut [u8], purpose: Purpose) -> bool {
        let word = self.word();
        let union =
            if data.len() <= 128 { mask_up_to_128(data, word) } else { mask_words(data, word, purpose) };
        union & HIGH_BITS == 0
    }

    /// Masks or unmasks `from` while copying it to `to`, in one pass. Both slices have the same length.
    #[inline(always)]
    pub(crate) fn copy(&mut self, from: &[u8], to: &mut [u8]) {
        if !FOR_SPEED {
            copy(from, to);
            return self.apply_compactly(to);
        }
        let word = self.word();
        let len = from.len();
        if len < 8 {
            copy(from, to);
            return self.apply_short(to);
        } else if len <= 16 {
            copy_ends::<8>(from, to, word);
        } else if len <= 32 {
            copy_ends::<16>(from, to, word);
        } else if len <= 64 {
            copy_ends::<32>(from, to, word);
        } else if len <= 128 {
            copy_up_to_128(from, to, word);
        } else {
            copy_words(from, to, word);
        }
        self.advance(from.len());
    }

    /// Masks word by word, with little code: 1.25 instructions for each byte on a Cortex-M. A processor
    /// without unaligned access can load a word only from an aligned address.
    #[inline(never)]
    fn apply_compactly(&mut self, data: &mut [u8]) {
        let (front, words, end) = split_at_words(data);
        self.apply_to_each(front);
        let key = self.0.to_le();
        for word in words {
            *word ^= key;
        }
        self.apply_to_each(end);
    }

    /// Masks byte by byte.
    #[inline(never)]
    fn apply_to_each(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let [low, ..] = self.0.to_le_bytes();
            *byte ^= low;
            self.0 = self.0.rotate_right(8);
        }
    }

    /// Masks fewer than eight bytes without a loop over the bytes.
    #[inline]
    fn apply_short(&mut self, data: &mut [u8]) {
        let mut key = self.0;
        self.advance(data.len());
        // There is at most one chunk of each size.
        let mut fours = data.chunks_exact_mut(4);
        for bytes in &mut fours {
            if let Ok(four) = <&mut [u8; 4]>::try_from(bytes) {
                *four = (u32::from_le_bytes(*four) ^ key).to_le_bytes();
            }
        }
        let mut twos = fours.into_remainder().chunks_exact_mut(2);
        for bytes in &mut twos {
            if let Ok(two) = <&mut [u8; 2]>::try_from(bytes) {
                let [low, high, ..] = key.to_le_bytes();
                *two = (u16::from_le_bytes(*two) ^ u16::from_le_bytes([low, high])).to_le_bytes();
            }
            key >>= 16;
        }
        if let Some(one) = twos.into_remainder().first_mut() {
            let [low, ..] = key.to_le_bytes();
            *one ^= low;
        }
    }

    const fn word(self) -> u64 {
        let key = self.0 as u64;
        key << 32 | key
    }

    /// Advances the position in the key by this many bytes.
    #[expect(clippy::cast_possible_truncation, reason = "only the lowest two bits count")]
    pub(crate) const fn advance(&mut self, bytes: usize) {
        self.0 = self.0.rotate_right((bytes as u32 & 3) << 3);
    }
}

#[cfg(any(feature = "simd", feature = "simdutf8"))]
impl Mask {
    /// As [`apply_long`](Self::apply_long), for text that is not ASCII. Its validation has wide vectors from
    /// 64 bytes on, so wide vectors pay here, too.
    #[inline(always)]
    pub(crate) fn apply_to_long_text(self, data: &mut [u8]) {
        #[cfg(feature = "simd")]
        wide::mask(data, self.word(), Purpose::Validation);
        #[cfg(not(feature = "simd"))]
        self.apply_long(data, Purpose::Validation);
    }

    /// Whether the first 32 bytes of `data`, unmasked, are ASCII. `false` if `data` is shorter.
    pub(crate) fn begins_with_ascii(self, data: &[u8]) -> bool {
        let first = data.first_chunk::<32>().map(|first| xor(*first, self.word()));
        first.is_some_and(|first| union(&first) & HIGH_BITS == 0)
    }

    /// Copies `from` to `to`, which has the same length, and unmasks it. Returns whether the result is ASCII.
    /// If it is not, the position does not change and the content of `to` is meaningless.
    pub(crate) fn copy_ascii(&mut self, from: &[u8], to: &mut [::ascii::AsciiChar]) -> bool {
        let is_ascii = match from.len() {
            ..=64 => ascii::copy_short(from, to, self.word()) & HIGH_BITS == 0,
            _ => self.copy_long_ascii(from, to),
        };
        if is_ascii {
            self.advance(from.len());
        }
        is_ascii
    }

    /// As [`copy_ascii`](Self::copy_ascii), for more than 64 bytes. The position does not change.
    #[inline(always)]
    pub(crate) fn copy_long_ascii(self, from: &[u8], to: &mut [::ascii::AsciiChar]) -> bool {
        let all = match from.len() {
            #[cfg(feature = "simd")]
            wide::MIN_LEN.. => wide::copy_ascii(from, to, self.word()),
            _ => ascii::copy_blocks(from, to, self.word()),
        };
        all & HIGH_BITS == 0
    }
}

/// The bytes in front of the first whole word of memory, the whole words, and the bytes behind them.
#[cfg(any(test, not(target_pointer_width = "64")))]
fn split_at_words(data: &mut [u8]) -> (&mut [u8], &mut [u32], &mut [u8]) {
    bytemuck::pod_align_to_mut(data)
}

/// A build for speed does not call this, so it needs no crate for it.
#[cfg(not(any(test, not(target_pointer_width = "64"))))]
fn split_at_words(data: &mut [u8]) -> (&mut [u8], &mut [u32], &mut [u8]) {
    (data, &mut [], &mut [])
}

/// The key for the byte that is `at` bytes further on.
#[expect(clippy::cast_possible_truncation, reason = "only the lowest two bits count")]
const fn turned(word: u64, at: usize) -> u64 {
    word.rotate_right((at as u32 & 3) << 3)
}

#[inline(always)]
fn xor<const N: usize>(mut bytes: [u8; N], word: u64) -> [u8; N] {
    for bytes in bytes.chunks_exact_mut(8) {
        if let Ok(bytes) = <&mut [u8; 8]>::try_from(bytes) {
            *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
        }
    }
    bytes
}

/// All words of a block, combined with OR.
#[inline(always)]
fn union<const N: usize>(bytes: &[u8; N]) -> u64 {
    let words = bytes.chunks_exact(8).filter_map(|word| word.first_chunk::<8>());
    words.fold(0, |union, word| union | u64::from_le_bytes(*word))
}

/// Masks `N` to `2 * N` bytes: the first `N` and the last `N`. The two blocks may overlap, so both are read
/// before either is written. Returns the union of the masked words.
#[inline(always)]
fn mask_ends<const N: usize>(data: &mut [u8], word: u64) -> u64 {
    let at = data.len().wrapping_sub(N);
    let (Some(&first), Some(&last)) = (data.first_chunk::<N>(), data.last_chunk::<N>()) else {
        return 0;
    };
    let (first, last) = (xor(first, word), xor(last, turned(word, at)));
    if let Some(to) = data.first_chunk_mut::<N>() {
        *to = first;
    }
    if let Some(to) = data.last_chunk_mut::<N>() {
        *to = last;
    }
    union(&first) | union(&last)
}

/// The number of bytes that are masked at once. Blocks of this size become SIMD with the baseline features of
/// every target that has SIMD.
const BLOCK: usize = 32;

/// As [`mask_ends`], from `from` to `to`.
#[inline(always)]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8], word: u64) {
    let at = from.len().wrapping_sub(N);
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        if let Some(to) = to.first_chunk_mut::<N>() {
            *to = xor(*first, word);
        }
        if let Some(to) = to.last_chunk_mut::<N>() {
            *to = xor(*last, turned(word, at));
        }
    }
}

/// Masks at least 32 bytes, in blocks. Returns the union of the masked words if it was computed, and
/// otherwise all ones.
#[inline(never)]
fn mask_words(
    data: &mut [u8], word: u64, #[cfg_attr(not(feature = "simd"), expect(unused_variables))] purpose: Purpose,
) -> u64 {
    #[cfg(feature = "simd")]
    if data.len() >= wide::MIN_LEN {
        return wide::mask(data, word, purpose);
    }
    mask_blocks(data, word);
    // Combining the words would cost as much as masking them.
    u64::MAX
}

#[inline(always)]
fn mask_blocks(data: &mut [u8], word: u64) {
    let at = data.len().wrapping_sub(BLOCK);
    // The last block may overlap another block, so it is read before that one is written.
    let last = data.last_chunk::<BLOCK>().map(|last| xor(*last, turned(word, at)));
    for block in data.chunks_exact_mut(BLOCK) {
        if let Ok(block) = <&mut [u8; BLOCK]>::try_from(block) {
            *block = xor(*block, word);
        }
    }
    if let (Some(last), Some(to)) = (last, data.last_chunk_mut::<BLOCK>()) {
        *to = last;
    }
}

/// As [`mask_ends`]. Not inlined, because this size needs much code.
#[inline(never)]
fn mask_up_to_128(data: &mut [u8], word: u64) -> u64 {
    mask_ends::<64>(data, word)
}

/// As [`copy_ends`]. Not inlined either.
#[inline(never)]
fn copy_up_to_128(from: &[u8], to: &mut [u8], word: u64) {
    copy_ends::<64>(from, to, word);
}

/// As [`mask_words`], from `from` to `to`.
#[inline(never)]
fn copy_words(from: &[u8], to: &mut [u8], word: u64) {
    #[cfg(feature = "simd")]
    if from.len() >= wide::MIN_LEN {
        return wide::copy(from, to, word);
    }
    copy_blocks(from, to, word);
}

#[inline(always)]
fn copy_blocks(from: &[u8], to: &mut [u8], word: u64) {
    let mut sources = from.chunks_exact(BLOCK);
    let mut targets = to.chunks_exact_mut(BLOCK);
    for (from, to) in (&mut sources).zip(&mut targets) {
        if let (Some(from), Ok(to)) = (from.first_chunk::<BLOCK>(), <&mut [u8; BLOCK]>::try_from(to)) {
            *to = xor(*from, word);
        }
    }
    // The last block may overlap the block before it.
    if let (Some(last), Some(to)) = (from.last_chunk::<BLOCK>(), to.last_chunk_mut::<BLOCK>()) {
        *to = xor(*last, turned(word, from.len()));
    }
}

/// Copies a payload without masking. Both slices have the same length. A short payload is copied without a
/// function call.
#[inline(always)]
pub(crate) fn copy_plain(from: &[u8], to: &mut [u8]) {
    // A long payload comes first, so that it needs only one comparison. Each further case needs one more.
    let len = from.len();
    if !FOR_SPEED || len > 128 {
        copy(from, to);
    } else if len > 64 {
        copy_ends::<64>(from, to, 0);
    } else if len > 32 {
        copy_ends::<32>(from, to, 0);
    } else if len > 16 {
        copy_ends::<16>(from, to, 0);
    } else if len >= 8 {
        copy_ends::<8>(from, to, 0);
    } else {
        copy(from, to);
    }
}

#[cfg(test)]
#[path = "../../tests/unit/frame/mask.rs"]
mod tests;
