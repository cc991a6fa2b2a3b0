//! The opening handshake of both roles: decisions, refusals, and futures that are dropped meanwhile.

mod support;

use embassy_futures::join::join;
use sansws_embassy::sansws;
use sansws_embassy::sansws::{ClientRequest, Config, Connection, Event, SendError};
use sansws_embassy::{Answer, Error, TimersConfig, WebSocket};
use std::pin::pin;
use support::{Memory, Reset, pipes, poll_until_idle, run};

const TIMERS: TimersConfig = TimersConfig::new();

/// The answers that a client gets, and what both sides see.
fn decide(
    answer: Answer<'static>, origin: Option<&str>,
) -> (Result<(), Error<Reset>>, Result<Option<String>, Error<Reset>>) {
    let (a, b) = pipes(10_000);
    let serve = async {
        let connection = Connection::server_in(Config::new(), Memory::default());
        let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
        socket.accept_with(async |_| answer).await
    };
    let talk = async {
        let request = ClientRequest::new("ws://board/").unwrap().subprotocols(&["v1", "v2"]);
        let request = match origin {
            Some(origin) => request.origin(origin),
            None => request,
        };
        let connection =
            Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
        let mut socket = WebSocket::new(b, connection, [0; 64], TIMERS);
        socket.open().await?;
        Ok(socket.connection().subprotocol().map(str::to_owned))
    };
    run(join(serve, talk))
}

#[test]
fn a_server_decides_about_each_request() {
    let refused = |status| Err(Error::Connection(sansws::Error::Refused(status)));
    assert_eq!(decide(Answer::accept(), None), (Ok(()), Ok(None)));
    assert_eq!(decide(Answer::accept().subprotocol("v2"), None), (Ok(()), Ok(Some("v2".to_owned()))));
    assert_eq!(decide(Answer::reject(404).body(b"not here"), None), (Err(Error::Rejected), refused(404)));
    let redirect = Answer::reject(302).headers(&[("Location", "ws://other/")]);
    assert_eq!(decide(redirect, None), (Err(Error::Rejected), refused(302)));
    // The client did not offer this one.
    let (server, client) = decide(Answer::accept().subprotocol("v3"), None);
    assert!(matches!(server, Err(Error::Send(SendError::NotAllowed(_)))), "{server:?}");
    assert!(client.is_err());
}

