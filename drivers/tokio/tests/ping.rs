//! Pings that measure the round trip.
#![cfg(feature = "tokio")]

mod support;

use sansws_tokio::sansws::timers::{Timeout, TimersConfig};
use sansws_tokio::sansws::{Agreed, Config, Connection, Misuse, SendError, Server};
use sansws_tokio::{CloseCode, Error, Message, WebSocket};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use support::{Stutter, pair, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

/// The payload of the next frame of a server, which has to be a ping.
async fn next_ping(peer: &mut DuplexStream) -> Vec<u8> {
    let mut header = [0; 2];
    peer.read_exact(&mut header).await.unwrap();
    assert_eq!(header[0], 0x89, "{header:?}");
    let mut payload = vec![0; header[1].into()];
    peer.read_exact(&mut payload).await.unwrap();
    payload
}

/// A client's frame with a mask of zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
}

async fn send_pong(peer: &mut DuplexStream, payload: &[u8]) {
    peer.write_all(&frame(0xa, payload)).await.unwrap();
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A server that pings after an hour for the first time.
fn quiet_server<T>(io: T) -> WebSocket<T, Server> {
    let timers = TimersConfig::new().ping_interval(Some(Duration::from_secs(3600)));
    WebSocket::new(io, Connection::after_handshake(Server, Config::new(), Agreed::NONE), &[], timers)
}

/// Polls this future once.
macro_rules! poll_once {
    ($future:expr) => {{
        let mut future = pin!($future);
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
    }};
}

// RFC 6455 sections 5.5.2 and 5.5.3
#[tokio::test(start_paused = true)]
async fn the_round_trip_is_the_time_from_the_ping_to_its_pong() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    let answering = tokio::spawn(async move {
        for delay in [30, 7] {
            let payload = next_ping(&mut peer).await;
            sleep(ms(delay)).await;
            // Other pongs answer nothing, not even those of the application's own pings.
            for other in [&b""[..], b"hello", &[0, 0, 0, 1], &[payload.clone(), vec![0]].concat()] {
                send_pong(&mut peer, other).await;
            }
            sleep(ms(delay)).await;
            send_pong(&mut peer, &payload).await;
        }
    });
    assert_eq!(socket.ping().await.unwrap(), ms(60));
    assert_eq!(socket.ping().await.unwrap(), ms(14));
    answering.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ping_changes_nothing_for_keepalive_and_for_pings_of_the_application() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    let waiting = tokio::spawn(async move {
        socket.sender().ping(b"my own").unwrap();
        let round_trip = socket.ping().await?;
        Ok::<_, Error>((socket.recv().await?.is_none(), round_trip, socket.round_trip_time()))
    });
    assert_eq!(next_ping(&mut peer).await, b"my own");
    let ping = next_ping(&mut peer).await;
    send_pong(&mut peer, b"my own").await;
    // The keepalive ping comes at its time, although other bytes went in both directions.
    let start = tokio::time::Instant::now();
    let keepalive = next_ping(&mut peer).await;
    assert_eq!((keepalive.len(), start.elapsed().as_secs()), (4, 30));
    send_pong(&mut peer, &ping).await;
    sleep(ms(5)).await;
    send_pong(&mut peer, &keepalive).await;
    peer.write_all(&frame(8, &[])).await.unwrap();
    let (is_over, round_trip, keepalive) = waiting.await.unwrap().unwrap();
    assert!(is_over);
    assert_eq!((round_trip.as_secs(), keepalive), (30, Some(ms(5))));
}

