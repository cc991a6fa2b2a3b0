//! Validates UTF-8 incrementally (RFC 3629, WS-2.1-03). The check fails at the first byte that cannot be
//! UTF-8, however the text is cut.

#[cfg(feature = "simdutf8")]
use crate::frame::copy_plain;
#[cfg(feature = "simdutf8")]
use simdutf8::basic as simd;

/// The text is not UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct InvalidUtf8;

/// Validates `bytes` as a whole text.
#[inline]
pub(crate) fn validate(bytes: &[u8]) -> Result<&str, InvalidUtf8> {
    #[cfg(feature = "simdutf8")]
    if bytes.len() >= SIMD_LEN {
        return simd::from_utf8(bytes).map_err(|_| InvalidUtf8);
    }
    core::str::from_utf8(bytes).map_err(|_| InvalidUtf8)
}

/// The length from which SIMD pays.
#[cfg(feature = "simdutf8")]
pub(crate) const SIMD_LEN: usize = 64;

/// As [`validate`], for a text that is too short for SIMD. The text is copied to `room` and padded with
/// ASCII, and then validated with SIMD. The core library has branches for each character, which a processor
/// cannot predict in a text that mixes languages; SIMD has no such branches.
#[cfg(feature = "simdutf8")]
pub(crate) fn validate_padded<'a>(
    bytes: &[u8], room: &'a mut [u8; SIMD_LEN],
) -> Result<&'a str, InvalidUtf8> {
    *room = [0; SIMD_LEN];
    copy_plain(bytes, room.get_mut(..bytes.len()).ok_or(InvalidUtf8)?);
    let text = simd::from_utf8(room).map_err(|_| InvalidUtf8)?;
    // ASCII never continues a character, so no character is cut at the end of the text.
    text.get(..bytes.len()).ok_or(InvalidUtf8)
}

/// As [`validate`], for bytes that are known to be ASCII. Safe Rust needs this second look to turn bytes into
/// a `&str`.
#[inline]
pub(crate) fn validate_ascii(bytes: &[u8]) -> Result<&str, InvalidUtf8> {
    match bytes.len() {
        // The crate `ascii` compares whole words, whatever their alignment. SIMD does not pay for a short
        // text.
        #[cfg(feature = "simdutf8")]
        ..=64 => {
            use ascii::{AsAsciiStr, AsciiStr};
            bytes.as_ascii_str().map(AsciiStr::as_str).map_err(|_| InvalidUtf8)
        }
        129.. => validate(bytes),
        // These bytes were just unmasked as two overlapping blocks. A vector that is loaded across their
        // border would have to wait until both stores have reached the cache.
        _ => core::str::from_utf8(bytes).map_err(|_| InvalidUtf8),
    }
}

/// The state of the check between two pieces: the first bytes of a character that has not arrived completely.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8 {
    /// The valid beginning of a character, which lacks at least one byte. WS-5.6-02
    carry: [u8; 4],
    /// The number of bytes in `carry`.
    have: u8,
}

impl Utf8 {
    pub(crate) const fn new() -> Self {
        Self { carry: [0; 4], have: 0 }
    }

    /// Whether the text so far ends with a complete character. WS-8.1-02
    pub(crate) const fn is_complete(self) -> bool {
        self.have == 0
    }

    /// The character that was completed last; `len` is its length.
    pub(crate) fn completed(&self, len: usize) -> &[u8] {
        self.carry.get(..len).unwrap_or_default()
    }

    /// The number of bytes that the incomplete character still needs.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) const fn missing(self) -> usize {
        if self.have == 0 { 0 } else { char_len(self.carry[0]).saturating_sub(self.have as usize) }
    }

    /// Checks the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let (head, rest) = piece.split_at_checked(self.missing().min(piece.len())).unwrap_or_default();
        self.continue_char(head)?;
        self.split(rest)?;
        Ok(())
    }

    /// As [`push`](Self::push), if the whole text is in one slice and its last `len` bytes are new. This
    /// needs little code, and validates the beginning of a cut character again.
    pub(crate) fn push_contiguous(&mut self, text: &[u8], len: usize) -> Result<(), InvalidUtf8> {
        // The text contains the new bytes and the cut character, so this does not wrap.
        let from = text.len().wrapping_sub(len).wrapping_sub(self.have.into());
        let piece = text.get(from..).unwrap_or_default();
        let cut = match core::str::from_utf8(piece) {
            Ok(_) => 0,
            // An error without a length means that the text ends in the middle of a character.
            Err(error) if error.error_len().is_none() => piece.len().wrapping_sub(error.valid_up_to()),
            Err(_) => return Err(InvalidUtf8),
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most three bytes")]
        let have = cut as u8;
        self.have = have;
        Ok(())
    }

    /// Adds at most [`missing`](Self::missing) bytes to the incomplete character. Returns the length of the
    /// character if it is complete now (see [`completed`](Self::completed)), and otherwise 0.
    pub(crate) fn continue_char(&mut self, bytes: &[u8]) -> Result<usize, InvalidUtf8> {
        let mut whole = 0;
        for &byte in bytes {
            if let Some(slot) = self.carry.get_mut(usize::from(self.have)) {
                *slot = byte;
                // There was a slot, so at most three bytes were there.
                self.have = self.have.wrapping_add(1);
            }
            let so_far = self.carry.get(..usize::from(self.have)).unwrap_or_default();
            match core::str::from_utf8(so_far) {
                Ok(text) => {
                    whole = text.len();
                    self.have = 0;
                }
                // An error without a length means that more bytes can complete the character.
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(InvalidUtf8),
            }
        }
        Ok(whole)
    }

    /// The characters before the first byte that cannot be UTF-8.
    #[cold]
    pub(crate) fn valid_prefix(piece: &[u8]) -> &str {
        match core::str::from_utf8(piece) {
            Ok(text) => text,
            Err(error) => {
                let valid = piece.get(..error.valid_up_to()).unwrap_or_default();
                core::str::from_utf8(valid).unwrap_or_default()
            }
        }
    }

    /// Checks a piece that begins at a character. Returns its complete characters, and keeps a character that
    /// is cut at the end.
    pub(crate) fn split<'a>(&mut self, piece: &'a [u8]) -> Result<&'a str, InvalidUtf8> {
        // The cut character is never longer than the piece; `saturating_sub` and `split_at_checked` keep
        // panics out.
        let len = piece.len().saturating_sub(cut_len(piece));
        let (whole, cut) = piece.split_at_checked(len).unwrap_or_default();
        let text = validate(whole)?;
        self.continue_char(cut)?;
        Ok(text)
    }
}

/// The length of a character that begins with `first`; 1 if no character begins with this byte.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
const fn char_len(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

/// The number of bytes at the end of `piece` that may be the beginning of a cut character.
fn cut_len(piece: &[u8]) -> usize {
    for (len, &byte) in [1, 2, 3].into_iter().zip(piece.iter().rev()) {
        match byte {
            // This byte is inside a character: its beginning is further to the front.
            0x80..=0xbf => {}
            first if char_len(first) > len => return len,
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
#[path = "../../tests/unit/message/utf8.rs"]
mod tests;
