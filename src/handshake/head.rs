//! One bounded HTTP/1.1 head from any pieces, in linear time: no byte is searched twice, also when each comes alone.
//!
//! Lines are judged in their order, each when its line feed is there; of a line under way nothing is judged but the
//! first byte of all. A storage of a fixed size keeps only the lines that somebody wants.

use super::fields::{is_token_byte, is_value_byte};
use super::line::{field, find_line_feed};
use crate::error::{Error, HandshakeError, Limit};
use crate::frame::take_front;
use crate::storage::Full;
use crate::storage::sealed::{Buffer, Names};

/// How far a head has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Progress {
    line: Line,
    /// Header fields that were judged.
    fields: u8,
    /// Bytes that came: compared with the limit.
    seen: u32,
    /// Where in the buffer the line under way begins.
    line_start: u32,
}

/// The line under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// In front of the first line, where empty ones are skipped (RFC 9112 section 2.2); behind so many CRs.
    BeforeFirst {
        crs: u8,
    },
    First,
    /// A field. Until it is known that nobody wants it, it is kept.
    Field {
        is_wanted: bool,
    },
    /// A field that nobody wants.
    Dropped(Dropped),
}

/// Where in a field that is dropped the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dropped {
    Start,
    Name,
    Value,
    Cr,
    Malformed,
}

impl Default for Line {
    fn default() -> Self {
        Self::BeforeFirst { crs: 0 }
    }
}

/// What a head is held to.
pub(crate) struct Bounds<N> {
    pub(crate) max_head: u32,
    pub(crate) max_fields: u8,
    pub(crate) names: N,
    /// Judges a first line.
    pub(crate) first_line: fn(&[u8]) -> Result<(), Error>,
}

impl Progress {
    pub(crate) const NEW: Self =
        Self { line: Line::BeforeFirst { crs: 0 }, fields: 0, seen: 0, line_start: 0 };

    /// Whether nothing has come yet.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.line == Line::default() && self.seen == 0
    }

    /// Counts bytes of a head that is taken whole.
    #[inline]
    pub(crate) fn add(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// The input that is within the limit.
    #[inline]
    pub(crate) fn within<'i>(&self, input: &'i [u8], max_head: u32) -> &'i [u8] {
        let allowed = usize::try_from(max_head.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        input.get(..allowed).unwrap_or(input)
    }

    /// Begins with the next head. The limit holds for all of them together.
    pub(crate) fn restart(&mut self) {
        *self = Self { seen: self.seen, ..Self::NEW };
    }

    /// Takes bytes of a head off the front of `input`. Whether it is complete: then it is in `buffer`, otherwise
    /// input is used up.
    pub(crate) fn take<B: Buffer, N: Names>(
        &mut self,
        input: &mut &mut [u8],
        buffer: &mut B,
        bounds: &Bounds<N>,
    ) -> Result<bool, Error> {
        while !input.is_empty() {
            let within = self.within(input, bounds.max_head);
            if within.is_empty() {
                return Err(Limit::Head.into());
            }
            let Line::BeforeFirst { crs } = self.line else {
                let end = find_line_feed(within);
                let len = end.map_or(within.len(), |end| end.saturating_add(1));
                self.add(len);
                if self.piece(take_front(input, len), end.is_some(), buffer, bounds)? {
                    return Ok(true);
                }
                continue;
            };
            let is_token = within.first().is_some_and(|&byte| is_token_byte(byte));
            self.line = match within {
                [b'\r', ..] => Line::BeforeFirst { crs: crs.saturating_add(1) },
                [b'\n', ..] if crs < 2 => Line::BeforeFirst { crs: 0 },
                _ if crs == 0 && is_token => {
                    self.line_start = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                    self.line = Line::First;
                    continue;
                }
                // Neither a method nor `HTTP/`, but TLS or noise, which may never have an empty line.
                _ => return Err(HandshakeError::MalformedHead.into()),
            };
            self.add(1);
            take_front(input, 1);
        }
        Ok(false)
    }

    /// Takes a piece of one line, the last one with its line feed. Whether the head is complete.
    fn piece<B: Buffer, N: Names>(
        &mut self,
        piece: &[u8],
        is_last: bool,
        buffer: &mut B,
        bounds: &Bounds<N>,
    ) -> Result<bool, Error> {
        let line_start = usize::try_from(self.line_start).unwrap_or(usize::MAX);
        if self.line == (Line::Field { is_wanted: false }) {
            let begun = buffer.filled().get(line_start..).unwrap_or_default();
            match wanted(bounds.names.list(), begun, piece) {
                Want::Unknown => {}
                Want::Yes => self.line = Line::Field { is_wanted: true },
                Want::No { needed } => {
                    // What stood there while it could have been wanted needed its room, however it was cut.
                    if needed > buffer.max_len().saturating_sub(line_start) {
                        return Err(Limit::Head.into());
                    }
                    self.line = Line::Dropped(begun.iter().copied().fold(Dropped::Start, Dropped::after));
                    buffer.truncate(line_start);
                }
            }
        }
        if let Line::Dropped(dropped) = self.line {
            let dropped = piece.iter().copied().fold(dropped, Dropped::after);
            self.line = Line::Dropped(dropped);
            if !is_last {
                return Ok(false);
            }
            if dropped == Dropped::Malformed {
                return Err(HandshakeError::MalformedHead.into());
            }
        } else {
            buffer.append(piece).map_err(|Full| Limit::Head)?;
            if !is_last {
                return Ok(false);
            }
            let line = buffer.filled().get(line_start..).unwrap_or_default();
            if self.line == Line::First {
                (bounds.first_line)(line)?;
                self.begin_field(buffer, N::KEEPS_ALL);
                return Ok(false);
            }
            if field(line)?.is_none_or(|(field, _)| field.name.is_empty()) {
                return Ok(true);
            }
        }
        self.fields = self.fields.saturating_add(1);
        if self.fields > bounds.max_fields {
            return Err(Limit::HeadFields.into());
        }
        self.begin_field(buffer, N::KEEPS_ALL);
        Ok(false)
    }

    fn begin_field<B: Buffer>(&mut self, buffer: &B, is_wanted: bool) {
        self.line = Line::Field { is_wanted };
        self.line_start = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    }
}

