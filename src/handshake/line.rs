//! Parses one line of a head at a time: request line, status line, header (RFC 9112 sections 3 to 5). A line
//! is checked when its line feed has arrived and not earlier, so the result does not depend on how the
//! network cut the bytes.

use super::chars::{TOKEN, append_digit};
use super::swar::{find_line_feed, take_until, token_len, value_len};
use super::target::TARGET;
use crate::bytes::minus;
use crate::error::{Error, HandshakeError, Limit};

/// A line that was taken off the front of a head, and the bytes after it. `None` if its line feed has not
/// arrived.
pub(crate) type Line<'a, T> = Result<Option<(T, &'a [u8])>, HandshakeError>;

/// A request line, such as `GET /chat HTTP/1.1`.
#[derive(Clone, Copy)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    /// Whether the version is 1.1 or a later minor version.
    pub(crate) is_http_1_1: bool,
}

/// A status line, such as `HTTP/1.1 101 Switching Protocols`.
#[derive(Clone, Copy)]
pub(crate) struct StatusLine {
    pub(crate) status: u16,
    pub(crate) is_http_1_1: bool,
}

/// A header, such as `Host: server.example`. The value still has the white space around it. An empty name
/// marks the end of the head.
#[derive(Clone, Copy)]
pub(crate) struct HeaderLine<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The length of the empty lines in front of a head (RFC 9112 section 2.2).
pub(crate) fn empty_lines_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(after) = line_end(rest) {
        rest = after;
    }
    minus(bytes.len(), rest.len())
}

pub(crate) fn request_line(bytes: &[u8]) -> Line<'_, RequestLine<'_>> {
    let mut rest = bytes;
    let line = take_until(&mut rest, b'\n');
    let [_, rest @ ..] = rest else {
        return Ok(None);
    };
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    let method = TOKEN.take_from(&mut line);
    let Some(mut line) = line.strip_prefix(b" ") else {
        return Err(HandshakeError::MalformedHead);
    };
    let target = TARGET.take_from(&mut line);
    match line {
        [b' ', version @ ..] if !method.is_empty() => {
            let version =
                version.try_into().ok().and_then(http_version).ok_or(HandshakeError::MalformedHead)?;
            Ok(Some((RequestLine { method, target, is_http_1_1: version? }, rest)))
        }
        _ => Err(HandshakeError::MalformedHead),
    }
}

pub(crate) fn status_line(bytes: &[u8]) -> Line<'_, StatusLine> {
    complete_line(bytes, || {
        let (version, rest) = bytes.split_first_chunk()?;
        let [b' ', status @ ..] = rest else { return None };
        let is_http_1_1 = match http_version(*version)? {
            Ok(is_http_1_1) => is_http_1_1,
            // The rest of the line may follow another grammar, so only its end counts.
            Err(error) => return rest.contains(&b'\n').then_some(Err(error)),
        };
        let ([hundreds, tens, ones], rest) = status.split_first_chunk()?;
        let mut status = 0;
        for digit in [hundreds, tens, ones] {
            if !digit.is_ascii_digit() {
                return None;
            }
            status = append_digit(status, *digit);
        }
        let reason = if let [b' ', ..] = rest { value_len(rest) } else { 0 };
        let rest = line_end(rest.get(reason..)?)?;
        Some(Ok((StatusLine { status, is_http_1_1 }, rest)))
    })
}

/// Takes a header, or the empty line at the end of the head.
#[cfg_attr(target_pointer_width = "64", inline)]
pub(crate) fn header_line(bytes: &[u8]) -> Line<'_, HeaderLine<'_>> {
    match valid_header_line(bytes) {
        Some(line) => Ok(Some(line)),
        None => complete_line(bytes, || None),
    }
}

#[cfg_attr(target_pointer_width = "64", inline)]
fn valid_header_line(bytes: &[u8]) -> Option<(HeaderLine<'_>, &[u8])> {
    let (name, rest) = bytes.split_at_checked(token_len(bytes))?;
    if name.is_empty() {
        return Some((HeaderLine { name, value: name }, line_end(rest)?));
    }
    let [b':', rest @ ..] = rest else { return None };
    let (value, rest) = rest.split_at_checked(value_len(rest))?;
    Some((HeaderLine { name, value }, line_end(rest)?))
}

/// Passes all headers up to the empty line to `add`. Returns the bytes after the empty line, or `None` if it
/// has not arrived. If the head `IS_VALIDATED`, its syntax was checked when it arrived.
#[inline]
pub(crate) fn header_lines<'a, const IS_VALIDATED: bool>(
    mut rest: &'a [u8], max: u8, mut add: impl FnMut(HeaderLine<'a>),
) -> Result<Option<&'a [u8]>, Error> {
    if IS_VALIDATED {
        while let Some(header) = validated_header(&mut rest) {
            add(header);
        }
        return Ok(Some(rest));
    }
    let mut left = max;
    while let Some((header, after)) = header_line(rest)? {
        if header.name.is_empty() {
            return Ok(Some(after));
        }
        left = left.checked_sub(1).ok_or(Limit::Headers)?;
        add(header);
        rest = after;
    }
    Ok(None)
}

/// Takes a header off the front of lines whose syntax was checked before. `None` at the end of the head.
pub(crate) fn validated_header<'a>(lines: &mut &'a [u8]) -> Option<HeaderLine<'a>> {
    let mut line = take_until(lines, b'\n');
    *lines = lines.get(1..)?;
    let name = take_until(&mut line, b':');
    let value = line.get(1..)?;
    Some(HeaderLine { name, value: value.strip_suffix(b"\r").unwrap_or(value) })
}

/// The first line without its line end, and the lines after it.
pub(crate) fn split_line(mut lines: &[u8]) -> (&[u8], &[u8]) {
    let line = take_until(&mut lines, b'\n');
    (line.strip_suffix(b"\r").unwrap_or(line), lines.get(1..).unwrap_or_default())
}

/// Reads a line with `read`. If `read` returns `None` and the line's end has arrived, the line is malformed.
fn complete_line<'a, T>(
    bytes: &[u8], read: impl FnOnce() -> Option<Result<(T, &'a [u8]), HandshakeError>>,
) -> Line<'a, T> {
    match read() {
        Some(read) => Ok(Some(read?)),
        None if find_line_feed(bytes).is_some() => Err(HandshakeError::MalformedHead),
        None => Ok(None),
    }
}

/// Whether the version is 1.1 rather than 1.0. `None` if the bytes are not an HTTP version.
#[inline(always)]
fn http_version(version: [u8; 8]) -> Option<Result<bool, HandshakeError>> {
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
        return None;
    };
    match (major, minor) {
        _ if !major.is_ascii_digit() || !minor.is_ascii_digit() => None,
        (b'1', minor) => Some(Ok(minor != b'0')),
        _ => Some(Err(HandshakeError::HttpVersion)),
    }
}

#[inline]
fn line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => Some(rest),
        _ => None,
    }
}
