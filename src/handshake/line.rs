//! One line of a head at a time: request line, status line, header field (RFC 9112 sections 3 to 5). A line is judged when
//! its line feed is there and not before, so that no answer depends on how the bytes were cut.

use super::fields::{is_token_byte, is_value_byte};
use crate::bytes::FOR_SPEED;
use crate::error::{Error, HandshakeError, Limit};
use core::str;

/// A line that was read off the front of a head, and what follows it. `None`: its line feed is not there yet.
pub(crate) type Read<'a, T> = Result<Option<(T, &'a [u8])>, HandshakeError>;

/// `GET /chat HTTP/1.1`
#[derive(Clone, Copy)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a str,
    pub(crate) is_http_1_1: bool,
}

/// `HTTP/1.1 101 Switching Protocols`
#[derive(Clone, Copy)]
pub(crate) struct StatusLine {
    pub(crate) status: u16,
    pub(crate) is_http_1_1: bool,
}

/// `Host: server.example`, the value with the white space around it; the name is empty at the end of the head.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// How long the empty lines in front of a head are (RFC 9112 section 2.2).
pub(crate) fn empty_lines_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(after) = line_end(rest) {
        rest = after;
    }
    bytes.len() - rest.len()
}

pub(crate) fn request_line(bytes: &[u8]) -> Read<'_, RequestLine<'_>> {
    whole(bytes, || {
        let (method, rest) = bytes.split_at_checked(token_len(bytes))?;
        let rest = rest.strip_prefix(b" ")?;
        let (target, rest) =
            rest.split_at_checked(rest.iter().position(|&byte| byte <= b' ' || byte == 0x7f)?)?;
        let target = str::from_utf8(target).ok()?;
        let (version, rest) = rest.strip_prefix(b" ")?.split_first_chunk()?;
        let rest = line_end(rest)?;
        if method.is_empty() || target.is_empty() {
            return None;
        }
        Some(http_version(*version)?.map(|is_http_1_1| (RequestLine { method, target, is_http_1_1 }, rest)))
    })
}

pub(crate) fn status_line(bytes: &[u8]) -> Read<'_, StatusLine> {
    whole(bytes, || {
        let (version, rest) = bytes.split_first_chunk()?;
        let [b' ', status @ ..] = rest else { return None };
        let is_http_1_1 = match http_version(*version)? {
            Ok(is_http_1_1) => is_http_1_1,
            // Whatever it says, it says so in another language.
            Err(error) => return rest.contains(&b'\n').then_some(Err(error)),
        };
        let ([hundreds, tens, ones], rest) = status.split_first_chunk()?;
        let mut status = 0;
        for digit in [hundreds, tens, ones] {
            status = status * 10 + u16::from(digit.is_ascii_digit().then(|| digit & 0x0f)?);
        }
        let reason = if let [b' ', ..] = rest { value_len(rest) } else { 0 };
        let rest = line_end(rest.get(reason..)?)?;
        Some(Ok((StatusLine { status, is_http_1_1 }, rest)))
    })
}

/// A field, or the empty line at the end. Inlined for speed; without an allocator size counts more.
#[cfg_attr(feature = "alloc", inline)]
pub(crate) fn field(bytes: &[u8]) -> Read<'_, Field<'_>> {
    match valid_field(bytes) {
        Some(read) => Ok(Some(read)),
        None => whole(bytes, || None),
    }
}

#[cfg_attr(feature = "alloc", inline)]
fn valid_field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (name, rest) = bytes.split_at_checked(token_len(bytes))?;
    if name.is_empty() {
        return Some((Field { name, value: name }, line_end(rest)?));
    }
    let [b':', rest @ ..] = rest else { return None };
    let (value, rest) = rest.split_at_checked(value_len(rest))?;
    Some((Field { name, value }, line_end(rest)?))
}

/// All fields up to the empty line. Returns what follows it.
#[inline]
pub(crate) fn fields<'a>(
    mut rest: &'a [u8],
    max: u8,
    mut add: impl FnMut(Field<'a>),
) -> Result<Option<&'a [u8]>, Error> {
    let mut left = max;
    while let Some((field, after)) = field(rest)? {
        if field.name.is_empty() {
            return Ok(Some(after));
        }
        left = left.checked_sub(1).ok_or(Limit::HeadFields)?;
        add(field);
        rest = after;
    }
    Ok(None)
}

