//! A connection over any asynchronous transport: `embassy-net`'s `TcpSocket`, a TLS session, a UART.
//!
//! [`Driver::turn`] reads, writes and keeps time. It returns when there is something to decide, as a task in
//! `embassy` needs it. The driver owns nothing but the connection, its timers and one buffer.
#![no_std]

use core::pin::pin;
use embassy_futures::select::{Either, select};
use embassy_time::{Instant, Timer};
use embedded_io_async::{Read, Write};
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Connection, Error, Event, Role, SendError, Sender, State, Storage};

/// Why a connection has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure<E> {
    /// The transport reported an error.
    Transport(E),
    /// The connection failed. The peer has been told.
    WebSocket(Error),
    /// A call in the handler of events was refused.
    NotSent(SendError),
    /// A deadline has passed.
    TimedOut(Timeout),
}

/// A connection, its transport, and its deadlines.
pub struct Driver<T, R: Role, S: Storage, const BUFFER: usize> {
    transport: T,
    connection: Connection<R, S>,
    timers: Timers,
    buffer: [u8; BUFFER],
}

impl<T: Read + Write, R: Role, S: Storage, const BUFFER: usize> Driver<T, R, S, BUFFER> {
    /// Drives `connection` over `transport`. `BUFFER` is the number of bytes that one read can bring.
    pub fn new(transport: T, connection: Connection<R, S>, timers: TimersConfig) -> Self {
        let mut timers = Timers::new(timers, now());
        // The connection can be open already. Nothing else is due yet.
        let _ = timers.poll(now(), connection.state());
        Self { transport, connection, timers, buffer: [0; BUFFER] }
    }

    /// The sending half. The next [`turn`](Self::turn) or [`flush`](Self::flush) writes the frames that it
    /// queues.
    pub fn sender(&mut self) -> &mut Sender<R, S> {
        self.connection.sender()
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        self.connection.state()
    }

    /// Writes all queued bytes.
    ///
    /// # Errors
    /// [`Failure::Transport`]. [`Failure::TimedOut`] if a deadline passes before the transport takes the bytes.
    pub async fn flush(&mut self) -> Result<(), Failure<T::Error>> {
        while !self.connection.outgoing().is_empty() {
            let len = self.write().await?;
            self.connection.mark_sent(len);
            self.timers.sent(now(), len);
        }
        self.transport.flush().await.map_err(Failure::Transport)
    }

    /// Waits until the transport takes some of the queued bytes, or until a deadline.
    async fn write(&mut self) -> Result<usize, Failure<T::Error>> {
        // A write that is dropped may have written some bytes, so it is dropped only to give up.
        let mut write = pin!(self.transport.write(self.connection.outgoing()));
        loop {
            if let Some(len) = before(self.timers.next_deadline(), write.as_mut()).await {
                return len.map_err(Failure::Transport);
            }
            // The transport is full.
            self.timers.sent(now(), 0);
            match self.timers.poll(now(), self.connection.state()) {
                Action::SendPing(_) => self.timers.ping_refused(),
                Action::GiveUp(timeout) => return Err(Failure::TimedOut(timeout)),
                _ => {}
            }
        }
    }

    /// Writes all queued bytes, waits for bytes or for a deadline, and hands each event to `handle`, with the
    /// sender to answer it. Returns whether the connection continues; if not, close the transport.
    ///
    /// The future may be dropped while it waits for bytes, as in a `select` with a button or a sensor.
    /// Nothing is lost if the transport's `read` loses nothing when it is dropped.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub async fn turn(
        &mut self, mut handle: impl FnMut(Event<'_>, &mut Sender<R, S>) -> Result<(), SendError>,
    ) -> Result<bool, Failure<T::Error>> {
        self.flush().await?;
        if self.connection.should_disconnect() {
            return Ok(false);
        }
        match self.timers.poll(now(), self.connection.state()) {
            Action::SendPing(payload) => {
                let tx = self.connection.sender();
                match tx.ping(&payload) {
                    Ok(()) => self.timers.ping_queued(tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(),
                }
                self.flush().await?;
            }
            Action::GiveUp(timeout) => return Err(Failure::TimedOut(timeout)),
            _ => {}
        }
        let read = self.transport.read(&mut self.buffer);
        let Some(len) = before(self.timers.next_deadline(), read).await else { return Ok(true) };
        let len = len.map_err(Failure::Transport)?;
        if len == 0 {
            // The end of the transport can complete the body of a refusal. There is nothing left to answer.
            self.connection.receive_eof();
            return self.connection.result().map(|()| false).map_err(Failure::WebSocket);
        }
        self.timers.received(now());
        let mut input = self.buffer.get_mut(..len).unwrap_or_default();
        while let Some((event, tx)) = self.connection.receive(&mut input) {
            self.timers.event(now(), &event);
            handle(event, tx).map_err(Failure::NotSent)?;
        }
        if let Some(error) = self.connection.error() {
            // The Close that tells the peer is queued. Write it before giving up.
            self.flush().await?;
            return Err(Failure::WebSocket(error));
        }
        Ok(true)
    }
}

/// The result of `future`; `None` if the deadline passes first.
async fn before<F: Future>(deadline: Option<core::time::Duration>, future: F) -> Option<F::Output> {
    let Some(deadline) = deadline else { return Some(future.await) };
    // One microsecond more, so that the deadline has passed when the timer fires.
    let at = u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
    match select(future, Timer::at(Instant::from_micros(at))).await {
        Either::First(output) => Some(output),
        Either::Second(()) => None,
    }
}

fn now() -> core::time::Duration {
    core::time::Duration::from_micros(Instant::now().as_micros())
}
