//! One connection on I/O that owns its buffers.
//!
//! - **This code copies no byte.** The kernel reads into a buffer of a pool. If a message lies in it
//!   completely, its payload is unmasked there and the event borrows it; the connection collects longer
//!   messages. The outgoing bytes leave the connection as a vector (`take_outgoing`), which the kernel writes
//!   and returns.
//! - **An idle connection holds no buffer.** The kernel chooses a buffer of the pool when bytes arrive.
//! - **A read stays under way until it is complete.** A read that is dropped may have taken bytes from the
//!   socket already, and they would be lost. So a deadline does not end the read; it only writes a ping
//!   meanwhile.
//! - **A peer that does not read stops its own input.** The connection reads only if no bytes wait for the
//!   peer.

use compio::BufResult;
use compio::buf::{IntoInner, IoBuf};
use compio::driver::BufferRef;
use compio::io::{AsyncRead, AsyncReadManaged, AsyncWrite};
use compio::net::TcpStream;
use compio::time::sleep_until;
use futures::channel::oneshot::Canceled;
use futures::channel::oneshot::Receiver;
use futures::future::{FusedFuture, FutureExt, Map, Shared};
use futures::{pin_mut, select_biased};
use sansws::handshake::origin::Scheme;
use sansws::timers::{Action, Timeout, Timers, TimersConfig};
use sansws::{Accept, CloseCode, Config, Connection, Event, Heap, Reply, SendError, Sender, Server, State};
use std::future::pending;
use std::io::{self, ErrorKind};
use std::mem;
use std::time::{Duration, Instant};

/// The default limits: 1 MiB for a message, 2 MiB of bytes that wait for the peer. The loop reads only if no
/// bytes wait, so the echo of one message and of one read always fits.
const CONFIG: Config = Config::new();

/// The most bytes that one read brings.
pub const READ: usize = 32 << 10;
/// An idle connection keeps at most this capacity for its outgoing bytes.
const KEEP: usize = 4 << 10;

/// Completes when the server has to end.
pub type Stop = Shared<Map<Receiver<()>, fn(Result<(), Canceled>)>>;

