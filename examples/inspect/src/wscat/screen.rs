//! What the user sees: the messages of the server on stdout, and everything else on stderr.

use super::journal::{Event, Journal};
use crate::content::{hex, printable};
use crate::record::Side;
use anstyle::{AnsiColor, Style};
use sansws::Message;
use std::io::{self, IsTerminal, Write};

const NOTE: Style = Style::new().dimmed();
const TEXT: Style = AnsiColor::Green.on_default();
const BINARY: Style = AnsiColor::Yellow.on_default();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The terminal, and the journal if there is one.
pub struct Screen {
    /// On a terminal messages are marked, and control characters are escaped. Otherwise a text is printed as
    /// it is.
    is_terminal: bool,
    journal: Option<Journal>,
}

impl Screen {
    /// Writes to stdout and stderr, and events to the journal too.
    #[must_use]
    pub fn new(journal: Option<Journal>) -> Self {
        Self { is_terminal: io::stdout().is_terminal(), journal }
    }

    /// Shows a message of the server. Returns false if the reader of the output has closed it, as `head` does
    /// after its last line.
    ///
    /// # Errors
    /// Stdout or the journal has failed.
    pub fn message(&mut self, message: Message<'_>) -> io::Result<bool> {
        let written = if self.is_terminal {
            let mut out = anstream::stdout().lock();
            match message {
                Message::Text(text) => writeln!(out, "{TEXT}< {}{TEXT:#}", printable(text)),
                Message::Binary(bytes) => {
                    writeln!(out, "{BINARY}< {} bytes: {}{BINARY:#}", bytes.len(), hex(bytes))
                }
            }
        } else {
            // The stream of anstream would remove control characters from a text.
            let mut out = io::stdout().lock();
            match message {
                Message::Text(text) => writeln!(out, "{text}"),
                Message::Binary(bytes) => writeln!(out, "/hex {}", hex(bytes)),
            }
            .and_then(|()| out.flush())
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            result => result?,
        }
        self.record(Side::Server, message.into())?;
        Ok(true)
    }

    /// Writes an event to the journal.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record(&mut self, from: Side, event: Event) -> io::Result<()> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.write(from, event))
    }

    /// Shows something that is no message. If nobody reads stderr any more, the session goes on.
    pub fn note(&self, text: &str) {
        for line in text.lines() {
            let _ = writeln!(anstream::stderr(), "{NOTE}* {}{NOTE:#}", printable(line));
        }
    }

    /// Shows an error.
    pub fn error(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{ERROR}error:{ERROR:#} {}", printable(text));
    }
}
