//! The decompression of messages (RFC 7692 section 7.2.2), by C zlib.

use zlib::{Inflate, Progress};

/// The bytes that the sender has removed from the end of a message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// An empty stored block: a byte with its header, and the tail.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// The compressed data is not DEFLATE data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrupt;

/// Decompresses the messages of one direction.
pub struct Inflater {
    inflate: Inflate,
    /// The last bytes that came out, at most a window.
    window: Vec<u8>,
    window_len: usize,
    takes_over: bool,
    /// The payload of the current message since the last final block.
    payload: Vec<u8>,
    /// Whether the current message has had a final block.
    has_final_block: bool,
    /// The number of final blocks so far, without the first one in each message.
    pub final_blocks: usize,
}

impl Inflater {
    #[must_use]
    pub fn new(window_bits: u8, takes_over: bool) -> Self {
        Self {
            inflate: Inflate::new(window_bits),
            window: Vec::new(),
            window_len: 1 << window_bits,
            takes_over,
            payload: Vec::new(),
            has_final_block: false,
            final_blocks: 0,
        }
    }

    /// The bytes that come out when this byte goes in. If it is corrupt, they came out before it.
    pub fn byte(&mut self, byte: u8) -> (Vec<u8>, Result<(), Corrupt>) {
        self.payload.push(byte);
        let progress = self.step(byte, false);
        (progress.out, if progress.is_corrupt { Err(Corrupt) } else { Ok(()) })
    }

    /// Ends a message: adds the bytes that the sender has removed. Some senders keep them, and a final block
    /// is followed by nothing; then a whole empty block is added, which does no harm.
    pub fn end_message(&mut self) -> Result<(), Corrupt> {
        let is_whole = self.payload.is_empty() || self.payload.ends_with(&TAIL);
        let mut is_at_end = false;
        for &byte in &EMPTY_BLOCK[usize::from(!is_whole)..] {
            let progress = self.step(byte, true);
            if progress.is_corrupt || !progress.out.is_empty() {
                return Err(Corrupt);
            }
            is_at_end = progress.is_between_blocks;
        }
        if !is_at_end {
            return Err(Corrupt);
        }
        if !self.takes_over {
            self.inflate.reset();
            self.window.clear();
        }
        self.payload.clear();
        self.has_final_block = false;
        Ok(())
    }

    /// A whole message, as the peer receives it.
    pub fn message(&mut self, payload: &[u8]) -> Result<Vec<u8>, Corrupt> {
        let mut message = Vec::new();
        for &byte in payload {
            let (out, result) = self.byte(byte);
            message.extend(out);
            result?;
        }
        self.end_message().map(|()| message)
    }

    fn step(&mut self, byte: u8, stops_at_blocks: bool) -> Progress {
        let progress = self.inflate.byte(byte, stops_at_blocks);
        self.window.extend_from_slice(&progress.out);
        let excess = self.window.len().saturating_sub(self.window_len);
        self.window.drain(..excess);
        if progress.has_ended {
            // Section 7.2.3.4: the next byte begins a new stream, which may still refer to the window.
            self.inflate.reset();
            self.inflate.set_window(&self.window);
            self.payload.clear();
            self.final_blocks += usize::from(self.has_final_block);
            self.has_final_block = true;
        }
        progress
    }
}
