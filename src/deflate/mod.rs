//! Compression of messages: the extension permessage-deflate (RFC 7692).
//!
//! - [`DeflateConfig`] negotiates: a client's offer, a server's answer, and the check of it, as values of
//!   `Sec-WebSocket-Extensions`. What both ends agreed on are [`DeflateParams`].
//! - [`Compressor`] and [`Decompressor`] transform the payload of messages, in pieces of any size, as section 7.2
//!   says.
//! - [`SendCodec`] and [`ReceiveCodec`] are the extension in use at one end: when a codec is needed, and where it is
//!   between messages.
//! - [`Pool`] keeps codecs between messages, for many connections that take no context over.
//!
//! # Memory
//!
//! What a codec holds, whatever the level; a smaller window saves less than it promises, as a table of 128
//! KiB is always there:
//!
//! | window bits | 8 to 10 | 11, 12 | 13 | 14 | 15 |
//! |---|---|---|---|---|---|
//! | [`Compressor`] | 150 KiB | 162 KiB | 192 KiB | 224 KiB | 288 KiB |
//!
//! An [`Decompressor`] holds 47 KiB, and as the messages come up to as much again as the window has bytes. With
//! context takeover a connection holds its codecs from the first message that needs them on; without, none
//! while it is idle, if it has a [`Pool`]. To make a codec panics where the allocator has no memory.
//!
//! # Security
//!
//! Compression next to secrets can leak them over TLS (section 8): where an attacker can place text beside a
//! secret and see the length of what is sent, leave such messages plain, or do without context takeover.

mod codec;
mod compressor;
mod decompressor;
mod offer;
mod pool;
mod zlib;

pub use crate::config::{DeflateConfig, DeflateParams};
pub use codec::{ReceiveCodec, SendCodec};
pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use offer::ExtensionValue;
pub use pool::Pool;

/// How far a call of a codec came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Step {
    /// How many bytes of the input were taken.
    pub consumed: usize,
    /// How many bytes of the output were written.
    pub produced: usize,
    /// Whether the call has done all that was asked. If not, call it again with the rest of the input and
    /// more room.
    pub done: bool,
}

/// The payload is not what RFC 7692 section 7.2.2 asks for: no valid DEFLATE data, or cut off in the middle.
/// The codec cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrupt;

impl core::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the compressed data is not valid")
    }
}

impl core::error::Error for Corrupt {}
