//! What all ways to use a connection share: the transport, the protocol, the bytes that were read, and the
//! deadlines. Each method polls once, and no byte lives in a future. So a future can be dropped at any await,
//! and the next call continues with the same state.

use crate::clock::Clock;
use crate::transport::{Transport, poll_once};
use crate::{Error, TimersConfig};
use core::ops::Range;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use sansws::timers::{Action, Timeout};
use sansws::{
    CloseCode, Connection, Event, EventKind, EventToken, Role, SendError, Sender, State, Storage, Violation,
};

pub(crate) struct Engine<T, R: Role, S: Storage, B> {
    io: T,
    pub(crate) conn: Connection<R, S>,
    buffer: B,
    /// The bytes in `buffer` that were read and not consumed.
    unread: Range<usize>,
    /// The event that was found and not taken yet.
    found: Option<Found>,
    clock: Clock,
    stage: Stage,
    /// Whether the transport has taken bytes since it was flushed, as far as the engine knows.
    must_flush: bool,
    /// Whether a write has failed and `send` or `flush` has reported it. What the peer sent before can still
    /// be read.
    has_failed_write: bool,
}

/// An event, and the place in the read buffer from which it was found.
pub(crate) type Found = (EventToken, usize);

/// The state of the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Both directions are open.
    Open,
    /// The peer's direction has ended.
    PeerEnded,
    /// Our direction is ended.
    WeEnded,
    /// The connection is over, and its result is not reported yet.
    Over,
    /// The connection is over, and its result was reported.
    Reported,
}

/// The parts of an engine, without its clock.
pub(crate) type Parts<T, R, S, B> = (T, Connection<R, S>, B, Range<usize>, Option<Found>);

impl<T, R: Role, S: Storage, B: AsMut<[u8]>> Engine<T, R, S, B> {
    pub(crate) fn new(parts: Parts<T, R, S, B>, timers: TimersConfig) -> Self {
        let (io, conn, buffer, unread, found) = parts;
        let (clock, stage) = (Clock::new(timers), Stage::Open);
        Self { io, conn, buffer, unread, found, clock, stage, must_flush: true, has_failed_write: false }
    }

    pub(crate) fn into_parts(self) -> Parts<T, R, S, B> {
        (self.io, self.conn, self.buffer, self.unread, self.found)
    }

    pub(crate) const fn round_trip_time(&self) -> Option<Duration> {
        self.clock.round_trip_time()
    }

    pub(crate) const fn io(&self) -> &T {
        &self.io
    }

    /// How many bytes wait to be written, and whether the transport has to be flushed.
    pub(crate) fn unwritten(&self) -> (usize, bool) {
        (self.conn.outgoing().len(), self.must_flush)
    }

    /// Whether an event waits to be taken.
    pub(crate) const fn has_found(&self) -> bool {
        self.found.is_some()
    }

    /// Whether the connection is over.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over | Stage::Reported)
    }

    /// The event that [`poll_find`](Self::poll_find) found, with the sender to answer it.
    pub(crate) fn take(&mut self) -> Option<(Event<'_>, &mut Sender<R, S>)> {
        let (token, start) = self.found.take()?;
        let input = self.buffer.as_mut().get(start..).unwrap_or_default();
        Some(self.conn.view(token, input))
    }

    /// As [`take`](Self::take), but the event stays: a later call returns it again.
    pub(crate) fn peek(&mut self) -> Option<Event<'_>> {
        let (token, start) = self.found?;
        let input = self.buffer.as_mut().get(start..).unwrap_or_default();
        Some(self.conn.view(token, input).0)
    }

    /// Looks for an event in the bytes that were read. `false`: all of them are consumed, or wait for a
    /// decision.
    fn find(&mut self) -> bool {
        let start = self.unread.start;
        let input = self.buffer.as_mut().get_mut(self.unread.clone()).unwrap_or_default();
        let (consumed, token) = self.conn.find_event(input);
        self.unread.start = start.saturating_add(consumed);
        let Some(token) = token else { return false };
        match token.kind() {
            // The connection has answered a ping or a Close. A failure is reported once the peer was told.
            EventKind::Ping | EventKind::Pong | EventKind::Close => {
                let input = self.buffer.as_mut().get(start..).unwrap_or_default();
                self.clock.event(&self.conn.view(token, input).0);
            }
            EventKind::Failed => {}
            kind => {
                if matches!(kind, EventKind::Message | EventKind::Part) {
                    self.clock.message();
                }
                self.found = Some((token, start));
            }
        }
        true
    }

    /// Begins the closing handshake. If the connection is closing already, that is no error.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        match self.conn.sender().close(code, reason) {
            Err(SendError::NotAllowed(sansws::Misuse::Closed)) => Ok(()),
            result => result,
        }
    }
}

