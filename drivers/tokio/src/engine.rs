//! What all ways to use a connection share: the transport, the protocol, the bytes that were read, and the
//! deadlines. Each method polls once, and no byte lives in a future. So a future can be dropped at any await,
//! and the next call continues with the same state.

mod ping;

use crate::clock::Clock;
use crate::read_buffer::ReadBuffer;
use crate::{Error, ServerResponse, trace};
use sansws::timers::{Action, Timeout, TimersConfig};
use sansws::{
    CloseCode, Connection, Event, EventKind, EventToken, Heap, Role, SendError, Sender, State, Violation,
};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most turns of the loop in one poll. Each turn reads once, and none finds an event for the application.
/// After them the deadlines count and other tasks run, even if the peer sends faster than this end reads.
const MAX_TURNS: usize = 32;

pub(crate) struct Engine<T, R: Role> {
    io: T,
    pub(crate) conn: Connection<R>,
    read: ReadBuffer,
    /// The event that was found and not taken yet.
    found: Option<Found>,
    clock: Clock,
    transport: Transport,
    /// Whether the transport has taken bytes since it was flushed, as far as the engine knows.
    must_flush: bool,
    /// A failed write that `send` or `flush` has reported. What the peer sent before can still be read.
    failed_write: Option<io::ErrorKind>,
    /// A server's refusal whose body has ended with the transport, if it is not reported yet.
    refusal: Option<Box<ServerResponse>>,
}

#[derive(Clone, Copy)]
struct Found {
    token: EventToken,
    /// The place in the read buffer from which the event was found.
    start: usize,
}

/// The state of the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// Both directions are open.
    Open,
    /// The peer's direction has ended.
    PeerEnded,
    /// Our direction is shut down.
    ShutDown,
    /// The connection is over, and its result is not reported yet.
    Over,
    /// The connection is over, and its result was reported.
    Reported,
}

impl<T, R: Role> Engine<T, R> {
    /// `unread` was read from the transport already.
    pub(crate) fn new(io: T, conn: Connection<R>, unread: &[u8], timers: TimersConfig) -> Self {
        Self {
            io,
            conn,
            read: ReadBuffer::with(unread),
            found: None,
            clock: Clock::new(timers),
            transport: Transport::Open,
            must_flush: true,
            failed_write: None,
            refusal: None,
        }
    }

    pub(crate) const fn round_trip_time(&self) -> Option<Duration> {
        self.clock.round_trip_time()
    }

    /// Whether an event waits to be taken.
    pub(crate) const fn has_found(&self) -> bool {
        self.found.is_some()
    }

