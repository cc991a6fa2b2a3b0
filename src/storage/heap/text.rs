//! A text that is joined from pieces which are text already, so that the whole is not looked at again.

use crate::storage::Full;
use crate::storage::sealed::{Empty, Text, TextMessage};
use alloc::boxed::Box;
use alloc::string::String;
#[cfg(feature = "simdutf8")]
use {
    alloc::vec::Vec,
    ascii::{AsciiChar, AsciiStr, AsciiString},
};

/// Eight bytes until there is text: most connections get no message in pieces.
#[derive(Debug)]
pub struct LazyText(Option<Box<Joined>>);

/// While all of it is ASCII, it is in `ascii`; from the first other character on, in `text`. The memory goes with it: one
/// of the two has none.
#[derive(Debug, Default)]
struct Joined {
    /// Kept initialised, so that room costs no more.
    #[cfg(feature = "simdutf8")]
    ascii: Vec<AsciiChar>,
    /// How many characters at its front are text.
    #[cfg(feature = "simdutf8")]
    len: usize,
    text: String,
}

impl Empty for LazyText {
    const EMPTY: Self = Self(None);
}

impl Text for LazyText {
    fn as_str(&self) -> &str {
        let Some(joined) = &self.0 else {
            return "";
        };
        #[cfg(feature = "simdutf8")]
        if joined.text.is_empty() {
            return <&AsciiStr>::from(joined.ascii.get(..joined.len).unwrap_or_default()).as_str();
        }
        &joined.text
    }

    fn push(&mut self, piece: &str) -> Result<(), Full> {
        if piece.is_empty() {
            return Ok(());
        }
        let joined = self.0.get_or_insert_default();
        #[cfg(feature = "simdutf8")]
        if joined.ascii.capacity() > 0 {
            let mut ascii = core::mem::take(&mut joined.ascii);
            ascii.truncate(core::mem::take(&mut joined.len));
            joined.text = AsciiString::from(ascii).into();
        }
        // At most doubled.
        joined.text.try_reserve(piece.len()).map_err(|_| Full)?;
        joined.text.push_str(piece);
        Ok(())
    }
}

impl TextMessage for LazyText {
    const IS_APART: bool = true;

    #[cfg(feature = "simdutf8")]
    fn ascii_room(&mut self, len: usize) -> Result<Option<&mut [AsciiChar]>, Full> {
        let joined = self.0.get_or_insert_default();
        if !joined.text.is_empty() {
            return Ok(None);
        }
        if joined.text.capacity() > 0 {
            let empty = core::mem::take(&mut joined.text);
            joined.ascii = AsciiString::from_ascii(empty).unwrap_or_default().into();
        }
        let end = joined.len.checked_add(len).ok_or(Full)?;
        if let Some(more) = end.checked_sub(joined.ascii.len()) {
            // At most doubled.
            joined.ascii.try_reserve(more).map_err(|_| Full)?;
            joined.ascii.resize(end, AsciiChar::Null);
        }
        Ok(joined.ascii.get_mut(joined.len..end))
    }

    #[cfg(feature = "simdutf8")]
    fn fill_ascii(&mut self, len: usize) {
        if let Some(joined) = &mut self.0 {
            joined.len = joined.ascii.len().min(joined.len + len);
        }
    }

    fn clear(&mut self, keep: usize) {
        let Some(joined) = &mut self.0 else {
            return;
        };
        #[cfg(feature = "simdutf8")]
        if (1..=keep).contains(&joined.ascii.capacity()) {
            joined.len = 0;
            return;
        }
        if (1..=keep).contains(&joined.text.capacity()) {
            joined.text.clear();
            return;
        }
        self.0 = None;
    }
}