impl<T: Transport, R: Role, S: Storage, B: AsMut<[u8]>> Engine<T, R, S, B> {
    /// Reads until there is an event for the application. This handles control frames itself, and meanwhile
    /// writes the queued bytes as far as the transport takes them; reading never waits for that. `false`: the
    /// connection has ended cleanly, or its failure was reported before.
    pub(crate) fn poll_find(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error<T::Error>>> {
        let found = ready!(self.poll_event(cx));
        if matches!(found, Ok(true)) {
            return Poll::Ready(found);
        }
        // The caller learns once why the connection is over, even if another call has failed before.
        let was_reported = core::mem::replace(&mut self.stage, Stage::Reported) == Stage::Reported;
        Poll::Ready(match found {
            Ok(_) if !was_reported => self.conn.result().map(|()| false).map_err(Error::from),
            found => found,
        })
    }

    /// As [`poll_find`](Self::poll_find), but `false` says only that the connection is over.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error<T::Error>>> {
        loop {
            if self.found.is_some() {
                return Poll::Ready(Ok(true));
            }
            if self.is_over() {
                return Poll::Ready(Ok(false));
            }
            if self.find() {
                continue;
            }
            let is_open = matches!(self.stage, Stage::Open | Stage::PeerEnded);
            let written = if is_open { self.poll_write_all(cx) } else { Poll::Ready(Ok(())) };
            if let Poll::Ready(Err(error)) = written {
                if !self.may_read_on() || self.poll_read(cx)?.is_pending() {
                    self.lose(error)?;
                }
                continue;
            }
            if self.conn.should_disconnect() && written.is_ready() {
                ready!(self.poll_end(cx));
                continue;
            }
            if self.poll_read(cx)?.is_ready() {
                continue;
            }
            ready!(self.poll_deadline(cx))?;
        }
    }

    /// Whether bytes count that the peer sent before a write failed: its Close may be among them.
    fn may_read_on(&self) -> bool {
        self.stage == Stage::Open && self.conn.error().is_none() && self.conn.peer_close().is_none()
    }

