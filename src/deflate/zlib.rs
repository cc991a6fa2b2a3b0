//! The codec itself: raw DEFLATE (RFC 1951) by zlib-rs. Nothing else knows of it, so that another can take
//! its place.
//!
//! What zlib-rs does not say: an [`Inflate`] has a window of 32,768 bytes whatever it is asked for. A
//! [`Deflate`] refuses a window of 256 bytes for raw data; with one of 512 it refers back 250 bytes at most,
//! so that is what it gets.

use super::Corrupt;
use crate::config::{MAX_BITS, MIN_BITS};
use zlib_rs::{
    Deflate, DeflateConfig, DeflateFlush, Inflate, InflateError, InflateFlush, Method, Status, Strategy,
};

/// Decompresses one DEFLATE stream.
pub(super) struct Decoder(Inflate);

/// How far a decoder came.
pub(super) struct Decoded {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// A final block has ended; the next stream needs [`Decoder::restart`].
    pub(super) ended: bool,
    /// What follows is no DEFLATE data.
    pub(super) is_corrupt: bool,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self(Inflate::new(false, MAX_BITS))
    }

    /// Decodes until the input is used up, `out` is full, a final block has ended or, with `stop_at_block`,
    /// any block has.
    #[expect(clippy::cast_possible_truncation, reason = "what is counted lies in the two slices")]
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
        let consumed = (self.0.total_in() - before_in) as usize;
        let produced = (self.0.total_out() - before_out) as usize;
        Decoded { consumed, produced, ended, is_corrupt }
    }

    /// Begins a new stream with an empty window.
    pub(super) fn restart(&mut self) {
        self.0.reset(false);
    }

    /// Appends to the window, after [`restart`](Self::restart) only.
    pub(super) fn append_window(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        if !bytes.is_empty() {
            self.0.set_dictionary(bytes).map_err(|_| Corrupt)?;
        }
        Ok(())
    }
}

/// Compresses into one DEFLATE stream, which never ends.
pub(super) struct Encoder(Deflate);

/// How far an encoder came.
pub(super) struct Encoded {
    pub(super) consumed: usize,
    pub(super) produced: usize,
}

impl Encoder {
    /// The least room that [`flush`](Self::flush) can be given: with less the marker of a flush may be
    /// written again each time.
    pub(super) const MIN_ROOM: usize = 7;

    pub(super) fn new(level: u8, window_bits: u8) -> Self {
        let window_bits = window_bits.clamp(MIN_BITS + 1, MAX_BITS);
        Self(Deflate::new_with_config(DeflateConfig {
            level: i32::from(level),
            method: Method::Deflated,
            window_bits: -i32::from(window_bits),
            mem_level: mem_level(window_bits),
            strategy: Strategy::Default,
        }))
    }

    /// Compresses, without an end.
    pub(super) fn encode(&mut self, input: &[u8], out: &mut [u8]) -> Encoded {
        self.run(input, out, DeflateFlush::NoFlush)
    }

    /// Compresses up to a border of bytes. Complete where it leaves room in `out`.
    pub(super) fn flush(&mut self, input: &[u8], out: &mut [u8]) -> Encoded {
        self.run(input, out, DeflateFlush::SyncFlush)
    }

    #[expect(clippy::cast_possible_truncation, reason = "what is counted lies in the two slices")]
    fn run(&mut self, input: &[u8], out: &mut [u8], flush: DeflateFlush) -> Encoded {
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        // Errors are for wrong parameters and for calls after an end, neither of which there are.
        let _ = self.0.compress(input, out, flush);
        Encoded {
            consumed: (self.0.total_in() - before_in) as usize,
            produced: (self.0.total_out() - before_out) as usize,
        }
    }

    /// Begins a new stream with an empty window.
    pub(super) fn restart(&mut self) {
        self.0.reset();
    }
}

/// A block has up to 2^(6 + this) symbols. More than this makes messages of 100 KB smaller by less than 1 %,
/// and costs 100 KiB at the most; less makes them larger by several, and slower. Small messages are one block
/// anyway.
fn mem_level(window_bits: u8) -> i32 {
    if window_bits < 13 { 5 } else { 6 }
}