/// RFC 6455 section 5.5.3: a peer may answer only the last of several pings.
#[tokio::test(start_paused = true)]
async fn the_pong_of_a_later_keepalive_ping_counts_too() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    let waiting = tokio::spawn(async move { socket.ping().await });
    next_ping(&mut peer).await;
    let keepalive = next_ping(&mut peer).await;
    send_pong(&mut peer, &keepalive).await;
    assert_eq!(waiting.await.unwrap().unwrap().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_message_before_the_pong_is_received_first_and_then_the_same_ping_goes_on() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    let answering = tokio::spawn(async move {
        let payload = next_ping(&mut peer).await;
        peer.write_all(&[frame(1, b"one"), frame(1, b"two")].concat()).await.unwrap();
        sleep(ms(20)).await;
        peer.write_all(&[frame(0xa, &payload), frame(1, b"three")].concat()).await.unwrap();
        peer
    });
    for text in ["one", "two"] {
        for _ in 0..3 {
            assert!(matches!(socket.ping().await, Err(Error::MessageFirst)));
        }
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text(text)));
    }
    assert_eq!(socket.ping().await.unwrap(), ms(20));
    // The message behind the pong waits for `recv`, and the next ping for the message.
    assert!(matches!(socket.ping().await, Err(Error::MessageFirst)));
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("three")));
    // The peer has got one ping for each measurement.
    let mut peer = answering.await.unwrap();
    next_ping(&mut peer).await;
    drop(socket);
    assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_is_dropped_goes_on_with_the_next_call() {
    for len in [1, 50] {
        let (a, mut peer) = duplex(1 << 10);
        let mut socket = quiet_server(Stutter::new(a, len));
        let answering = tokio::spawn(async move {
            for _ in 0..5 {
                let payload = next_ping(&mut peer).await;
                sleep(ms(10)).await;
                send_pong(&mut peer, &payload).await;
            }
            peer
        });
        for _ in 0..5 {
            let round_trip = loop {
                match poll_once!(socket.ping()) {
                    Poll::Ready(result) => break result.unwrap(),
                    Poll::Pending => sleep(ms(1)).await,
                }
            };
            assert!(round_trip >= ms(10), "{round_trip:?}");
        }
        let mut peer = answering.await.unwrap();
        drop(socket);
        assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
    }
}

/// The pong arrives while `recv` waits for something else.
#[tokio::test(start_paused = true)]
async fn a_dropped_ping_has_measured_when_another_call_reads_its_pong() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    assert!(poll_once!(socket.ping()).is_pending());
    let payload = next_ping(&mut peer).await;
    sleep(ms(3)).await;
    peer.write_all(&[frame(0xa, &payload), frame(1, b"hi")].concat()).await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("hi")));
    sleep(ms(100)).await;
    assert_eq!(socket.ping().await.unwrap(), ms(3));
}

