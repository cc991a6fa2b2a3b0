//! Transports of smol and other runtimes.

use ::futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// A transport with the traits of [`futures_io`](::futures_io), as a transport with the traits of tokio,
/// which this crate uses. It needs no runtime of tokio, holds nothing but `T`, and copies nothing.
///
/// To shut down, the transport calls [`poll_close`](::futures_io::AsyncWrite::poll_close). For a socket of
/// smol that ends our direction, and the peer's remains open.
///
/// ```no_run
/// use sansws_tokio::sansws::{ClientRequest, timers::TimersConfig};
/// use sansws_tokio::{Config, Error, FuturesIo, client};
///
/// # fn main() -> Result<(), Error> {
/// smol::block_on(async {
///     let stream = smol::net::TcpStream::connect("127.0.0.1:8080").await?;
///     let request = ClientRequest::new("ws://127.0.0.1:8080/")?;
///     let mut socket =
///         client(FuturesIo::new(stream), &request, Config::new(), TimersConfig::new()).await?;
///     socket.send("hello").await
/// })
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct FuturesIo<T> {
    io: T,
}

impl<T> FuturesIo<T> {
    /// Wraps a transport.
    pub const fn new(io: T) -> Self {
        Self { io }
    }

    /// The transport.
    pub const fn get_ref(&self) -> &T {
        &self.io
    }

    /// The transport. Bytes that you read or write here bypass the connection.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The transport.
    pub fn into_inner(self) -> T {
        self.io
    }
}

impl<T: AsyncRead + Unpin> tokio::io::AsyncRead for FuturesIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = ready!(Pin::new(&mut self.io).poll_read(cx, buffer.initialize_unfilled()))?;
        buffer.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> tokio::io::AsyncWrite for FuturesIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}
