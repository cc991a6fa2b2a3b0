//! A connection in two halves, for two tasks.
//!
//! One mutex guards the state. A half holds it for one poll, which never waits. Both halves write: the half that
//! reads sends pongs and the answer to a Close. A transport remembers only the task that polled it last, so whoever
//! writes registers a waker that wakes both halves.

use crate::Error;
use crate::engine::{Engine, Wakers};
use crate::socket::{close, owned};
use futures_core::Stream;
use futures_sink::Sink;
use sansws::{CloseCode, Event, Heap, Message, OutOfMemory, OwnedMessage, Role, SendError, Sender};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite};

/// The half that receives. It answers pings and the peer's Close, sends keepalive pings, and watches the deadlines,
/// without help from the other half. If you drop it, nothing reads any more, and the connection does not close by
/// itself.
pub struct ReadHalf<T, R: Role> {
    shared: Arc<Shared<T, R>>,
    /// The message that was received last.
    message: OwnedMessage,
}

/// The half that sends.
pub struct WriteHalf<T, R: Role> {
    shared: Arc<Shared<T, R>>,
}

struct Shared<T, R: Role> {
    engine: Mutex<Engine<T, R>>,
    both: Arc<Both>,
    /// Wakes both halves.
    waker: Waker,
}

/// The tasks of the two halves, if they wait.
#[derive(Default)]
struct Both {
    tasks: Mutex<[Option<Waker>; 2]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Read = 0,
    Write = 1,
}

impl Half {
    const fn other(self) -> Self {
        match self {
            Self::Read => Self::Write,
            Self::Write => Self::Read,
        }
    }
}

impl Both {
    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, half: Half, waker: &Waker) {
        match &mut self.lock()[half as usize] {
            Some(task) => task.clone_from(waker),
            task => *task = Some(waker.clone()),
        }
    }

    fn wake_half(&self, half: Half) {
        // The lock is free again when the task is woken, because it may poll at once.
        let task = self.lock()[half as usize].take();
        task.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_half(Half::Read);
        self.wake_half(Half::Write);
    }
}

pub(crate) fn new<T, R: Role>(engine: Engine<T, R>) -> (ReadHalf<T, R>, WriteHalf<T, R>) {
    let both = Arc::new(Both::default());
    let waker = Waker::from(Arc::clone(&both));
    let shared = Arc::new(Shared { engine: Mutex::new(engine), both, waker });
    let message = OwnedMessage::Binary(Vec::new());
    (ReadHalf { shared: Arc::clone(&shared), message }, WriteHalf { shared })
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Shared<T, R> {
    fn lock(&self) -> MutexGuard<'_, Engine<T, R>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the engine for one half, and wakes the other half if that can go on now.
    fn poll<O>(
        &self, half: Half, cx: &Context<'_>, poll: impl FnOnce(&mut Engine<T, R>, Wakers<'_>) -> O,
    ) -> O {
        // The task is registered before the transport is polled, so no wake can be missed.
        self.both.register(half, cx.waker());
        let mut engine = self.lock();
        let before = engine.conn.outgoing().len();
        // The half that waits for room reads too, so that pings are answered.
        let result = poll(&mut engine, Wakers { read: &self.waker, write: &self.waker });
        let has_written = engine.conn.outgoing().len() < before;
        let other_can_go_on = has_written || engine.has_found() || engine.is_over();
        drop(engine);
        if other_can_go_on {
            self.both.wake_half(half.other());
        }
        result
    }
}

/// A message buffer that is larger than this is not kept for the next message.
const KEPT: usize = 64 << 10;

/// Copies the message into the memory of `to`, if it has the same kind.
fn copy(message: Message<'_>, to: &mut OwnedMessage) -> Result<(), OutOfMemory> {
    match (message, to) {
        (Message::Text(text), OwnedMessage::Text(to)) if to.capacity() <= KEPT => {
            to.clear();
            to.push_str(text);
        }
        (Message::Binary(bytes), OwnedMessage::Binary(to)) if to.capacity() <= KEPT => {
            to.clear();
            to.extend_from_slice(bytes);
        }
        (message, to) => *to = message.into_owned()?,
    }
    Ok(())
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> ReadHalf<T, R> {
    /// As [`WebSocket::recv`](crate::WebSocket::recv). The message is a copy in the memory of this half, because the
    /// other half may use the connection meanwhile.
    ///
    /// Cancel safe: if you drop the future, the next call returns the message.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn recv(&mut self) -> Result<Option<Message<'_>>, Error> {
        let Self { shared, message } = self;
        let found = poll_fn(|cx| {
            shared.poll(Half::Read, cx, |engine, wakers| {
                if !ready!(engine.poll_find(wakers))? {
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
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            return Err((self, other));
        }
        drop(other);
        let Self { shared, message } = self;
        match Arc::try_unwrap(shared) {
            Ok(shared) => {
                let engine = shared.engine.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok(crate::WebSocket { engine: Box::new(engine) })
            }
            Err(shared) => Err((Self { shared: Arc::clone(&shared), message }, WriteHalf { shared })),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> WriteHalf<T, R> {
    /// As [`WebSocket::feed`](crate::WebSocket::feed).
    ///
    /// # Errors
    /// As there.
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.shared.lock().conn.sender().message(message.into())
    }

    /// Calls `send` with the sender, for everything that can be sent. It queues, like [`feed`](Self::feed).
    pub fn with_sender<O>(&mut self, send: impl FnOnce(&mut Sender<R, Heap>) -> O) -> O {
        send(self.shared.lock().conn.sender())
    }

    /// As [`WebSocket::send`](crate::WebSocket::send).
    ///
    /// Cancel safe: the future is ready as soon as the message is queued. If you drop the future before, nothing
    /// was queued.
    ///
    /// # Errors
    /// As there.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| {
            self.shared
                .poll(Half::Write, cx, |engine, wakers| engine.poll_send(wakers, |tx| tx.message(message)))
        })
        .await
    }

    /// As [`WebSocket::flush`](crate::WebSocket::flush).
    ///
    /// Cancel safe: the bytes that are not written remain in the outgoing buffer.
    ///
    /// # Errors
    /// The transport has failed.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.shared.poll(Half::Write, cx, |engine, wakers| engine.poll_flush(wakers.write)))
            .await
    }

    /// Begins the closing handshake and writes the Close. The other half sees the end: its `recv` returns `None`
    /// when the closing handshake is complete.
    ///
    /// Cancel safe: the Close is queued by the first poll.
    ///
    /// # Errors
    /// [`Error::Send`] if the code or the reason is not valid. Otherwise, the transport has failed.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        close(&mut self.shared.lock().conn, code, reason)?;
        self.flush().await
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, R: Role> Stream for ReadHalf<T, R> {
    type Item = Result<OwnedMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.shared.poll(Half::Read, cx, |engine, wakers| {
            if !ready!(engine.poll_find(wakers))? {
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
        self.shared.poll(Half::Write, cx, |engine, wakers| engine.poll_flush(wakers.write))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        close(&mut self.shared.lock().conn, CloseCode::NORMAL, "")?;
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
