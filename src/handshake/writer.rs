//! Writes a head. If buffer space costs memory, the head is written twice by the same calls: first without a
//! buffer, to measure its length, and then into exactly that much space.

use super::chars::{is_token, is_value_byte};
use crate::bytes::{copy, minus, plus};
use crate::error::Misuse;
use core::fmt;

/// Headers of the embedder, as pairs of name and value. The values are text, or bytes (RFC 9110 section 5.5).
/// `Debug` shows the names only: values carry credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct OwnHeaders<'a, V = &'a str>(pub(crate) &'a [(&'a str, V)]);

impl<V: AsRef<[u8]>> OwnHeaders<'_, V> {
    /// Checks that no header can break the head apart (WS-4.1-21), and that none has a `reserved` name. If a
    /// reserved name ends with a dash, all names that begin with it are reserved.
    #[inline]
    pub(crate) fn check(&self, reserved: &[&str]) -> Result<(), Misuse> {
        self.0.iter().try_for_each(|(name, value)| check_header(name, value.as_ref(), reserved))
    }

    pub(crate) fn write(&self, out: &mut HeadWriter<'_>) {
        for (name, value) in self.0 {
            out.header(name, value.as_ref());
        }
    }
}

fn check_header(name: &str, value: &[u8], reserved: &[&str]) -> Result<(), Misuse> {
    if !is_token(name.as_bytes()) || !value.iter().copied().all(is_value_byte) {
        return Err(Misuse::InvalidHeader);
    }
    let is_reserved = reserved.iter().any(|reserved| {
        let start = if reserved.ends_with('-') { name.get(..reserved.len()) } else { Some(name) };
        start.is_some_and(|start| start.eq_ignore_ascii_case(reserved))
    });
    if is_reserved { Err(Misuse::ReservedHeader) } else { Ok(()) }
}

impl<V> fmt::Debug for OwnHeaders<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Writes the pieces of a head one after the other.
#[derive(Debug, Default)]
pub(crate) struct HeadWriter<'r> {
    room: &'r mut [u8],
    len: usize,
}

impl<'r> HeadWriter<'r> {
    pub(crate) fn to(room: &'r mut [u8]) -> Self {
        Self { room, len: 0 }
    }

    /// The number of bytes that were written, including those that did not fit.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(never)]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        self.len = self.len.saturating_add(piece.len());
        if let Some((now, later)) = core::mem::take(&mut self.room).split_at_mut_checked(piece.len()) {
            copy(piece, now);
            self.room = later;
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &[u8]) {
        for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.put(piece);
        }
    }

    /// Writes a decimal number.
    #[expect(clippy::cast_possible_truncation, reason = "a digit")]
    pub(crate) fn number(&mut self, mut value: usize) {
        let mut digits = [0; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' | (value % 10) as u8;
            value /= 10;
            used = plus(used, 1);
            if value == 0 {
                break;
            }
        }
        self.put(digits.get(minus(digits.len(), used)..).unwrap_or_default());
    }
}
