//! Sends messages without the feature `deflate`: every message is sent uncompressed.

use super::Sender;
use crate::error::SendError;
use crate::frame::Opcode;
use crate::role::Role;
use crate::storage::Storage;

impl<R: Role, S: Storage> Sender<R, S> {
    #[inline(always)]
    pub(super) fn queue_message(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        self.frame(opcode, true, payload)
    }

    #[inline(always)]
    pub(super) fn queue_fragment(
        &mut self,
        opcode: Opcode,
        fin: bool,
        bytes: &[u8],
        _is_compressed: bool,
    ) -> Result<(), SendError> {
        self.frame(opcode, fin, bytes)
    }
}
