//! What happens on one connection.

use rustix::event::epoll::{self, EventData, EventFlags};
use sansws::handshake::origin::Scheme;
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Accept, CloseCode, Config, Connection, Event, Heap, Reply, SendError, Sender, Server, State};
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The default limits: 1 MiB for a message, 2 MiB of bytes that wait for the peer. The loop reads only if no
/// bytes wait, so the echo of one message and of one read always fits. An idle connection keeps no memory;
/// for few connections with large messages set `keep_capacity`, because new memory costs a page fault for
/// each 4 KiB.
const CONFIG: Config = Config::new();

/// The most bytes that one read brings.
pub const READ: usize = 64 << 10;

/// One connection.
pub struct Peer {
    stream: TcpStream,
    connection: Connection<Server>,
    pub timers: Timers,
    /// The next alarm of this connection, which rings at its deadline or before.
    pub alarm: Option<Duration>,
    /// What epoll reports.
    interest: EventFlags,
    /// Whether our direction of the transport is shut down.
    has_shut_down: bool,
    /// Whether the peer's direction of the transport has ended.
    has_ended: bool,
}

impl Peer {
    pub fn new(
        stream: TcpStream, timers: TimersConfig, now: Duration, epoll: &OwnedFd, key: usize,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Otherwise small messages would wait until the peer acknowledges earlier ones.
        stream.set_nodelay(true)?;
        let interest = EventFlags::IN;
        epoll::add(epoll, &stream, EventData::new_u64(key as u64), interest)?;
        Ok(Self {
            stream,
            connection: Connection::server(CONFIG),
            timers: Timers::new(timers, now),
            alarm: None,
            interest,
            has_shut_down: false,
            has_ended: false,
        })
    }

    /// Does all that can be done now. An error says that the connection is lost.
    pub fn turn(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<()> {
        if self.alarm.is_some_and(|at| at <= now) {
            self.alarm = None;
        }
        self.write(now)?;
        // A peer that does not read what waits for it cannot send more.
        if self.connection.outgoing().is_empty() && !self.has_ended {
            self.read(buffer, now)?;
        }
        self.look_at_clock(now)?;
        self.write(now)
    }

    /// Reads once.
    fn read(&mut self, buffer: &mut [u8], now: Duration) -> io::Result<()> {
        let mut input: &mut [u8] = &mut [];
        // Large messages are read straight into the connection's own buffer.
        let result = match self.connection.receive_buffer() {
            Some(room) => self.stream.read(room).inspect(|&len| self.connection.mark_received(len)),
            None => self.stream.read(buffer).inspect(|&len| input = &mut buffer[..len]),
        };
        match result {
            Ok(0) => {
                self.has_ended = true;
                // An end without a Close is not an error of this server.
                let _ = self.connection.receive_eof();
                return Ok(());
            }
            Ok(_) => self.timers.received(now),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        // A failure needs no code of its own: the Close that tells the peer is in `outgoing`, and once it is
        // written, `should_disconnect` returns true.
        while let Some((event, tx)) = self.connection.receive(&mut input) {
            self.timers.event(now, &event);
            answer(event, tx)?;
        }
        Ok(())
    }

    fn look_at_clock(&mut self, now: Duration) -> io::Result<()> {
        let state = match self.connection.state() {
            // The protocol is finished but the transport is still open, so the close deadline continues.
            State::Closed => State::Closing,
            state => state,
        };
        match self.timers.poll(now, state) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(Timeout::Idle) => {
                let _ = self.connection.sender().close(CloseCode::TIMEOUT, "idle");
                // The close deadline counts from the first poll in this state.
                let _ = self.timers.poll(now, State::Closing);
            }
            Action::GiveUp(timeout) => return Err(timeout.into()),
            _ => {}
        }
        Ok(())
    }

    /// Writes what can be written now.
    fn write(&mut self, now: Duration) -> io::Result<()> {
        while !self.connection.outgoing().is_empty() {
            match self.stream.write(self.connection.outgoing()) {
                Ok(len) => {
                    self.connection.mark_sent(len);
                    self.timers.sent(now, len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.timers.sent(now, 0);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // Only our direction ends, and the peer ends its own. If the socket were closed with unread input,
        // the kernel would send a reset, which can overtake our last bytes.
        if self.connection.should_disconnect() && !mem::replace(&mut self.has_shut_down, true) {
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }

    /// Tells epoll what this connection waits for: either for bytes of the peer, or for room to write.
    pub fn watch(&mut self, epoll: &OwnedFd, key: usize) -> io::Result<()> {
        let is_writing = !self.connection.outgoing().is_empty();
        let interest = if is_writing { EventFlags::OUT } else { EventFlags::IN };
        if mem::replace(&mut self.interest, interest) != interest {
            epoll::modify(epoll, &self.stream, EventData::new_u64(key as u64), interest)?;
        }
        Ok(())
    }

    /// Whether the socket can be closed.
    pub fn is_done(&self) -> bool {
        self.has_ended && self.connection.outgoing().is_empty()
    }

    /// Begins the closing handshake, because the server ends.
    pub fn say_goodbye(&mut self) {
        // Before the opening handshake is complete, closing the socket is the only way to close the
        // connection.
        self.has_ended |= self.connection.state() == State::Connecting;
        // If the connection is closing already, this call is refused, which does no harm.
        let _ = self.connection.sender().close(CloseCode::GOING_AWAY, "the server ends");
    }
}

/// The server itself: it returns each message to its sender.
fn answer(event: Event<'_>, tx: &mut Sender<Server, Heap>) -> Result<(), SendError> {
    match event {
        // Only browsers send an Origin, and they always do. Without this check any web site could connect in
        // the name of a user who visits it.
        Event::HandshakeRequest(request)
            if request.origin().is_some() && !request.is_same_origin_over(Scheme::Http) =>
        {
            tx.reject(&Reply::new(403))
        }
        Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
        // Messages that arrive after our own Close are too late.
        Event::Message(message) if tx.state() == State::Open => tx.message(message),
        // The connection has answered pings and the Close already.
        _ => Ok(()),
    }
}
