//! A chat for browsers: one thread, one event loop, many connections. The page and its WebSocket share a
//! port.
//!
//! ```text
//! cargo run --release -p chat [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:8080 by default; port 0 means any free port. Ctrl-C says goodbye to all guests and
//! ends the server. A build with `--features deflate` compresses messages for browsers that offer it, and all
//! browsers do.
//!
//! A client sends `name NAME` once, and then `say ID TEXT` as often as it likes. The server answers the first
//! with the last messages, each as `past AGE NAME ID TEXT` with its age in seconds, and then with
//! `welcome NAME`, with the name that it gave to the client; the names of all guests follow. Later the server
//! sends `join NAME`, `leave NAME` and `say NAME ID TEXT`. Behind the first space, tabs separate the parts.
//!
//! The client chooses the ID of a message. Until the message comes back, the client cannot know whether the
//! server has received it, so after a new connection the client sends the message again. The server broadcasts
//! a message with a known ID only once.

mod answer;
mod history;

use answer::answer;
use history::{History, Line, is_id};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
#[cfg(feature = "deflate")]
use sansws::deflate::{DeflateConfig, Pool};
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{CloseCode, Config, Connection, Event, Message, PreparedMessage, SendError, Server, State};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, mem};

const CONFIG: Config = {
    let config = Config::new()
        .http_requests(true)
        .max_head(8 << 10)
        .max_message(4 << 10)
        // The most bytes that may wait for a slow reader. The messages that one read (`READ`) can cause fit
        // twice, so a client that keeps up never reaches this limit.
        .max_outgoing(512 << 10);
    // Without context takeover all guests get the same compressed bytes, which are made once, and an idle
    // guest holds no codec.
    #[cfg(feature = "deflate")]
    let config = config
        .deflate(DeflateConfig::new().server_no_context_takeover(true).client_no_context_takeover(true));
    config
};
const TIMERS: TimersConfig = TimersConfig::new().close_deadline(Some(Duration::from_secs(5)));

/// Together with `max_outgoing` this limits the memory of the whole server.
const MAX_PEERS: usize = 1000;
const MAX_NAME: usize = 24;
/// The most bytes that one read brings. Also the most payload that is taken out of them in one turn, because
/// decompressed messages can be a thousand times as long as the bytes that were read.
const READ: usize = 16 << 10;

