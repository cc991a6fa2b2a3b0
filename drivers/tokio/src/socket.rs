//! A connection in one piece.

use crate::engine::Engine;
use crate::{Error, split};
use futures_core::Stream;
use futures_sink::Sink;
use sansws::timers::TimersConfig;
use sansws::{
    Agreed, CloseCode, Config, Connection, Event, Heap, Message, Misuse, OutOfMemory, OwnedMessage, Role,
    SendError, Sender,
};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// A WebSocket over the transport `T`.
///
/// # Cancel safety
///
/// Every method can be used in `tokio::select!`: no byte lives in a future. If you drop a future before it is
/// ready, nothing is lost, duplicated or cut: [`recv`](Self::recv) returns the same message next time, and
/// [`send`](Self::send) has queued nothing. The other methods say what they do.
///
/// # Memory
///
/// The connection queues at most [`Config::max_outgoing`](sansws::Config) bytes to write. While it waits for
/// input, it holds no read buffer.
pub struct WebSocket<T, R: Role> {
    /// Boxed, because a future that owns a socket often has room for it twice.
    pub(crate) engine: Box<Engine<T, R>>,
}

/// What a [`WebSocket`] consists of.
#[non_exhaustive]
pub struct Parts<T, R: Role> {
    /// The transport.
    pub io: T,
    /// The state of the protocol. Bytes that are queued to be written are in its
    /// [`outgoing`](sansws::Connection::outgoing).
    pub connection: Connection<R>,
    /// The bytes that were read, and that the connection has not received yet.
    pub unread: Vec<u8>,
    /// The message that was received while [`send`](WebSocket::send) waited for room, if no one has taken it.
    pub message: Option<OwnedMessage>,
}

impl<T, R: Role> fmt::Debug for WebSocket<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.engine.conn).finish_non_exhaustive()
    }
}

impl<T, R: Role> WebSocket<T, R> {
    /// Continues `connection` over `io`. The bytes `unread` were read from `io` already. The connection may
    /// be in any state; the caller makes the opening handshake, see [`accept`](crate::accept) and
    /// [`client`](crate::client).
    pub fn new(io: T, connection: Connection<R>, unread: &[u8], timers: TimersConfig) -> Self {
        Self { engine: Box::new(Engine::new(io, connection, unread, timers)) }
    }

    /// A connection whose opening handshake took place elsewhere, for example in an HTTP stack that has
    /// upgraded `io`. The HTTP stack may have read some of the peer's frames already: these bytes are
    /// `unread`.
    pub fn from_upgraded(io: T, role: R, config: Config, agreed: Agreed, unread: &[u8]) -> Self {
        let connection = Connection::after_handshake(role, config, agreed);
        Self::new(io, connection, unread, TimersConfig::new())
    }

    /// The state of the protocol: the subprotocol, the close code of the peer, and so on.
    pub const fn connection(&self) -> &Connection<R> {
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

    /// Takes the codecs from this pool from the next message on, so that an idle connection owns none.
    /// [`Connection::set_deflate_pool`] says what it costs.
    ///
    /// # Errors
    /// [`Misuse::CompressionNotAgreed`] if this connection compresses nothing. Not every client offers
    /// compression, so a server first asks whether [`Connection::deflate`] returns parameters.
    #[cfg(feature = "deflate")]
    pub fn set_deflate_pool(&mut self, pool: &sansws::deflate::Pool) -> Result<(), Misuse> {
        self.engine.conn.set_deflate_pool(pool)
    }

    /// Takes the connection apart.
    ///
    /// # Errors
    /// There is no memory for the message that no one has taken.
    pub fn into_parts(mut self) -> Result<Parts<T, R>, OutOfMemory> {
        let message = owned(self.engine.take().map(|(event, _)| event)).transpose()?;
        let (io, connection, unread) = self.engine.into_parts();
        Ok(Parts { io, connection, unread, message })
    }

    /// Queues a message without waiting: either all of it or nothing. The next call that writes begins with
    /// this message: [`flush`](Self::flush), [`send`](Self::send) or [`recv`](Self::recv).
    ///
    /// # Errors
    /// [`SendError::NotNow`] if the outgoing buffer has no room; otherwise as [`Sender::message`].
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.sender().message(message.into())
    }

