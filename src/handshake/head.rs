//! Collects one bounded HTTP/1.1 head from pieces of any size in linear time: no byte is searched twice, even
//! if each byte arrives alone.
//!
//! Each line is checked when its line feed has arrived, in the order of the lines. Before that, only the
//! first byte of the whole head is checked. A storage of a fixed size keeps only the lines that the protocol
//! or the embedder reads.
//!
//! A server rejects white space in unusual places. A client is a user agent: it repairs such a response while
//! it collects the head, so that all other code reads lines of the plain grammar.

use super::byte_grammar::{HEAD, Position};
use super::name::wanted_len;
use super::swar::{find_line_feed, token_len, value_len};
use crate::bytes::{FOR_SPEED, take_front, to_u32, to_usize};
use crate::error::{Error, HandshakeError, Limit};
use crate::storage::sealed::Buffer;
use crate::storage::{Full, Storage};

/// The progress in reading a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HeadProgress {
    position: Position,
    /// Whether the current line is dropped. A line is kept as long as its name can still match a wanted
    /// header.
    is_dropped: bool,
    /// The number of headers that were checked.
    headers: u8,
    /// The number of bytes that have arrived, to compare with the limit.
    seen: u32,
    /// The start of the current line in the buffer.
    line_start: u32,
}

/// The limits of a head, and the lines to keep.
pub(crate) struct HeadRules<'n> {
    pub(crate) max_head: u32,
    pub(crate) max_headers: u8,
    pub(crate) names: &'n [&'static str],
    /// Checks a first line.
    pub(crate) first_line: fn(&[u8]) -> Result<(), HandshakeError>,
}

/// The number of bytes at the front that leave the position unchanged.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn run(position: Position, bytes: &[u8]) -> usize {
    match position {
        Position::FirstLine if FOR_SPEED => find_line_feed(bytes).unwrap_or(bytes.len()),
        // A first line that is not checked yet may have other bytes too. They only make the run shorter.
        Position::FirstLine | Position::HeaderValue => value_len(bytes),
        Position::HeaderName => token_len(bytes),
        _ => 0,
    }
}

fn is_before_first(position: Position) -> bool {
    matches!(position, Position::BeforeFirst | Position::BeforeFirstCr | Position::BeforeFirstCrs)
}

impl HeadProgress {
    pub(crate) const NEW: Self =
        Self { position: Position::BeforeFirst, is_dropped: false, headers: 0, seen: 0, line_start: 0 };

