//! The DEFLATE codec (RFC 1951, raw data) of the crate `zlib-rs`. No other file uses this crate, so it can be
//! replaced.
//!
//! The documentation of zlib-rs does not say this: an [`Inflate`] always has a window of 32,768 bytes. A
//! [`Deflate`] rejects a window of 256 bytes for raw data. With a window of 512 bytes it refers back at most
//! 250 bytes, so this file asks for 512 instead of 256.

use super::DecompressError::{self, Corrupt};
use crate::bytes::{minus, plus};
use crate::config::{MAX_BITS, MIN_BITS};
use crate::memory::{OutOfMemory, with_capacity};
use core::hint::black_box;
use std::panic::{UnwindSafe, catch_unwind};
use zlib_rs::{
    Deflate, DeflateConfig as DeflateOptions, DeflateFlush, Inflate, InflateError, InflateFlush, Method,
    Status, Strategy,
};

/// Decompresses one DEFLATE stream.
pub(super) struct RawDecoder(Inflate);

/// The progress of one call of [`RawDecoder::decode`].
pub(super) struct Decoded {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// Whether a final block has ended. If so, call [`RawDecoder::restart`] before the next stream.
    pub(super) ended: bool,
    /// Whether the rest of the input is not DEFLATE data.
    pub(super) is_corrupt: bool,
}

/// The codec borrows its state mutably, so the compiler does not implement this trait by itself. A panic
/// cannot leave the state half changed: no code of a caller runs while the codec does.
impl UnwindSafe for RawDecoder {}
impl UnwindSafe for RawEncoder {}

impl RawDecoder {
    pub(super) fn new() -> Result<Self, OutOfMemory> {
        // PMD-7.2.2-10 · PMD-7.2.2-12
        create(DECODER, || Self(Inflate::new(false, MAX_BITS)))
    }

    /// Decodes until the input is used up, `out` is full, or a final block has ended. With `stop_at_block` it
    /// stops at the end of every block.
    #[expect(clippy::cast_possible_truncation, reason = "both counts are at most the length of a slice")]
    pub(super) fn decode(&mut self, input: &[u8], out: &mut [u8], stop_at_block: bool) -> Decoded {
        let flush = if stop_at_block { InflateFlush::Block } else { InflateFlush::SyncFlush };
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, out, flush);
        let (ended, is_corrupt) = match status {
            Ok(Status::StreamEnd) => (true, false),
            Ok(Status::Ok | Status::BufError) => (false, false),
            Err(
                InflateError::DataError
                | InflateError::NeedDict { .. }
                | InflateError::StreamError
                | InflateError::MemError,
            ) => (false, true),
        };
        let consumed = self.0.total_in().wrapping_sub(before_in) as usize;
        let produced = self.0.total_out().wrapping_sub(before_out) as usize;
        Decoded { consumed, produced, ended, is_corrupt }
    }

    /// Begins a new stream, with an empty window.
    pub(super) fn restart(&mut self) {
        self.0.reset(false);
    }

    /// Appends to the window. Call this only directly after [`restart`](Self::restart).
    pub(super) fn append_window(&mut self, bytes: &[u8]) -> Result<(), DecompressError> {
        if !bytes.is_empty() {
            self.0.set_dictionary(bytes).map_err(|_| Corrupt)?;
        }
        Ok(())
    }
}

/// Compresses into one DEFLATE stream, which never ends.
pub(super) struct RawEncoder(Deflate);

/// The progress of one call of a [`RawEncoder`].
pub(super) struct Encoded {
    pub(super) consumed: usize,
    pub(super) produced: usize,
}

impl RawEncoder {
    /// The least room for [`flush`](Self::flush): with less room every call may write the marker of a flush
    /// again.
    pub(super) const MIN_ROOM: usize = 7;

