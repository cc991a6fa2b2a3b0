//! A TCP connection whose reads and writes end at a deadline, and TLS over it.

use rustls::{ClientConnection, ServerConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// A transport whose operations fail with `TimedOut` or `WouldBlock` at a deadline. The operation can be
/// called again after that.
pub trait Transport: Read + Write {
    /// The socket below all.
    fn socket(&mut self) -> &mut Socket;

    /// Ends our direction: the peer reads the end of the stream.
    ///
    /// # Errors
    /// Those of the socket.
    fn end(&mut self) -> io::Result<()>;
}

/// A TCP connection with a deadline.
///
/// A timeout of the standard library counts from the beginning of each read, and TLS needs many reads for one
/// record. So with timeouts alone a peer that sends a byte now and then would occupy its thread for ever.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    deadline: Instant,
}

impl Socket {
    /// A socket with a deadline.
    ///
    /// # Errors
    /// Those of `setsockopt`.
    pub fn new(stream: TcpStream, deadline: Instant) -> io::Result<Self> {
        // Otherwise small messages would wait until the peer acknowledges earlier ones.
        stream.set_nodelay(true)?;
        Ok(Self { stream, deadline })
    }

    /// All further operations end at this time.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    fn time_left(&self) -> io::Result<Option<std::time::Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.time_left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.time_left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Socket {
    fn socket(&mut self) -> &mut Socket {
        self
    }

    fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

impl Transport for StreamOwned<ServerConnection, Socket> {
    fn socket(&mut self) -> &mut Socket {
        &mut self.sock
    }

    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.end()
    }
}

impl Transport for StreamOwned<ClientConnection, Socket> {
    fn socket(&mut self) -> &mut Socket {
        &mut self.sock
    }

    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.end()
    }
}