#[test]
fn a_client_can_read_the_answer_that_refuses_it() {
    let (a, b) = pipes(10_000);
    let serve = async {
        let connection = Connection::server_in(Config::new(), Memory::default());
        let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
        let answer = Answer::reject(401).headers(&[("WWW-Authenticate", "Bearer")]).body(b"who are you?");
        assert_eq!(socket.accept_with(async |_| answer).await, Err(Error::Rejected));
    };
    let talk = async {
        let request = ClientRequest::new("ws://board/").unwrap();
        let config = Config::new().keep_headers(&["WWW-Authenticate"]);
        let connection = Connection::client_in(&request, config, rand::rng(), Memory::default()).unwrap();
        let mut socket = WebSocket::new(b, connection, [0; 64], TIMERS);
        let Ok(Some((Event::HandshakeRefused(response), _))) = socket.recv_event().await else { panic!() };
        assert_eq!(response.status(), 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        assert_eq!(response.body(), b"who are you?");
    };
    run(join(serve, talk));
}

#[test]
fn pages_of_other_sites_are_rejected_by_default() {
    for (origin, is_accepted) in [
        (None, true),
        (Some("https://board"), true),
        (Some("https://evil.example"), false),
        (Some("http://board"), false),
    ] {
        let (a, b) = pipes(10_000);
        let serve = async {
            let connection = Connection::server_in(Config::new(), Memory::default());
            WebSocket::new(a, connection, [0; 64], TIMERS).accept().await
        };
        let talk = async {
            let request = ClientRequest::new("ws://board/").unwrap();
            let request = origin.map_or(request, |origin| request.origin(origin));
            let connection =
                Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
            WebSocket::new(b, connection, [0; 64], TIMERS).open().await
        };
        let (server, client) = run(join(serve, talk));
        assert_eq!((server.is_ok(), client.is_ok()), (is_accepted, is_accepted), "{origin:?}");
    }
}

#[test]
fn an_invalid_request_is_answered_and_reported() {
    let (a, b) = pipes(10_000);
    b.push(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n");
    let serve = async {
        let connection = Connection::server_in(Config::new(), Memory::default());
        let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
        let error = socket.accept().await.unwrap_err();
        assert!(matches!(error, Error::Connection(sansws::Error::Handshake(_))), "{error:?}");
    };
    run(serve);
    assert!(b.pull().starts_with(b"HTTP/1.1 4"));
    assert!(b.has_peer_ended());
}

#[test]
fn a_plain_request_is_answered_with_426_if_the_configuration_reports_it() {
    let (a, b) = pipes(10_000);
    b.push(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n");
    let serve = async {
        let connection = Connection::server_in(Config::new().http_requests(true), Memory::default());
        WebSocket::new(a, connection, [0; 64], TIMERS).accept().await
    };
    // The peer never ends its direction, so the close deadline ends the wait.
    assert!(run(serve).is_err());
    assert!(b.pull().starts_with(b"HTTP/1.1 426"));
}

/// The decision waits, and the future is dropped meanwhile.
#[test]
fn an_opening_handshake_goes_on_after_its_future_was_dropped() {
    let (a, b) = pipes(10_000);
    let request = ClientRequest::new("ws://board/").unwrap();
    let mut peer = Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
    let head = peer.outgoing().to_vec();
    peer.mark_sent(head.len());
    let connection = Connection::server_in(Config::new(), Memory::default());
    let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
    for byte in head {
        b.push(&[byte]);
        let future = socket.accept_with(async |_| std::future::pending().await);
        assert!(poll_until_idle(pin!(future)).is_pending());
    }
    assert_eq!(run(socket.accept()), Ok(()));
    let mut answer = b.pull();
    let mut input = &mut answer[..];
    assert!(matches!(peer.receive(&mut input), Some((Event::HandshakeComplete(_), _))));
}

/// The status of a refusal says more than why its body was cut.
#[test]
fn a_refusal_whose_body_is_cut_is_still_a_refusal() {
    for is_reset in [true, false] {
        let (a, b) = pipes(1000);
        let request = ClientRequest::new("ws://board/").unwrap();
        let connection =
            Connection::client_in(&request, Config::new(), rand::rng(), Memory::default()).unwrap();
        let mut socket = WebSocket::new(a, connection, [0; 64], TIMERS);
        b.push(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbegin");
        let cut = async {
            embassy_time::Timer::after_secs(1).await;
            if is_reset {
                b.reset();
            }
        };
        let (opened, ()) = run(join(socket.open(), cut));
        assert_eq!(opened, Err(Error::Connection(sansws::Error::Refused(403))));
    }
}

#[test]
fn logs_show_no_header_value_and_no_body_of_an_answer() {
    let answer = Answer::reject(401).headers(&[("Set-Cookie", "hunter2")]).body(b"hunter2");
    let shown = format!("{answer:?}");
    assert!(shown.contains("401") && !shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
}

#[test]
fn logs_show_no_byte_of_the_peer_in_the_parts_of_a_connection() {
    let connection = Connection::server_in(Config::new(), Memory::default());
    let parts = WebSocket::new((), connection, *b"hunter2", TIMERS).into_parts();
    let shown = format!("{parts:?}");
    assert!(shown.contains("unread: 0..0") && !shown.contains("104, 117"), "{shown}");
}

/// No browser sends such a request. What the server cannot read is no page of its own.
#[test]
fn an_origin_that_is_repeated_or_is_no_text_is_foreign() {
    for origins in [&b"Origin: \xff\r\n"[..], b"Origin: https://h\r\nOrigin: https://evil.example\r\n"] {
        let (a, b) = pipes(10_000);
        let begin = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
        b.push(&[begin, origins, b"\r\n"].concat());
        let serve = async {
            let connection = Connection::server_in(Config::new(), Memory::default());
            WebSocket::new(a, connection, [0; 64], TIMERS).accept().await
        };
        // The peer never ends its direction, so the close deadline ends the wait.
        assert!(run(serve).is_err());
        assert!(b.pull().starts_with(b"HTTP/1.1 403"));
    }
}
