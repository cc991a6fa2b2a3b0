//! One bounded HTTP/1.1 head from any pieces, in linear time: no byte is looked at twice, also when each comes alone.
//! No answer depends on how the bytes were cut, so nothing but the first byte is judged before the head is complete.

use super::fields::is_token_byte;
use crate::error::{Error, HandshakeError, Limit};
use crate::frame::take_front;
use crate::storage::Full;
use crate::storage::sealed::Buffer;

/// Looks for the empty line that ends a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct HeadEnd {
    line: Line,
    /// The bytes that were looked at: compared with the limit.
    seen: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Line {
    /// Before the first line, where empty lines are skipped (RFC 9112 section 2.2).
    #[default]
    BeforeFirst,
    /// Inside of a line.
    Inside,
    /// Behind a line feed.
    Start,
    /// Behind a line feed and a carriage return.
    StartCr,
}

/// A head, where it lies.
pub(crate) enum Head<'i> {
    /// Whole in the input.
    Input(&'i mut [u8]),
    /// In the buffer, since it came in pieces.
    Buffer,
}

impl HeadEnd {
    /// Takes a head off the front of `input`. `None`: input is used up, what there is of the head is in `buffer`.
    pub(crate) fn take<'i, B: Buffer>(
        &mut self,
        input: &mut &'i mut [u8],
        buffer: &mut B,
        limit: u32,
    ) -> Result<Option<Head<'i>>, Error> {
        let is_cut = !buffer.filled().is_empty();
        let allowed = usize::try_from(limit - self.seen.min(limit)).unwrap_or(usize::MAX);
        let within = input.get(..allowed.min(input.len())).unwrap_or_default();
        let Some(len) = self.find(within)? else {
            if input.len() > allowed {
                return Err(Limit::Head.into());
            }
            let piece = take_front(input, usize::MAX);
            buffer.append(piece).map_err(|Full| Limit::Head)?;
            return Ok(None);
        };
        let piece = take_front(input, len);
        if !is_cut {
            return Ok(Some(Head::Input(piece)));
        }
        buffer.append(piece).map_err(|Full| Limit::Head)?;
        Ok(Some(Head::Buffer))
    }

    /// Begins with the next head. The limit holds for all of them together.
    pub(crate) fn restart(&mut self) {
        self.line = Line::default();
    }

    /// Searches on. Returns how many of these bytes belong to the head if it ends within them.
    fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, HandshakeError> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            if self.line == Line::Inside {
                // Most bytes are passed here.
                let Some(line_feed) = find_line_feed(rest) else { break };
                at += line_feed;
            }
            let Some(&byte) = bytes.get(at) else { break };
            // Neither a method nor `HTTP/`, but TLS or noise, which may never have an empty line.
            if self.line == Line::BeforeFirst && !matches!(byte, b'\r' | b'\n') && !is_token_byte(byte) {
                return Err(HandshakeError::MalformedHead);
            }
            at += 1;
            self.line = match (self.line, byte) {
                (Line::BeforeFirst, b'\r' | b'\n') => Line::BeforeFirst,
                (Line::Start | Line::StartCr, b'\n') => {
                    self.add(at);
                    return Ok(Some(at));
                }
                (Line::Start, b'\r') => Line::StartCr,
                (Line::Inside, b'\n') => Line::Start,
                _ => Line::Inside,
            };
        }
        self.add(bytes.len());
        Ok(None)
    }

    fn add(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

/// The place of the first line feed, eight bytes at a time.
fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    const LINE_FEEDS: u64 = ONES * 0x0a;
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for word in &mut words {
        let word = word.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
        // Zero where the byte is a line feed. The lowest zero byte is found exactly, and it is the first one.
        let zeros = word ^ LINE_FEEDS;
        let found = zeros.wrapping_sub(ONES) & !zeros & TOPS;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Some(at + words.remainder().iter().position(|&byte| byte == b'\n')?)
}
