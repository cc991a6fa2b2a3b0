//! A connection in one piece.

use crate::engine::Engine;
use crate::split::Split;
use crate::{Error, TimersConfig, Transport};
use core::fmt;
use core::future::poll_fn;
use core::ops::Range;
use core::time::Duration;
use embassy_sync::blocking_mutex::raw::RawMutex;
use sansws::{CloseCode, Connection, Event, EventToken, Message, Role, SendError, Sender, Storage};

/// A WebSocket over the transport `T`. The connection is in the memory `S`; `B` is the read buffer: an array,
/// or a slice that the caller lends.
///
/// # Cancel safety
///
/// Every method that waits can be used in `select`: no byte lives in a future. If you drop a future before it
/// is ready, nothing is lost, duplicated or cut: [`recv`](Self::recv) returns the same message next time, and
/// [`send`](Self::send) has queued nothing. The other methods say what they do.
///
/// # Memory
///
/// The socket allocates nothing. Three buffers have sizes that the caller chooses: `RX` and `TX` of the
/// storage ([`Fixed`](sansws::Fixed), [`Borrowed`](sansws::Borrowed)), and the read buffer. A message that is
/// one frame and lies in the read buffer needs no room in `RX`.
pub struct WebSocket<T, R: Role, S: Storage, B> {
    pub(crate) engine: Engine<T, R, S, B>,
}

/// What a [`WebSocket`] consists of.
pub struct Parts<T, R: Role, S: Storage, B> {
    /// The transport.
    pub io: T,
    /// The state of the protocol. Bytes that are queued to be written are in its
    /// [`outgoing`](sansws::Connection::outgoing).
    pub connection: Connection<R, S>,
    /// The read buffer.
    pub buffer: B,
    /// The place in the read buffer of the bytes that were read, and that the connection has not received
    /// yet.
    pub unread: Range<usize>,
    /// The event that was found while [`send`](WebSocket::send) waited for room, if no one has taken it, and
    /// the place in the read buffer from which [`Connection::view`](sansws::Connection::view) shows it.
    pub event: Option<(EventToken, usize)>,
}

impl<T: fmt::Debug, R: fmt::Debug + Role, S: fmt::Debug + Storage, B: fmt::Debug> fmt::Debug
    for Parts<T, R, S, B>
{
    // The buffer holds what the peer has sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { io, connection, unread, event, .. } = self;
        let mut parts = f.debug_struct("Parts");
        parts.field("io", io).field("connection", connection);
        parts.field("unread", unread).field("event", event).finish_non_exhaustive()
    }
}

impl<T, R: Role, S: Storage, B> fmt::Debug for WebSocket<T, R, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.engine.conn).finish_non_exhaustive()
    }
}

impl<T, R: Role, S: Storage, B: AsMut<[u8]>> WebSocket<T, R, S, B> {
    /// Drives `connection` over `io`. The connection may be in any state. If it is not open, call
    /// [`accept`](Self::accept) or [`open`](Self::open) first.
    ///
    /// One read brings at most as many bytes as `buffer` holds. The buffer must not be empty: an empty buffer
    /// looks like the end of the transport.
    pub fn new(io: T, connection: Connection<R, S>, buffer: B, timers: TimersConfig) -> Self {
        Self::from_parts(Parts { io, connection, buffer, unread: 0..0, event: None }, timers)
    }

    /// Puts the parts of a connection together again. Also for a connection whose opening handshake took
    /// place elsewhere: `buffer` and `unread` are then the bytes that were read beyond it.
    pub fn from_parts(parts: Parts<T, R, S, B>, timers: TimersConfig) -> Self {
        let Parts { io, connection, buffer, unread, event } = parts;
        Self { engine: Engine::new((io, connection, buffer, unread, event), timers) }
    }

    /// Takes the connection apart. Nothing is lost: see [`Parts::event`].
    pub fn into_parts(self) -> Parts<T, R, S, B> {
        let (io, connection, buffer, unread, event) = self.engine.into_parts();
        Parts { io, connection, buffer, unread, event }
    }

    /// The state of the protocol: the subprotocol, the close code of the peer, and so on.
    pub const fn connection(&self) -> &Connection<R, S> {
        &self.engine.conn
    }

    /// The transport.
    pub const fn get_ref(&self) -> &T {
        self.engine.io()
    }

    /// The last measured time from a keepalive ping to its pong.
    pub const fn round_trip_time(&self) -> Option<Duration> {
        self.engine.round_trip_time()
    }

    /// Queues a message without waiting: either all of it or nothing. The next call that writes begins with
    /// this message: [`flush`](Self::flush), [`send`](Self::send) or [`recv`](Self::recv).
    ///
    /// # Errors
    /// [`SendError::NotNow`] if the outgoing buffer has no room; otherwise as [`Sender::message`].
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.sender().message(message.into())
    }

    /// The sender, for everything that can be sent: fragments, pings, pongs. It queues, like
    /// [`feed`](Self::feed).
    pub fn sender(&mut self) -> &mut Sender<R, S> {
        self.engine.conn.sender()
    }

    /// Prepares the connection for two tasks, see [`Split`].
    pub fn into_split<M: RawMutex>(self) -> Split<M, T, R, S, B> {
        Split::new(self.engine)
    }
}