    /// The sender, for everything that can be sent: fragments, prepared messages, pings. It queues, like
    /// [`feed`](Self::feed).
    pub fn sender(&mut self) -> &mut Sender<R, Heap> {
        self.engine.conn.sender()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> WebSocket<T, R> {
    /// Receives the next message. `None`: the connection has ended cleanly, with a closing handshake;
    /// [`connection`](Self::connection) tells the peer's close code.
    ///
    /// The message borrows the connection, so no byte is copied. Meanwhile this answers pings and the peer's
    /// Close, writes the queued bytes, sends keepalive pings, and watches the deadlines. It waits for the
    /// peer, and never for its own writes.
    ///
    /// Cancel safe: if you drop the future, the next call returns the message.
    ///
    /// # Errors
    /// The connection is over. The peer has been told the reason, if that was possible. Later calls return
    /// `None`.
    pub async fn recv(&mut self) -> Result<Option<Message<'_>>, Error> {
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
    pub async fn recv_with_sender(&mut self) -> Result<Option<(Message<'_>, &mut Sender<R, Heap>)>, Error> {
        if !poll_fn(|cx| self.engine.poll_find(cx.waker())).await? {
            return Ok(None);
        }
        Ok(match self.engine.take() {
            Some((Event::Message(message), tx)) => Some((message, tx)),
            Some((Event::Part(part), tx)) => Some((part.data, tx)),
            _ => None,
        })
    }

    /// As [`recv_with_sender`](Self::recv_with_sender), for a configuration with
    /// [`Delivery::Parts`](sansws::Delivery::Parts): returns [`Event::Part`], which tells where a message
    /// begins and ends.
    ///
    /// Cancel safe, as `recv` is.
    ///
    /// # Errors
    /// As `recv`.
    pub async fn recv_event(&mut self) -> Result<Option<(Event<'_>, &mut Sender<R, Heap>)>, Error> {
        if poll_fn(|cx| self.engine.poll_find(cx.waker())).await? {
            return Ok(self.engine.take());
        }
        Ok(None)
    }

    /// Sends a message: waits until the outgoing buffer has room, queues the message, and begins to write it.
    /// The call does not wait for the rest of the write. Whatever you call next continues the write: `recv`,
    /// `send`, or `flush`, which waits for it.
    ///
    /// While this waits it reads up to the next message, so pings are answered. If both sides only send and
    /// neither receives, both wait until a deadline passes; use `select!` or [`into_split`](Self::into_split)
    /// to do both.
    ///
    /// Cancel safe: the future is ready as soon as the message is queued. If you drop the future before that,
    /// nothing was queued.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can never be sent: it is larger than the outgoing buffer, or the
    /// connection is closing. Any other error: the connection is over, but [`recv`](Self::recv) may still
    /// return messages that arrived before.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| self.engine.poll_send(cx.waker(), |tx| tx.message(message))).await
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
        &mut self, mut queue: impl FnMut(&mut Sender<R, Heap>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.engine.poll_send(cx.waker(), &mut queue)).await
    }

    /// Waits until the transport has taken all queued bytes. Meanwhile this reads up to the next message, as
    /// [`send`](Self::send) does.
    ///
    /// Cancel safe: the bytes that are not written remain in the outgoing buffer.
    ///
    /// # Errors
    /// The transport has failed, or a deadline has passed. [`recv`](Self::recv) may still return messages
    /// that arrived before.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.engine.poll_flush(cx.waker())).await
    }

