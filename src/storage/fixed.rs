//! Buffers of a fixed size, on `heapless`: for machines without an allocator.

use super::sealed::{Buffer, Names, Storage, Text, TextMessage};
use super::{Fixed, Full};
use core::cell::Cell;
use heapless::String;

/// The payload of a control frame (RFC 6455 section 5.5).
const CONTROL: usize = 125;
/// Offered subprotocols.
const NEGOTIATION: usize = 100;

impl<const RX: usize, const TX: usize> Storage for Fixed<RX, TX> {
    type Receive = FixedBuffer<RX>;
    type Send = FixedBuffer<TX>;
    type Control = FixedBuffer<CONTROL>;
    type Text = String<NEGOTIATION>;
    type Message = Among;
    type Names = SomeNames;
}

/// What the embedder named.
#[derive(Clone, Copy, Debug)]
pub struct SomeNames(&'static [&'static str]);

impl Names for SomeNames {
    const KEEPS_ALL: bool = false;

    fn new(names: &'static [&'static str]) -> Self {
        Self(names)
    }

    fn list(&self) -> &'static [&'static str] {
        self.0
    }
}

/// Bytes in a row; what was taken off the front is given up when there is no room behind them. What has to be done to
/// them does not depend on how many there are, so that code stands below once and not for each size.
#[derive(Debug)]
pub struct FixedBuffer<const N: usize> {
    bytes: [u8; N],
    filled: Filled,
}

impl<const N: usize> FixedBuffer<N> {
    pub(crate) const EMPTY: Self = Self { bytes: [0; N], filled: Filled { start: 0, end: 0 } };
}

impl<const N: usize> Default for FixedBuffer<N> {
    #[inline]
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> Buffer for FixedBuffer<N> {
    const CAPACITY: usize = N;

    #[inline]
    fn filled(&self) -> &[u8] {
        self.filled.of(&self.bytes)
    }

    #[inline]
    fn len(&self) -> usize {
        self.filled.len()
    }

    #[inline]
    fn grow(&mut self, len: usize) -> Result<&mut [u8], Full> {
        self.filled.grow(&mut self.bytes, len)
    }

    #[inline]
    fn last_mut(&mut self, len: usize) -> &mut [u8] {
        self.filled.last_mut(&mut self.bytes, len)
    }

    #[inline]
    fn truncate(&mut self, len: usize) {
        self.filled.truncate(len);
    }

    #[inline]
    fn consume(&mut self, len: usize) {
        self.filled.consume(len);
    }

    #[inline]
    fn clear(&mut self, _keep: usize) {
        self.filled = Filled::default();
    }
}

/// Which bytes of a row are filled. Invariant: `start <= end`, and `end` is within the row.
#[derive(Clone, Copy, Debug, Default)]
struct Filled {
    start: usize,
    end: usize,
}

impl Filled {
    const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    #[inline(never)]
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    #[inline(never)]
    fn grow<'b>(&mut self, bytes: &'b mut [u8], len: usize) -> Result<&'b mut [u8], Full> {
        if len > bytes.len().saturating_sub(self.end) {
            let filled = self.len();
            if len > bytes.len().saturating_sub(filled) {
                return Err(Full);
            }
            let cells = Cell::from_mut(&mut *bytes).as_slice_of_cells();
            for (to, from) in cells.iter().zip(cells.get(self.start..self.end).unwrap_or_default()) {
                to.set(from.get());
            }
            *self = Self { start: 0, end: filled };
        }
        let from = self.end;
        self.end = from.saturating_add(len);
        bytes.get_mut(from..self.end).ok_or(Full)
    }

    #[inline(never)]
    fn last_mut(self, bytes: &mut [u8], len: usize) -> &mut [u8] {
        let from = self.end.saturating_sub(len).max(self.start);
        bytes.get_mut(from..self.end).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start.saturating_add(len));
    }

    fn consume(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.end);
    }
}

impl<const N: usize> Text for String<N> {
    fn as_str(&self) -> &str {
        self
    }

    fn push(&mut self, piece: &str) -> Result<(), Full> {
        self.push_str(piece).map_err(|()| Full)
    }
}

/// Texts are kept among the other bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Among;

impl Text for Among {
    fn as_str(&self) -> &'static str {
        ""
    }

    fn push(&mut self, _piece: &str) -> Result<(), Full> {
        Err(Full)
    }
}

impl TextMessage for Among {
    const IS_APART: bool = false;

    fn clear(&mut self, _keep: usize) {}
}
