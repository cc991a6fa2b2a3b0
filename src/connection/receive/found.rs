//! What was found in the input, and the event that is made of it in the last step.

use super::{Receiver, parse_close};
use crate::bytes::to_usize;
use crate::close::{Close, CloseCode};
use crate::error::{Error, Violation};
use crate::event::{Event, Message, Part};
use crate::frame::Opcode;
use crate::message::{DataKind, InvalidUtf8, validate};
#[cfg(any(feature = "simd", feature = "simdutf8"))]
use crate::message::{SIMD_LEN, validate_ascii, validate_padded};
use crate::storage::Storage;
use crate::storage::sealed::{Buffer, TextMessage};

/// What was found, and where it lies.
#[derive(Clone, Copy)]
pub(in crate::connection) struct Found<'i> {
    pub(in crate::connection) what: What,
    pub(super) payload: Payload<'i>,
}

impl Found<'_> {
    /// The buffer holds what will be found, unless it is said otherwise. Not a constant, which is copied as a whole.
    #[inline(always)]
    pub(in crate::connection) const fn nothing() -> Self {
        Self { what: What::Nothing, payload: Payload::Buffer }
    }
}

/// What was found. Of which kind it is tells the receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::connection) enum What {
    Nothing,
    /// A control frame.
    Control,
    /// A whole message.
    Message,
    /// The part that a message begins with.
    FirstPart,
    /// Another part of it.
    Part,
}

impl What {
    #[inline]
    pub(super) const fn part(is_first: bool) -> Self {
        if is_first { Self::FirstPart } else { Self::Part }
    }
}

/// Where its payload lies.
#[derive(Clone, Copy)]
pub(super) enum Payload<'i> {
    Input(&'i [u8]),
    /// Checked text in the input.
    Text(&'i str),
    /// In the buffer: of control frames, of messages.
    Buffer,
    /// A text that was joined apart.
    Joined,
    /// A character of this length that was cut.
    Char(usize),
}

impl<S: Storage> Receiver<S> {
    /// The event for what was found. What is whole is checked here.
    #[inline]
    pub(in crate::connection) fn event<'a>(&'a self, found: Found<'a>) -> Result<Event<'a>, Error> {
        let Found { what, payload } = found;
        if what == What::Control {
            if self.decoder.opcode() == Opcode::Close {
                return Ok(Event::Close(self.close()?));
            }
            let bytes = match payload {
                Payload::Input(bytes) => bytes,
                _ => self.control.filled(),
            };
            return Ok(if self.decoder.opcode() == Opcode::Ping {
                Event::Ping(bytes)
            } else {
                Event::Pong(bytes)
            });
        }
        let data = match self.kind() {
            DataKind::Binary => Message::Binary(self.bytes(found)),
            DataKind::Text => Message::Text(self.text(found)?),
        };
        Ok(match what {
            What::Message => Event::Message(data),
            what => Event::Part(Part {
                data,
                is_first: what == What::FirstPart,
                is_last: self.order.kind().is_none(),
            }),
        })
    }

    /// Of what was found, if it is a message or a part of one.
    #[inline]
    pub(in crate::connection) const fn kind(&self) -> DataKind {
        self.order.last_kind()
    }

    /// The payload of a message, or of a part.
    pub(in crate::connection) fn bytes<'a>(&'a self, found: Found<'a>) -> &'a [u8] {
        match found.payload {
            Payload::Input(bytes) => bytes,
            Payload::Text(text) => text.as_bytes(),
            Payload::Buffer if S::Receive::GROWS && self.raw > 0 => {
                self.assembler.bytes().get(..to_usize(self.kept)).unwrap_or_default()
            }
            Payload::Joined if S::Message::IS_APART => self.assembler.text().as_bytes(),
            Payload::Char(len) => self.assembler.completed_char(len),
            Payload::Buffer | Payload::Joined => self.assembler.bytes(),
        }
    }

    /// As [`bytes`](Self::bytes). What came in pieces was checked piece by piece, and is no text yet. WS-8.1-01 · WS-8.1-02
    pub(in crate::connection) fn text<'a>(&'a self, found: Found<'a>) -> Result<&'a str, Error> {
        match found.payload {
            Payload::Text(text) => Ok(text),
            Payload::Joined if S::Message::IS_APART => Ok(self.assembler.text()),
            _ => validate(self.bytes(found)).map_err(|_| Violation::InvalidUtf8.into()),
        }
    }

    /// The payload of a whole message as text, which is not known to be ASCII. WS-8.1-01 · WS-8.1-02
    #[inline(always)]
    #[cfg_attr(
        not(any(feature = "simd", feature = "simdutf8")),
        expect(clippy::unused_self, reason = "its buffer is for vectors")
    )]
    pub(in crate::connection) fn validate<'a>(
        &'a mut self,
        payload: &'a [u8],
    ) -> Result<&'a str, InvalidUtf8> {
        // Where the buffer is kept, so that nothing is allocated for each message.
        #[cfg(any(feature = "simd", feature = "simdutf8"))]
        if S::Receive::GROWS
            && payload.len() < SIMD_LEN
            && to_usize(self.keep_capacity) >= S::Receive::MIN_CAPACITY
        {
            return self.validate_short(payload);
        }
        validate(payload)
    }

    /// In the buffer, which holds nothing between messages.
    #[cfg(any(feature = "simd", feature = "simdutf8"))]
    #[inline(never)]
    fn validate_short<'a>(&'a mut self, payload: &'a [u8]) -> Result<&'a str, InvalidUtf8> {
        // Of what was masked it is known by now.
        let is_ascii = !self.decoder.rules().masked && payload.is_ascii();
        if is_ascii {
            return validate_ascii(payload);
        }
        let room = self.assembler.buffer().room(SIMD_LEN).unwrap_or_default();
        match room.first_chunk_mut() {
            Some(room) => validate_padded(payload, room),
            // There is no memory, and none is needed.
            None => validate(payload),
        }
    }

    /// The peer's Close, once it has arrived; to be asked only then.
    pub(in crate::connection) fn close(&self) -> Result<Close<'_>, Error> {
        parse_close(self.control.filled())
    }
}

impl Payload<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Input(bytes) => bytes.is_empty(),
            Self::Text(text) => text.is_empty(),
            Self::Buffer | Self::Joined => false,
            Self::Char(len) => *len == 0,
        }
    }
}

/// An empty Close.
pub(super) const NO_CLOSE: Close<'_> = Close { code: CloseCode::NO_STATUS_RECEIVED, reason: "" };
