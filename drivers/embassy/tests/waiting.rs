//! Bytes of the peer that wait while a deadline passes or a write fails.

mod support;

use embassy_futures::join::join;
use embassy_time::{MockDriver, with_timeout};
use embedded_io_async::{ErrorType, Read, Write};
use sansws_embassy::sansws::{Message, Violation};
use sansws_embassy::{Bridge, Error, Plain, TimersConfig, WebSocket};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use support::{Memory, Pipe, Reset, pipes, run, run_without_waiting, server};

const TIMERS: TimersConfig = TimersConfig::new();

/// A program that blocks its executor for longer than a deadline. What carries the bytes runs only once the
/// task waits.
#[test]
fn a_late_turn_blames_no_peer_whose_bytes_wait() {
    for timers in [TIMERS, TIMERS.pong_timeout(None).idle_deadline(Some(Duration::from_secs(40)))] {
        let (a, b) = pipes(1000);
        let mut bridge = Bridge::<100>::new();
        let (transport, runner) = bridge.split();
        let talk = async {
            let mut socket = WebSocket::new(transport, server(Memory::default()), [0; 64], timers);
            // A keepalive ping is under way.
            assert!(with_timeout(embassy_time::Duration::from_secs(35), socket.recv()).await.is_err());
            b.push(&[0x82, 0x81, 0, 0, 0, 0, 9]);
            MockDriver::get().advance(embassy_time::Duration::from_secs(60));
            socket.recv().await.map(|message| message.map(|message| message.len()))
        };
        // What the server writes is of no interest.
        let (_, received) = run(join(runner.run(a, pipes(1000).0), talk));
        assert_eq!(received, Ok(Some(1)));
    }
}

/// The peer has closed and is gone. Its Close waits to be read, and our bytes can no longer be written.
#[test]
fn a_close_that_arrived_is_read_although_nothing_can_be_written_any_more() {
    struct Deaf(Pipe);
    impl ErrorType for Deaf {
        type Error = Reset;
    }
    impl Read for Deaf {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Reset> {
            self.0.read(buffer).await
        }
    }
    impl Write for Deaf {
        async fn write(&mut self, _bytes: &[u8]) -> Result<usize, Reset> {
            Err(Reset)
        }
        async fn flush(&mut self) -> Result<(), Reset> {
            Err(Reset)
        }
    }
    for (close, end) in [(&b"\x88\x82\0\0\0\0\x03\xf0"[..], Ok(None)), (b"", Err(Error::Transport(Reset)))] {
        let (a, b) = pipes(1000);
        let mut socket = WebSocket::new(Plain(Deaf(a)), server(Memory::default()), [0; 64], TIMERS);
        b.push(&[b"\x81\x84\0\0\0\0last", close].concat());
        drop(b);
        socket.feed("too late").unwrap();
        run_without_waiting(async {
            assert_eq!(socket.recv().await, Ok(Some(Message::Text("last"))));
            assert_eq!(socket.recv().await, end);
        });
    }
    // The same if `send` and `flush` have noticed it first.
    for (close, end) in [(&b"\x88\x82\0\0\0\0\x03\xf0"[..], Ok(None)), (b"", Err(Error::Unwritten))] {
        let (a, b) = pipes(1000);
        let mut socket = WebSocket::new(Plain(Deaf(a)), server(Memory::default()), [0; 64], TIMERS);
        b.push(&[b"\x81\x84\0\0\0\0last", close].concat());
        drop(b);
        run_without_waiting(async {
            assert_eq!(socket.send("too late").await, Err(Error::Transport(Reset)));
            assert_eq!(socket.flush().await, Err(Error::Unwritten));
            assert_eq!(socket.recv().await, Ok(Some(Message::Text("last"))));
            assert_eq!(socket.recv().await, end);
            assert_eq!(socket.recv().await, Ok(None));
        });
    }
}

/// Why the connection has failed says more than why the peer could not be told.
#[test]
fn a_peer_that_breaks_the_protocol_is_blamed_for_it_even_if_it_cannot_be_told() {
    let (a, b) = pipes(16);
    let mut socket = WebSocket::new(a, server(Memory::default()), [0; 64], TIMERS);
    socket.feed(&[1; 100][..]).unwrap();
    // Text that is not UTF-8, from a peer that reads nothing.
    b.push(b"\x81\x82\0\0\0\0\xff\xff");
    let error = run(socket.recv()).unwrap_err();
    assert_eq!(error, Error::Connection(Violation::InvalidUtf8.into()));
    assert_eq!(run(socket.recv()), Ok(None));
}

/// The transport has taken the message into a buffer of its own. Another socket goes on with its flush.
#[test]
fn a_flush_that_is_dropped_goes_on_after_the_connection_was_taken_apart() {
    /// Counts the polls of its flushes, which the third one completes.
    struct Slow(Pipe, usize);
    impl ErrorType for Slow {
        type Error = Reset;
    }
    impl Read for Slow {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Reset> {
            self.0.read(buffer).await
        }
    }
    impl Write for Slow {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, Reset> {
            self.0.write(bytes).await
        }
        async fn flush(&mut self) -> Result<(), Reset> {
            poll_fn(|cx| {
                self.1 += 1;
                cx.waker().wake_by_ref();
                if self.1 < 3 { Poll::Pending } else { Poll::Ready(Ok(())) }
            })
            .await
        }
    }
    let (a, _b) = pipes(1000);
    let mut socket = WebSocket::new(Plain(Slow(a, 0)), server(Memory::default()), [0; 64], TIMERS);
    run(socket.send("hi")).unwrap();
    let parts = socket.into_parts();
    assert!(parts.connection.outgoing().is_empty() && parts.io.0.1 == 1);
    let mut socket = WebSocket::from_parts(parts, TIMERS);
    run(socket.flush()).unwrap();
    assert_eq!(socket.get_ref().0.1, 3);
}
