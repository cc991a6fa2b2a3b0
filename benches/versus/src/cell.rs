//! The workloads and cells that are measured.

use crate::deflate::compressed;
use crate::session::Role;
use crate::wire::{Kind, Lcg, Payload, frames, payload};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    Receive(Role, Kind),
    Send(Role),
    Echo,
    /// As `Echo`, with permessage-deflate. The value says whether both directions use context takeover.
    Deflate(bool),
    Accept,
    Connect,
}

#[derive(Clone, Copy)]
pub struct Workload {
    pub name: &'static str,
    pub title: &'static str,
    pub task: Task,
}

use Task::{Accept, Connect, Deflate, Echo, Receive, Send};

pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "R1",
        title: "a server receives masked binary messages",
        task: Receive(Role::Server, Kind::Binary),
    },
    Workload {
        name: "R2a",
        title: "a server receives masked text, ASCII",
        task: Receive(Role::Server, Kind::Ascii),
    },
    Workload {
        name: "R2m",
        title: "a server receives masked text, 30 % of its characters of two and three bytes",
        task: Receive(Role::Server, Kind::MixedText),
    },
    Workload {
        name: "R3",
        title: "a client receives binary messages",
        task: Receive(Role::Client, Kind::Binary),
    },
    Workload { name: "W1", title: "a server sends binary messages", task: Send(Role::Server) },
    Workload { name: "W2", title: "a client sends binary messages, masked", task: Send(Role::Client) },
    Workload { name: "E1", title: "a server echoes binary messages", task: Echo },
    Workload {
        name: "D1",
        title: "a server echoes JSON over permessage-deflate, with context takeover on both sides",
        task: Deflate(true),
    },
    Workload {
        name: "D2",
        title: "a server echoes JSON over permessage-deflate, without context takeover",
        task: Deflate(false),
    },
    Workload {
        name: "H1",
        title: "a server's handshake with a browser: 14 headers, 501 bytes",
        task: Accept,
    },
    Workload { name: "H2", title: "a client's handshake", task: Connect },
];

/// The sizes of the messages of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    pub name: &'static str,
    /// 0 means mixed sizes.
    pub bytes: usize,
    pub max_read: usize,
}

const READ: usize = 16 * 1024;

pub const SIZES: &[Size] = &[
    Size { name: "16", bytes: 16, max_read: READ },
    Size { name: "125", bytes: 125, max_read: READ },
    Size { name: "mixed", bytes: 0, max_read: READ },
    Size { name: "1K", bytes: 1024, max_read: READ },
    Size { name: "16K", bytes: 16 * 1024, max_read: READ },
    Size { name: "1M", bytes: 1 << 20, max_read: READ },
    Size { name: "1M/64K", bytes: 1 << 20, max_read: 64 * 1024 },
];

pub const DEFLATE_SIZES: &[Size] = &[
    Size { name: "50", bytes: 50, max_read: READ },
    Size { name: "500", bytes: 500, max_read: READ },
    Size { name: "5K", bytes: 5000, max_read: READ },
    Size { name: "100K", bytes: 100_000, max_read: READ },
];

/// The payload bytes of a batch. The batch and the bytes that are made of it fit into the second-level cache.
const BATCH: usize = 256 * 1024;
/// The same with compression. Compression takes so much longer that a larger batch would not end before the
/// system switches to another process. A batch is two windows long, so no window holds the next message when
/// the batch is played again.
const DEFLATE_BATCH: usize = 64 * 1024;
/// A batch to receive has at least this many messages, even large ones, so that buffers are reused. A batch
/// to send can have one: each library sends its own copy, and all copies have to remain in the cache.
const MIN_RECEIVED: usize = 3;
const HANDSHAKES: usize = 200;

/// A batch of messages, and how it is read. All of it is leaked, because some libraries want it to be
/// `'static`.
#[derive(Clone, Copy)]
pub struct Batch {
    pub messages: &'static [Payload],
    pub wire: &'static [u8],
    pub max_read: usize,
    /// The number of messages or handshakes.
    pub count: usize,
    /// The payload bytes of the messages.
    pub bytes: usize,
}

impl Batch {
    pub fn new(task: Task, size: Size) -> Self {
        let kind = match task {
            Receive(_, kind) => kind,
            Send(_) | Echo => Kind::Binary,
            Deflate(_) => Kind::Json,
            Accept | Connect => {
                let (messages, wire): (&[_], _) = (&[], &b""[..]);
                return Self { messages, wire, max_read: READ, count: HANDSHAKES, bytes: 0 };
            }
        };
        let mut lcg = Lcg::new(1);
        let min = if matches!(task, Send(_)) { 1 } else { MIN_RECEIVED };
        let mut messages = Vec::new();
        let mut bytes = 0;
        let enough = if matches!(task, Deflate(_)) { DEFLATE_BATCH } else { BATCH };
        while bytes < enough || messages.len() < min {
            let len = if size.bytes == 0 { 2 + lcg.draw() as usize % 4095 } else { size.bytes };
            messages.push(payload(kind, len, &mut lcg));
            bytes += len;
        }
        let messages = copy(&messages);
        let masked = !matches!(task, Receive(Role::Client, _));
        let wire = match task {
            Send(_) => &[],
            Deflate(takeover) => compressed(messages, takeover),
            _ => frames(messages, masked),
        };
        Self { messages, wire, max_read: size.max_read, count: messages.len(), bytes }
    }
}

/// A copy of the messages, with their payloads in a row.
pub fn copy(messages: &[Payload]) -> &'static [Payload] {
    let all: Vec<u8> = messages.iter().flat_map(|message| message.bytes).copied().collect();
    let mut rest: &'static [u8] = all.leak();
    let copied: Vec<_> = messages
        .iter()
        .map(|message| {
            let (bytes, after) = rest.split_at(message.bytes.len());
            rest = after;
            Payload { is_text: message.is_text, bytes }
        })
        .collect();
    copied.leak()
}
