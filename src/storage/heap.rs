//! Buffers on the heap. They grow with their bytes, and return their memory.

mod text;

use super::sealed::{Buffer, Control, Empty, Storage};
use super::{Full, Heap};
use crate::bytes::{minus, to_usize};
use crate::memory::TryBox;
use alloc::boxed::Box;
use alloc::vec::Vec;
use text::LazyText;

impl Storage for Heap {
    type Receive = HeapBuffer;
    type Send = HeapBuffer;
    type Control = LazyBuffer;
    type Subprotocols = LazyText;
    type TextMessage = LazyText;
    type Names = [&'static str; 0];

    const KEEPS_ALL_HEADERS: bool = true;

    fn into_buffers(self) -> (HeapBuffer, HeapBuffer) {
        Default::default()
    }

    fn keep_headers(_names: &'static [&'static str]) -> Self::Names {
        []
    }
}

/// The size of the first allocation: enough for a 101, a control frame, and short messages.
const MIN_CAPACITY: usize = 192;

/// The number of consumed bytes from which it pays to move the remaining bytes to the front.
const MOVED_FROM: u32 = 128 * 1024;

/// An initialised slice with cursors: new memory is zeroed once when it is allocated, and afterwards only
/// overwritten.
///
/// Invariant: `start <= end <= bytes.len()`. The cursors have 32 bits, because a million idle connections
/// hold two million buffers, and no buffer holds 4 GiB.
#[derive(Debug, Default)]
pub struct HeapBuffer {
    bytes: Box<[u8]>,
    start: u32,
    end: u32,
}

impl Buffer for HeapBuffer {
    const GROWS: bool = true;
    #[cfg(feature = "simdutf8")]
    const MIN_CAPACITY: usize = MIN_CAPACITY;

    fn max_len(&self) -> usize {
        to_usize(u32::MAX)
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }

    fn room_len(&self) -> usize {
        minus(self.bytes.len(), self.end())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        // The remaining bytes move to the front if they are few compared with the consumed bytes: the buffer
        // then reuses memory that is in the cache.
        let filled = self.filled_len();
        if self.start > 0 && (filled == 0 || (self.start >= MOVED_FROM && filled <= self.start / 8)) {
            self.move_to_front();
        }
        if self.room_len() < len {
            self.make_room(len, false)?;
        }
        let end = self.end();
        self.bytes.get_mut(end..).ok_or(Full)
    }

    #[inline]
    fn fill(&mut self, len: usize) -> usize {
        let len = len.min(self.room_len());
        // `len` is at most the length of the slice, which fits into 32 bits.
        self.end = self.end.wrapping_add(u32::try_from(len).unwrap_or_default());
        len
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.filled_len() as usize
    }

    #[inline]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], Full> {
        // If the end overflows, the range is invalid and `get` returns `None`.
        if self.bytes.get(self.end()..self.end().wrapping_add(len)).is_none() {
            self.make_room(len, true)?;
        }
        let (from, to) = (self.end(), self.end().wrapping_add(len));
        let room = self.bytes.get_mut(from..to).ok_or(Full)?;
        #[expect(clippy::cast_possible_truncation, reason = "`make_room` makes no buffer of 4 GiB")]
        let end = to as u32;
        self.end = end;
        Ok(room)
    }

    fn last_mut(&mut self, len: usize) -> &mut [u8] {
        let from = self.end().saturating_sub(len).max(self.start());
        let to = self.end();
        self.bytes.get_mut(from..to).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.end = self.end.min(self.start.saturating_add(len));
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.start = self.start.saturating_add(len).min(self.end);
    }

    #[inline]
    fn clear(&mut self, keep: usize) {
        self.start = 0;
        self.end = 0;
        if self.bytes.len() > keep {
            self.bytes = Box::default();
        }
    }
}

impl HeapBuffer {
    /// Takes the filled bytes out as a vector, and continues in the memory of `next`. Bytes are moved only if
    /// some were consumed before.
    pub(crate) fn replace(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        if u32::try_from(next.capacity()).is_err() {
            next = Vec::new();
        }
        // A boxed slice has exactly its capacity. So the vector is filled up to its capacity first, which
        // avoids a new allocation.
        next.resize(next.capacity(), 0);
        let (start, end) = (self.start(), self.end());
        let mut taken = Vec::from(core::mem::replace(&mut self.bytes, next.into_boxed_slice()));
        (self.start, self.end) = (0, 0);
        taken.truncate(end);
        taken.drain(..start);
        taken
    }

    /// The invariant says that this does not wrap.
    const fn filled_len(&self) -> u32 {
        self.end.wrapping_sub(self.start)
    }

    const fn start(&self) -> usize {
        self.start as usize
    }

    const fn end(&self) -> usize {
        self.end as usize
    }

    fn move_to_front(&mut self) {
        let (start, end) = (self.start(), self.end());
        self.bytes.copy_within(start..end, 0);
        self.end = self.filled_len();
        self.start = 0;
    }

    /// Makes room for `len` more bytes behind the filled bytes. `has_more` says that more bytes are likely to
    /// follow soon, so that the buffer should have more room than that.
    ///
    /// The new memory is at most twice as large as the bytes that it has to hold, and at most three times as
    /// large together with the old memory, which exists until the bytes have moved. Consumed bytes do not
    /// count.
    #[cold]
    fn make_room(&mut self, len: usize, has_more: bool) -> Result<(), Full> {
        let (consumed, filled, old) = (self.start(), self.len(), self.bytes.len());
        let needed = filled.checked_add(len).ok_or(Full)?;
        u32::try_from(needed).map_err(|_| Full)?;
        if consumed > 0 {
            self.move_to_front();
        }
        // The place of the consumed bytes is room enough. But if it is small, the bytes would soon have to
        // move again. With this condition, at most four bytes move for each consumed byte.
        if needed <= old && consumed >= filled / 4 {
            return Ok(());
        }
        let most = needed.saturating_mul(3).saturating_sub(old).min(u32::MAX as usize);
        let capacity = if has_more { most.min(old.saturating_mul(2)) } else { 0 };
        let capacity = capacity.max(needed).max(MIN_CAPACITY);
        let mut bytes = Vec::from(core::mem::take(&mut self.bytes));
        let reserved = bytes.try_reserve_exact(capacity.saturating_sub(old));
        if reserved.is_ok() {
            bytes.resize(capacity.max(old), 0);
        }
        self.bytes = bytes.into_boxed_slice();
        if needed <= old { Ok(()) } else { reserved.map_err(|_| Full) }
    }
}

/// A buffer that takes eight bytes until its first use: most connections never use it.
#[derive(Debug)]
pub struct LazyBuffer(Option<TryBox<ControlPayload>>);

/// The payload of one control frame.
#[derive(Debug)]
struct ControlPayload {
    bytes: [u8; 125],
    len: u8,
}

impl Empty for LazyBuffer {
    const EMPTY: Self = Self(None);
}

impl Control for LazyBuffer {
    fn filled(&self) -> &[u8] {
        let Some(payload) = &self.0 else { return &[] };
        payload.bytes.get(..payload.len.into()).unwrap_or_default()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.0.is_none() {
            self.0 = Some(TryBox::new(ControlPayload { bytes: [0; 125], len: 0 }).map_err(|_| Full)?);
        }
        let payload = self.0.as_deref_mut().ok_or(Full)?;
        let start = usize::from(payload.len);
        let end = start.saturating_add(bytes.len());
        payload.bytes.get_mut(start..end).ok_or(Full)?.copy_from_slice(bytes);
        payload.len = u8::try_from(end).map_err(|_| Full)?;
        Ok(())
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}
