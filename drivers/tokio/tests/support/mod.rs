//! Transports and connections for the tests.
#![allow(dead_code, reason = "each test uses a part of it")]

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::sansws::{Agreed, Client, Config, Server};
use sansws_tokio::{RandomClient, WebSocket};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A transport that moves at most `len` bytes at once, and is not ready every other time, in each direction.
pub struct Stutter<T> {
    pub io: T,
    pub len: usize,
    /// Whether the next read and the next write are ready.
    is_ready: [bool; 2],
}

impl<T> Stutter<T> {
    pub const fn new(io: T, len: usize) -> Self {
        Self { io, len, is_ready: [false; 2] }
    }

    fn is_pending(&mut self, direction: usize, cx: &Context<'_>) -> bool {
        let is_ready = &mut self.is_ready[direction];
        *is_ready = !*is_ready;
        if *is_ready {
            cx.waker().wake_by_ref();
        }
        *is_ready
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stutter<T> {
    fn poll_read(
        mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_pending(0, cx) {
            return Poll::Pending;
        }
        let mut few = buffer.take(self.len);
        let result = Pin::new(&mut self.io).poll_read(cx, &mut few);
        let len = few.filled().len();
        buffer.advance(len);
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stutter<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_pending(1, cx) {
            return Poll::Pending;
        }
        let len = bytes.len().min(self.len);
        Pin::new(&mut self.io).poll_write(cx, &bytes[..len])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_pending(1, cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_pending(1, cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A server after its handshake.
pub fn server<T>(io: T, config: Config) -> WebSocket<T, Server> {
    WebSocket::from_upgraded(io, Server, config, Agreed::NONE, &[])
}

/// A client after its handshake.
pub fn client<T>(io: T, config: Config) -> WebSocket<T, RandomClient> {
    WebSocket::from_upgraded(io, Client::new(StdRng::seed_from_u64(7)), config, Agreed::NONE, &[])
}

/// Both ends of a connection, over a transport that holds `len` bytes in each direction.
pub fn pair(len: usize) -> (WebSocket<DuplexStream, Server>, WebSocket<DuplexStream, RandomClient>) {
    let (a, b) = tokio::io::duplex(len);
    (server(a, Config::new()), client(b, Config::new()))
}

/// The defaults.
pub const fn timers() -> TimersConfig {
    TimersConfig::new()
}
