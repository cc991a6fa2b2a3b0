//! The body of a response other than 101: finds its length (RFC 9112 section 6.3), and collects its bytes
//! from pieces of any size.

use super::chars::trim;
use super::response::Response;
use super::value::elements;
use crate::bytes::{take_front, to_u32, to_usize};
use crate::storage::sealed::Buffer;

/// The most bytes of chunk sizes, chunk extensions and trailers that a client reads. This is enough for small
/// chunks, and it stops a peer that sends such bytes without end.
const MAX_OVERHEAD: u32 = 16 * 1024;

/// A body that is collected in the buffer after its head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Body {
    framing: Framing,
    /// The number of further body bytes that the client keeps.
    room: u32,
    /// The number of further bytes other than data that may arrive. They cost work without filling the room.
    overhead: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Framing {
    /// The number of body bytes that have not arrived. It saturates at `u32::MAX`, because such a long body
    /// is truncated anyway.
    Length(u32),
    /// The body ends with the transport.
    Eof,
    Chunked(Chunk),
    Complete {
        is_truncated: bool,
    },
}

/// The part of a chunked body (RFC 9112 section 7.1) that the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chunk {
    /// In front of a size.
    Start,
    /// In the digits of a size.
    Size(u32),
    /// In a chunk extension after the size, which is ignored.
    Extension(u32),
    Data(u32),
    /// In the line end after the data.
    DataEnd,
    /// In the line of a trailer.
    Trailer,
    /// At the beginning of a trailer, or of the empty line at the end.
    TrailerStart,
}

const COMPLETE: Framing = Framing::Complete { is_truncated: false };
const TRUNCATED: Framing = Framing::Complete { is_truncated: true };

impl Body {
    pub(crate) fn of(response: &Response<'_>, max: u32) -> Self {
        let coding = response.headers().all("transfer-encoding").last();
        let framing = if matches!(response.status(), 204 | 304) {
            COMPLETE
        } else if let Some(coding) = coding {
            // Chunked coding marks the end of the body only if it is the last coding.
            let is_chunked =
                elements(coding).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            if is_chunked { Framing::Chunked(Chunk::Start) } else { Framing::Eof }
        } else {
            match content_length(response) {
                Some(0) => COMPLETE,
                Some(length) => Framing::Length(length),
                None => Framing::Eof,
            }
        };
        Self { framing, room: max, overhead: MAX_OVERHEAD }
    }

    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.framing, Framing::Complete { .. })
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.framing == TRUNCATED
    }

    /// The transport has ended, and the body with it.
    pub(crate) fn end(&mut self) {
        self.framing = match self.framing {
            Framing::Eof | COMPLETE => COMPLETE,
            _ => TRUNCATED,
        };
    }

    /// Takes body bytes off the front of `input`.
    pub(crate) fn take<B: Buffer>(&mut self, input: &mut &mut [u8], buffer: &mut B) {
        while !self.is_complete() && !input.is_empty() {
            self.framing = match self.framing {
                Framing::Length(left) => match self.keep(input, left, buffer) {
                    Some(kept) if kept == left => COMPLETE,
                    Some(kept) => Framing::Length(left.saturating_sub(kept)),
                    None => TRUNCATED,
                },
                Framing::Eof => self.keep(input, u32::MAX, buffer).map_or(TRUNCATED, |_| Framing::Eof),
                Framing::Chunked(Chunk::Data(left)) => match self.keep(input, left, buffer) {
                    Some(kept) if kept == left => Framing::Chunked(Chunk::DataEnd),
                    Some(kept) => Framing::Chunked(Chunk::Data(left.saturating_sub(kept))),
                    None => TRUNCATED,
                },
                Framing::Chunked(chunk) => self.after_byte(chunk, input),
                complete @ Framing::Complete { .. } => complete,
            };
        }
    }

    /// Keeps at most `max` bytes, and returns how many. `None` if more arrived than the room holds.
    fn keep<B: Buffer>(&mut self, input: &mut &mut [u8], max: u32, buffer: &mut B) -> Option<u32> {
        let room = to_usize(self.room);
        let bytes = take_front(input, to_usize(max).min(room.saturating_add(1)));
        let kept = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.room = self.room.saturating_sub(to_u32(kept.len()));
        let is_kept = buffer.append(kept).is_ok();
        if is_kept && kept.len() == bytes.len() { u32::try_from(kept.len()).ok() } else { None }
    }

    /// Takes a byte that is not data, and returns the state after it.
    fn after_byte(&mut self, chunk: Chunk, input: &mut &mut [u8]) -> Framing {
        let (Some(&byte), Some(overhead)) = (take_front(input, 1).first(), self.overhead.checked_sub(1))
        else {
            return TRUNCATED;
        };
        self.overhead = overhead;
        let digit = char::from(byte).to_digit(16);
        let next = match (chunk, byte) {
            (Chunk::Start, _) => digit.map(Chunk::Size),
            (Chunk::Size(0) | Chunk::Extension(0) | Chunk::Trailer, b'\n') | (Chunk::TrailerStart, b'\r') => {
                Some(Chunk::TrailerStart)
            }
            (Chunk::Size(size) | Chunk::Extension(size), b'\n') => Some(Chunk::Data(size)),
            (Chunk::Size(size), _) => match digit {
                // A chunk of 4 GiB or more truncates the body.
                Some(digit) => size.checked_mul(16).and_then(|size| size.checked_add(digit)).map(Chunk::Size),
                None => Some(Chunk::Extension(size)),
            },
            (Chunk::DataEnd, b'\n') => Some(Chunk::Start),
            (Chunk::DataEnd, b'\r') => Some(Chunk::DataEnd),
            (Chunk::DataEnd, _) => None,
            (Chunk::TrailerStart, b'\n') => return COMPLETE,
            (Chunk::TrailerStart, _) => Some(Chunk::Trailer),
            (chunk, _) => Some(chunk),
        };
        // Malformed chunked coding has no end that could be found.
        next.map_or(TRUNCATED, Framing::Chunked)
    }
}

/// The length that all `Content-Length` headers agree on.
fn content_length(response: &Response<'_>) -> Option<u32> {
    let mut values = response.headers().all("content-length").map(trim);
    let first = values.next()?;
    if !first.iter().all(u8::is_ascii_digit) || values.any(|other| other != first) {
        return None;
    }
    (!first.is_empty()).then(|| {
        first
            .iter()
            .fold(0_u32, |length, digit| length.saturating_mul(10).saturating_add((digit & 0x0f).into()))
    })
}
