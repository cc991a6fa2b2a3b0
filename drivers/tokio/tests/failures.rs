//! A connection that has failed, and a transport that then fails too.
#![cfg(feature = "tokio")]

mod support;

use sansws_tokio::sansws::{Config, Error as ConnectionError, HandshakeError, Violation};
use sansws_tokio::{CloseCode, Error, accept};
use support::server;
use tokio::io::{AsyncWriteExt, duplex};

/// Text that is not UTF-8.
const INVALID: &[u8] = b"\x81\x82\0\0\0\0\xff\xff";

fn assert_invalid(error: &Error) {
    assert!(matches!(error, Error::Connection(ConnectionError::Peer(Violation::InvalidUtf8))), "{error:?}");
    assert_eq!(error.close_code(), Some(CloseCode::INVALID_PAYLOAD));
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_and_is_gone_is_blamed_for_it() {
    let (a, mut peer) = duplex(1 << 10);
    let mut socket = server(a, Config::new());
    peer.write_all(INVALID).await.unwrap();
    drop(peer);
    assert_invalid(&socket.recv().await.unwrap_err());
    assert_eq!(socket.recv().await.unwrap(), None);

    let (a, mut peer) = duplex(1 << 10);
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(peer);
    let error = accept(a).await.unwrap_err();
    assert!(
        matches!(error, Error::Connection(ConnectionError::Handshake(HandshakeError::Host))),
        "{error:?}"
    );
}

/// The Close stays behind bytes that the peer does not read, up to the close deadline.
#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_the_protocol_and_reads_nothing_is_blamed_for_it() {
    let (a, mut peer) = duplex(16);
    let mut socket = server(a, Config::new());
    socket.send(&[1; 1000][..]).await.unwrap();
    peer.write_all(INVALID).await.unwrap();
    assert_invalid(&socket.recv().await.unwrap_err());
    assert_eq!(socket.recv().await.unwrap(), None);
}
