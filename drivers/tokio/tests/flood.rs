//! A peer that sends faster than this end can read, and never a message.
#![cfg(feature = "tokio")]

mod support;

use sansws_tokio::sansws::timers::{Timeout, TimersConfig};
use sansws_tokio::sansws::{Agreed, CloseCode, Config, Connection, Server};
use sansws_tokio::{Error, WebSocket};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport whose peer sends pings without end.
struct Pings {
    /// Whether this end can write.
    is_writable: bool,
    /// How many reads the test takes for "without end".
    reads: usize,
}

impl AsyncRead for Pings {
    fn poll_read(
        mut self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads = self.reads.checked_sub(1).expect("one poll reads without end");
        room.put_slice(b"\x89\x80\0\0\0\0");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pings {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(if self.is_writable { Ok(bytes.len()) } else { Err(ErrorKind::BrokenPipe.into()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A runtime without a budget for each task would never come to its other tasks.
#[tokio::test]
async fn one_poll_of_a_flooded_connection_ends() {
    for is_writable in [true, false] {
        let mut socket = support::server(Pings { is_writable, reads: 1000 }, Config::new());
        assert!(pin!(socket.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

/// The pings are neither a message nor a Close.
#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_extends_neither_the_idle_deadline_nor_the_close_deadline() {
    let timers = TimersConfig::new().idle_deadline(Some(Duration::from_secs(60)));
    let connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let mut socket = WebSocket::new(Pings { is_writable: true, reads: 100_000 }, connection, &[], timers);
    let start = tokio::time::Instant::now();
    // Time stands still while a task can run, so this one moves it on.
    let time = tokio::spawn(async {
        loop {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    });
    let error = socket.recv().await.unwrap_err();
    assert!(matches!(error, Error::Timeout(Timeout::Close)), "{error:?}");
    assert_eq!(error.close_code(), Some(CloseCode::ABNORMAL));
    assert!((70..80).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    time.abort();
}
