//! Bytes that are read straight into the connection's own buffer, and parsed where they lie.
//!
//! ```text
//!      | message, unmasked |  gap  |  raw: as it came  |  room  |
//! ```
//!
//! The first frame of a message leaves no gap: its payload stays where it was read to. Behind each further header the
//! payload moves down, over the gap that the headers leave.

use super::found::{Found, Payload, What};
use super::{Lent, Receiver, Reported};
use crate::bytes::{to_u32, to_usize};
use crate::error::{Error, Limit};
use crate::frame::MAX_CONTROL;
use crate::message::DataKind;
use crate::storage::sealed::Buffer;
use crate::storage::{Full, Storage};

/// A usual read.
const READ: usize = 16 * 1024;
/// With a frame of this size on a message begins to be read to where it stays.
const LARGE: u64 = 64 * 1024;
/// After a message of this size, which no read holds as a whole, the next one is expected to be as large.
const AS_LARGE: u64 = 16 * 1024;
/// A longer message is not in a core's own cache any more when it is whole.
const NEAR: u64 = 256 * 1024;

impl<S: Storage> Receiver<S> {
    /// Lends room behind what was read so far: never beyond the frame under way, so that nothing has to be moved when its
    /// message goes, and the next one lies in memory that is still in the cache. `None` where that does not pay: while
    /// messages are small, and where nothing is kept to read to.
    #[inline]
    pub(in crate::connection) fn lend(&mut self) -> Option<&mut [u8]> {
        if !S::Receive::GROWS || self.parts.is_some() {
            return None;
        }
        self.clear_reported().ok()?;
        let remaining = self.remaining();
        let follows_large = self.order.len() >= AS_LARGE && to_usize(self.keep_capacity) >= READ;
        if remaining.unwrap_or_default() < LARGE && !follows_large {
            return None;
        }
        // What is masked is unmasked while it is copied from a buffer that is in the nearest cache.
        if self.reads_are_small && self.order.kind().is_some() && self.order.len() > NEAR {
            return None;
        }
        let rest = to_len(remaining);
        // Memory follows the bytes that arrived, at most doubled. What is joined apart only passes through here.
        let arrived = match remaining {
            Some(remaining) if self.assembler.has_text() => {
                LARGE.min(self.order.len().saturating_sub(remaining))
            }
            _ => self.assembler.buffer().len() as u64,
        };
        let arrived = usize::try_from(arrived).unwrap_or_default();
        let room = self.assembler.buffer().room(rest.min(arrived.max(READ))).ok()?;
        let len = room.len().min(rest);
        self.lent = if len > READ { Lent::Much } else { Lent::Little };
        room.get_mut(..len)
    }

    /// How much of the data frame under way has not arrived.
    #[inline]
    fn remaining(&self) -> Option<u64> {
        let is_in_data = !self.decoder.is_in_header() && !self.decoder.opcode().is_control();
        is_in_data.then(|| self.decoder.remaining())
    }

    /// The first `len` bytes of the room that was lent have bytes in them.
    #[inline]
    pub(in crate::connection) fn filled(&mut self, len: usize) {
        // Otherwise what is in the room is old.
        let lent = core::mem::replace(&mut self.lent, Lent::Nothing);
        if lent == Lent::Nothing {
            return;
        }
        let remaining = self.remaining();
        let buffer = self.assembler.buffer();
        let kept = buffer.len();
        // No more than was lent.
        let len = buffer.fill(len.min(to_len(remaining)));
        if len == 0 {
            return;
        }
        if lent == Lent::Much {
            self.reads_are_small = len <= READ && self.decoder.rules().masked;
        }
        // Nothing can fail in bytes.
        if self.raw == 0 && remaining.is_some() && self.order.kind() == Some(DataKind::Binary) {
            let (is_last, _) = self.decoder.payload_in_place(buffer.last_mut(len), false);
            self.is_first = false;
            if is_last && self.decoder.fin() {
                self.end_message();
                self.reported = Reported::Whole;
            }
            return;
        }
        if self.raw == 0 {
            self.kept = to_u32(kept);
        }
        self.raw += to_u32(len);
        if self.reported == Reported::Nothing {
            self.reported = Reported::Raw;
        }
    }

