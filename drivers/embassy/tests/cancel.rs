//! Futures that are dropped: nothing is lost, duplicated or cut.

mod support;

use embassy_futures::join::join;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use sansws_embassy::sansws::{
    ClientRequest, CloseCode, Config, Connection, Fixed, Message, OUTGOING_RESERVE,
};
use sansws_embassy::{Bridge, BridgeError, Error, TimersConfig, WebSocket};
use std::future::poll_fn;
use std::pin::pin;
use support::{Memory, client, pipes, run, run_without_waiting, server, two_tasks};

const TIMERS: TimersConfig = TimersConfig::new();

/// Awaits an expression with a new future for each poll: each future is dropped after one poll, and only the
/// transport or the clock can cause the next poll.
macro_rules! interrupted {
    ($future:expr) => {
        poll_fn(|cx| pin!(async { $future.await }).poll(cx)).await
    };
}

fn owned(message: Option<Message<'_>>) -> Option<String> {
    message.map(|message| message.as_text().unwrap().to_owned())
}

fn text(number: usize) -> String {
    format!("{number}: {}", "x".repeat(number * 7 % 100))
}

/// An opening handshake, two hundred messages in each direction, and a closing handshake, over pipes that
/// hold a few bytes. Each future of the server is dropped after each poll.
#[test]
fn every_future_may_be_dropped_after_every_poll() {
    for capacity in [1, 2, 3, 7, 50, 1000] {
        let (a, b) = pipes(capacity);
        let serve = async {
            let connection = Connection::server_in(Config::new(), Fixed::<512, { 200 + OUTGOING_RESERVE }>);
            let mut socket = WebSocket::new(a, connection, [0; 40], TIMERS);
            interrupted!(socket.accept()).unwrap();
            for number in 0..200 {
                let received = interrupted!(async { socket.recv().await.map(owned) }).unwrap();
                assert_eq!(received, Some(text(number)));
                let answer = text(number + 1);
                interrupted!(socket.send(&*answer)).unwrap();
                if number % 50 == 0 {
                    interrupted!(socket.flush()).unwrap();
                }
            }
            interrupted!(socket.close(CloseCode::GOING_AWAY, "done")).unwrap();
        };
        let talk = async {
            let request = ClientRequest::new("ws://board/").unwrap();
            let connection =
                Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
            let mut socket = WebSocket::new(b, connection, [0; 64], TIMERS);
            interrupted!(socket.open()).unwrap();
            for number in 0..200 {
                socket.send(&*text(number)).await.unwrap();
                let received = interrupted!(async { socket.recv().await.map(owned) }).unwrap();
                assert_eq!(received, Some(text(number + 1)));
            }
            assert_eq!(socket.recv().await, Ok(None));
            assert_eq!(socket.connection().close_code(), Some(CloseCode::GOING_AWAY));
        };
        run_without_waiting(join(serve, talk));
    }
}

#[test]
fn a_send_that_is_dropped_has_queued_nothing() {
    let (a, b) = pipes(1);
    let mut socket = WebSocket::new(a, server(Fixed::<256, { 100 + OUTGOING_RESERVE }>), [0; 64], TIMERS);
    socket.feed(&[1; 90][..]).unwrap();
    for _ in 0..10 {
        assert!(support::poll_until_idle(pin!(socket.send(&[2; 90][..]))).is_pending());
        assert_eq!(b.pull().len(), 1);
    }
    let read = async {
        let mut bytes = Vec::new();
        while bytes.len() < 92 - 10 {
            bytes.extend(b.pull());
            embassy_time::Timer::after_millis(1).await;
        }
        bytes
    };
    let (flushed, bytes) = run(join(socket.flush(), read));
    assert_eq!(flushed, Ok(()));
    assert_eq!(bytes.len(), 92 - 10);
    assert!(bytes.iter().all(|&byte| byte == 1));
}

/// As the first test, with two tasks for the server. A half whose future is dropped must not keep the only
/// wake.
#[test]
fn the_futures_of_both_halves_may_be_dropped_after_every_poll() {
    for capacity in [1, 3, 50, 1000] {
        let (a, b) = pipes(capacity);
        let socket = WebSocket::new(a, server(Fixed::<512, { 200 + OUTGOING_RESERVE }>), [0; 40], TIMERS);
        let mut split = socket.into_split::<NoopRawMutex>();
        let (mut reading, mut writing) = split.split();
        let receive = async {
            let mut buffer = [0; 200];
            for number in 0..200 {
                let received = interrupted!(async { reading.recv(&mut buffer).await.map(owned) }).unwrap();
                assert_eq!(received, Some(text(number)));
            }
            assert_eq!(interrupted!(async { reading.recv(&mut buffer).await.map(owned) }), Ok(None));
        };
        let send = async {
            for number in 0..200 {
                let message = text(number);
                interrupted!(writing.send(&*message)).unwrap();
            }
            interrupted!(writing.close(CloseCode::NORMAL, "")).unwrap();
        };
        let talk = async {
            let mut socket = WebSocket::new(b, client(Memory::default()), [0; 64], TIMERS);
            for number in 0..200 {
                socket.send(&*text(number)).await.unwrap();
                assert_eq!(socket.recv().await.map(owned).unwrap(), Some(text(number)));
            }
            assert_eq!(socket.recv().await, Ok(None));
        };
        run_without_waiting(join(two_tasks(receive, send), talk));
    }
}

