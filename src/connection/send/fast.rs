//! The fast path of sending: a message below 64 KiB on an open connection that does not compress.

use super::Sender;
use crate::bytes::plus;
use crate::connection::state::Phase;
use crate::frame::{FrameHeader, Mask, Opcode, copy_plain};
use crate::role::Role;
use crate::storage::Storage;
use crate::storage::sealed::Buffer;

impl<R: Role, S: Storage> Sender<R, S> {
    /// Queues the message if it meets the conditions of the fast path. `None`: nothing was queued, and the
    /// slow path must handle the message.
    #[inline(always)]
    pub(super) fn fast_message(&mut self, opcode: Opcode, payload: &[u8]) -> Option<()> {
        if !matches!(self.lifecycle.phase(), Phase::Open)
            || self.under_way.is_message()
            || self.compression.is_agreed()
        {
            return None;
        }
        // The length of the header follows from the branch, so the compiler knows it.
        match payload.len() {
            0..126 => self.fast_frame(opcode, payload, FrameHeader::len_for(0, !R::IS_SERVER).into()),
            126..=0xffff => self.fast_frame(opcode, payload, FrameHeader::len_for(126, !R::IS_SERVER).into()),
            _ => None,
        }
    }

    #[inline(always)]
    fn fast_frame(&mut self, opcode: Opcode, payload: &[u8], header_len: usize) -> Option<()> {
        let len = u16::try_from(payload.len()).ok()?;
        let frame_len = plus(header_len, payload.len());
        if self.outgoing.len().saturating_add(frame_len) > self.max_outgoing() {
            return None;
        }
        let room = self.outgoing.grow(frame_len).ok()?;
        // WS-5.1-01 · WS-5.1-05 · WS-6.1-07 · WS-10.3-01: the key is drawn after the payload is known.
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
