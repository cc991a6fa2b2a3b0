//! The names of the headers that the protocol reads, and of those that a storage without an allocator keeps.

use super::swar::{equals_known, take_until};
use crate::bytes::FOR_SPEED;

/// Whether `name` equals `known` in any ASCII case. WS-2.1-01
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn is_name(name: &[u8], known: &[u8]) -> bool {
    if FOR_SPEED { name.eq_ignore_ascii_case(known) } else { equals_compactly(name, known) }
}

/// Does the same in less code: a letter differs from its other case in one bit. Of the other characters of a
/// token, `^` and `~` count as equal, but no name that the library knows has one of them.
#[inline(always)]
fn equals_compactly(name: &[u8], known: &[u8]) -> bool {
    name.len() == known.len() && name.iter().zip(known).all(|(a, b)| (a ^ b) & !((b & 0x40) >> 1) == 0)
}

/// A header that the protocol reads, as an index into `KNOWN_NAMES`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownHeader(usize);

/// The names of the headers that the protocol reads in either role. An array of slices would take almost
/// twice the flash.
const KNOWN_NAMES: &[u8] = b"host,origin,upgrade,connection,sec-websocket-key,sec-websocket-version,\
    sec-websocket-protocol,sec-websocket-extensions,sec-websocket-accept,content-length,transfer-encoding,\
    expect";

impl KnownHeader {
    pub(crate) const HOST: Self = Self(0);
    pub(crate) const UPGRADE: Self = Self(2);
    pub(crate) const CONNECTION: Self = Self(3);
    pub(crate) const KEY: Self = Self(4);
    pub(crate) const VERSION: Self = Self(5);
    pub(crate) const PROTOCOL: Self = Self(6);
    pub(crate) const EXTENSIONS: Self = Self(7);
    pub(crate) const ACCEPT: Self = Self(8);
    pub(crate) const LENGTH: Self = Self(9);
    pub(crate) const CODING: Self = Self(10);
    pub(crate) const EXPECT: Self = Self(11);

    /// Finds a header by its name, in any ASCII case. WS-4.1-63 · WS-4.2.1-03
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        if !FOR_SPEED {
            return Self::starting_with(name, b':');
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

    /// The first known header whose line can start with `start` and then `byte`.
    #[inline(never)]
    fn starting_with(start: &[u8], byte: u8) -> Option<Self> {
        let (mut names, mut index) = (KNOWN_NAMES, 0);
        while !names.is_empty() {
            if can_start(take_until(&mut names, b','), start, byte) {
                return Some(Self(index));
            }
            names = names.get(1..).unwrap_or_default();
            // There are fewer than 256 names.
            index = index.wrapping_add(1);
        }
        None
    }
}

/// Whether a line that starts with `start` and then `byte` can still become a header to keep: one that the
/// protocol reads, or one of `names`, which the embedder asked for.
pub(crate) fn is_wanted(names: &[&str], start: &[u8], byte: u8) -> bool {
    KnownHeader::starting_with(start, byte).is_some()
        || names.iter().any(|name| can_start(name.as_bytes(), start, byte))
}

/// Whether the line of a header with this name can start with `start` and then `byte`.
#[inline(never)]
fn can_start(name: &[u8], start: &[u8], byte: u8) -> bool {
    let (front, next) = name.split_at_checked(start.len()).unwrap_or_default();
    is_name(next.get(..1).unwrap_or(b":"), &[byte]) && is_name(front, start)
}

#[cfg(all(test, feature = "std"))]
#[path = "../../tests/unit/handshake/name.rs"]
mod tests;
