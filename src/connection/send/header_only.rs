//! Frame headers without their payload, for payloads that a server's embedder writes itself.

use super::Sender;
use crate::error::{Error, Misuse};
use crate::frame::FrameHeader;
use crate::message::DataKind;
use crate::role::Role;
use crate::role::sealed::Unmasked;
use crate::storage::Storage;

impl<R: Role + Unmasked, S: Storage> Sender<R, S> {
    /// The header of a text message whose payload the caller writes itself. Like
    /// [`frame_in_place`](Self::frame_in_place), but the payload may be shared: a server does not mask it.
    ///
    /// # Errors
    /// As [`frame_in_place`](Self::frame_in_place).
    #[inline]
    pub fn text_header(&mut self, text: &str) -> Result<FrameHeader, Error> {
        self.header_only(DataKind::Text, text.len() as u64)
    }

    /// The header of a binary message whose payload the caller writes itself: `payload_len` bytes, at most
    /// 2^63 - 1. The payload need not be in memory, and need not be complete yet.
    ///
    /// # Errors
    /// [`Misuse::PayloadTooLong`]; otherwise as [`frame_in_place`](Self::frame_in_place).
    #[inline]
    pub fn binary_header(&mut self, payload_len: u64) -> Result<FrameHeader, Error> {
        // WS-5.2-12
        if payload_len >> 63 != 0 {
            return Err(Misuse::PayloadTooLong.into());
        }
        self.header_only(DataKind::Binary, payload_len)
    }
}
