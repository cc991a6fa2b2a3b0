//! A chat: one thread, one `mio` event loop, many connections. The page and its WebSocket share a port.
//!
//! `cargo run --release --example chat [ADDR]`, then open the address in two windows.
//!
//! A client says `name NAME` once and then `say TEXT`. It hears `who NAME<tab>NAME...` whenever that changes, and
//! `say NAME<tab>TEXT`, its own included.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{
    Accept, CloseCode, Config, Connection, Error, Event, Message, Misuse, PreparedMessage, Reply, Server,
    State,
};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PAGE: &[u8] = include_bytes!("page.html");
const PAGE_FIELDS: &[(&str, &str)] = &[
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
    ),
];

/// What waits for a reader is bounded: one that is slower than the chat is dropped with 1013.
const CONFIG: Config =
    Config::new().http_requests(true).max_message(4096).max_fragments(16).max_outgoing(256 * 1024);
const MAX_CONNECTIONS: usize = 1000;
const MAX_NAME: usize = 24;
/// How long a transport is read after our last byte, so that a reset does not overtake it.
const LINGER: Duration = Duration::from_secs(2);

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);

fn main() -> io::Result<()> {
    let address: SocketAddr = match std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_string()).parse() {
        Ok(address) => address,
        Err(error) => {
            return Err(io::Error::other(format!("give an address such as 127.0.0.1:8080: {error}")));
        }
    };
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on http://{}/", listener.local_addr()?);
    io::stdout().flush()?;

    let stop = Arc::new(AtomicBool::new(false));
    let waker = Waker::new(poll.registry(), WAKER)?;
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        asked.store(true, Ordering::Relaxed);
        let _ = waker.wake();
    })
    .map_err(io::Error::other)?;

    let mut chat = Chat {
        listener,
        guests: HashMap::new(),
        next_token: 2,
        start: Instant::now(),
        is_stopping: false,
        told: String::new(),
    };
    let mut events = Events::with_capacity(256);
    let mut buffer = vec![0; 16 * 1024];
    while !(chat.is_stopping && chat.guests.is_empty()) {
        let timeout = chat.next_deadline().map(|at| at.saturating_sub(chat.now()) + Duration::from_millis(1));
        if let Err(error) = poll.poll(&mut events, timeout) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        for event in &events {
            match event.token() {
                LISTENER => chat.accept(&poll)?,
                WAKER => {}
                token if event.is_readable() => chat.read(token, &mut buffer),
                _ => {}
            }
        }
        if stop.load(Ordering::Relaxed) {
            chat.stop();
        }
        chat.end_turn();
    }
    Ok(())
}

struct Chat {
    listener: TcpListener,
    guests: HashMap<Token, Guest>,
    next_token: usize,
    start: Instant,
    is_stopping: bool,
    /// The line that was told last of who is here.
    told: String,
}

struct Guest {
    stream: TcpStream,
    connection: Connection<Server>,
    timers: Timers,
    /// Empty until the guest has said it.
    name: String,
    /// The transport is shut down in our direction, and is read until this time.
    lingers_until: Option<Duration>,
    is_gone: bool,
}

impl Chat {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn accept(&mut self, poll: &Poll) -> io::Result<()> {
        loop {
            let (mut stream, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // That one is gone already, or there are too many files open: the others go on.
                Err(error) => {
                    eprintln!("accept: {error}");
                    return Ok(());
                }
            };
            if self.is_stopping || self.guests.len() >= MAX_CONNECTIONS {
                continue;
            }
            let token = Token(self.next_token);
            self.next_token += 1;
            poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            let _ = stream.set_nodelay(true);
            let guest = Guest {
                stream,
                connection: Connection::server(CONFIG),
                timers: Timers::new(TimersConfig::new(), self.now()),
                name: String::new(),
                lingers_until: None,
                is_gone: false,
            };
            self.guests.insert(token, guest);
        }
    }

    /// Reads all that there is, and passes on what was said.
    fn read(&mut self, token: Token, buffer: &mut [u8]) {
        loop {
            let now = self.now();
            let Some(guest) = self.guests.get_mut(&token) else { return };
            let read = match guest.stream.read(buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A reset is an end too.
                Err(_) => 0,
            };
            if read == 0 {
                // Whether the closing handshake had finished makes no difference here.
                let _ = guest.connection.receive_eof();
                guest.is_gone = true;
                return;
            }
            guest.timers.received(now);
            let said = guest.receive(&mut buffer[..read], now);
            for line in said {
                self.hear(token, &line);
            }
        }
    }

    /// A line of a guest.
    fn hear(&mut self, token: Token, line: &str) {
        let Some(guest) = self.guests.get(&token) else { return };
        match line.split_once(' ') {
            Some(("name", name)) if guest.name.is_empty() => {
                let name = self.free_name(name);
                if let Some(guest) = self.guests.get_mut(&token) {
                    guest.name = name;
                }
                // Also where another of this name has left in the same turn: the new one has heard nothing yet.
                self.told.clear();
            }
            Some(("say", text)) if !guest.name.is_empty() => {
                let line = format!("say {}\t{text}", guest.name);
                self.broadcast(&line);
            }
            _ => {
                if let Some(guest) = self.guests.get_mut(&token) {
                    guest.close(CloseCode::POLICY_VIOLATION, "say `name NAME` first, then `say TEXT`");
                }
            }
        }
    }

