//! The compressed forms of a message that is sent to many connections.

use crate::deflate::Compressor;
use crate::frame::FrameHeader;
use crate::memory::{OutOfMemory, concat, with_capacity};
use crate::message::DataKind;
use alloc::boxed::Box;
use std::sync::OnceLock;

/// The compressed frames of a prepared message, one for each window size, made when a connection first needs
/// it. `None`: the compressed frame would not be shorter.
#[derive(Debug)]
pub(crate) struct CompressedFrames([OnceLock<Option<Box<[u8]>>>; WINDOWS]);

/// There are windows of 2^9 to 2^15 bytes. A window of 2^8 bytes is treated as 2^9, see `deflate::zlib`.
const WINDOWS: usize = 7;

impl CompressedFrames {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; WINDOWS])
    }

    /// The frame compressed for a window of this size, if it is shorter then.
    pub(super) fn get(
        &self, window_bits: u8, level: u8, kind: DataKind, payload: &[u8],
    ) -> Result<Option<&[u8]>, OutOfMemory> {
        let at = usize::from(window_bits.saturating_sub(9)).min(WINDOWS - 1);
        let Some(frame) = self.0.get(at) else { return Ok(None) };
        if frame.get().is_none() {
            // Without memory the frame stays unknown, and the next call tries again. If two threads compress
            // the message at the same time, the first result counts.
            let _ = frame.set(compress(window_bits, level, kind, payload)?);
        }
        Ok(frame.get().and_then(Option::as_deref))
    }
}

fn compress(
    window_bits: u8, level: u8, kind: DataKind, payload: &[u8],
) -> Result<Option<Box<[u8]>>, OutOfMemory> {
    let len = Compressor::bound(payload.len());
    let mut compressed = with_capacity(len)?;
    compressed.resize(len, 0);
    let step = Compressor::new(level, window_bits)?.finish(payload, &mut compressed);
    compressed.truncate(step.produced);
    if !step.done || compressed.len() >= payload.len() {
        return Ok(None);
    }
    let header = FrameHeader::encode(kind.opcode(), true, compressed.len() as u64, None);
    concat([header.with_rsv1().as_bytes(), &compressed]).map(Some)
}
