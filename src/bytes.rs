//! The lowest layer: slice helpers that cannot panic, and the choice between fast code and small code.

/// Whether the library is built for speed rather than for a small image.
///
/// A target whose pointers have fewer than 64 bits is nearly always a microcontroller. There, vectors,
/// special code for each length and a separate fast path gain little and cost flash. Attributes cannot read a
/// constant, so they repeat the condition, always as `target_pointer_width = "64"`.
pub(crate) const FOR_SPEED: bool = cfg!(target_pointer_width = "64");

/// The sum of two lengths. Both are lengths of memory, or small constants, so the sum fits into `usize`: no
/// object in memory takes more than half of the address space. A build with debug assertions, such as a test,
/// checks this. No other build contains a panic here, not even one with overflow checks.
#[inline(always)]
pub(crate) const fn plus(one: usize, other: usize) -> usize {
    debug_assert!(one.checked_add(other).is_some());
    one.wrapping_add(other)
}

/// The length of a whole without the length of a part of it. As in [`plus`], only a build with debug
/// assertions checks that the part is not longer than the whole.
#[inline(always)]
pub(crate) const fn minus(whole: usize, part: usize) -> usize {
    debug_assert!(part <= whole);
    whole.wrapping_sub(part)
}

/// Takes at most `len` bytes off the front of `input`.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn take_front<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let whole = core::mem::take(input);
    let len = len.min(whole.len());
    match whole.split_at_mut_checked(len) {
        Some((front, rest)) => {
            *input = rest;
            front
        }
        None => &mut [],
    }
}

/// Copies `from` to `to`; both slices have the same length. `copy_from_slice` alone panics if they differ,
/// and the panic stays in the program if the compiler cannot prove that they are equal.
#[inline(always)]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    if !FOR_SPEED {
        copy_prefix(from, to);
    } else if to.len() == from.len() {
        to.copy_from_slice(from);
    }
}

/// How many bytes `copy_prefix` copies at a time.
const BLOCK: usize = 4;

/// Copies the front of `from` to the front of `to`: as many bytes as the shorter slice has.
#[inline(never)]
pub(crate) fn copy_prefix(from: &[u8], to: &mut [u8]) {
    let len = from.len().min(to.len());
    let (from, to) = (from.get(..len).unwrap_or_default(), to.get_mut(..len).unwrap_or_default());
    let (mut blocks, mut blocks_to) = (from.chunks_exact(BLOCK), to.chunks_exact_mut(BLOCK));
    for (to, from) in blocks_to.by_ref().zip(blocks.by_ref()) {
        if let (Some(to), Some(from)) = (to.first_chunk_mut::<BLOCK>(), from.first_chunk()) {
            *to = *from;
        }
    }
    for (to, from) in blocks_to.into_remainder().iter_mut().zip(blocks.remainder()) {
        *to = *from;
    }
}

/// `str::split_once` without its bounds checks, which the linker would keep as possible panics.
pub(crate) fn split_once(text: &str, delimiter: u8) -> Option<(&str, &str)> {
    let at = text.as_bytes().iter().position(|&byte| byte == delimiter)?;
    Some((text.get(..at)?, text.get(at..)?.get(1..)?))
}

/// Converts a 32-bit length to `usize`. On a target with 16-bit pointers the result is at most `usize::MAX`.
#[inline(always)]
pub(crate) fn to_usize(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Converts a length to 32 bits, for a cursor. The result is at most `u32::MAX`.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the comparison before it excludes that")]
pub(crate) const fn to_u32(len: usize) -> u32 {
    if len as u64 > u32::MAX as u64 { u32::MAX } else { len as u32 }
}

/// Converts a length from the wire to `usize`. The result is at most `usize::MAX`.
#[inline(always)]
pub(crate) fn to_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "../tests/unit/bytes.rs"]
mod tests;
