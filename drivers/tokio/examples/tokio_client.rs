//! A client for the terminal, over TCP or TLS: one task for each direction. It sends lines from stdin as
//! text, and prints the messages that it receives.
//!
//! ```text
//! cargo run -p sansws-tokio --features rustls --example tokio_client -- wss://echo.example/
//! ```
//!
//! With `--deflate` before the URL, in a build with `--features deflate`, the client offers compression, and
//! prints what both ends agreed on. `--deflate=PARAMETER,PARAMETER` offers it with parameters of the client's
//! own, see `options/mod.rs`. `--subprotocol=NAME` offers a subprotocol, and can be given more than once; the
//! client prints which one the server has chosen. Ctrl-D closes the connection. If the server has a
//! certificate of your own, set `SSL_CERT_FILE` to its root certificate.

mod options;

use sansws_tokio::sansws::ClientRequest;
#[cfg(feature = "deflate")]
use sansws_tokio::sansws::deflate::DeflateParams;
use sansws_tokio::split::{ReadHalf, WriteHalf};
use sansws_tokio::{CloseCode, Config, Connector, Error, Message, RandomClient, Transport};
#[cfg(feature = "deflate")]
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::{env, iter, thread};
use tokio::sync::mpsc::{Receiver, channel};

const USAGE: &str = "usage: tokio_client [--deflate[=PARAMETER,...]] [--subprotocol=NAME ...] URL";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    options::run(USAGE, run()).await
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let mut config = Config::new();
    let mut subprotocols = Vec::new();
    let given: Vec<String> =
        iter::from_fn(|| arguments.next_if(|argument| argument.starts_with('-'))).collect();
    for option in &given {
        match option.strip_prefix("--subprotocol=") {
            Some(name) => subprotocols.push(name),
            None => config = options::with_option(config, option)?,
        }
    }
    let (Some(url), None) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
    let request = ClientRequest::new(&url)?.subprotocols(&subprotocols);
    let socket = match Connector::new().config(config).connect(&request).await {
        Err(Error::Refused(refusal)) => return Err(format!("refused: {}", refusal.status()).into()),
        result => result?,
    };
    // `println!` would panic if the reader has closed the output.
    writeln!(io::stdout(), "* open")?;
    if let Some(name) = socket.connection().subprotocol() {
        writeln!(io::stdout(), "* subprotocol {name}")?;
    }
    #[cfg(feature = "deflate")]
    if let Some(params) = socket.connection().deflate() {
        writeln!(io::stdout(), "* {}", agreed(params))?;
    }

    let (mut reading, mut writing) = socket.into_split();
    tokio::select! {
        received = print_messages(&mut reading) => received?,
        // After the Close the messages of the server still count, so only an error of stdin ends the program
        // here.
        Err(error) = send_lines(&mut writing, read_stdin()) => return Err(error.into()),
    }
    let socket = reading.unsplit(writing).map_err(|_| "the halves belong together")?;
    match socket.connection().close_code() {
        Some(CloseCode::NORMAL | CloseCode::NO_STATUS_RECEIVED) => Ok(()),
        Some(code) => Err(format!("the server closed the connection: {code}").into()),
        None => Err("the connection ended before it was closed".into()),
    }
}

/// Prints messages until the connection has ended.
async fn print_messages(
    reading: &mut ReadHalf<Transport, RandomClient>,
) -> Result<(), Box<dyn std::error::Error>> {
    while let Some(message) = reading.recv().await? {
        match message {
            Message::Text(text) => writeln!(io::stdout(), "< {}", printable(text))?,
            Message::Binary(bytes) => writeln!(io::stdout(), "< [{} bytes]", bytes.len())?,
        }
    }
    Ok(())
}

/// Sends lines until there are no more, and then a Close. A slow server slows down the input, and no memory
/// fills up.
async fn send_lines(
    writing: &mut WriteHalf<Transport, RandomClient>, mut lines: Receiver<io::Result<String>>,
) -> io::Result<()> {
    while let Some(line) = lines.recv().await {
        // If this fails, the connection is closing, or it has failed. The half that reads learns why.
        if writing.send(&*line?).await.is_err() {
            return Ok(());
        }
    }
    let _ = writing.close(CloseCode::NORMAL, "").await;
    Ok(())
}

/// Reads lines in a thread, because reading from a terminal blocks. tokio's own stdin would keep the program
/// from ending until the next line.
fn read_stdin() -> Receiver<io::Result<String>> {
    let (sender, receiver) = channel(16);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What both ends agreed on, in the form of the server's answer. A window of 15 bits is the default.
#[cfg(feature = "deflate")]
fn agreed(params: DeflateParams) -> String {
    let mut text = "permessage-deflate".to_owned();
    if params.server_no_context_takeover() {
        text += "; server_no_context_takeover";
    }
    if params.client_no_context_takeover() {
        text += "; client_no_context_takeover";
    }
    for (name, bits) in
        [("server", params.server_max_window_bits()), ("client", params.client_max_window_bits())]
    {
        if bits < 15 {
            let _ = write!(text, "; {name}_max_window_bits={bits}");
        }
    }
    text
}

/// Escapes control characters. From the network they could do anything to a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
