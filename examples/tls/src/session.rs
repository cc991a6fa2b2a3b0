//! One connection on blocking I/O, with deadlines.

use crate::Transport;
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{CloseCode, Connection, Event, Heap, Role, Sender, State};
use std::io::{self, ErrorKind};
use std::mem;
use std::time::{Duration, Instant};

/// The most bytes that one read brings.
const READ: usize = 16 << 10;
/// A turn waits for the peer no longer than this, so that the thread can look for other work.
const TURN: Duration = Duration::from_millis(500);
/// If no deadline is on, a write ends after this time and begins again.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What [`Session::turn`] says about the next turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Turn {
    /// The connection continues.
    Again,
    /// The transport has ended, in both directions or for good.
    Done,
}

/// A connection, its transport and its deadlines.
pub struct Session<R: Role, T: Transport> {
    connection: Connection<R>,
    transport: T,
    timers: Timers,
    /// The fixed point that `timers` count from.
    start: Instant,
    buffer: Vec<u8>,
    has_shut_down: bool,
}

impl<R: Role, T: Transport> Session<R, T> {
    /// A session whose transport began at `start`; the handshake deadline counts from there.
    ///
    /// # Errors
    /// `OutOfMemory`. A thread that has no memory ends alone, and not together with the process.
    pub fn new(
        connection: Connection<R>, transport: T, timers: TimersConfig, start: Instant,
    ) -> io::Result<Self> {
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(READ).map_err(|_| ErrorKind::OutOfMemory)?;
        buffer.resize(READ, 0);
        let timers = Timers::new(timers, Duration::ZERO);
        Ok(Self { connection, transport, timers, start, buffer, has_shut_down: false })
    }

    /// The connection, to look at.
    pub fn connection(&self) -> &Connection<R> {
        &self.connection
    }

    /// The sending half. The next turn writes what it has queued.
    pub fn sender(&mut self) -> &mut Sender<R, Heap> {
        self.connection.sender()
    }

    /// Writes the outgoing bytes, then waits for bytes of the peer, for half a second at most, and passes the
    /// events to `answer`. So a turn reads only if no bytes wait for the peer: a peer that does not read
    /// stops its own input.
    ///
    /// # Errors
    /// The connection is lost: a fault of the transport, a deadline, or an error of `answer`.
    pub fn turn(
        &mut self, mut answer: impl FnMut(Event<'_>, &mut Sender<R, Heap>) -> io::Result<()>,
    ) -> io::Result<Turn> {
        self.write()?;
        self.limit_wait(TURN);
        let len = match self.transport.read(&mut self.buffer) {
            Ok(len) => len,
            Err(error) if is_end(&error) => 0,
            Err(error) if is_too_late(&error) || error.kind() == ErrorKind::Interrupted => {
                self.look_at_clock()?;
                return Ok(Turn::Again);
            }
            Err(error) => return Err(error),
        };
        if len == 0 {
            // `Connection::result` tells whether this is a clean end.
            let _ = self.connection.receive_eof();
            // The peer may still read.
            self.write()?;
            return Ok(Turn::Done);
        }
        let now = self.start.elapsed();
        self.timers.received(now);
        let mut input = &mut self.buffer[..len];
        // A failure needs no code of its own: the Close that tells the peer is in `outgoing`, and once it is
        // written, `should_disconnect` returns true.
        while let Some((event, tx)) = self.connection.receive(&mut input) {
            self.timers.event(now, &event);
            answer(event, tx)?;
        }
        self.look_at_clock()?;
        self.write()?;
        Ok(Turn::Again)
    }

    fn look_at_clock(&mut self) -> io::Result<()> {
        let state = match self.connection.state() {
            // The protocol is finished but the transport is still open, so the close deadline continues.
            State::Closed => State::Closing,
            state => state,
        };
        match self.timers.poll(self.start.elapsed(), state) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(Timeout::Idle) => _ = self.connection.sender().close(CloseCode::TIMEOUT, "idle"),
            Action::GiveUp(timeout) => return Err(io::Error::new(ErrorKind::TimedOut, timeout)),
            _ => {}
        }
        Ok(())
    }

    /// Writes all outgoing bytes, however long that takes, and keeps the deadlines meanwhile.
    fn write(&mut self) -> io::Result<()> {
        self.limit_wait(A_DAY);
        // TLS has a buffer of its own, so only the flush says that the socket has taken the bytes.
        let mut is_flushed = self.connection.outgoing().is_empty();
        while !is_flushed || !self.connection.outgoing().is_empty() {
            let written = match self.connection.outgoing() {
                [] => self.transport.flush().inspect(|()| is_flushed = true).map(|()| 0),
                bytes => self.transport.write(bytes),
            };
            match written {
                Ok(len) => {
                    self.connection.mark_sent(len);
                    if len > 0 {
                        self.timers.sent(self.start.elapsed(), len);
                    }
                }
                // The peer does not read. A deadline of the connection says for how long that may be so.
                Err(error) if is_too_late(&error) => {
                    self.timers.sent(self.start.elapsed(), 0);
                    self.look_at_clock()?;
                    self.limit_wait(A_DAY);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The bytes that the peer sent before its end can still be read.
                Err(error) if is_end(&error) => {
                    self.connection.mark_sent(usize::MAX);
                    is_flushed = true;
                }
                Err(error) => return Err(error),
            }
        }
        // Only our direction ends, and the peer ends its own. If the socket were closed with unread input,
        // the kernel would send a reset, which can overtake our last bytes.
        if self.connection.should_disconnect() && !mem::replace(&mut self.has_shut_down, true) {
            // All bytes are written, so errors do not matter any more.
            let _ = self.transport.end();
        }
        Ok(())
    }

    /// The next operation ends at the next deadline of the connection, or after `most` if that is earlier.
    fn limit_wait(&mut self, most: Duration) {
        let latest = Instant::now() + most;
        let deadline = self.timers.next_deadline().map_or(latest, |at| latest.min(self.start + at));
        self.transport.socket().set_deadline(deadline);
    }
}

fn is_too_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// Whether the error is the end of the transport, as when a TLS connection ends without a farewell. The Close
/// that came before decides whether the end is a clean one.
fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
