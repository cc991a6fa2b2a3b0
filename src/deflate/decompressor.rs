//! Decompresses messages (RFC 7692 section 7.2.2). The output does not depend on how the input and the room
//! are divided, and it is never larger than the room that the caller provides.

use super::DecompressError::{self, Corrupt};
use super::Step;
use super::history::History;
use super::zlib::{Decoded, RawDecoder};
use crate::bytes::plus;
use crate::config::{MAX_BITS, window_bits};
use crate::memory::OutOfMemory;
use core::mem;

/// Decompresses the messages of one direction.
///
/// For each message, call [`decompress`](Self::decompress) with the payload as it arrives, then
/// [`finish`](Self::finish). Without context takeover, call [`reset`](Self::reset) between messages.
///
/// ```
/// use sansws::deflate::Decompressor;
///
/// let mut decompressor = Decompressor::new(15)?;
/// let mut out = [0; 100];
/// let step = decompressor.decompress(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &mut out)?;
/// assert!(step.done);
/// decompressor.finish()?;
/// assert_eq!(out[..step.produced], *b"Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decompressor {
    decoder: RawDecoder,
    context: Context,
    /// The last four input bytes of the message.
    last: [u8; 4],
    /// Whether no input has arrived since the beginning of the message, or since a final block in it.
    is_at_start: bool,
    /// A byte that was decoded without room for it, to find out whether there is more output.
    waiting: Option<u8>,
    /// Why the decompressor cannot continue. The output before the failure is returned first, as it would be
    /// if the bytes had arrived one by one.
    failure: Option<DecompressError>,
    /// Whether the current message has had a final block. The first one costs no credit.
    has_final_block: bool,
}

/// What remains of earlier messages: with it, another decompressor can read the next message.
pub(super) struct Context {
    /// A copy of the window. At the end of a final block the codec forgets its own window, but the RFC allows
    /// the peer to refer back as before.
    history: History,
    pub(super) credit: Credit,
}

impl Context {
    /// No message has arrived yet. `bits` is the base-2 logarithm of the window.
    pub(super) const fn new(bits: u8) -> Self {
        Self { history: History::new(1 << window_bits(bits)), credit: Credit::new() }
    }
}

/// The credit of a peer for final blocks. A final block makes this end copy the window, and the block can be
/// as short as two bytes. So each byte of payload and of output earns credit, and each final block after the
/// first of its message costs credit. A peer that ends each message, or each flush of some length, with a
/// final block never notices.
#[derive(Clone, Copy)]
pub(super) struct Credit {
    /// The number of bytes that may still be copied.
    left: usize,
    /// The number of bytes that went in and came out since the last final block.
    since_final_block: usize,
}

impl Credit {
    const fn new() -> Self {
        Self { left: MAX_CREDIT, since_final_block: 0 }
    }

    /// Adds what the bytes since the last final block have earned.
    fn earn(&mut self) {
        let earned = mem::take(&mut self.since_final_block).saturating_mul(COPIES_PER_BYTE);
        self.left = self.left.saturating_add(earned).min(MAX_CREDIT);
    }

    /// Pays for a copy of a window with `window_len` bytes. `None`: the credit is used up.
    fn pay(&mut self, window_len: usize) -> Option<()> {
        self.left = self.left.checked_sub(plus(RESTART_COST, window_len))?;
        Some(())
    }
}

/// The most credit, and the credit at the start. It pays for a thousand final blocks with a full window.
/// Copying these windows takes about a millisecond.
const MAX_CREDIT: usize = 1000 * (RESTART_COST + (1 << MAX_BITS));
/// The number of bytes that may be copied for each byte that goes in or comes out. Copying this many bytes
/// takes about a nanosecond.
const COPIES_PER_BYTE: usize = 32;
/// The cost of [`RawDecoder::restart`], as a number of bytes to copy.
const RESTART_COST: usize = 4096;

/// The bytes that the sender has removed from the end of a message, section 7.2.1.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A complete empty block, and one more byte. The decoder does not take this byte if it stops at the end of
/// the block.
const END: [u8; 6] = [0, 0, 0, 0xff, 0xff, 0];
/// The position of the tail in [`END`].
const END_TAIL: usize = 1;
/// The end of the block in [`END`].
const END_BLOCK: usize = 5;

