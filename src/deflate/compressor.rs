//! Compresses messages (RFC 7692 section 7.2.1). The output never refers to a byte that the peer has not seen
//! in a compressed message: a caller that withholds compressed bytes from the peer calls
//! [`Compressor::reset`].

use super::Step;
use super::decompressor::TAIL;
use super::history::History;
use super::zlib::RawEncoder;
use crate::bytes::plus;
use crate::config::window_bits;
use crate::memory::OutOfMemory;
use core::mem;

/// Compresses the messages of one direction.
///
/// For each message, call [`finish`](Self::finish) with the whole message, or [`compress`](Self::compress)
/// with each piece and then `finish` with the last piece. Compress one message completely before you begin
/// the next.
///
/// ```
/// use sansws::deflate::Compressor;
///
/// let mut compressor = Compressor::new(6, 15)?;
/// let mut out = [0; 100];
/// let step = compressor.finish(b"Hello", &mut out);
/// assert!(step.done);
/// assert_eq!(out[..step.produced], [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
/// # Ok::<(), sansws::deflate::OutOfMemory>(())
/// ```
///
/// # Context takeover
///
/// A compressed message refers to the messages before it. [`reset`](Self::reset) forgets them: the next
/// message then begins with an empty window. The call itself costs nothing. Call it
///
/// - after each message, if no context is taken over (PMD-7.2.1-12, PMD-7.2.1-14, PMD-7.1.1.2-05);
/// - after a message that was compressed and then sent uncompressed, as
///   [`prefers_plain`](Self::prefers_plain) may advise: the peer does not see the compressed bytes. A message
///   that the compressor has never seen changes nothing (PMD-7.2.3.2-01);
/// - when the peer gets a compressed message from another compressor, such as a message that is compressed
///   once for many connections: the peer's window then holds bytes that this compressor does not know. Such a
///   message must come from a new or reset compressor, so that it refers to nothing before it.
pub struct Compressor {
    encoder: RawEncoder,
    pub(super) level: u8,
    pub(super) window_bits: u8,
    /// Whether the next message begins with an empty window.
    is_reset: bool,
    /// Whether some input has not been flushed yet.
    has_input: bool,
    /// The last bytes of the output, while they may still be the tail that the message must not have.
    held: Option<[u8; TAIL.len()]>,
    /// The last bytes of the input, if another compressor may have to continue with them.
    history: Option<History>,
}

impl Compressor {
    /// The least room that [`flush`](Self::flush) and [`finish`](Self::finish) need.
    pub const MIN_ROOM: usize = TAIL.len() + RawEncoder::MIN_ROOM + 5;

    /// Creates a compressor with an empty window. `level` is 1 (fastest) to 9 (smallest). `bits` is the
    /// base-2 logarithm of the window, 8 to 15: no message refers back further (PMD-7.2.1-16, PMD-7.2.1-18,
    /// PMD-7.2.2-13).
    ///
    /// # Errors
    /// [`OutOfMemory`]. No other call allocates.
    pub fn new(level: u8, bits: u8) -> Result<Self, OutOfMemory> {
        let (level, window_bits) = (level.clamp(1, 9), window_bits(bits));
        Ok(Self {
            encoder: RawEncoder::new(level, window_bits)?,
            level,
            window_bits,
            is_reset: false,
            has_input: false,
            held: None,
            history: None,
        })
    }

    /// The number of bytes of room that always suffices to compress `len` bytes in one step.
    #[must_use]
    pub const fn bound(len: usize) -> usize {
        // The fastest level writes data that does not repeat as literals of at most 9 bits; it has no shorter
        // form.
        len.saturating_add(len / 8).saturating_add(len / 64).saturating_add(2 * Self::MIN_ROOM)
    }

    /// Compresses a piece of a message that is not the last. Later calls return most of the output.
    /// PMD-7.2.1-01
    ///
    /// If the step is not [`done`](Step::done), `out` is full: call this again with the rest of the input and
    /// more room.
    pub fn compress(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        self.begin();
        let encoded = self.encoder.encode(input, out);
        self.has_input |= encoded.consumed > 0;
        self.remember(input, encoded.consumed);
        Step { consumed: encoded.consumed, produced: encoded.produced, done: encoded.consumed == input.len() }
    }

