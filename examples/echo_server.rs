//! An echo server that needs only the standard library: a thread per connection.
//!
//! ```text
//! cargo run --example echo_server [ADDR]
//! cargo run --example echo_server --features deflate -- --deflate [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:9001 by default; port 0 means any free port. Ctrl-C ends the server. A peer has
//! `--patience` seconds to read the echo of what it sent, 10 by default. With `--deflate` the server
//! compresses messages for clients that offer it. `--deflate-keeps-client-context` does the same, but ignores
//! a client's hint that it can do without context takeover; so such a client takes its context over.
//! `--deflate=PARAMETER,PARAMETER` compresses with parameters of the server's own:
//! `server_max_window_bits=N`, `client_max_window_bits=N`, `server_no_context_takeover`,
//! `client_no_context_takeover`, `ignore_hints`. `--codecs N` lets all connections share a pool of N codecs
//! of each kind; by default it has as many as the machine has processors.

#[cfg(feature = "deflate")]
use sansws::deflate::{DeflateConfig, Pool};
use sansws::handshake::origin::Scheme;
use sansws::{Accept, Config, Connection, Event, Reply, Server};
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, thread};

/// The pages that may connect, in addition to the pages of this very host. Without this check any web site
/// could connect in the name of a user who visits it.
const ALLOWED_ORIGINS: &[&str] = &["http://localhost:8080"];

/// The subprotocol for clients that ask for it.
const SUBPROTOCOL: &str = "echo";

/// The defaults suit many connections. This configuration suits large messages.
const CONFIG: Config = Config::new()
    .max_message(32 << 20)
    .max_fragments(1 << 17)
    // Room for the echo of the largest message behind bytes that still wait to be written, see `FLUSH_AT`.
    .max_outgoing(64 << 20)
    .keep_capacity(64 << 10);

/// A single read can bring thousands of small messages. When their echo reaches this length, it is written.
const FLUSH_AT: usize = 1 << 20;

/// The most bytes that one read brings.
const READ: usize = 64 << 10;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that sends but never reads occupies its thread no longer than this after its last bytes arrived.
const PATIENCE: Duration = Duration::from_secs(10);
const LINGER: Duration = Duration::from_secs(2);
/// The server logs the same trouble no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: echo_server [--deflate[=PARAMETER,...] | --deflate-keeps-client-context] [--codecs N] \
                     [--patience SECONDS] [ADDR]";

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let result = Options::parse(env::args().skip(1)).and_then(run);
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let options = Arc::new(options);
    let failed = |error| format!("cannot listen on {}: {error}", options.address);
    let listener = TcpListener::bind(&options.address).map_err(failed)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on ws://{}/", listener.local_addr()?)?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    let mut complained: Option<Instant> = None;
    loop {
        let spawned = listener.accept().and_then(|(stream, peer)| {
            let options = Arc::clone(&options);
            thread::Builder::new().spawn(move || match serve(stream, &options) {
                Ok(None) => {}
                Ok(Some(error)) => eprintln!("{peer}: {error}"),
                Err(error) => eprintln!("{peer}: {error}"),
            })
        });
        if let Err(error) = spawned {
            // This process may open no more files or threads. The trouble passes when connections end, and
            // until then every attempt fails.
            if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) {
                eprintln!("cannot accept a connection: {error}");
                complained = Some(Instant::now());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// What the command line asks for.
struct Options {
    address: String,
    patience: Duration,
    config: Config,
    /// The codecs that all threads share.
    #[cfg(feature = "deflate")]
    pool: Pool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            address: "127.0.0.1:9001".to_owned(),
            patience: PATIENCE,
            config: CONFIG,
            // No more messages are compressed at a time than there are threads that run.
            #[cfg(feature = "deflate")]
            pool: Pool::new(thread::available_parallelism().map_or(1, usize::from)),
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                #[cfg(feature = "deflate")]
                "--deflate" | "--deflate-keeps-client-context" => {
                    let deflate = DeflateConfig::new().follow_hints(arg == "--deflate");
                    options.config = options.config.deflate(deflate);
                }
                #[cfg(feature = "deflate")]
                _ if arg.starts_with("--deflate=") => {
                    let mut parameters = arg.trim_start_matches("--deflate=").split(',');
                    let deflate = parameters.try_fold(DeflateConfig::new(), with_parameter).ok_or(USAGE)?;
                    options.config = options.config.deflate(deflate);
                }
                #[cfg(feature = "deflate")]
                "--codecs" => {
                    let count = args.next().and_then(|count| count.parse().ok());
                    options.pool = Pool::new(count.ok_or(USAGE)?);
                }
                #[cfg(not(feature = "deflate"))]
                _ if arg.starts_with("--deflate") || arg == "--codecs" => {
                    return Err("compression needs a build with --features deflate".into());
                }
                "--patience" => {
                    let seconds = args.next().and_then(|seconds| seconds.parse().ok());
                    let patience = seconds.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
                    options.patience = patience.ok_or(USAGE)?;
                }
                _ if arg.starts_with('-') => return Err(USAGE.into()),
                _ => options.address = arg,
            }
        }
        Ok(options)
    }
}