#[tokio::test(start_paused = true)]
async fn a_ping_waits_for_room_and_counts_from_its_write() {
    let (a, mut peer) = duplex(16);
    let mut socket = server(a, Config::new().max_outgoing(200));
    socket.send(&[1; 190][..]).await.unwrap();
    let answering = tokio::spawn(async move {
        sleep(ms(50)).await;
        peer.read_exact(&mut [0; 194]).await.unwrap();
        let payload = next_ping(&mut peer).await;
        sleep(ms(4)).await;
        send_pong(&mut peer, &payload).await;
    });
    assert_eq!(socket.ping().await.unwrap(), ms(4));
    answering.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ping_ends_with_the_deadlines_and_with_the_connection() {
    // A silent peer.
    let (mut socket, _peer) = pair(1 << 10);
    let start = tokio::time::Instant::now();
    assert!(matches!(socket.ping().await, Err(Error::Timeout(Timeout::Pong))));
    assert_eq!(start.elapsed().as_secs(), 50);

    // A peer that is lost.
    let (mut socket, peer) = pair(1 << 10);
    assert!(poll_once!(socket.ping()).is_pending());
    drop(peer);
    assert!(matches!(socket.ping().await, Err(Error::Connection(_))));

    // A peer that closes instead.
    let (mut socket, mut peer) = pair(1 << 10);
    let closing = tokio::spawn(async move { peer.close(CloseCode::NORMAL, "").await });
    let error = socket.ping().await.unwrap_err();
    assert!(matches!(error, Error::Send(SendError::NotAllowed(Misuse::Closed))), "{error:?}");
    closing.await.unwrap().unwrap();
    assert_eq!(socket.recv().await.unwrap(), None);
    assert!(matches!(socket.ping().await, Err(Error::Send(_))));
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_writing_half_waits_until_the_other_half_has_taken_the_messages() {
    let (a, mut peer) = duplex(1 << 10);
    let (mut reading, mut writing) = quiet_server(a).into_split();
    let pinging = tokio::spawn(async move { writing.ping().await });
    let payload = next_ping(&mut peer).await;
    let all = [frame(1, b"one"), frame(1, b"two"), frame(0xa, &payload)].concat();
    peer.write_all(&all).await.unwrap();
    for text in ["one", "two"] {
        sleep(ms(60_000)).await;
        assert!(!pinging.is_finished());
        assert_eq!(reading.recv().await.unwrap(), Some(Message::Text(text)));
    }
    // The pong lies behind the message, and nobody else reads.
    pinging.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_writing_half_is_answered_while_the_other_half_waits() {
    let (a, mut peer) = duplex(1 << 10);
    let (mut reading, mut writing) = server(a, Config::new()).into_split();
    let receiving = tokio::spawn(async move { reading.recv().await.map(|message| message.is_none()) });
    let pinging = tokio::spawn(async move { (writing.ping().await, writing.ping().await) });
    for delay in [2, 9] {
        let payload = next_ping(&mut peer).await;
        sleep(ms(delay)).await;
        send_pong(&mut peer, &payload).await;
    }
    let (first, second) = pinging.await.unwrap();
    assert_eq!((first.unwrap(), second.unwrap()), (ms(2), ms(9)));
    peer.write_all(&frame(8, &[])).await.unwrap();
    assert!(receiving.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_ping_fails_if_nobody_can_take_the_message_before_its_pong() {
    let (a, mut peer) = duplex(1 << 10);
    let (reading, mut writing) = server(a, Config::new()).into_split();
    let pinging = tokio::spawn(async move { writing.ping().await });
    next_ping(&mut peer).await;
    peer.write_all(&frame(1, b"one")).await.unwrap();
    sleep(ms(1)).await;
    assert!(!pinging.is_finished());
    drop(reading);
    assert!(matches!(pinging.await.unwrap(), Err(Error::MessageFirst)));
}

#[tokio::test(start_paused = true)]
async fn a_ping_of_the_writing_half_that_is_dropped_goes_on_with_the_next_call() {
    let (a, mut peer) = duplex(1 << 10);
    let (mut reading, mut writing) = quiet_server(Stutter::new(a, 3)).into_split();
    let receiving = tokio::spawn(async move { reading.recv().await.map(|message| message.is_none()) });
    let answering = tokio::spawn(async move {
        for _ in 0..5 {
            let payload = next_ping(&mut peer).await;
            sleep(ms(10)).await;
            send_pong(&mut peer, &payload).await;
        }
        peer.write_all(&frame(8, &[])).await.unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        rest
    });
    for _ in 0..5 {
        let round_trip = loop {
            match poll_once!(writing.ping()) {
                Poll::Ready(result) => break result.unwrap(),
                Poll::Pending => sleep(ms(1)).await,
            }
        };
        assert!(round_trip >= ms(10), "{round_trip:?}");
    }
    assert!(receiving.await.unwrap().unwrap());
    // One ping for each measurement, and then the answer to the Close.
    assert_eq!(answering.await.unwrap(), b"\x88\0");
}

/// The message was received before the transport was lost, so a failed call does not take it away.
#[tokio::test(start_paused = true)]
async fn a_message_that_waits_to_be_received_outlives_the_transport() {
    for is_lost in [true, false] {
        let (a, mut peer) = duplex(64);
        let mut socket = quiet_server(a);
        peer.write_all(&frame(1, b"kept")).await.unwrap();
        assert!(matches!(socket.ping().await, Err(Error::MessageFirst)));
        if is_lost {
            drop(peer);
            assert!(matches!(socket.send("lost").await, Err(Error::Io(_))));
        } else {
            // The peer reads nothing any more, until the close deadline passes.
            socket.send(&[0; 1000][..]).await.unwrap();
            socket.sender().close(CloseCode::NORMAL, "").unwrap();
            assert!(matches!(socket.flush().await, Err(Error::Timeout(Timeout::Close))));
        }
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Text("kept")), "{is_lost}");
        assert_eq!(socket.recv().await.ok().flatten(), None);
    }
}
