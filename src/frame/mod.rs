//! One frame on the wire, RFC 6455 sections 5.2 and 5.3. Knows no connection and no message.

mod decoder;
mod header;
mod mask;

pub(crate) use decoder::{Decoder, WholeMessage, take_front};
pub use header::FrameHeader;
pub(crate) use header::{Header, Opcode, Rules};
pub(crate) use mask::{Mask, copy_plain};

/// The most payload bytes of a control frame. WS-5.5-01 · WS-5.5-02
pub(crate) const MAX_CONTROL: usize = 125;

/// Whether speed counts more than the size of the code. Where a pointer has fewer than 64 bits this is nearly always a
/// microcontroller, on which what makes the rest fast (vectors, code for each length, a way of its own for what is usual)
/// gains little and takes its flash.
pub(crate) const FOR_SPEED: bool = cfg!(target_pointer_width = "64");