/// The configuration with one more parameter. `None` if there is no such parameter.
#[cfg(feature = "deflate")]
fn with_parameter(deflate: DeflateConfig, parameter: &str) -> Option<DeflateConfig> {
    let (name, bits) = parameter.split_once('=').unwrap_or((parameter, ""));
    Some(match name {
        "server_max_window_bits" => deflate.server_max_window_bits(bits.parse().ok()?),
        "client_max_window_bits" => deflate.client_max_window_bits(bits.parse().ok()?),
        "server_no_context_takeover" => deflate.server_no_context_takeover(true),
        "client_no_context_takeover" => deflate.client_no_context_takeover(true),
        "ignore_hints" => deflate.follow_hints(false),
        _ => return None,
    })
}

/// One connection from its first byte to its last. Returns the reason why it failed, if it did.
fn serve(stream: TcpStream, options: &Options) -> io::Result<Option<sansws::Error>> {
    let handshake_deadline = Some(Instant::now() + HANDSHAKE_TIMEOUT);
    stream.set_nodelay(true)?;
    let connection = Connection::server(options.config);
    // Without memory only this connection ends. `vec!` would end the process.
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(READ).map_err(|_| ErrorKind::OutOfMemory)?;
    buffer.resize(READ, 0);
    let patience = options.patience;
    let mut session = Session { stream, connection, patience, handshake_deadline, write_deadline: None };
    #[cfg(feature = "deflate")]
    // This is refused unless the command line asks for compression.
    let _ = session.connection.set_deflate_pool(&options.pool);
    let result = session.converse(&mut buffer);
    // Also after an error: the bytes that are left tell the peer about it, with a Close or with an HTTP
    // error.
    session.flush()?;
    session.linger(&mut buffer);
    result.map(|()| session.connection.error())
}

struct Session {
    stream: TcpStream,
    connection: Connection<Server>,
    patience: Duration,
    /// `None` once the opening handshake is complete.
    handshake_deadline: Option<Instant>,
    /// Until when the peer has time to read. The time begins with the first write after each read, and ends
    /// however many writes that takes.
    write_deadline: Option<Instant>,
}

impl Session {
    fn converse(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        while !self.connection.should_disconnect() {
            if let Some(deadline) = self.handshake_deadline {
                self.stream.set_read_timeout(Some(left_until(deadline)?))?;
            }
            let len = self.stream.read(buffer)?;
            self.write_deadline = None;
            if len == 0 {
                self.connection.receive_eof();
                break;
            }
            let mut input = &mut buffer[..len];
            while let Some((event, tx)) = self.connection.receive(&mut input) {
                match event {
                    Event::HandshakeRequest(request) => {
                        // A proxy that ends the TLS says so. No page can send this header itself.
                        let scheme = match request.header("X-Forwarded-Proto") {
                            Some("https") => Scheme::Https,
                            _ => Scheme::Http,
                        };
                        // Only browsers send an Origin, and they always do.
                        let is_welcome = request.origin().is_none()
                            || request.is_same_origin_over(scheme)
                            || request.is_origin_in(ALLOWED_ORIGINS);
                        if !is_welcome {
                            tx.reject(&Reply::new(403))?;
                        } else if request.subprotocols().any(|name| name == SUBPROTOCOL) {
                            tx.accept(&Accept::new().subprotocol(SUBPROTOCOL))?;
                        } else {
                            tx.accept(&Accept::new())?;
                        }
                    }
                    // From now on the peer may be silent for any time.
                    Event::HandshakeComplete(_) => {
                        self.handshake_deadline = None;
                        self.stream.set_read_timeout(None)?;
                    }
                    Event::Message(message) => tx.message(message)?,
                    // The connection has answered pings and the Close already.
                    _ => {}
                }
                if self.connection.outgoing().len() >= FLUSH_AT {
                    self.flush()?;
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.connection.outgoing().is_empty() {
            let deadline = *self.write_deadline.get_or_insert_with(|| Instant::now() + self.patience);
            self.stream.set_write_timeout(Some(left_until(deadline)?))?;
            let len = self.stream.write(self.connection.outgoing())?;
            self.connection.mark_sent(len);
        }
        Ok(())
    }

    /// Ends our direction and waits a little for the end of the peer's. If the stream were dropped with
    /// unread input, the kernel would send a reset, which can overtake our last bytes.
    fn linger(&mut self, buffer: &mut [u8]) {
        let end = Instant::now() + LINGER;
        // All bytes are written, so errors do not matter any more.
        let _ = self.stream.shutdown(Shutdown::Write);
        while let Ok(left) = left_until(end) {
            let _ = self.stream.set_read_timeout(Some(left));
            if !matches!(self.stream.read(buffer), Ok(1..)) {
                return;
            }
        }
    }
}

/// The time until the deadline, for the timeout of a socket. The socket counts it anew for each read and
/// write, so each of them needs what is left. An error if nothing is left.
fn left_until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
