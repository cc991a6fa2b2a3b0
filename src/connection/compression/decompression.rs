//! permessage-deflate in the receiver.

use crate::config::DeflateParams;
use crate::deflate::{Pool, ReceiveCodec, Step};
use crate::error::{Error, Violation};
use crate::memory::{OutOfMemory, TryBox};

/// The decompressor of the receiver. It takes eight bytes in a connection that has not agreed on
/// permessage-deflate.
pub(crate) struct Decompression(Option<TryBox<Active>>);

struct Active {
    codec: ReceiveCodec,
    /// The number of bytes that the current message has produced so far.
    produced: u64,
    /// Whether more output will come from input that was already taken.
    has_more: bool,
}

impl Decompression {
    pub(crate) const NONE: Self = Self(None);

    pub(super) fn new(
        is_server: bool, params: DeflateParams, pool: Option<Pool>,
    ) -> Result<Self, OutOfMemory> {
        let codec = ReceiveCodec::new(is_server, params, pool);
        Ok(Self(Some(TryBox::new(Active { codec, produced: 0, has_more: false })?)))
    }

    /// From the next message on, the decompressor comes from this pool.
    pub(crate) fn set_pool(&mut self, pool: &Pool) {
        if let Some(active) = &mut self.0 {
            active.codec.set_pool(pool.clone());
        }
    }

    /// Whether messages may be compressed.
    pub(crate) const fn is_agreed(&self) -> bool {
        self.0.is_some()
    }

    /// Decompresses a piece of the current message, as far as there is room.
    pub(crate) fn decompress(&mut self, input: &[u8], room: &mut [u8]) -> Result<Step, Error> {
        let active = self.active()?;
        // PMD-7.2.2-03
        let step = active.codec.decompressor()?.decompress(input, room)?;
        active.produced = active.produced.saturating_add(step.produced as u64);
        Ok(step)
    }

    /// The number of bytes that the current message has produced so far.
    pub(crate) fn produced(&self) -> u64 {
        self.0.as_ref().map_or(0, |active| active.produced)
    }

    /// Whether more output will come without any input.
    pub(crate) fn has_more(&self) -> bool {
        self.0.as_ref().is_some_and(|active| active.has_more)
    }

    pub(crate) fn set_has_more(&mut self, has_more: bool) {
        if let Some(active) = &mut self.0 {
            active.has_more = has_more;
        }
    }

    /// Ends the current message. PMD-7.2.2-01
    pub(crate) fn end_message(&mut self) -> Result<(), Error> {
        let active = self.active()?;
        active.codec.decompressor()?.finish()?;
        active.codec.end_message();
        active.produced = 0;
        Ok(())
    }

    /// The decompressor. Without it, a frame with RSV1 is refused earlier, so this does not fail.
    fn active(&mut self) -> Result<&mut Active, Error> {
        self.0.as_deref_mut().ok_or_else(|| Violation::ReservedBits(4).into())
    }
}