/// The transport behind a bridge loses what it has in hand if one of its futures is dropped, as TLS does.
#[test]
fn a_bridge_keeps_the_futures_of_its_transport() {
    use embedded_io_async::{ErrorType, Read, Write};

    struct Fragile<T> {
        io: T,
        is_busy: bool,
    }
    impl<T: ErrorType> ErrorType for Fragile<T> {
        type Error = T::Error;
    }
    impl<T: Read> Read for Fragile<T> {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, T::Error> {
            assert!(!std::mem::replace(&mut self.is_busy, true), "a read was dropped");
            let result = self.io.read(buffer).await;
            self.is_busy = false;
            result
        }
    }
    impl<T: Write> Write for Fragile<T> {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, T::Error> {
            assert!(!std::mem::replace(&mut self.is_busy, true), "a write was dropped");
            let result = self.io.write_all(bytes).await;
            self.is_busy = false;
            result.map(|()| bytes.len())
        }
        async fn flush(&mut self) -> Result<(), T::Error> {
            self.io.flush().await
        }
    }

    /// The smallest bridge has a byte.
    fn over<const N: usize>() {
        let (a, b) = pipes(5);
        let a = std::cell::RefCell::new(a);
        let shared = sansws_embassy::tls::Shared::new(&a);
        let (reader, writer) =
            (Fragile { io: shared.clone(), is_busy: false }, Fragile { io: shared, is_busy: false });
        let mut bridge = Bridge::<N>::new();
        let (transport, runner) = bridge.split();
        let serve = async {
            let mut socket = WebSocket::new(transport, server(Memory::default()), [0; 40], TIMERS);
            for number in 0..100 {
                let received = interrupted!(async { socket.recv().await.map(owned) }).unwrap();
                assert_eq!(received, Some(text(number)));
                let answer = text(number);
                interrupted!(socket.send(&*answer)).unwrap();
                interrupted!(socket.flush()).unwrap();
            }
            interrupted!(socket.close(CloseCode::NORMAL, "")).unwrap();
        };
        let talk = async {
            let mut socket = WebSocket::new(b, client(Memory::default()), [0; 64], TIMERS);
            for number in 0..100 {
                socket.send(&*text(number)).await.unwrap();
                assert_eq!(socket.recv().await.map(owned).unwrap(), Some(text(number)));
            }
            let end = socket.recv().await.map(owned);
            (end, socket.connection().close_code())
        };
        let run_bridge = async {
            let result = runner.run(reader, writer).await;
            // The peer waits for the end of the transport.
            sansws_embassy::Transport::end(&mut *a.borrow_mut());
            result
        };
        let ((ran, ()), (end, code)) = run_without_waiting(join(join(run_bridge, serve), talk));
        assert_eq!((ran, end, code), (Ok(()), Ok(None), Some(CloseCode::NORMAL)));
    }
    over::<1>();
    over::<16>();
    over::<1000>();
}

/// The socket sees only that the transport has failed. The bridge returns why, also if the other direction
/// still waits.
#[test]
fn a_bridge_tells_why_its_transport_has_failed() {
    use embedded_io_async::{ErrorType, Write};
    use support::Reset;

    struct Broken;
    impl ErrorType for Broken {
        type Error = Reset;
    }
    impl Write for Broken {
        async fn write(&mut self, _bytes: &[u8]) -> Result<usize, Reset> {
            Err(Reset)
        }
        async fn flush(&mut self) -> Result<(), Reset> {
            Err(Reset)
        }
    }

    // Nothing can be written, and the peer sends nothing.
    let (a, _b) = pipes(5);
    let mut bridge = Bridge::<16>::new();
    let (transport, runner) = bridge.split();
    let talk = async {
        let mut socket = WebSocket::new(transport, server(Memory::default()), [0; 40], TIMERS);
        socket.send("hello").await?;
        socket.recv().await.map(owned)
    };
    let (ran, talked) = run_without_waiting(join(runner.run(a, Broken), talk));
    assert_eq!((ran, talked), (Err(Reset), Err(Error::Transport(BridgeError))));

    // Nothing can be read, and the peer does not read.
    let (a, _b) = pipes(5);
    let (c, d) = pipes(5);
    c.reset();
    let mut bridge = Bridge::<16>::new();
    let (transport, runner) = bridge.split();
    let talk = async {
        let mut socket = WebSocket::new(transport, server(Memory::default()), [0; 40], TIMERS);
        socket.send("longer than the pipe").await?;
        socket.recv().await.map(owned)
    };
    let (ran, talked) = run(join(runner.run(d, a), talk));
    assert_eq!(ran, Err(Reset));
    assert!(talked.is_err(), "{talked:?}");
}
