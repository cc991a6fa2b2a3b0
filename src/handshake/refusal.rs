//! The body of an answer other than 101: how long it is (RFC 9112 section 6.3), and its bytes from any pieces.

use super::fields::{elements, trim};
use super::view::Response;
use crate::frame::take_front;
use crate::storage::sealed::Buffer;
use core::str;

/// How many bytes of chunk sizes, extensions and trailers are read at most: enough for small chunks, and an end for
/// what has none.
const MAX_OVERHEAD: usize = 16 * 1024;

/// A body that is being collected behind its head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Body {
    framing: Framing,
    /// How many body bytes may still be kept.
    room: usize,
    /// How many bytes that are not data may still come: they cost work without filling the room.
    overhead: usize,
    is_truncated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// Up to the end of the transport.
    Eof,
    Chunked(Chunk),
    Complete,
}

/// Where in a chunked body (RFC 9112 section 7.1) the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chunk {
    /// In front of a size.
    Start,
    /// In a size line. Behind the digits comes what nobody asked for.
    Size {
        size: u64,
        digits_end: bool,
    },
    Data(u64),
    /// The line end behind the data.
    DataEnd,
    /// The trailer: whether its line has a byte so far.
    Trailer {
        has_bytes: bool,
    },
}

impl Body {
    pub(crate) fn of(response: &Response<'_>, max: u32) -> Self {
        let coding = response.headers().all("transfer-encoding").last();
        let framing = if matches!(response.status(), 204 | 304) {
            Framing::Length(0)
        } else if let Some(coding) = coding {
            // Only as the last coding does it tell the end.
            let is_chunked =
                elements(coding).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            if is_chunked { Framing::Chunked(Chunk::Start) } else { Framing::Eof }
        } else {
            content_length(response).map_or(Framing::Eof, Framing::Length)
        };
        let room = usize::try_from(max).unwrap_or(usize::MAX);
        Self { framing, room, overhead: MAX_OVERHEAD, is_truncated: false }.settled()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.framing == Framing::Complete
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    /// The transport has ended.
    pub(crate) fn end(&mut self) {
        match self.framing {
            Framing::Eof | Framing::Complete => self.framing = Framing::Complete,
            _ => self.truncate(),
        }
    }

    /// Takes body bytes off the front of `input`.
    pub(crate) fn take<B: Buffer>(&mut self, input: &mut &mut [u8], buffer: &mut B) {
        while !self.is_complete() && !input.is_empty() {
            match self.framing {
                Framing::Complete => {}
                Framing::Length(left) => {
                    let kept = self.keep(input, left, buffer);
                    self.framing = Framing::Length(left.saturating_sub(kept));
                }
                Framing::Eof => {
                    self.keep(input, u64::MAX, buffer);
                }
                Framing::Chunked(Chunk::Data(left)) => {
                    let left = left.saturating_sub(self.keep(input, left, buffer));
                    self.framing =
                        Framing::Chunked(if left == 0 { Chunk::DataEnd } else { Chunk::Data(left) });
                }
                Framing::Chunked(chunk) => self.framing_byte(chunk, input),
            }
            *self = self.settled();
        }
    }

    /// Keeps at most `max` bytes. Returns how many there were.
    fn keep<B: Buffer>(&mut self, input: &mut &mut [u8], max: u64, buffer: &mut B) -> u64 {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let bytes = take_front(input, max.min(self.room.saturating_add(1)));
        let kept = bytes.get(..self.room.min(bytes.len())).unwrap_or_default();
        self.room -= kept.len();
        let is_kept = buffer.append(kept).is_ok();
        self.is_truncated |= !is_kept || kept.len() < bytes.len();
        bytes.len() as u64
    }

    /// A byte that is not data.
    fn framing_byte(&mut self, chunk: Chunk, input: &mut &mut [u8]) {
        let Some(&byte) = take_front(input, 1).first() else {
            return;
        };
        let next = match (chunk, byte) {
            (Chunk::Start, byte) => char::from(byte)
                .to_digit(16)
                .map(|digit| Chunk::Size { size: digit.into(), digits_end: false }),
            (Chunk::Size { size: 0, .. }, b'\n') => Some(Chunk::Trailer { has_bytes: false }),
            (Chunk::Size { size, .. }, b'\n') => Some(Chunk::Data(size)),
            (Chunk::Size { size, digits_end: false }, byte) => match char::from(byte).to_digit(16) {
                Some(digit) => size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit.into()))
                    .map(|size| Chunk::Size { size, digits_end: false }),
                None => Some(Chunk::Size { size, digits_end: true }),
            },
            (Chunk::DataEnd, b'\n') => Some(Chunk::Start),
            (Chunk::DataEnd, b'\r') => Some(Chunk::DataEnd),
            (Chunk::DataEnd, _) => None,
            (Chunk::Trailer { has_bytes: false }, b'\n') => {
                self.framing = Framing::Complete;
                return;
            }
            (Chunk::Trailer { .. }, b'\n') => Some(Chunk::Trailer { has_bytes: false }),
            (Chunk::Trailer { has_bytes }, byte) => {
                Some(Chunk::Trailer { has_bytes: has_bytes || byte != b'\r' })
            }
            (chunk, _) => Some(chunk),
        };
        match (next, self.overhead.checked_sub(1)) {
            (Some(next), Some(overhead)) => {
                self.overhead = overhead;
                self.framing = Framing::Chunked(next);
            }
            // What is not chunked coding has no end that could be found.
            _ => self.truncate(),
        }
    }

    fn truncate(&mut self) {
        self.is_truncated = true;
        self.framing = Framing::Complete;
    }

    fn settled(mut self) -> Self {
        if self.framing == Framing::Length(0) || self.is_truncated {
            self.framing = Framing::Complete;
        }
        self
    }
}

/// The one length that all `Content-Length` fields agree on.
fn content_length(response: &Response<'_>) -> Option<u64> {
    let mut values = response.headers().all("content-length").map(trim);
    let first = values.next()?;
    if !first.iter().all(u8::is_ascii_digit) || values.any(|other| other != first) {
        return None;
    }
    str::from_utf8(first).ok()?.parse().ok()
}