impl Decompressor {
    /// Creates a decompressor with an empty window. `window_bits` is the base-2 logarithm of the largest
    /// window that the peer may use, 8 to 15.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn new(window_bits: u8) -> Result<Self, OutOfMemory> {
        Ok(Self {
            decoder: RawDecoder::new()?,
            context: Context::new(window_bits),
            last: [0xff; 4],
            is_at_start: true,
            waiting: None,
            failure: None,
            has_final_block: false,
        })
    }

    /// Forgets the current message and the window: the next message must not refer to earlier ones. Keeps the
    /// memory.
    ///
    /// Call it between messages of a peer without context takeover (PMD-7.2.2-04 and -06). If the peer uses
    /// context takeover, this call would break the next message (PMD-7.2.2-05, -07 and -08).
    pub fn reset(&mut self) {
        self.decoder.restart();
        self.context.history.clear();
        self.waiting = None;
        self.failure = None;
        self.begin_message();
    }

    /// Supports every window of the next peer, and gives this peer the whole credit. The caller has reset the
    /// decompressor.
    pub(super) const fn begin_with_another_peer(&mut self) {
        self.context.history.capacity = 1 << MAX_BITS;
        self.context.credit = Credit::new();
    }

    /// The credit that the peer has left.
    pub(super) const fn credit(&self) -> Credit {
        self.context.credit
    }

    /// Continues with the messages of a peer that has this credit.
    pub(super) const fn set_credit(&mut self, credit: Credit) {
        self.context.credit = credit;
    }

    /// Whether the last message has ended, so that the next input begins a message.
    pub(super) const fn is_between_messages(&self) -> bool {
        self.is_at_start && !self.has_final_block && self.waiting.is_none() && self.failure.is_none()
    }

    /// Takes out what the next message needs. Until [`set_context`](Self::set_context) returns it, only the
    /// window of the codec itself remains here.
    pub(super) const fn take_context(&mut self) -> Context {
        mem::replace(&mut self.context, Context::new(MAX_BITS))
    }

    /// Continues with the messages of this context. `has_window`: the codec has decoded the last of them. If
    /// not, the caller has reset the decompressor.
    pub(super) fn set_context(&mut self, context: Context, has_window: bool) {
        self.context = context;
        if !has_window {
            self.failure = self.append_window().err();
        }
    }

    /// Copies the history to the window of the codec. Call this only directly after it was restarted.
    fn append_window(&mut self) -> Result<(), DecompressError> {
        let (older, newer) = self.context.history.window();
        self.decoder.append_window(older)?;
        self.decoder.append_window(newer)
    }

    /// Decompresses a piece of a message, as far as there is room. PMD-7.2.2-02
    ///
    /// If the step is not [`done`](Step::done), there is more output: call it again with the rest of the
    /// input, which may be empty, and more room; or give up if the message would become too long. A message
    /// of `n` bytes never needs more than `n` bytes of room.
    ///
    /// # Errors
    /// [`DecompressError::Corrupt`], after all output before the corrupt input: the connection has to fail
    /// (PMD-7.2.2-03). [`DecompressError::FinalBlocks`]: the message has too many final blocks.
    /// [`DecompressError::Memory`]: the output of this call is lost.
    pub fn decompress(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, DecompressError> {
        let step = self.decode(input, out, Stop::AtEnd)?;
        let taken = input.get(..step.consumed).unwrap_or_default();
        for &byte in taken.get(taken.len().saturating_sub(self.last.len())..).unwrap_or_default() {
            let [_, second, third, fourth] = self.last;
            self.last = [second, third, fourth, byte];
        }
        Ok(step)
    }

    /// Ends the message, after [`decompress`](Self::decompress) is [`done`](Step::done) with all of its
    /// payload. This call decompresses the tail that the sender has removed, which adds no output.
    /// PMD-7.2.2-01
    ///
    /// # Errors
    /// [`DecompressError::Corrupt`] if the message ends in the middle of a block, or if `decompress` is not
    /// done.
    pub fn finish(&mut self) -> Result<(), DecompressError> {
        // Normally the payload ends with the header of an empty block: three zero bits, and zeros up to the
        // next byte. Some peers do not remove the rest of this block, or write no such block after a final
        // block. Then a complete empty block is added, which does no harm.
        let is_whole = self.is_at_start || self.last == TAIL;
        let mut at = if is_whole { 0 } else { END_TAIL };
        while at < END_BLOCK {
            let step = self.decode(END.get(at..).unwrap_or_default(), &mut [], Stop::AtBlock)?;
            at = plus(at, step.consumed);
            if !step.done || step.consumed == 0 || at > END_BLOCK {
                self.failure = Some(Corrupt);
                // This byte was decoded from the tail and is not part of the message.
                self.waiting = None;
                return Err(Corrupt);
            }
        }
        self.begin_message();
        Ok(())
    }

    fn begin_message(&mut self) {
        self.last = [0xff; 4];
        self.is_at_start = true;
        self.has_final_block = false;
    }

    /// Takes the price of a final block from the [`Credit`]. The first one of a message is free.
    fn pay_for_final_block(&mut self) {
        let Context { history, credit } = &mut self.context;
        credit.earn();
        if mem::replace(&mut self.has_final_block, true) && credit.pay(history.len()).is_none() {
            self.failure = Some(DecompressError::FinalBlocks);
        }
    }

    /// Records what the codec has done; `bytes` are its output. After a final block the codec begins anew.
    fn record(&mut self, decoded: &Decoded, bytes: &[u8]) -> Result<(), DecompressError> {
        self.failure = decoded.is_corrupt.then_some(Corrupt);
        self.context.history.push(bytes).inspect_err(|_| self.failure = Some(Corrupt))?;
        self.is_at_start = decoded.ended || (self.is_at_start && decoded.consumed == 0);
        let since = &mut self.context.credit.since_final_block;
        *since = since.saturating_add(decoded.consumed).saturating_add(decoded.produced);
        if decoded.ended {
            self.pay_for_final_block();
            // PMD-7.2.1-07 · PMD-7.2.1-08: the next byte begins a new stream, in the same window.
            self.decoder.restart();
            self.append_window()?;
        }
        Ok(())
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8], until: Stop) -> Result<Step, DecompressError> {
        let mut step = Step { consumed: 0, produced: 0, done: false };
        if let Some(byte) = self.waiting {
            let Some(first) = out.first_mut() else { return Ok(step) };
            *first = byte;
            self.waiting = None;
            step.produced = 1;
        }
        loop {
            if let Some(failure) = self.failure {
                return if step.produced > 0 { Ok(step) } else { Err(failure) };
            }
            let input = input.get(step.consumed..).unwrap_or_default();
            let room = out.get_mut(step.produced..).unwrap_or_default();
            let mut one = [0];
            let is_full = room.is_empty();
            let room = if is_full { &mut one } else { room };
            let decoded = self.decoder.decode(input, room, until == Stop::AtBlock);
            let bytes = room.get(..decoded.produced).unwrap_or_default();
            let has_room = decoded.produced < room.len();
            self.record(&decoded, bytes)?;
            step.consumed = plus(step.consumed, decoded.consumed);
            if is_full {
                self.waiting = bytes.first().copied();
                if self.waiting.is_some() {
                    return Ok(step);
                }
            } else {
                step.produced = plus(step.produced, decoded.produced);
            }
            // Even without room for output the codec may take the byte that ends a final block.
            if self.failure.is_some() {
                continue;
            }
            // If the tail of the previous message ended a final block, the codec says so only now.
            if decoded.ended && decoded.consumed == 0 {
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

// The window holds payload of the peer, which must not appear in a log.
debug!(Decompressor, |this| Decompressor { is_at_start: this.is_at_start });

/// The condition to stop although input and room are left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    AtEnd,
    AtBlock,
}

#[cfg(test)]
#[path = "../../tests/unit/deflate/decompressor.rs"]
mod tests;
