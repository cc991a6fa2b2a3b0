//! The values of headers: comma lists, headers that may occur once, version numbers (RFC 6455 section 4.3,
//! RFC 9110 section 5.6).

use super::byte_grammar::{EXTENSIONS, Grammar, Position, TOKENS};
use super::chars::{append_digit, is_token, trim};
use super::extension::extensions;
use super::name::is_name;
use super::swar::{equals_known, take_until};
use crate::bytes::FOR_SPEED;

/// The elements of a comma list, without the white space around them. Empty elements are skipped (WS-4.3-08).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = value;
    core::iter::from_fn(move || element(&mut rest))
}

/// Takes the next element off the front of a comma list.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn element<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    loop {
        let element = trim(take_until(rest, b','));
        if !element.is_empty() {
            return Some(element);
        }
        *rest = rest.get(1..)?;
    }
}

/// Whether the comma list has `token` as an element, in any ASCII case. WS-2.1-01
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn has_token(value: &[u8], token: &[u8]) -> bool {
    // Nearly always the token is the only element.
    (FOR_SPEED && equals_known(value, token)) || elements(value).any(|element| is_name(element, token))
}

/// A number from 0 to 255 without leading zeros. WS-4.3-04
pub(crate) fn parse_version(value: &[u8]) -> Option<u8> {
    if matches!(value, [b'0', _, ..] | []) {
        return None;
    }
    let mut number = 0;
    for digit in value {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = append_digit(number, *digit);
        if number > 255 {
            return None;
        }
    }
    u8::try_from(number).ok()
}

/// The value of a header that may occur once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Once<T> {
    #[default]
    Missing,
    Found(T),
    Repeated,
}

impl<T> Once<T> {
    pub(crate) fn set(&mut self, value: T) {
        *self = match self {
            Self::Missing => Self::Found(value),
            _ => Self::Repeated,
        };
    }
}

/// The validity of a comma list, which can extend over any number of headers with the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    /// No header with this name has occurred.
    #[default]
    Missing,
    /// The header has occurred, but no element yet.
    Empty,
    Valid,
    Malformed,
}

impl List {
    /// Adds the value of another header, a list of tokens.
    #[inline]
    pub(crate) fn add_tokens(&mut self, value: &[u8]) {
        if FOR_SPEED {
            self.add_elements(elements(value).map(is_token));
        } else {
            self.add_by_table(value, TOKENS);
        }
    }

    /// Adds the value of another header, a list of extensions.
    #[inline]
    pub(crate) fn add_extensions(&mut self, value: &[u8]) {
        if FOR_SPEED && is_usual_offer(value) {
            self.add_elements(core::iter::once(true));
        } else if FOR_SPEED {
            self.add_elements(extensions(value).map(|extension| extension.is_ok()));
        } else {
            self.add_by_table(value, EXTENSIONS);
        }
    }

    /// Adds elements, each of them valid or not.
    #[inline]
    fn add_elements(&mut self, elements: impl Iterator<Item = bool>) {
        if *self == Self::Missing {
            *self = Self::Empty;
        }
        elements.for_each(|is_valid| {
            if !is_valid {
                *self = Self::Malformed;
            } else if *self != Self::Malformed {
                *self = Self::Valid;
            }
        });
    }

    /// Does the same as [`add_elements`](Self::add_elements) in less code.
    #[inline(never)]
    fn add_by_table(&mut self, value: &[u8], grammar: &Grammar) {
        let mut line = Self::Empty;
        let mut position = Position::ListStart;
        for &byte in value {
            position = position.after(grammar, byte);
            if position == Position::Name {
                line = Self::Valid;
            }
        }
        if position > Position::AfterParameterName {
            line = Self::Malformed;
        }
        *self = line.max(*self);
    }

    /// Whether the list is valid. WS-4.3-08: if the header occurs, it has at least one element.
    pub(crate) fn is_valid(self) -> bool {
        matches!(self, Self::Missing | Self::Valid)
    }
}

/// Whether `value` is one of the two offers that nearly all browsers make, which are known to be valid.
/// Comparing the whole value takes a few instructions; reading it byte by byte takes a twelfth of a
/// handshake.
fn is_usual_offer(value: &[u8]) -> bool {
    value == b"permessage-deflate; client_max_window_bits" || value == b"permessage-deflate"
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/value.rs"]
mod tests;