/// Takes a field off the front of lines that were judged. `None` at the end of them.
pub(crate) fn judged_field<'a>(lines: &mut &'a [u8]) -> Option<Field<'a>> {
    let (line, rest) = lines.split_at_checked(find_line_feed(lines)?)?;
    *lines = rest.get(1..)?;
    let (name, value) = line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
    let value = value.get(1..)?;
    Some(Field { name, value: value.strip_suffix(b"\r").unwrap_or(value) })
}

/// A line without what ends it, and the lines behind it.
pub(crate) fn split_line(lines: &[u8]) -> (&[u8], &[u8]) {
    let end = lines.iter().position(|&byte| byte == b'\n').unwrap_or(lines.len());
    let (line, rest) = lines.split_at_checked(end).unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default())
}

/// A line that cannot be read is malformed if its end is there.
fn whole<'a, T>(
    bytes: &[u8],
    read: impl FnOnce() -> Option<Result<(T, &'a [u8]), HandshakeError>>,
) -> Read<'a, T> {
    match read() {
        Some(read) => Ok(Some(read?)),
        None if find_line_feed(bytes).is_some() => Err(HandshakeError::MalformedHead),
        None => Ok(None),
    }
}

/// Whether it is 1.1 and not 1.0. `None`: no version at all.
#[inline(always)]
fn http_version(version: [u8; 8]) -> Option<Result<bool, HandshakeError>> {
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
        return None;
    };
    match (major, minor) {
        (b'1', b'0' | b'1') => Some(Ok(minor == b'1')),
        _ if major.is_ascii_digit() && minor.is_ascii_digit() => Some(Err(HandshakeError::HttpVersion)),
        _ => None,
    }
}

#[inline]
fn line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => Some(rest),
        _ => None,
    }
}

// Words of bytes: the scans below look at a whole one. A byte is marked by its top bit, and of the marks the lowest is
// exact, which is that of the first byte.

type Word = usize;
const WORD: usize = size_of::<Word>();

const fn all(byte: u8) -> Word {
    Word::MAX / 0xff * byte as Word
}

const TOPS: Word = all(0x80);

/// `None` at the end, and at once where byte by byte is good enough.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<Word> {
    if !FOR_SPEED {
        return None;
    }
    Some(Word::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The place of the first marked byte.
#[inline]
fn first(marks: Word) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// How many bytes at the front belong to a token.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        while let Some(word) = word_at(bytes, at) {
            // Nearly all names are of letters and dashes. No sum below carries into the next byte.
            let low = word & !TOPS;
            let lower = low | all(0x20);
            let letters = (lower + all(0x80 - b'a')) & !(lower + all(0x7f - b'z'));
            let not_dash = (low ^ all(b'-')) + all(0x7f);
            let others = (word | (!letters & not_dash)) & TOPS;
            if others != 0 {
                at += first(others);
                break;
            }
            at += WORD;
        }
        match bytes.get(at) {
            Some(&byte) if is_token_byte(byte) => at += 1,
            _ => return at,
        }
    }
}

/// Marks controls; the tab is one.
#[inline]
fn controls(word: Word) -> Word {
    let delete = word ^ all(0x7f);
    ((word.wrapping_sub(all(0x20)) & !word) | (delete.wrapping_sub(all(1)) & !delete)) & TOPS
}

/// How many bytes at the front may stand in a field value.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        // Two words at a time, as long as nothing is marked.
        while let (Some(one), Some(two)) = (word_at(bytes, at), word_at(bytes, at + WORD)) {
            if controls(one) | controls(two) != 0 {
                break;
            }
            at += 2 * WORD;
        }
        while let Some(word) = word_at(bytes, at) {
            let controls = controls(word);
            if controls != 0 {
                at += first(controls);
                break;
            }
            at += WORD;
        }
        match bytes.get(at) {
            Some(&byte) if is_value_byte(byte) => at += 1,
            _ => return at,
        }
    }
}

/// The place of the first line feed.
pub(crate) fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = word_at(bytes, at) {
        let zeros = word ^ all(b'\n');
        let found = zeros.wrapping_sub(all(1)) & !zeros & TOPS;
        if found != 0 {
            return Some(at + first(found));
        }
        at += WORD;
    }
    Some(at + bytes.get(at..)?.iter().position(|&byte| byte == b'\n')?)
}
