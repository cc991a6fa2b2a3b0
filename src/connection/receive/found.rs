//! What was found in the input, and the event that is made of it in the last step.

use super::{Receiver, parse_close, to_usize};
use crate::close::{Close, CloseCode};
use crate::event::{Event, Message, Part};
use crate::frame::Opcode;
use crate::message::{DataKind, validate};
use crate::storage::Storage;
use crate::storage::sealed::Buffer;

/// What was found, and where it lies.
#[derive(Clone, Copy)]
pub(in crate::connection) enum Found<'i> {
    /// A control frame.
    Control(Opcode, Payload<'i>),
    /// A whole message.
    Message(DataKind, Payload<'i>),
    /// A part of a message.
    Part { kind: DataKind, payload: Payload<'i>, is_first: bool, is_last: bool },
}

impl Found<'_> {
    #[inline]
    pub(in crate::connection) const fn is_control(&self) -> bool {
        matches!(self, Self::Control(..))
    }

    pub(in crate::connection) const fn is_close(&self) -> bool {
        matches!(self, Self::Control(Opcode::Close, _))
    }
}

#[derive(Clone, Copy)]
pub(in crate::connection) enum Payload<'i> {
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
    /// The event for what was found.
    #[inline]
    pub(in crate::connection) fn event<'a>(&'a self, found: Found<'a>) -> Event<'a> {
        match found {
            Found::Message(DataKind::Binary, payload) => Event::Message(Message::Binary(self.bytes(payload))),
            Found::Message(DataKind::Text, payload) => Event::Message(Message::Text(self.text(payload))),
            Found::Part { kind, payload, is_first, is_last } => {
                let data = match kind {
                    DataKind::Binary => Message::Binary(self.bytes(payload)),
                    DataKind::Text => Message::Text(self.text(payload)),
                };
                Event::Part(Part { data, is_first, is_last })
            }
            Found::Control(Opcode::Close, _) => Event::Close(self.close().unwrap_or(NO_CLOSE)),
            Found::Control(opcode, payload) => {
                let bytes = match payload {
                    Payload::Input(bytes) => bytes,
                    _ => self.control.filled(),
                };
                if opcode == Opcode::Ping { Event::Ping(bytes) } else { Event::Pong(bytes) }
            }
        }
    }

    fn bytes<'a>(&'a self, payload: Payload<'a>) -> &'a [u8] {
        match payload {
            Payload::Input(bytes) => bytes,
            Payload::Text(text) => text.as_bytes(),
            Payload::Buffer if S::Receive::LENDS && self.raw > 0 => {
                self.assembler.bytes().get(..to_usize(self.kept)).unwrap_or_default()
            }
            Payload::Buffer => self.assembler.bytes(),
            Payload::Joined => self.assembler.text().as_bytes(),
            Payload::Char(len) => self.assembler.completed_char(len),
        }
    }

    /// It was checked before, piece by piece, so this cannot fail.
    fn text<'a>(&'a self, payload: Payload<'a>) -> &'a str {
        match payload {
            Payload::Text(text) => text,
            Payload::Joined => self.assembler.text(),
            payload => validate(self.bytes(payload)).unwrap_or_default(),
        }
    }

    /// The payload of a ping, to be answered.
    pub(in crate::connection) fn ping<'a>(&'a self, found: &'a Found<'_>) -> Option<&'a [u8]> {
        match found {
            Found::Control(Opcode::Ping, Payload::Input(bytes)) => Some(bytes),
            Found::Control(Opcode::Ping, _) => Some(self.control.filled()),
            _ => None,
        }
    }

    /// The peer's Close, once it has arrived; to be asked only then.
    pub(in crate::connection) fn close(&self) -> Option<Close<'_>> {
        parse_close(self.control.filled()).ok()
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
