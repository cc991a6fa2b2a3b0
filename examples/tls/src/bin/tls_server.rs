//! An echo server over TLS with blocking I/O: a thread per connection.
//!
//! ```text
//! cargo run --release -p tls --bin tls_server -- [--patience SECONDS] CERTIFICATES KEY [ADDR]
//! ```
//!
//! `CERTIFICATES` and `KEY` are files in the format PEM. `ADDR` is 127.0.0.1:9001 by default; port 0 means
//! any free port. With `--patience` every deadline has this length. Ctrl-C closes all connections and ends
//! the server.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sansws::handshake::origin::Scheme;
use sansws::timers::TimersConfig;
use sansws::{Accept, CloseCode, Config, Connection, Event, Heap, Reply, Sender, Server, State};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use tls::{Session, Socket, Turn};

/// The default limits: 1 MiB for a message, 2 MiB of bytes that wait for the peer. A turn reads only if no
/// bytes wait, so the echo of one message and of one read always fits.
const CONFIG: Config = Config::new();
/// More connections wait in the queue of the listener. Each of them needs a thread and about 100 KiB.
const MAX_PEERS: usize = 5000;
/// How long to wait after the system refused to accept a connection, and how long between looks at the number
/// of connections if there are too many.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// The server logs the same trouble no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: tls_server [--patience SECONDS] CERTIFICATES KEY [ADDR]";

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut timers, mut files) = (TimersConfig::new(), Vec::new());
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--patience" => timers = args.next().and_then(|seconds| tls::patience(&seconds)).ok_or(USAGE)?,
            _ if arg.starts_with('-') => return Err(USAGE.into()),
            _ => files.push(arg),
        }
    }
    let (certificates, key, address) = match &files[..] {
        [certificates, key] => (certificates, key, "127.0.0.1:9001"),
        [certificates, key, address] => (certificates, key, address.as_str()),
        _ => return Err(USAGE.into()),
    };
    let server = EchoServer {
        tls: Arc::new(tls_config(certificates, key)?),
        timers,
        is_ending: AtomicBool::new(false),
        peers: AtomicUsize::new(0),
    };
    let failed = |error| format!("cannot listen on {address}: {error}");
    server.run(TcpListener::bind(address).map_err(failed)?)
}

fn tls_config(certificates: &str, key: &str) -> Result<ServerConfig, Box<dyn Error>> {
    let failed = |path: &str, error| format!("cannot read {path}: {error}");
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificates).map_err(|error| failed(certificates, error))?.collect();
    let chain = chain.map_err(|error| failed(certificates, error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error))?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    // A browser that also knows HTTP/2 has to learn that this server does not.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

struct EchoServer {
    tls: Arc<ServerConfig>,
    timers: TimersConfig,
    is_ending: AtomicBool,
    peers: AtomicUsize,
}

impl EchoServer {
    fn run(self, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let server = Arc::new(self);
        let address = listener.local_addr()?;
        let handler = Arc::clone(&server);
        ctrlc::set_handler(move || {
            // A user who presses Ctrl-C twice does not want to wait.
            if handler.is_ending.swap(true, SeqCst) {
                process::exit(130);
            }
            // An accept of the standard library ends only with a connection.
            let _ = TcpStream::connect(address);
        })?;
        let mut stdout = io::stdout();
        writeln!(stdout, "listening on wss://{address}/")?;
        // If stdout is a pipe, the process that waits for this line would not see it otherwise.
        stdout.flush()?;
        server.accept(&listener);
        drop(listener);
        // Each thread begins the closing handshake, and ends when its peer has answered or its time is over.
        while server.peers.load(SeqCst) > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Accepts connections until the server has to end.
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut complained: Option<Instant> = None;
        loop {
            let accepted = listener.accept();
            if self.is_ending.load(SeqCst) {
                return;
            }
            let spawned = accepted.and_then(|(stream, peer)| {
                let guest = Guest::new(self);
                thread::Builder::new().spawn(move || {
                    if let Err(error) = guest.server.serve(stream) {
                        eprintln!("{peer}: {error}");
                    }
                })
            });
            if let Err(error) = spawned {
                // This process may open no more files or threads. The trouble passes when connections end,
                // and until then every attempt fails.
                if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) {
                    eprintln!("cannot accept a connection: {error}");
                    complained = Some(Instant::now());
                }
                thread::sleep(ACCEPT_PAUSE);
            }
            while self.peers.load(SeqCst) >= MAX_PEERS && !self.is_ending.load(SeqCst) {
                thread::sleep(ACCEPT_PAUSE);
            }
        }
    }

    /// One connection from its first byte to its last.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let start = Instant::now();
        let socket = Socket::new(stream, start)?;
        let tls = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let transport = StreamOwned::new(tls, socket);
        let mut session = Session::new(Connection::server(CONFIG), transport, self.timers, start)?;
        while session.turn(answer)? == Turn::Again {
            if self.is_ending.load(SeqCst) {
                // Before the opening handshake is complete, closing the socket is the only way to close the
                // connection.
                if session.connection().state() == State::Connecting {
                    break;
                }
                // If the connection is closing already, this call is refused, which does no harm.
                let _ = session.sender().close(CloseCode::GOING_AWAY, "the server ends");
            }
        }
        session.connection().result().map_err(io::Error::other)
    }
}

/// Counts a connection as long as its thread lives, also if the thread panics.
struct Guest {
    server: Arc<EchoServer>,
}

impl Guest {
    fn new(server: &Arc<EchoServer>) -> Self {
        server.peers.fetch_add(1, SeqCst);
        Self { server: Arc::clone(server) }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.server.peers.fetch_sub(1, SeqCst);
    }
}

/// The server itself: it returns each message to its sender.
fn answer(event: Event<'_>, tx: &mut Sender<Server, Heap>) -> io::Result<()> {
    match event {
        // Only browsers send an Origin, and they always do. Without this check any web site could connect in
        // the name of a user who visits it.
        Event::HandshakeRequest(request)
            if request.origin().is_some() && !request.is_same_origin_over(Scheme::Https) =>
        {
            tx.reject(&Reply::new(403))?;
        }
        Event::HandshakeRequest(_) => tx.accept(&Accept::new())?,
        // Messages that arrive after our own Close are too late.
        Event::Message(message) if tx.state() == State::Open => tx.message(message)?,
        // The connection has answered pings and the Close already.
        _ => {}
    }
    Ok(())
}
