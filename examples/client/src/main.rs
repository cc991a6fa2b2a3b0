//! A WebSocket client for the terminal, over TCP or TLS. It sends lines from stdin as text, and prints the
//! messages that it receives.
//!
//! ```text
//! cargo run -- wss://echo.example/
//! ```
//!
//! With `--deflate` before the URL the client offers compression, and prints the server's answer to the
//! offer. `--deflate=PARAMETER,PARAMETER` offers it with parameters of the client's own:
//! `server_max_window_bits=N`, `client_max_window_bits=N`, `server_no_context_takeover`,
//! `client_no_context_takeover`, `no_fallback`. Ctrl-D closes the connection. The client follows no
//! redirects. If the server has a certificate of your own, set `SSL_CERT_FILE` to its root certificate.

mod transport;

use mio::{Events, Poll, Token, Waker};
use rand::rngs::ThreadRng;
use sansws::deflate::DeflateConfig;
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Client, ClientRequest, CloseCode, Config, Connection, Event, Message, State};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use std::{env, thread};
use transport::Transport;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: client [--deflate[=PARAMETER,...]] URL, for instance: client wss://echo.example/
The environment variable SSL_CERT_FILE names the root certificates to trust instead of those of the system.
The client follows no redirects.";
const SOCKET: Token = Token(0);
const STDIN: Token = Token(1);

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let mut args = env::args().skip(1).peekable();
    let mut config = Config::new();
    if args.next_if(|arg| arg == "--deflate").is_some() {
        config = config.deflate(DeflateConfig::new());
    } else if let Some(arg) = args.next_if(|arg| arg.starts_with("--deflate=")) {
        let mut parameters = arg.trim_start_matches("--deflate=").split(',');
        let Some(deflate) = parameters.try_fold(DeflateConfig::new(), with_parameter) else { return usage() };
        config = config.deflate(deflate);
    }
    let Some(url) = args.next().filter(|arg| !arg.starts_with('-')) else { return usage() };
    if args.next().is_some() {
        return usage();
    }
    match run(&url, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}

/// The configuration with one more parameter. `None` if there is no such parameter.
fn with_parameter(deflate: DeflateConfig, parameter: &str) -> Option<DeflateConfig> {
    let (name, bits) = parameter.split_once('=').unwrap_or((parameter, ""));
    Some(match name {
        "server_max_window_bits" => deflate.server_max_window_bits(bits.parse().ok()?),
        "client_max_window_bits" => deflate.client_max_window_bits(bits.parse().ok()?),
        "server_no_context_takeover" => deflate.server_no_context_takeover(true),
        "client_no_context_takeover" => deflate.client_no_context_takeover(true),
        "no_fallback" => deflate.offer_fallback(false),
        _ => return None,
    })
}

fn run(url: &str, config: Config) -> Result<()> {
    let request = ClientRequest::new(url)?;
    let mut poll = Poll::new()?;
    // The waker is kept until the end, because a waker that is dropped takes its last wake with it.
    let waker = Arc::new(Waker::new(poll.registry(), STDIN)?);
    let mut session = Session {
        connection: Connection::client(&request, config, rand::rng())?,
        start: Instant::now(),
        timers: Timers::new(TimersConfig::new(), Duration::ZERO),
        transport: transport::connect(&request.uri(), poll.registry(), SOCKET)?,
        lines: read_stdin(Arc::clone(&waker)),
    };
    let mut events = Events::with_capacity(8);
    loop {
        let has_read = session.receive()?;
        session.keep_time()?;
        let has_taken = session.take_line()?;
        session.send()?;
        if session.connection.should_disconnect() {
            return session.outcome();
        }
        if has_read || has_taken {
            // There may be more input, and the poll only reports new input.
            continue;
        }
        let now = session.start.elapsed();
        let timeout = session.timers.next_deadline().map(|at| at.saturating_sub(now));
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            // It does not matter which event it was: each turn tries everything.
            _ => {}
        }
    }
}

struct Session {
    connection: Connection<Client<ThreadRng>>,
    start: Instant,
    timers: Timers,
    transport: Box<dyn Transport>,
    lines: Receiver<io::Result<String>>,
}

