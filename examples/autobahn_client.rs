//! A client for the fuzzing server of the Autobahn test suite: it echoes all messages in every case that the
//! server has.
//!
//! ```text
//! wstest -m fuzzingserver &
//! cargo run --release --example autobahn_client ws://127.0.0.1:9001 sansws
//! ```
//!
//! With `--deflate`, in a build with `--features deflate`, the client offers compression.

use rand::rngs::ThreadRng;
use sansws::{Client, ClientRequest, Config, Connection, Event, Heap, Message, SendError, Sender};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, error};

/// The limits allow the largest messages of the suite.
const CONFIG: Config = Config::new()
    .max_message(32 << 20)
    .max_fragments(1 << 17)
    // Room for the echo of the largest message behind bytes that still wait to be written, see `FLUSH_AT`.
    .max_outgoing(64 << 20)
    .keep_capacity(64 << 10);

/// A single read can bring thousands of small messages. When their echo reaches this length, it is written.
const FLUSH_AT: usize = 1 << 20;

/// No case is silent for this long. This is also the limit for a server that never closes the transport.
const TIMEOUT: Duration = Duration::from_secs(30);

const USAGE: &str = "usage: autobahn_client [--deflate] URL AGENT";

type Tx = Sender<Client<ThreadRng>, Heap>;

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let mut args = env::args().skip(1).peekable();
    let config = if args.next_if(|arg| arg == "--deflate").is_some() {
        #[cfg(feature = "deflate")]
        {
            CONFIG.deflate(sansws::deflate::DeflateConfig::new())
        }
        #[cfg(not(feature = "deflate"))]
        {
            eprintln!("error: compression needs a build with --features deflate");
            return ExitCode::FAILURE;
        }
    } else {
        CONFIG
    };
    let (Some(url), Some(agent)) = (args.next(), args.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    match run_all(url.trim_end_matches('/'), &agent, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(url: &str, agent: &str, config: Config) -> Result<(), Box<dyn error::Error>> {
    let mut count = String::new();
    visit(&format!("{url}/getCaseCount"), config, |message, _| {
        if let Message::Text(text) = message {
            text.clone_into(&mut count);
        }
        Ok(())
    })??;
    let count: u32 = count.parse().map_err(|_| "getCaseCount was not answered with a number")?;
    for case in 1..=count {
        let result = visit(&format!("{url}/runCase?case={case}&agent={agent}"), config, |message, tx| {
            tx.message(message)
        })?;
        // Most cases break the protocol, so the server decides what counts as a failure.
        match result {
            Ok(()) => println!("case {case} of {count}"),
            Err(error) => println!("case {case} of {count}: {error}"),
        }
    }
    visit(&format!("{url}/updateReports?agent={agent}"), config, |_, _| Ok(()))??;
    Ok(())
}

/// Connects and hands every message to `on_message`, until the server is done. The outer result says whether
/// there was a connection, and the inner result says how it ended.
fn visit(
    uri: &str, config: Config, on_message: impl FnMut(Message<'_>, &mut Tx) -> Result<(), SendError>,
) -> Result<io::Result<()>, Box<dyn error::Error>> {
    let request = ClientRequest::new(uri)?;
    let mut stream = TcpStream::connect((request.uri().host(), request.uri().port()))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut connection = Connection::client(&request, config, rand::rng())?;
    let mut buffer = vec![0; 64 << 10];
    let result = converse(&mut stream, &mut connection, &mut buffer, on_message);
    // Also after an error: the bytes that are left are the Close that tells the server about it.
    let flushed = flush(&mut stream, &mut connection);
    linger(&mut stream, &mut buffer);
    Ok(result.and(flushed))
}

fn converse(
    stream: &mut TcpStream, connection: &mut Connection<Client<ThreadRng>>, buffer: &mut [u8],
    mut on_message: impl FnMut(Message<'_>, &mut Tx) -> Result<(), SendError>,
) -> io::Result<()> {
    // A client disconnects when the server ends the transport, which follows the closing handshake.
    while !connection.should_disconnect() {
        flush(stream, connection)?;
        let len = match stream.read(buffer) {
            // A reset also ends the transport, and after the closing handshake it does no harm.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            result => result?,
        };
        if len == 0 {
            connection.receive_eof();
            break;
        }
        let mut input = &mut buffer[..len];
        while let Some((event, tx)) = connection.receive(&mut input) {
            match event {
                Event::Message(message) => on_message(message, tx)?,
                Event::HandshakeRefused(response) => {
                    let (status, reason) = (response.status(), response.reason());
                    return Err(io::Error::other(format!("the server refused: {status} {reason}")));
                }
                // The connection has answered pings and the Close already.
                _ => {}
            }
            if connection.outgoing().len() >= FLUSH_AT {
                flush(stream, connection)?;
            }
        }
    }
    connection.result().map_err(io::Error::other)
}

fn flush(stream: &mut TcpStream, connection: &mut Connection<Client<ThreadRng>>) -> io::Result<()> {
    while !connection.outgoing().is_empty() {
        let len = stream.write(connection.outgoing())?;
        connection.mark_sent(len);
    }
    Ok(())
}

/// Ends our direction and waits for the end of the server's. If the stream were dropped with unread input,
/// the kernel would send a reset, which can overtake our last bytes.
fn linger(stream: &mut TcpStream, buffer: &mut [u8]) {
    // All bytes are written, so errors do not matter any more.
    let _ = stream.shutdown(Shutdown::Write);
    while matches!(stream.read(buffer), Ok(1..)) {}
}
