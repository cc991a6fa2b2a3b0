//! One WebSocket on one request stream. This file is the adapter to copy.
//!
//! | on the stream | on the connection |
//! |---|---|
//! | payload of a DATA frame | input of `receive` |
//! | FIN of the peer | `receive_eof`, once all data before it is consumed |
//! | reset of the peer | `receive_eof` at once, and our direction is reset too |
//! | `should_disconnect` | FIN of our direction (RFC 9220 section 3) |
//! | a deadline has passed before our FIN | reset of both directions with `H3_REQUEST_CANCELLED` |

use quiche::{Shutdown, h3};
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Connection, Event, Heap, Role, Sender};
use std::mem;
use std::time::Duration;

/// The stream is not needed any more, and nothing is wrong (RFC 9114 section 8.1).
pub const H3_NO_ERROR: u64 = 0x100;
/// A frame that may not occur here.
pub const H3_FRAME_UNEXPECTED: u64 = 0x105;
/// The peer asks for more than it should.
pub const H3_EXCESSIVE_LOAD: u64 = 0x107;
/// The transport is lost. RFC 9220 section 3 names this code for what a reset is to TCP.
pub const H3_REQUEST_CANCELLED: u64 = 0x10c;

/// If this many bytes wait to be sent, the WebSocket reads nothing more. So a peer that sends but does not
/// read stops, because QUIC's flow control gives it no new credit.
const PAUSE_AT: usize = 64 << 10;

/// Once the WebSocket is over, the peer has this long to read what still waits, and to end its own direction.
const LINGER: Duration = Duration::from_secs(3);

/// What a program does with an event.
pub type OnEvent<'f, R> = dyn FnMut(Event<'_>, &mut Sender<R, Heap>) + 'f;

/// A WebSocket, from the answer to the request on.
pub struct WebSocket<R: Role> {
    stream: u64,
    /// The state of the WebSocket.
    pub connection: Connection<R>,
    timers: Timers,
    /// Input that was read while too many bytes waited to be sent.
    rest: Vec<u8>,
    /// The peer has sent its FIN, and the program has read everything before it.
    peer_has_ended: bool,
    /// We have sent our FIN.
    has_ended: bool,
    /// The WebSocket is over, and this is until when we wait for the peer.
    until: Option<Duration>,
    is_over: bool,
    gave_up: Option<Timeout>,
}

impl<R: Role> WebSocket<R> {
    /// The WebSocket on this stream, which begins `now`.
    #[must_use]
    pub fn new(stream: u64, connection: Connection<R>, now: Duration) -> Self {
        let timers = Timers::new(TimersConfig::new(), now);
        let rest = Vec::new();
        Self {
            stream,
            connection,
            timers,
            rest,
            peer_has_ended: false,
            has_ended: false,
            until: None,
            is_over: false,
            gave_up: None,
        }
    }

