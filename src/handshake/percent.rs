//! Percent-encoding (RFC 3986 section 2.1) of data that becomes a part of a URI.

use super::chars::CharSet;
use core::fmt::{self, Write as _};

/// Text or bytes that [`Display`](fmt::Display) writes percent-encoded, so that they can be part of the path
/// or of the query of a [`Uri`](crate::Uri). It allocates nothing.
///
/// The text is encoded as UTF-8. A percent sign is data and is encoded too, so do not encode a text twice.
/// `Debug` shows only the length, because a query can carry a token.
///
/// ```
/// use sansws::Uri;
/// use sansws::handshake::PercentEncoded;
///
/// let (room, name) = (PercentEncoded::segment("lobby/2"), PercentEncoded::query("J\u{f6}rg & Co"));
/// let uri = format!("wss://chat.example/rooms/{room}?name={name}");
/// assert_eq!(uri, "wss://chat.example/rooms/lobby%2F2?name=J%C3%B6rg%20%26%20Co");
/// assert!(Uri::parse(&uri).is_ok());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PercentEncoded<'a> {
    data: &'a [u8],
    place: Place,
}

/// The part of a URI that the data becomes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Path,
    Segment,
    Query,
}

/// The characters of `pchar` (RFC 3986 section 3.3).
static SEGMENT: CharSet = CharSet::alphanumeric_and(b"-._~!$&'()*+,;=:@");

/// The characters that mean nothing to a program that splits a query into names and values.
static QUERY: CharSet = CharSet::alphanumeric_and(b"-._~!$'()*,:@/?");

impl<'a> PercentEncoded<'a> {
    /// A whole path: slashes stay, and separate its segments (RFC 3986 section 3.3).
    #[must_use]
    pub fn path(data: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { data: data.as_ref(), place: Place::Path }
    }

    /// One segment of a path: a slash is encoded. The segments `.` and `..` cannot be encoded, and have their
    /// special meaning in a path (RFC 3986 section 3.3).
    #[must_use]
    pub fn segment(data: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { data: data.as_ref(), place: Place::Segment }
    }

    /// A name or a value in a query such as `name=value&name=value`: the characters `&`, `=`, `+` and `;` are
    /// encoded too (RFC 3986 section 3.4).
    #[must_use]
    pub fn query(data: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { data: data.as_ref(), place: Place::Query }
    }
}

impl fmt::Display for PercentEncoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed = if self.place == Place::Query { &QUERY } else { &SEGMENT };
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default().to_ascii_uppercase();
        self.data.iter().try_for_each(|&byte| {
            if allowed.has(byte) || (byte == b'/' && self.place == Place::Path) {
                f.write_char(char::from(byte))
            } else {
                f.write_char('%')?;
                f.write_char(digit(byte >> 4))?;
                f.write_char(digit(byte & 0x0f))
            }
        })
    }
}

shown!(PercentEncoded<'_> { this => "PercentEncoded({} bytes)", this.data.len(); });
