//! Messages in parts, as the bytes arrive.

use super::found::{Found, Payload, What};
use super::{Receiver, Reported};
use crate::error::{Error, Violation};
use crate::message::{DataKind, Utf8};
use crate::storage::Storage;

/// [`Receiver::part_payload`]. It is called through a pointer, which is taken where [`Delivery::Parts`](crate::Delivery) is
/// chosen: a program that never does so is linked without this file.
pub(super) type TakeParts<S> =
    for<'i> fn(&mut Receiver<S>, &mut &'i mut [u8], &mut Found<'i>) -> Result<(), Error>;

impl<S: Storage> Receiver<S> {
    /// Takes payload of a message in parts.
    pub(super) fn part_payload<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        found: &mut Found<'i>,
    ) -> Result<(), Error> {
        let kind = self.order.last_kind();
        // A character that was cut is completed first, as a part of its own.
        let missing = self.assembler.utf8().missing();
        let max = if missing > 0 { missing } else { usize::MAX };
        let Some(bytes) = self.decoder.payload(input, max) else {
            return Ok(());
        };
        let is_last = self.decoder.is_in_header() && self.decoder.fin();
        found.payload = match kind {
            DataKind::Binary => Payload::Input(bytes),
            DataKind::Text if missing > 0 => {
                Payload::Char(self.assembler.utf8().continue_char(bytes).map_err(|_| Violation::InvalidUtf8)?)
            }
            DataKind::Text => match self.assembler.utf8().split(bytes) {
                // WS-8.1-02
                Ok(text) if is_last && !self.assembler.utf8().is_complete() => {
                    return self.valid_part(text, found);
                }
                Ok(text) => Payload::Text(text),
                Err(_) => return self.valid_part(Utf8::valid_prefix(bytes), found),
            },
        };
        if is_last && kind == DataKind::Text {
            self.assembler.end_text()?;
        }
        if !is_last && found.payload.is_empty() {
            return Ok(());
        }
        let is_first = core::mem::replace(&mut self.is_first, false);
        if is_last {
            self.end_message();
        }
        found.what = What::part(is_first);
        Ok(())
    }

    /// The text in front of a bad byte is a part as well: it would have been one had the bytes come one by one.
    #[cold]
    fn valid_part<'i>(&mut self, text: &'i str, found: &mut Found<'i>) -> Result<(), Error> {
        if text.is_empty() {
            return Err(Violation::InvalidUtf8.into());
        }
        self.reported = Reported::TextBeforeBadByte;
        let is_first = core::mem::replace(&mut self.is_first, false);
        *found = Found { what: What::part(is_first), payload: Payload::Text(text) };
        Ok(())
    }
}
