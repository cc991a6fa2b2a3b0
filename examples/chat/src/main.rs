//! A chat for browsers: one thread, one event loop, many connections. The page and its WebSocket share a
//! port.
//!
//! ```text
//! cargo run --release -p chat -- [--per-address COUNT] [ADDR]
//! ```
//!
//! `ADDR` is 127.0.0.1:8080 by default; port 0 means any free port. `--per-address` sets the most connections
//! of one address, 64 by default. Ctrl-C says goodbye to all guests and ends the server. A build with
//! `--features deflate` compresses messages for browsers that offer it, and all browsers do.
//!
//! A client sends `name NAME` once, and then `say ID TEXT` as often as it likes. The server answers `name`
//! with the most recent messages, each as `past AGE NAME ID TEXT` with its age in seconds. Then it sends
//! `welcome NAME` with the name that it gave to the client, followed by the names of all guests. Later the
//! server sends `join NAME`, `leave NAME` and `say NAME ID TEXT`. After the first space, tabs separate the
//! parts.
//!
//! The client chooses the ID of a message. Until the message comes back, the client cannot know whether the
//! server has received it, so if the client has to connect again, it sends the message again. The server
//! broadcasts a message with a known ID only once.

mod answer;
mod history;
mod options;
mod peer;

use history::{History, Line, is_id};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use options::{Options, USAGE};
use peer::{Peer, READ, network};
#[cfg(feature = "deflate")]
use sansws::deflate::Pool;
use sansws::{CloseCode, PreparedMessage, State};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, mem};

/// Together with `max_outgoing` this limits the memory of the whole server.
const MAX_PEERS: usize = 1000;
const MAX_NAME: usize = 24;
/// News that guests have joined or left may wait this long, so that the news of a crowd needs few writes.
const NEWS_DELAY: Duration = Duration::from_millis(50);
/// How long to wait after the system refused to accept a connection. The listener does not report the waiting
/// connections a second time.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// The server logs the same trouble no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
const LISTENER: Token = Token(0);
const CTRL_C: Token = Token(1);
const FIRST_PEER: usize = 2;

