//! Reading in place: the embedder reads large binary messages straight into the receive buffer, and the
//! connection parses the bytes there. This saves one copy. Text is never read in place, because it would gain
//! nothing: safe Rust would have to validate the whole message once more. Text is joined from validated
//! pieces instead.

use super::buffer::USUAL_READ;
use super::event::{Item, Located};
use super::{Borrowed, Loan, Receiver, Resume, take_header};
use crate::bytes::{minus, to_len, to_usize};
use crate::error::{Error, Limit};
use crate::frame::MAX_CONTROL;
use crate::message::DataKind;
use crate::storage::sealed::{Buffer, Control};
use crate::storage::{Full, Storage};

/// A frame of which at least this many bytes are still missing is read in place.
const LARGE_FRAME: u64 = 64 * 1024;
/// After a message of at least this many bytes, the next one is expected to be as large.
const LARGE_MESSAGE: u64 = 16 * 1024;
/// The first bytes of a longer message have left the processor's nearest caches when its last bytes arrive.
const CACHED: u64 = 256 * 1024;

impl<S: Storage> Receiver<S> {
    /// Lends the free space at the end of the buffer, at most up to the end of the current frame. The next
    /// message then starts at the front of the buffer: no byte has to move, and the memory is still in the
    /// cache.
    ///
    /// Returns `None` if reading in place does not pay: if messages are small or text, or if the buffer keeps
    /// no memory to read into.
    pub(crate) fn lend(&mut self) -> Option<&mut [u8]> {
        if !S::Receive::GROWS || self.parts.is_some() || self.fragments.kind != DataKind::Binary {
            return None;
        }
        // The connection decompresses payload into other memory anyway.
        if self.decompression.is_agreed() {
            return None;
        }
        self.release_event().ok()?;
        if self.buffer.resume() == Resume::Complete {
            return None;
        }
        let remaining = self.remaining_data();
        let announced = self.fragments.announced();
        let follows_large = announced >= LARGE_MESSAGE && to_usize(self.buffer.keep_capacity) >= USUAL_READ;
        if remaining.unwrap_or_default() < LARGE_FRAME && !follows_large {
            return None;
        }
        // If the reads of a long masked message are small, the embedder's own buffer remains in the nearest
        // cache, and unmasking while copying from it is faster than unmasking in place.
        if self.buffer.reads_are_small && self.fragments.is_in_message() && announced > CACHED {
            return None;
        }
        let rest = remaining.map_or(usize::MAX, to_len);
        let wanted = self.wanted_room(rest);
        self.buffer.lend(wanted, rest)
    }

    /// The least room to lend if `rest` bytes of the current frame are missing.
    fn wanted_room(&self, rest: usize) -> usize {
        let (len, room_len, capacity) = (self.buffer.len(), self.buffer.room_len(), self.buffer.capacity());
        // If the buffer grows, it grows to twice its bytes, or further to the memory that it may keep, but to
        // twice its memory at most. Memory that is taken early has fewer bytes to move.
        let usual = rest.min(len.max(USUAL_READ));
        let kept = to_usize(self.buffer.keep_capacity).min(capacity.saturating_mul(2));
        if room_len < usual && kept > capacity {
            return usual.max(kept.saturating_sub(len));
        }
        // Room for a usual read is enough.
        if room_len < rest.min(USUAL_READ) { usual } else { rest.min(USUAL_READ) }
    }

    /// The number of payload bytes that the current data frame still lacks. `None` outside of the payload of
    /// a data frame.
    fn remaining_data(&self) -> Option<u64> {
        let is_in_data = !self.decoder.is_in_header() && !self.decoder.opcode().is_control();
        is_in_data.then(|| self.decoder.remaining())
    }

