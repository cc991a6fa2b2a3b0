//! The order of fragments, the limits of a message, and the whole message (RFC 6455 section 5.4).

use super::{DataKind, Utf8, validate};
use crate::error::{Error, Limit, Violation};
use crate::frame::{Header, Mask, Opcode};
use crate::storage::Full;
use crate::storage::sealed::{Buffer, TextMessage};

/// Which message is under way, and how far. Decides by headers alone, before any payload is taken.
#[derive(Debug)]
pub(crate) struct Order {
    /// Of the message under way, or of the one that was whole last.
    kind: DataKind,
    is_under_way: bool,
    /// Whether the payload of the message under way is compressed. PMD-6-02: its first frame tells.
    is_compressed: bool,
    /// How many fragments, and how many payload bytes, the message under way may still have.
    fragments_left: u32,
    left: u64,
    max_fragments: u32,
    max_len: u64,
}

impl Order {
    pub(crate) const fn new(max_len: u64, max_fragments: u32) -> Self {
        Self {
            kind: DataKind::Binary,
            is_under_way: false,
            is_compressed: false,
            fragments_left: 0,
            left: max_len,
            max_fragments,
            max_len,
        }
    }

    /// The kind of the message under way; `None` between messages.
    #[inline]
    pub(crate) const fn kind(&self) -> Option<DataKind> {
        if self.is_under_way { Some(self.kind) } else { None }
    }

    /// The kind of the message under way, or of the one that was whole last.
    #[inline]
    pub(crate) const fn last_kind(&self) -> DataKind {
        self.kind
    }

    /// How many payload bytes the frames of the message under way have, or of the one that was whole last; of one that is not
    /// compressed.
    pub(crate) const fn len(&self) -> u64 {
        self.max_len.saturating_sub(self.left)
    }

    /// The most payload bytes of a message that is one frame, for the fast path between messages.
    #[inline]
    pub(crate) const fn max_len(&self) -> u64 {
        self.max_len
    }

    /// Whether the payload of the message under way is compressed.
    #[cfg(feature = "deflate")]
    pub(crate) const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Admits a data frame into the message under way, or as the start of one.
    pub(crate) fn admit(&mut self, header: &Header) -> Result<(), Error> {
        let &Header { opcode, rsv1, payload_len, .. } = header;
        match (opcode, self.is_under_way) {
            // WS-5.4-04
            (Opcode::Continuation, false) => return Err(Violation::NothingToContinue.into()),
            (Opcode::Continuation, true) => {}
            // WS-5.4-09
            (_, true) => return Err(Violation::MessageUnfinished.into()),
            // WS-5.4-17 · WS-6.2-03: the first frame tells the kind.
            (opcode, false) => {
                self.kind = if opcode == Opcode::Text { DataKind::Text } else { DataKind::Binary };
                self.is_compressed = cfg!(feature = "deflate") && rsv1;
                self.fragments_left = self.max_fragments;
                self.left = self.max_len;
                // What does not shrink grows by some bytes; what comes out of it is held to the limit itself.
                if self.is_compressed {
                    self.left = self.left.saturating_add(self.left / 8).saturating_add(64);
                }
            }
        }
        self.fragments_left = self.fragments_left.checked_sub(1).ok_or(Limit::Fragments)?;
        // WS-10.4-03: at the frame that would cross the limit.
        self.left = self.left.checked_sub(payload_len).ok_or(Limit::Message)?;
        self.is_under_way = true;
        Ok(())
    }

    /// Ends the message under way. WS-6.2-05
    pub(crate) fn finish(&mut self) {
        self.is_under_way = false;
    }
}

/// Joins the pieces of one message. Memory follows the bytes that arrived, whatever headers declared.
pub(crate) struct Assembler<B, T> {
    buffer: B,
    text: T,
    utf8: Utf8,
}

impl<B: Buffer, T: TextMessage> Assembler<B, T> {
    #[inline(always)]
    pub(crate) const fn new(buffer: B) -> Self {
        Self { buffer, text: T::EMPTY, utf8: Utf8::new() }
    }

    /// The buffer, for the time before messages: a head is collected in it.
    pub(crate) fn buffer(&mut self) -> &mut B {
        &mut self.buffer
    }

    /// What is in the buffer.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// The character of `len` bytes that was completed last, for delivery in parts.
    pub(crate) fn completed_char(&self, len: usize) -> &[u8] {
        self.utf8.completed(len)
    }

    /// The state of the text, for delivery in parts.
    pub(crate) fn utf8(&mut self) -> &mut Utf8 {
        &mut self.utf8
    }

    /// What is in the buffer, and the state of the text.
    #[cfg(feature = "deflate")]
    pub(crate) fn bytes_and_utf8(&mut self) -> (&[u8], &mut Utf8) {
        (self.buffer.filled(), &mut self.utf8)
    }

