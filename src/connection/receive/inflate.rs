//! Compressed messages (RFC 7692 section 7.2.2): payload is decompressed as it arrives, within the limit of the message.

use super::found::{Found, Payload, What};
use super::{Receiver, Reported};
use crate::connection::compression::{Compression, Decompression};
use crate::error::{Error, Limit, Violation};
use crate::message::{DataKind, Utf8};
use crate::storage::sealed::Buffer;
use crate::storage::{Full, Storage};

/// Room is made for at least and, before anything came out, at most so many bytes.
const MIN_ROOM: u64 = 512;
const MAX_FIRST_ROOM: u64 = 16 * 1024;
/// The longest part of a message that is delivered in parts.
const PART: u64 = 16 * 1024;
/// So many bytes are decompressed at once for a part, which has to end where its room does.
const PEEK: usize = 512;

impl<S: Storage> Receiver<S> {
    /// Takes payload of a compressed message.
    pub(super) fn inflated_payload(
        &mut self,
        input: &mut &mut [u8],
        found: &mut Found<'_>,
        compression: &mut Compression,
    ) -> Result<(), Error> {
        // RSV1 is a violation where nothing was agreed on, so there always is one.
        let decompression = compression.decompression().ok_or(Violation::ReservedBits(4))?;
        let kind = self.order.last_kind();
        if self.parts.is_some() {
            self.inflate_part(kind, input, found, decompression)
        } else {
            self.inflate_whole(kind, input, found, decompression)
        }
    }

    fn inflate_whole(
        &mut self,
        kind: DataKind,
        input: &mut &mut [u8],
        found: &mut Found<'_>,
        decompression: &mut Decompression,
    ) -> Result<(), Error> {
        let Some(bytes) = self.decoder.payload(input, usize::MAX) else {
            return Ok(());
        };
        let mut rest = &*bytes;
        loop {
            let buffer = self.assembler.buffer();
            let so_far = buffer.len();
            // WS-10.4-04: what comes out is held to the limit before there is room for it, and memory follows what
            // came out, at most doubled.
            let left = self.order.max_len().saturating_sub(so_far as u64);
            let likely = (rest.len() as u64).saturating_mul(4).clamp(MIN_ROOM, MAX_FIRST_ROOM);
            let len = usize::try_from(likely.max(so_far as u64).min(left)).unwrap_or(usize::MAX);
            let room = buffer.grow(len).map_err(|Full| Limit::Memory)?;
            let step = decompression.decompress(rest, room)?;
            buffer.truncate(so_far + step.produced);
            if kind == DataKind::Text {
                // PMD-6.1-09
                self.assembler.check_text(step.produced)?;
            }
            rest = rest.get(step.consumed..).unwrap_or_default();
            if step.done {
                break;
            }
            if len == 0 {
                return Err(Limit::Message.into());
            }
        }
        let is_last = self.decoder.is_in_header();
        if is_last && self.decoder.fin() {
            decompression.end_message()?;
        }
        self.end_of_whole(is_last, found)
    }

    fn inflate_part(
        &mut self,
        kind: DataKind,
        input: &mut &mut [u8],
        found: &mut Found<'_>,
        decompression: &mut Decompression,
    ) -> Result<(), Error> {
        // A character that was cut is completed first, as a part of its own.
        let missing = match kind {
            DataKind::Text => self.assembler.utf8().missing(),
            DataKind::Binary => 0,
        };
        let is_last = self.fill_part(missing, input, decompression)?;
        let (bytes, utf8) = self.assembler.bytes_and_utf8();
        let (mut len, mut is_valid) = (bytes.len(), true);
        if kind == DataKind::Text && missing > 0 {
            let whole = utf8.continue_char(bytes).map_err(|_| Violation::InvalidUtf8)?;
            len = whole;
            found.payload = Payload::Char(len);
        } else if kind == DataKind::Text {
            (len, is_valid) = match utf8.split(bytes) {
                // WS-8.1-02
                Ok(text) => (text.len(), !is_last || utf8.is_complete()),
                // The text in front of a bad byte is a part as well.
                Err(_) => (Utf8::valid_prefix(bytes).len(), false),
            };
            self.assembler.buffer().truncate(len);
        }
        if kind == DataKind::Text && is_last && is_valid {
            self.assembler.end_text()?;
        }
        if !is_valid && len == 0 {
            return Err(Violation::InvalidUtf8.into());
        }
        if len == 0 && !is_last {
            self.assembler.buffer().truncate(0);
            return Ok(());
        }
        let is_first = core::mem::replace(&mut self.is_first, false);
        let is_last = is_last && is_valid;
        if is_last {
            self.end_message();
        }
        self.reported = if is_valid { Reported::Part } else { Reported::TextBeforeBadByte };
        found.what = What::part(is_first);
        Ok(())
    }

    /// Decompresses into the buffer until a part is full or the input is used up. Returns whether the message has ended.
    fn fill_part(
        &mut self,
        missing: usize,
        input: &mut &mut [u8],
        decompression: &mut Decompression,
    ) -> Result<bool, Error> {
        // WS-10.4-04
        let left = self.order.max_len().saturating_sub(decompression.produced());
        let most = if missing > 0 { missing as u64 } else { PART };
        let len = usize::try_from(most.min(left)).unwrap_or(usize::MAX);
        self.assembler.buffer().grow(len).map_err(|Full| Limit::Memory)?;
        let mut filled = 0;
        let mut is_last = false;
        let has_more = loop {
            let mut scratch = [0; PEEK];
            let piece = self.decoder.peek(input, &mut scratch);
            let room = self.assembler.buffer().last_mut(len - filled);
            let step = match decompression.decompress(piece, room) {
                // What came before it is a part; the next call fails.
                Err(_) if filled > 0 => break true,
                step => step?,
            };
            filled += step.produced;
            let has_ended = self.decoder.is_in_header() || self.decoder.skip(input, step.consumed);
            if !step.done {
                match filled {
                    0 if len == 0 => return Err(Limit::Message.into()),
                    filled if filled == len => break true,
                    _ => continue,
                }
            }
            if has_ended && self.decoder.fin() {
                match decompression.end_message() {
                    Err(_) if filled > 0 => break true,
                    result => result?,
                }
                is_last = true;
            }
            if has_ended || input.is_empty() {
                break false;
            }
        };
        decompression.set_has_more(has_more);
        let unused = len - filled;
        let buffer = self.assembler.buffer();
        buffer.truncate(buffer.len() - unused);
        Ok(is_last)
    }
}
