//! Scans and comparisons that handle several bytes at a time in one word (SWAR, SIMD within a register). If
//! the library is built for size, most of them work byte by byte.

use super::chars::{TOKEN, is_token_byte, is_value_byte};
use crate::bytes::{FOR_SPEED, minus, plus};

type Word = usize;
const WORD: usize = size_of::<Word>();

const fn all(byte: u8) -> Word {
    (Word::MAX / 0xff).wrapping_mul(byte as Word)
}

/// The top bit of each byte. A scan marks each byte that it looks for by its top bit. The lowest mark of a
/// word, which belongs to the first byte in memory, is exact; a carry can make the marks above it wrong.
const TOPS: Word = all(0x80);

/// The word that begins at `at`. `None` near the end of `bytes`, and always if the library is built for size.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<Word> {
    if !FOR_SPEED {
        return None;
    }
    Some(Word::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The index of the first marked byte.
fn first(marks: Word) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// The number of bytes at the front that can belong to a token.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    if !FOR_SPEED {
        return TOKEN.take_from(&mut { bytes }).len();
    }
    let mut at = 0;
    loop {
        while let Some(word) = word_at(bytes, at) {
            // Nearly all names consist of letters and dashes. No sum below carries into the next byte.
            let low = word & !TOPS;
            let lower = low | all(0x20);
            let letters = lower.wrapping_add(all(0x80 - b'a')) & !lower.wrapping_add(all(0x7f - b'z'));
            let not_dash = (low ^ all(b'-')).wrapping_add(all(0x7f));
            let others = (word | (!letters & not_dash)) & TOPS;
            if others != 0 {
                at = plus(at, first(others));
                break;
            }
            at = plus(at, WORD);
        }
        match bytes.get(at) {
            Some(&byte) if is_token_byte(byte) => at = plus(at, 1),
            _ => return at,
        }
    }
}

/// Marks all control characters, the tab included.
#[inline]
fn controls(word: Word) -> Word {
    let delete = word ^ all(0x7f);
    ((word.wrapping_sub(all(0x20)) & !word) | (delete.wrapping_sub(all(1)) & !delete)) & TOPS
}

/// Whether all bytes are ASCII and neither controls nor the tab. If they are, no step carries into the next
/// byte; otherwise the first other byte keeps its mark.
#[inline]
fn is_printable(word: Word) -> bool {
    (word.wrapping_sub(all(0x20)) | word.wrapping_add(all(1))) & TOPS == 0
}

/// The number of bytes at the front that can belong to the value of a header.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    if !FOR_SPEED {
        let mut rest = bytes;
        loop {
            match rest.split_first_chunk() {
                Some((word, after)) if is_printable(Word::from_le_bytes(*word)) => rest = after,
                // A tab, a byte that is not ASCII, or one of the last bytes.
                _ => match rest {
                    [byte, after @ ..] if is_value_byte(*byte) => rest = after,
                    _ => return minus(bytes.len(), rest.len()),
                },
            }
        }
    }
    let mut at = 0;
    loop {
        // This loop takes two words at a time until one of them has a mark.
        while let (Some(one), Some(two)) = (word_at(bytes, at), word_at(bytes, plus(at, WORD))) {
            if controls(one) | controls(two) != 0 {
                break;
            }
            at = plus(at, 2 * WORD);
        }
        while let Some(word) = word_at(bytes, at) {
            let controls = controls(word);
            if controls != 0 {
                at = plus(at, first(controls));
                break;
            }
            at = plus(at, WORD);
        }
        match bytes.get(at) {
            Some(&byte) if is_value_byte(byte) => at = plus(at, 1),
            _ => return at,
        }
    }
}

/// The index of the first line feed.
pub(crate) fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = word_at(bytes, at) {
        let zeros = word ^ all(b'\n');
        let found = zeros.wrapping_sub(all(1)) & !zeros & TOPS;
        if found != 0 {
            return Some(plus(at, first(found)));
        }
        at = plus(at, WORD);
    }
    Some(plus(at, bytes.get(at..)?.iter().position(|&byte| byte == b'\n')?))
}

/// Takes the bytes before the first `delimiter` off the front of `text`, or all if there is none.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn take_until<'a>(text: &mut &'a [u8], delimiter: u8) -> &'a [u8] {
    let found = if FOR_SPEED && delimiter == b'\n' {
        find_line_feed(text)
    } else {
        text.iter().position(|&byte| byte == delimiter)
    };
    let end = found.unwrap_or(text.len());
    let (front, rest) = text.split_at_checked(end).unwrap_or_default();
    *text = rest;
    front
}

/// Whether `text` equals `known` in any ASCII case. `known` is a constant of at least four lower-case
/// letters, digits and dashes. The last word overlaps bytes that were compared before, so there is no loop
/// over single bytes.
#[inline(always)]
pub(crate) fn equals_known(text: &[u8], known: &[u8]) -> bool {
    if text.len() != known.len() {
        return false;
    }
    let (mut rest, mut known_rest, mut is_same) = (text, known, true);
    while let (Some((word, after)), Some((known, known_after))) =
        (rest.split_first_chunk::<8>(), known_rest.split_first_chunk::<8>())
    {
        is_same &= same_word(word, known);
        (rest, known_rest) = (after, known_after);
    }
    is_same
        && match (text.last_chunk::<8>(), known.last_chunk::<8>()) {
            (Some(text), Some(known)) => same_word(text, known),
            _ => same_ends(text, known),
        }
}

/// Compares four to seven bytes as two overlapping words of four.
#[inline(always)]
fn same_ends(text: &[u8], known: &[u8]) -> bool {
    match (text.first_chunk::<4>(), text.last_chunk::<4>(), known.first_chunk(), known.last_chunk()) {
        (Some(first), Some(last), Some(known_first), Some(known_last)) => {
            same_word(first, known_first) && same_word(last, known_last)
        }
        _ => false,
    }
}

/// An upper-case letter differs from its lower-case letter in one bit. That bit is set in `text` before the
/// comparison for each letter of `known`.
#[inline(always)]
fn same_word<const N: usize>(text: &[u8; N], known: &[u8; N]) -> bool {
    let fold = |known: u8| (known & 0x40) >> 1;
    text.iter().zip(known).fold(0, |difference, (text, known)| difference | ((text | fold(*known)) ^ known))
        == 0
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/swar.rs"]
mod tests;
