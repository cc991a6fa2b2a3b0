//! A TCP connection of the host as a transport.

use embedded_io_async::{ErrorType, Read, Write};
use sansws_embassy::Transport;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};

pub struct Tcp(TcpStream);

impl Tcp {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nonblocking(true).unwrap();
        Self(stream)
    }
}

/// If the socket is not ready, the executor polls again; meanwhile another thread may run.
fn ready<O>(result: io::Result<O>, cx: &Context<'_>) -> Poll<Result<O, ErrorKind>> {
    match result.map_err(|error| error.kind()) {
        Err(ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            std::thread::yield_now();
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

impl ErrorType for Tcp {
    type Error = embedded_io_async::ErrorKind;
}

impl Read for Tcp {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        poll_fn(|cx| ready(io::Read::read(&mut self.0, buffer), cx)).await.map_err(other)
    }
}

impl Write for Tcp {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        poll_fn(|cx| ready(io::Write::write(&mut self.0, bytes), cx)).await.map_err(other)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn other(kind: ErrorKind) -> embedded_io_async::ErrorKind {
    match kind {
        ErrorKind::ConnectionReset => embedded_io_async::ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe => embedded_io_async::ErrorKind::BrokenPipe,
        _ => embedded_io_async::ErrorKind::Other,
    }
}

impl Transport for Tcp {
    fn end(&mut self) {
        // A socket that the peer has reset cannot be shut down, and need not be.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}
