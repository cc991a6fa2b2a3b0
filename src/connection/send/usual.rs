//! The fast path: a message below 64 KiB that nothing is in the way of.

use super::Sender;
use crate::connection::state::Phase;
use crate::frame::{FrameHeader, Mask, Opcode, copy_plain};
use crate::role::Role;
use crate::storage::Storage;
use crate::storage::sealed::Buffer;

impl<R: Role, S: Storage> Sender<R, S> {
    /// Queues the message if it is a usual one. `None`: nothing was queued, go the long way.
    #[inline(always)]
    pub(super) fn usual_message(&mut self, opcode: Opcode, payload: &[u8]) -> Option<()> {
        if !matches!(self.lifecycle.phase(), Phase::Open)
            || self.under_way.is_message()
            || self.compression.is_agreed()
        {
            return None;
        }
        // What the length decides is decided once.
        match payload.len() {
            0..126 => self.usual_frame(opcode, payload, FrameHeader::len_for(0, !R::IS_SERVER).into()),
            126..=0xffff => {
                self.usual_frame(opcode, payload, FrameHeader::len_for(126, !R::IS_SERVER).into())
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn usual_frame(&mut self, opcode: Opcode, payload: &[u8], header_len: usize) -> Option<()> {
        let len = u16::try_from(payload.len()).ok()?;
        // Both are far from overflow: a length of 16 bits, and a row that lies in memory.
        let frame_len = header_len + payload.len();
        if self.outgoing.len().saturating_add(frame_len) > self.max_outgoing() {
            return None;
        }
        let room = self.outgoing.grow(frame_len).ok()?;
        // WS-5.1-01 · WS-5.1-05 · WS-10.3-01: the key is drawn when the payload is known.
        let key = self.role.masking_key();
        let (header, rest) = room.split_at_mut_checked(header_len)?;
        FrameHeader::write_below_64k(opcode, len, key, header);
        match key {
            Some(key) => Mask::new(key).copy(payload, rest),
            None => copy_plain(payload, rest),
        }
        Some(())
    }
}