impl Dropped {
    /// The syntax of a field, byte by byte: as `line::field` has it.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start | Self::Name, byte) if is_token_byte(byte) => Self::Name,
            (Self::Value, b'\r') => Self::Cr,
            (Self::Value, byte) if is_value_byte(byte) => Self::Value,
            (Self::Name, b':') | (Self::Value | Self::Cr, b'\n') => Self::Value,
            _ => Self::Malformed,
        }
    }
}

/// Whether somebody wants a line.
enum Want {
    Yes,
    No {
        /// How many of its bytes were there before that was known.
        needed: usize,
    },
    Unknown,
}

/// What the protocol asks for, of either role. Where the last byte is a dash more of the name may follow.
const OWN: &[&str] =
    &["host", "origin", "upgrade", "connection", "sec-websocket-", "content-length", "transfer-encoding"];

/// Looks at the name of a line that came in two pieces, both perhaps not yet whole.
#[inline(never)]
fn wanted(names: &[&str], begun: &[u8], piece: &[u8]) -> Want {
    let byte = |at: usize| match begun.get(at) {
        None => piece.get(at.wrapping_sub(begun.len())),
        byte => byte,
    };
    let mut needed: usize = 0;
    for name in OWN.iter().chain(names) {
        let name = name.as_bytes();
        let is_same =
            |(at, wanted): (usize, &u8)| byte(at).is_some_and(|byte| byte.eq_ignore_ascii_case(wanted));
        let matched = name.iter().enumerate().take_while(|pair| is_same(*pair)).count();
        if matched == name.len() && (name.last() == Some(&b'-') || byte(matched) == Some(&b':')) {
            return Want::Yes;
        }
        needed = needed.max(matched);
    }
    match byte(0) {
        // The end of the head.
        Some(b'\r' | b'\n') => Want::Yes,
        _ if byte(needed).is_none() => Want::Unknown,
        _ => Want::No { needed },
    }
}