const LISTENER: Token = Token(0);
const CTRL_C: Token = Token(1);
const FIRST_PEER: usize = 2;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = std::net::TcpListener::bind(&address)
        .map_err(|error| io::Error::other(format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    let local_addr = listener.local_addr()?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let waker = Waker::new(poll.registry(), CTRL_C)?;
    // If this wake fails, there is no one to tell. The next Ctrl-C tries again.
    ctrlc::set_handler(move || drop(waker.wake())).map_err(io::Error::other)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on http://{local_addr}/")?;
    // If stdout is a pipe, the process that waits for this line would not see it otherwise.
    stdout.flush()?;
    let chat = Chat {
        poll,
        listener: Some(listener),
        can_accept: true,
        peers: BTreeMap::new(),
        readable: BTreeSet::new(),
        next_peer: FIRST_PEER,
        start: Instant::now(),
        history: History::default(),
        // The chat compresses one message at a time.
        #[cfg(feature = "deflate")]
        pool: Pool::per_thread(1),
    };
    chat.run()
}

struct Chat {
    poll: Poll,
    /// `None` once the server ends.
    listener: Option<TcpListener>,
    can_accept: bool,
    /// Each turn looks at all peers, which is cheap for a thousand.
    peers: BTreeMap<Token, Peer>,
    /// The peers that have something to read. The system reports this only once, so a peer stays in this set
    /// until a read would block.
    readable: BTreeSet<Token>,
    next_peer: usize,
    /// The fixed point that `Timers` count from.
    start: Instant,
    history: History,
    #[cfg(feature = "deflate")]
    pool: Pool,
}

impl Chat {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; READ];
        while self.listener.is_some() || !self.peers.is_empty() {
            self.accept()?;
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.can_accept = true,
                    // A user who presses Ctrl-C twice does not want to wait.
                    CTRL_C if self.listener.is_none() => return Ok(()),
                    CTRL_C => self.say_goodbye(),
                    token => drop(self.readable.insert(token)),
                }
            }
            let now = self.start.elapsed();
            for token in mem::take(&mut self.readable) {
                self.read(token, &mut buffer, now);
            }
            self.end_turn(now);
        }
        Ok(())
    }

    /// Accepts new connections. Connections beyond `MAX_PEERS` wait in the queue of the listener until
    /// another one ends. They also wait there if this process may not open more files.
    fn accept(&mut self) -> io::Result<()> {
        while let Some(listener) = self.listener.as_ref().filter(|_| self.can_accept) {
            if self.peers.len() >= MAX_PEERS {
                return Ok(());
            }
            match listener.accept() {
                Ok((mut stream, _)) => {
                    // Otherwise small messages would wait until the peer acknowledges earlier ones.
                    let _ = stream.set_nodelay(true);
                    let token = Token(self.next_peer);
                    self.next_peer += 1;
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    self.poll.registry().register(&mut stream, token, interest)?;
                    self.peers.insert(token, Peer::new(stream, self.start.elapsed()));
                    #[cfg(feature = "deflate")]
                    if let Some(peer) = self.peers.get_mut(&token) {
                        peer.connection.set_deflate_pool(&self.pool).expect("CONFIG asks for compression");
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => self.can_accept = false,
                    // The peer went away while it waited in the queue.
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                    _ => {
                        eprintln!("cannot accept a connection: {error}");
                        return Ok(());
                    }
                },
            }
        }
        Ok(())
    }

    /// How long the loop may wait for an event. `None`: for any time.
    fn timeout(&self) -> Option<Duration> {
        if !self.readable.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.peers.values().filter_map(|peer| peer.timers.next_deadline()).min();
        deadline.map(|deadline| deadline.saturating_sub(self.start.elapsed()))
    }

    /// Reads once from a peer. All other peers have their turn before the next read, no matter how much this
    /// peer sends.
    fn read(&mut self, token: Token, buffer: &mut [u8], now: Duration) {
        let Some(Ok(commands)) = self.peers.get_mut(&token).map(|peer| peer.read(buffer, now)) else {
            return;
        };
        self.readable.insert(token);
        for command in &commands {
            self.obey(token, command);
        }
        // Write now, so that the messages of the next peer do not meet full buffers.
        if !commands.is_empty() {
            self.flush();
        }
    }

    fn obey(&mut self, token: Token, command: &str) {
        let Some(peer) = self.peers.get_mut(&token) else { return };
        match (command.split_once(' '), &peer.name) {
            (Some(("name", name)), None) => self.join(token, name),
            (Some(("say", said)), Some(name)) => match said.split_once(' ') {
                Some((id, text)) if is_id(id) => {
                    let line = Line::new(name, id, text);
                    self.say(token, line);
                }
                _ => peer.close(CloseCode::POLICY_VIOLATION, "a message needs an ID"),
            },
            _ => peer.close(CloseCode::POLICY_VIOLATION, "say your name once, then talk"),
        }
    }

    fn say(&mut self, token: Token, line: Line) {
        let news = format!("say {}", line.text);
        if !self.history.contains(&line.id) {
            self.broadcast(&news);
            self.history.push(line);
        } else if let Some(peer) = self.peers.get_mut(&token) {
            peer.tell(&news);
        }
    }

    fn join(&mut self, token: Token, wanted: &str) {
        let name = self.free_name(wanted);
        self.broadcast(&format!("join {name}"));
        let mut welcome = format!("welcome {name}");
        if let Some(peer) = self.peers.get_mut(&token) {
            peer.name = Some(name);
        }
        for name in self.peers.values().filter_map(|peer| peer.name.as_deref()) {
            welcome.push('\t');
            welcome.push_str(name);
        }
        if let Some(peer) = self.peers.get_mut(&token) {
            for line in &self.history.lines {
                let past = format!("past {}\t{}", line.at.elapsed().as_secs(), line.text);
                peer.tell(&past);
            }
            peer.tell(&welcome);
        }
    }

    /// A name that no other guest has. It contains no character that could be confused with something else,
    /// such as a tab or an invisible character.
    fn free_name(&self, wanted: &str) -> String {
        let is_harmless = |c: &char| c.is_alphanumeric() || " -_.'".contains(*c);
        let name: String = wanted.chars().filter(is_harmless).take(MAX_NAME).collect();
        let name = if name.trim().is_empty() { "Guest" } else { name.trim() };
        let is_taken = |name: &str| self.peers.values().any(|peer| peer.name.as_deref() == Some(name));
        let mut free = name.to_owned();
        let mut number = 2;
        while is_taken(&free) {
            free = format!("{name} {number}");
            number += 1;
        }
        free
    }

    /// Sends news to all peers that have a name.
    fn broadcast(&mut self, news: &str) {
        // Without memory nobody hears the news, and the chat goes on.
        let Ok(news) = PreparedMessage::text(news) else { return };
        for peer in self.peers.values_mut().filter(|peer| peer.name.is_some()) {
            peer.send(&news);
        }
    }

    fn flush(&mut self) {
        self.peers.values_mut().for_each(Peer::flush);
    }

    fn end_turn(&mut self, now: Duration) {
        for peer in self.peers.values_mut() {
            peer.look_at_clock(now);
        }
        self.flush();
        // The news that a guest left can itself be too much for another guest.
        while let Some(name) = self.peers.values_mut().find_map(Peer::take_name_of_gone) {
            self.broadcast(&format!("leave {name}"));
            self.flush();
        }
        self.peers.retain(|_, peer| !peer.is_done());
    }

    /// Closes all connections. The loop continues until every peer has answered or its time is over.
    fn say_goodbye(&mut self) {
        self.listener = None;
        for peer in self.peers.values_mut() {
            // Before the opening handshake is complete, dropping the connection is the only way to close it.
            peer.is_lost |= peer.connection.state() == State::Connecting;
            peer.close(CloseCode::GOING_AWAY, "the server ends");
        }
    }
}