impl Session {
    /// Reads the bytes that are there, and prints the events. Returns whether there were any bytes.
    fn receive(&mut self) -> Result<bool> {
        let mut buffer = [0; 16 << 10];
        let len = match self.transport.read(&mut buffer) {
            Err(error) if is_not_now(&error) => return Ok(false),
            Err(error) if is_end(&error) => 0,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(format!("TLS failed: {error}; SSL_CERT_FILE can name the roots to trust").into());
            }
            result => result?,
        };
        if len == 0 {
            // `outcome` asks how the connection ended.
            if let Some(event) = self.connection.receive_eof() {
                report(&event)?;
            }
            return Ok(true);
        }
        let now = self.start.elapsed();
        self.timers.received(now);
        let mut input = &mut buffer[..len];
        // If the connection fails, `outgoing` has the Close that tells the server, and `outcome` tells the
        // user.
        while let Some((event, _)) = self.connection.receive(&mut input) {
            self.timers.event(now, &event);
            report(&event)?;
        }
        Ok(true)
    }

    fn keep_time(&mut self) -> Result<()> {
        match self.timers.poll(self.start.elapsed(), self.connection.state()) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            // The server is silent, so this counts as the end of the transport.
            Action::GiveUp(Timeout::Close) => _ = self.connection.receive_eof(),
            Action::GiveUp(timeout) => return Err(timeout.into()),
            _ => {}
        }
        Ok(())
    }

    /// Sends a line, if there is one, as soon as all bytes before it are written. So a slow server slows down
    /// the input, and no memory fills up.
    fn take_line(&mut self) -> Result<bool> {
        if self.connection.state() != State::Open || !self.connection.outgoing().is_empty() {
            return Ok(false);
        }
        match self.lines.try_recv() {
            Ok(line) => self.connection.sender().text(&line?)?,
            Err(TryRecvError::Disconnected) => self.connection.sender().close(CloseCode::NORMAL, "")?,
            Err(TryRecvError::Empty) => return Ok(false),
        }
        Ok(true)
    }

    /// Writes as many bytes as the socket takes.
    fn send(&mut self) -> Result<()> {
        while !self.connection.outgoing().is_empty() {
            match self.transport.write(self.connection.outgoing()) {
                Ok(len) => {
                    self.connection.mark_sent(len);
                    self.timers.sent(self.start.elapsed(), len);
                }
                Err(error) if is_not_now(&error) => {
                    self.timers.sent(self.start.elapsed(), 0);
                    return Ok(());
                }
                // The bytes that the server sent before its end can still be read.
                Err(error) if is_end(&error) => self.connection.mark_sent(usize::MAX),
                Err(error) => return Err(error.into()),
            }
        }
        // TLS has its own buffer.
        match self.transport.flush() {
            Err(error) if !is_not_now(&error) && !is_end(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn outcome(&self) -> Result<()> {
        if let Some(error) = self.connection.error() {
            return Err(error.into());
        }
        match self.connection.close_code() {
            Some(CloseCode::NORMAL | CloseCode::NO_STATUS_RECEIVED) => Ok(()),
            Some(code) => Err(format!("the server closed the connection: {code}").into()),
            None => Err("the connection ended before it was closed".into()),
        }
    }
}

/// Whether there is nothing to read, or no room to write. The poll says when to try again.
fn is_not_now(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether the error is the end of the transport, as when a TLS connection ends without a farewell. The Close
/// that came before decides whether the end is a clean one.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Starts a thread that reads lines from stdin, because reading from a terminal blocks. The waker reports
/// each line, and the end, which the channel shows as its own end.
fn read_stdin(waker: Arc<Waker>) -> Receiver<io::Result<String>> {
    let (sender, receiver) = sync_channel(16);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        _ = waker.wake();
    });
    receiver
}

fn report(event: &Event<'_>) -> Result<()> {
    let mut out = io::stdout().lock();
    match event {
        Event::HandshakeComplete(handshake) => {
            writeln!(out, "* open")?;
            if let Some(extensions) =
                handshake.response().and_then(|it| it.header("Sec-WebSocket-Extensions"))
            {
                writeln!(out, "* {}", printable(extensions))?;
            }
        }
        Event::HandshakeRefused(response) => {
            let (status, reason) = (response.status(), printable(response.reason()));
            return Err(format!("refused: {status} {reason}").into());
        }
        Event::Message(Message::Text(text)) => writeln!(out, "< {}", printable(text))?,
        Event::Message(Message::Binary(bytes)) => writeln!(out, "< [{} bytes]", bytes.len())?,
        Event::Ping(payload) => writeln!(out, "* ping {:?}", String::from_utf8_lossy(payload))?,
        Event::Pong(payload) => writeln!(out, "* pong {:?}", String::from_utf8_lossy(payload))?,
        Event::Close(close) => writeln!(out, "* close {} {:?}", close.code, close.reason)?,
        _ => {}
    }
    Ok(())
}

/// Escapes control characters. From the network they could do anything to a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
