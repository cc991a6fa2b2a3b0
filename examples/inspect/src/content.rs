//! Payload to show: the first bytes of it, as text or in hex.

use serde::Serialize;
use std::fmt::Write;

/// The first bytes of a payload, while it arrives.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    bytes: Vec<u8>,
    /// The number of all bytes.
    len: u64,
}

impl Preview {
    /// Appends a piece, and keeps at most `limit` bytes in all.
    pub fn push(&mut self, piece: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        self.len += piece.len() as u64;
    }

    /// The number of all bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes as text, if they are text. Only a cut may make a character incomplete.
    #[must_use]
    pub fn text(&self) -> Payload {
        let truncated = self.is_truncated();
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Payload { content: Content::Text(text.to_owned()), truncated },
            Err(error) if truncated && error.error_len().is_none() => {
                let text = String::from_utf8_lossy(&self.bytes[..error.valid_up_to()]).into_owned();
                Payload { content: Content::Text(text), truncated }
            }
            Err(_) => self.hex(),
        }
    }

    /// The bytes in hex.
    #[must_use]
    pub fn hex(&self) -> Payload {
        Payload { content: Content::Hex(hex(&self.bytes)), truncated: self.is_truncated() }
    }

    /// The bytes as text if all of them can be printed, and otherwise in hex: for payloads that have no type.
    #[must_use]
    pub fn text_or_hex(&self) -> Payload {
        let is_printable = self.bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        if is_printable { self.text() } else { self.hex() }
    }

    fn is_truncated(&self) -> bool {
        (self.bytes.len() as u64) < self.len
    }
}

/// A payload, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Payload {
    /// The bytes.
    #[serde(flatten)]
    pub content: Content,
    /// Whether only the first bytes are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// Bytes, as they are shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Text.
    Text(String),
    /// Two hex digits for each byte.
    Hex(String),
}

impl Content {
    /// Whether the bytes contain this text.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        match self {
            Self::Text(shown) => shown.contains(text),
            // A byte has two digits, so a match begins at an even position.
            Self::Hex(digits) => {
                let wanted = hex(text.as_bytes());
                wanted.is_empty() || (0..digits.len()).step_by(2).any(|at| digits[at..].starts_with(&wanted))
            }
        }
    }
}

/// Two hex digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes of a text with two hex digits for each byte; white space may separate them. `None` if it is no
/// such text.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Escapes control characters. From the network they could do anything to a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}
