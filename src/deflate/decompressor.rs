//! Compressed payload into messages (RFC 7692 section 7.2.2): the output is the same however input and room
//! are cut, and grows only by what the caller makes room for.

use super::zlib::Decoder;
use super::{Corrupt, Step};
use crate::config::window_bits;
use alloc::vec::Vec;

/// Decompresses the messages of one direction.
///
/// For each message call [`decompress`](Self::decompress) with what arrives, then [`finish`](Self::finish). Where
/// the peer takes no context over, call [`reset`](Self::reset) between messages.
///
/// ```
/// use sansws::deflate::Decompressor;
///
/// let mut decompressor = Decompressor::new(15);
/// let mut out = [0; 100];
/// let step = decompressor.decompress(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &mut out)?;
/// assert!(step.done);
/// decompressor.finish()?;
/// assert_eq!(out[..step.produced], *b"Hello");
/// # Ok::<(), sansws::deflate::Corrupt>(())
/// ```
pub struct Decompressor {
    decoder: Decoder,
    history: History,
    /// The last four bytes of the message's input.
    last: [u8; 4],
    /// No input came since the message has begun, or since a final block in it.
    is_at_start: bool,
    /// A byte that was decoded while there was no room, to find out whether there are more.
    waiting: Option<u8>,
    /// What comes next is corrupt. What came before it is given out first, as it would have been had the bytes come one
    /// by one.
    is_corrupt: bool,
}

/// What the sender has removed from the end of a message, section 7.2.1.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// An empty block in full, and one byte more, which the decoder leaves alone where the block ends.
const END: [u8; 6] = [0, 0, 0, 0xff, 0xff, 0];
/// Where in [`END`] is the tail.
const END_TAIL: usize = 1;
/// Where in [`END`] the block ends.
const END_BLOCK: usize = 5;

impl Decompressor {
    /// A decoder with an empty window. `window_bits` is the base-2 logarithm of the largest window that the
    /// peer may use, 8 to 15.
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        Self {
            decoder: Decoder::new(),
            history: History::new(window_bits),
            last: [0xff; 4],
            is_at_start: true,
            waiting: None,
            is_corrupt: false,
        }
    }

    /// Forgets the message under way and the window: the next message refers to nothing before it. Keeps the
    /// memory.
    ///
    /// Between messages of a peer that takes no context over (PMD-7.2.2-04 and -06); for any other it would
    /// break the next message (PMD-7.2.2-05, -07 and -08).
    pub fn reset(&mut self) {
        self.decoder.restart();
        self.history.clear();
        self.waiting = None;
        self.is_corrupt = false;
        self.begin_message();
    }

    /// Decompresses a piece of a message, as far as there is room. PMD-7.2.2-02
    ///
    /// Not [`done`](Step::done) means that there is more: call it again with the rest of the input, which may be
    /// empty, and more room; or give up where the message would become too long.
    /// Exactly as much room as the message has bytes is enough.
    ///
    /// # Errors
    /// [`Corrupt`], once all in front of it was given out: the connection has to fail (PMD-7.2.2-03).
    pub fn decompress(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Corrupt> {
        let step = self.decode(input, out, Stop::AtEnd)?;
        let taken = input.get(..step.consumed).unwrap_or_default();
        for &byte in taken.get(taken.len().saturating_sub(self.last.len())..).unwrap_or_default() {
            let [_, second, third, fourth] = self.last;
            self.last = [second, third, fourth, byte];
        }
        Ok(step)
    }

    /// Ends the message, once [`decompress`](Self::decompress) is [`done`](Step::done) with all of it: takes the
    /// tail that the sender has removed, which decompresses to nothing. PMD-7.2.2-01
    ///
    /// # Errors
    /// [`Corrupt`] for a message that ends in the middle of a block, and where `decompress` is not done.
    pub fn finish(&mut self) -> Result<(), Corrupt> {
        // The payload ends with the header of an empty block, that is with at most five bits and zeros. Some
        // peers leave the whole block in its place, or out behind a final block: then it is added in full,
        // which does no harm.
        let is_whole = self.is_at_start || self.last == TAIL;
        let mut at = if is_whole { 0 } else { END_TAIL };
        while at < END_BLOCK {
            let step = self.decode(END.get(at..).unwrap_or_default(), &mut [], Stop::AtBlock)?;
            at = at.saturating_add(step.consumed);
            if !step.done || step.consumed == 0 {
                at = usize::MAX;
            }
        }
        if at > END_BLOCK {
            self.is_corrupt = true;
            // That came out of the tail, and is no part of the message.
            self.waiting = None;
            return Err(Corrupt);
        }
        self.begin_message();
        Ok(())
    }

    fn begin_message(&mut self) {
        self.last = [0xff; 4];
        self.is_at_start = true;
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8], until: Stop) -> Result<Step, Corrupt> {
        let mut step = Step { consumed: 0, produced: 0, done: false };
        if let Some(byte) = self.waiting {
            let Some(first) = out.first_mut() else { return Ok(step) };
            *first = byte;
            self.waiting = None;
            step.produced = 1;
        }
        loop {
            if self.is_corrupt {
                return if step.produced > 0 { Ok(step) } else { Err(Corrupt) };
            }
            let input = input.get(step.consumed..).unwrap_or_default();
            let room = out.get_mut(step.produced..).unwrap_or_default();
            let mut one = [0];
            let is_full = room.is_empty();
            let room = if is_full { &mut one } else { room };
            let decoded = self.decoder.decode(input, room, until == Stop::AtBlock);
            self.is_corrupt = decoded.is_corrupt;
            let bytes = room.get(..decoded.produced).unwrap_or_default();
            let has_room = decoded.produced < room.len();
            self.history.push(bytes);
            step.consumed += decoded.consumed;
            self.is_at_start = decoded.ended || (self.is_at_start && decoded.consumed == 0);
            if decoded.ended {
                // PMD-7.2.1-07 · PMD-7.2.1-08: the next byte begins a new stream, in the same window.
                self.decoder.restart();
                let (older, newer) = self.history.window();
                self.decoder.append_window(older)?;
                self.decoder.append_window(newer)?;
            }
            if is_full {
                self.waiting = bytes.first().copied();
                if self.waiting.is_some() {
                    return Ok(step);
                }
            } else {
                step.produced += decoded.produced;
            }
            // A final block may end with a byte that was taken while there was no room for what it gives.
            if self.is_corrupt {
                continue;
            }
            let has_come_on = decoded.ended || decoded.consumed > 0;
            let goes_on = until == Stop::AtEnd && has_come_on && decoded.consumed < input.len();
            if has_room && !goes_on {
                step.done = true;
                return Ok(step);
            }
        }
    }
}

