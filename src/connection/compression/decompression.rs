//! The receiver's part of permessage-deflate.

use crate::config::DeflateParams;
use crate::deflate::{Pool, ReceiveCodec, Step};
use crate::error::{Error, Violation};

/// The decompressor of a connection that has agreed on permessage-deflate.
pub(in crate::connection) struct Decompression {
    codec: ReceiveCodec,
    /// The number of bytes that the current message has been decompressed to.
    produced: u64,
    /// Whether more output will come from input that was already taken.
    has_more: bool,
}

impl Decompression {
    pub(super) const fn new(is_server: bool, params: DeflateParams, pool: Option<Pool>) -> Self {
        Self { codec: ReceiveCodec::new(is_server, params, pool), produced: 0, has_more: false }
    }

    /// From the next message on, the decompressor comes from this pool.
    pub(super) fn set_pool(&mut self, pool: &Pool) {
        self.codec.set_pool(pool.clone());
    }

    /// Decompresses a piece of the current message, as far as there is room.
    pub(in crate::connection) fn decompress(&mut self, input: &[u8], room: &mut [u8]) -> Result<Step, Error> {
        // PMD-7.2.2-03
        let step = self.codec.decompressor().decompress(input, room).map_err(|_| Violation::Deflate)?;
        self.produced = self.produced.saturating_add(step.produced as u64);
        Ok(step)
    }

    /// The number of bytes that the current message has been decompressed to.
    pub(in crate::connection) const fn produced(&self) -> u64 {
        self.produced
    }

    /// Whether more output will come without any input.
    pub(in crate::connection) const fn has_more(&self) -> bool {
        self.has_more
    }

    pub(in crate::connection) const fn set_has_more(&mut self, has_more: bool) {
        self.has_more = has_more;
    }

    /// Ends the current message. PMD-7.2.2-01
    pub(in crate::connection) fn end_message(&mut self) -> Result<(), Error> {
        self.codec.decompressor().finish().map_err(|_| Violation::Deflate)?;
        self.codec.end_message();
        self.produced = 0;
        Ok(())
    }
}
