//! Buffers of a fixed size, on `heapless`: for machines without an allocator.

use super::sealed::{Buffer, Names, Storage, Text, TextMessage};
use super::{Fixed, Full};
use heapless::{String, Vec};

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

/// Bytes in a row; what was taken off the front is given up when there is no room behind them.
#[derive(Debug, Default)]
pub struct FixedBuffer<const N: usize> {
    bytes: Vec<u8, N>,
    start: usize,
}

impl<const N: usize> Buffer for FixedBuffer<N> {
    const CAPACITY: usize = N;

    fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn grow(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let filled = self.filled().len();
        if filled.checked_add(len).is_none_or(|len| len > N) {
            return Err(Full);
        }
        if self.bytes.len() + len > N {
            // It is never beyond the end; said so that no panic is compiled in.
            if self.start <= self.bytes.len() {
                self.bytes.copy_within(self.start.., 0);
            }
            self.bytes.truncate(filled);
            self.start = 0;
        }
        let from = self.bytes.len();
        self.bytes.resize_default(from + len).map_err(|()| Full)?;
        self.bytes.get_mut(from..).ok_or(Full)
    }

    fn last_mut(&mut self, len: usize) -> &mut [u8] {
        let from = self.bytes.len().saturating_sub(len).max(self.start);
        self.bytes.get_mut(from..).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start.saturating_add(len));
    }

    fn consume(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.bytes.len());
    }

    fn clear(&mut self, _keep: usize) {
        self.bytes.clear();
        self.start = 0;
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
