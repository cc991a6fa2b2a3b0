//! One bounded HTTP/1.1 head from any pieces, in linear time: no byte is searched twice, also when each comes alone.
//!
//! Lines are judged in their order, each when its line feed is there; of a line under way nothing is judged but the
//! first byte of all. A storage of a fixed size keeps only the lines that somebody wants.

use super::fields::{is_known, is_name, is_value_byte};
use super::grammar::{HEAD, Place};
use super::line::{find_line_feed, token_len, value_len};
use super::server::is_websocket_header;
use crate::bytes::{FOR_SPEED, take_front};
use crate::error::{Error, HandshakeError, Limit};
use crate::storage::Full;
use crate::storage::sealed::{Buffer, Names};

/// How far a head has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    place: Place,
    /// Whether the line under way is one that nobody wants. Until that is known it is kept.
    is_dropped: bool,
    /// Header fields that were judged.
    fields: u8,
    /// Bytes that came: compared with the limit.
    seen: u32,
    /// Where in the buffer the line under way begins.
    line_start: u32,
}

/// How many bytes at the front change nothing, where it pays to look; at least the first one, which may.
#[inline]
fn run(place: Place, bytes: &[u8]) -> usize {
    let run = match place {
        Place::FirstLine => find_line_feed(bytes).unwrap_or(bytes.len()),
        Place::FieldName => token_len(bytes),
        Place::FieldValue => value_len(bytes),
        _ => 1,
    };
    run.max(1)
}

fn is_before_first(place: Place) -> bool {
    matches!(place, Place::BeforeFirst | Place::BeforeFirstCr | Place::BeforeFirstCrs)
}

/// What a head is held to.
pub(crate) struct Bounds<N> {
    pub(crate) max_head: u32,
    pub(crate) max_fields: u8,
    pub(crate) names: N,
    /// Judges a first line.
    pub(crate) first_line: fn(&[u8]) -> Result<(), HandshakeError>,
}

impl Progress {
    pub(crate) const NEW: Self =
        Self { place: Place::BeforeFirst, is_dropped: false, fields: 0, seen: 0, line_start: 0 };

    /// Whether nothing has come yet.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.place == Place::BeforeFirst && self.seen == 0
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
        loop {
            let within = self.within(input, bounds.max_head);
            let Some(&byte) = within.first() else {
                return if input.is_empty() { Ok(false) } else { Err(Limit::Head.into()) };
            };
            let len = if FOR_SPEED && N::KEEPS_ALL { run(self.place, within) } else { 1 };
            let next = match self.place {
                Place::FirstLine if byte != b'\n' => Place::FirstLine,
                Place::FieldValue if is_value_byte(byte) => Place::FieldValue,
                place => place.after(HEAD, byte),
            };
            let is_name = matches!(self.place, Place::Field | Place::FieldName);
            if !N::KEEPS_ALL && is_name && !self.is_dropped && !matches!(next, Place::LastCr | Place::HeadEnd)
            {
                let begun = self.begun(buffer);
                if !is_wanted(bounds.names.list(), begun, byte) {
                    // What stood there while it could have been wanted needed its room.
                    self.is_dropped = true;
                    buffer.truncate(self.line_start());
                }
            }
            self.add(len);
            let piece = take_front(input, len);
            if !self.is_dropped && (next == Place::FirstLine || !is_before_first(self.place)) {
                buffer.append(piece).map_err(|Full| Limit::Head)?;
            }
            // What begins neither with a method nor with `HTTP/` is TLS or noise, which may never have an empty line.
            if next == Place::Malformed && (is_before_first(self.place) || byte == b'\n') {
                return Err(HandshakeError::MalformedHead.into());
            }
            if byte == b'\n' {
                if next == Place::HeadEnd {
                    return Ok(true);
                }
                if self.place == Place::FirstLine {
                    (bounds.first_line)(self.begun(buffer))?;
                } else if next == Place::Field {
                    if self.fields >= bounds.max_fields {
                        return Err(Limit::HeadFields.into());
                    }
                    self.fields += 1;
                }
                self.is_dropped = false;
                self.line_start = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
            }
            self.place = next;
        }
    }

    fn line_start(&self) -> usize {
        usize::try_from(self.line_start).unwrap_or(usize::MAX)
    }

    /// The line under way, as far as it came.
    fn begun<'b, B: Buffer>(&self, buffer: &'b B) -> &'b [u8] {
        buffer.filled().get(self.line_start()..).unwrap_or_default()
    }
}

/// A field that the protocol reads, by its place in `OWN`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Own(usize);

/// The fields that the protocol reads, of either role.
static OWN: [&str; 11] = [
    "host",
    "origin",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "sec-websocket-accept",
    "content-length",
    "transfer-encoding",
];

impl Own {
    pub(crate) const HOST: Self = Self(0);
    pub(crate) const UPGRADE: Self = Self(2);
    pub(crate) const CONNECTION: Self = Self(3);
    pub(crate) const KEY: Self = Self(4);
    pub(crate) const VERSION: Self = Self(5);
    pub(crate) const PROTOCOL: Self = Self(6);
    pub(crate) const EXTENSIONS: Self = Self(7);
    pub(crate) const ACCEPT: Self = Self(8);

    /// By its name, in any ASCII case. WS-4.1-63 · WS-4.2.1-03
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        if !FOR_SPEED {
            return Self::beginning(name, b':');
        }
        let is = |known: &[u8]| is_known(name, known);
        Some(match name.len() {
            4 if is(b"host") => Self::HOST,
            7 if is(b"upgrade") => Self::UPGRADE,
            10 if is(b"connection") => Self::CONNECTION,
            17 if is(b"sec-websocket-key") => Self::KEY,
            20 if is(b"sec-websocket-accept") => Self::ACCEPT,
            21 if is(b"sec-websocket-version") => Self::VERSION,
            22 if is(b"sec-websocket-protocol") => Self::PROTOCOL,
            24 if is(b"sec-websocket-extensions") => Self::EXTENSIONS,
            // Most fields are none of these, and neither role checks the rest.
            _ => return None,
        })
    }

    /// One whose line may begin like this.
    #[inline(never)]
    fn beginning(begun: &[u8], byte: u8) -> Option<Self> {
        OWN.iter().position(|name| may_be(name, begun, byte)).map(Self)
    }
}

/// Whether somebody may want a line that begins like this. Those of the handshake are all kept.
fn is_wanted(names: &[&str], begun: &[u8], byte: u8) -> bool {
    is_websocket_header(begun)
        || Own::beginning(begun, byte).is_some()
        || names.iter().any(|name| may_be(name, begun, byte))
}

/// Whether a line that begins like this may be a field of that name.
#[inline(never)]
fn may_be(name: &str, begun: &[u8], byte: u8) -> bool {
    let (front, next) = name.as_bytes().split_at_checked(begun.len()).unwrap_or_default();
    next.first().unwrap_or(&b':').eq_ignore_ascii_case(&byte) && is_name(front, begun)
}
