//! One connection from its opening handshake to its end.

use super::command::{Command, HELP};
use super::journal::{Event, Journal};
use super::screen::Screen;
use crate::record::Side;
use sansws::{ClientRequest, Misuse, SendError};
use sansws_tokio::split::{ReadHalf, WriteHalf};
use sansws_tokio::{CloseCode, Connector, Error, RandomClient, ServerResponse, Transport};
use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::ctrl_c;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep};

/// The most commands that wait to be sent.
const QUEUE: usize = 16;

/// How a session ended without an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The client closed the connection with any code, or because the reader of its output had enough; or the
    /// server closed it with 1000 or without a code.
    Closed,
    /// The server closed the connection with another code.
    ClosedByServer,
    /// The connection was closed, but some commands were not valid.
    InvalidCommands,
}

/// Where the commands come from.
pub enum Input {
    /// Lines of stdin.
    Stdin,
    /// These lines.
    Lines(Vec<String>),
    /// These commands, each at its time after the opening handshake.
    Replay(Vec<(Duration, Command)>),
}

/// What the user wants.
pub struct Options {
    /// How to connect.
    pub connector: Connector,
    /// How long to wait after the last command, before the connection is closed.
    pub wait: Duration,
    /// Whether to show the headers of the response.
    pub verbose: bool,
    /// The file for the record.
    pub record: Option<PathBuf>,
}

/// A command, or what is wrong with it.
type Line = Result<Command, String>;

/// What the sending half tells about the session.
#[derive(Default)]
struct Sent {
    has_closed: Cell<bool>,
    has_invalid: Cell<bool>,
}

/// Connects, sends the commands, and shows what comes, until the connection has ended.
///
/// # Errors
/// The connection failed, or the record cannot be written.
pub async fn run(options: &Options, request: &ClientRequest<'_>, input: Input) -> Result<Outcome, Error> {
    let (socket, response) = options.connector.connect_with_response(request).await?;
    let journal = options.record.as_deref().map(Journal::create).transpose()?;
    let mut screen = Screen::new(journal);
    let connection = socket.connection();
    let (subprotocol, compression) =
        (connection.subprotocol().map(str::to_owned), connection.deflate().is_some());
    screen.note(&opened(&response, subprotocol.as_deref(), compression, options.verbose));
    screen.record(Side::Server, Event::Open { subprotocol, compression })?;

    let screen = RefCell::new(screen);
    let sent = Sent::default();
    let (mut reading, mut writing) = socket.into_split();
    let sending = async {
        let result = tokio::select! {
            result = send(&mut writing, read(input), options.wait, &screen, &sent) => result,
            result = ctrl_c() => match result {
                Ok(()) => close(&mut writing, &screen, &sent).await,
                Err(error) => Err(error.into()),
            },
        };
        // After the Close the messages of the server still count.
        if result.is_ok() { std::future::pending().await } else { result }
    };
    let is_read = tokio::select! {
        biased; // so that Ctrl-C is watched before the first message is shown
        result = second_interrupt() => return Err(result?),
        result = sending => result.map(|()| true)?,
        result = receive(&mut reading, &screen) => result?,
    };
    if !is_read {
        // If this fails, the connection is over anyway.
        let _ = writing.close(CloseCode::NORMAL, "").await;
    }
    let peer_close = reading.with_connection(|connection| {
        connection.peer_close().map(|close| (u16::from(close.code), close.reason.to_owned()))
    });
    let Some((code, reason)) = peer_close else { return Ok(Outcome::Closed) };
    let mut screen = screen.into_inner();
    let who = if sent.has_closed.get() { "closed" } else { "closed by the server" };
    screen.note(format!("{who}: {} {reason}", CloseCode::from(code)).trim_end());
    screen.record(Side::Server, Event::Close { code, reason })?;
    Ok(match code {
        _ if sent.has_invalid.get() => Outcome::InvalidCommands,
        1000 | 1005 => Outcome::Closed,
        _ if sent.has_closed.get() => Outcome::Closed,
        _ => Outcome::ClosedByServer,
    })
}

/// The lines that tell about the opening handshake.
fn opened(response: &ServerResponse, subprotocol: Option<&str>, compression: bool, verbose: bool) -> String {
    let mut text = "open".to_owned();
    if let Some(subprotocol) = subprotocol {
        let _ = write!(text, ", subprotocol {subprotocol}");
    }
    if compression {
        text += ", compressed";
    }
    for (name, value) in response.headers().filter(|_| verbose) {
        let _ = write!(text, "\n{name}: {}", String::from_utf8_lossy(value));
    }
    text
}

