//! The body of a response other than 101: finds its length (RFC 9112 section 6.3), and collects its bytes
//! from pieces of any size. If no length can be relied on, the body is complete at once, so that the status
//! is reported even if the server keeps the transport open.

use super::chars::is_token;
use super::response::Response;
use super::value::elements;
use crate::bytes::{minus, take_front, to_u32, to_usize};
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

/// The part of a chunked body (RFC 9112 section 7.1) that the next byte belongs to. The body ends with the
/// last chunk (section 8), so the trailers after it do not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chunk {
    /// In front of a size.
    Start,
    /// In the digits of a size.
    Size(u32),
    /// In white space after the size.
    Space(u32),
    /// In a chunk extension after the size, which is ignored.
    Extension(u32),
    /// After the CR behind the size.
    SizeCr(u32),
    Data(u32),
    /// In front of the line end after the data.
    DataEnd,
    /// After the CR of that line end.
    DataCr,
}

impl Framing {
    /// The framing that the headers of this response declare.
    fn of(response: &Response<'_>) -> Self {
        let length = ContentLength::of(response);
        let mut codings = response.headers().all("transfer-encoding").peekable();
        if codings.peek().is_some() {
            // A length next to a coding is an error (RFC 9112 section 6.3), as is a coding in HTTP/1.0
            // (section 6.1).
            if length != ContentLength::Missing || response.is_http_1_0() {
                return TRUNCATED;
            }
            // Chunked coding marks the end of the body only if it is the last coding.
            return match codings.flat_map(elements).last() {
                Some(last) if last.eq_ignore_ascii_case(b"chunked") => Self::Chunked(Chunk::Start),
                Some(last) if is_token(last) => Self::Eof,
                _ => TRUNCATED,
            };
        }
        match length {
            ContentLength::Missing => Self::Eof,
            ContentLength::Bytes(0) => COMPLETE,
            ContentLength::Bytes(length) => Self::Length(length),
            ContentLength::Invalid => TRUNCATED,
        }
    }
}

const COMPLETE: Framing = Framing::Complete { is_truncated: false };
const TRUNCATED: Framing = Framing::Complete { is_truncated: true };

impl Body {
    pub(crate) fn of(response: &Response<'_>, max: u32) -> Self {
        let framing = if matches!(response.status(), 204 | 304) { COMPLETE } else { Framing::of(response) };
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
        let room = to_usize(self.room).min(minus(buffer.max_len(), buffer.len()));
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
        let next = match chunk {
            Chunk::DataEnd if byte == b'\r' => Some(Chunk::DataCr),
            Chunk::DataEnd | Chunk::DataCr if byte == b'\n' => Some(Chunk::Start),
            Chunk::Start => hex_digit(byte).map(Chunk::Size),
            Chunk::Size(size) => match hex_digit(byte) {
                // A chunk of 4 GiB or more truncates the body.
                Some(digit) => size.checked_mul(16).and_then(|size| size.checked_add(digit)).map(Chunk::Size),
                None => chunk.after_size(size, byte),
            },
            Chunk::Space(size) | Chunk::Extension(size) | Chunk::SizeCr(size) => chunk.after_size(size, byte),
            Chunk::Data(_) | Chunk::DataEnd | Chunk::DataCr => None,
        };
        match next {
            Some(Chunk::Data(0)) => COMPLETE,
            Some(next) => Framing::Chunked(next),
            // The end of malformed chunked coding cannot be found.
            None => TRUNCATED,
        }
    }
}

impl Chunk {
    /// The state after a byte that follows the digits of this size. `None` if the byte is not allowed there.
    fn after_size(self, size: u32, byte: u8) -> Option<Self> {
        match (self, byte) {
            (_, b'\n') => Some(Self::Data(size)),
            (Self::SizeCr(_), _) => None,
            (_, b'\r') => Some(Self::SizeCr(size)),
            (Self::Extension(_), _) | (_, b';') => Some(Self::Extension(size)),
            (_, b' ' | b'\t') => Some(Self::Space(size)),
            _ => None,
        }
    }
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

/// What the `Content-Length` headers of a response say (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ContentLength {
    Missing,
    /// The length that all elements of all headers agree on. It saturates at `u32::MAX`.
    Bytes(u32),
    Invalid,
}

impl ContentLength {
    fn of(response: &Response<'_>) -> Self {
        let mut values = response.headers().all("content-length").peekable();
        if values.peek().is_none() {
            return Self::Missing;
        }
        let mut lengths = values.flat_map(elements).map(|mut digits| {
            while let [b'0', rest @ ..] = digits {
                digits = rest;
            }
            digits
        });
        match lengths.next() {
            Some(first) if first.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == first) => {
                let add =
                    |length: u32, digit: &u8| length.saturating_mul(10).saturating_add((digit & 0x0f).into());
                Self::Bytes(first.iter().fold(0, add))
            }
            _ => Self::Invalid,
        }
    }
}
