//! Compression of messages: the extension permessage-deflate (RFC 7692).
//!
//! - [`DeflateConfig`] negotiates: it writes a client's offer and a server's answer, and checks this answer,
//!   as values of `Sec-WebSocket-Extensions`. The result of the negotiation are [`DeflateParams`].
//! - [`Compressor`] and [`Decompressor`] transform the payload of messages, in pieces of any size (section
//!   7.2).
//! - [`SendCodec`] and [`ReceiveCodec`] hold the codec of each direction in a connection: they create it when
//!   a message needs it, and keep it or return it to a pool between messages.
//! - [`Pool`] keeps codecs between messages, for many connections that take no context over.
//!
//! # Memory
//!
//! The memory of a compressor depends on its window, not on its level. A smaller window saves little, because
//! every compressor has a table of 128 KiB:
//!
//! | window bits | 8 to 10 | 11, 12 | 13 | 14 | 15 |
//! |---|---|---|---|---|---|
//! | [`Compressor`] | 150 KiB | 162 KiB | 192 KiB | 224 KiB | 288 KiB |
//!
//! A [`Decompressor`] holds 47 KiB, and in addition up to the size of the window as messages arrive. With
//! context takeover, a connection holds its codecs from the first compressed message on. Without context
//! takeover, an idle connection that has a [`Pool`] holds no codec.
//!
//! If the allocator has no memory for a codec, the call returns [`OutOfMemory`], and a connection fails with
//! [`Limit::Memory`] or sends the message uncompressed. The crate `zlib-rs` has no constructor that returns
//! an error, only one that panics. So this library first checks whether the allocator has enough memory. If
//! another thread takes that memory in between, `zlib-rs` panics; the library catches this panic. The panic
//! hook then still runs, and a program that is built with `panic = "abort"` aborts. [`Pool`] names two more
//! small allocations, which happen once.
//!
//! # Security
//!
//! Compression can leak secrets over TLS (section 8). If an attacker can place text next to a secret and see
//! the length of the sent frames, send such messages uncompressed, or do without context takeover.

mod codec;
mod compressor;
mod decompressor;
mod history;
mod offer;
mod pool;
mod zlib;

pub use crate::config::{DeflateConfig, DeflateParams};
pub use crate::memory::{OutOfMemory, TryBox};
pub use codec::{ReceiveCodec, SendCodec};
pub use compressor::Compressor;
pub use decompressor::Decompressor;
pub use offer::ExtensionValue;
pub use pool::Pool;

use crate::error::{Error, Limit, Violation};

/// The progress that one call of a codec has made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Step {
    /// The number of input bytes that the codec has taken.
    pub consumed: usize,
    /// The number of output bytes that the codec has written.
    pub produced: usize,
    /// Whether the call has done everything that was asked. If not, call it again with the rest of the input
    /// and more room.
    pub done: bool,
}

errors! {
    /// The reason why a [`Decompressor`] cannot continue. Only [`Decompressor::reset`] ends this state.
    pub enum DecompressError {
        /// The payload breaks RFC 7692 section 7.2.2: it is not valid DEFLATE data, or it ends in the middle
        /// of a block.
        Corrupt => "the compressed data is not valid; fail the connection with close code 1007",
        /// The payload has too many final blocks for its length: each costs a copy of the window.
        FinalBlocks => "too many final blocks; fail the connection with close code 1008",
        /// The allocator has no memory for the window.
        Memory => "no memory for the window; fail the connection with close code 1013",
    }
}

from! {
    [] OutOfMemory => DecompressError, |_| Self::Memory;
    [] DecompressError => Error, |error| match error {
        DecompressError::Corrupt => Violation::Deflate.into(),
        DecompressError::FinalBlocks => Limit::FinalBlocks.into(),
        DecompressError::Memory => Limit::Memory.into(),
    };
}
