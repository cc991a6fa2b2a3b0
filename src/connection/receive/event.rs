//! What the connection found in the peer's frames, and the event that is made of it in a last step. The two are separate
//! so that the first may change the connection, while the second only borrows it.

use super::{Receiver, parse_close};
#[cfg(feature = "simdutf8")]
use crate::bytes::to_usize;
use crate::close::{Close, CloseCode};
use crate::error::{Error, Violation};
use crate::event::{Event, Message, Part};
use crate::frame::Opcode;
use crate::message::{DataKind, InvalidUtf8, validate};
#[cfg(feature = "simdutf8")]
use crate::message::{SIMD_LEN, validate_ascii, validate_padded};
use crate::storage::Storage;
#[cfg(feature = "simdutf8")]
use crate::storage::sealed::Buffer;
use crate::storage::sealed::{Control, TextMessage};

/// What was found, and where its payload is.
#[derive(Clone, Copy)]
pub(crate) struct Located<'i> {
    pub(crate) item: Item,
    pub(crate) source: Source<'i>,
}

impl Located<'_> {
    /// Nothing found yet. The payload is in the buffer unless a later step says otherwise. This is a function because
    /// reading a constant would copy the whole struct.
    #[inline(always)]
    pub(crate) const fn nothing() -> Self {
        Self { item: Item::Nothing, source: Source::Buffer }
    }
}

/// What was found. The receiver knows the rest: whether a message is text or binary, and the opcode of a control frame.
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
    #[inline]
    pub(super) const fn part(is_first: bool) -> Self {
        if is_first { Self::FirstPart } else { Self::Part }
    }
}

/// Where the payload is.
#[derive(Clone, Copy)]
pub(crate) enum Source<'i> {
    /// In the embedder's input.
    Input(&'i [u8]),
    /// In the embedder's input, and checked to be UTF-8.
    CheckedInput(&'i str),
    /// In the receive buffer, or in that of control frames.
    Buffer,
    /// Joined as text, apart from the receive buffer.
    JoinedText,
    /// In the UTF-8 state: a character of this length, which arrived in pieces.
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
    /// The event for what was found. This is where a whole text and the body of a Close are checked.
    #[inline(always)]
    pub(crate) fn event<'a>(&'a self, found: Located<'a>) -> Result<Event<'a>, Error> {
        if found.item == Item::Control {
            let payload = match found.source {
                Source::Input(bytes) => bytes,
                _ => self.control.filled(),
            };
            return Ok(match self.opcode() {
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
            }),
        })
    }

    /// A whole message, or the content of a part.
    #[inline(always)]
    pub(crate) fn message<'a>(&'a self, found: Located<'a>) -> Result<Message<'a>, Error> {
        Ok(match self.fragments.kind() {
            DataKind::Binary => Message::Binary(self.bytes(found)),
            DataKind::Text => Message::Text(self.text(found)?),
        })
    }

    /// The payload of a message or of a part.
    pub(crate) fn bytes<'a>(&'a self, found: Located<'a>) -> &'a [u8] {
        match found.source {
            Source::Input(bytes) => bytes,
            Source::CheckedInput(text) => text.as_bytes(),
            Source::JoinedText if S::Message::IS_SEPARATE => self.text.as_str().as_bytes(),
            Source::SplitChar(len) => self.text.completed_char(len),
            Source::Buffer | Source::JoinedText => self.buffer.payload(),
        }
    }

    /// The payload of a text message or of a part of one. Bytes that came in pieces were checked piece by piece, but
    /// they become a `&str` only by another check. WS-8.1-01 · WS-8.1-02
    pub(crate) fn text<'a>(&'a self, found: Located<'a>) -> Result<&'a str, Error> {
        match found.source {
            Source::CheckedInput(text) => Ok(text),
            Source::JoinedText if S::Message::IS_SEPARATE => Ok(self.text.as_str()),
            _ => validate(self.bytes(found)).map_err(|_| Violation::InvalidUtf8.into()),
        }
    }

    /// Checks the payload of a whole message that is not known to be ASCII. WS-8.1-01 · WS-8.1-02
    #[inline(always)]
    #[cfg_attr(not(feature = "simdutf8"), expect(clippy::unused_self, reason = "only SIMD needs the buffer"))]
    pub(crate) fn validate<'a>(&'a mut self, payload: &'a [u8]) -> Result<&'a str, InvalidUtf8> {
        // Only if the buffer keeps its memory: otherwise each message would allocate.
        #[cfg(feature = "simdutf8")]
        if S::Receive::GROWS
            && payload.len() < SIMD_LEN
            && to_usize(self.buffer.keep_capacity()) >= S::Receive::MIN_CAPACITY
        {
            return self.validate_short(payload);
        }
        validate(payload)
    }

    /// Checks a payload that is too short for SIMD in a padded copy. The copy is made in the receive buffer, which is
    /// empty between messages.
    #[cfg(feature = "simdutf8")]
    #[inline(never)]
    fn validate_short<'a>(&'a mut self, payload: &'a [u8]) -> Result<&'a str, InvalidUtf8> {
        // Unmasking has already shown that a masked payload is not ASCII.
        let is_ascii = !self.decoder.rules().masked && payload.is_ascii();
        if is_ascii {
            return validate_ascii(payload);
        }
        match self.buffer.room(SIMD_LEN).and_then(|room| room.first_chunk_mut()) {
            Some(room) => validate_padded(payload, room),
            // There is no memory for the copy. The core library's check needs none.
            None => validate(payload),
        }
    }

    /// The peer's Close. The caller asks only after it has arrived.
    pub(crate) fn close(&self) -> Result<Close<'_>, Error> {
        parse_close(self.control.filled())
    }
}

/// A Close without a body.
pub(super) const NO_CLOSE: Close<'_> = Close { code: CloseCode::NO_STATUS_RECEIVED, reason: "" };