fn main() -> ExitCode {
    if env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let Options { address, per_address } = Options::parse(env::args().skip(1)).map_err(io::Error::other)?;
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
        per_address,
        accept_again: None,
        complained: None,
        peers: BTreeMap::new(),
        names: BTreeSet::new(),
        news_due: None,
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
    /// The most connections of one address.
    per_address: usize,
    /// When to try again to accept a connection, after the system refused to.
    accept_again: Option<Duration>,
    /// When the server complained about that.
    complained: Option<Duration>,
    /// Each turn looks at all peers, which is cheap for a thousand.
    peers: BTreeMap<Token, Peer>,
    /// The peers that have something to read. The system reports this only once, so a peer stays in this set
    /// until a read would block.
    readable: BTreeSet<Token>,
    next_peer: usize,
    /// The names of all guests.
    names: BTreeSet<String>,
    /// When the news that wait in the outgoing buffers have to be written.
    news_due: Option<Duration>,
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
            self.accept();
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
    fn accept(&mut self) {
        let now = self.start.elapsed();
        if self.accept_again.is_some_and(|at| now < at) {
            return;
        }
        self.accept_again = None;
        while let Some(listener) = self.listener.as_ref().filter(|_| self.can_accept) {
            if self.peers.len() >= MAX_PEERS {
                return;
            }
            match listener.accept() {
                Ok((mut stream, address)) => {
                    let network = network(address.ip());
                    let count = self.peers.values().filter(|peer| peer.network == network).count();
                    if count >= self.per_address {
                        // This ends the connection. All peers have their turn before the next accept.
                        self.accept_again = Some(now);
                        return;
                    }
                    // Otherwise small messages would wait until the peer acknowledges earlier ones.
                    let _ = stream.set_nodelay(true);
                    let token = Token(self.next_peer);
                    self.next_peer += 1;
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if let Err(error) = self.poll.registry().register(&mut stream, token, interest) {
                        return self.pause_accepting(&error, now);
                    }
                    self.peers.insert(token, Peer::new(stream, network, now));
                    #[cfg(feature = "deflate")]
                    if let Some(peer) = self.peers.get_mut(&token) {
                        peer.connection.set_deflate_pool(&self.pool).expect("CONFIG asks for compression");
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => self.can_accept = false,
                    // The peer went away while it waited in the queue.
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                    _ => return self.pause_accepting(&error, now),
                },
            }
        }
    }

    /// This process may open no more files, or there is no memory. The trouble passes when connections end,
    /// and until then every attempt fails.
    fn pause_accepting(&mut self, error: &io::Error, now: Duration) {
        self.accept_again = Some(now + ACCEPT_PAUSE);
        if self.complained.is_none_or(|at| now >= at + COMPLAINT_INTERVAL) {
            self.complained = Some(now);
            eprintln!("cannot accept a connection: {error}");
        }
    }

    /// How long the loop may wait for an event. `None`: for any time.
    fn timeout(&self) -> Option<Duration> {
        if !self.readable.is_empty() {
            return Some(Duration::ZERO);
        }
        let timers = self.peers.values().filter_map(|peer| peer.timers.next_deadline());
        let deadline = timers.chain(self.news_due).chain(self.accept_again).min();
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
            self.obey(token, command, now);
        }
    }

    fn obey(&mut self, token: Token, command: &str, now: Duration) {
        let Some(peer) = self.peers.get_mut(&token) else { return };
        match (command.split_once(' '), &peer.name) {
            (Some(("name", name)), None) => self.join(token, name, now),
            (Some(("say", said)), Some(name)) => match said.split_once(' ') {
                Some((id, text)) if is_id(id) => {
                    let line = Line::new(name, id, text);
                    self.say(token, line, now);
                }
                _ => peer.close(CloseCode::POLICY_VIOLATION, "a message needs an ID"),
            },
            _ => peer.close(CloseCode::POLICY_VIOLATION, "say your name once, then talk"),
        }
    }

    fn say(&mut self, token: Token, line: Line, now: Duration) {
        let news = format!("say {}", line.text);
        if !self.history.contains(&line.id) {
            // Without memory no peer gets the message, and its author sends it again after a while.
            let Ok(news) = PreparedMessage::text(&news) else { return };
            for peer in self.peers.values_mut().filter(|peer| peer.name.is_some()) {
                peer.send(&news, now);
            }
            self.history.push(line);
        } else if let Some(peer) = self.peers.get_mut(&token) {
            peer.tell(&news, now);
        }
    }

    fn join(&mut self, token: Token, wanted: &str, now: Duration) {
        let name = self.free_name(wanted);
        self.spread_news(&format!("join {name}"), now);
        let mut welcome = format!("welcome {name}");
        self.names.insert(name.clone());
        if let Some(peer) = self.peers.get_mut(&token) {
            peer.enter(name, now);
        }
        for name in self.peers.values().filter_map(|peer| peer.name.as_deref()) {
            welcome.push('\t');
            welcome.push_str(name);
        }
        if let Some(peer) = self.peers.get_mut(&token) {
            for line in &self.history.lines {
                let past = format!("past {}\t{}", line.at.elapsed().as_secs(), line.text);
                peer.tell(&past, now);
            }
            peer.tell(&welcome, now);
        }
    }

    /// A name that no other guest has. It contains no character that could be confused with something else,
    /// such as a tab or an invisible character.
    fn free_name(&self, wanted: &str) -> String {
        let is_harmless = |c: &char| c.is_alphanumeric() || " -_.'".contains(*c);
        let name: String = wanted.chars().filter(is_harmless).take(MAX_NAME).collect();
        let name = if name.trim().is_empty() { "Guest" } else { name.trim() };
        let mut free = name.to_owned();
        let mut number = 2;
        while self.names.contains(&free) {
            free = format!("{name} {number}");
            number += 1;
        }
        free
    }

    /// Sends news to all peers that have a name. No peer waits for news, so they may be written a little
    /// later.
    fn spread_news(&mut self, news: &str, now: Duration) {
        self.news_due.get_or_insert(now + NEWS_DELAY);
        // Without memory no peer hears the news, and the chat goes on.
        let Ok(news) = PreparedMessage::text(news) else { return };
        for peer in self.peers.values_mut().filter(|peer| peer.name.is_some()) {
            peer.send_news(&news, now);
        }
    }

    fn end_turn(&mut self, now: Duration) {
        for peer in self.peers.values_mut() {
            peer.look_at_clock(now);
        }
        self.flush(now);
        // The news that a guest left can itself be too much for another guest.
        loop {
            let gone: Vec<String> = self.peers.values_mut().filter_map(Peer::take_name_of_gone).collect();
            if gone.is_empty() {
                break;
            }
            for name in gone {
                self.names.remove(&name);
                self.spread_news(&format!("leave {name}"), now);
            }
        }
        let before = self.peers.len();
        self.peers.retain(|_, peer| !peer.is_done());
        if self.peers.len() < before {
            // There is a file to accept a connection with.
            self.accept_again = None;
        }
    }

    fn flush(&mut self, now: Duration) {
        let are_news_due = self.news_due.take_if(|at| *at <= now).is_some();
        self.peers.values_mut().for_each(|peer| peer.flush(are_news_due, now));
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