/// One connection.
pub struct Session<'a> {
    stream: &'a TcpStream,
    connection: Connection<Server>,
    timers: Timers,
    /// The fixed point that `timers` count from.
    start: Instant,
    stop: futures::future::Fuse<Stop>,
    /// The vector that takes turns with the outgoing buffer of the connection.
    spare: Vec<u8>,
    /// The bytes that left the connection and are not written.
    in_flight: usize,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, timers: TimersConfig, stop: Stop) -> Self {
        Self {
            stream,
            connection: Connection::server(CONFIG),
            timers: Timers::new(timers, Duration::ZERO),
            start: Instant::now(),
            stop: stop.fuse(),
            spare: Vec::new(),
            in_flight: 0,
        }
    }

    /// Serves the peer until the connection is over. An error says that the connection is lost.
    pub async fn run(&mut self) -> io::Result<()> {
        // Otherwise small messages would wait until the peer acknowledges earlier ones.
        self.stream.set_nodelay(true)?;
        let mut has_shut_down = false;
        loop {
            let Some(mut buffer) = self.read().await? else {
                // An end without a Close is not an error of this server.
                let _ = self.connection.receive_eof();
                return self.write().await;
            };
            let now = self.start.elapsed();
            self.timers.received(now);
            let mut input = buffer.bytes();
            // A failure needs no code of its own: the Close that tells the peer is in `outgoing`, and once it
            // is written, `should_disconnect` returns true.
            while let Some((event, tx)) = self.connection.receive(&mut input) {
                self.timers.event(now, &event);
                answer(event, tx)?;
            }
            // The pool gets its buffer back before this task waits.
            drop(buffer);
            self.look_at_clock()?;
            self.write().await?;
            // Only our direction ends, and the peer ends its own. If the socket were closed with unread
            // input, the kernel would send a reset, which can overtake our last bytes.
            if self.connection.should_disconnect() && !mem::replace(&mut has_shut_down, true) {
                let mut stream = self.stream;
                stream.shutdown().await?;
            }
        }
    }

    /// Reads once, however long that takes, and keeps the deadlines meanwhile. Returns `None` at the end of
    /// the stream.
    async fn read(&mut self) -> io::Result<Option<Buffer>> {
        let read = read(self.stream).fuse();
        pin_mut!(read);
        loop {
            if let Some(buffer) = self.wait(&mut read).await? {
                return buffer;
            }
            self.write().await?;
        }
    }

    /// Writes all outgoing bytes.
    async fn write(&mut self) -> io::Result<()> {
        let mut stream = self.stream;
        while !self.connection.outgoing().is_empty() {
            let mut bytes = self.connection.take_outgoing(mem::take(&mut self.spare));
            let mut written = 0;
            while written < bytes.len() {
                self.in_flight = bytes.len() - written;
                let write = stream.write(bytes.slice(written..)).fuse();
                pin_mut!(write);
                let BufResult(result, slice) = loop {
                    match self.wait(&mut write).await? {
                        Some(result) => break result,
                        // The system has taken nothing since the last write.
                        None => self.timers.sent(self.start.elapsed(), 0),
                    }
                };
                bytes = slice.into_inner();
                let len = result?;
                if len == 0 {
                    return Err(ErrorKind::WriteZero.into());
                }
                written += len;
                self.timers.sent(self.start.elapsed(), len);
            }
            self.in_flight = 0;
            if bytes.capacity() <= KEEP {
                self.spare = bytes;
            }
        }
        Ok(())
    }

    /// Waits for an operation. Returns `None` if a deadline was due before, or if the server has to end; then
    /// there may be bytes to write, and the operation is still under way.
    async fn wait<T>(
        &mut self, mut operation: &mut (impl FusedFuture<Output = T> + Unpin),
    ) -> io::Result<Option<T>> {
        let deadline = self.timers.next_deadline().map(|at| sleep_until(self.start + at));
        let deadline = async {
            match deadline {
                Some(deadline) => deadline.await,
                None => pending().await,
            }
        }
        .fuse();
        pin_mut!(deadline);
        let mut stop = &mut self.stop;
        select_biased! {
            result = operation => return Ok(Some(result)),
            () = stop => {}
            () = deadline => {}
        }
        if self.stop.is_terminated() {
            self.say_goodbye()?;
        }
        self.look_at_clock()?;
        Ok(None)
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
                    Ok(()) => self.timers.ping_queued(self.in_flight + tx.outgoing_len()),
                    Err(_) => self.timers.ping_refused(self.in_flight + tx.outgoing_len()),
                }
            }
            Action::GiveUp(Timeout::Idle) => {
                let _ = self.connection.sender().close(CloseCode::TIMEOUT, "idle");
                // The close deadline counts from the first poll in this state.
                let _ = self.timers.poll(self.start.elapsed(), State::Closing);
            }
            Action::GiveUp(timeout) => return Err(timeout.into()),
            _ => {}
        }
        Ok(())
    }

    /// Begins the closing handshake, because the server ends.
    fn say_goodbye(&mut self) -> io::Result<()> {
        if self.connection.state() == State::Connecting {
            // Before the opening handshake is complete, closing the socket is the only way to close the
            // connection.
            return Err(ErrorKind::ConnectionAborted.into());
        }
        // If the connection is closing already, this call is refused, which does no harm.
        let _ = self.connection.sender().close(CloseCode::GOING_AWAY, "the server ends");
        Ok(())
    }
}

/// Bytes that were read.
enum Buffer {
    Pooled(BufferRef),
    Own(Vec<u8>),
}

impl Buffer {
    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Pooled(buffer) => buffer,
            Self::Own(buffer) => buffer,
        }
    }
}

async fn read(mut stream: &TcpStream) -> io::Result<Option<Buffer>> {
    match stream.read_managed(READ).await {
        Ok(buffer) => Ok(buffer.map(Buffer::Pooled)),
        // All buffers of the pool are in use. Without io_uring each read that is under way occupies one.
        Err(error) if error.kind() == ErrorKind::ResourceBusy => {
            let BufResult(result, buffer) = stream.read(Vec::with_capacity(READ)).await;
            Ok(if result? == 0 { None } else { Some(Buffer::Own(buffer)) })
        }
        Err(error) => Err(error),
    }
}

/// The server itself: it returns each message to its sender.
fn answer(event: Event<'_>, tx: &mut Sender<Server, Heap>) -> Result<(), SendError> {
    match event {
        // Only browsers send an Origin, and they always do. Without this check any web site could connect in
        // the name of a user who visits it.
        Event::HandshakeRequest(request)
            if request.origin().is_some() && !request.is_same_origin_over(Scheme::Http) =>
        {
            tx.reject(&Reply::new(403))
        }
        Event::HandshakeRequest(_) => tx.accept(&Accept::new()),
        // Messages that arrive after our own Close are too late.
        Event::Message(message) if tx.state() == State::Open => tx.message(message),
        // The connection has answered pings and the Close already.
        _ => Ok(()),
    }
}
