//! A connection in two halves, for two tasks.
//!
//! One mutex guards the state. A half holds it for one poll, which never waits. Both halves write: the half
//! that reads sends pongs and the answer to a Close. And both read: the half that waits until bytes are
//! written, or for a pong, reads up to the next message, so that pings are answered.

mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard};
}
mod wakers;

use crate::Error;
use crate::engine::Engine;
use crate::socket::{close, owned};
use futures_core::Stream;
use futures_sink::Sink;
use sansws::{
    CloseCode, Connection, Event, Heap, Message, OutOfMemory, OwnedMessage, Role, SendError, Sender,
};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
pub(crate) use wakers::Ping;
use wakers::{Handle, Progress, Shareable};

/// The half that receives. It answers pings and the peer's Close, sends keepalive pings, and watches the
/// deadlines, without help from the other half. If you drop it, nothing reads any more, and the connection
/// does not close by itself.
pub struct ReadHalf<T, R: Role> {
    half: Handle<Engine<T, R>>,
    /// The message that was received last.
    message: OwnedMessage,
}

/// The half that sends.
pub struct WriteHalf<T, R: Role> {
    half: Handle<Engine<T, R>>,
}

impl<T, R: Role> Shareable for Engine<T, R> {
    fn progress(&self) -> Progress {
        Progress {
            outgoing: self.conn.outgoing().len(),
            must_flush: self.must_flush(),
            has_found: self.has_found(),
            ping: self.ping(),
            is_over: self.is_failing(),
        }
    }
}

pub(crate) fn new<T, R: Role>(engine: Engine<T, R>) -> (ReadHalf<T, R>, WriteHalf<T, R>) {
    let [read, write] = wakers::share(engine);
    (ReadHalf { half: read, message: OwnedMessage::Binary(Vec::new()) }, WriteHalf { half: write })
}

/// A message buffer that is larger than this is not kept for the next message.
const KEPT: usize = 64 << 10;

/// Frees the memory of the last message if it is too large to be kept for the next one.
fn free_if_large(message: &mut OwnedMessage) {
    let capacity = match message {
        OwnedMessage::Text(text) => text.capacity(),
        OwnedMessage::Binary(bytes) => bytes.capacity(),
    };
    if capacity > KEPT {
        *message = OwnedMessage::Binary(Vec::new());
    }
}

/// Copies the message into the memory of `to`, if it has the same kind.
fn copy(message: Message<'_>, to: &mut OwnedMessage) -> Result<(), OutOfMemory> {
    match (message, to) {
        (Message::Text(text), OwnedMessage::Text(to)) => {
            to.clear();
            to.push_str(text);
        }
        (Message::Binary(bytes), OwnedMessage::Binary(to)) => {
            to.clear();
            to.extend_from_slice(bytes);
        }
        (message, to) => *to = message.into_owned()?,
    }
    Ok(())
}

