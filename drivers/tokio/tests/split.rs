//! The two halves of a connection, in two tasks.

mod support;

use sansws_tokio::sansws::{Config, Connection, DataKind};
use sansws_tokio::{CloseCode, Error, Message};
use std::time::Duration;
use support::{client, pair, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

/// No step takes this long. A test whose task is never woken fails after this time.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_peers_send_a_lot_at_once_without_a_deadlock() {
    const MESSAGES: usize = 400;
    let (a, b) = duplex(64 << 10);
    let (server, client) = (server(a, Config::new()), client(b, Config::new()));
    let ((server_in, server_out), (client_in, client_out)) = (server.into_split(), client.into_split());
    let payload = vec![7; 256 << 10];
    macro_rules! send {
        ($half:ident) => {{
            let payload = payload.clone();
            let mut half = $half;
            tokio::spawn(async move {
                for _ in 0..MESSAGES {
                    half.send(&payload[..]).await?;
                }
                half.flush().await?;
                Ok::<_, Error>(half)
            })
        }};
    }
    macro_rules! receive {
        ($half:ident) => {{
            let mut half = $half;
            tokio::spawn(async move {
                let mut bytes = 0;
                for _ in 0..MESSAGES {
                    bytes += half.recv().await?.map_or(0, |message| message.len());
                }
                Ok::<_, Error>((bytes, half))
            })
        }};
    }
    // Nobody reads until the buffers are full.
    let sending = (send!(server_out), send!(client_out));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let receiving = (receive!(server_in), receive!(client_in));
    let all = async { (receiving.0.await, receiving.1.await, sending.0.await, sending.1.await) };
    let (at_server, at_client, from_server, from_client) = timeout(3 * LIMIT, all).await.unwrap();
    assert_eq!(at_server.unwrap().unwrap().0, MESSAGES * payload.len());
    assert_eq!(at_client.unwrap().unwrap().0, MESSAGES * payload.len());
    from_server.unwrap().unwrap();
    from_client.unwrap().unwrap();
}

#[tokio::test]
async fn a_half_sends_a_message_longer_than_the_outgoing_buffer_in_fragments() {
    let (a, b) = duplex(100);
    let (_reading, mut writing) = server(a, Config::new().max_outgoing(2000)).into_split();
    let mut peer = client(b, Config::new());
    let send = async {
        writing.send_with(|tx| tx.begin(DataKind::Binary)).await?;
        for _ in 0..50 {
            writing.send_with(|tx| tx.fragment(&[7; 1000])).await?;
        }
        writing.send_with(|tx| tx.finish(b"")).await?;
        writing.flush().await
    };
    let (result, message) = tokio::join!(send, peer.recv());
    result.unwrap();
    assert_eq!(message.unwrap(), Some(Message::Binary(&vec![7; 50_000])));
}

/// A transport remembers only the task that polled its write last. Here that is the half that reads, so it
/// must wake the half that waits for room.
#[tokio::test]
async fn the_half_that_waits_for_room_is_woken_by_the_writes_of_the_other_half() {
    for _ in 0..50 {
        let (a, mut peer) = duplex(16);
        let (mut reading, mut writing) = server(a, Config::new().max_outgoing(300)).into_split();
        writing.send(&[1; 250][..]).await.unwrap();
        let sending = tokio::spawn(async move { writing.send(&[2; 250][..]).await.map(|()| writing) });
        let receiving = tokio::spawn(async move {
            reading.recv().await.map(|message| message.map(|message| message.into_owned().unwrap()))
        });
        tokio::task::yield_now().await;
        // A ping makes the half that reads write a pong.
        peer.write_all(b"\x89\x80\0\0\0\0").await.unwrap();
        let mut frames = vec![0; 254 + 250];
        timeout(LIMIT, peer.read_exact(&mut frames)).await.unwrap().unwrap();
        timeout(LIMIT, sending).await.unwrap().unwrap().unwrap();
        receiving.abort();
    }
}

// RFC 6455 sections 5.5.1 and 5.5.2
#[tokio::test]
async fn the_half_that_reads_answers_pings_and_the_close_alone() {
    let (server, mut client) = pair(1 << 10);
    let (mut reading, _writing) = server.into_split();
    let reading = tokio::spawn(async move {
        let received = reading.recv().await?.map(|message| message.into_owned().unwrap());
        Ok::<_, Error>((received, reading.recv().await?.map(|message| message.into_owned().unwrap())))
    });
    client.sender().ping(b"are you there?").unwrap();
    client.send("hello").await.unwrap();
    timeout(LIMIT, client.close(CloseCode::NORMAL, "")).await.unwrap().unwrap();
    assert!(client.connection().is_closed_cleanly());
    let (first, second) = reading.await.unwrap().unwrap();
    assert_eq!(first.unwrap(), Message::Text("hello"));
    assert_eq!(second, None);
}

