//! The bytes that were read from the transport and not consumed yet.
//!
//! A connection that waits for input needs no memory for it: it borrows a buffer from its thread for one
//! poll, and keeps the buffer only if bytes have arrived. So a million idle connections share a few buffers,
//! and no byte is copied between the transport and the connection.

use std::cell::RefCell;

/// The length of a buffer, in bytes.
const LEN: usize = 64 << 10;

/// The most buffers that a thread keeps for the next read.
const SPARE: usize = 4;

thread_local! {
    static SPARES: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn take_spare() -> Box<[u8]> {
    let spare = SPARES.try_with(|spares| spares.borrow_mut().pop()).ok().flatten();
    spare.unwrap_or_else(|| vec![0; LEN].into_boxed_slice())
}

fn give_spare(buffer: Box<[u8]>) {
    // A thread that ends has no place for spare buffers any more.
    let _ = SPARES.try_with(|spares| {
        let mut spares = spares.borrow_mut();
        if spares.len() < SPARE {
            spares.push(buffer);
        }
    });
}

/// The unread bytes are `buffer[start..end]`.
#[derive(Default)]
pub(crate) struct ReadBuffer {
    buffer: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// Begins with bytes that were read already.
    pub(crate) fn with(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        Self { buffer: Some(bytes.into()), start: 0, end: bytes.len() }
    }

    pub(crate) const fn start(&self) -> usize {
        self.start
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The unread bytes.
    pub(crate) fn unread(&mut self) -> &mut [u8] {
        match &mut self.buffer {
            Some(buffer) => &mut buffer[self.start..self.end],
            None => &mut [],
        }
    }

    /// All bytes from `start` on, also those that were consumed since.
    pub(crate) fn from(&self, start: usize) -> &[u8] {
        self.buffer.as_deref().map_or(&[], |buffer| &buffer[start..self.end])
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.start += len;
    }

    /// A whole buffer to read into. Callers call this only when all bytes are consumed.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        debug_assert!(self.is_empty(), "a read would overwrite unread bytes");
        (self.start, self.end) = (0, 0);
        let buffer = self.buffer.get_or_insert_with(take_spare);
        if buffer.len() < LEN {
            *buffer = take_spare();
        }
        buffer
    }

    /// `len` bytes were read into [`room`](Self::room).
    pub(crate) fn fill(&mut self, len: usize) {
        (self.start, self.end) = (0, len);
    }

    /// Nothing was read: the thread gets the buffer back.
    pub(crate) fn release(&mut self) {
        if let Some(buffer) = self.buffer.take().filter(|buffer| buffer.len() == LEN) {
            give_spare(buffer);
        }
        (self.start, self.end) = (0, 0);
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        self.release();
    }
}
