//! Receiving an event in two steps: find the event, then view it. This lets a wrapper return the message that
//! it received.

use super::opening::Opening;
use super::receive::{Item, Located, Source};
use crate::event::EventKind;
use crate::frame::Opcode;

/// What [`Connection::find_event`](crate::Connection::find_event) found: a small `Copy` value that borrows
/// nothing. Pass it to [`Connection::view`](crate::Connection::view) for the event itself. A token is valid
/// until the next call of `find_event`, `receive` or `receive_buffer`. Viewing it later, or with another
/// input, shows some other bytes, but never panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the event is lost unless `Connection::view` shows it"]
pub struct EventToken {
    pub(super) kind: EventKind,
    pub(super) place: Place,
}

impl EventToken {
    /// The kind of the event.
    #[must_use]
    pub const fn kind(self) -> EventKind {
        self.kind
    }
}

/// The place of an event's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The payload of this item is at this offset.
    Frame(Item, Offset),
    /// The HTTP head of the event is at this offset.
    Opening(Offset),
    /// A failure has no content.
    Failed,
}

/// As [`Source`], with an offset into the input instead of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offset {
    Input { start: usize, len: usize },
    Buffer,
    JoinedText,
    SplitChar(usize),
}

impl Offset {
    /// The offset of `bytes` in the input that begins at the address `base`.
    fn of(bytes: &[u8], base: usize) -> Self {
        Self::Input { start: bytes.as_ptr().addr().wrapping_sub(base), len: bytes.len() }
    }

    pub(super) fn slice(self, input: &[u8]) -> Option<&[u8]> {
        let Self::Input { start, len } = self else {
            return None;
        };
        // The caller may pass another input than the one that was searched, and it may be too short.
        Some(input.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default())
    }

    pub(super) fn source(self, input: &[u8]) -> Source<'_> {
        match self {
            Self::Input { .. } => Source::Input(self.slice(input).unwrap_or_default()),
            Self::Buffer => Source::Buffer,
            Self::JoinedText => Source::JoinedText,
            Self::SplitChar(len) => Source::SplitChar(len),
        }
    }
}

impl EventToken {
    pub(super) const FAILED: Self = Self { kind: EventKind::Failed, place: Place::Failed };

    /// The token for an item that was found in an input that begins at the address `base`. `None` if no item
    /// was found.
    pub(super) fn of_frame(found: Located<'_>, opcode: Opcode, base: usize) -> Option<Self> {
        let kind = match (found.item, opcode) {
            (Item::Nothing, _) => return None,
            (Item::Message, _) => EventKind::Message,
            (Item::FirstPart | Item::Part, _) => EventKind::Part,
            (Item::Control, Opcode::Ping) => EventKind::Ping,
            (Item::Control, Opcode::Pong) => EventKind::Pong,
            (Item::Control, _) => EventKind::Close,
        };
        let offset = match found.source {
            Source::Input(bytes) => Offset::of(bytes, base),
            Source::CheckedInput(text) => Offset::of(text.as_bytes(), base),
            Source::Buffer => Offset::Buffer,
            Source::JoinedText => Offset::JoinedText,
            Source::SplitChar(len) => Offset::SplitChar(len),
        };
        Some(Self { kind, place: Place::Frame(found.item, offset) })
    }

    /// The token for an event of the opening handshake, in an input that begins at the address `base`.
    pub(super) fn of_opening((kind, head): Opening<'_>, base: usize) -> Self {
        let offset = head.map_or(Offset::Buffer, |head| Offset::of(head, base));
        Self { kind, place: Place::Opening(offset) }
    }
}
