//! The interface of an adapter. Every call is for a whole batch of messages, so there is no dynamic dispatch
//! within a batch.

use crate::transport::{Answering, Link, Stream};
use crate::wire::Payload;
use std::any::Any;
use std::fmt::Display;
use std::hint::black_box;

pub type Result = std::result::Result<(), String>;

/// Which end of the connection the library under test is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Server,
    Client,
}

/// From this many bytes on, an adapter that queues by itself writes them: as many as a usual read brings.
pub const WRITE_AT: usize = 16 * 1024;

/// The most bytes of one message under test, with some room.
pub const MAX_MESSAGE: usize = 2 << 20;

/// Does this many handshakes, each over a new link.
pub type Handshakes<T> = fn(usize, fn() -> Link<T>) -> Result;

/// One library.
#[derive(Clone, Copy)]
pub struct Library {
    pub name: &'static str,
    /// An open connection.
    pub open: fn(Role, Link<Stream>) -> Box<dyn Session>,
    /// Does this many handshakes of a server; `None` if the library has none.
    pub accept: Option<Handshakes<Stream>>,
    /// Does this many handshakes of a client.
    pub connect: Option<Handshakes<Answering>>,
    /// A server's open and idle connection, with the settings for many connections, after it has echoed this
    /// many messages. The transport is not part of it.
    pub idle: Option<fn(Link<Stream>, usize) -> Idle>,
}

/// One library with permessage-deflate, at one level.
#[derive(Clone, Copy)]
pub struct Deflating {
    pub name: &'static str,
    pub level: u8,
    /// The codec that compresses.
    pub codec: &'static str,
    pub standing: Standing,
    /// Why the library takes no part, with context takeover or without.
    pub lacks: fn(bool) -> Option<&'static str>,
    /// A server's open connection at this level, with context takeover on both sides or on none.
    pub open: fn(bool, u8, Link<Stream>) -> Box<dyn Session>,
}

/// The meaning of a row of results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Floor,
    Ours,
    Peer,
    /// A peer with a setting that is not its default. It is shown, but not compared with.
    Variant,
}

/// An idle connection.
pub struct Idle {
    /// The size of the library's struct alone. The allocator counts the bytes on the heap.
    pub size: usize,
    /// The connection and its transport.
    pub keep: Box<dyn Any>,
}

/// An open connection of a library.
pub trait Session {
    /// Receives this many messages from the stream.
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result;

    /// Converts messages to the form that the library wants; this is not timed.
    fn prepare(&mut self, messages: &'static [Payload]);

    /// Sends the prepared messages up to the last byte.
    fn send(&mut self) -> Result;

    /// Receives this many messages and sends each of them back.
    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result;
}

/// Takes the received messages.
#[derive(Default)]
pub struct Sink {
    pub count: usize,
    pub bytes: usize,
    pub texts: usize,
    /// The messages to compare with during a check.
    expected: Option<&'static [Payload]>,
    pub difference: Option<String>,
}

impl Sink {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn checking(expected: &'static [Payload]) -> Self {
        Self { expected: Some(expected), ..Self::default() }
    }

    #[inline(always)]
    pub fn message(&mut self, is_text: bool, bytes: &[u8]) {
        self.count += 1;
        self.bytes += bytes.len();
        self.texts += usize::from(is_text);
        black_box(bytes.as_ptr());
        if self.expected.is_some() {
            self.compare(is_text, bytes);
        }
    }

    #[cold]
    fn compare(&mut self, is_text: bool, bytes: &[u8]) {
        let number = self.count - 1;
        match self.expected.and_then(|expected| expected.get(number)) {
            Some(payload) if payload.is_text == is_text && payload.bytes == bytes => {}
            _ => {
                self.difference.get_or_insert(format!("message {number} is not what was sent"));
            }
        };
    }
}

/// An error of any library.
pub fn text(error: impl Display) -> String {
    error.to_string()
}