/// Shows messages until the connection has ended. Returns `false` if the reader of the output closed it
/// before.
async fn receive(
    reading: &mut ReadHalf<Transport, RandomClient>, screen: &RefCell<Screen>,
) -> Result<bool, Error> {
    while let Some(message) = reading.recv().await? {
        if !screen.borrow_mut().message(message)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sends the commands, and then a Close. A slow server slows down the input, and no memory fills up.
async fn send(
    writing: &mut WriteHalf<Transport, RandomClient>, mut commands: Receiver<Line>, wait: Duration,
    screen: &RefCell<Screen>, sent: &Sent,
) -> Result<(), Error> {
    while let Some(line) = commands.recv().await {
        let result = match line {
            Ok(Command::Help) => {
                screen.borrow().note(HELP);
                continue;
            }
            Ok(command) => execute(writing, command, screen, sent).await,
            Err(text) => Err(Refusal::Invalid(text)),
        };
        match result {
            Ok(()) if sent.has_closed.get() => return Ok(()),
            Ok(()) => {}
            Err(Refusal::Invalid(text)) => {
                sent.has_invalid.set(true);
                screen.borrow().error(&text);
            }
            // The half that receives tells why.
            Err(Refusal::Over) => return Ok(()),
            Err(Refusal::Io(error)) => return Err(error.into()),
        }
    }
    sleep(wait).await;
    close(writing, screen, sent).await
}

/// Sends a Close, if none was sent before.
async fn close(
    writing: &mut WriteHalf<Transport, RandomClient>, screen: &RefCell<Screen>, sent: &Sent,
) -> Result<(), Error> {
    match execute(writing, Command::Close(CloseCode::NORMAL, String::new()), screen, sent).await {
        Err(Refusal::Io(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Waits for the second Ctrl-C. The first one closes the connection. The second one ends the program at once,
/// even if the server does not answer the Close.
async fn second_interrupt() -> io::Result<Error> {
    ctrl_c().await?;
    ctrl_c().await?;
    let text = "interrupted before the server closed the connection";
    Ok(io::Error::new(io::ErrorKind::Interrupted, text).into())
}

/// Why a command was not executed.
enum Refusal {
    /// The command cannot be executed, and the connection goes on.
    Invalid(String),
    /// The connection is over.
    Over,
    /// The record cannot be written.
    Io(io::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Send(SendError::NotAllowed(Misuse::Closed)) => Self::Over,
            Error::Send(error) => Self::Invalid(error.to_string()),
            _ => Self::Over,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn execute(
    writing: &mut WriteHalf<Transport, RandomClient>, command: Command, screen: &RefCell<Screen>, sent: &Sent,
) -> Result<(), Refusal> {
    match command {
        Command::Text(text) => {
            writing.send(&*text).await?;
            screen.borrow_mut().record(Side::Client, Event::Text { text })?;
        }
        Command::Binary(bytes) => {
            writing.send(&*bytes).await?;
            screen.borrow_mut().record(Side::Client, sansws::Message::Binary(&bytes).into())?;
        }
        Command::Ping => {
            screen.borrow_mut().record(Side::Client, Event::Ping)?;
            let round_trip = writing.ping().await?;
            screen.borrow().note(&format!("pong after {:.1} ms", round_trip.as_secs_f64() * 1000.0));
            screen.borrow_mut().record(Side::Server, Event::Pong)?;
        }
        Command::Close(code, reason) => {
            writing.close(code, &reason).await?;
            sent.has_closed.set(true);
            screen.borrow_mut().record(Side::Client, Event::Close { code: code.into(), reason })?;
        }
        Command::Help => screen.borrow().note(HELP),
    }
    Ok(())
}

/// The commands, one after the other.
fn read(input: Input) -> Receiver<Line> {
    let (commands, receiver) = channel(QUEUE);
    match input {
        Input::Stdin => read_stdin(commands),
        Input::Lines(lines) => {
            tokio::spawn(async move {
                for line in lines {
                    if commands.send(Command::parse(&line)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Input::Replay(replay) => {
            tokio::spawn(async move {
                let start = Instant::now();
                for (time, command) in replay {
                    // A record can have any time, and a sleep can take it. An `Instant` cannot be so late.
                    sleep(time.saturating_sub(start.elapsed())).await;
                    if commands.send(Ok(command)).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    receiver
}

/// Reads lines in a thread, because reading from a terminal blocks. tokio's own stdin would keep the program
/// from ending until the next line.
fn read_stdin(commands: Sender<Line>) {
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            // After a line that is not UTF-8 there can be others. Any other error would come again and again.
            let is_last = line.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::InvalidData);
            let line = line.map_err(|error| format!("cannot read stdin: {error}"));
            let command = line.and_then(|line| Command::parse(&line));
            if commands.blocking_send(command).is_err() || is_last {
                return;
            }
        }
    });
}