    /// The name without what would break a line, and with a number if somebody has it.
    fn free_name(&self, wanted: &str) -> String {
        let name: String = wanted.split_whitespace().collect::<Vec<_>>().join(" ");
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let name = if name.is_empty() { "guest".to_string() } else { name };
        let is_free = |name: &str| self.guests.values().all(|guest| guest.name != name);
        if is_free(&name) {
            return name;
        }
        // One of these is free: there is one more of them than there are guests.
        let numbered = (2..self.guests.len() + 3).map(|i| format!("{name} {i}"));
        numbered.into_iter().find(|name| is_free(name)).unwrap_or(name)
    }

    /// Tells who is here, if that has changed. Who is being closed has left already.
    fn tell_who(&mut self) {
        let here =
            self.guests.values().filter(|guest| guest.connection.state() == State::Open && !guest.is_gone);
        let mut names: Vec<&str> =
            here.map(|guest| guest.name.as_str()).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        let line = format!("who {}", names.join("\t"));
        if line != self.told {
            self.broadcast(&line);
            self.told = line;
        }
    }

    /// Encoded once, sent to all.
    fn broadcast(&mut self, line: &str) {
        let message = PreparedMessage::text(line);
        for guest in self.guests.values_mut().filter(|guest| !guest.name.is_empty()) {
            if guest.connection.sender().prepared(&message) == Err(Error::Caller(Misuse::OutgoingFull)) {
                // A slow reader may not make the memory grow. The Close has room of its own.
                guest.close(CloseCode::TRY_AGAIN_LATER, "too slow");
            }
        }
    }

    fn stop(&mut self) {
        if !std::mem::replace(&mut self.is_stopping, true) {
            for guest in self.guests.values_mut() {
                guest.close(CloseCode::GOING_AWAY, "the server stops");
                // Who is not open yet has nothing to lose.
                guest.is_gone |= guest.connection.state() == State::Connecting;
            }
        }
    }

    /// Writes what can be written, does what is due, and forgets who has gone. With very many connections one would
    /// keep the deadlines in a heap rather than look at each.
    fn end_turn(&mut self) {
        let now = self.now();
        for guest in self.guests.values_mut() {
            guest.do_what_is_due(now);
        }
        self.tell_who();
        for guest in self.guests.values_mut() {
            guest.write(now);
        }
        // Dropping the stream closes it.
        self.guests.retain(|_, guest| !guest.is_gone);
    }

    fn next_deadline(&self) -> Option<Duration> {
        self.guests
            .values()
            .flat_map(|guest| [guest.timers.next_deadline(), guest.lingers_until])
            .flatten()
            .min()
    }
}

impl Guest {
    /// Takes what was read, and returns the lines in it.
    fn receive(&mut self, mut input: &mut [u8], now: Duration) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.connection.receive(&mut input) {
                Ok(Some((event, tx))) => {
                    let answered = match event {
                        Event::HttpRequest(request) if request.path() == "/" => {
                            tx.respond(&Reply::new(200).headers(PAGE_FIELDS).body(PAGE))
                        }
                        Event::HttpRequest(_) => tx.respond(&Reply::new(404).body(b"not here\n")),
                        // A browser on another site would send this user's cookies along. Other clients send no Origin.
                        Event::HandshakeRequest(request)
                            if request.origin().is_some() && !request.is_same_origin() =>
                        {
                            tx.reject(&Reply::new(403).body(b"this page is not from here\n"))
                        }
                        Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
                        Event::Message(Message::Text(line)) => {
                            self.timers.message(now);
                            said.push(line.to_string());
                            Ok(())
                        }
                        Event::Message(Message::Binary(_)) => {
                            tx.close(CloseCode::UNSUPPORTED_DATA, "text only")
                        }
                        Event::Pong(payload) => {
                            self.timers.pong(now, payload);
                            Ok(())
                        }
                        _ => Ok(()),
                    };
                    // Nothing to despair of: the connection is closing already.
                    if let Err(error) = answered {
                        eprintln!("{error}");
                    }
                }
                // After an error what tells the peer is in `outgoing`, and goes out before the transport is closed.
                Ok(None) | Err(_) => return said,
            }
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        // Refused where the connection is closing anyway.
        let _ = self.connection.sender().close(code, reason);
    }

    fn do_what_is_due(&mut self, now: Duration) {
        match self.timers.poll(now, self.connection.state()) {
            // Where it does not fit, the pong timeout finds out.
            Action::SendPing(payload) => drop(self.connection.sender().ping(&payload)),
            Action::GiveUp(Timeout::Idle) => self.close(CloseCode::TIMEOUT, "nothing said for long"),
            Action::GiveUp(_) => self.is_gone = true,
            _ => {}
        }
        self.is_gone |= self.lingers_until.is_some_and(|until| until <= now);
    }

    fn write(&mut self, now: Duration) {
        while !self.connection.outgoing().is_empty() && !self.is_gone {
            match self.stream.write(self.connection.outgoing()) {
                Ok(len) => self.connection.mark_sent(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_gone = true,
            }
        }
        if self.connection.should_disconnect() && self.lingers_until.is_none() {
            let _ = self.stream.shutdown(Shutdown::Write);
            self.lingers_until = Some(now + LINGER);
        }
    }
}