    /// Whether the connection is over.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.transport, Transport::Over | Transport::Reported)
    }

    /// Whether the connection is over, or will be once everything is read.
    pub(crate) const fn is_failing(&self) -> bool {
        self.is_over() || self.failed_write.is_some()
    }

    pub(crate) const fn must_flush(&self) -> bool {
        self.must_flush
    }

    pub(crate) const fn io(&self) -> &T {
        &self.io
    }

    /// The transport, the connection, and the bytes that were read and not consumed.
    pub(crate) fn into_parts(mut self) -> (T, Connection<R>, Vec<u8>) {
        let unread = self.read.unread().to_vec();
        (self.io, self.conn, unread)
    }

    /// The event that [`poll_find`](Self::poll_find) found, with the sender to answer it. Inlined, so that a
    /// message does not go through memory as an event.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<(Event<'_>, &mut Sender<R, Heap>)> {
        let Found { token, start } = self.found.take()?;
        Some(self.conn.view(token, self.read.from(start)))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Engine<T, R> {
    /// Reads until there is an event for the application. This handles control frames itself, and meanwhile
    /// writes the queued bytes as far as the transport takes them; reading never waits for that. `false`: the
    /// connection has ended cleanly, or its failure was reported before.
    #[inline]
    pub(crate) fn poll_find(&mut self, waker: &Waker) -> Poll<Result<bool, Error>> {
        // Most small messages come together with others.
        if self.find_next() { Poll::Ready(Ok(true)) } else { self.poll_more(waker) }
    }

    /// Looks for an event for the application in the bytes that were read.
    fn find_next(&mut self) -> bool {
        if self.is_over() {
            return self.found.is_some();
        }
        while self.found.is_none() {
            if !self.find() {
                return false;
            }
        }
        true
    }

    fn poll_more(&mut self, waker: &Waker) -> Poll<Result<bool, Error>> {
        let found = ready!(self.poll_event(waker));
        if matches!(found, Ok(true)) {
            return Poll::Ready(found);
        }
        // The caller learns once why the connection is over, even if another call has failed before.
        let was_reported = std::mem::replace(&mut self.transport, Transport::Reported) == Transport::Reported;
        Poll::Ready(match found {
            Ok(_) if !was_reported => match self.refusal.take() {
                Some(refusal) => Err(Error::Refused(refusal)),
                None => self.conn.result().map(|()| false).map_err(Error::from),
            },
            found => found,
        })
    }

    /// As [`poll_find`](Self::poll_find), but `false` says only that the connection is over.
    fn poll_event(&mut self, waker: &Waker) -> Poll<Result<bool, Error>> {
        let mut turns = 0;
        loop {
            if self.find_next() {
                return Poll::Ready(Ok(true));
            }
            if self.is_over() {
                return Poll::Ready(Ok(false));
            }
            turns += 1;
            if turns > MAX_TURNS {
                // More bytes may wait, and the next poll looks for them.
                waker.wake_by_ref();
                ready!(self.poll_deadline(waker))?;
            }
            let written = self.poll_write_all(&mut Context::from_waker(waker));
            if let Poll::Ready(Err(error)) = written {
                if !self.may_read_on() || self.poll_read(waker)?.is_pending() {
                    self.lose(error)?;
                }
                continue;
            }
            // WS-5.5.1-13
            if self.conn.should_disconnect() && written.is_ready() {
                ready!(self.poll_end(waker));
                continue;
            }
            if self.poll_read(waker)?.is_ready() {
                continue;
            }
            ready!(self.poll_deadline(waker))?;
        }
    }

    /// Whether bytes count that the peer sent before a write failed: its Close may be among them.
    fn may_read_on(&self) -> bool {
        self.transport == Transport::Open && self.conn.error().is_none() && self.conn.peer_close().is_none()
    }

    /// Ready if a deadline has passed and something was done about it: a ping or a Close is queued, or the
    /// connection is over. Every wait for the peer ends with this call, whether it waits to read or to write.
    fn poll_deadline(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        let state = match self.conn.state() {
            // The protocol has ended, but not the transport, so the close deadline still applies.
            State::Closed => State::Closing,
            state => state,
        };
        match ready!(self.clock.poll(waker, state)) {
            Action::SendPing(payload) => {
                let tx = self.conn.sender();
                let is_queued = tx.ping(&payload).is_ok();
                self.clock.keepalive(payload, is_queued, tx.outgoing_len());
            }
            Action::GiveUp(Timeout::Idle) if self.close_idle() => trace::idle(),
            Action::GiveUp(timeout) => return Poll::Ready(Err(self.fail(timeout.into()))),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Looks for an event in the bytes that were read. `false`: all of them are consumed.
    fn find(&mut self) -> bool {
        let start = self.read.start();
        let (consumed, token) = self.conn.find_event(self.read.unread());
        self.read.consume(consumed);
        let Some(token) = token else { return false };
        if matches!(token.kind(), EventKind::Message | EventKind::Part) {
            self.clock.message();
            self.found = Some(Found { token, start });
            return true;
        }
        match token.kind() {
            // The connection has answered a ping or a Close. A failure is reported once the peer was told.
            EventKind::Ping | EventKind::Pong | EventKind::Close => {
                let (event, _) = self.conn.view(token, self.read.from(start));
                if let Event::Close(close) = event {
                    trace::peer_closes(close.code);
                }
                self.clock.event(&event);
            }
            EventKind::Failed => {}
            _ => self.found = Some(Found { token, start }),
        }
        true
    }

    /// Reads once. `Ready` if that changed something: bytes arrived, or the peer's direction ended.
    fn poll_read(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        // If bytes are left, the connection waits for a decision about its opening handshake.
        if self.transport != Transport::Open || !self.read.is_empty() {
            return Poll::Pending;
        }
        let cx = &mut Context::from_waker(waker);
        // Large messages are read into the memory of the connection, which saves a copy.
        let (poll, is_direct) = match self.conn.receive_buffer() {
            Some(room) => (read_into(&mut self.io, cx, room), true),
            None => (read_into(&mut self.io, cx, self.read.room()), false),
        };
        if poll.is_pending() {
            self.read.release();
        }
        let result = ready!(poll);
        if let &Ok(len) = &result {
            if is_direct { self.conn.mark_received(len) } else { self.read.fill(len) }
        }
        match result {
            Ok(0) => {
                // The result of the connection says whether this was too early.
                if let Some(Event::HandshakeRefused(response)) = self.conn.receive_eof() {
                    self.refusal = Some(Box::new(ServerResponse::of(&response)));
                }
                self.transport = Transport::PeerEnded;
            }
            Ok(_) => self.clock.received(),
            Err(error) => return Poll::Ready(self.lose(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all queued bytes. Waits for the transport, up to the deadlines, and reads meanwhile.
    pub(crate) fn poll_flush(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        loop {
            if let Poll::Ready(result) = self.poll_write(waker) {
                return Poll::Ready(result);
            }
            let waits = self.poll_meanwhile(waker)?.is_pending();
            // The call that reads also writes, so it may have written the last bytes.
            if waits && (self.must_flush || !self.conn.outgoing().is_empty()) {
                return Poll::Pending;
            }
        }
    }

    /// Writes queued bytes. `Ready` if the transport has taken all of them.
    fn poll_write(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        if !matches!(self.transport, Transport::Open | Transport::PeerEnded) {
            // Queued bytes will never be written now, and the caller has to know.
            let is_written = self.conn.outgoing().is_empty();
            let lost = || io::Error::new(io::ErrorKind::BrokenPipe, "the connection is over");
            return Poll::Ready(if is_written { Ok(()) } else { Err(lost().into()) });
        }
        Poll::Ready(match ready!(self.poll_write_all(&mut Context::from_waker(waker))) {
            Err(error) if self.may_read_on() => {
                let kind = error.kind();
                let error = error.into();
                if self.failed_write.replace(kind).is_none() {
                    trace::failed(&error);
                }
                Err(error)
            }
            written => written.or_else(|error| self.lose(error)),
        })
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.failed_write {
            return Poll::Ready(Err(kind.into()));
        }
        while !self.conn.outgoing().is_empty() {
            let poll = Pin::new(&mut self.io).poll_write(cx, self.conn.outgoing());
            if poll.is_pending() {
                self.clock.sent(0);
            }
            match ready!(poll)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => {
                    self.conn.mark_sent(len);
                    self.clock.sent(len);
                }
            }
            self.must_flush = true;
        }
        if self.must_flush {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.must_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the transport: shuts down our direction, and reads until the peer ends its own. If the transport
    /// were dropped with unread bytes, a TCP reset could destroy our last bytes (RFC 6455 section 7.1.1).
    fn poll_end(&mut self, waker: &Waker) -> Poll<()> {
        if self.is_over() {
            // The transport was lost while the last bytes were written.
            return Poll::Ready(());
        }
        if let Poll::Ready(Action::GiveUp(_)) = self.clock.poll(waker, State::Closing) {
            self.transport = Transport::Over;
        }
        if matches!(self.transport, Transport::Open | Transport::PeerEnded) {
            // WS-7.1.1-01. A transport that cannot be shut down has ended already.
            let _ = ready!(Pin::new(&mut self.io).poll_shutdown(&mut Context::from_waker(waker)));
            // WS-5.5.1-14 · WS-7.1.1-04 · WS-7.1.1-06. After both Closes a server need not wait: the peer has
            // nothing more to say.
            let is_over = self.transport == Transport::PeerEnded || self.conn.is_closed_cleanly();
            self.transport = if is_over { Transport::Over } else { Transport::ShutDown };
        }
        if self.transport == Transport::ShutDown {
            self.read.release();
            let poll = read_into(&mut self.io, &mut Context::from_waker(waker), self.read.room());
            self.read.release();
            match ready!(poll) {
                // Bytes after the Close do not count. A peer that sends them without end gets one read for
                // each poll.
                Ok(1..) => {
                    waker.wake_by_ref();
                    return Poll::Pending;
                }
                Ok(0) | Err(_) => self.transport = Transport::Over,
            }
        }
        let _ = self.conn.receive_eof();
        trace::ended(&self.conn);
        Poll::Ready(())
    }

    /// Begins the closing handshake of an open connection. `false`: there is no memory for the Close.
    fn close_idle(&mut self) -> bool {
        self.conn.sender().close(CloseCode::TIMEOUT, "idle").is_ok()
    }

    /// The transport has failed. After the Close of the peer that is no error: some peers do not wait for
    /// ours, and others reset the transport.
    fn lose(&mut self, error: io::Error) -> Result<(), Error> {
        if self.conn.peer_close().is_none() || self.conn.error().is_some() {
            return Err(self.fail(error.into()));
        }
        let _ = self.conn.receive_eof();
        self.transport = Transport::Over;
        self.read.release();
        trace::ended(&self.conn);
        Ok(())
    }

    /// The connection is over because of this error, unless it has failed before.
    fn fail(&mut self, error: Error) -> Error {
        self.transport = Transport::Over;
        // An event that was found and not taken yet can lie in the read buffer.
        if self.found.is_none() {
            self.read.release();
        }
        match self.conn.error() {
            // The error of the transport says more than its end.
            None | Some(sansws::Error::Peer(Violation::UnexpectedEof)) => {}
            // Why the connection has failed says more than why the peer could not be told.
            Some(error) => {
                trace::ended(&self.conn);
                return Error::Connection(error);
            }
        }
        let error = match self.conn.receive_eof() {
            // The status of a refusal says more than why its body was cut.
            Some(Event::HandshakeRefused(response)) => {
                Error::Refused(Box::new(ServerResponse::of(&response)))
            }
            _ => error,
        };
        // A failed write was logged before.
        if self.failed_write.is_none() {
            trace::failed(&error);
        }
        error
    }

    /// Calls `send` until the outgoing buffer has room, and begins to write. Either the whole message is
    /// queued or nothing.
    pub(crate) fn poll_send(
        &mut self, waker: &Waker, mut send: impl FnMut(&mut Sender<R, Heap>) -> Result<(), SendError>,
    ) -> Poll<Result<(), Error>> {
        loop {
            match send(self.conn.sender()) {
                Ok(()) => {
                    return match self.poll_write(waker) {
                        Poll::Ready(result) => Poll::Ready(result),
                        Poll::Pending => Poll::Ready(Ok(())),
                    };
                }
                Err(SendError::NotNow) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            let before = self.conn.outgoing().len();
            let _ = self.poll_write(waker)?;
            if self.conn.outgoing().len() < before {
                continue;
            }
            ready!(self.poll_meanwhile(waker))?;
        }
    }

    /// What a call does while it waits for the transport to take bytes: it reads up to the next event, so
    /// that pings are answered and the peer's Close is seen.
    fn poll_meanwhile(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        if self.found.is_some() { self.poll_deadline(waker) } else { self.poll_event(waker).map_ok(|_| ()) }
    }
}

fn read_into<T: AsyncRead + Unpin>(
    io: &mut T, cx: &mut Context<'_>, room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(room);
    Pin::new(io).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
}
