//! A head on its way out. Where room costs memory it is put together twice, by the same calls: without room, which tells
//! its length, and then into room of that length.

use crate::bytes::copy;

/// Where the pieces of a head go.
#[derive(Debug, Default)]
pub(crate) struct Out<'r> {
    room: &'r mut [u8],
    len: usize,
}

impl<'r> Out<'r> {
    pub(crate) fn to(room: &'r mut [u8]) -> Self {
        Self { room, len: 0 }
    }

    /// How many bytes came.
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

    /// A header field.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        for piece in [name, ": ", value, "\r\n"] {
            self.put(piece.as_bytes());
        }
    }

    /// A decimal number.
    #[expect(clippy::cast_possible_truncation, reason = "a digit")]
    pub(crate) fn number(&mut self, mut value: usize) {
        let mut digits = [0; 20];
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (value % 10) as u8;
            value /= 10;
            used += 1;
            if value == 0 {
                break;
            }
        }
        self.put(digits.get(digits.len() - used..).unwrap_or_default());
    }
}