    /// Reads on in the raw bytes until something is found or they are used up.
    pub(super) fn next_raw(&mut self, found: &mut Found<'_>) -> Result<(), Error> {
        while self.raw > 0 {
            if self.decoder.is_in_header() {
                let raw = to_usize(self.raw);
                let mut input = self.assembler.buffer().last_mut(raw);
                let order = &mut self.order;
                let result = self.decoder.header(&mut input, |header| order.admit(header));
                let taken = raw - input.len();
                self.take_raw(taken);
                result?;
                if self.decoder.is_in_header() {
                    return Ok(());
                }
            }
            match self.order.kind().filter(|_| !self.decoder.opcode().is_control()) {
                None => self.raw_control(found)?,
                Some(kind) => self.raw_data(kind, found)?,
            }
            if found.what != What::Nothing {
                return Ok(());
            }
        }
        Ok(())
    }

    fn raw_control(&mut self, found: &mut Found<'_>) -> Result<(), Error> {
        let raw = to_usize(self.raw);
        let mut input = self.assembler.buffer().last_mut(raw);
        let Some(bytes) = self.decoder.payload(&mut input, MAX_CONTROL) else {
            return Ok(());
        };
        let taken = bytes.len();
        self.control.append(bytes).map_err(|Full| Limit::Memory)?;
        self.take_raw(taken);
        self.end_of_control(self.decoder.is_in_header(), found);
        Ok(())
    }

    /// Takes payload of the data frame under way.
    fn raw_data(&mut self, kind: DataKind, found: &mut Found<'_>) -> Result<(), Error> {
        let (raw, kept) = (to_usize(self.raw), to_usize(self.kept));
        let len = usize::try_from(self.decoder.remaining()).unwrap_or(usize::MAX).min(raw);
        let buffer = self.assembler.buffer();
        let from = buffer.len() - raw;
        let bytes = buffer.filled_mut();
        // Behind a gap the payload moves down.
        if from > kept {
            bytes.copy_within(from..from + len, kept);
        }
        let piece = bytes.get_mut(kept..kept + len).unwrap_or_default();
        let is_text = kind == DataKind::Text;
        let (is_last, is_ascii) = self.decoder.payload_in_place(piece, is_text);
        let is_ascii = is_text && (is_ascii || piece.is_ascii());
        self.raw -= to_u32(len);
        self.kept += to_u32(len);
        if is_text {
            self.keep_text(len, is_ascii)?;
        }
        self.close_gap();
        self.end_of_whole(is_last, found)?;
        if found.what == What::Message && is_text && self.kept == 0 {
            found.payload = Payload::Joined;
        }
        Ok(())
    }

    /// The last `len` bytes that were kept are text. ASCII stays where it is, to be checked once it is whole. Anything else
    /// is checked now and joined apart, and so is all that follows.
    fn keep_text(&mut self, len: usize, is_ascii: bool) -> Result<(), Error> {
        let kept = to_usize(self.kept);
        let is_in_place = kept > len || !self.assembler.has_text();
        if is_ascii && is_in_place {
            return Ok(());
        }
        self.assembler.move_text(kept)?;
        let before = self.assembler.buffer().len();
        let raw = to_usize(self.raw);
        // All that is left are raw bytes.
        self.assembler.buffer().consume(before - raw);
        self.kept = 0;
        Ok(())
    }

    /// Takes `len` raw bytes off the front: given up, or part of the gap where a message lies in front of them.
    fn take_raw(&mut self, len: usize) {
        self.raw -= to_u32(len);
        if self.kept == 0 {
            self.assembler.buffer().consume(len);
        } else {
            self.close_gap();
        }
    }

    /// Without raw bytes behind it a gap is given up.
    fn close_gap(&mut self) {
        if self.raw == 0 {
            let kept = to_usize(self.kept);
            self.assembler.buffer().truncate(kept);
        }
    }

    /// A message that was reported goes, the raw bytes behind it stay.
    pub(super) fn clear_before_raw(&mut self) {
        let (raw, keep) = (to_usize(self.raw), to_usize(self.keep_capacity));
        self.assembler.clear_text(keep);
        let buffer = self.assembler.buffer();
        buffer.consume(buffer.len() - raw);
        self.kept = 0;
    }
}

/// All, where no frame is under way.
fn to_len(remaining: Option<u64>) -> usize {
    remaining.map_or(usize::MAX, |len| usize::try_from(len).unwrap_or(usize::MAX))
}
