//! Compression of messages: the extension permessage-deflate (RFC 7692).
//!
//! - [`DeflateConfig`] negotiates: it writes a client's offer and a server's answer, and checks this answer,
//!   as values of `Sec-WebSocket-Extensions`. The result of the negotiation is a [`DeflateParams`].
//! - [`Compressor`] and [`Decompressor`] transform the payload of messages, in pieces of any size (section
//!   7.2).
//! - [`SendCodec`] and [`ReceiveCodec`] hold the codec of each direction in a connection: they create it when
//!   a message needs it, and keep it or return it to a pool between messages.
//! - [`Pool`] keeps codecs between messages, for many connections.
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
//! A [`Decompressor`] holds 47 KiB, and in addition up to the size of the window as messages arrive.
//!
//! Without a [`Pool`] a connection holds its codecs from the first compressed message on. With a pool an idle
//! connection holds no codec. If a context is taken over, it holds the last bytes of the messages in each
//! direction: at most the window, and at most a quarter more than the bytes that were exchanged.
//!
//! If the allocator has no memory for a codec, the call returns [`OutOfMemory`], and a connection fails with
//! [`Limit::Memory`] or sends the message uncompressed. The crate `zlib-rs` has no constructor that returns
//! an error, only one that panics. So this library first checks whether the allocator has enough memory. If
//! another thread takes that memory in between, `zlib-rs` panics; the library catches this panic. The panic
//! hook then still runs, and a program that is built with `panic = "abort"` aborts. [`Pool`] names two more
//! small allocations, which happen once.
//!
//! # Which window
//!
//! With a pool and context takeover, a small window costs little memory in an idle connection, and a large
//! one makes messages shorter. A message costs less time if its connection finds the codec that it used last.
//! If not, another codec first reads the window of the connection: it is *primed*.
//!
//! | window bits | idle connection | length | compress | primed | decompress | primed |
//! |---|--:|--:|--:|--:|--:|--:|
//! | 9 | 1 KiB | 37 % | 14 µs | 14 µs | 3.4 µs | 3.5 µs |
//! | 10 | 2 KiB | 31 % | 11 µs | 14 µs | 3.4 µs | 3.6 µs |
//! | 11 | 4 KiB | 28 % | 11 µs | 15 µs | 3.0 µs | 3.2 µs |
//! | 12 | 8 KiB | 26 % | 11 µs | 17 µs | 2.7 µs | 2.9 µs |
//! | 13 | 16 KiB | 25 % | 11 µs | 22 µs | 2.3 µs | 2.3 µs |
//! | 15 | 64 KiB | 24 % | 18 µs | 55 µs | 1.1 µs | 1.9 µs |
//!
//! The memory is that of both directions. The messages are chat records of 500 bytes, and the level is 6. A
//! compressor of level 1 needs 1.4 to 5 µs, and primed 5 to 39 µs, for 32 to 50 %. The figures were measured
//! with rustc 1.95.0 on an Intel Xeon that was also busy with other work. `cargo bench -p benches --features
//! deflate --bench takeover` measures more lengths and levels, next to C zlib; `benches/takeover.md` has the
//! results.
//!
//! - Many connections that are idle most of the time, such as a chat or notifications: 10 to 12 bits, and a
//!   pool of one codec for each thread. Almost every message gets the codec of another connection, and that
//!   costs little.
//! - Some connections are busy, such as those of a game or a feed: a pool with a codec for each of them. Any
//!   window is fine, because a busy connection finds its own codec.
//! - Memory is short: 9 bits.
//! - 15 bits suit few connections. A primed compressor first reads up to 32 KiB, which takes 36 µs.
//!
//! # Security
//!
//! Compression can leak secrets over TLS (section 8). If an attacker can place text next to a secret and see
//! the length of the sent frames, send such messages uncompressed, or turn context takeover off.

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
    /// Whether the call has done all of its work. If not, repeat the call with the rest of the input and more
    /// room.
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
