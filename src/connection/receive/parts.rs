//! Messages in parts: the connection reports each piece of a message when it arrives.

use super::event::{Item, Located, Source};
use super::{Borrowed, Receiver};
use crate::error::{Error, Violation};
use crate::message::{DataKind, Utf8};
use crate::storage::Storage;

/// The type of [`Receiver::part_payload`]. The receiver calls this function through a pointer, which exists
/// only if the configuration chooses [`Delivery::Parts`](crate::Delivery::Parts). A program that never does
/// so is linked without this code.
pub(super) type PartsFn<S> =
    for<'i> fn(&mut Receiver<S>, &mut &'i mut [u8], &mut Located<'i>) -> Result<(), Error>;

impl<S: Storage> Receiver<S> {
    /// Takes payload of a message that is delivered in parts.
    pub(super) fn part_payload<'i>(
        &mut self, input: &mut &'i mut [u8], found: &mut Located<'i>,
    ) -> Result<(), Error> {
        let kind = self.fragments.kind;
        // If a character arrived incomplete, its missing bytes come first and make a part of their own.
        let missing = self.text.utf8().missing();
        let max = if missing > 0 { missing } else { usize::MAX };
        let Some(piece) = self.decoder.payload(input, max) else {
            return Ok(());
        };
        let is_last = piece.ends_frame && self.decoder.fin();
        let bytes = &*piece.unmask();
        found.source = match kind {
            DataKind::Binary => Source::Input(bytes),
            DataKind::Text if missing > 0 => {
                Source::SplitChar(self.text.utf8().continue_char(bytes).map_err(|_| Violation::InvalidUtf8)?)
            }
            DataKind::Text => match self.text.utf8().split(bytes) {
                // WS-8.1-02
                Ok(text) if is_last && self.text.end().is_err() => {
                    return self.valid_part(text, found);
                }
                Ok(text) => Source::CheckedInput(text),
                Err(_) => return self.valid_part(Utf8::valid_prefix(bytes), found),
            },
        };
        if is_last && kind == DataKind::Text {
            self.text.end()?;
        }
        if !is_last && found.source.is_empty() {
            return Ok(());
        }
        let is_first = !self.fragments.begin_delivery();
        if is_last {
            self.end_message();
        }
        found.item = Item::part(is_first);
        Ok(())
    }

    /// Reports the text in front of a bad byte as a part; the next call fails. So the events are the same as
    /// if the bytes had arrived one by one.
    #[cold]
    fn valid_part<'i>(&mut self, text: &'i str, found: &mut Located<'i>) -> Result<(), Error> {
        if text.is_empty() {
            return Err(Violation::InvalidUtf8.into());
        }
        self.buffer.set_borrowed(Borrowed::TextBeforeBadByte);
        let is_first = !self.fragments.begin_delivery();
        *found = Located { item: Item::part(is_first), source: Source::CheckedInput(text) };
        Ok(())
    }
}