#[tokio::test]
async fn both_halves_tell_the_close_code_of_the_peer() {
    let (a, b) = duplex(1024);
    let (mut reading, writing) = server(a, Config::new()).into_split();
    let mut peer = client(b, Config::new());
    assert_eq!(reading.with_connection(Connection::close_code), None);
    let closing = tokio::spawn(async move { peer.close(CloseCode::from(3000), "done").await });
    assert!(timeout(LIMIT, reading.recv()).await.unwrap().unwrap().is_none());
    closing.await.unwrap().unwrap();
    for code in
        [reading.with_connection(Connection::close_code), writing.with_connection(Connection::close_code)]
    {
        assert_eq!(code, Some(CloseCode::from(3000)));
    }
    let reason = reading.with_connection(|one| one.peer_close().map(|close| close.reason.to_owned()));
    assert_eq!(reason.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_close_of_the_writing_half_ends_the_reading_half() {
    let (server, mut client) = pair(1 << 10);
    let (mut reading, mut writing) = server.into_split();
    let peer = tokio::spawn(async move { client.recv().await.map(|message| message.is_none()) });
    let end = tokio::spawn(async move { reading.recv().await.map(|message| message.is_none()) });
    writing.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(timeout(LIMIT, end).await.unwrap().unwrap().unwrap());
    assert!(timeout(LIMIT, peer).await.unwrap().unwrap().unwrap());
    writing.send("too late").await.unwrap_err();
}

#[tokio::test]
async fn only_halves_of_one_connection_join_again() {
    let (server, client) = pair(1 << 10);
    let (other, mut client) = (pair(1 << 10).0, client);
    let (reading, writing) = server.into_split();
    let (other_reading, other_writing) = other.into_split();
    let (reading, other_writing) = reading.unsplit(other_writing).unwrap_err();
    let mut server = reading.unsplit(writing).unwrap();
    let _other = other_reading.unsplit(other_writing).unwrap();
    server.send("joined").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Text("joined")));
}

/// The peer has closed and is gone, and the writing half notices it first. The reading half still gets what
/// the peer sent before.
#[tokio::test]
async fn a_write_that_fails_in_one_half_loses_nothing_that_the_other_half_can_read() {
    for has_close in [true, false] {
        let (a, mut peer) = duplex(1 << 10);
        let (mut reading, mut writing) = server(a, Config::new()).into_split();
        let received = tokio::spawn(async move {
            let first = reading.recv().await.unwrap().map(Message::into_owned);
            (first.unwrap().unwrap(), reading)
        });
        tokio::task::yield_now().await;
        peer.write_all(b"\x81\x84\0\0\0\0last").await.unwrap();
        if has_close {
            peer.write_all(b"\x88\x82\0\0\0\0\x03\xf0").await.unwrap();
        }
        drop(peer);
        for _ in 0..3 {
            assert!(matches!(writing.send("too late").await, Err(Error::Io(_))));
        }
        writing.flush().await.unwrap_err();
        let (first, mut reading) = received.await.unwrap();
        assert_eq!(first.as_message(), Message::Text("last"));
        if has_close {
            assert_eq!(reading.recv().await.unwrap(), None);
            let code = reading.with_connection(Connection::close_code);
            assert_eq!(code, Some(CloseCode::from(1008)));
        } else {
            assert!(matches!(reading.recv().await, Err(Error::Io(_))));
        }
        assert_eq!(reading.recv().await.unwrap(), None);
        writing.flush().await.unwrap_err();
    }
}

/// If the writing half notices first that the connection is lost, the reading half must not take it for a
/// clean end.
#[tokio::test]
async fn both_halves_learn_that_the_connection_is_lost() {
    let (a, b) = duplex(16);
    let (mut reading, mut writing) = server(a, Config::new()).into_split();
    writing.send(&[1; 1000][..]).await.unwrap();
    drop(b);
    writing.flush().await.unwrap_err();
    reading.recv().await.unwrap_err();
    assert_eq!(reading.recv().await.unwrap(), None);
}
