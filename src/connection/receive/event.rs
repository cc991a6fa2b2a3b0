//! Turns an item that the receiver found into an event. Finding an item changes the connection; the event
//! only borrows it. So these are two separate steps.

use super::{Receiver, parse_close};
#[cfg(feature = "simdutf8")]
use crate::bytes::to_usize;
use crate::close::{Close, CloseCode};
use crate::error::{Error, Violation};
#[cfg(feature = "alloc")]
use crate::event::FrameProgress;
use crate::event::{Event, Message, Part};
use crate::frame::{Mask, Opcode, Purpose};
use crate::message::{DataKind, InvalidUtf8, validate, validate_ascii};
#[cfg(feature = "simdutf8")]
use crate::message::{SIMD_LEN, validate_padded};
use crate::storage::Storage;
#[cfg(feature = "simdutf8")]
use crate::storage::sealed::Buffer;
use crate::storage::sealed::{Control, TextMessage};

/// An item that the receiver found, and the place of its payload.
#[derive(Clone, Copy)]
pub(crate) struct Located<'i> {
    pub(crate) item: Item,
    pub(crate) source: Source<'i>,
}

impl Located<'_> {
    /// The receiver has found nothing yet. The payload is in the buffer unless a later step sets another
    /// source. This is a function because reading a constant would copy the whole struct.
    #[inline(always)]
    pub(crate) const fn nothing() -> Self {
        Self { item: Item::Nothing, source: Source::Buffer }
    }
}

/// The type of an item. The receiver itself knows whether a message is text or binary, and the opcode of a
/// control frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    Nothing,
    /// A control frame.
    Control,
    /// A whole message.
    Message,
    /// The first part of a message.
    FirstPart,
    /// A later part of a message.
    Part,
}

impl Item {
    pub(super) const fn part(is_first: bool) -> Self {
        if is_first { Self::FirstPart } else { Self::Part }
    }
}

/// The place of an item's payload.
#[derive(Clone, Copy)]
pub(crate) enum Source<'i> {
    /// In the embedder's input.
    Input(&'i [u8]),
    /// In the embedder's input, and already validated as UTF-8.
    CheckedInput(&'i str),
    /// In the receive buffer, or in the buffer for control frames.
    Buffer,
    /// In the joined text, which is separate from the receive buffer.
    JoinedText,
    /// In the UTF-8 state, as a character of this length that arrived in pieces.
    SplitChar(usize),
}

impl Source<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Input(bytes) => bytes.is_empty(),
            Self::CheckedInput(text) => text.is_empty(),
            Self::Buffer | Self::JoinedText => false,
            Self::SplitChar(len) => *len == 0,
        }
    }
}

impl<S: Storage> Receiver<S> {
    /// Makes the event for an item. This validates whole text messages and the body of a Close.
    ///
    /// This and the following functions borrow `found`, because it was just written field by field. A
    /// processor that copied it whole would have to wait for these writes.
    #[inline(always)]
    pub(crate) fn event<'a>(&'a self, found: &Located<'a>) -> Result<Event<'a>, Error> {
        if found.item == Item::Control {
            let payload = match found.source {
                Source::Input(bytes) => bytes,
                _ => self.control.filled(),
            };
            return Ok(match self.decoder.opcode() {
                Opcode::Close => Event::Close(self.close()?),
                Opcode::Ping => Event::Ping(payload),
                _ => Event::Pong(payload),
            });
        }
        let data = self.message(found)?;
        Ok(match found.item {
            Item::Message => Event::Message(data),
            item => Event::Part(Part {
                data,
                is_first: item == Item::FirstPart,
                is_last: !self.fragments.is_in_message(),
                #[cfg(feature = "alloc")]
                frame: if cfg!(feature = "deflate") && self.fragments.is_compressed() {
                    FrameProgress::UNKNOWN
                } else {
                    FrameProgress::of(&self.decoder)
                },
            }),
        })
    }

    /// A whole message, or the content of a part.
    #[inline(always)]
    pub(crate) fn message<'a>(&'a self, found: &Located<'a>) -> Result<Message<'a>, Error> {
        Ok(match self.fragments.kind {
            // WS-5.6-03
            DataKind::Binary => Message::Binary(self.bytes(found)),
            DataKind::Text => Message::Text(self.text(found)?),
        })
    }

    /// The payload of a message or of a part.
    pub(crate) fn bytes<'a>(&'a self, found: &Located<'a>) -> &'a [u8] {
        match found.source {
            Source::Input(bytes) => bytes,
            Source::CheckedInput(text) => text.as_bytes(),
            Source::JoinedText if S::TextMessage::IS_SEPARATE => self.text.as_str().as_bytes(),
            Source::SplitChar(len) => self.text.completed_char(len),
            Source::Buffer | Source::JoinedText => self.buffer.payload(),
        }
    }