/// A browser, or another program that has connected.
struct Peer {
    stream: TcpStream,
    connection: Connection<Server>,
    /// Bytes that were read, and left for the next turn.
    unreceived: Vec<u8>,
    timers: Timers,
    /// `None` before the peer has sent `name`, and after the others were told that it left.
    name: Option<String>,
    /// Whether our direction of the transport is shut down.
    has_shut_down: bool,
    /// Whether the peer's direction of the transport has ended.
    has_ended: bool,
    /// Whether the transport is of no use any more.
    is_lost: bool,
}

impl Peer {
    fn new(stream: TcpStream, now: Duration) -> Self {
        Self {
            stream,
            connection: Connection::server(CONFIG),
            unreceived: Vec::new(),
            timers: Timers::new(TIMERS, now),
            name: None,
            has_ended: false,
            has_shut_down: false,
            is_lost: false,
        }
    }

    /// Returns what the peer asks of the chat. Reads once, unless bytes of the last read are left. `Err` if
    /// there is nothing to read.
    fn read(&mut self, buffer: &mut [u8], now: Duration) -> Result<Vec<String>, ()> {
        let mut unreceived = mem::take(&mut self.unreceived);
        if !unreceived.is_empty() {
            return Ok(self.receive(&mut unreceived, now));
        }
        let len = match self.stream.read(buffer) {
            Ok(0) => {
                self.has_ended = true;
                // It makes no difference here whether the closing handshake had finished.
                let _ = self.connection.receive_eof();
                return Err(());
            }
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Vec::new()),
            Err(_) => {
                self.is_lost = true;
                return Err(());
            }
        };
        self.timers.received(now);
        Ok(self.receive(&mut buffer[..len], now))
    }

    /// Returns what the peer asks of the chat.
    fn receive(&mut self, mut input: &mut [u8], now: Duration) -> Vec<String> {
        let mut commands = Vec::new();
        let mut len = 0;
        // A failure needs no code of its own: the Close that tells the peer is in `outgoing`, and once it is
        // written, `should_disconnect` returns true.
        while let Some((event, tx)) = self.connection.receive(&mut input) {
            self.timers.event(now, &event);
            match event {
                // Messages that arrive after our own Close are too late.
                Event::Message(Message::Text(text)) if tx.state() == State::Open => {
                    // The length of the uncompressed frame: the header and the key take 6 bytes.
                    len += text.len() + 6;
                    commands.push(text.to_owned());
                }
                // If the answer is refused, the request remains open until the handshake deadline.
                event => drop(answer(event, tx)),
            }
            if len >= READ {
                self.unreceived.extend_from_slice(input);
                break;
            }
        }
        commands
    }

    fn send(&mut self, message: &PreparedMessage) {
        let sent = self.connection.sender().prepared(message);
        self.close_unless(sent);
    }

    fn tell(&mut self, text: &str) {
        let sent = self.connection.sender().text(text);
        self.close_unless(sent);
    }

    /// A peer that misses a message comes back and then gets it.
    fn close_unless(&mut self, sent: Result<(), SendError>) {
        match sent {
            Err(SendError::NotNow) => self.close(CloseCode::TRY_AGAIN_LATER, "too slow"),
            Err(SendError::Memory) => self.close(CloseCode::TRY_AGAIN_LATER, "no memory"),
            _ => {}
        }
    }

    /// If the connection is closing already, this call is refused, which does no harm.
    fn close(&mut self, code: CloseCode, reason: &str) {
        let _ = self.connection.sender().close(code, reason);
    }

    fn look_at_clock(&mut self, now: Duration) {
        let state = match self.connection.state() {
            // The protocol is finished but the transport is still open, so the close deadline continues.
            State::Closed => State::Closing,
            state => state,
        };
        match self.timers.poll(now, state) {
            // If there is no room for the ping, the pong timeout will notice the silent peer.
            Action::SendPing(payload) => drop(self.connection.sender().ping(&payload)),
            Action::GiveUp(Timeout::Idle) => self.close(CloseCode::TIMEOUT, "idle"),
            Action::GiveUp(_) => self.is_lost = true,
            _ => {}
        }
    }

    /// Writes what can be written now.
    fn flush(&mut self) {
        while !self.connection.outgoing().is_empty() && !self.is_lost {
            match self.stream.write(self.connection.outgoing()) {
                Ok(len) => self.connection.mark_sent(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.is_lost = true,
            }
        }
        // End only our direction, and read on until the peer ends its own. If the stream were dropped with
        // unread input, the kernel would send a reset, which can overtake our last bytes.
        if self.connection.should_disconnect() && !mem::replace(&mut self.has_shut_down, true) {
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }

    fn take_name_of_gone(&mut self) -> Option<String> {
        let is_gone = self.is_lost || self.connection.state() != State::Open;
        self.name.take_if(|_| is_gone)
    }

    fn is_done(&self) -> bool {
        self.is_lost || (self.has_ended && self.connection.outgoing().is_empty())
    }
}
