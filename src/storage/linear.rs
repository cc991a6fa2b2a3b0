//! Buffers in memory of a fixed size, for the storages without an allocator.

use super::Full;
use super::sealed::{Buffer, Control, Empty, Subprotocols, Text, TextMessage};
use crate::bytes::copy;
use core::cell::Cell;
use heapless::Vec;

/// A queue of bytes in memory of a fixed size. If there is no room behind the filled bytes, they move to the
/// front, over the consumed bytes. The code of [`Filled`] depends neither on the kind of memory nor on its
/// size, so a program contains it once.
#[derive(Debug)]
pub struct LinearBuffer<M> {
    memory: M,
    filled: Filled,
    /// The number of bytes at the front of the memory that belong to the queue. Those behind them hold a
    /// [text](TextBehind).
    max_len: usize,
}

impl<M> LinearBuffer<M> {
    #[inline(always)]
    pub(crate) const fn new(memory: M, max_len: usize) -> Self {
        Self { memory, filled: Filled { start: 0, end: 0 }, max_len }
    }
}

/// Implements `Empty` with the same expression twice: as a constant, and for a value that is built in place.
macro_rules! empty {
    ([$($generics:tt)*] $type:ty, $empty:expr) => {
        impl<$($generics)*> Empty for $type {
            const EMPTY: Self = $empty;

            #[inline(always)]
            fn empty() -> Self {
                $empty
            }
        }
    };
}
empty!([const N: usize] LinearBuffer<Inside<N>>, Self::new(Inside(None), N));
empty!([] ControlBuffer, Self(Vec::new()));

/// The memory of a [`LinearBuffer`].
pub trait Memory {
    fn max_len(&self) -> usize;

    /// The memory that has been initialised so far.
    fn bytes(&self) -> &[u8];

    /// The whole memory.
    fn bytes_mut(&mut self) -> &mut [u8];
}

/// Memory inside the connection. Its first use initialises it, so creating it costs nothing.
// Not a `heapless::Vec`: it adds one to its length for each byte that fills it. With overflow checks, the
// compiler keeps a panic for each such addition (`tests/no-panic`).
#[derive(Debug)]
pub struct Inside<const N: usize>(Option<[u8; N]>);

impl<const N: usize> Memory for Inside<N> {
    fn max_len(&self) -> usize {
        N
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Some(bytes) => bytes,
            None => &[],
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        if self.0.is_none() {
            self.0 = Some([0; N]);
        }
        match &mut self.0 {
            Some(bytes) => bytes,
            None => &mut [],
        }
    }
}

impl Memory for &mut [u8] {
    fn max_len(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Memory> Buffer for LinearBuffer<M> {
    fn max_len(&self) -> usize {
        self.max_len
    }

    fn filled(&self) -> &[u8] {
        self.filled.of(self.memory.bytes())
    }

    fn len(&self) -> usize {
        self.filled.len()
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], Full> {
        self.filled.grow(self.memory.bytes_mut().get_mut(..self.max_len).ok_or(Full)?, len)
    }

    fn last_mut(&mut self, len: usize) -> &mut [u8] {
        self.filled.last_mut(self.memory.bytes_mut(), len)
    }

    fn truncate(&mut self, len: usize) {
        let Filled { start, end } = &mut self.filled;
        *end = start.saturating_add(len).min(*end);
    }

    fn consume(&mut self, len: usize) {
        let Filled { start, end } = &mut self.filled;
        *start = start.saturating_add(len).min(*end);
    }

    fn clear(&mut self, _keep: usize) {
        self.filled = Filled::default();
    }
}

/// The filled bytes of a buffer. Invariant: `start <= end`, and `end` is at most the length of the memory. So
/// no operation below wraps.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    start: usize,
    end: usize,
}

impl Filled {
    const fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    #[inline(never)]
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    #[inline(never)]
    fn grow<'b>(&mut self, bytes: &'b mut [u8], len: usize) -> Result<&'b mut [u8], Full> {
        if len > bytes.len().wrapping_sub(self.end) {
            let cells = Cell::from_mut(&mut *bytes).as_slice_of_cells();
            for (to, from) in cells.iter().zip(cells.get(self.start..self.end).unwrap_or_default()) {
                to.set(from.get());
            }
            *self = Self { start: 0, end: self.len() };
        }
        let from = self.end;
        let to = from.wrapping_add(len);
        let room = bytes.get_mut(from..to).ok_or(Full)?;
        self.end = to;
        Ok(room)
    }

    #[inline(never)]
    fn last_mut(self, bytes: &mut [u8], len: usize) -> &mut [u8] {
        let from = self.end.saturating_sub(len).max(self.start);
        bytes.get_mut(from..self.end).unwrap_or_default()
    }
}

/// The payload of a control frame (RFC 6455 section 5.5). It needs no cursors.
#[derive(Debug)]
pub struct ControlBuffer(Vec<u8, 125>);

impl Control for ControlBuffer {
    fn filled(&self) -> &[u8] {
        &self.0
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
        bytes.iter().try_for_each(|&byte| self.0.push(byte)).map_err(|_| Full)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// A text in the last bytes of a [`LinearBuffer`]. It grows towards the front.
#[derive(Clone, Copy, Debug)]
pub struct TextBehind;

impl Empty for TextBehind {
    const EMPTY: Self = Self;
}

impl<M: Memory> Subprotocols<LinearBuffer<M>> for TextBehind {
    fn as_bytes<'t>(&'t self, buffer: &'t LinearBuffer<M>) -> &'t [u8] {
        buffer.memory.bytes().get(buffer.max_len..).unwrap_or_default()
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn push(&mut self, buffer: &mut LinearBuffer<M>, piece: &[u8]) -> Result<(), Full> {
        let end = buffer.max_len;
        let start = end.checked_sub(piece.len()).ok_or(Full)?;
        if start < buffer.filled.end {
            return Err(Full);
        }
        copy(piece, buffer.memory.bytes_mut().get_mut(start..end).ok_or(Full)?);
        buffer.max_len = start;
        Ok(())
    }

    fn clear(&mut self, buffer: &mut LinearBuffer<M>) {
        buffer.max_len = buffer.memory.max_len();
    }

    fn prepared_for(_name: &[u8]) -> Result<Self, Full> {
        Ok(Self)
    }

    fn reduce_to(&mut self, buffer: &mut LinearBuffer<M>, name: &[u8], _prepared: Self) {
        self.clear(buffer);
        // The name takes no more room than the text did.
        let _ = self.push(buffer, name);
    }
}

/// Keeps no text: the receive buffer holds it.
#[derive(Clone, Copy, Debug)]
pub struct NoSeparateText;

impl Empty for NoSeparateText {
    const EMPTY: Self = Self;
}

impl Text for NoSeparateText {}

impl TextMessage for NoSeparateText {
    const IS_SEPARATE: bool = false;
}
