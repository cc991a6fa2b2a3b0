//! The receive buffer as one value with its own states.
//!
//! Most of the time the embedder reads into a buffer of its own and passes the bytes as input. The receive
//! buffer then holds only payload that waits for the rest of its message:
//!
//! ```text
//!   Input      | payload .................... | room ......... |
//! ```
//!
//! For large messages the embedder reads straight into the receive buffer
//! ([`received`](ReceiveBuffer::received)). The connection then parses the bytes in the buffer. In the
//! pictures, `P` is payload of the current message, `H` a frame header, `p` payload that is not parsed yet,
//! and `.` is free:
//!
//! ```text
//!   received(6)    before   | P P | .  .  .  .  .  . |        Input
//!                  after    | P P | H  H  p  p  p  p |        Unparsed { payload: 2, unparsed: 6 }
//!
//!   take(2), a header: the gap behind the payload grows
//!                  before   | P P | H  H  p  p  p  p |        Unparsed { payload: 2, unparsed: 6 }
//!                  after    | P P | gap | p  p  p  p |        Unparsed { payload: 2, unparsed: 4 }
//!
//!   keep(4), payload: it moves down over the gap
//!                  before   | P P | gap | p  p  p  p |        Unparsed { payload: 2, unparsed: 4 }
//!                  after    | P P   P  P  P  P | .  . |       Input
//!
//!   release(), after the event: drops the payload and the gap, and keeps the unparsed bytes
//!                  before   | P P | gap | H  H  p  p |        Unparsed { payload: 2, unparsed: 4 }
//!                  after    | H  H  p  p | .  .  .  . |       Unparsed { payload: 0, unparsed: 4 }
//! ```
//!
//! The first frame of a message leaves no gap: without payload in front, a header is dropped from the front
//! of the buffer, and the payload does not move at all.

use crate::bytes::{minus, plus, to_u32, to_usize};
use crate::storage::sealed::Buffer;

/// The size of a usual read, in bytes.
pub(super) const USUAL_READ: usize = 16 * 1024;

/// The receive buffer. If the storage does not grow, the embedder cannot read into it, and parsing always
/// continues in the input.
pub(super) struct ReceiveBuffer<B> {
    bytes: B,
    /// This field and `unparsed` encode [`Resume`] in eight bytes instead of twelve, because an idle
    /// connection has 256 bytes in all. `Input` is `IN_INPUT` and 0, and `Complete` is 0 and 0. In
    /// `Unparsed`, this field is never `IN_INPUT`: a buffer has at most that many bytes, and at least one of
    /// them is not parsed.
    payload: u32,
    unparsed: u32,
    borrowed: Borrowed,
    /// Whether an event borrows the buffer, parsing continues in it, or its free space is lent. This spares
    /// the fast path some comparisons.
    is_busy: bool,
    /// The free space that is lent to the embedder.
    loan: Loan,
    /// Whether the last read into the buffer was small, although much space was lent for a masked message.
    pub(super) reads_are_small: bool,
    /// The memory that the buffer keeps when it is empty, in bytes.
    pub(super) keep_capacity: u32,
}

/// Marks [`Resume::Input`]. The value is not zero, because a longer run of zeros in a new connection would
/// link `memset` on a small target.
const IN_INPUT: u32 = u32::MAX;

/// The memory that the last event borrows. The next call releases it first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Borrowed {
    /// No memory of the connection. The event may borrow the input.
    Nothing,
    /// The message in the receive buffer or in the joined text, or the HTTP head in the buffer.
    Message,
    /// The part of a compressed message that is in the receive buffer. More parts will follow.
    #[cfg(feature = "deflate")]
    Part,
    /// The payload of a control frame.
    Control,
    /// The text in front of a byte that cannot be UTF-8. The next call fails.
    TextBeforeBadByte,
}

/// The amount of free space that is lent to the embedder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Loan {
    Nothing,
    /// At most [`USUAL_READ`] bytes.
    Usual,
    /// More than [`USUAL_READ`] bytes.
    Large,
}

/// Where the connection continues to parse. This also tells which bytes the buffer holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resume {
    /// In the embedder's input. All bytes in the buffer are payload of one message, or an HTTP head.
    Input,
    /// In the last `unparsed` bytes of the buffer. The first `payload` bytes belong to one message. Between
    /// the two is the gap that headers have left. `unparsed` is never 0.
    Unparsed { payload: u32, unparsed: u32 },
    /// In the embedder's input, but first the next call reports the message that fills the buffer.
    Complete,
}

/// A step from one state of the buffer to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum BufferStep {
    /// The embedder has read `len` bytes to the end of the buffer, behind `filled` other bytes.
    Received { filled: u32, len: u32 },
    /// The embedder has read payload that completes a message, and nothing else.
    Completed,
    /// The first `n` unparsed bytes leave the buffer: they are a header, or payload that was copied
    /// elsewhere.
    Taken(u32),
    /// The first `n` unparsed bytes are payload of the current message and remain in the buffer.
    Kept(u32),
    /// The connection reports the message that fills the buffer.
    Reported,
    /// The message is no longer needed.
    Released,
}

