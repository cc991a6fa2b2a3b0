//! The opening handshake of a server: requests that it does not accept.
#![cfg(feature = "tokio")]

use sansws_tokio::sansws::Config;
use sansws_tokio::sansws::timers::TimersConfig;
use sansws_tokio::{Answer, Error, accept, accept_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// `accept_with` passes on opening handshakes only, so the driver itself answers a plain request.
#[tokio::test(start_paused = true)]
async fn a_plain_request_is_answered_with_426_if_the_configuration_reports_it() {
    let (a, mut b) = duplex(1 << 10);
    let config = Config::new().http_requests(true);
    let serving = tokio::spawn(accept_with(a, config, TimersConfig::new(), async |_: &_| Answer::accept()));
    b.write_all(b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    b.read_to_string(&mut answer).await.unwrap();
    drop(b);
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"), "{answer:?}");
    assert!(matches!(serving.await.unwrap().unwrap_err(), Error::Rejected));
}

/// No browser sends such a request. What the server cannot read is no page of its own.
#[tokio::test(start_paused = true)]
async fn an_origin_that_is_repeated_or_is_no_text_is_foreign() {
    for origins in [&b"Origin: \xff\r\n"[..], b"Origin: https://h\r\nOrigin: https://evil.example\r\n"] {
        let (a, mut b) = duplex(1 << 10);
        let serving = tokio::spawn(accept(a));
        let begin = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
        b.write_all(&[begin, origins, b"\r\n"].concat()).await.unwrap();
        let mut answer = [0; 12];
        b.read_exact(&mut answer).await.unwrap();
        drop(b);
        assert_eq!(answer, *b"HTTP/1.1 403");
        assert!(matches!(serving.await.unwrap().unwrap_err(), Error::Rejected));
    }
}
