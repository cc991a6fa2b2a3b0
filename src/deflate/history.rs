//! The uncompressed bytes that the next message may refer to: all that the protocol needs between two
//! messages. A codec that has them can continue where another codec stopped.

use crate::bytes::{minus, plus};
use crate::memory::OutOfMemory;
use alloc::vec::Vec;

/// The last bytes of the messages in one direction. The memory grows with them, up to the size of the window.
pub(super) struct History {
    ring: Vec<u8>,
    pub(super) capacity: usize,
    /// The position of the oldest byte, once the ring is full.
    start: usize,
}

impl History {
    /// An empty history, which keeps at most the last `capacity` bytes of the messages.
    pub(super) const fn new(capacity: usize) -> Self {
        Self { ring: Vec::new(), capacity, start: 0 }
    }

    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Forgets all bytes, and keeps their memory.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.start = 0;
    }

    /// Appends the next bytes. Without memory the history stays as it was.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        let bytes = bytes.get(bytes.len().saturating_sub(self.capacity)..).unwrap_or_default();
        let room = minus(self.capacity, self.ring.len());
        let (fill, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        let len = plus(self.ring.len(), fill.len());
        if len > self.ring.capacity() {
            // An idle connection holds at most a quarter more than these bytes, and at most the window.
            let more = minus(plus(len, len / 4).min(self.capacity), self.ring.len());
            self.ring.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
        }
        self.ring.extend_from_slice(fill);
        // Overwrite the oldest bytes: first up to the end of the ring, then from its beginning.
        let (first, second) =
            rest.split_at_checked(minus(self.ring.len(), self.start)).unwrap_or((rest, &[]));
        if let Some(oldest) = self.ring.get_mut(self.start..plus(self.start, first.len())) {
            oldest.copy_from_slice(first);
        }
        if let Some(oldest) = self.ring.get_mut(..second.len()) {
            oldest.copy_from_slice(second);
        }
        if !rest.is_empty() {
            self.start = plus(self.start, rest.len()).checked_rem(self.capacity).unwrap_or_default();
        }
        Ok(())
    }

    /// The older and the newer part of the window.
    pub(super) fn window(&self) -> (&[u8], &[u8]) {
        let (newer, older) = self.ring.split_at_checked(self.start).unwrap_or_default();
        (older, newer)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/deflate/history.rs"]
mod tests;