impl Resume {
    /// The table of transitions. `None`: the step is not legal in this state.
    // Each caller passes a constant step. Inlining leaves only the row of that step.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    const fn next(self, step: BufferStep) -> Option<Self> {
        match (self, step) {
            (Self::Input, BufferStep::Received { filled, len }) => Some(Self::unparsed(filled, len)),
            (Self::Unparsed { payload, unparsed }, BufferStep::Received { len, .. }) => {
                Some(Self::unparsed(payload, unparsed.saturating_add(len)))
            }
            (Self::Input, BufferStep::Completed) => Some(Self::Complete),
            (Self::Unparsed { payload, unparsed }, BufferStep::Taken(len)) => match unparsed.checked_sub(len)
            {
                Some(rest) => Some(Self::unparsed(payload, rest)),
                None => None,
            },
            (Self::Unparsed { payload, unparsed }, BufferStep::Kept(len)) => {
                match unparsed.checked_sub(len) {
                    Some(rest) => Some(Self::unparsed(payload.saturating_add(len), rest)),
                    None => None,
                }
            }
            (Self::Complete, BufferStep::Reported) | (Self::Input, BufferStep::Released) => Some(Self::Input),
            (Self::Unparsed { unparsed, .. }, BufferStep::Released) => Some(Self::unparsed(0, unparsed)),
            _ => None,
        }
    }

    /// The state with this much payload and this many unparsed bytes. Without unparsed bytes there is no gap
    /// either, so all bytes are payload.
    const fn unparsed(payload: u32, unparsed: u32) -> Self {
        if unparsed == 0 { Self::Input } else { Self::Unparsed { payload, unparsed } }
    }
}

impl<B: Buffer> ReceiveBuffer<B> {
    #[inline(always)]
    pub(super) const fn new(bytes: B, keep_capacity: u32) -> Self {
        Self {
            bytes,
            payload: IN_INPUT,
            unparsed: 0,
            borrowed: Borrowed::Nothing,
            is_busy: false,
            loan: Loan::Nothing,
            reads_are_small: false,
            keep_capacity,
        }
    }

    /// Where the connection continues to parse.
    pub(super) fn resume(&self) -> Resume {
        match (self.payload, self.unparsed) {
            _ if !B::GROWS => Resume::Input,
            (IN_INPUT, _) => Resume::Input,
            (_, 0) => Resume::Complete,
            (payload, unparsed) => Resume::Unparsed { payload, unparsed },
        }
    }

    /// Whether no event borrows anything, parsing continues in the input, and no free space is lent.
    pub(super) const fn is_idle(&self) -> bool {
        !self.is_busy
    }

    /// The memory that the last event borrows.
    pub(super) const fn borrowed(&self) -> Borrowed {
        self.borrowed
    }

    /// Sets the memory that the next event borrows, or releases that of the last event.
    pub(super) fn set_borrowed(&mut self, borrowed: Borrowed) {
        self.borrowed = borrowed;
        self.note_busy();
    }

    #[expect(clippy::needless_bitwise_bool, reason = "`||` would be a branch")]
    fn note_busy(&mut self) {
        self.is_busy = (self.borrowed != Borrowed::Nothing)
            | (self.resume() != Resume::Input)
            | (B::GROWS && self.loan != Loan::Nothing);
    }

    /// The free space that is lent to the embedder.
    pub(super) const fn loan(&self) -> Loan {
        self.loan
    }

    /// Ends the loan. The next call to the connection does this, so that no later call can count the bytes in
    /// the free space as received.
    #[inline]
    pub(super) fn end_loan(&mut self) -> Loan {
        let loan = core::mem::replace(&mut self.loan, Loan::Nothing);
        if loan != Loan::Nothing {
            self.note_busy();
        }
        loan
    }

    /// The payload of the message, or the HTTP head, that the buffer holds.
    pub(super) fn payload(&self) -> &[u8] {
        match self.resume() {
            Resume::Unparsed { payload, .. } => {
                self.bytes.filled().get(..to_usize(payload)).unwrap_or_default()
            }
            Resume::Input | Resume::Complete => self.bytes.filled(),
        }
    }

    /// The number of bytes in the buffer, parsed or not.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The storage, for appending payload or an HTTP head. Callers use it only while parsing continues in the
    /// input.
    pub(super) fn bytes(&mut self) -> &mut B {
        &mut self.bytes
    }

    /// The free space at the end, at least `len` bytes. `None` if there is no memory.
    #[cfg(any(all(test, feature = "alloc"), feature = "simdutf8"))]
    pub(super) fn room(&mut self, len: usize) -> Option<&mut [u8]> {
        self.bytes.room(len).ok()
    }

