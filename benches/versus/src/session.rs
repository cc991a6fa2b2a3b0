//! What an adapter is. Every call is for a whole batch of messages: within it there is no dynamic dispatch.

use crate::transport::{Answering, Link, Stream};
use crate::wire::Payload;
use std::any::Any;
use std::fmt::Display;
use std::hint::black_box;

pub type Result = std::result::Result<(), String>;

/// Which end the library under test plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Server,
    Client,
}

/// From here on an adapter which queues by itself writes what is queued: as large as the usual read.
pub const WRITE_AT: usize = 16 * 1024;

/// The most bytes of one message under test, with some room.
pub const MAX_MESSAGE: usize = 2 << 20;

/// So many handshakes, each over a new link.
pub type Handshakes<T> = fn(usize, fn() -> Link<T>) -> Result;

/// One library.
#[derive(Clone, Copy)]
pub struct Library {
    pub name: &'static str,
    /// An open connection.
    pub open: fn(Role, Link<Stream>) -> Box<dyn Session>,
    /// A server's handshake, so many times; `None` where the library leaves it to others.
    pub accept: Option<Handshakes<Stream>>,
    /// A client's handshake, so many times.
    pub connect: Option<Handshakes<Answering>>,
    /// A server's connection that was opened and is idle, with the settings for many connections, after messages
    /// were echoed on it. The transport is not part of it.
    pub idle: Option<fn(Link<Stream>, usize) -> Idle>,
}

/// One library with permessage-deflate, at one level.
#[derive(Clone, Copy)]
pub struct Deflating {
    pub name: &'static str,
    pub level: u8,
    /// What compresses.
    pub codec: &'static str,
    pub standing: Standing,
    /// Why it takes no part, with context takeover or without.
    pub lacks: fn(bool) -> Option<&'static str>,
    /// A server's open connection, with context takeover on both sides or on none, at this level.
    pub open: fn(bool, u8, Link<Stream>) -> Box<dyn Session>,
}

/// What a row of results stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Floor,
    Ours,
    Peer,
    /// A peer with a setting that is not its default: it is shown, but is not who we compare with.
    Variant,
}

/// An idle connection.
pub struct Idle {
    /// Of the library's struct alone; what it holds on the heap is counted by the allocator.
    pub size: usize,
    /// The connection and its transport.
    pub keep: Box<dyn Any>,
}

/// An open connection of a library.
pub trait Session {
    /// Receives so many messages from the stream.
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result;

    /// Brings messages to the form that the library wants them in; not timed.
    fn prepare(&mut self, messages: &'static [Payload]);

    /// Sends the prepared messages, the last byte of them too.
    fn send(&mut self) -> Result;

    /// Receives so many messages and answers each with itself.
    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result;
}

/// Where received messages go.
#[derive(Default)]
pub struct Sink {
    pub count: usize,
    pub bytes: usize,
    pub texts: usize,
    /// What to compare with, while checking.
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
