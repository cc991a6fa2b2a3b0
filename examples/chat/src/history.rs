//! The last messages, which a guest that joins later gets to read.

use std::collections::VecDeque;
use std::time::Instant;

const MAX_ID: usize = 40;
/// At most this many messages are kept.
const MAX_LINES: usize = 50;
/// At most this many bytes are kept.
const MAX_BYTES: usize = 32 << 10;

/// A message of a guest.
pub struct Line {
    pub at: Instant,
    pub id: String,
    /// The name, the ID and the text, separated by tabs.
    pub text: String,
}

impl Line {
    pub fn new(name: &str, id: &str, text: &str) -> Self {
        Self { at: Instant::now(), id: id.to_owned(), text: format!("{name}\t{id}\t{text}") }
    }
}

/// Whether a client may use `id` for a message.
pub fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The last messages.
#[derive(Default)]
pub struct History {
    pub lines: VecDeque<Line>,
    /// The length of all texts together.
    bytes: usize,
}

impl History {
    pub fn contains(&self, id: &str) -> bool {
        self.lines.iter().any(|line| line.id == id)
    }

    pub fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.text.len();
        }
    }
}