    pub(super) fn new(level: u8, window_bits: u8) -> Result<Self, OutOfMemory> {
        let window_bits = window_bits.clamp(MIN_BITS + 1, MAX_BITS);
        let mem_level = mem_level(window_bits);
        create(encoder_len(window_bits, mem_level), || {
            Self(Deflate::new_with_config(DeflateOptions {
                level: i32::from(level),
                method: Method::Deflated,
                // PMD-7.3-02: a negative number stands for raw data, without header and checksum.
                window_bits: i32::from(window_bits).wrapping_neg(),
                mem_level,
                strategy: Strategy::Default,
            }))
        })
    }

    /// Compresses without a flush.
    pub(super) fn encode(&mut self, input: &[u8], out: &mut [u8]) -> Encoded {
        self.run(input, out, DeflateFlush::NoFlush)
    }

    /// Compresses all input, and ends at a byte boundary. The flush is complete if it leaves room in `out`.
    pub(super) fn flush(&mut self, input: &[u8], out: &mut [u8]) -> Encoded {
        self.run(input, out, DeflateFlush::SyncFlush)
    }

    #[expect(clippy::cast_possible_truncation, reason = "both counts are at most the length of a slice")]
    fn run(&mut self, input: &[u8], out: &mut [u8], flush: DeflateFlush) -> Encoded {
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        // An error means wrong parameters or a call after the end of the stream; neither happens here.
        let _ = self.0.compress(input, out, flush);
        Encoded {
            consumed: self.0.total_in().wrapping_sub(before_in) as usize,
            produced: self.0.total_out().wrapping_sub(before_out) as usize,
        }
    }

    /// Begins a new stream, with an empty window.
    pub(super) fn restart(&mut self) {
        self.0.reset();
    }

    /// Appends to the window. Call this only directly after [`restart`](Self::restart).
    pub(super) fn append_window(&mut self, bytes: &[u8]) {
        // An error means a call in the middle of a message.
        let _ = self.0.set_dictionary(bytes);
    }

    /// The greatest distance that an encoder with this window refers back: zlib keeps 262 bytes of a window
    /// free, so that a match never reaches beyond its end.
    pub(super) const fn max_distance(window_bits: u8) -> usize {
        let window_bits = if window_bits > MIN_BITS { window_bits } else { MIN_BITS + 1 };
        minus(1_usize.wrapping_shl(window_bits as u32), 262)
    }
}

/// The memory level of zlib: a block has up to 2^(6 + level) symbols. A higher level makes messages of 100 KB
/// smaller by less than 1 %, and costs up to 100 KiB. A lower level makes them several percent larger, and is
/// slower. Small messages are one block at any level.
fn mem_level(window_bits: u8) -> i32 {
    if window_bits < 13 { 5 } else { 6 }
}

/// The memory of a decoder, in bytes; a little more than zlib-rs takes.
const DECODER: usize = 47 * 1024;

/// The memory of an encoder, in bytes; a little more than zlib-rs takes: twice the window, two bytes for each
/// place in the window, a hash table, seven bytes for each symbol of a block, and the state.
///
/// A window has at most 15 bits, and a level is at most 9, so nothing wraps.
const fn encoder_len(window_bits: u8, mem_level: i32) -> usize {
    let (window, symbols) =
        (4_usize.wrapping_shl(window_bits as u32), 64_usize.wrapping_shl(mem_level.unsigned_abs()));
    plus(plus(window, 7_usize.wrapping_mul(symbols)), (128 + 4) * 1024)
}

/// Calls a constructor that allocates `len` bytes and panics without memory: zlib-rs has no other kind.
///
/// The panic itself needs memory, and a panic hook may abort. So this function first allocates as much
/// memory, and frees it just before the call. Only another thread can take the memory in between.
fn create<T>(len: usize, constructor: impl FnOnce() -> T + UnwindSafe) -> Result<T, OutOfMemory> {
    // The compiler must not remove an allocation that nothing uses.
    drop(black_box(with_capacity::<Line>(len.div_ceil(size_of::<Line>()))?));
    catch_unwind(constructor).map_err(|_| OutOfMemory)
}

/// The alignment of the memory in zlib-rs.
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only its size matters")] [u8; 64]);
