//! Compressed messages (RFC 7692 section 7.2.2): the connection decompresses payload as it arrives, within
//! the limit of the message.

use super::event::{Item, Located, Source};
use super::{Borrowed, Receiver};
use crate::bytes::{copy_prefix, minus, plus, to_len};
use crate::error::{Error, Limit, Violation};
use crate::frame::Piece;
use crate::message::{DataKind, Utf8};
use crate::storage::sealed::Buffer;
use crate::storage::{Full, Storage};

/// The least room that is made for decompressed bytes.
const MIN_ROOM: u64 = 512;
/// The most room that is made before the decompressor has returned any bytes.
const MAX_FIRST_ROOM: u64 = 16 * 1024;
/// The longest part of a message that is delivered in parts. If the receive buffer is smaller, a part is as
/// long as the buffer.
const PART: u64 = 16 * 1024;
/// The number of compressed bytes that are unmasked at a time for a part. A part ends when its room is full,
/// so the decompressor does not always consume all of them.
const AHEAD: usize = 512;

impl<S: Storage> Receiver<S> {
    /// Takes payload of a compressed message, in whichever frames it arrives. PMD-6.2-01 · PMD-6.2-02
    pub(super) fn decompressed_payload(
        &mut self, input: &mut &mut [u8], found: &mut Located<'_>,
    ) -> Result<(), Error> {
        let kind = self.fragments.kind;
        if self.parts.is_some() {
            self.decompress_part(kind, input, found)
        } else {
            self.decompress_whole(kind, input, found)
        }
    }

    fn decompress_whole(
        &mut self, kind: DataKind, input: &mut &mut [u8], found: &mut Located<'_>,
    ) -> Result<(), Error> {
        let Some(piece) = self.decoder.payload(input, usize::MAX) else {
            return Ok(());
        };
        let ends_frame = piece.ends_frame;
        let mut rest = &*piece.unmask();
        loop {
            let so_far = self.buffer.len();
            // WS-10.4-04: the room ends at the limit of the message, so no bytes beyond it are decompressed.
            let left = self.fragments.max_message.saturating_sub(so_far as u64);
            let likely = (rest.len() as u64).saturating_mul(4).clamp(MIN_ROOM, MAX_FIRST_ROOM);
            let buffer = self.buffer.bytes();
            // The buffer grows with the decompressed bytes: if there is too little room, its size doubles.
            let room_len = buffer.room_len() as u64;
            let wanted = if room_len < MIN_ROOM.min(left) { likely.max(so_far as u64) } else { room_len };
            let len = to_len(wanted.min(left));
            let room = buffer.grow(len).map_err(|Full| Limit::Memory)?;
            let step = self.decompression.decompress(rest, room)?;
            buffer.truncate(plus(so_far, step.produced));
            if kind == DataKind::Text {
                // PMD-6.1-09
                self.text.check_appended(buffer.filled(), step.produced)?;
            }
            rest = rest.get(step.consumed..).unwrap_or_default();
            if step.done {
                break;
            }
            if len == 0 {
                return Err(Limit::Message.into());
            }
        }
        if ends_frame && self.decoder.fin() {
            self.decompression.end_message()?;
            if kind == DataKind::Text {
                self.text.end()?;
            }
        }
        self.end_piece(ends_frame, found);
        Ok(())
    }

    fn decompress_part(
        &mut self, kind: DataKind, input: &mut &mut [u8], found: &mut Located<'_>,
    ) -> Result<(), Error> {
        // If a character arrived incomplete, its missing bytes come first and make a part of their own.
        let missing = match kind {
            DataKind::Text => self.text.utf8().missing(),
            DataKind::Binary => 0,
        };
        let ends_message = self.fill_part(missing, input)?;
        let bytes = self.buffer.bytes().filled();
        let utf8 = self.text.utf8();
        let (mut len, mut is_valid) = (bytes.len(), true);
        if kind == DataKind::Text && missing > 0 {
            let char_len = utf8.continue_char(bytes).map_err(|_| Violation::InvalidUtf8)?;
            len = char_len;
            found.source = Source::SplitChar(len);
        } else if kind == DataKind::Text {
            (len, is_valid) = match utf8.split(bytes) {
                // WS-8.1-02
                Ok(text) => (text.len(), !ends_message || utf8.is_complete()),
                // The text in front of a bad byte is a part too.
                Err(_) => (Utf8::valid_prefix(bytes).len(), false),
            };
            self.buffer.bytes().truncate(len);
        }
        if kind == DataKind::Text && ends_message && is_valid {
            self.text.end()?;
        }
        if !is_valid && len == 0 {
            return Err(Violation::InvalidUtf8.into());
        }
        if len == 0 && !ends_message {
            self.buffer.bytes().truncate(0);
            return Ok(());
        }
        let is_first = !self.fragments.begin_delivery();
        if ends_message && is_valid {
            self.end_message();
        }
        self.buffer.set_borrowed(match (is_valid, ends_message) {
            (true, true) => Borrowed::Message,
            (true, false) => Borrowed::Part,
            (false, _) => Borrowed::TextBeforeBadByte,
        });
        found.item = Item::part(is_first);
        Ok(())
    }

    /// Decompresses into the buffer until the part is full or the input is used up. Returns whether the
    /// message has ended.
    fn fill_part(&mut self, missing: usize, input: &mut &mut [u8]) -> Result<bool, Error> {
        // WS-10.4-04
        let left = self.fragments.max_message.saturating_sub(self.decompression.produced());
        let most = if missing > 0 { missing as u64 } else { PART };
        let buffer = self.buffer.bytes();
        let len = to_len(most.min(left)).min(buffer.max_len());
        buffer.grow(len).map_err(|Full| Limit::Memory)?;
        let mut filled = 0;
        let mut ends_message = false;
        let has_more = loop {
            // A copy of the frame decoder reads ahead in a copy of the input. The frame decoder itself takes
            // only the bytes that the decompressor has consumed.
            let mut scratch = [0; AHEAD];
            copy_prefix(input, &mut scratch);
            let mut ahead = scratch.get_mut(..input.len().min(AHEAD)).unwrap_or_default();
            let piece = { self.decoder }.payload(&mut ahead, usize::MAX);
            let bytes = piece.map(Piece::unmask).unwrap_or_default();
            let step = match self.decompression.decompress(bytes, buffer.last_mut(minus(len, filled))) {
                // The bytes before the bad byte are reported as a part; the next call fails.
                Err(Error::Peer(_)) if filled > 0 => break true,
                step => step?,
            };
            filled = plus(filled, step.produced);
            let ends_frame = self.decoder.payload(input, step.consumed).is_none_or(|piece| piece.ends_frame)
                && self.decoder.is_in_header();
            if !step.done {
                match filled {
                    0 if len == 0 && left == 0 => return Err(Limit::Message.into()),
                    0 if len == 0 => return Err(Limit::Memory.into()),
                    filled if filled == len => break true,
                    _ => continue,
                }
            }
            if ends_frame && self.decoder.fin() {
                match self.decompression.end_message() {
                    Err(Error::Peer(_)) if filled > 0 => break true,
                    result => result?,
                }
                ends_message = true;
            }
            if ends_frame || input.is_empty() {
                break false;
            }
        };
        self.decompression.set_has_more(has_more);
        let unused = minus(len, filled);
        buffer.truncate(minus(buffer.len(), unused));
        Ok(ends_message)
    }
}
