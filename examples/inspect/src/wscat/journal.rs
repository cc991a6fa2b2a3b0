//! A record of a session: one JSON object for each event, in a line of its own. A session can be replayed
//! from it.

use super::command::Command;
use crate::content::{from_hex, hex};
use crate::record::Side;
use sansws::Message;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// An event and its time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The seconds since the connection opened.
    pub time: f64,
    /// The side that sent it.
    pub from: Side,
    /// What it sent.
    #[serde(flatten)]
    pub event: Event,
}

/// What a side sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The opening handshake is complete.
    Open {
        /// The subprotocol that both sides agreed on.
        subprotocol: Option<String>,
        /// Whether messages are compressed.
        compression: bool,
    },
    /// A text message.
    Text {
        /// The text.
        text: String,
    },
    /// A binary message.
    Binary {
        /// The bytes in hex.
        hex: String,
    },
    /// A ping.
    Ping,
    /// The pong that answers the ping.
    Pong,
    /// A Close.
    Close {
        /// The code; 1005 if there was none.
        code: u16,
        /// The reason.
        reason: String,
    },
}

impl From<Message<'_>> for Event {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text { text: text.to_owned() },
            Message::Binary(bytes) => Self::Binary { hex: hex(bytes) },
        }
    }
}

impl Event {
    /// The command that sends this again. `None` if the client does not send it by a command.
    ///
    /// # Errors
    /// The digits are not hex.
    pub fn command(self) -> Result<Option<Command>, String> {
        Ok(Some(match self {
            Self::Text { text } => Command::Text(text),
            Self::Binary { hex } => {
                Command::Binary(from_hex(&hex).ok_or_else(|| format!("{hex} are not hex digits"))?)
            }
            Self::Ping => Command::Ping,
            Self::Close { code, reason } => Command::Close(code.into(), reason),
            Self::Open { .. } | Self::Pong => return Ok(None),
        }))
    }
}

/// Writes events to a file.
pub struct Journal {
    file: File,
    start: Instant,
}

impl Journal {
    /// Creates the file. The time begins now.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path).map_err(|error| named(path, &error))?;
        Ok(Self { file, start: Instant::now() })
    }

    /// Writes an event. The line is written at once, so that it is not lost if the program is ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, from: Side, event: Event) -> io::Result<()> {
        let entry = Entry { time: self.start.elapsed().as_secs_f64(), from, event };
        let line = serde_json::to_string(&entry)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

/// Reads what the client sent: the commands, with their times since the connection opened.
///
/// # Errors
/// The file cannot be read, or is no record.
pub fn commands(path: &Path) -> io::Result<Vec<(Duration, Command)>> {
    let mut commands = Vec::new();
    let file = File::open(path).map_err(|error| named(path, &error))?;
    for (at, line) in BufReader::new(file).lines().enumerate() {
        let wrong = |error: String| {
            let text = format!("{}, line {}: {error}", path.display(), at + 1);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let entry: Entry = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let time = Duration::try_from_secs_f64(entry.time).map_err(|error| wrong(error.to_string()))?;
        if entry.from == Side::Client {
            commands.extend(entry.event.command().map_err(wrong)?.map(|command| (time, command)));
        }
    }
    Ok(commands)
}

/// The error with the path of the file.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