    /// Measures the round trip: sends a ping and waits for its pong (RFC 6455 section 5.5.2). The time counts
    /// from the moment that the transport took the ping. It includes the time that the pong spent behind
    /// messages of the peer.
    ///
    /// The connection reads no further than the next message, because only you can take it. So if a message
    /// arrives before the pong, this returns [`Error::MessageFirst`]: receive the message, and call `ping`
    /// again, which sends no other ping but waits for the pong of the first one. The ping of a
    /// [`WriteHalf`](split::WriteHalf::ping) waits instead.
    ///
    /// A peer that sends messages and never answers a ping makes this wait for ever: limit the time if you do
    /// not trust it. A peer that sends nothing is given up by keepalive.
    ///
    /// Cancel safe: if you drop the future, the next call continues with the same ping. It returns the round
    /// trip even if the pong has arrived meanwhile.
    ///
    /// ```no_run
    /// # use sansws_tokio::{Error, RandomClient, WebSocket};
    /// # async fn example(mut socket: WebSocket<tokio::net::TcpStream, RandomClient>) -> Result<(), Error> {
    /// let round_trip = loop {
    ///     match socket.ping().await {
    ///         Err(Error::MessageFirst) => println!("received {:?}", socket.recv().await?),
    ///         result => break result?,
    ///     }
    /// };
    /// println!("the peer is {round_trip:?} away");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::MessageFirst`]; [`Error::Send`] if the connection is closing or was closed. Any other error:
    /// the connection is over.
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        poll_fn(|cx| self.engine.poll_ping(cx.waker())).await?.ok_or(Error::MessageFirst)
    }

    /// Closes the connection: sends a Close with this code and reason, and waits for the peer's Close and the
    /// end of the transport, at most for [the close deadline](sansws::timers::TimersConfig::close_deadline).
    /// Messages that arrive meanwhile are dropped. If the connection is closing already, this waits for the
    /// end.
    ///
    /// Cancel safe: call it again, or `recv`, to continue.
    ///
    /// # Errors
    /// [`Error::Send`] if the code or the reason is not valid; then nothing was sent. Any other error: the
    /// connection did not end cleanly.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        close(&mut self.engine.conn, code, reason)?;
        while self.recv_event().await?.is_some() {}
        Ok(())
    }

    /// Splits the connection into two halves for two tasks.
    pub fn into_split(self) -> (split::ReadHalf<T, R>, split::WriteHalf<T, R>) {
        split::new(*self.engine)
    }
}

/// Queues a Close. If the connection is closing already, that is no error.
pub(crate) fn close<R: Role>(
    connection: &mut Connection<R>, code: CloseCode, reason: &str,
) -> Result<(), SendError> {
    match connection.sender().close(code, reason) {
        Err(SendError::NotAllowed(Misuse::Closed)) => Ok(()),
        result => result,
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role + Unpin> Stream for WebSocket<T, R> {
    type Item = Result<OwnedMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !ready!(self.engine.poll_find(cx.waker()))? {
            return Poll::Ready(None);
        }
        let event = self.engine.take().map(|(event, _)| event);
        Poll::Ready(owned(event).map(|message| message.map_err(Error::from)))
    }
}

/// The content of an event, as a message that owns its payload.
pub(crate) fn owned(event: Option<Event<'_>>) -> Option<Result<OwnedMessage, OutOfMemory>> {
    match event? {
        Event::Message(message) => Some(message.into_owned()),
        Event::Part(part) => Some(part.data.into_owned()),
        _ => None,
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role + Unpin> Sink<OwnedMessage> for WebSocket<T, R> {
    type Error = Error;

    /// Waits until all that is queued is written, so that any message that can be sent at all fits.
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.engine.poll_flush(cx.waker())
    }

    fn start_send(mut self: Pin<&mut Self>, message: OwnedMessage) -> Result<(), Error> {
        Ok(self.feed(&message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.engine.poll_flush(cx.waker())
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        close(&mut self.engine.conn, CloseCode::NORMAL, "")?;
        while ready!(self.engine.poll_find(cx.waker()))? {
            let _ = self.engine.take();
        }
        Poll::Ready(Ok(()))
    }
}
