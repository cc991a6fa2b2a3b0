//! An echo server for very many connections: one thread and one event loop, directly on Linux's epoll.
//!
//! Copy [`Server`] for the loop, and `peer.rs` for what happens on one connection.
//!
//! - **An idle connection costs about 400 bytes** besides what the kernel needs: no buffer, no task, no
//!   thread.
//! - **Each event costs one read and one write.** epoll reports an event again as long as there is something
//!   to read (level-triggered). So every peer has its turn before any peer gets a second read, however much
//!   one peer sends.
//! - **A peer that does not read stops its own input.** The loop reads from a peer only if no bytes wait for
//!   that peer. So a connection holds one message and its echo at most.
//! - **Deadlines cost nothing while they are far away.** A heap knows the next alarm of each connection.

mod alarms;
pub mod options;
mod peer;

use alarms::Alarms;
use peer::{Peer, READ};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use sansws::timers::TimersConfig;
use slab::Slab;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The numbers that epoll returns with an event. All others are keys of `Server::peers`.
const LISTENER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;

/// The most events that one call of epoll returns.
const EVENTS: usize = 1024;
/// The most connections that one turn accepts, so that the other peers need not wait for a crowd.
const ACCEPTS: usize = 64;
/// How long to wait after the system refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// The server logs the same trouble no more often than this.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// What a server allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most connections at the same time. More of them wait in the queue of the listener.
    pub max_peers: usize,
    /// The deadlines of each connection.
    pub timers: TimersConfig,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_peers: 1_000_000, timers: TimersConfig::new() }
    }
}

/// An echo server: its listener, and all of its connections.
pub struct Server {
    limits: Limits,
    epoll: OwnedFd,
    /// `None` once the server ends.
    listener: Option<TcpListener>,
    is_accepting: bool,
    /// When to try again to accept a connection, after the system refused to.
    accept_again: Option<Duration>,
    /// When the server complained about that.
    complained: Option<Duration>,
    stop: Arc<OwnedFd>,
    /// Each peer is boxed, so that this list can grow without moving all of them.
    peers: Slab<Box<Peer>>,
    alarms: Alarms,
    /// The fixed point that `Timers` count from.
    start: Instant,
}

impl Server {
    /// A server on this listener.
    ///
    /// # Errors
    /// Those of `epoll_create1`, `eventfd` and `epoll_ctl`.
    pub fn new(listener: TcpListener, limits: Limits) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        listener.set_nonblocking(true)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN)?;
        Ok(Self {
            limits,
            epoll,
            listener: Some(listener),
            is_accepting: true,
            accept_again: None,
            complained: None,
            stop: Arc::new(stop),
            peers: Slab::new(),
            alarms: Alarms::default(),
            start: Instant::now(),
        })
    }

    /// The address of the listener.
    ///
    /// # Errors
    /// Those of `getsockname`, and `NotConnected` after [`Stopper::stop`].
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().ok_or(ErrorKind::NotConnected)?.local_addr()
    }

    /// A handle that ends the server, from any thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Serves until a [`Stopper`] says to end, and until all connections are closed after that.
    ///
    /// # Errors
    /// Those of epoll itself. The failure of a connection ends only that connection.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        // One buffer is enough for all peers: between two turns it holds nothing.
        let mut buffer = vec![0; READ];
        while self.listener.is_some() || !self.peers.is_empty() {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), self.timeout().as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let now = self.start.elapsed();
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept(now)?,
                    // A user who presses Ctrl-C twice does not want to wait.
                    STOP if self.listener.is_none() => return Ok(()),
                    STOP => self.say_goodbye(&mut buffer, now)?,
                    key => self.turn(usize::try_from(key).unwrap_or(usize::MAX), &mut buffer, now),
                }
            }
            // After the events, so that a late turn does not blame a peer whose bytes were waiting.
            while let Some(key) = self.alarms.next_due(now) {
                self.turn(key, &mut buffer, now);
            }
            self.resume_accepting(now)?;
        }
        Ok(())
    }

    /// How long epoll may wait for an event. `None`: for any time.
    fn timeout(&self) -> Option<Timespec> {
        let at = self.alarms.next().into_iter().chain(self.accept_again).min()?;
        // Later than 292 billion years does not occur.
        Timespec::try_from(at.saturating_sub(self.start.elapsed())).ok()
    }

    /// One turn of one peer. An alarm or an event that is not needed any more does no harm.
    fn turn(&mut self, key: usize, buffer: &mut [u8], now: Duration) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let outcome = peer.turn(buffer, now).and_then(|()| peer.watch(&self.epoll, key));
        // The error says why a connection failed; a server would count the reasons here.
        if outcome.is_err() || peer.is_done() {
            // This closes the socket, and so epoll forgets it.
            self.peers.remove(key);
        } else {
            self.alarms.set(key, &mut peer.alarm, peer.timers.next_deadline());
        }
    }

    fn accept(&mut self, now: Duration) -> io::Result<()> {
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else { return Ok(()) };
            if self.peers.len() >= self.limits.max_peers {
                return self.set_accepting(false);
            }
            let entry = self.peers.vacant_entry();
            let key = entry.key();
            let accepted = listener.accept();
            match accepted
                .and_then(|(stream, _)| Peer::new(stream, self.limits.timers, now, &self.epoll, key))
            {
                Ok(peer) => {
                    let peer = entry.insert(Box::new(peer));
                    self.alarms.set(key, &mut peer.alarm, peer.timers.next_deadline());
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(()),
                    // The peer went away while it waited in the queue.
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                    // This process may open no more files, or there is no memory. The trouble passes when
                    // connections end, and until then every attempt fails.
                    _ => {
                        self.complain(&error, now);
                        self.accept_again = Some(now + ACCEPT_PAUSE);
                        return self.set_accepting(false);
                    }
                },
            }
        }
        Ok(())
    }

    fn resume_accepting(&mut self, now: Duration) -> io::Result<()> {
        if self.is_accepting || self.peers.len() >= self.limits.max_peers {
            return Ok(());
        }
        if self.accept_again.is_some_and(|at| now < at) {
            return Ok(());
        }
        self.accept_again = None;
        self.set_accepting(true)
    }

    /// Whether epoll reports connections that wait. Otherwise each turn would begin with a connection that
    /// the server cannot accept.
    fn set_accepting(&mut self, on: bool) -> io::Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        let flags = if on { EventFlags::IN } else { EventFlags::empty() };
        epoll::modify(&self.epoll, listener, EventData::new_u64(LISTENER), flags)?;
        self.is_accepting = on;
        Ok(())
    }

    fn complain(&mut self, error: &io::Error, now: Duration) {
        if self.complained.is_none_or(|at| now >= at + COMPLAINT_INTERVAL) {
            self.complained = Some(now);
            eprintln!("cannot accept a connection: {error}");
        }
    }

    /// Closes all connections. The loop continues until every peer has answered or its time is over.
    fn say_goodbye(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<()> {
        rustix::io::read(&self.stop, &mut [0; 8])?;
        self.listener = None;
        self.accept_again = None;
        let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.peers[key].say_goodbye();
            self.turn(key, buffer, now);
        }
        Ok(())
    }
}

/// Ends a [`Server`].
#[derive(Clone, Debug)]
pub struct Stopper(Arc<OwnedFd>);

impl Stopper {
    /// Asks the server to close all connections and to return from [`Server::run`]. The second call asks it
    /// to return at once.
    pub fn stop(&self) {
        // This write fails only if the server has been asked 2^64 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
