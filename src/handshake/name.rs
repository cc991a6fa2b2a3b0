//! The names of the headers that the protocol reads, and of those that a storage without an allocator keeps.

use super::chars::is_token;
use super::swar::equals_known;
use crate::bytes::{FOR_SPEED, plus};

/// Whether `name` equals `known` in any ASCII case. WS-2.1-01
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn is_name(name: &[u8], known: &[u8]) -> bool {
    if FOR_SPEED {
        return name.eq_ignore_ascii_case(known);
    }
    name.len() == known.len() && common_len(name, known) == name.len()
}

/// A header that the protocol reads, as an index into `KNOWN_NAMES`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownHeader(usize);

/// The names of the headers that the protocol reads in either role, each with the colon behind it. Two
/// numbers precede each name: how many bytes it shares with the name before it, which are left out, and how
/// many other bytes it has. An array of slices would take more than twice the flash.
const KNOWN_NAMES: &[u8] =
    b"\x00\x05host:\x00\x07origin:\x00\x08upgrade:\x00\x0bconnection:\x03\x0ctent-length:\
    \x00\x12sec-websocket-key:\x0e\x08version:\x0e\x0bextensions:\x0e\x09protocol:\x0e\x07accept:\
    \x00\x12transfer-encoding:\x00\x07expect:";

impl KnownHeader {
    pub(crate) const HOST: Self = Self(0);
    pub(crate) const UPGRADE: Self = Self(2);
    pub(crate) const CONNECTION: Self = Self(3);
    pub(crate) const LENGTH: Self = Self(4);
    pub(crate) const KEY: Self = Self(5);
    pub(crate) const VERSION: Self = Self(6);
    pub(crate) const EXTENSIONS: Self = Self(7);
    pub(crate) const PROTOCOL: Self = Self(8);
    pub(crate) const ACCEPT: Self = Self(9);
    pub(crate) const CODING: Self = Self(10);
    pub(crate) const EXPECT: Self = Self(11);

    /// Finds a header by its name, in any ASCII case. WS-4.1-63 · WS-4.2.1-03
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        if !FOR_SPEED {
            let (header, len) = Self::longest_match(name, b":");
            return (len != 0).then_some(header);
        }
        let is = |known: &[u8]| equals_known(name, known);
        Some(match name.len() {
            4 if is(b"host") => Self::HOST,
            6 if is(b"expect") => Self::EXPECT,
            7 if is(b"upgrade") => Self::UPGRADE,
            10 if is(b"connection") => Self::CONNECTION,
            14 if is(b"content-length") => Self::LENGTH,
            17 if is(b"sec-websocket-key") => Self::KEY,
            17 if is(b"transfer-encoding") => Self::CODING,
            20 if is(b"sec-websocket-accept") => Self::ACCEPT,
            21 if is(b"sec-websocket-version") => Self::VERSION,
            22 if is(b"sec-websocket-protocol") => Self::PROTOCOL,
            24 if is(b"sec-websocket-extensions") => Self::EXTENSIONS,
            // Most headers end up here. The checks do not read the other known headers.
            _ => return None,
        })
    }

    /// The number of bytes at the front of `next` with which a line that starts with `start` can still be
    /// that of a known header. If its colon is among these bytes, the first result is that header; otherwise
    /// it means nothing.
    #[inline(never)]
    fn longest_match(start: &[u8], next: &[u8]) -> (Self, usize) {
        let (mut names, mut index, mut longest) = (KNOWN_NAMES, 0, 0);
        // The number of bytes at the front of the line that the name before begins with, too.
        let mut same = 0;
        while let Some((shared, name, rest)) = first_name(names) {
            // After the shared bytes, this name differs from the name before.
            same = same.min(shared);
            // If the line differs from the name before in a shared byte, it also differs from this name.
            if same == shared {
                let mut name = name.iter();
                loop {
                    let Some(&known) = name.next() else {
                        return (Self(index), same.saturating_sub(start.len()));
                    };
                    match start.get(same).or_else(|| next.get(same.wrapping_sub(start.len()))) {
                        // The name is in lower case. An upper-case letter differs from it in one bit.
                        Some(byte) if (byte | (known & 0x40) >> 1) == known => same = plus(same, 1),
                        _ => break,
                    }
                }
                longest = longest.max(same);
            }
            names = rest;
            // There are fewer than 256 names.
            index = plus(index, 1);
        }
        (Self(index), longest.saturating_sub(start.len()))
    }
}

/// The number of bytes that the first of these names shares with the name before it, the other bytes of the
/// first name, and the names after it.
#[inline(always)]
fn first_name(names: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let ([shared, len], rest) = names.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked((*len).into())?;
    Some(((*shared).into(), name, rest))
}

/// The number of bytes at the front of `next` with which a line that starts with `start` can still be a
/// header to keep: one that the protocol reads, or one of `names`, which the embedder asked for. If a colon
/// is the last of these bytes, the line is such a header.
#[inline(never)]
pub(crate) fn wanted_len(names: &[&str], start: &[u8], next: &[u8]) -> usize {
    let (_, mut longest) = KnownHeader::longest_match(start, next);
    for name in names {
        let len = match_len(name.as_bytes(), start, next);
        // A name that is not a token cannot be in a head.
        if len > longest && is_token(name.as_bytes()) {
            longest = len;
        }
    }
    longest
}

/// The number of bytes at the front of `next` with which a line that starts with `start` can still be a
/// header with this name. The colon after the name counts.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn match_len(name: &[u8], start: &[u8], next: &[u8]) -> usize {
    let rest = name.get(common_len(name, start)..).unwrap_or_default();
    if plus(start.len(), rest.len()) != name.len() {
        return 0;
    }
    let len = common_len(rest, next);
    if len == rest.len() && next.get(len) == Some(&b':') { plus(len, 1) } else { len }
}

/// The number of bytes at the front that are the same in any ASCII case.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn common_len(one: &[u8], other: &[u8]) -> usize {
    let is_same = |one: u8, other: u8| {
        // A letter differs from its other case in one bit.
        let difference = one ^ other;
        difference == 0 || (difference == 0x20 && one.is_ascii_alphabetic())
    };
    one.iter().zip(other).take_while(|(one, other)| is_same(**one, **other)).count()
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/name.rs"]
mod tests;