impl<T: Transport, R: Role, S: Storage, B: AsMut<[u8]>> WebSocket<T, R, S, B> {
    /// Receives the next message. `None`: the connection has ended cleanly, with a closing handshake;
    /// [`connection`](Self::connection) tells the peer's close code.
    ///
    /// The message borrows the socket, so no byte is copied. Meanwhile this answers pings and the peer's
    /// Close, writes the queued bytes, sends keepalive pings, and watches the deadlines. It waits for the
    /// peer, and never for its own writes.
    ///
    /// Cancel safe: if you drop the future, the next call returns the message.
    ///
    /// # Errors
    /// The connection is over. The peer has been told the reason, if that was possible. Later calls return
    /// `None`.
    pub async fn recv(&mut self) -> Result<Option<Message<'_>>, Error<T::Error>> {
        Ok(self.recv_with_sender().await?.map(|(message, _)| message))
    }

    /// As [`recv`](Self::recv), with the sender for an answer. The answer can borrow the message, so an echo
    /// copies it only once, into the outgoing buffer. The next call of `recv` or [`flush`](Self::flush)
    /// writes it.
    ///
    /// The sender queues and never waits. If the peer does not read, the buffer gets full and the answer is
    /// refused with [`SendError::NotNow`]; [`send`](Self::send) waits for room instead.
    ///
    /// Cancel safe, as `recv` is.
    ///
    /// # Errors
    /// As `recv`.
    pub async fn recv_with_sender(
        &mut self,
    ) -> Result<Option<(Message<'_>, &mut Sender<R, S>)>, Error<T::Error>> {
        Ok(match self.recv_event().await? {
            Some((Event::Message(message), tx)) => Some((message, tx)),
            Some((Event::Part(part), tx)) => Some((part.data, tx)),
            _ => None,
        })
    }

    /// Receives the next event other than a ping, a pong, a Close or a failure, with the sender to answer it.
    /// With [`Delivery::Parts`](sansws::Delivery::Parts) this is [`Event::Part`], which tells where a message
    /// begins and ends. During the opening handshake it is the request, or the response that refuses it.
    ///
    /// Cancel safe, as [`recv`](Self::recv) is.
    ///
    /// # Errors
    /// As `recv`.
    pub async fn recv_event(&mut self) -> Result<Option<(Event<'_>, &mut Sender<R, S>)>, Error<T::Error>> {
        if poll_fn(|cx| self.engine.poll_find(cx)).await? {
            return Ok(self.engine.take());
        }
        Ok(None)
    }

    /// Sends a message: waits until the outgoing buffer has room, queues the message, and begins to write it.
    /// The call does not wait for the rest of the write. Whatever you call next continues the write: `recv`,
    /// `send`, or `flush`, which waits for it.
    ///
    /// While this waits it reads up to the next message, so pings are answered. If both sides only send and
    /// neither receives, both wait until a deadline passes; use `select` or [`into_split`](Self::into_split)
    /// to do both.
    ///
    /// Cancel safe: the future is ready as soon as the message is queued. If you drop the future before that,
    /// nothing was queued.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can never be sent: it is larger than the outgoing buffer, or the
    /// connection is closing. Any other error: the connection is over, but [`recv`](Self::recv) may still
    /// return messages that arrived before.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error<T::Error>> {
        let message = message.into();
        self.send_with(|tx| tx.message(message)).await
    }

    /// As [`send`](Self::send), for everything that the [`Sender`] can send, such as a fragment of a message
    /// that is longer than the outgoing buffer. `queue` is called again while it returns
    /// [`SendError::NotNow`].
    ///
    /// Cancel safe, as `send` is.
    ///
    /// # Errors
    /// As `send`.
    pub async fn send_with(
        &mut self, mut queue: impl FnMut(&mut Sender<R, S>) -> Result<(), SendError>,
    ) -> Result<(), Error<T::Error>> {
        poll_fn(|cx| self.engine.poll_send(cx, &mut queue)).await
    }

    /// Waits until the transport has taken all queued bytes and has flushed them. `embassy-net` flushes by
    /// waiting until the peer has acknowledged them, which takes a round trip or more; call this only if you
    /// need to know. Meanwhile this reads up to the next message, as [`send`](Self::send) does.
    ///
    /// Cancel safe: the bytes that are not written remain in the outgoing buffer.
    ///
    /// # Errors
    /// The transport has failed, or a deadline has passed. [`recv`](Self::recv) may still return messages
    /// that arrived before.
    pub async fn flush(&mut self) -> Result<(), Error<T::Error>> {
        poll_fn(|cx| self.engine.poll_flush(cx)).await
    }

    /// Closes the connection: sends a Close with this code and reason, and waits for the peer's Close and the
    /// end of the transport, at most for [the close deadline](TimersConfig::close_deadline). Messages that
    /// arrive meanwhile are dropped. If the connection is closing already, this waits for the end.
    ///
    /// Cancel safe: call it again, or `recv`, to continue.
    ///
    /// # Errors
    /// [`Error::Send`] if the code or the reason is not valid; then nothing was sent. Any other error: the
    /// connection did not end cleanly.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<T::Error>> {
        self.engine.close(code, reason)?;
        while self.recv_event().await?.is_some() {}
        Ok(())
    }
}
