//! Frame headers without their payload, for payloads that a server's embedder writes itself.

use super::Sender;
use crate::error::{Misuse, SendError};
use crate::event::Message;
use crate::frame::FrameHeader;
use crate::message::DataKind;
use crate::role::Unmasked;
use crate::storage::Storage;

impl<R: Unmasked, S: Storage> Sender<R, S> {
    /// The header of a message whose payload the caller writes itself. Like
    /// [`mask_in_place`](Self::mask_in_place), but the payload may be shared: a server does not mask it.
    ///
    /// # Errors
    /// As [`mask_in_place`](Self::mask_in_place).
    pub fn message_header(&mut self, message: Message<'_>) -> Result<FrameHeader, SendError> {
        self.header_only(message.kind(), message.len() as u64)
    }

    /// The header of a binary message of `payload_len` bytes, at most 2^63 - 1, that the caller writes
    /// itself. The payload need not be in memory, and need not exist as a whole yet.
    ///
    /// # Errors
    /// [`Misuse::PayloadTooLong`]; otherwise as [`mask_in_place`](Self::mask_in_place).
    pub fn binary_header(&mut self, payload_len: u64) -> Result<FrameHeader, SendError> {
        // WS-5.2-12
        if payload_len >> 63 != 0 {
            return Err(Misuse::PayloadTooLong.into());
        }
        self.header_only(DataKind::Binary, payload_len)
    }
}
