//! The order of fragments and the limits of a message (RFC 6455 section 5.4).

use super::DataKind;
use crate::error::{Error, Limit, Violation};
use crate::frame::{Header, Opcode};

/// The bytes on the wire that each fragment of a compressed message may have beyond its share of the message
/// (RFC 7692 section 7.2.1). A sender may flush its compressor for every fragment. The fragment then contains
/// at least one block and its end, at most 290 bytes if the block describes its codes in the longest form. A
/// final block and empty blocks may follow.
const FRAGMENT_OVERHEAD: u64 = 320;

/// The message that is arriving, and how much of it may still come. This type needs only the headers, so it
/// decides before the connection takes any payload.
#[derive(Debug)]
pub(crate) struct FragmentState {
    /// The kind of the current message; between messages, that of the last one.
    pub(crate) kind: DataKind,
    is_in_message: bool,
    /// Whether a piece of the current message was put into a buffer or reported as a part.
    has_begun_delivery: bool,
    /// Whether the payload of the current message is compressed. PMD-6-02: its first frame says so.
    is_compressed: bool,
    /// The number of further fragments that the current message may have.
    fragments_left: u32,
    /// The number of further payload bytes that the current message may have.
    left: u64,
    /// The largest message that the embedder accepts, in bytes.
    pub(crate) max_message: u64,
}

impl FragmentState {
    pub(crate) const fn new(max_message: u64) -> Self {
        Self {
            kind: DataKind::Binary,
            is_in_message: false,
            has_begun_delivery: false,
            is_compressed: false,
            fragments_left: 0,
            left: max_message,
            max_message,
        }
    }

    /// Whether a message has begun and not ended.
    pub(crate) const fn is_in_message(&self) -> bool {
        self.is_in_message
    }

    /// The number of payload bytes that the headers of the current message have announced so far; between
    /// messages, those of the last one. Meaningful only if the message is not compressed.
    pub(crate) const fn announced(&self) -> u64 {
        self.max_message.saturating_sub(self.left)
    }

    /// Whether the payload of the current message is compressed; between messages, that of the last one.
    #[cfg(feature = "alloc")]
    pub(crate) const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Checks whether a data frame may continue the current message or start a new one, and counts it. A
    /// message has at most `max_fragments` fragments.
    pub(crate) fn on_data_header(&mut self, header: &Header, max_fragments: u32) -> Result<(), Error> {
        let &Header { opcode, rsv1, payload_len, .. } = header;
        match (opcode, self.is_in_message) {
            // WS-5.4-04
            (Opcode::Continuation, false) => return Err(Violation::NothingToContinue.into()),
            (Opcode::Continuation, true) => {}
            // WS-5.4-09
            (_, true) => return Err(Violation::MessageUnfinished.into()),
            // WS-5.4-17 · WS-6.2-03 · PMD-6-04 · PMD-6.2-04: the first frame tells the kind of the message,
            // and whether it is compressed.
            (opcode, false) => {
                self.kind = if opcode == Opcode::Text { DataKind::Text } else { DataKind::Binary };
                self.is_compressed = cfg!(feature = "deflate") && rsv1;
                self.fragments_left = max_fragments;
                self.left = self.max_message;
                // Data that does not shrink grows when it is compressed: a literal has up to 9 bits, and the
                // blocks have headers. So the wire may carry more than the limit. The decompressed message
                // is held to the limit itself.
                if self.is_compressed {
                    let max = self.max_message;
                    self.left = max.saturating_add(max / 8).saturating_add(max / 64);
                }
            }
        }
        self.fragments_left = self.fragments_left.checked_sub(1).ok_or(Limit::Fragments)?;
        if cfg!(feature = "deflate") && self.is_compressed {
            self.left = self.left.saturating_add(FRAGMENT_OVERHEAD);
        }
        // WS-10.4-03: the message fails at the header of the frame that would cross the limit.
        self.left = self.left.checked_sub(payload_len).ok_or(Limit::Message)?;
        self.is_in_message = true;
        Ok(())
    }

    /// Whether a piece of the current message was put into a buffer or reported as a part.
    pub(crate) const fn has_begun_delivery(&self) -> bool {
        self.has_begun_delivery
    }

    /// Notes that a piece of the current message is put into a buffer or reported as a part. Returns whether
    /// an earlier piece was.
    pub(crate) fn begin_delivery(&mut self) -> bool {
        core::mem::replace(&mut self.has_begun_delivery, true)
    }

    /// Ends the current message. WS-6.2-05
    pub(crate) fn end_message(&mut self) {
        self.is_in_message = false;
        self.has_begun_delivery = false;
    }
}
