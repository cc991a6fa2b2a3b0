//! The headers of a complete head. Their syntax was checked when the head arrived, so this view only splits
//! the head.

use super::chars::trim;
use super::extension::{Extension, extensions};
use super::line::{split_line, validated_header};
use super::name::is_name;
use core::{fmt, str};

/// The headers of a head, as an iterator over pairs of name and value. The values have no white space around
/// them.
///
/// `Debug` shows the names and the lengths of the values: values carry cookies and credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Headers<'a> {
    /// The headers that remain, from the beginning of a line.
    lines: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(crate) fn of(head: &'a [u8]) -> Self {
        Self { lines: split_line(head).1 }
    }

    /// The values of all headers with this name, in any ASCII case (WS-4.1-63).
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.filter(move |(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first header with this name, if it is text.
    pub(super) fn text(mut self, name: &str) -> Option<&'a str> {
        loop {
            let header = validated_header(&mut self.lines)?;
            if is_name(header.name, name.as_bytes()) {
                return str::from_utf8(trim(header.value)).ok();
            }
        }
    }

    pub(crate) fn extensions(self) -> impl Iterator<Item = Extension<'a>> + Clone + use<'a> {
        self.all("sec-websocket-extensions").flat_map(extensions).filter_map(Result::ok)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = validated_header(&mut self.lines)?;
        Some((str::from_utf8(header.name).ok()?, trim(header.value)))
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone().map(|(name, value)| (name, value.len()))).finish()
    }
}
