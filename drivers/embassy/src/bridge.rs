//! A bridge to transports whose futures must not be dropped.

use crate::Transport;
use crate::pipe::Pipe;
use core::cell::RefCell;
use core::future::poll_fn;
use core::{error, fmt};
use embassy_futures::join::join;
use embassy_futures::select::select;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

/// Two pipes of `N` bytes each, between a [`WebSocket`](crate::WebSocket) and a transport that does not keep
/// the promises of [`Transport`]: a TLS connection, a serial port with DMA. [`split`](Self::split) makes the
/// two ends.
///
/// [`Bridged`] is the transport of the WebSocket. [`Runner::run`] moves the bytes. Its futures of `read` and
/// `write` live until they are ready, no matter which futures of the WebSocket are dropped.
///
/// ```
/// use embassy_futures::join::join;
/// use embedded_io_async::{Read, Write};
/// use sansws_embassy::sansws::{Config, Connection, Fixed};
/// use sansws_embassy::{Bridge, TimersConfig, WebSocket};
///
/// async fn serve<Rd: Read>(reader: Rd, writer: impl Write<Error = Rd::Error>) {
///     let mut bridge = Bridge::<256>::new();
///     let (transport, runner) = bridge.split();
///     let talk = async {
///         let connection = Connection::server_in(Config::new(), Fixed::<1024, 1024>);
///         let mut socket = WebSocket::new(transport, connection, [0; 256], TimersConfig::new());
///         socket.accept().await?;
///         while let Some(message) = socket.recv().await? {
///             // Use the message.
/// #           let _ = message;
///         }
///         Ok::<_, sansws_embassy::Error<_>>(())
///     };
///     // The runner ends after the WebSocket has been dropped.
///     let (_running, _talking) = join(runner.run(reader, writer), talk).await;
/// }
/// ```
pub struct Bridge<const N: usize> {
    up: Pipe<N>,
    down: Pipe<N>,
}

/// The end of a [`Bridge`] for a WebSocket.
pub struct Bridged<'a, const N: usize> {
    bridge: &'a Bridge<N>,
}

/// The end of a [`Bridge`] for the transport.
pub struct Runner<'a, const N: usize> {
    bridge: &'a Bridge<N>,
}

/// The transport behind a [`Bridge`] takes no more bytes. [`Runner::run`] returns the reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BridgeError;

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transport behind the bridge takes no more bytes")
    }
}

impl error::Error for BridgeError {}

impl embedded_io_async::Error for BridgeError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::BrokenPipe
    }
}

impl<const N: usize> Default for Bridge<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Bridge<N> {
    /// A bridge with empty pipes. `N` is at least 1.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 0, "a pipe needs room for a byte") };
        Self { up: Pipe::new(), down: Pipe::new() }
    }

    /// The transport for the WebSocket, and the runner that moves its bytes. Each call begins with empty
    /// pipes.
    pub fn split(&mut self) -> (Bridged<'_, N>, Runner<'_, N>) {
        *self = Self::new();
        (Bridged { bridge: self }, Runner { bridge: self })
    }
}

impl<const N: usize> Runner<'_, N> {
    /// Moves bytes between the WebSocket and the halves of a transport, until the WebSocket is dropped or
    /// both directions have ended. Flushes after each write.
    ///
    /// If the WebSocket has ended without an error, all of its bytes are written when this future is ready.
    /// After an error the last write may be incomplete: write nothing else to the transport, and drop it.
    ///
    /// Not cancel safe: if you drop the future, bytes can be lost on their way.
    ///
    /// # Errors
    /// The transport has failed. The WebSocket sees the end of the transport, too. A TLS connection reports
    /// its regular end as an error, so judge by the result of the WebSocket.
    pub async fn run<Rd: Read, Wr: Write<Error = Rd::Error>>(
        self, mut reader: Rd, mut writer: Wr,
    ) -> Result<(), Rd::Error> {
        let Bridge { up, down } = self.bridge;
        // The first error. The WebSocket may end because of it while the other direction still waits.
        let failure = RefCell::new(None);
        let fail = |error| _ = failure.borrow_mut().get_or_insert(error);
        let write = async {
            let mut chunk = [0; N];
            loop {
                // Bytes remain in the pipe until they are written, because the WebSocket waits for an empty
                // pipe.
                let len = poll_fn(|cx| up.poll_peek(cx, &mut chunk)).await;
                if len == 0 {
                    break;
                }
                let written = match writer.write_all(chunk.get(..len).unwrap_or_default()).await {
                    Ok(()) => writer.flush().await,
                    failed => failed,
                };
                if let Err(error) = written {
                    fail(error);
                    break;
                }
                up.consume(len);
            }
            up.end_read();
        };
        let read = async {
            let mut chunk = [0; N];
            loop {
                let len = match reader.read(&mut chunk).await {
                    Ok(0) => break,
                    Ok(len) => len,
                    Err(error) => break fail(error),
                };
                let mut rest = chunk.get(..len).unwrap_or_default();
                while !rest.is_empty() {
                    match poll_fn(|cx| down.poll_write(cx, rest)).await {
                        Ok(len) => rest = rest.get(len..).unwrap_or_default(),
                        Err(_) => return,
                    }
                }
            }
            down.end_write();
        };
        // A WebSocket that has ended cleanly has waited for an empty pipe. After any other end, no byte
        // matters any more, and a peer that does not read must not block this future.
        select(join(write, read), poll_fn(|cx| down.poll_read_ended(cx))).await;
        failure.take().map_or(Ok(()), Err)
    }
}

impl<const N: usize> Drop for Runner<'_, N> {
    fn drop(&mut self) {
        self.bridge.up.end_read();
        self.bridge.down.end_write();
    }
}

impl<const N: usize> Drop for Bridged<'_, N> {
    fn drop(&mut self) {
        self.bridge.up.end_write();
        self.bridge.down.end_read();
    }
}

impl<const N: usize> ErrorType for Bridged<'_, N> {
    type Error = BridgeError;
}

impl<const N: usize> Read for Bridged<'_, N> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BridgeError> {
        Ok(poll_fn(|cx| self.bridge.down.poll_read(cx, buffer)).await)
    }
}

impl<const N: usize> Write for Bridged<'_, N> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, BridgeError> {
        poll_fn(|cx| self.bridge.up.poll_write(cx, bytes)).await.map_err(|_| BridgeError)
    }

    async fn flush(&mut self) -> Result<(), BridgeError> {
        poll_fn(|cx| self.bridge.up.poll_flush(cx)).await.map_err(|_| BridgeError)
    }
}

impl<const N: usize> Transport for Bridged<'_, N> {
    fn end(&mut self) {
        self.bridge.up.end_write();
    }
}

impl<const N: usize> fmt::Debug for Bridge<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("size", &N).finish_non_exhaustive()
    }
}

impl<const N: usize> fmt::Debug for Bridged<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridged").finish_non_exhaustive()
    }
}

impl<const N: usize> fmt::Debug for Runner<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}