    /// Ready if a deadline has passed and something was done about it: a ping or a Close is queued, or the
    /// connection is over. Every wait for the peer ends with this call, whether it waits to read or to write.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        let state = match self.conn.state() {
            // The protocol has ended, but not the transport, so the close deadline still applies.
            State::Closed => State::Closing,
            state => state,
        };
        match ready!(self.clock.poll(cx, state)) {
            Action::SendPing(payload) => {
                let tx = self.conn.sender();
                let is_queued = tx.ping(&payload).is_ok();
                self.clock.pinged(is_queued, tx.outgoing_len());
            }
            // Without memory for the Close, the connection is over at once.
            Action::GiveUp(Timeout::Idle) if self.close(CloseCode::TIMEOUT, "idle").is_ok() => {}
            Action::GiveUp(timeout) => return Poll::Ready(Err(self.fail(timeout.into()))),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once. `Ready` if that changed something: bytes arrived, or the peer's direction ended.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        // If bytes are left, the connection waits for a decision about its opening handshake.
        if self.stage != Stage::Open || !self.unread.is_empty() {
            return Poll::Pending;
        }
        match ready!(poll_once(self.io.read(self.buffer.as_mut()), cx)) {
            Ok(0) => {
                // The result of the connection says whether this was too early.
                let _ = self.conn.receive_eof();
                self.stage = Stage::PeerEnded;
            }
            Ok(len) => {
                self.unread = 0..len;
                self.clock.received();
            }
            Err(error) => return Poll::Ready(self.lose(Error::Transport(error))),
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all queued bytes. Waits for the transport, up to the deadlines, and reads meanwhile.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        loop {
            if let Poll::Ready(result) = self.poll_write(cx) {
                return Poll::Ready(result);
            }
            let waits = self.poll_meanwhile(cx)?.is_pending();
            // The call that reads also writes, so it may have written the last bytes.
            if waits && self.unwritten() != (0, false) {
                return Poll::Pending;
            }
        }
    }

    /// Writes queued bytes. `Ready` if the transport has taken all of them.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        if !matches!(self.stage, Stage::Open | Stage::PeerEnded) {
            // Queued bytes will never be written now, and the caller has to know.
            let is_written = self.conn.outgoing().is_empty();
            return Poll::Ready(if is_written { Ok(()) } else { Err(Error::Unwritten) });
        }
        Poll::Ready(match ready!(self.poll_write_all(cx)) {
            Err(error) if self.may_read_on() => {
                self.has_failed_write = true;
                Err(error)
            }
            written => written.or_else(|error| self.lose(error)),
        })
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        if self.has_failed_write {
            return Poll::Ready(Err(Error::Unwritten));
        }
        while !self.conn.outgoing().is_empty() {
            let poll = poll_once(self.io.write(self.conn.outgoing()), cx);
            if poll.is_pending() {
                self.clock.sent(0);
            }
            match ready!(poll).map_err(Error::Transport)? {
                0 => return Poll::Ready(Err(Error::Unwritten)),
                len => {
                    self.conn.mark_sent(len);
                    self.clock.sent(len);
                }
            }
            self.must_flush = true;
        }
        self.poll_flush_transport(cx).map_err(Error::Transport)
    }

    fn poll_flush_transport(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        if self.must_flush {
            ready!(poll_once(self.io.flush(), cx))?;
            self.must_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the transport: ends our direction, and reads until the peer ends its own. If the transport were
    /// dropped with unread bytes, a TCP reset could destroy our last bytes (RFC 6455 section 7.1.1).
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Action::GiveUp(_)) = self.clock.poll(cx, State::Closing) {
            self.stage = Stage::Over;
        }
        if matches!(self.stage, Stage::Open | Stage::PeerEnded) {
            self.io.end();
            self.must_flush = true;
            // After both Closes a server need not wait: the peer has nothing more to say (RFC 6455 section
            // 7.1.1).
            let is_enough = self.stage == Stage::PeerEnded || self.conn.is_closed_cleanly();
            self.stage = if is_enough { Stage::PeerEnded } else { Stage::WeEnded };
        }
        // The end itself has to reach the peer, too.
        let flushed = self.poll_flush_transport(cx);
        if self.stage == Stage::WeEnded {
            self.unread = 0..0;
            match ready!(poll_once(self.io.read(self.buffer.as_mut()), cx)) {
                // Bytes after the Close do not count. A peer that sends them without end gets one read for
                // each poll.
                Ok(1..) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(0) | Err(_) => self.stage = Stage::PeerEnded,
            }
        }
        if self.stage == Stage::PeerEnded {
            // A transport that fails has ended, too.
            let _ = ready!(flushed);
            self.stage = Stage::Over;
        }
        let _ = self.conn.receive_eof();
        Poll::Ready(())
    }

    /// The transport has failed. After the Close of the peer that is no error: some peers do not wait for
    /// ours, and others reset the transport.
    fn lose(&mut self, error: Error<T::Error>) -> Result<(), Error<T::Error>> {
        if self.conn.peer_close().is_none() || self.conn.error().is_some() {
            return Err(self.fail(error));
        }
        let _ = self.conn.receive_eof();
        self.stage = Stage::Over;
        Ok(())
    }

    /// The connection is over because of this error, unless it has failed before.
    fn fail(&mut self, error: Error<T::Error>) -> Error<T::Error> {
        self.stage = Stage::Over;
        match self.conn.error() {
            // The error of the transport says more than its end.
            None | Some(sansws::Error::Peer(Violation::UnexpectedEof)) => {}
            // Why the connection has failed says more than why the peer could not be told.
            Some(error) => return Error::Connection(error),
        }
        let _ = self.conn.receive_eof();
        match self.conn.error() {
            // The status of a refusal says more than why its body was cut.
            Some(refusal @ sansws::Error::Refused(_)) => Error::Connection(refusal),
            _ => error,
        }
    }

    /// Calls `send` until the outgoing buffer has room, and begins to write. Either the whole message is
    /// queued or nothing.
    pub(crate) fn poll_send(
        &mut self, cx: &mut Context<'_>, send: &mut impl FnMut(&mut Sender<R, S>) -> Result<(), SendError>,
    ) -> Poll<Result<(), Error<T::Error>>> {
        loop {
            match send(self.conn.sender()) {
                Ok(()) => {
                    return match self.poll_write(cx) {
                        Poll::Ready(result) => Poll::Ready(result),
                        Poll::Pending => Poll::Ready(Ok(())),
                    };
                }
                Err(SendError::NotNow) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            let before = self.conn.outgoing().len();
            let _ = self.poll_write(cx)?;
            if self.conn.outgoing().len() < before {
                continue;
            }
            ready!(self.poll_meanwhile(cx))?;
        }
    }

    /// What a call does while it waits for the transport to take bytes: it reads up to the next event, so
    /// that pings are answered and the peer's Close is seen.
    fn poll_meanwhile(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error<T::Error>>> {
        if self.found.is_some() { self.poll_deadline(cx) } else { self.poll_event(cx).map_ok(|_| ()) }
    }
}
