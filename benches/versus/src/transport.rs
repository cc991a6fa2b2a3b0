//! The transport in memory: each byte that is read or written is copied once, as `read` and `write` do.

use crate::wire::accept_key;
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One write takes at most this many bytes.
const MAX_WRITE: usize = 64 * 1024;
/// Written bytes go to a ring of this size, like the buffer of a socket.
const RING: usize = 256 * 1024;

thread_local! {
    static WRITTEN: Cell<u64> = const { Cell::new(0) };
    static READS: Cell<u64> = const { Cell::new(0) };
    static CAPTURED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The ring of the last stream, for the next stream: each handshake makes a new stream.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// How many bytes were written to all streams so far.
pub fn written() -> u64 {
    WRITTEN.get()
}

/// How often all streams were read from so far. With an operating system each read is a system call.
pub fn reads() -> u64 {
    READS.get()
}

/// Takes the bytes that were written to a capturing stream.
pub fn take_captured() -> Vec<u8> {
    CAPTURED.take()
}

/// The transport below a [`Link`].
pub trait Transport {
    /// As `read`.
    fn get(&mut self, to: &mut [u8]) -> usize;
    /// As `write`.
    fn put(&mut self, from: &[u8]) -> usize;
}

/// Plays the same bytes again and again; no read crosses their end. Written bytes go to a ring.
pub struct Stream {
    wire: &'static [u8],
    at: usize,
    max_read: usize,
    ring: Box<[u8]>,
    ring_at: usize,
    captures: bool,
}

impl Stream {
    pub fn new(wire: &'static [u8], max_read: usize) -> Link<Self> {
        let ring = SPARE.take().unwrap_or_else(|| vec![0; RING].into());
        Link(Self { wire, at: 0, max_read, ring, ring_at: 0, captures: false })
    }

    /// As `new`; the written bytes can be taken with [`take_captured`].
    pub fn capturing(wire: &'static [u8], max_read: usize) -> Link<Self> {
        CAPTURED.take();
        let mut link = Self::new(wire, max_read);
        link.0.captures = true;
        link
    }

    pub fn wire(&self) -> &'static [u8] {
        self.wire
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        SPARE.set(Some(std::mem::take(&mut self.ring)));
    }
}

impl Transport for Stream {
    #[inline]
    fn get(&mut self, to: &mut [u8]) -> usize {
        READS.set(READS.get() + 1);
        let len = to.len().min(self.max_read).min(self.wire.len() - self.at);
        to[..len].copy_from_slice(&self.wire[self.at..self.at + len]);
        self.at += len;
        if self.at == self.wire.len() {
            self.at = 0;
        }
        len
    }

    #[inline]
    fn put(&mut self, from: &[u8]) -> usize {
        let len = from.len().min(MAX_WRITE);
        if self.ring.len() - self.ring_at < len {
            self.ring_at = 0;
        }
        self.ring[self.ring_at..self.ring_at + len].copy_from_slice(&from[..len]);
        self.ring_at += len;
        WRITTEN.set(WRITTEN.get() + len as u64);
        if self.captures {
            CAPTURED.with_borrow_mut(|captured| captured.extend_from_slice(&from[..len]));
        }
        len
    }
}

/// A server for the handshakes of clients: it answers a request with the right key. Its own time is measured
/// too, and subtracted.
pub struct Answering {
    request: [u8; 1024],
    len: usize,
    answer: [u8; 256],
    answer_len: usize,
    at: usize,
}

const BEFORE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";

impl Answering {
    pub fn new() -> Link<Self> {
        Link(Self { request: [0; 1024], len: 0, answer: [0; 256], answer_len: 0, at: 0 })
    }

    fn answer(&mut self) {
        let request = &self.request[..self.len];
        let name = b"websocket-key: ";
        let at = (0..request.len())
            .filter(|&at| request[at] == b'-')
            .find_map(|at| {
                let start = at.checked_sub(9)?;
                let found = request.get(start..start + name.len())?;
                found.eq_ignore_ascii_case(name).then_some(start + name.len())
            })
            .expect("a request has a key");
        let accept = accept_key(&request[at..at + 24]);
        let mut len = 0;
        for part in [BEFORE, &accept, b"\r\n\r\n"] {
            self.answer[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        self.answer_len = len;
    }
}

impl Transport for Answering {
    fn get(&mut self, to: &mut [u8]) -> usize {
        if self.answer_len == 0 {
            self.answer();
        }
        let len = to.len().min(self.answer_len - self.at);
        to[..len].copy_from_slice(&self.answer[self.at..self.at + len]);
        self.at += len;
        len
    }

    fn put(&mut self, from: &[u8]) -> usize {
        self.request[self.len..self.len + from.len()].copy_from_slice(from);
        self.len += from.len();
        from.len()
    }
}

/// A transport with all the traits that libraries ask for. It is always ready.
pub struct Link<T>(pub T);

impl<T: Transport> Link<T> {
    #[inline]
    pub fn get(&mut self, to: &mut [u8]) -> usize {
        self.0.get(to)
    }

    /// As `write_all`.
    #[inline]
    pub fn put_all(&mut self, mut from: &[u8]) {
        while !from.is_empty() {
            let len = self.0.put(from);
            from = &from[len..];
        }
    }

    #[inline]
    pub fn put(&mut self, from: &[u8]) -> usize {
        self.0.put(from)
    }

    fn put_vectored(&mut self, from: &[io::IoSlice<'_>]) -> usize {
        let mut sum = 0;
        for slice in from {
            let len = self.0.put(slice);
            sum += len;
            if len < slice.len() {
                break;
            }
        }
        sum
    }
}

impl<T: Transport> io::Read for Link<T> {
    #[inline]
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.get(to))
    }
}

impl<T: Transport> io::Write for Link<T> {
    #[inline]
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        Ok(self.0.put(from))
    }

    fn write_vectored(&mut self, from: &[io::IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.put_vectored(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Transport + Unpin> tokio::io::AsyncRead for Link<T> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>, _: &mut Context<'_>, to: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // `initialize_unfilled` would zero memory, which a real `read` does not do: only this transport would
        // have that cost.
        // SAFETY: `get` only writes to this memory.
        let len = self.0.get(unsafe { &mut *(std::ptr::from_mut(to.unfilled_mut()) as *mut [u8]) });
        // SAFETY: this many bytes were written.
        unsafe { to.assume_init(len) };
        to.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport + Unpin> tokio::io::AsyncWrite for Link<T> {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.put(from)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, _: &mut Context<'_>, from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.put_vectored(from)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport + Unpin> futures::io::AsyncRead for Link<T> {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.get(to)))
    }
}

impl<T: Transport + Unpin> futures::io::AsyncWrite for Link<T> {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.0.put(from)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, _: &mut Context<'_>, from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.put_vectored(from)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future over links. It is ready at once.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let future = std::pin::pin!(future);
    match future.poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("waits although the transport is ready"),
    }
}
