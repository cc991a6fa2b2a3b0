//! A connection in two halves, for two tasks.
//!
//! One mutex guards the state. A half holds it for one poll, which never waits.
//!
//! A transport remembers only the task that polled it last. So one half at a time polls it: the half that
//! reads if it waits, and otherwise the half that writes. A half that stops waiting, because it is ready or
//! because its future is dropped, wakes the other one, which then polls the transport in its place. So no
//! wake is lost.

use crate::engine::Engine;
use crate::{Error, Transport, WebSocket};
use core::cell::RefCell;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::waitqueue::WakerRegistration;
use sansws::{CloseCode, Event, Message, Role, SendError, Sender, Storage};

/// A connection that two tasks share, from [`WebSocket::into_split`]. [`split`](Self::split) makes the
/// halves.
///
/// The mutex `M` is [`NoopRawMutex`](embassy_sync::blocking_mutex::raw::NoopRawMutex) if both tasks run on
/// one executor, as they have to with `embassy-net`. A half holds the mutex while it polls the transport; so
/// a mutex with a critical section stops interrupts for this time.
///
/// ```
/// use embassy_futures::join::join;
/// use embassy_sync::blocking_mutex::raw::NoopRawMutex;
/// # use sansws_embassy::sansws::{Role, Storage};
/// use sansws_embassy::{Transport, WebSocket};
///
/// # async fn example<T: Transport, R: Role, S: Storage, B: AsMut<[u8]>>(socket: WebSocket<T, R, S, B>) {
/// let mut split = socket.into_split::<NoopRawMutex>();
/// let (mut reading, mut writing) = split.split();
/// let receive = async {
///     let mut message = [0; 256];
///     while let Ok(Some(message)) = reading.recv(&mut message).await {
///         // Use the message.
///         # let _ = message;
///     }
/// };
/// let send = async {
///     while writing.send("a measured value").await.is_ok() {
///         embassy_time::Timer::after_secs(1).await;
///     }
/// };
/// join(receive, send).await;
/// # }
/// ```
///
/// With a `static` (`StaticCell`), the halves can move to two tasks of the executor.
pub struct Split<M: RawMutex, T, R: Role, S: Storage, B> {
    shared: Mutex<M, RefCell<Shared<T, R, S, B>>>,
}

struct Shared<T, R: Role, S: Storage, B> {
    engine: Engine<T, R, S, B>,
    /// The tasks of the two halves, if they wait.
    tasks: [WakerRegistration; 2],
    /// Whether the half that reads waits, and so polls the transport.
    is_reading: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Read,
    Write,
}

impl<T, R: Role, S: Storage, B> Shared<T, R, S, B> {
    fn register(&mut self, half: Half, cx: &Context<'_>) {
        let [read, write] = &mut self.tasks;
        if half == Half::Read { read } else { write }.register(cx.waker());
    }

    fn wake_other(&mut self, half: Half) {
        let [read, write] = &mut self.tasks;
        if half == Half::Read { write } else { read }.wake();
    }
}

impl<M: RawMutex, T, R: Role, S: Storage, B: AsMut<[u8]>> Split<M, T, R, S, B> {
    pub(crate) const fn new(engine: Engine<T, R, S, B>) -> Self {
        let tasks = [const { WakerRegistration::new() }; 2];
        Self { shared: Mutex::new(RefCell::new(Shared { engine, tasks, is_reading: false })) }
    }

    /// The half that receives, and the half that sends.
    pub fn split(&mut self) -> (ReadHalf<'_, M, T, R, S, B>, WriteHalf<'_, M, T, R, S, B>) {
        (ReadHalf { shared: &self.shared }, WriteHalf { shared: &self.shared })
    }

    /// The connection in one piece.
    pub fn into_inner(self) -> WebSocket<T, R, S, B> {
        WebSocket { engine: self.shared.into_inner().into_inner().engine }
    }
}

/// Which half polls the transport.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driving {
    This,
    Other,
}

/// A call of one half that waits.
struct Waiting<'a, M: RawMutex, T, R: Role, S: Storage, B, F> {
    shared: &'a Mutex<M, RefCell<Shared<T, R, S, B>>>,
    half: Half,
    poll: F,
}

