//! A text message that is joined from validated pieces, so that nothing has to validate the whole text again.

use crate::memory::TryBox;
use crate::storage::Full;
use crate::storage::sealed::{Empty, Subprotocols, Text, TextMessage};
use alloc::string::String;
use core::str;
#[cfg(feature = "simdutf8")]
use {
    alloc::vec::Vec,
    ascii::{AsciiChar, AsciiStr, AsciiString},
};

/// A text that takes eight bytes while it is empty: most connections receive no message in pieces, and agree
/// on no subprotocol.
#[derive(Debug)]
pub struct LazyText(Option<TryBox<Joined>>);

/// The text is in `ascii` until the first non-ASCII character arrives, and then in `text`. Both use the same
/// memory: it moves from one to the other.
#[derive(Debug, Default)]
struct Joined {
    /// The text and its room, which may hold a copy of a message while there is no text. Room is initialised
    /// once, and afterwards only overwritten.
    #[cfg(feature = "simdutf8")]
    ascii: Vec<AsciiChar>,
    /// The number of characters at the front of `ascii` that are text.
    #[cfg(feature = "simdutf8")]
    len: usize,
    text: String,
}

impl LazyText {
    fn joined(&mut self) -> Result<&mut Joined, Full> {
        if self.0.is_none() {
            self.0 = Some(TryBox::new(Joined::default()).map_err(|_| Full)?);
        }
        self.0.as_deref_mut().ok_or(Full)
    }

    /// The first `len` characters of the room, if it is initialised that far.
    #[cfg(feature = "simdutf8")]
    #[inline(always)]
    fn initialised(&mut self, len: usize) -> Option<&mut [AsciiChar]> {
        self.0.as_deref_mut()?.ascii.get_mut(..len)
    }

    /// Initialises the room for `len` characters. Fails if there is text that is not ASCII, and if there is
    /// no memory.
    #[cfg(feature = "simdutf8")]
    #[cold]
    fn initialise(&mut self, len: usize) -> Result<(), Full> {
        let Joined { ascii, .. } = self.in_ascii()?.ok_or(Full)?;
        if let Some(more) = len.checked_sub(ascii.len()) {
            ascii.try_reserve_exact(more).map_err(|_| Full)?;
            ascii.resize(len, AsciiChar::Null);
        }
        Ok(())
    }

    /// The text, if it is in `ascii`. An empty text moves its memory there.
    #[cfg(feature = "simdutf8")]
    fn in_ascii(&mut self) -> Result<Option<&mut Joined>, Full> {
        let joined = self.joined()?;
        if !joined.text.is_empty() {
            return Ok(None);
        }
        if joined.text.capacity() > 0 {
            let empty = core::mem::take(&mut joined.text);
            joined.ascii = AsciiString::from_ascii(empty).unwrap_or_default().into();
        }
        Ok(Some(joined))
    }
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
        let joined = self.joined()?;
        #[cfg(feature = "simdutf8")]
        if joined.ascii.capacity() > 0 {
            let mut ascii = core::mem::take(&mut joined.ascii);
            ascii.truncate(core::mem::take(&mut joined.len));
            joined.text = AsciiString::from(ascii).into();
        }
        // `try_reserve` at most doubles the memory, unless the piece needs more.
        joined.text.try_reserve(piece.len()).map_err(|_| Full)?;
        joined.text.push_str(piece);
        Ok(())
    }
}

impl<B> Subprotocols<B> for LazyText {
    fn as_bytes<'t>(&'t self, _outgoing: &'t B) -> &'t [u8] {
        self.as_str().as_bytes()
    }

    fn push(&mut self, _outgoing: &mut B, piece: &[u8]) -> Result<(), Full> {
        Text::push(self, str::from_utf8(piece).unwrap_or_default())
    }

    fn clear(&mut self, _outgoing: &mut B) {
        *self = Self::EMPTY;
    }

    fn prepared_for(name: &[u8]) -> Result<Self, Full> {
        let mut prepared = Self::EMPTY;
        Text::push(&mut prepared, str::from_utf8(name).unwrap_or_default())?;
        Ok(prepared)
    }

    fn reduce_to(&mut self, _outgoing: &mut B, _name: &[u8], prepared: Self) {
        *self = prepared;
    }
}

impl TextMessage for LazyText {
    const IS_SEPARATE: bool = true;

    #[cfg(feature = "simdutf8")]
    fn ascii_room(&mut self, len: usize) -> Result<Option<&mut [AsciiChar]>, Full> {
        let Some(joined) = self.in_ascii()? else {
            return Ok(None);
        };
        let end = joined.len.checked_add(len).ok_or(Full)?;
        if let Some(more) = end.checked_sub(joined.ascii.len()) {
            // As in `push`, the memory at most doubles.
            joined.ascii.try_reserve(more).map_err(|_| Full)?;
            joined.ascii.resize(end, AsciiChar::Null);
        }
        Ok(joined.ascii.get_mut(joined.len..end))
    }

    #[cfg(feature = "simdutf8")]
    #[inline(always)]
    fn copy_room(&mut self, len: usize, keep: usize) -> Option<&mut [AsciiChar]> {
        if self.initialised(len).is_none() {
            // Twice the length: if messages slowly get longer, the room need not grow for each of them.
            self.initialise(len.saturating_mul(2).min(keep)).ok()?;
        }
        self.initialised(len)
    }

    #[cfg(feature = "simdutf8")]
    #[inline(always)]
    fn copied(&self, len: usize) -> Option<&str> {
        self.0.as_deref()?.ascii.get(..len).map(|room| <&AsciiStr>::from(room).as_str())
    }

    #[cfg(feature = "simdutf8")]
    fn fill_ascii(&mut self, len: usize) {
        if let Some(joined) = &mut self.0 {
            joined.len = joined.ascii.len().min(joined.len.saturating_add(len));
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