    /// Checks the last `len` bytes of the buffer, a piece of a text that was appended: it fails as soon as the bad byte
    /// arrives. WS-8.1-01
    pub(crate) fn check_text(&mut self, len: usize) -> Result<(), Error> {
        let filled = self.buffer.filled();
        let result = if T::IS_APART {
            self.utf8.push(filled.get(filled.len().saturating_sub(len)..).unwrap_or_default())
        } else {
            self.utf8.push_contiguous(filled, len)
        };
        result.map_err(|_| Violation::InvalidUtf8.into())
    }

    /// Appends a piece of a text that is kept apart, which is masked: it fails as soon as the bad byte arrives, and no byte is
    /// checked twice. WS-8.1-01
    pub(crate) fn push_text(&mut self, piece: &mut [u8], mut mask: Mask) -> Result<(), Error> {
        let taken = push_ascii(&mut self.text, self.utf8, piece, &mut mask)?;
        let rest = piece.get_mut(taken..).unwrap_or_default();
        mask.apply(rest);
        push_checked(&mut self.text, &mut self.utf8, rest)
    }

    /// Appends the first `len` bytes of the buffer to the text that is kept apart, and leaves them there.
    pub(crate) fn move_text(&mut self, len: usize) -> Result<(), Error> {
        let Self { buffer, text, utf8 } = self;
        let piece = buffer.filled().get(..len).unwrap_or_default();
        let mut mask = Mask::NONE;
        let taken = push_ascii(text, *utf8, piece, &mut mask)?;
        push_checked(text, utf8, piece.get(taken..).unwrap_or_default())
    }

    /// Whether something of a text is kept apart, if only a part of a character.
    pub(crate) fn has_text(&self) -> bool {
        !self.text.as_str().is_empty() || !self.utf8.is_complete()
    }

    /// The text that is kept apart.
    pub(crate) fn text(&self) -> &str {
        self.text.as_str()
    }

    /// Checks that the text has ended where a character ends. WS-8.1-02
    pub(crate) fn end_text(&mut self) -> Result<(), Error> {
        if self.utf8.is_complete() { Ok(()) } else { Err(Violation::InvalidUtf8.into()) }
    }

    /// Forgets the message that was delivered.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.buffer.clear(keep);
        self.clear_text(keep);
    }

    /// As [`clear`](Self::clear), but leaves the buffer alone.
    pub(crate) fn clear_text(&mut self, keep: usize) {
        self.utf8 = Utf8::new();
        self.text.clear(keep);
    }
}

/// So many bytes tell whether a text begins with ASCII: what does not is looked at once more.
#[cfg(any(feature = "simd", feature = "simdutf8"))]
const BEGINNING: usize = 256;

/// Appends `piece` if it is ASCII, or only its beginning if no more of it is, and all of the text before. Returns how much.
#[cfg(any(feature = "simd", feature = "simdutf8"))]
fn push_ascii<T: TextMessage>(
    text: &mut T,
    utf8: Utf8,
    piece: &[u8],
    mask: &mut Mask,
) -> Result<usize, Error> {
    if !utf8.is_complete() {
        return Ok(0);
    }
    let (beginning, rest) = piece.split_at_checked(BEGINNING).unwrap_or((piece, &[]));
    let mut taken = 0;
    for piece in [beginning, rest] {
        let room = text.ascii_room(piece.len()).map_err(|Full| Limit::Memory)?;
        if !room.is_some_and(|room| mask.copy_ascii(piece, room)) {
            break;
        }
        text.fill_ascii(piece.len());
        taken += piece.len();
    }
    Ok(taken)
}

/// Without characters that are text by their type there is nothing to be gained.
#[expect(clippy::unnecessary_wraps, reason = "as above")]
#[cfg(not(any(feature = "simd", feature = "simdutf8")))]
fn push_ascii<T>(_text: &mut T, _utf8: Utf8, _piece: &[u8], _mask: &mut Mask) -> Result<usize, Error> {
    Ok(0)
}

fn push_checked<T: TextMessage>(text: &mut T, utf8: &mut Utf8, piece: &[u8]) -> Result<(), Error> {
    let (cut, rest) = piece.split_at_checked(utf8.missing().min(piece.len())).unwrap_or_default();
    let whole = utf8.continue_char(cut).map_err(|_| Violation::InvalidUtf8)?;
    if whole > 0 {
        let whole = validate(utf8.completed(whole)).map_err(|_| Violation::InvalidUtf8)?;
        text.push(whole).map_err(|Full| Limit::Memory)?;
    }
    let rest = utf8.split(rest).map_err(|_| Violation::InvalidUtf8)?;
    text.push(rest).map_err(|Full| Limit::Memory)?;
    Ok(())
}
