//! What a line of input asks for.

use crate::content::from_hex;
use sansws::CloseCode;
use std::fs;

/// The list of commands, as `/help` shows it.
pub const HELP: &str = "\
any other line          sends the line as text
//TEXT                  sends /TEXT as text
/hex 00 ff              sends these bytes as a binary message
/file PATH              sends the file as a binary message
/ping                   sends a ping, and shows the time until its pong
/close [CODE [REASON]]  closes the connection, with 1000 by default
/help                   shows this list";

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Send a text message.
    Text(String),
    /// Send a binary message.
    Binary(Vec<u8>),
    /// Send a ping and wait for its pong.
    Ping,
    /// Close the connection.
    Close(CloseCode, String),
    /// Show the list of commands.
    Help,
}

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn parse(line: &str) -> Result<Self, String> {
        let Some(command) = line.strip_prefix('/') else { return Ok(Self::Text(line.to_owned())) };
        if command.starts_with('/') {
            return Ok(Self::Text(command.to_owned()));
        }
        let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
        match (name, argument.trim()) {
            ("hex", digits) => from_hex(digits).map(Self::Binary).ok_or_else(|| {
                format!("{digits} is no list of bytes, each with two hex digits, such as 00 ff")
            }),
            ("file", path) => {
                fs::read(path).map(Self::Binary).map_err(|error| format!("cannot read {path}: {error}"))
            }
            ("ping", "") => Ok(Self::Ping),
            ("help", "") => Ok(Self::Help),
            ("close", "") => Ok(Self::Close(CloseCode::NORMAL, String::new())),
            ("close", arguments) => {
                let (code, reason) = arguments.split_once(' ').unwrap_or((arguments, ""));
                let number: u16 = code.parse().map_err(|_| format!("{code} is not a close code"))?;
                Ok(Self::Close(number.into(), reason.trim().to_owned()))
            }
            _ => Err(format!(
                "unknown command {line}; /help shows all, and // sends a text that begins with /"
            )),
        }
    }
}
