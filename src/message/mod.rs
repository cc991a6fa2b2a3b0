//! Joins frames to messages, RFC 6455 sections 5.4 and 8.1.

mod fragments;
mod text;
mod utf8;

use crate::frame::Opcode;

pub(crate) use fragments::FragmentState;
pub(crate) use text::TextPieces;
pub(crate) use utf8::{InvalidUtf8, Utf8, validate, validate_ascii};
#[cfg(feature = "simdutf8")]
pub(crate) use utf8::{SIMD_LEN, validate_padded};

/// The kind of a message: UTF-8 text or bytes (RFC 6455 section 5.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DataKind {
    /// UTF-8 text, opcode 1.
    Text,
    /// Bytes, opcode 2.
    Binary,
}

impl DataKind {
    /// The opcode of the message's first frame. WS-6.1-05
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}
