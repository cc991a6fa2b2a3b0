//! One frame on the wire, RFC 6455 sections 5.2 and 5.3. This layer knows nothing of connections or messages.

mod decoder;
mod fast;
mod header;
mod mask;

pub(crate) use decoder::{FrameDecoder, Piece};
pub(crate) use fast::{FastMessage, fast_message};
pub use header::FrameHeader;
pub(crate) use header::{Header, Opcode, Rules};
pub(crate) use mask::{Mask, Purpose, copy_plain};

/// The most payload bytes of a control frame. WS-5.5-01 · WS-5.5-02
pub(crate) const MAX_CONTROL: usize = 125;
