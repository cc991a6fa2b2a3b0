//! Receiving an event in two steps: find the event, then view it. This lets a wrapper return the message that
//! it received.

use super::opening::Opening;
use super::receive::{Item, Located, Source};
use super::{Connection, Sender};
use crate::bytes::{FOR_SPEED, minus};
use crate::event::{Event, EventKind};
use crate::frame::{Opcode, Purpose};
use crate::role::Role;
use crate::storage::Storage;

/// The result of [`Connection::find_event`](crate::Connection::find_event): a small `Copy` value that borrows
/// nothing. Pass it to [`Connection::view`](crate::Connection::view) for the event itself.
///
/// A token is valid until the next call of `find_event`, `receive`, `receive_buffer` or `release_buffers`.
/// Viewing it later, or with another input, shows some other bytes, but never panics. If those bytes should
/// be text and are not UTF-8, the connection fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the event is lost unless `Connection::view` shows it"]
pub struct EventToken {
    kind: EventKind,
    item: Item,
    place: Place,
    /// The position of the content in the input.
    start: usize,
    /// The length of the content in the input, or of the split character.
    len: usize,
}

impl EventToken {
    /// The kind of the event.
    pub const fn kind(self) -> EventKind {
        self.kind
    }
}

/// The place of an event's content, corresponding to [`Source`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Input,
    Buffer,
    JoinedText,
    SplitChar,
}

impl EventToken {
    /// A failure has no content.
    const FAILED: Self = Self::new(EventKind::Failed, Item::Nothing);