    /// The embedder has read `len` bytes into the space that [`lend`](Self::lend) returned.
    pub(crate) fn mark_received(&mut self, len: usize) {
        // Without a loan, the bytes in the free space are leftovers of an earlier message.
        let loan = self.buffer.end_loan();
        if loan == Loan::Nothing {
            return;
        }
        let remaining = self.remaining_data();
        // The loan ends with the frame, so the embedder cannot have read more than the rest of the frame.
        let len = len.min(remaining.map_or(usize::MAX, to_len));
        if len == 0 {
            return;
        }
        if remaining.is_some() && self.buffer.resume() == Resume::Input {
            // All bytes are payload of one binary frame and need no validation: unmask them now instead of in
            // the next call of `receive`.
            let mut bytes = self.buffer.received_payload(len);
            let received = bytes.len();
            let ends_frame = self.decoder.payload(&mut bytes, usize::MAX).is_some_and(|piece| {
                let ends_frame = piece.ends_frame;
                piece.unmask();
                ends_frame
            });
            self.note_read(loan, received);
            self.fragments.begin_delivery();
            if ends_frame && self.decoder.fin() {
                self.end_message();
                self.buffer.complete();
            }
            return;
        }
        let received = self.buffer.received(len);
        self.note_read(loan, received);
    }

    /// Remembers whether reads are small compared with the space that was lent.
    fn note_read(&mut self, loan: Loan, len: usize) {
        if loan == Loan::Large {
            self.buffer.reads_are_small = len <= USUAL_READ && self.decoder.peer_masks();
        }
    }

    /// Parses the unparsed bytes in the buffer until it finds an item or all bytes are parsed.
    pub(super) fn next_unparsed(&mut self, found: &mut Located<'_>) -> Result<(), Error> {
        while matches!(self.buffer.resume(), Resume::Unparsed { .. }) {
            if self.decoder.is_in_header() {
                let rsv1 = self.decompression.is_agreed();
                let mut input = self.buffer.unparsed();
                let before = input.len();
                let result = take_header(&mut self.decoder, &mut self.fragments, rsv1, &mut input);
                let taken = minus(before, input.len());
                self.buffer.take(taken);
                result?;
                if self.decoder.is_in_header() {
                    return Ok(());
                }
            }
            if self.decoder.opcode().is_control() {
                self.unparsed_control(found)?;
            } else if self.fragments.kind == DataKind::Text {
                self.unparsed_text(found)?;
            } else {
                self.unparsed_binary(found);
            }
            if found.item != Item::Nothing {
                return Ok(());
            }
        }
        Ok(())
    }

    fn unparsed_control(&mut self, found: &mut Located<'_>) -> Result<(), Error> {
        let mut input = self.buffer.unparsed();
        let Some(piece) = self.decoder.payload(&mut input, MAX_CONTROL) else {
            return Ok(());
        };
        let ends_frame = piece.ends_frame;
        let bytes = piece.unmask();
        let taken = bytes.len();
        self.control.append(bytes).map_err(|Full| Limit::Memory)?;
        self.buffer.take(taken);
        self.end_control_piece(ends_frame, found);
        Ok(())
    }

    /// Takes unparsed text out of the buffer: its validated pieces are joined elsewhere.
    fn unparsed_text(&mut self, found: &mut Located<'_>) -> Result<(), Error> {
        let mut input = self.buffer.unparsed();
        let Some(piece) = self.decoder.payload(&mut input, usize::MAX) else {
            return Ok(());
        };
        let (taken, ends_frame) = (piece.bytes.len(), piece.ends_frame);
        self.text.push(piece)?;
        self.buffer.take(taken);
        self.end_text_piece(ends_frame, found)
    }

    /// Keeps unparsed binary payload in the buffer, directly behind the earlier payload of its message.
    fn unparsed_binary(&mut self, found: &mut Located<'_>) {
        let mut kept = self.buffer.keep(to_len(self.decoder.remaining()));
        let Some(piece) = self.decoder.payload(&mut kept, usize::MAX) else {
            return;
        };
        let ends_frame = piece.ends_frame;
        piece.unmask();
        self.end_piece(ends_frame, found);
    }

    /// Takes the message that [`mark_received`](Self::mark_received) completed, to report it now. Returns
    /// whether there is one.
    pub(super) fn take_complete(&mut self) -> bool {
        let is_complete = self.buffer.resume() == Resume::Complete;
        if is_complete {
            self.buffer.report();
            self.buffer.set_borrowed(Borrowed::Message);
        }
        is_complete
    }
}
