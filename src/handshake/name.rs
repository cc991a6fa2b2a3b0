//! The names of the headers that the protocol reads, and of those that a storage without an allocator keeps.

use super::swar::equals_known;
use crate::bytes::FOR_SPEED;

/// Whether `name` equals `known` in any ASCII case. WS-2.1-01
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn is_name(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// A header that the protocol reads, as an index into `KNOWN_NAMES`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownHeader(usize);

/// The names of the headers that the protocol reads in either role.
static KNOWN_NAMES: [&str; 12] = [
    "host", "origin", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
    "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-accept", "content-length",
    "transfer-encoding", "expect",
];

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
        KNOWN_NAMES.iter().position(|name| can_start(name, start, byte)).map(Self)
    }
}

/// Whether a line that starts with `start` and then `byte` can still become a header to keep: one of the
/// handshake, one that the protocol reads, or one of `names`, which the embedder asked for.
pub(crate) fn is_wanted(names: &[&str], start: &[u8], byte: u8) -> bool {
    const HANDSHAKE: &[u8] = b"sec-websocket-";
    start.get(..HANDSHAKE.len()).is_some_and(|front| is_name(front, HANDSHAKE))
        || KnownHeader::starting_with(start, byte).is_some()
        || names.iter().any(|name| can_start(name, start, byte))
}

/// Whether the line of a header with this name can start with `start` and then `byte`.
#[inline(never)]
fn can_start(name: &str, start: &[u8], byte: u8) -> bool {
    let (front, next) = name.as_bytes().split_at_checked(start.len()).unwrap_or_default();
    next.first().unwrap_or(&b':').eq_ignore_ascii_case(&byte) && is_name(front, start)
}