    /// The content is in the buffer unless a later step sets another place.
    const fn new(kind: EventKind, item: Item) -> Self {
        Self { kind, item, place: Place::Buffer, start: 0, len: 0 }
    }

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
        let token = Self::new(kind, found.item);
        Some(match found.source {
            Source::Input(bytes) => token.in_input(bytes, base),
            Source::CheckedInput(text) => token.in_input(text.as_bytes(), base),
            Source::Buffer => token,
            Source::JoinedText => token.at(Place::JoinedText, 0, 0),
            Source::SplitChar(len) => token.at(Place::SplitChar, 0, len),
        })
    }

    /// The token for an event of the opening handshake, in an input that begins at the address `base`.
    fn of_opening((kind, head): Opening<'_>, base: usize) -> Self {
        let token = Self::new(kind, Item::Nothing);
        head.map_or(token, |head| token.in_input(head, base))
    }

    fn in_input(self, bytes: &[u8], base: usize) -> Self {
        self.at(Place::Input, bytes.as_ptr().addr().wrapping_sub(base), bytes.len())
    }

    const fn at(self, place: Place, start: usize, len: usize) -> Self {
        Self { place, start, len, ..self }
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
    /// use sansws::{Accept, Connection, Event, EventKind, Message, Server};
    /// use std::io::{self, Read, Write};
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
    ///     /// The next message, or `None` after the closing handshake. An error: the connection has failed.
    ///     fn recv(&mut self) -> io::Result<Option<Message<'_>>> {
    ///         let (token, start) = loop {
    ///             let start = self.unread.start;
    ///             let (consumed, token) = self.conn.find_event(&mut self.buf[self.unread.clone()]);
    ///             self.unread.start += consumed;
    ///             match token {
    ///                 Some(token) if token.kind() == EventKind::Message => break (token, start),
    ///                 Some(token) => {
    ///                     let (event, tx) = self.conn.view(token, &self.buf[start..]);
    ///                     if let Event::HandshakeRequest(_) = event {
    ///                         tx.accept(&Accept::new())?; // or reject it
    ///                     }
    ///                     continue; // pings, the peer's Close and failures are answered already
    ///                 }
    ///                 None => {}
    ///             }
    ///             self.writer.write_all(self.conn.outgoing())?;
    ///             self.conn.mark_sent(usize::MAX);
    ///             if self.conn.should_disconnect() {
    ///                 return self.conn.result().map(|()| None).map_err(io::Error::other);
    ///             }
    ///             self.unread = 0..self.reader.read(&mut self.buf)?;
    ///             if self.unread.is_empty() {
    ///                 self.conn.receive_eof();
    ///             }
    ///         };
    ///         match self.conn.view(token, &self.buf[start..]) {
    ///             (Event::Message(message), _sender) => Ok(Some(message)),
    ///             _ => Ok(None), // never, because the kind of the token is `Message`
    ///         }
    ///     }
    /// }
    /// # let mut run = |input: &[u8]| {
    /// #     let conn = Connection::server(sansws::Config::new());
    /// #     let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    /// #         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    /// #     let reader = io::Cursor::new([request.as_bytes(), input].concat());
    /// #     let mut socket = Socket { conn, reader, writer: Vec::new(), buf: vec![0; 9], unread: 0..0 };
    /// #     let mut messages = Vec::new();
    /// #     let result = loop {
    /// #         match socket.recv() {
    /// #             Ok(Some(message)) => messages.push(message.into_owned().unwrap()),
    /// #             result => break result.map(|_| ()).map_err(|error| error.to_string()),
    /// #         }
    /// #     };
    /// #     let head = socket.writer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    /// #     (messages, result, socket.writer.split_off(head + 4))
    /// # };
    /// # let (messages, result, output) = run(
    /// #     b"\x89\x80\0\0\0\0\x81\x82\0\0\0\0hi\x82\x81\0\0\0\0!\x88\x80\0\0\0\0",
    /// # );
    /// # assert_eq!(messages[0].as_message(), Message::Text("hi"));
    /// # assert_eq!(messages[1].as_message(), Message::Binary(b"!"));
    /// # assert_eq!((messages.len(), result), (2, Ok(())));
    /// # assert_eq!(output, b"\x8a\0\x88\0");
    /// # // Bad frame: not masked. Text that is not UTF-8. A frame that is cut.
    /// # let (_, result, output) = run(b"\x81\x02hi");
    /// # assert!(result.is_err());
    /// # assert_eq!(output, b"\x88\x02\x03\xea");
    /// # let (_, result, output) = run(b"\x81\x81\0\0\0\0\xff");
    /// # assert!(result.unwrap_err().contains("UTF-8"));
    /// # assert_eq!(output, b"\x88\x02\x03\xef");
    /// # let (_, result, _) = run(b"\x81\x82\0\0");
    /// # assert!(result.unwrap_err().contains("1006"));
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
        let fast = if FOR_SPEED {
            self.receiver.fast_message(input, R::IS_SERVER, |_, opcode, mask, payload| {
                let is_text = opcode == Opcode::Text;
                mask.apply_long(payload, if is_text { Purpose::Ascii } else { Purpose::Any })
            })
        } else {
            None
        };
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
    /// the input that was searched, or a longer slice that begins with it. The event has the
    /// [kind](EventToken::kind) of the token.
    #[inline(always)]
    pub fn view<'a>(&'a mut self, token: EventToken, input: &'a [u8]) -> (Event<'a>, &'a mut Sender<R, S>) {
        // The caller may pass another input than the one that was searched, and it may be too short.
        let bytes = input.get(token.start..).and_then(|rest| rest.get(..token.len)).unwrap_or_default();
        // Most events are messages in the input. Only for these is the code that makes the event inlined.
        if FOR_SPEED && token.place == Place::Input && token.item == Item::Message {
            let found = Located { item: Item::Message, source: Source::Input(bytes) };
            return self.view_item(found);
        }
        self.view_content(token.kind, token.item, token.place, token.len, bytes)
    }

    /// As [`view`](Self::view). The fields of the token are passed one by one: as a struct they would go
    /// through memory, and a processor that reads several fields at once, just after they were written one by
    /// one, has to wait.
    #[inline(never)]
    fn view_content<'a>(
        &'a mut self, kind: EventKind, item: Item, place: Place, len: usize, bytes: &'a [u8],
    ) -> (Event<'a>, &'a mut Sender<R, S>) {
        if kind == EventKind::Failed {
            return (Event::Failed, &mut self.sender);
        }
        if item == Item::Nothing {
            let head = (place == Place::Input).then_some(bytes);
            let event = self.stage.event((kind, head), R::IS_SERVER, self.receiver.head_bytes());
            return (event, &mut self.sender);
        }
        let source = match place {
            Place::Input => Source::Input(bytes),
            Place::Buffer => Source::Buffer,
            Place::JoinedText => Source::JoinedText,
            Place::SplitChar => Source::SplitChar(len),
        };
        self.view_item(Located { item, source })
    }

    #[inline(always)]
    fn view_item<'a>(&'a mut self, found: Located<'a>) -> (Event<'a>, &'a mut Sender<R, S>) {
        let (receiver, sender) = (&self.receiver, &mut self.sender);
        let event = receiver.event(&found).unwrap_or_else(|error| {
            sender.fail(error);
            Event::Failed
        });
        (event, sender)
    }
}
