//! What an embedder sees of a connection, in a form that makes it quick to compare two histories.

use model::Seen;
use sansws::{Connection, DataKind, Error, Event, Message, Role, Storage, Violation};
use std::mem::{Discriminant, discriminant};

/// Everything that was observed, in order. Items below 256 are contents, the others say what follows.
///
/// The boundaries between the parts of a message have no meaning, so the contents of consecutive parts are
/// joined. A part without content that does not end its message adds nothing; if it is the first one, the
/// message begins with the next part. A message is joined across a control frame too, but the control frame
/// keeps its place in the content.
#[derive(Default, Debug)]
pub struct Log {
    pub items: Vec<u16>,
    pub error: Option<Error>,
    /// The message in parts that has begun, and whether an item says so.
    open: Option<(DataKind, bool)>,
}

const MESSAGE: u16 = 0x100;
const FIRST_PART: u16 = 0x110;
const LAST_PART: u16 = 0x120;
const PING: u16 = 0x130;
const PONG: u16 = 0x131;
const CLOSE: u16 = 0x132;
const FAILED: u16 = 0x133;
const END: u16 = 0x134;
/// The getters of the connection follow.
const STATE: u16 = 0x140;
const OUTGOING: u16 = 0x150;

impl Log {
    pub fn clear(&mut self) {
        self.items.clear();
        self.error = None;
        self.open = None;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.items.extend(bytes.iter().map(|&byte| u16::from(byte)));
    }

    fn whole(&mut self, kind: u16, bytes: &[u8]) {
        self.items.push(kind);
        self.bytes(bytes);
        self.items.push(END);
    }

    fn close(&mut self, code: u16, reason: &str) {
        self.items.push(CLOSE);
        self.bytes(&code.to_be_bytes());
        self.bytes(reason.as_bytes());
        self.items.push(END);
    }

    fn part(&mut self, kind: DataKind, bytes: &[u8], is_first: bool, is_last: bool) {
        assert_eq!(
            is_first,
            self.open.is_none(),
            "only the first part of a message says that it is the first"
        );
        let (open_kind, is_shown) = self.open.unwrap_or((kind, false));
        assert_eq!(kind, open_kind, "all parts of a message have one kind");
        let shows = is_last || !bytes.is_empty();
        if shows && !is_shown {
            self.items.push(FIRST_PART + kind as u16);
        }
        self.bytes(bytes);
        if is_last {
            self.items.push(LAST_PART);
        }
        self.open = if is_last { None } else { Some((kind, is_shown || shows)) };
    }

    fn failed(&mut self, error: Error) {
        self.items.push(FAILED);
        self.error = Some(error);
    }

    /// Adds an event of the model.
    pub fn seen(&mut self, seen: &Seen) {
        match seen {
            Seen::Message(kind, bytes) => self.whole(MESSAGE + *kind as u16, bytes),
            Seen::Part { kind, bytes, is_first, is_last } => self.part(*kind, bytes, *is_first, *is_last),
            Seen::Ping(payload) => self.whole(PING, payload),
            Seen::Pong(payload) => self.whole(PONG, payload),
            Seen::Close(code, reason) => self.close(*code, reason),
            Seen::Failed(error) => self.failed(*error),
        }
    }

    /// Passes these bytes to the connection, and adds all events.
    pub fn receive<R: Role, S: Storage>(&mut self, connection: &mut Connection<R, S>, bytes: &[u8]) {
        let mut room = [0; 64];
        let copy = &mut room[..bytes.len()];
        copy.copy_from_slice(bytes);
        let mut input = copy;
        while let Some((event, tx)) = connection.receive(&mut input) {
            match event {
                Event::Message(message @ (Message::Text(_) | Message::Binary(_))) => {
                    self.whole(MESSAGE + message.kind() as u16, message.as_bytes());
                }
                Event::Part(part) => {
                    self.part(part.data.kind(), part.data.as_bytes(), part.is_first, part.is_last);
                }
                Event::Ping(payload) => self.whole(PING, payload),
                Event::Pong(payload) => self.whole(PONG, payload),
                Event::Close(close) => self.close(close.code.into(), close.reason),
                Event::Failed => self.failed(tx.error().unwrap()),
                other => panic!("{other:?}"),
            }
        }
        assert!(input.is_empty(), "the connection takes all input");
    }

    /// Adds the getters of the connection and its outgoing bytes.
    pub fn look<R: Role, S: Storage>(&mut self, connection: &Connection<R, S>) {
        let flags = [connection.should_disconnect(), connection.is_closed_cleanly()];
        self.items.extend([STATE + connection.state() as u16, u16::from(flags[0]), u16::from(flags[1])]);
        self.bytes(&connection.close_code().map_or(0, u16::from).to_be_bytes());
        self.bytes(connection.peer_close().map_or("", |close| close.reason).as_bytes());
        assert_eq!(connection.error(), self.error, "an error is reported");
        self.items.push(OUTGOING);
        self.bytes(connection.outgoing());
    }

    /// The items behind the first `from` without contents, and the kind of the error if they report one.
    pub fn shape(&self, from: usize) -> Shape {
        let items: Vec<u16> = self.items[from..].iter().filter(|&&item| item >= MESSAGE).copied().collect();
        let error = if items.contains(&FAILED) { self.error.map(kind_of_error) } else { None };
        (items, error)
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items && self.error == other.error
    }
}

/// An error without the value in it.
type ErrorKind = (Discriminant<Error>, Option<Discriminant<Violation>>);

/// The kinds of events that a connection has reported, without their contents, and its error.
pub type Shape = (Vec<u16>, Option<ErrorKind>);

fn kind_of_error(error: Error) -> ErrorKind {
    let violation = if let Error::Peer(violation) = &error { Some(discriminant(violation)) } else { None };
    (discriminant(&error), violation)
}
