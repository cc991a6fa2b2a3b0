//! An echo server for WebSockets over HTTP/3: one thread, one UDP socket, one loop.
//!
//! ```text
//! cargo run --release --bin http3_server -- [--deflate] CERTIFICATES.pem KEY.pem [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:4433 by default; port 0 means any free port. The WebSocket is at `/echo`. With
//! `--deflate` the server compresses messages for clients that offer it. Ctrl-C ends the server.

use http3::quic::{MAX_DATAGRAM, Udp, new_connection_id, server_config};
use http3::server::{Options, Peer};
use mio::{Events, Interest, Poll, Token};
use quiche::{ConnectionId, RecvInfo};
use sansws::Config;
use sansws::deflate::DeflateConfig;
use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// At most this many clients. The server does not answer others until one of these has gone.
const MAX_CONNECTIONS: usize = 1000;
/// At most this many datagrams are read before the connections have their turn.
const MAX_BATCH: usize = 256;
/// The most bytes that a WebSocket reads at once.
const READ: usize = 64 << 10;

const USAGE: &str = "usage: http3_server [--deflate] CERTIFICATES.pem KEY.pem [ADDR]";

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
    let mut args = env::args().skip(1).peekable();
    // The echo of the largest message, behind bytes that wait to be sent, has to fit into `max_outgoing`.
    let mut config = Config::new().max_message(16 << 20).max_outgoing(32 << 20);
    if args.next_if(|arg| arg == "--deflate").is_some() {
        config = config.deflate(DeflateConfig::new());
    }
    let (Some(certificates), Some(key)) = (args.next(), args.next()) else { return Err(USAGE.into()) };
    let address = args.next().unwrap_or_else(|| "127.0.0.1:4433".to_owned());

    let quic_config = server_config(&certificates, &key)?;
    let mut udp = Udp::bind(address.parse()?)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut udp.socket, Token(0), Interest::READABLE | Interest::WRITABLE)?;
    println!("listening on https://{}/", udp.local());
    io::stdout().flush()?;
    let mut endpoint = Endpoint {
        config: quic_config,
        options: Options::new(config)?,
        udp,
        peers: HashMap::new(),
        numbers: HashMap::new(),
        next_number: 1,
    };
    let (start, mut events, mut buffer) = (Instant::now(), Events::with_capacity(8), vec![0; READ]);
    loop {
        let may_have_more = endpoint.receive(&mut buffer)?;
        endpoint.turn(&mut buffer, start.elapsed());
        let timeout = if may_have_more { Some(Duration::ZERO) } else { endpoint.timeout(start.elapsed()) };
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            // It does not matter which event it was: each turn tries everything.
            _ => {}
        }
    }
}

struct Endpoint {
    config: quiche::Config,
    options: Options,
    udp: Udp,
    /// Each turn looks at all connections. A server with thousands of them would note which ones have
    /// something to do.
    peers: HashMap<u64, Peer>,
    /// Which connection a connection ID belongs to.
    numbers: HashMap<ConnectionId<'static>, u64>,
    next_number: u64,
}

impl Endpoint {
    /// Reads datagrams. Returns whether there may be more.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        for _ in 0..MAX_BATCH {
            let Some((len, info)) = self.udp.receive(buffer)? else { return Ok(false) };
            self.take_datagram(&mut buffer[..len], info);
        }
        Ok(true)
    }

    /// Gives a datagram to its connection. Datagrams that belong to none, or are damaged, are dropped, as
    /// QUIC demands.
    fn take_datagram(&mut self, datagram: &mut [u8], info: RecvInfo) {
        let Ok(header) = quiche::Header::from_slice(datagram, quiche::MAX_CONN_ID_LEN) else { return };
        let number = match self.numbers.get(&header.dcid) {
            Some(&number) => number,
            None => match self.accept(&header, info) {
                Some(number) => number,
                None => return,
            },
        };
        if let Some(peer) = self.peers.get_mut(&number) {
            // If a packet breaks a rule of QUIC, quiche closes the connection.
            let _ = peer.quic.recv(datagram, info);
        }
    }

    /// Makes a new connection if the datagram asks for one.
    fn accept(&mut self, header: &quiche::Header<'_>, info: RecvInfo) -> Option<u64> {
        if header.ty != quiche::Type::Initial || self.peers.len() >= MAX_CONNECTIONS {
            return None;
        }
        if !quiche::version_is_supported(header.version) {
            let mut answer = [0; MAX_DATAGRAM];
            let len = quiche::negotiate_version(&header.scid, &header.dcid, &mut answer).ok()?;
            self.udp.send_once(&answer[..len], info.from);
            return None;
        }
        // The client uses the ID that it has made up until it has learned ours.
        let ids = [new_connection_id(), header.dcid.clone().into_owned()];
        let quic = quiche::accept(&ids[0], None, info.to, info.from, &mut self.config).ok()?;
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.extend(ids.iter().map(|id| (id.clone(), number)));
        self.peers.insert(number, Peer::new(quic, ids, number));
        Some(number)
    }

    fn turn(&mut self, buffer: &mut [u8], now: Duration) {
        for peer in self.peers.values_mut() {
            // Without a timeout that has passed, this does nothing.
            peer.quic.on_timeout();
            peer.turn(&self.options, buffer, now);
            self.udp.send_all(&mut peer.quic);
        }
        self.peers.retain(|_, peer| {
            let is_over = peer.quic.is_closed();
            if is_over {
                for id in &peer.ids {
                    self.numbers.remove(id);
                }
            }
            !is_over
        });
    }

    /// How long the loop may wait. `None`: for any time.
    fn timeout(&self, now: Duration) -> Option<Duration> {
        self.peers.values().filter_map(|peer| peer.timeout(now)).min()
    }
}