impl core::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The window is what the peer said, which is nothing for a log.
        f.debug_struct("Decompressor").field("is_at_start", &self.is_at_start).finish_non_exhaustive()
    }
}

/// Where to stop while there are input and room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    AtEnd,
    AtBlock,
}

/// The window once more, for a stream that begins where a final block has ended: the codec forgets its own
/// there, while the RFC lets the peer refer back as before. Grows with the bytes that were decoded.
struct History {
    ring: Vec<u8>,
    capacity: usize,
    /// Where the oldest byte is, once the ring is full.
    start: usize,
}

impl History {
    fn new(bits: u8) -> Self {
        Self { ring: Vec::new(), capacity: 1 << window_bits(bits), start: 0 }
    }

    fn clear(&mut self) {
        self.ring.clear();
        self.start = 0;
    }

    fn push(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(self.capacity)..).unwrap_or_default();
        let room = self.capacity - self.ring.len();
        let (fill, rest) = bytes.split_at(room.min(bytes.len()));
        let len = self.ring.len() + fill.len();
        if len > self.ring.capacity() {
            // At most doubled, and never more than the window.
            self.ring.reserve_exact((2 * len).min(self.capacity) - self.ring.len());
        }
        self.ring.extend_from_slice(fill);
        // Over the oldest bytes, up to the end of the ring and then from its beginning.
        let (first, second) = rest.split_at((self.ring.len() - self.start).min(rest.len()));
        if let Some(oldest) = self.ring.get_mut(self.start..self.start + first.len()) {
            oldest.copy_from_slice(first);
        }
        if let Some(oldest) = self.ring.get_mut(..second.len()) {
            oldest.copy_from_slice(second);
        }
        if !rest.is_empty() {
            self.start = (self.start + rest.len()) % self.capacity;
        }
    }

    /// The older and the newer part.
    fn window(&self) -> (&[u8], &[u8]) {
        let (newer, older) = self.ring.split_at(self.start.min(self.ring.len()));
        (older, newer)
    }
}
