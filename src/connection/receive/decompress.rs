//! Compressed messages (RFC 7692 section 7.2.2): the connection decompresses payload as it arrives, within
//! the limit of the message.

use super::event::{Item, Located, Source};
use super::{Borrowed, Receiver};
use crate::bytes::{copy_prefix, minus, plus, to_len};
use crate::connection::compression::Decompression;
use crate::deflate::Step;
use crate::error::{Error, Limit, Violation};
use crate::frame::{FrameDecoder, Piece};
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
            let buffer = self.buffer.bytes();
            let so_far = buffer.len();
            let len = room_for(buffer, rest.len(), self.fragments.max_message);
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
        // The number of bytes that can be reported, or an error.
        let checked = match kind {
            DataKind::Binary => Ok(bytes.len()),
            DataKind::Text if missing > 0 => utf8.continue_char(bytes),
            DataKind::Text => utf8.split(bytes).map(str::len),
        };
        // WS-8.1-02. A binary message never leaves a character incomplete.
        let is_valid = checked.is_ok() && (!ends_message || utf8.is_complete());
        let len = match checked {
            Ok(len) => len,
            Err(_) if missing > 0 => 0,
            // The text in front of a bad byte is a part too.
            Err(_) => Utf8::valid_prefix(bytes).len(),
        };
        if len == 0 && !is_valid {
            return Err(Violation::InvalidUtf8.into());
        }
        if missing > 0 {
            found.source = Source::SplitChar(len);
        } else {
            self.buffer.bytes().truncate(len);
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
            let room = buffer.last_mut(minus(len, filled));
            let step = match decompress_front(&mut self.decoder, &mut self.decompression, input, room) {
                // The bytes before the failure are a part. The next call fails.
                Err(error) if filled > 0 && fails_again(error) => break true,
                step => step?,
            };
            filled = plus(filled, step.produced);
            if !step.done {
                match len {
                    0 if left == 0 => return Err(Limit::Message.into()),
                    0 => return Err(Limit::Memory.into()),
                    _ if filled == len => break true,
                    _ => continue,
                }
            }
            let ends_frame = self.decoder.is_in_header();
            if ends_frame && self.decoder.fin() {
                match self.decompression.end_message() {
                    Err(error) if filled > 0 && fails_again(error) => break true,
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

/// Whether the next call of the decompressor fails with this error too. If memory runs out, output can be
/// lost, so the connection has to fail at once.
const fn fails_again(error: Error) -> bool {
    matches!(error, Error::Peer(_) | Error::Limit(Limit::FinalBlocks))
}

/// The length of the room for the next step of decompressing `input_len` bytes to the end of `buffer`.
fn room_for(buffer: &impl Buffer, input_len: usize, max_message: u64) -> usize {
    let so_far = buffer.len() as u64;
    // WS-10.4-04: the room ends at the limit of the message, so no bytes beyond it are decompressed.
    let left = max_message.saturating_sub(so_far);
    let room_len = buffer.room_len() as u64;
    if room_len >= MIN_ROOM.min(left) {
        return to_len(room_len.min(left));
    }
    // The buffer grows with the decompressed bytes: if there is too little room, its size doubles.
    let likely = (input_len as u64).saturating_mul(4).clamp(MIN_ROOM, MAX_FIRST_ROOM);
    to_len(likely.max(so_far).min(left))
}

/// Decompresses payload at the front of `input` as far as there is room, at most [`AHEAD`] bytes. Takes only
/// the bytes off the input that the decompressor has consumed: a copy of the frame decoder reads ahead, in a
/// copy of the input.
fn decompress_front(
    decoder: &mut FrameDecoder, decompression: &mut Decompression, input: &mut &mut [u8], room: &mut [u8],
) -> Result<Step, Error> {
    let mut scratch = [0; AHEAD];
    copy_prefix(input, &mut scratch);
    let mut ahead = scratch.get_mut(..input.len().min(AHEAD)).unwrap_or_default();
    let piece = { *decoder }.payload(&mut ahead, usize::MAX);
    let step = decompression.decompress(piece.map(Piece::unmask).unwrap_or_default(), room)?;
    decoder.payload(input, step.consumed);
    Ok(step)
}