    /// Whether both directions of the stream have ended. The program can then forget the WebSocket.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// When to call [`turn`](Self::turn) even if nothing arrives.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        [self.timers.next_deadline(), self.until].into_iter().flatten().min()
    }

    /// How the WebSocket ended, in a few words.
    #[must_use]
    pub fn outcome(&self) -> String {
        if let Some(timeout) = self.gave_up {
            return format!("given up: {timeout}");
        }
        match (self.connection.error(), self.connection.close_code()) {
            (Some(error), _) => format!("failed: {error}"),
            (None, Some(code)) if self.connection.is_closed_cleanly() => format!("closed cleanly: {code}"),
            (None, _) => "ended without a closing handshake".to_owned(),
        }
    }

    /// Reads what has arrived, reports each event, and sends what is to be sent. Call it after `h3.poll` has
    /// returned every event, because quiche looks for DATA frames only there. Returns whether anything was
    /// read: the end of the stream may be behind it, so ask `h3.poll` again then.
    pub fn turn(
        &mut self, quic: &mut quiche::Connection, h3: &mut h3::Connection, buffer: &mut [u8], now: Duration,
        on_event: &mut OnEvent<'_, R>,
    ) -> bool {
        let mut has_read = false;
        while !self.is_over && self.connection.outgoing().len() < PAUSE_AT {
            if !self.read(quic, h3, buffer, now, on_event) {
                break;
            }
            has_read = true;
            self.write(quic, h3, now);
        }
        // H3-3-05
        if self.peer_has_ended && self.rest.is_empty() && !self.is_over {
            self.connection.receive_eof();
        }
        self.keep_time(quic, now);
        self.write(quic, h3, now);
        self.linger(quic, now);
        has_read
    }

    /// The peer has sent its FIN, and all data before it was read: `Event::Finished`.
    pub const fn peer_finished(&mut self) {
        self.peer_has_ended = true;
    }

    /// The peer has reset the stream, or the connection below is lost. So there is nobody to talk to.
    pub fn lost(&mut self, quic: &mut quiche::Connection) {
        if self.is_over {
            return;
        }
        self.connection.receive_eof();
        self.connection.mark_sent(usize::MAX);
        // H3-3-06. quiche reports an error if a direction has ended already.
        let _ = quic.stream_shutdown(self.stream, Shutdown::Write, H3_REQUEST_CANCELLED);
        let _ = quic.stream_shutdown(self.stream, Shutdown::Read, H3_REQUEST_CANCELLED);
        self.is_over = true;
    }

    /// Reads once. Returns whether there was anything.
    fn read(
        &mut self, quic: &mut quiche::Connection, h3: &mut h3::Connection, buffer: &mut [u8], now: Duration,
        on_event: &mut OnEvent<'_, R>,
    ) -> bool {
        let mut rest = mem::take(&mut self.rest);
        let mut input = if rest.is_empty() {
            match h3.recv_body(quic, self.stream, buffer) {
                Ok(len) => {
                    self.timers.received(now);
                    &mut buffer[..len]
                }
                Err(h3::Error::TransportError(quiche::Error::StreamReset(_))) => {
                    self.lost(quic);
                    return false;
                }
                // There is nothing to read. If the whole connection failed, its owner calls `lost`.
                Err(_) => return false,
            }
        } else {
            &mut rest
        };
        while self.connection.outgoing().len() < PAUSE_AT {
            let Some((event, tx)) = self.connection.receive(&mut input) else { break };
            self.timers.event(now, &event);
            on_event(event, tx);
        }
        self.rest = input.to_vec();
        true
    }

    fn write(&mut self, quic: &mut quiche::Connection, h3: &mut h3::Connection, now: Duration) {
        while !self.is_over && !self.has_ended {
            // After `receive_eof`, bytes can still wait although the connection is over: a peer that has
            // ended only its own direction reads them.
            let is_last = self.connection.outgoing().is_empty();
            if is_last && !self.connection.should_disconnect() {
                return;
            }
            match h3.send_body(quic, self.stream, self.connection.outgoing(), is_last) {
                Ok(_) if is_last => self.has_ended = true,
                Ok(len) => {
                    self.connection.mark_sent(len);
                    self.timers.sent(now, len);
                }
                // The peer's window or the congestion window is full. The next turn tries again.
                Err(h3::Error::Done | h3::Error::StreamBlocked) => {
                    self.timers.sent(now, 0);
                    return;
                }
                // The peer does not want to read any more (STOP_SENDING), or the connection is lost.
                Err(_) => return self.lost(quic),
            }
        }
    }

    fn keep_time(&mut self, quic: &mut quiche::Connection, now: Duration) {
        if self.is_over {
            return;
        }
        match self.timers.poll(now, self.connection.state()) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(tx.outgoing_len()),
                }
            }
            Action::GiveUp(timeout) => {
                self.gave_up = Some(timeout);
                self.lost(quic);
            }
            _ => {}
        }
    }

    /// Once the WebSocket is over, waits a little for the end of both directions.
    fn linger(&mut self, quic: &mut quiche::Connection, now: Duration) {
        if self.is_over || !self.connection.should_disconnect() {
            return;
        }
        let is_late = now >= *self.until.get_or_insert(now + LINGER);
        match (self.has_ended, self.peer_has_ended) {
            (true, true) => self.is_over = true,
            (true, false) if is_late => {
                let _ = quic.stream_shutdown(self.stream, Shutdown::Read, H3_NO_ERROR);
                self.is_over = true;
            }
            (false, _) if is_late => self.lost(quic),
            _ => {}
        }
    }
}
