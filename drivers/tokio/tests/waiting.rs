//! Calls that wait until the transport takes bytes.
#![cfg(feature = "tokio")]

mod support;

use sansws_tokio::sansws::timers::Timeout;
use sansws_tokio::sansws::{Config, DataKind, Role, SendError};
use sansws_tokio::{Error, Message, WebSocket};
use std::time::Duration;
use support::server;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

/// A message that does not fit into the outgoing buffer at all is refused, and the connection goes on.
#[tokio::test]
async fn a_message_that_can_never_be_sent_is_an_error_of_its_own() {
    let (a, b) = duplex(1 << 10);
    let mut socket = server(a, Config::new().max_outgoing(1000));
    let mut peer = support::client(b, Config::new());
    let error = socket.send(&[0; 2000][..]).await.unwrap_err();
    assert!(matches!(error, Error::Send(SendError::TooLarge)), "{error:?}");
    socket.send("small").await.unwrap();
    assert_eq!(peer.recv().await.unwrap(), Some(Message::Text("small")));
}

/// A call that waits for room reads meanwhile, whether it is `send_with` or `flush`.
#[tokio::test]
async fn a_peer_gets_its_pong_between_the_fragments_of_a_long_message() {
    for flushes in [false, true] {
        let (a, b) = duplex(100);
        let mut socket = server(a, Config::new().max_outgoing(2000));
        let mut peer = support::client(b, Config::new());
        let send = async {
            socket.send_with(|tx| tx.begin(DataKind::Binary)).await?;
            for _ in 0..50 {
                if flushes {
                    socket.flush().await?;
                    socket.sender().fragment(&[7; 1000])?;
                } else {
                    socket.send_with(|tx| tx.fragment(&[7; 1000])).await?;
                }
            }
            if flushes {
                socket.flush().await?; // then `send_with` need not wait
            }
            socket.send_with(|tx| tx.finish(&[7; 1000])).await?;
            socket.flush().await
        };
        let receive = async {
            peer.ping().await.unwrap(); // `Error::MessageFirst` if the pong comes after the message
            assert_eq!(peer.recv().await.unwrap(), Some(Message::Binary(&vec![7; 51_000])));
        };
        let (result, ()) = tokio::join!(send, receive);
        result.unwrap();
        let error = socket.send_with(|tx| tx.binary(&[0; 3000])).await.unwrap_err();
        assert!(matches!(error, Error::Send(SendError::TooLarge)), "{error:?}");
    }
}

/// As with `SinkExt::send` of two sockets in one piece: each side flushes its message before it receives.
#[tokio::test]
async fn two_sides_that_flush_at_once_do_not_deadlock() {
    async fn exchange<R: Role>(mut socket: WebSocket<DuplexStream, R>) {
        socket.feed(&[1; 5000][..]).unwrap();
        socket.flush().await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some(Message::Binary(&[1; 5000])));
    }
    let (a, b) = duplex(100);
    tokio::join!(exchange(server(a, Config::new())), exchange(support::client(b, Config::new())));
}

/// A peer that neither reads nor closes: every wait for it ends, also while a message waits to be received.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_given_up_while_send_and_flush_wait() {
    for has_message in [false, true] {
        let (a, mut peer) = duplex(16);
        let mut socket = server(a, Config::new().max_outgoing(1000));
        if has_message {
            peer.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        }
        socket.send(&[1; 900][..]).await.unwrap();
        let start = tokio::time::Instant::now();
        let error = socket.send(&[2; 900][..]).await.unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
        assert!(start.elapsed() <= Duration::from_secs(60), "{:?}", start.elapsed());

        let (a, _peer) = duplex(16);
        let mut socket = server(a, Config::new());
        socket.send(&[1; 900][..]).await.unwrap();
        let error = socket.flush().await.unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
    }
}