    /// The size of the memory.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The size of the free space at the end.
    pub(super) fn room_len(&self) -> usize {
        self.bytes.room_len()
    }

    /// Lends free space to the embedder: at least `wanted` bytes if there is memory, at most `max` bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn lend(&mut self, wanted: usize, max: usize) -> Option<&mut [u8]> {
        let room = self.bytes.room(wanted).ok()?;
        let len = room.len().min(max);
        self.loan = if len > USUAL_READ { Loan::Large } else { Loan::Usual };
        self.is_busy = true;
        room.get_mut(..len)
    }

    /// The embedder has read `len` bytes into the free space. Returns `len`, or the size of the space if that
    /// is less.
    pub(super) fn received(&mut self, len: usize) -> usize {
        let filled = to_u32(self.bytes.len());
        let len = self.bytes.fill(len);
        self.apply(BufferStep::Received { filled, len: to_u32(len) });
        len
    }

    /// As [`received`](Self::received), if all `len` bytes are payload of the current message. Returns those
    /// bytes.
    pub(super) fn received_payload(&mut self, len: usize) -> &mut [u8] {
        let len = self.bytes.fill(len);
        self.bytes.last_mut(len)
    }

    /// The payload that the embedder has read completes a message, which the next call reports.
    pub(super) fn complete(&mut self) {
        self.apply(BufferStep::Completed);
    }

    /// The complete message is reported now.
    pub(super) fn report(&mut self) {
        self.apply(BufferStep::Reported);
    }

    /// The unparsed bytes.
    pub(super) fn unparsed(&mut self) -> &mut [u8] {
        match self.resume() {
            Resume::Unparsed { unparsed, .. } => self.bytes.last_mut(to_usize(unparsed)),
            Resume::Input | Resume::Complete => &mut [],
        }
    }

    /// Removes the first `len` unparsed bytes.
    pub(super) fn take(&mut self, len: usize) {
        let Resume::Unparsed { payload, .. } = self.resume() else {
            return;
        };
        if !self.apply(BufferStep::Taken(to_u32(len))) {
            return;
        }
        match (payload, self.resume()) {
            // Nothing is left. The memory may be that of a long message before these bytes.
            (0, Resume::Input) => self.release(),
            (0, _) => self.bytes.consume(len),
            (_, Resume::Input) => self.bytes.truncate(to_usize(payload)),
            _ => {}
        }
    }

    /// Appends the first unparsed bytes, at most `max`, to the payload of the current message. Returns them
    /// at their new place.
    pub(super) fn keep(&mut self, max: usize) -> &mut [u8] {
        let Resume::Unparsed { payload, unparsed } = self.resume() else {
            return &mut [];
        };
        // At most the unparsed bytes, so the step is legal.
        let len = max.min(to_usize(unparsed));
        self.apply(BufferStep::Kept(to_u32(len)));
        let start = to_usize(payload);
        let from = minus(self.bytes.len(), to_usize(unparsed));
        if from > start {
            self.bytes.filled_mut().copy_within(from..plus(from, len), start);
        }
        if self.resume() == Resume::Input {
            self.bytes.truncate(plus(start, len));
        }
        self.bytes.filled_mut().get_mut(start..plus(start, len)).unwrap_or_default()
    }

    /// Drops the message, which is no longer needed. An empty buffer keeps
    /// [`keep_capacity`](Self::keep_capacity) bytes of its memory.
    pub(super) fn release(&mut self) {
        match self.resume() {
            Resume::Unparsed { unparsed, .. } => {
                self.apply(BufferStep::Released);
                self.bytes.consume(minus(self.bytes.len(), to_usize(unparsed)));
            }
            Resume::Input | Resume::Complete => self.bytes.clear(to_usize(self.keep_capacity)),
        }
    }

    /// Drops everything: the connection has failed, and reads nothing more.
    pub(super) fn discard(&mut self) {
        self.bytes.clear(0);
        (self.payload, self.unparsed) = (IN_INPUT, 0);
        self.loan = Loan::Nothing;
        self.set_borrowed(Borrowed::Nothing);
    }

    /// Takes a step. Returns `false` if the step is not legal now; then nothing changes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn apply(&mut self, step: BufferStep) -> bool {
        let Some(resume) = self.resume().next(step) else {
            return false;
        };
        (self.payload, self.unparsed) = match resume {
            Resume::Unparsed { payload, unparsed } => (payload, unparsed),
            Resume::Input => (IN_INPUT, 0),
            Resume::Complete => (0, 0),
        };
        self.set_borrowed(self.borrowed);
        true
    }
}

#[cfg(test)]
#[path = "../../../tests/unit/connection/receive/buffer.rs"]
mod tests;
