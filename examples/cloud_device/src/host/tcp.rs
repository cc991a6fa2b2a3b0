//! A TCP connection of the host. It keeps the promises of `Transport`: a pending read or write has moved no
//! byte, and each direction remembers the task that waits for it.

use async_io::Async;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use sansws_embassy::Transport;
use std::future::poll_fn;
use std::io;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::task::{Context, Poll, ready};

pub struct Tcp(Async<TcpStream>);

impl Tcp {
    pub async fn connect(host: &str, port: u16) -> Result<Self, ErrorKind> {
        let mut last = ErrorKind::AddrNotAvailable;
        for address in (host, port).to_socket_addrs().map_err(|error| kind(&error))? {
            match Async::<TcpStream>::connect(address).await {
                Ok(stream) => {
                    let _ = stream.get_ref().set_nodelay(true);
                    return Ok(Self(stream));
                }
                Err(error) => last = kind(&error),
            }
        }
        Err(last)
    }

    /// Tries an operation, again each time that the socket has become ready for it.
    fn poll<O>(
        &self, cx: &mut Context<'_>, mut operation: impl FnMut(&mut &TcpStream) -> io::Result<O>,
        poll_ready: impl Fn(&Async<TcpStream>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<Result<O, ErrorKind>> {
        loop {
            match operation(&mut self.0.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(poll_ready(&self.0, cx)).map_err(|error| kind(&error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result.map_err(|error| kind(&error))),
            }
        }
    }
}

fn kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionReset => ErrorKind::ConnectionReset,
        io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
        io::ErrorKind::TimedOut => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}

impl ErrorType for Tcp {
    type Error = ErrorKind;
}

impl Read for Tcp {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| self.poll(cx, |stream| io::Read::read(stream, buffer), Async::poll_readable)).await
    }
}

impl Write for Tcp {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|cx| self.poll(cx, |stream| io::Write::write(stream, bytes), Async::poll_writable)).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Transport for Tcp {
    fn end(&mut self) {
        // A socket that the peer has reset cannot be shut down, and need not be.
        let _ = self.0.get_ref().shutdown(Shutdown::Write);
    }
}