    /// Compresses a piece of a message so that the peer can read all of it at once: for a fragment that is
    /// not the last. PMD-7.2.1-09 · PMD-7.2.1-10
    ///
    /// If the step is not [`done`](Step::done), `out` is full or has less room than
    /// [`MIN_ROOM`](Self::MIN_ROOM): call this again with the rest of the input and more room.
    pub fn flush(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        if input.is_empty() && !self.has_input {
            return Step { consumed: 0, produced: 0, done: true };
        }
        if out.len() < Self::MIN_ROOM {
            return Step { consumed: 0, produced: 0, done: false };
        }
        self.begin();
        let encoded = self.encoder.flush(input, out);
        self.remember(input, encoded.consumed);
        let done = encoded.consumed == input.len() && encoded.produced < out.len();
        self.has_input = !done;
        Step { consumed: encoded.consumed, produced: encoded.produced, done }
    }

    /// Compresses the last piece of a message and ends it. PMD-7.2.1-01 to PMD-7.2.1-04
    ///
    /// If the step is not [`done`](Step::done), `out` is full or has less room than
    /// [`MIN_ROOM`](Self::MIN_ROOM): call this again with the rest of the input, which may be empty, and more
    /// room.
    pub fn finish(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        let stuck = Step { consumed: 0, produced: 0, done: false };
        if input.is_empty() && !self.has_input {
            // PMD-7.2.1-04 · PMD-7.2.3.6-01: after a flush the codec itself writes no empty block.
            let Some(first) = out.first_mut() else { return stuck };
            *first = 0;
            return Step { consumed: 0, produced: 1, done: true };
        }
        if out.len() < Self::MIN_ROOM {
            return stuck;
        }
        self.begin();
        // out:  | held | compressed now | room |
        //                          ^^^^ held for the next call, or dropped as the tail of the message
        let held = self.held.take().map_or(0, |held| {
            out.iter_mut().zip(held).for_each(|(slot, byte)| *slot = byte);
            held.len()
        });
        let room = out.get_mut(held..).unwrap_or_default();
        let encoded = self.encoder.flush(input, room);
        self.remember(input, encoded.consumed);
        let done = encoded.consumed == input.len() && encoded.produced < room.len();
        self.has_input = !done;
        // PMD-7.2.1-03
        let produced = plus(held, encoded.produced).saturating_sub(TAIL.len());
        if !done {
            self.held = out.get(produced..).and_then(|rest| rest.first_chunk()).copied();
        }
        Step { consumed: encoded.consumed, produced, done }
    }

    /// Forgets the window and an unfinished message, so that the next message refers to no earlier one.
    pub fn reset(&mut self) {
        self.is_reset = true;
        self.has_input = false;
        self.held = None;
        if let Some(history) = &mut self.history {
            history.clear();
        }
    }

    /// Whether the last message, or at least its last fragment, is compressed completely.
    pub(super) const fn is_between_messages(&self) -> bool {
        !self.has_input && self.held.is_none()
    }

    /// From now on the compressor keeps a history, beginning with these bytes. A compressor that was reset
    /// takes them as its window. Does nothing if it has a history already.
    pub(super) fn keep_history(&mut self, earlier: &mut History) {
        if self.history.is_none() {
            let capacity = earlier.capacity;
            self.history = Some(mem::replace(earlier, History::new(capacity)));
        }
    }

    /// Takes out the history, which is what another compressor needs for the next message.
    pub(super) const fn take_history(&mut self) -> Option<History> {
        self.history.take()
    }

    /// Adds the first `consumed` bytes of the input, which the encoder has taken, to the history.
    fn remember(&mut self, input: &[u8], consumed: usize) {
        if let Some(history) = &mut self.history {
            let bytes = input.get(..consumed).unwrap_or_default();
            // Without memory the history begins anew with the next bytes: later messages need not refer to
            // earlier bytes.
            if history.push(bytes).is_err() {
                history.clear();
            }
        }
    }

    /// Whether a message of `plain` bytes that was compressed to `compressed` bytes should be sent
    /// uncompressed. If so, [reset](Self::reset) the compressor.
    ///
    /// Without context takeover the answer is yes if the message did not become shorter. With context
    /// takeover the window is worth more than the few bytes that such a message grows by, unless the message
    /// has filled the window. `bits` is the base-2 logarithm of the window, and becomes 8 to 15 as in
    /// [`new`](Self::new).
    #[must_use]
    pub const fn prefers_plain(bits: u8, plain: usize, compressed: usize, takeover: bool) -> bool {
        compressed >= plain && (!takeover || plain >> window_bits(bits) > 0)
    }

    fn begin(&mut self) {
        if self.is_reset {
            self.encoder.restart();
            if let Some(history) = &self.history {
                let (older, newer) = history.window();
                self.encoder.append_window(older);
                self.encoder.append_window(newer);
            }
            self.is_reset = false;
        }
    }
}

debug!(Compressor, |this| Compressor { level: this.level, window_bits: this.window_bits });

#[cfg(test)]
#[path = "../../tests/unit/deflate/compressor.rs"]
mod tests;