    /// Whether no byte has arrived yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.position == Position::BeforeFirst && self.seen == 0
    }

    /// Whether the buffer holds the complete head of a response.
    pub(crate) fn is_complete(&self) -> bool {
        self.position == Position::HeadEnd
    }

    /// Counts the bytes of a head that is taken as a whole.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_add(to_u32(bytes));
    }

    /// The front of the input that is within the limit.
    pub(crate) fn within<'i>(&self, input: &'i [u8], max_head: u32) -> &'i [u8] {
        input.get(..to_usize(max_head.saturating_sub(self.seen))).unwrap_or(input)
    }

    /// Begins the next head. The limit applies to the sum of all heads.
    pub(crate) fn restart(&mut self) {
        *self = Self { seen: self.seen, ..Self::NEW };
    }

    /// Takes bytes of a head off the front of `input`. Returns `true` once the head is complete in `buffer`,
    /// and `false` if all input was used and the head needs more. `REPAIRS` says whether the reader is a
    /// client, which repairs a head.
    pub(crate) fn take<S: Storage, const REPAIRS: bool>(
        &mut self, input: &mut &mut [u8], buffer: &mut S::Receive, rules: &HeadRules<'_>,
    ) -> Result<bool, Error> {
        loop {
            let within = self.within(input, rules.max_head);
            let Some(&byte) = within.first() else {
                return if input.is_empty() { Ok(false) } else { Err(Limit::Head.into()) };
            };
            if REPAIRS {
                if let Some(next) = self.repair(byte, buffer).map_err(no_room::<S>)? {
                    take_front(input, 1);
                    self.add(1);
                    self.position = next;
                    continue;
                }
            }
            if self.position == Position::LineStart {
                self.is_dropped = false;
                self.line_start = to_u32(buffer.len());
            }
            let is_name = matches!(self.position, Position::LineStart | Position::HeaderName);
            let (mut len, mut next) = if S::KEEPS_ALL_HEADERS || !is_name || self.is_dropped {
                (run(self.position, within), self.position)
            } else {
                self.match_name(within, buffer, rules)
            };
            if len == 0 {
                len = 1;
                next = self.position.after(HEAD, byte);
                if !S::KEEPS_ALL_HEADERS && is_name && !matches!(next, Position::LastCr | Position::HeadEnd) {
                    // The line was buffered while its name could still match a wanted one. It no longer can.
                    self.is_dropped = true;
                    buffer.truncate(self.line_start());
                }
            }
            self.add(len);
            let piece = take_front(input, len);
            if !self.is_dropped && (next == Position::FirstLine || !is_before_first(self.position)) {
                buffer.append(piece).map_err(no_room::<S>)?;
            }
            // If the first byte begins neither a method nor `HTTP/`, the peer sends TLS or noise. Neither
            // need ever contain an empty line, so the head fails at once.
            if next == Position::Invalid && (is_before_first(self.position) || byte == b'\n') {
                return Err(HandshakeError::MalformedHead.into());
            }
            if byte == b'\n' {
                if next == Position::HeadEnd {
                    if REPAIRS {
                        self.position = next;
                    }
                    return Ok(true);
                }
                if self.position == Position::FirstLine {
                    (rules.first_line)(self.current_line(buffer))?;
                } else if next == Position::LineStart {
                    self.count_header(rules)?;
                }
            }
            self.position = next;
        }
    }

    /// Matches the bytes that follow with the names of wanted headers. Returns how many of the bytes the name
    /// of such a header can have, its colon included, and the position after them.
    #[inline(always)]
    fn match_name<B: Buffer>(&self, bytes: &[u8], buffer: &B, rules: &HeadRules<'_>) -> (usize, Position) {
        let len = wanted_len(rules.names, self.current_line(buffer), bytes);
        let has_colon = bytes.get(..len).is_some_and(|name| name.ends_with(b":"));
        (len, if has_colon { Position::HeaderValue } else { Position::HeaderName })
    }

    #[inline(always)]
    fn count_header(&mut self, rules: &HeadRules<'_>) -> Result<(), Limit> {
        if self.headers >= rules.max_headers {
            return Err(Limit::Headers);
        }
        // The limit is at most 255, and the number is below it.
        self.headers = self.headers.wrapping_add(1);
        Ok(())
    }

    /// Repairs the head if it has white space here that the grammar does not allow. Returns the next position
    /// if the byte is left out of the buffer, and `None` if the byte continues the head.
    fn repair<B: Buffer>(&mut self, byte: u8, buffer: &mut B) -> Result<Option<Position>, Full> {
        let is_space = matches!(byte, b' ' | b'\t');
        Ok(match self.position {
            // RFC 9112 section 2.2: such lines in front of the first header are ignored.
            Position::LineStart if is_space && self.headers == 0 => Some(Position::IgnoredLine),
            Position::IgnoredLine if byte == b'\n' => Some(Position::LineStart),
            Position::IgnoredLine => Some(Position::IgnoredLine),
            // RFC 9112 section 5.2: a fold counts as a space, and the line continues.
            Position::LineStart if is_space => {
                self.headers = self.headers.saturating_sub(1);
                if !self.is_dropped {
                    let mut line = buffer.filled();
                    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
                        line = rest;
                    }
                    let len = line.len();
                    buffer.truncate(len);
                    buffer.append(b" ")?;
                }
                Some(Position::Fold)
            }
            Position::Fold if is_space => Some(Position::Fold),
            Position::Fold => {
                self.position = Position::HeaderValue;
                None
            }
            // RFC 9112 section 5.1: a proxy removes white space in front of the colon, and so does a client.
            Position::HeaderName | Position::NameEnd if is_space => Some(Position::NameEnd),
            Position::NameEnd => {
                self.position = if byte == b':' { Position::HeaderName } else { Position::Invalid };
                None
            }
            _ => None,
        })
    }

    fn line_start(&self) -> usize {
        to_usize(self.line_start)
    }

    /// The part of the current line that has arrived.
    fn current_line<'b, B: Buffer>(&self, buffer: &'b B) -> &'b [u8] {
        buffer.filled().get(self.line_start()..).unwrap_or_default()
    }
}

/// The error for a storage without room for a head: the allocator has no memory, or the storage has a fixed
/// size and is too small.
pub(crate) fn no_room<S: Storage>(_: Full) -> Limit {
    if S::Receive::GROWS { Limit::Memory } else { Limit::Head }
}
