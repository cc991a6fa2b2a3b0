//! The transports below a WebSocket.

use core::pin::pin;
use core::task::{Context, Poll};
use embedded_io_async::{ErrorType, Read, Write};

/// A stream of bytes in both directions, such as a TCP connection.
///
/// # What the driver needs
///
/// The driver polls a future of `read`, `write` or `flush` once and drops it. So it can read while a write
/// waits, over a transport in one piece and without a second buffer. This needs three promises:
///
/// 1. A future of `read` or `write` that is dropped while it is pending has moved no byte.
/// 2. The task is woken even if the future that was pending is dropped.
/// 3. Reading and writing can wait at the same time: each remembers a waker of its own.
///
/// `embassy-net`'s `TcpSocket` keeps all three: its buffers and wakers are in the network stack, and a
/// pending write has copied nothing. So do the pipes of `embassy-sync`, and drivers of serial ports that have
/// such buffers (`BufferedUart`). A TLS connection and a serial port with DMA break the first promise: part
/// of a record would be lost. Use a [`Bridge`](crate::Bridge) for them.
pub trait Transport: Read + Write {
    /// Ends our direction, as the shutdown of a socket does: the peer reads the bytes that were written
    /// before, and then the end. The driver calls `flush` afterwards. It may call this more than once.
    ///
    /// A transport that cannot do this does nothing; the driver then only waits for the peer.
    fn end(&mut self);
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn end(&mut self) {
        T::end(self);
    }
}

#[cfg(feature = "embassy-net")]
impl Transport for embassy_net::tcp::TcpSocket<'_> {
    fn end(&mut self) {
        self.close();
    }
}

/// A transport that cannot end one direction alone, such as a serial port. It has to keep the promises of
/// [`Transport`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<T>(pub T);

impl<T: ErrorType> ErrorType for Plain<T> {
    type Error = T::Error;
}

impl<T: Read> Read for Plain<T> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, T::Error> {
        self.0.read(buffer).await
    }
}

impl<T: Write> Write for Plain<T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
        self.0.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), T::Error> {
        self.0.flush().await
    }
}

impl<T: Read + Write> Transport for Plain<T> {
    fn end(&mut self) {}
}

/// Polls a future of a [`Transport`] once and drops it.
pub(crate) fn poll_once<F: Future>(future: F, cx: &mut Context<'_>) -> Poll<F::Output> {
    pin!(future).poll(cx)
}
