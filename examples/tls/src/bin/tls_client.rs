//! A client with blocking I/O, over TLS or without: it sends its arguments, prints as many answers, and
//! closes the connection.
//!
//! ```text
//! cargo run -p tls --bin tls_client -- [--patience SECONDS] wss://echo.example/ [MESSAGE...]
//! ```
//!
//! With `--patience` every deadline has this length. If the server has a certificate of your own, set
//! `SSL_CERT_FILE` to its root certificate. The client follows no redirects. A program that also waits for a
//! user cannot use blocking I/O, because it would not answer pings meanwhile: see the example `client`.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sansws::timers::TimersConfig;
use sansws::{ClientRequest, CloseCode, Config, Connection, Event, Message, Uri};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tls::{Session, Socket, Transport, Turn};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: tls_client [--patience SECONDS] URL [MESSAGE...]
The environment variable SSL_CERT_FILE names the root certificates to trust instead of those of the system.
The client follows no redirects.";
/// The most time to connect to one address of the host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    // Behind the URL, this is a message.
    if env::args().nth(1).is_some_and(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<()> {
    let mut args = env::args().skip(1).peekable();
    let mut timers = TimersConfig::new();
    if args.next_if(|arg| arg == "--patience").is_some() {
        timers = args.next().and_then(|seconds| tls::patience(&seconds)).ok_or(USAGE)?;
    }
    let url = args.next().filter(|arg| !arg.starts_with('-')).ok_or(USAGE)?;
    let request = ClientRequest::new(&url)?;
    let uri = request.uri();
    let start = Instant::now();
    let socket = Socket::new(connect(&uri)?, start)?;
    let messages: Vec<String> = args.collect();
    if !uri.is_secure() {
        return converse(&request, socket, timers, start, &messages);
    }
    let name = ServerName::try_from(uri.host().to_owned())?;
    let tls = ClientConnection::new(Arc::new(tls_config()?), name)?;
    converse(&request, StreamOwned::new(tls, socket), timers, start, &messages)
}

fn converse(
    request: &ClientRequest<'_>, transport: impl Transport, timers: TimersConfig, start: Instant,
    messages: &[String],
) -> Result<()> {
    let connection = Connection::client(request, Config::new(), rand::rng())?;
    let mut session = Session::new(connection, transport, timers, start)?;
    let mut out = io::stdout().lock();
    let mut left = messages.iter();
    loop {
        let turn = session.turn(|event, tx| {
            match event {
                Event::HandshakeComplete(_) => {}
                Event::Message(Message::Text(text)) => writeln!(out, "{}", printable(text))?,
                Event::Message(Message::Binary(bytes)) => writeln!(out, "[{} bytes]", bytes.len())?,
                // The connection has answered pings and the Close already, and `result` tells about a
                // failure.
                _ => return Ok(()),
            }
            match left.next() {
                Some(message) => tx.text(message)?,
                // If the server has closed the connection, this call is refused, which does no harm.
                None => _ = tx.close(CloseCode::NORMAL, ""),
            }
            Ok(())
        })?;
        if turn == Turn::Done {
            break;
        }
    }
    if let Some(sansws::Error::Refused(status)) = session.connection().error() {
        return Err(format!("the server refused the WebSocket with status {status}").into());
    }
    session.connection().result()?;
    match session.connection().close_code() {
        Some(CloseCode::NORMAL | CloseCode::NO_STATUS_RECEIVED) => Ok(()),
        Some(code) => Err(format!("the server closed the connection: {code}").into()),
        None => Err("the connection ended before it was closed".into()),
    }
}

/// Tries every address of the host.
fn connect(uri: &Uri<'_>) -> Result<TcpStream> {
    let (host, port) = (uri.host(), uri.port());
    let failed = |error| format!("cannot connect to {host}, port {port}: {error}");
    let mut result = Err(failed("the name has no address".into()));
    for address in (host, port).to_socket_addrs().map_err(|error| failed(error.to_string()))? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => result = Err(failed(error.to_string())),
        }
    }
    Ok(result?)
}

/// Trusts the same authorities as the system, or the certificates in the file that `SSL_CERT_FILE` names.
fn tls_config() -> Result<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!("no trusted root certificates were found{why}; set SSL_CERT_FILE").into());
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Escapes control characters. From the network they could do anything to a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
