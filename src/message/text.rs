//! Text that arrives in pieces: each piece is checked when it arrives, so a bad byte fails the connection at
//! once.

use super::{Utf8, validate};
use crate::error::{Error, Limit, Violation};
#[cfg(feature = "simdutf8")]
use crate::frame::Mask;
use crate::frame::Piece;
use crate::storage::Full;
use crate::storage::sealed::TextMessage;

/// A text message that arrives in pieces. A storage with an allocator joins the pieces here as a `String`, so
/// that no byte has to be checked again. A storage without one keeps the bytes in its receive buffer and uses
/// only the UTF-8 state.
pub(crate) struct TextPieces<T> {
    joined: T,
    utf8: Utf8,
}

impl<T: TextMessage> TextPieces<T> {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self { joined: T::EMPTY, utf8: Utf8::new() }
    }

    /// The UTF-8 state after the last piece.
    pub(crate) fn utf8(&mut self) -> &mut Utf8 {
        &mut self.utf8
    }

    /// The first `len` bytes of the character that was completed last, for `Delivery::Parts`.
    pub(crate) fn completed_char(&self, len: usize) -> &[u8] {
        self.utf8.completed(len)
    }

    /// The joined text.
    pub(crate) fn as_str(&self) -> &str {
        self.joined.as_str()
    }

    /// Checks the last `len` bytes of `buffer`, which holds the whole message so far. WS-8.1-01
    pub(crate) fn check_appended(&mut self, buffer: &[u8], len: usize) -> Result<(), Error> {
        let result = if T::IS_SEPARATE {
            self.utf8.push(buffer.get(buffer.len().saturating_sub(len)..).unwrap_or_default())
        } else {
            self.utf8.push_contiguous(buffer, len)
        };
        result.map_err(|_| Violation::InvalidUtf8.into())
    }

    /// Copies a whole message of more than 64 bytes to the room for text while unmasking it, if it is ASCII.
    /// Returns whether the text was copied. The room grows to `keep` bytes at most. Only
    /// [`copied`](Self::copied) shows the copy: the joined text remains empty.
    #[cfg(feature = "simdutf8")]
    pub(crate) fn copy_message(&mut self, payload: &[u8], mask: Mask, keep: usize) -> bool {
        let room = mask.begins_with_ascii(payload).then(|| self.joined.copy_room(payload.len(), keep));
        room.flatten().is_some_and(|room| mask.copy_long_ascii(payload, room))
    }

    /// The last copy, which has this length in bytes.
    #[cfg(feature = "simdutf8")]
    #[inline(always)]
    pub(crate) fn copied(&self, len: usize) -> Option<&str> {
        self.joined.copied(len)
    }

    /// Unmasks a piece, checks it and appends it to the joined text. WS-8.1-01
    pub(crate) fn push(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        let Piece { bytes, mut mask, .. } = piece;
        #[cfg(feature = "simdutf8")]
        let bytes = push_ascii(&mut self.joined, self.utf8, bytes, &mut mask)?;
        mask.apply(bytes);
        self.push_unmasked(bytes)
    }

    fn push_unmasked(&mut self, piece: &[u8]) -> Result<(), Error> {
        let Self { joined, utf8 } = self;
        let (start, rest) = piece.split_at_checked(utf8.missing().min(piece.len())).unwrap_or_default();
        let char_len = utf8.continue_char(start).map_err(|_| Violation::InvalidUtf8)?;
        if char_len > 0 {
            let char = validate(utf8.completed(char_len)).map_err(|_| Violation::InvalidUtf8)?;
            joined.push(char).map_err(|Full| Limit::Memory)?;
        }
        let rest = utf8.split(rest).map_err(|_| Violation::InvalidUtf8)?;
        joined.push(rest).map_err(|Full| Limit::Memory)?;
        Ok(())
    }

    /// Checks that the message does not end inside a character. WS-8.1-02
    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.utf8.is_complete() { Ok(()) } else { Err(Violation::InvalidUtf8.into()) }
    }

    /// Forgets the message, and frees its memory if that is more than `keep` bytes.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.utf8 = Utf8::new();
        self.joined.clear(keep);
    }
}

/// The number of bytes that [`push_ascii`] tries first. If they are not ASCII, they are checked a second
/// time, so the probe is short.
#[cfg(feature = "simdutf8")]
const ASCII_PROBE: usize = 256;

/// Appends `bytes` to the text if both are ASCII. If only a probe at the front of `bytes` is ASCII, appends
/// the probe. Returns the bytes that were not appended. ASCII needs no separate check:
/// `Mask::copy_ascii` unmasks the bytes and converts them to characters in one pass.
#[cfg(feature = "simdutf8")]
fn push_ascii<'b, T: TextMessage>(
    text: &mut T, utf8: Utf8, bytes: &'b mut [u8], mask: &mut Mask,
) -> Result<&'b mut [u8], Error> {
    if !utf8.is_complete() {
        return Ok(bytes);
    }
    let (probe, rest) = bytes.split_at_checked(ASCII_PROBE).unwrap_or((bytes, &[]));
    let mut taken = 0;
    for piece in [probe, rest] {
        let room = text.ascii_room(piece.len()).map_err(|Full| Limit::Memory)?;
        if !room.is_some_and(|room| mask.copy_ascii(piece, room)) {
            break;
        }
        text.fill_ascii(piece.len());
        taken = crate::bytes::plus(taken, piece.len());
    }
    Ok(bytes.get_mut(taken..).unwrap_or_default())
}
