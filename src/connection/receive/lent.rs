//! Payload that is read straight to where it stays: room in the message's buffer, lent to the embedder.

use super::{Receiver, Reported, to_usize};
use crate::config::Delivery;
use crate::error::Error;
use crate::message::DataKind;
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, TextMessage};

/// Less is not worth a read of its own.
const MIN_LENT: usize = 4096;
/// The most room that is lent for the first bytes of a message.
const MAX_FIRST_LENT: usize = 16 * 1024;

impl<S: Storage> Receiver<S> {
    /// Lends room in the message's buffer, for payload to be read straight to where it stays. `None` where that does
    /// not pay, or where something else comes first.
    pub(in crate::connection) fn lend(&mut self) -> Option<&mut [u8]> {
        // A text that is kept apart is joined from checked pieces, never read to.
        let is_to_be_read_to = match self.order.kind() {
            Some(DataKind::Text) => !S::Message::IS_APART,
            Some(DataKind::Binary) => true,
            None => false,
        };
        let is_data = is_to_be_read_to && !self.frame.opcode.is_control();
        let remaining = self.decoder.remaining();
        if !is_data || self.delivery != Delivery::Whole || remaining < MIN_LENT as u64 {
            return None;
        }
        self.take_back_but(0);
        self.clear_reported().ok()?;
        // Memory follows the bytes that arrived, at most doubled.
        let most = self.assembler.bytes().len().max(MAX_FIRST_LENT);
        let len = usize::try_from(remaining).unwrap_or(usize::MAX).min(most);
        self.lent = u32::try_from(len).ok()?;
        let room = self.assembler.buffer().grow(len);
        if room.is_err() {
            self.lent = 0;
        }
        room.ok()
    }

    /// The first `len` bytes of the room that was lent have payload in them.
    pub(in crate::connection) fn filled(&mut self, len: usize) -> Result<(), Error> {
        let lent = to_usize(self.lent);
        let len = len.min(lent);
        let Some(kind) = self.order.kind().filter(|_| lent > 0) else {
            return Ok(());
        };
        self.take_back_but(len);
        let is_last = self.decoder.payload_in_place(self.assembler.buffer().last_mut(len));
        self.frame.is_first = false;
        if kind == DataKind::Text {
            self.assembler.check_text(len)?;
        }
        if self.end_of_whole(kind, is_last)? {
            self.reported = Reported::NotYet(kind);
        }
        Ok(())
    }

    /// Room that was lent is given up, but for the first `len` bytes of it.
    pub(super) fn take_back_but(&mut self, len: usize) {
        if self.lent > 0 {
            let unfilled = to_usize(self.lent).saturating_sub(len);
            let filled = self.assembler.bytes().len();
            self.assembler.buffer().truncate(filled.saturating_sub(unfilled));
            self.lent = 0;
        }
    }
}