impl<M: RawMutex, T, R: Role, S: Storage, B, F> Unpin for Waiting<'_, M, T, R, S, B, F> {}

impl<M, T, R, S, B, F, O> Future for Waiting<'_, M, T, R, S, B, F>
where
    M: RawMutex,
    R: Role,
    S: Storage,
    B: AsMut<[u8]>,
    F: FnMut(&mut Engine<T, R, S, B>, &mut Context<'_>, Driving) -> Poll<O>,
{
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = &mut *self;
        this.shared.lock(|shared| {
            // Only a call from within a call of the other half could find it borrowed.
            let Ok(mut shared) = shared.try_borrow_mut() else { return Poll::Pending };
            // The task is registered before the transport is polled, so no wake can be missed.
            shared.register(this.half, cx);
            let driving = match this.half {
                Half::Write if shared.is_reading => Driving::Other,
                _ => Driving::This,
            };
            let before = shared.engine.unwritten();
            let result = (this.poll)(&mut shared.engine, cx, driving);
            if this.half == Half::Read {
                shared.is_reading = result.is_pending();
            }
            let engine = &shared.engine;
            // The other half has bytes to write, or room for more, or something to report.
            if engine.unwritten() != before || engine.has_found() || engine.is_over() {
                shared.wake_other(this.half);
            }
            result
        })
    }
}

impl<M: RawMutex, T, R: Role, S: Storage, B, F> Drop for Waiting<'_, M, T, R, S, B, F> {
    fn drop(&mut self) {
        self.shared.lock(|shared| {
            if let Ok(mut shared) = shared.try_borrow_mut() {
                shared.is_reading &= self.half != Half::Read;
                shared.wake_other(self.half);
            }
        });
    }
}

/// The half that receives. It answers pings and the peer's Close, sends keepalive pings, and watches the
/// deadlines, without help from the other half.
pub struct ReadHalf<'a, M: RawMutex, T, R: Role, S: Storage, B> {
    shared: &'a Mutex<M, RefCell<Shared<T, R, S, B>>>,
}

/// The half that sends.
pub struct WriteHalf<'a, M: RawMutex, T, R: Role, S: Storage, B> {
    shared: &'a Mutex<M, RefCell<Shared<T, R, S, B>>>,
}

impl<M: RawMutex, T: Transport, R: Role, S: Storage, B: AsMut<[u8]>> ReadHalf<'_, M, T, R, S, B> {
    /// As [`WebSocket::recv`]. The message is copied to `buffer`, because the other half may use the
    /// connection meanwhile.
    ///
    /// Cancel safe: if you drop the future, the next call returns the message.
    ///
    /// # Errors
    /// [`Error::TooLong`] if the message is longer than `buffer`; a call with a larger one returns the
    /// message. Any other error: the connection is over.
    pub async fn recv<'m>(&mut self, buffer: &'m mut [u8]) -> Result<Option<Message<'m>>, Error<T::Error>> {
        let target = &mut *buffer;
        let poll = |engine: &mut Engine<T, R, S, B>, cx: &mut Context<'_>, _: Driving| {
            loop {
                if !ready!(engine.poll_find(cx))? {
                    return Poll::Ready(Ok(None));
                }
                let (is_text, bytes) = match engine.peek() {
                    Some(Event::Message(Message::Text(text))) => (true, text.as_bytes()),
                    Some(Event::Message(Message::Binary(bytes))) => (false, bytes),
                    // The parts of a text are text, too.
                    Some(Event::Part(part)) => match part.data {
                        Message::Text(text) => (true, text.as_bytes()),
                        Message::Binary(bytes) => (false, bytes),
                    },
                    _ => {
                        let _ = engine.take();
                        continue;
                    }
                };
                let len = bytes.len();
                let Some(room) = target.get_mut(..len) else {
                    return Poll::Ready(Err(Error::TooLong { len }));
                };
                room.copy_from_slice(bytes);
                let _ = engine.take();
                return Poll::Ready(Ok(Some((is_text, len))));
            }
        };
        let Some((is_text, len)) = (Waiting { shared: self.shared, half: Half::Read, poll }).await? else {
            return Ok(None);
        };
        let bytes = buffer.get(..len).unwrap_or_default();
        Ok(Some(match core::str::from_utf8(bytes) {
            Ok(text) if is_text => Message::Text(text),
            _ => Message::Binary(bytes),
        }))
    }
}