/// Both halves can look at the connection.
macro_rules! with_connection {
    ($($half:ident),+) => {$(
        impl<T, R: Role> $half<T, R> {
            /// Calls `look` with the state of the protocol: the subprotocol, the close code of the peer, and
            /// so on. The other half waits meanwhile, so `look` must not wait.
            ///
            /// ```
            /// # fn example<T, R: sansws_tokio::sansws::Role>(half: &sansws_tokio::split::ReadHalf<T, R>) {
            /// let code = half.with_connection(|connection| connection.close_code());
            /// # let _ = code;
            /// # }
            /// ```
            pub fn with_connection<O>(&self, look: impl FnOnce(&Connection<R>) -> O) -> O {
                look(&self.half.lock().conn)
            }
        }
    )+};
}
with_connection!(ReadHalf, WriteHalf);

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> ReadHalf<T, R> {
    /// As [`WebSocket::recv`](crate::WebSocket::recv). The message is a copy in the memory of this half,
    /// because the other half may use the connection meanwhile.
    ///
    /// Cancel safe: if you drop the future, the next call returns the message.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn recv(&mut self) -> Result<Option<Message<'_>>, Error> {
        let Self { half, message } = self;
        // The peer may be silent for long, so a large message must not wait here for the next one.
        free_if_large(message);
        let found = poll_fn(|cx| {
            half.poll(cx, |engine, waker| {
                if !ready!(engine.poll_find(waker))? {
                    return Poll::Ready(Ok::<_, Error>(false));
                }
                match engine.take() {
                    Some((Event::Message(received), _)) => copy(received, message)?,
                    Some((Event::Part(part), _)) => copy(part.data, message)?,
                    _ => {}
                }
                Poll::Ready(Ok(true))
            })
        });
        Ok(if found.await? { Some(message.as_message()) } else { None })
    }

    /// Joins the halves of one connection again. `Err` gives the halves back: they are of two connections.
    ///
    /// # Errors
    /// The halves belong to two connections.
    pub fn unsplit(self, other: WriteHalf<T, R>) -> Result<crate::WebSocket<T, R>, (Self, WriteHalf<T, R>)> {
        let Self { half, message } = self;
        match half.join(other.half) {
            Ok(engine) => Ok(crate::WebSocket { engine: Box::new(engine) }),
            Err((half, other)) => Err((Self { half, message }, WriteHalf { half: other })),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> WriteHalf<T, R> {
    /// As [`WebSocket::feed`](crate::WebSocket::feed).
    ///
    /// # Errors
    /// As `WebSocket::feed`.
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.half.lock().conn.sender().message(message.into())
    }

    /// Calls `send` with the sender, for everything that can be sent. It queues, like [`feed`](Self::feed).
    pub fn with_sender<O>(&mut self, send: impl FnOnce(&mut Sender<R, Heap>) -> O) -> O {
        send(self.half.lock().conn.sender())
    }

    /// As [`WebSocket::send`](crate::WebSocket::send).
    ///
    /// Cancel safe: the future is ready as soon as the message is queued. If you drop the future before that,
    /// nothing was queued.
    ///
    /// # Errors
    /// As `WebSocket::send`.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| self.half.poll(cx, |engine, waker| engine.poll_send(waker, |tx| tx.message(message))))
            .await
    }

    /// As [`WebSocket::send_with`](crate::WebSocket::send_with). `queue` runs while the other half cannot, so
    /// it should only queue.
    ///
    /// Cancel safe, as `send` is.
    ///
    /// # Errors
    /// As `WebSocket::send`.
    pub async fn send_with(
        &mut self, mut queue: impl FnMut(&mut Sender<R, Heap>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        poll_fn(|cx| self.half.poll(cx, |engine, waker| engine.poll_send(waker, &mut queue))).await
    }

    /// As [`WebSocket::flush`](crate::WebSocket::flush).
    ///
    /// Cancel safe: the bytes that are not written remain in the outgoing buffer.
    ///
    /// # Errors
    /// The transport has failed, or a deadline has passed.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.half.poll(cx, Engine::poll_flush)).await
    }

    /// As [`WebSocket::ping`](crate::WebSocket::ping), while the other half receives: a message that arrives
    /// before the pong is no error here, and the call waits until the other half has taken it.
    ///
    /// Cancel safe, as `WebSocket::ping`.
    ///
    /// # Errors
    /// [`Error::MessageFirst`] if the other half was dropped, so that no one takes the messages any more.
    /// Otherwise as `WebSocket::ping`.
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        let poll = |cx: &mut Context<'_>| {
            let found = self.half.poll(cx, Engine::poll_ping);
            match ready!(found)? {
                Some(round_trip) => Poll::Ready(Ok(round_trip)),
                None if self.half.is_alone() => Poll::Ready(Err(Error::MessageFirst)),
                None => Poll::Pending,
            }
        };
        poll_fn(poll).await
    }

    /// Begins the closing handshake and writes the Close. The other half sees the end: its `recv` returns
    /// `None` when the closing handshake is complete.
    ///
    /// Cancel safe: the Close is queued by the first poll.
    ///
    /// # Errors
    /// [`Error::Send`] if the code or the reason is not valid. Otherwise, the transport has failed, or a
    /// deadline has passed.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        close(&mut self.half.lock().conn, code, reason)?;
        self.flush().await
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Stream for ReadHalf<T, R> {
    type Item = Result<OwnedMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.half.poll(cx, |engine, waker| {
            if !ready!(engine.poll_find(waker))? {
                return Poll::Ready(None);
            }
            let event = engine.take().map(|(event, _)| event);
            Poll::Ready(owned(event).map(|message| message.map_err(Error::from)))
        })
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Sink<OwnedMessage> for WriteHalf<T, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: OwnedMessage) -> Result<(), Error> {
        Ok(self.feed(&message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll(cx, Engine::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        close(&mut self.half.lock().conn, CloseCode::NORMAL, "")?;
        self.poll_flush(cx)
    }
}

impl<T, R: Role> fmt::Debug for ReadHalf<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<T, R: Role> fmt::Debug for WriteHalf<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
