//! Receiving an event in two steps: find the event, then view it. This lets a wrapper return the message that
//! it received.

use super::opening::Opening;
use super::receive::{Item, Located, Source};
use super::{Connection, Sender};
use crate::bytes::{FOR_SPEED, minus};
use crate::event::{Event, EventKind};
use crate::frame::Opcode;
use crate::role::Role;
use crate::storage::Storage;

/// The result of [`Connection::find_event`](crate::Connection::find_event): a small `Copy` value that borrows
/// nothing. Pass it to [`Connection::view`](crate::Connection::view) for the event itself.
///
/// A token is valid until the next call of `find_event`, `receive` or `receive_buffer`. Viewing it later, or
/// with another input, shows some other bytes, but never panics. If those bytes should be text and are not
/// UTF-8, the connection fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the event is lost unless `Connection::view` shows it"]
pub struct EventToken {
    kind: EventKind,
    place: Place,
}

impl EventToken {
    /// The kind of the event.
    pub const fn kind(self) -> EventKind {
        self.kind
    }
}

/// The place of an event's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The payload of this item is at this offset.
    Frame(Item, Offset),
    /// The HTTP head of the event is at this offset.
    Opening(Offset),
    /// A failure has no content.
    Failed,
}

/// As [`Source`], with an offset into the input instead of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Offset {
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

    fn slice(self, input: &[u8]) -> Option<&[u8]> {
        let Self::Input { start, len } = self else {
            return None;
        };
        // The caller may pass another input than the one that was searched, and it may be too short.
        Some(input.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default())
    }

    fn source(self, input: &[u8]) -> Source<'_> {
        match self {
            Self::Input { .. } => Source::Input(self.slice(input).unwrap_or_default()),
            Self::Buffer => Source::Buffer,
            Self::JoinedText => Source::JoinedText,
            Self::SplitChar(len) => Source::SplitChar(len),
        }
    }
}

impl EventToken {
    const FAILED: Self = Self { kind: EventKind::Failed, place: Place::Failed };

    /// The token for an item that was found in an input that begins at the address `base`. `None` if no item
    /// was found.
    fn of_frame(found: Located<'_>, opcode: Opcode, base: usize) -> Option<Self> {
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
    fn of_opening((kind, head): Opening<'_>, base: usize) -> Self {
        let offset = head.map_or(Offset::Buffer, |head| Offset::of(head, base));
        Self { kind, place: Place::Opening(offset) }
    }
}

impl<R: Role, S: Storage> Connection<R, S> {
    /// As [`receive`](Self::receive), in two steps: finds the next event and returns how many bytes of
    /// `input` were consumed, with a token for the event. [`view`](Self::view) then shows the event. `None`:
    /// all input is consumed.
    ///
    /// The token borrows nothing. So a method can look for an event in a loop, read more input in between,
    /// and return the event that it found:
    ///
    /// ```
    /// use sansws::{Connection, Event, EventKind, Message, Server};
    /// use std::io::{Read, Write};
    ///
    /// struct Socket<R, W> {
    ///     conn: Connection<Server>,
    ///     reader: R,
    ///     writer: W,
    ///     buf: Vec<u8>,
    ///     /// The bytes in `buf` that are not consumed yet.
    ///     unread: std::ops::Range<usize>,
    /// }
    ///
    /// impl<R: Read, W: Write> Socket<R, W> {
    ///     /// The next message, or `None` after the end of the connection.
    ///     fn recv(&mut self) -> std::io::Result<Option<Message<'_>>> {
    ///         let (token, start) = loop {
    ///             let start = self.unread.start;
    ///             let (consumed, token) = self.conn.find_event(&mut self.buf[self.unread.clone()]);
    ///             self.unread.start += consumed;
    ///             match token {
    ///                 Some(token) if token.kind() == EventKind::Message => break (token, start),
    ///                 Some(_) => continue, // pings are answered already
    ///                 None => {}
    ///             }
    ///             self.writer.write_all(self.conn.outgoing())?;
    ///             self.conn.mark_sent(usize::MAX);
    ///             if self.conn.should_disconnect() {
    ///                 return Ok(None);
    ///             }
    ///             self.unread = 0..self.reader.read(&mut self.buf)?;
    ///             if self.unread.is_empty() {
    ///                 self.conn.receive_eof();
    ///                 return Ok(None);
    ///             }
    ///         };
    ///         match self.conn.view(token, &self.buf[start..]) {
    ///             (Event::Message(message), _sender) => Ok(Some(message)),
    ///             _ => unreachable!("the kind of the token is `Message`"),
    ///         }
    ///     }
    /// }
    /// # let conn = Connection::after_handshake(Server, sansws::Config::new(), sansws::Agreed::NONE);
    /// # let reader = &b"\x89\x80\0\0\0\0\x81\x82\0\0\0\0hi\x82\x81\0\0\0\0!\x88\x80\0\0\0\0"[..];
    /// # let mut socket = Socket { conn, reader, writer: Vec::new(), buf: vec![0; 9], unread: 0..0 };
    /// # assert_eq!(socket.recv()?, Some(Message::Text("hi")));
    /// # assert_eq!(socket.recv()?, Some(Message::Binary(b"!")));
    /// # assert_eq!(socket.recv()?, None);
    /// # assert_eq!(socket.writer, b"\x8a\0\x88\0");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn find_event(&mut self, input: &mut [u8]) -> (usize, Option<EventToken>) {
        let (base, len) = (input.as_ptr().addr(), input.len());
        let mut rest = input;
        let token = self.find_token(&mut rest, base);
        (minus(len, rest.len()), token)
    }

    fn find_token(&mut self, input: &mut &mut [u8], base: usize) -> Option<EventToken> {
        if !self.is_receiving() {
            return Some(EventToken::of_opening(self.find_opening(input)?, base));
        }
        let mut found = Located::nothing();
        let mut is_valid = false;
        let fast = if FOR_SPEED { self.receiver.fast_message(input, R::IS_SERVER) } else { None };
        let result = if let Some(message) = fast {
            self.receiver.note_fast_message(message.opcode);
            is_valid = message.is_ascii || message.opcode == Opcode::Binary;
            found = Located { item: Item::Message, source: Source::Input(message.payload) };
            Ok(())
        } else {
            self.receiver.next_or_discard(input, &mut found)
        };
        // The connection answers or fails now, whether the caller views the token or not.
        if result.is_err() || (found.item != Item::Nothing && !is_valid) {
            let (receiver, sender) = (&self.receiver, &mut self.sender);
            if matches!(Self::event(receiver, sender, result, found, self.auto_pong), Event::Failed) {
                return Some(EventToken::FAILED);
            }
        }
        EventToken::of_frame(found, self.receiver.decoder.opcode(), base)
    }

    /// Shows the event that [`find_event`](Self::find_event) found, with the sender to answer it. `input` is
    /// the input that was searched, or a longer slice that begins with it. The event has the kind that the
    /// token tells.
    pub fn view<'a>(&'a mut self, token: EventToken, input: &'a [u8]) -> (Event<'a>, &'a mut Sender<R, S>) {
        let (receiver, sender) = (&self.receiver, &mut self.sender);
        let event = match token.place {
            Place::Frame(item, offset) => {
                let found = Located { item, source: offset.source(input) };
                receiver.event(found).unwrap_or_else(|error| {
                    sender.fail(error);
                    Event::Failed
                })
            }
            Place::Opening(offset) => {
                let opening = (token.kind, offset.slice(input));
                self.stage.event(opening, R::IS_SERVER, receiver.head_bytes())
            }
            Place::Failed => Event::Failed,
        };
        (event, sender)
    }
}
