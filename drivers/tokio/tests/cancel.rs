//! A future can be dropped at any await. Each test drops every future after one poll, and makes a new one
//! until one is ready. The test then compares what the peer receives with what was sent: nothing is lost,
//! duplicated, cut or moved.

mod support;

use futures_util::StreamExt;
use sansws_tokio::sansws::Config;
use sansws_tokio::{CloseCode, Error, Message, OwnedMessage, WebSocket};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use support::{Stutter, client, server};
use tokio::io::{AsyncReadExt, BufWriter, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, protocol};

/// Polls a new future of this expression once, and drops it, until one is ready.
macro_rules! dropped_after_one_poll {
    ($future:expr) => {
        loop {
            let poll = {
                let mut future = pin!($future);
                poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
            };
            match poll {
                Poll::Ready(output) => break output,
                Poll::Pending => tokio::task::yield_now().await,
            }
        }
    };
}

fn message(number: usize) -> OwnedMessage {
    let text = format!("{number} {}", "é".repeat(number * 7 % 150));
    if number % 3 == 0 { OwnedMessage::Binary(text.into_bytes()) } else { OwnedMessage::Text(text) }
}

const COUNT: usize = 60;

#[tokio::test]
async fn futures_that_are_dropped_lose_and_repeat_nothing() {
    for len in [1, 3, 50] {
        let (a, b) = duplex(40);
        let mut server = server(Stutter::new(a, len), Config::new().max_outgoing(500));
        let mut client = client(Stutter::new(b, len), Config::new().max_outgoing(500));
        let echo = tokio::spawn(async move {
            let mut received = Vec::new();
            while let Some(message) = dropped_after_one_poll!(async {
                Ok::<_, Error>(server.recv().await?.map(Message::into_owned).transpose()?)
            })? {
                dropped_after_one_poll!(server.send(&message))?;
                received.push(message);
            }
            Ok::<_, Error>(received)
        });
        let mut echoed = Vec::new();
        for number in 0..COUNT {
            let message = message(number);
            dropped_after_one_poll!(client.send(&message)).unwrap();
            if number % 2 == 1 {
                dropped_after_one_poll!(client.flush()).unwrap();
                while echoed.len() < number {
                    let next = dropped_after_one_poll!(async {
                        Ok::<_, Error>(client.recv().await?.map(Message::into_owned).transpose()?)
                    });
                    echoed.push(next.unwrap().unwrap());
                }
            }
        }
        dropped_after_one_poll!(client.flush()).unwrap();
        while echoed.len() < COUNT {
            let next = dropped_after_one_poll!(async {
                Ok::<_, Error>(client.recv().await?.map(Message::into_owned).transpose()?)
            });
            echoed.push(next.unwrap().unwrap());
        }
        dropped_after_one_poll!(client.close(CloseCode::NORMAL, "")).unwrap();
        let sent: Vec<_> = (0..COUNT).map(message).collect();
        assert_eq!(echoed, sent);
        assert_eq!(echo.await.unwrap().unwrap(), sent);
    }
}

/// The same with a foreign peer, and with the two halves of a connection.
#[tokio::test]
async fn a_foreign_peer_sees_the_same_stream_if_the_futures_of_both_halves_are_dropped() {
    let (a, b) = duplex(40);
    let (mut reading, mut writing) = server(Stutter::new(a, 3), Config::new().max_outgoing(500)).into_split();
    let foreign = WebSocketStream::from_raw_socket(b, protocol::Role::Client, None).await;
    let (mut sink, mut stream) = foreign.split();
    let peer_sends = tokio::spawn(async move {
        for number in 0..COUNT {
            let message = match message(number) {
                OwnedMessage::Text(text) => tungstenite::Message::text(text),
                OwnedMessage::Binary(bytes) => tungstenite::Message::binary(bytes),
            };
            futures_util::SinkExt::send(&mut sink, message).await.unwrap();
        }
        sink
    });
    let peer_receives = tokio::spawn(async move {
        let mut received = Vec::new();
        while received.len() < COUNT {
            match stream.next().await.unwrap().unwrap() {
                tungstenite::Message::Text(text) => received.push(OwnedMessage::from(text.to_string())),
                tungstenite::Message::Binary(bytes) => received.push(OwnedMessage::from(bytes.to_vec())),
                _ => {}
            }
        }
        received
    });
    let we_send = tokio::spawn(async move {
        for number in 0..COUNT {
            let message = message(number);
            dropped_after_one_poll!(writing.send(&message))?;
        }
        dropped_after_one_poll!(writing.flush())?;
        Ok::<_, Error>(writing)
    });
    let mut received = Vec::new();
    while received.len() < COUNT {
        let next = dropped_after_one_poll!(async {
            Ok::<_, Error>(reading.recv().await?.map(Message::into_owned).transpose()?)
        });
        received.push(next.unwrap().unwrap());
    }
    let sent: Vec<_> = (0..COUNT).map(message).collect();
    assert_eq!(received, sent);
    assert_eq!(peer_receives.await.unwrap(), sent);
    drop(peer_sends.await.unwrap());
    we_send.await.unwrap().unwrap();
}

/// RFC 6455 section 5.4: a message is sent as a whole or not at all.
#[tokio::test]
async fn a_send_that_is_dropped_while_it_waits_for_room_has_queued_nothing() {
    let (a, b) = duplex(20);
    let mut server = server(a, Config::new().max_outgoing(200));
    let mut client = client(b, Config::new());
    server.send(&[1; 150][..]).await.unwrap();
    let poll = {
        let mut waiting = pin!(server.send(&[2; 150][..]));
        poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await
    };
    assert!(poll.is_pending());
    let receiving = tokio::spawn(async move {
        let mut lens = Vec::new();
        while let Some(message) = client.recv().await? {
            lens.push(message.len());
        }
        Ok::<_, Error>(lens)
    });
    server.send("kept").await.unwrap();
    server.close(CloseCode::NORMAL, "").await.unwrap();
    assert_eq!(receiving.await.unwrap().unwrap(), [150, 4]);
}

/// The transport has taken the message into a buffer of its own. Another socket goes on with its flush.
#[tokio::test]
async fn a_flush_that_is_dropped_goes_on_after_the_connection_was_taken_apart() {
    let (a, mut peer) = duplex(100);
    let mut socket = server(Stutter::new(BufWriter::new(a), 100), Config::new());
    socket.feed("hi").unwrap();
    while !socket.connection().outgoing().is_empty() {
        let mut flushing = pin!(socket.flush());
        assert!(poll_fn(|cx| Poll::Ready(flushing.as_mut().poll(cx))).await.is_pending());
    }
    let parts = socket.into_parts().unwrap();
    let mut socket = WebSocket::new(parts.io, parts.connection, &parts.unread, support::timers());
    socket.flush().await.unwrap();
    let mut frame = [0; 4];
    tokio::time::timeout(Duration::from_secs(5), peer.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame, *b"\x81\x02hi");
}
