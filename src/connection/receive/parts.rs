//! Messages in parts, as the bytes arrive.

use super::found::{Found, Payload};
use super::{Receiver, Reported};
use crate::error::{Error, Violation};
use crate::message::{DataKind, Utf8};
use crate::storage::Storage;

/// [`Receiver::part_payload`]. It is called through a pointer, which is taken where [`Delivery::Parts`](crate::Delivery) is
/// chosen: a program that never does so is linked without this file.
pub(super) type TakeParts<S> = for<'i> fn(
    &mut Receiver<S>,
    DataKind,
    &mut &'i mut [u8],
    &mut Payload<'i>,
) -> Result<Option<Found>, Error>;

impl<S: Storage> Receiver<S> {
    /// Takes payload of a message in parts. `None`: nothing to report so far.
    pub(super) fn part_payload<'i>(
        &mut self,
        kind: DataKind,
        input: &mut &'i mut [u8],
        payload: &mut Payload<'i>,
    ) -> Result<Option<Found>, Error> {
        // A character that was cut is completed first, as a part of its own.
        let missing = self.assembler.utf8().missing();
        let max = if missing > 0 { missing } else { usize::MAX };
        let Some(piece) = self.decoder.payload(input, max) else {
            return Ok(None);
        };
        let is_last = piece.is_last && self.decoder.fin();
        *payload = match kind {
            DataKind::Binary => Payload::Input(piece.bytes),
            DataKind::Text if missing > 0 => Payload::Char(
                self.assembler.utf8().continue_char(piece.bytes).map_err(|_| Violation::InvalidUtf8)?,
            ),
            DataKind::Text => match self.assembler.utf8().split(piece.bytes) {
                // WS-8.1-02
                Ok(text) if is_last && !self.assembler.utf8().is_complete() => {
                    return self.valid_part(text, payload);
                }
                Ok(text) => Payload::Text(text),
                Err(_) => return self.valid_part(Utf8::valid_prefix(piece.bytes), payload),
            },
        };
        if is_last && kind == DataKind::Text {
            self.assembler.end_text()?;
        }
        if !is_last && payload.is_empty() {
            return Ok(None);
        }
        let is_first = core::mem::replace(&mut self.is_first, false);
        if is_last {
            self.end_message();
        }
        Ok(Some(Found::part(is_first)))
    }

    /// The text in front of a bad byte is a part as well: it would have been one had the bytes come one by one.
    #[cold]
    fn valid_part<'i>(&mut self, text: &'i str, payload: &mut Payload<'i>) -> Result<Option<Found>, Error> {
        if text.is_empty() {
            return Err(Violation::InvalidUtf8.into());
        }
        self.reported = Reported::TextBeforeBadByte;
        let is_first = core::mem::replace(&mut self.is_first, false);
        *payload = Payload::Text(text);
        Ok(Some(Found::part(is_first)))
    }
}
