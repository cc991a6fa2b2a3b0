//! An event in two steps: find it, then look at it. For wrappers that return what they received.

use super::opening::Opening;
use super::receive::{Item, Located, Source};
use crate::event::EventKind;
use crate::frame::Opcode;

/// What [`Connection::find_event`](crate::Connection::find_event) found: a small `Copy` value that borrows
/// nothing. Pass it to [`Connection::view`](crate::Connection::view) for the event itself.
///
/// A token is valid until the next call of `find_event`, `receive` or `receive_buffer`. A token that is
/// viewed later, or with another input, shows some other bytes, but never panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the event is lost unless `Connection::view` shows it"]
pub struct EventToken {
    pub(super) kind: EventKind,
    pub(super) place: Place,
}

impl EventToken {
    /// Which event it is.
    #[must_use]
    pub const fn kind(self) -> EventKind {
        self.kind
    }
}

/// Where the content of an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Frame(Item, Offset),
    /// The HTTP head of the event.
    Opening(Offset),
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
    /// Where `bytes` is in the input that begins at the address `base`.
    fn of(bytes: &[u8], base: usize) -> Self {
        Self::Input { start: bytes.as_ptr().addr().wrapping_sub(base), len: bytes.len() }
    }

    pub(super) fn slice(self, input: &[u8]) -> Option<&[u8]> {
        let Self::Input { start, len } = self else {
            return None;
        };
        // Another input than the one that was searched may be too short.
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

    /// For what was found in frames, in an input that begins at the address `base`. `None` if nothing was
    /// found.
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

    /// For a step of the opening handshake, in an input that begins at the address `base`.
    pub(super) fn of_opening((kind, head): Opening<'_>, base: usize) -> Self {
        let offset = head.map_or(Offset::Buffer, |head| Offset::of(head, base));
        Self { kind, place: Place::Opening(offset) }
    }
}
