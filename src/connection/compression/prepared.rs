//! The compressed forms of a message that is sent to many connections.

use crate::deflate::Compressor;
use crate::frame::FrameHeader;
use crate::message::DataKind;
use alloc::boxed::Box;
use std::sync::OnceLock;

/// The frame of a prepared message, compressed for each size of the window when a connection first needs it.
/// `None`: the frame would not be shorter.
#[derive(Debug)]
pub(crate) struct CompressedFrames([OnceLock<Option<Box<[u8]>>>; WINDOWS]);

/// There are windows of 2^9 to 2^15 bytes. A window of 2^8 bytes is treated as 2^9, see `deflate::zlib`.
const WINDOWS: usize = 7;

impl CompressedFrames {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; WINDOWS])
    }

    /// The frame compressed for a window of this size, if it is shorter then.
    pub(super) fn get(&self, window_bits: u8, level: u8, kind: DataKind, payload: &[u8]) -> Option<&[u8]> {
        let at = usize::from(window_bits.saturating_sub(9)).min(WINDOWS - 1);
        self.0.get(at)?.get_or_init(|| compress(window_bits, level, kind, payload)).as_deref()
    }
}

fn compress(window_bits: u8, level: u8, kind: DataKind, payload: &[u8]) -> Option<Box<[u8]>> {
    let mut compressed = alloc::vec![0; Compressor::bound(payload.len())];
    let step = Compressor::new(level, window_bits).finish(payload, &mut compressed);
    compressed.truncate(step.produced);
    if !step.done || compressed.len() >= payload.len() {
        return None;
    }
    let header = FrameHeader::encode(kind.opcode(), true, compressed.len() as u64, None);
    Some([header.with_rsv1().as_bytes(), &compressed].concat().into_boxed_slice())
}
