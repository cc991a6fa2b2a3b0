//! A WebSocket client over HTTP/3 for the terminal. It sends lines from stdin as text, and prints the
//! messages that it receives.
//!
//! ```text
//! cargo run --release --bin http3_client -- [--deflate] [--subprotocol NAME] wss://localhost:4433/echo
//! ```
//!
//! With `--deflate` the client offers compression. Ctrl-D closes the connection. If the server has a
//! certificate of your own, set `SSL_CERT_FILE` to its root certificate.

use http3::head::of_response;
use http3::quic::{Udp, client_config, new_connection_id};
use http3::websocket::{H3_FRAME_UNEXPECTED, H3_NO_ERROR, WebSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use quiche::h3::{self, Header};
use rand::rngs::ThreadRng;
use sansws::deflate::DeflateConfig;
use sansws::upgrade::ClientUpgrade;
use sansws::{Client, CloseCode, Config, Connection, Event, FramesOnly, Heap, Message, Sender, State, Uri};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use std::{env, error, thread};

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;
type Role = FramesOnly<Client<ThreadRng>>;

const SOCKET: Token = Token(0);
const STDIN: Token = Token(1);
/// From the first packet to the server's answer.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
const READ: usize = 64 << 10;

const USAGE: &str = "usage: http3_client [--deflate] [--subprotocol NAME] wss://HOST[:PORT]/PATH";

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<()> {
    let mut args = env::args().skip(1).peekable();
    let mut config = Config::new().max_message(16 << 20);
    if args.next_if(|arg| arg == "--deflate").is_some() {
        config = config.deflate(DeflateConfig::new());
    }
    let subprotocol =
        args.next_if(|arg| arg == "--subprotocol").map(|_| args.next().ok_or(USAGE)).transpose()?;
    let subprotocols: Vec<&str> = subprotocol.as_deref().into_iter().collect();
    let url = args.next().ok_or(USAGE)?;
    let uri = Uri::parse(&url)?;
    if !uri.is_secure() {
        return Err("HTTP/3 always has TLS, so the URL begins with wss://".into());
    }

    if uri.host().parse::<IpAddr>().is_ok() {
        return Err("quiche looks for names in a certificate, not for addresses: the URL needs a name".into());
    }
    let address = (uri.host(), uri.port()).to_socket_addrs()?.next().ok_or("the name has no address")?;
    let any = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let mut udp = Udp::bind(SocketAddr::new(any, 0))?;
    let mut quic_config = client_config()?;
    let id = new_connection_id();
    let mut session = Session {
        quic: quiche::connect(Some(uri.host()), &id, udp.local(), address, &mut quic_config)?,
        h3: None,
        uri,
        config,
        upgrade: ClientUpgrade::connect(&config, &subprotocols)?,
        stream: None,
        socket: None,
    };

    let mut poll = Poll::new()?;
    poll.registry().register(&mut udp.socket, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
    // The waker is kept until the end, because a waker that is dropped takes its last wake with it.
    let waker = Arc::new(Waker::new(poll.registry(), STDIN)?);
    let lines = read_stdin(Arc::clone(&waker));
    let (start, mut events, mut buffer) = (Instant::now(), Events::with_capacity(8), vec![0; READ]);
    let result = loop {
        while let Some((len, info)) = udp.receive(&mut buffer)? {
            // If a packet breaks a rule of QUIC, or the certificate is not trusted, quiche closes the
            // connection.
            let _ = session.quic.recv(&mut buffer[..len], info);
        }
        session.quic.on_timeout();
        match session.turn(&lines, &mut buffer, start.elapsed()) {
            Ok(false) => {}
            Ok(true) => break session.outcome(),
            Err(error) => break Err(error),
        }
        udp.send_all(&mut session.quic);
        match poll.poll(&mut events, session.timeout(start.elapsed())) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
    };
    // The end of the stream first, and then the end of the connection. The server has read our Close, or had
    // its time to, so nothing is lost.
    udp.send_all(&mut session.quic);
    let _ = session.quic.close(true, H3_NO_ERROR, b"");
    udp.send_all(&mut session.quic);
    result
}

struct Session<'a> {
    quic: quiche::Connection,
    /// `None` until the QUIC handshake is complete.
    h3: Option<h3::Connection>,
    uri: Uri<'a>,
    config: Config,
    upgrade: ClientUpgrade<'a>,
    /// The stream of the request, once it is sent.
    stream: Option<u64>,
    /// The WebSocket, once the server has accepted the request.
    socket: Option<WebSocket<Role>>,
}

impl Session<'_> {
    /// Does everything that can be done now. Returns whether the conversation is over.
    fn turn(
        &mut self, lines: &Receiver<io::Result<String>>, buffer: &mut [u8], now: Duration,
    ) -> Result<bool> {
        if self.quic.is_closed() || self.quic.is_draining() || self.quic.local_error().is_some() {
            return self.connection_lost();
        }
        if self.socket.is_none() && now >= HANDSHAKE_DEADLINE {
            return Err("the server did not answer in time".into());
        }
        if self.h3.is_none() {
            if !self.quic.is_established() {
                return Ok(false);
            }
            self.h3 = Some(h3::Connection::with_transport(&mut self.quic, &h3::Config::new()?)?);
        }
        let Some(mut h3) = self.h3.take() else { return Ok(false) };
        loop {
            self.take_events(&mut h3, now)?;
            if self.stream.is_none() {
                self.request(&mut h3)?;
            }
            let Some(socket) = &mut self.socket else { break };
            let has_taken = take_line(&mut socket.connection, lines)?;
            let has_read = socket.turn(&mut self.quic, &mut h3, buffer, now, &mut report);
            if !has_taken && !has_read {
                break;
            }
        }
        self.h3 = Some(h3);
        Ok(self.socket.as_ref().is_some_and(WebSocket::is_over))
    }

    /// Sends the request as soon as the server's settings allow it.
    fn request(&mut self, h3: &mut h3::Connection) -> Result<()> {
        // H3-3-02 · H3-5-01: without the setting there is no extended CONNECT.
        if !h3.extended_connect_enabled_by_peer() {
            return match h3.peer_settings_raw() {
                Some(_) => Err("the server offers no WebSockets over HTTP/3".into()),
                None => Ok(()),
            };
        }
        let pseudo = ClientUpgrade::pseudo_headers(self.uri).map(|(name, value)| (name, value.to_string()));
        let others = self.upgrade.headers().map(|(name, value)| (name, value.to_owned()));
        let fields: Vec<_> = pseudo
            .chain(others)
            .map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes()))
            .collect();
        match h3.send_request(&mut self.quic, &fields, false) {
            Ok(stream) => self.stream = Some(stream),
            // The server allows no stream yet, or there is no room.
            Err(h3::Error::StreamBlocked | h3::Error::TransportError(quiche::Error::StreamLimit)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn take_events(&mut self, h3: &mut h3::Connection, now: Duration) -> Result<()> {
        loop {
            let event = match h3.poll(&mut self.quic) {
                Ok((stream, event)) if Some(stream) == self.stream => event,
                Ok(_) => continue,
                Err(h3::Error::Done) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            match (event, &mut self.socket) {
                (h3::Event::Headers { list, .. }, None) => self.response(&list, now)?,
                (h3::Event::Headers { .. }, Some(_)) => {
                    let reason = b"HEADERS on a stream that is a WebSocket";
                    let _ = self.quic.close(true, H3_FRAME_UNEXPECTED, reason);
                    return Err("the server sent headers in place of data".into());
                }
                (h3::Event::Finished, Some(socket)) => socket.peer_finished(),
                (h3::Event::Reset(_), Some(socket)) => socket.lost(&mut self.quic),
                (h3::Event::Reset(_) | h3::Event::Finished, None) => {
                    return Err("the server ended the stream without an answer".into());
                }
                _ => {}
            }
        }
    }

    fn response(&mut self, fields: &[Header], now: Duration) -> Result<()> {
        let (status, headers) = of_response(fields).ok_or("the response is malformed")?;
        // The answer is still to come, as after 103 Early Hints.
        if (100..=199).contains(&status) {
            return Ok(());
        }
        let negotiated = self.upgrade.check(status, headers.iter().copied())?;
        println!("* open");
        if let Some(name) = negotiated.subprotocol() {
            println!("* subprotocol {name}");
        }
        let role = FramesOnly::new(Client::new(rand::rng()));
        let connection = Connection::after_handshake(role, self.config, negotiated.agreed());
        if connection.deflate().is_some() {
            println!("* compressed");
        }
        self.socket = self.stream.map(|stream| WebSocket::new(stream, connection, now));
        Ok(())
    }

    /// The QUIC connection has ended, and with it the WebSocket.
    fn connection_lost(&mut self) -> Result<bool> {
        if let Some(socket) = &mut self.socket {
            socket.lost(&mut self.quic);
            return Ok(true);
        }
        let error = self.quic.local_error().or_else(|| self.quic.peer_error());
        let reason = error.map_or_else(
            || "it was silent for too long".to_owned(),
            |error| format!("error {:#x} {:?}", error.error_code, String::from_utf8_lossy(&error.reason)),
        );
        Err(format!("there is no QUIC connection: {reason}").into())
    }

    fn timeout(&self, now: Duration) -> Option<Duration> {
        let deadline = match &self.socket {
            Some(socket) => socket.next_deadline(),
            None => Some(HANDSHAKE_DEADLINE),
        };
        [self.quic.timeout(), deadline.map(|at| at.saturating_sub(now))].into_iter().flatten().min()
    }

    fn outcome(&self) -> Result<()> {
        let Some(socket) = &self.socket else { return Err("there was no WebSocket".into()) };
        let is_clean = socket.connection.is_closed_cleanly();
        match socket.connection.close_code() {
            Some(CloseCode::NORMAL | CloseCode::NO_STATUS_RECEIVED) if is_clean => Ok(()),
            _ => Err(socket.outcome().into()),
        }
    }
}

/// Sends a line, if there is one, as soon as all bytes before it are sent. So a slow server slows down the
/// input, and no memory fills up.
fn take_line(connection: &mut Connection<Role>, lines: &Receiver<io::Result<String>>) -> Result<bool> {
    if connection.state() != State::Open || !connection.outgoing().is_empty() {
        return Ok(false);
    }
    match lines.try_recv() {
        Ok(line) => connection.sender().text(&line?)?,
        Err(TryRecvError::Disconnected) => connection.sender().close(CloseCode::NORMAL, "")?,
        Err(TryRecvError::Empty) => return Ok(false),
    }
    Ok(true)
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
        let _ = waker.wake();
    });
    receiver
}

fn report(event: Event<'_>, _: &mut Sender<Role, Heap>) {
    let mut out = io::stdout().lock();
    // If nobody reads the output, there is nobody to tell.
    let _ = match event {
        // From the network, control characters could do anything to a terminal.
        Event::Message(Message::Text(text)) => writeln!(out, "< {}", printable(text)),
        Event::Message(Message::Binary(bytes)) => writeln!(out, "< [{} bytes]", bytes.len()),
        Event::Ping(payload) => writeln!(out, "* ping of {} bytes", payload.len()),
        Event::Close(close) => writeln!(out, "* close {} {:?}", close.code, close.reason),
        _ => Ok(()),
    };
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