    /// The payload of a text message or of a part of one. Payload that arrived in pieces was validated piece
    /// by piece, but safe Rust must validate it again to turn it into a `&str`. WS-8.1-01 · WS-8.1-02
    pub(crate) fn text<'a>(&'a self, found: &Located<'a>) -> Result<&'a str, Error> {
        match found.source {
            Source::CheckedInput(text) => Ok(text),
            Source::JoinedText if S::TextMessage::IS_SEPARATE => Ok(self.text.as_str()),
            _ => validate(self.bytes(found)).map_err(|_| Violation::InvalidUtf8.into()),
        }
    }

    /// Unmasks the payload of a message that has more than 64 bytes. Returns whether the payload is known to
    /// be ASCII. If it is, and if the connection [copies](Self::copies_text) such a text, the room for text
    /// holds the text, and `payload` is still masked. Otherwise this unmasks `payload` in place.
    #[inline(always)]
    #[cfg_attr(not(feature = "simdutf8"), expect(clippy::unused_self, reason = "only SIMD needs the room"))]
    pub(crate) fn unmask_long(&mut self, opcode: Opcode, mask: Mask, payload: &mut [u8]) -> bool {
        if opcode != Opcode::Text {
            return mask.apply_long(payload, Purpose::Any);
        }
        #[cfg(feature = "simdutf8")]
        if self.copies_text(payload.len()) {
            return self.unmask_text(mask, payload);
        }
        mask.apply_long(payload, Purpose::Validation)
    }

    /// Copies an ASCII text to the room for text while unmasking it. This turns the bytes into characters, so
    /// no second pass has to validate them. If the text is not ASCII, or if there is no memory for the copy,
    /// this unmasks in place and returns `false`.
    #[cfg(feature = "simdutf8")]
    #[inline(never)]
    fn unmask_text(&mut self, mask: Mask, payload: &mut [u8]) -> bool {
        let is_copied = self.text.copy_message(payload, mask, to_usize(self.buffer.keep_capacity));
        if !is_copied {
            mask.apply_to_long_text(payload);
        }
        is_copied
    }

    /// Whether a whole text of this length, in bytes, is copied if it is ASCII. The copy needs a buffer that
    /// keeps its memory: otherwise each message would allocate.
    #[cfg(feature = "simdutf8")]
    #[inline(always)]
    fn copies_text(&self, len: usize) -> bool {
        S::Receive::GROWS
            && len > SIMD_LEN
            && to_usize(self.buffer.keep_capacity) >= len.max(S::Receive::MIN_CAPACITY)
    }

    /// Validates the payload of a whole message. `is_ascii`: the payload is known to be ASCII; then
    /// [`unmask_long`](Self::unmask_long) may have copied it. WS-8.1-01 · WS-8.1-02
    #[inline(always)]
    #[cfg_attr(not(feature = "simdutf8"), expect(clippy::unused_self, reason = "only SIMD needs the buffer"))]
    pub(crate) fn validate<'a>(
        &'a mut self, payload: &'a [u8], is_ascii: bool,
    ) -> Result<&'a str, InvalidUtf8> {
        #[cfg(feature = "simdutf8")]
        if is_ascii && self.copies_text(payload.len()) {
            return self.text.copied(payload.len()).ok_or(InvalidUtf8);
        }
        if is_ascii {
            return validate_ascii(payload);
        }
        // Like the copy of an ASCII text, the padded copy needs a buffer that keeps its memory.
        #[cfg(feature = "simdutf8")]
        if S::Receive::GROWS
            && payload.len() < SIMD_LEN
            && to_usize(self.buffer.keep_capacity) >= S::Receive::MIN_CAPACITY
        {
            return self.validate_short(payload);
        }
        validate(payload)
    }

    /// Validates a payload that is too short for SIMD, in a padded copy in the receive buffer, which is empty
    /// between messages.
    #[cfg(feature = "simdutf8")]
    #[inline(never)]
    fn validate_short<'a>(&'a mut self, payload: &'a [u8]) -> Result<&'a str, InvalidUtf8> {
        // Unmasking has already shown that a masked payload is not ASCII.
        let is_ascii = !self.decoder.peer_masks() && payload.is_ascii();
        if is_ascii {
            return validate_ascii(payload);
        }
        match self.buffer.room(SIMD_LEN).and_then(|room| room.first_chunk_mut()) {
            Some(room) => validate_padded(payload, room),
            // There is no memory for the copy. The core library's check needs none.
            None => validate(payload),
        }
    }

    /// The peer's Close. Callers call this only after it has arrived.
    pub(crate) fn close(&self) -> Result<Close<'_>, Error> {
        parse_close(self.control.filled())
    }
}

/// A Close without a body.
pub(super) const NO_CLOSE: Close<'_> = Close { code: CloseCode::NO_STATUS_RECEIVED, reason: "" };