impl<M: RawMutex, T: Transport, R: Role, S: Storage, B: AsMut<[u8]>> WriteHalf<'_, M, T, R, S, B> {
    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    /// As `WebSocket::feed`.
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        let message = message.into();
        self.shared.lock(|shared| match shared.try_borrow_mut() {
            Ok(mut shared) => {
                shared.engine.conn.sender().message(message)?;
                // If the other half waits, it writes the message.
                shared.wake_other(Half::Write);
                Ok(())
            }
            Err(_) => Err(SendError::NotNow),
        })
    }

    /// As [`WebSocket::send`].
    ///
    /// Cancel safe: the future is ready as soon as the message is queued. If you drop the future before that,
    /// nothing was queued.
    ///
    /// # Errors
    /// As `WebSocket::send`.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error<T::Error>> {
        let message = message.into();
        self.send_with(|tx| tx.message(message)).await
    }

    /// As [`WebSocket::send_with`]. `queue` runs while the mutex is held, so it should only queue.
    ///
    /// Cancel safe, as [`send`](Self::send) is.
    ///
    /// # Errors
    /// As `WebSocket::send_with`.
    pub async fn send_with(
        &mut self, mut queue: impl FnMut(&mut Sender<R, S>) -> Result<(), SendError>,
    ) -> Result<(), Error<T::Error>> {
        let poll = |engine: &mut Engine<T, R, S, B>, cx: &mut Context<'_>, driving| match driving {
            Driving::This => engine.poll_send(cx, &mut queue),
            // The half that reads writes the message, and wakes this half once there is room.
            Driving::Other => match queue(engine.conn.sender()) {
                Err(SendError::NotNow) => Poll::Pending,
                result => Poll::Ready(result.map_err(Error::from)),
            },
        };
        Waiting { shared: self.shared, half: Half::Write, poll }.await
    }

    /// As [`WebSocket::flush`].
    ///
    /// Cancel safe: the bytes that are not written remain in the outgoing buffer.
    ///
    /// # Errors
    /// The transport has failed, or a deadline has passed.
    pub async fn flush(&mut self) -> Result<(), Error<T::Error>> {
        let poll = Self::poll_flush;
        Waiting { shared: self.shared, half: Half::Write, poll }.await
    }

    /// Begins the closing handshake and writes the Close. The other half sees the end: its `recv` returns
    /// `None` when the closing handshake is complete.
    ///
    /// Cancel safe: the Close is queued by the first poll.
    ///
    /// # Errors
    /// [`Error::Send`] if the code or the reason is not valid. Otherwise, the transport has failed, or a
    /// deadline has passed.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<T::Error>> {
        let mut is_queued = false;
        let poll = |engine: &mut Engine<T, R, S, B>, cx: &mut Context<'_>, driving| {
            if !is_queued {
                engine.close(code, reason)?;
                is_queued = true;
            }
            Self::poll_flush(engine, cx, driving)
        };
        Waiting { shared: self.shared, half: Half::Write, poll }.await
    }

    fn poll_flush(
        engine: &mut Engine<T, R, S, B>, cx: &mut Context<'_>, driving: Driving,
    ) -> Poll<Result<(), Error<T::Error>>> {
        match driving {
            Driving::This => engine.poll_flush(cx),
            Driving::Other if engine.unwritten() == (0, false) => Poll::Ready(Ok(())),
            Driving::Other => Poll::Pending,
        }
    }
}

impl<M: RawMutex, T, R: Role, S: Storage, B> fmt::Debug for Split<M, T, R, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").finish_non_exhaustive()
    }
}

impl<M: RawMutex, T, R: Role, S: Storage, B> fmt::Debug for ReadHalf<'_, M, T, R, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<M: RawMutex, T, R: Role, S: Storage, B> fmt::Debug for WriteHalf<'_, M, T, R, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
