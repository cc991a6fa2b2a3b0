//! The server's side of the opening handshake, RFC 6455 section 4.2. Most rules are checked twice: with a
//! head of HTTP/1.1, and with the headers that an HTTP stack of the embedder hands over (`ServerUpgrade`).

mod acceptance;
mod content;
mod extensions;
mod host;
mod limits;
mod rejection;
mod request;
mod target;
mod view;

use crate::heads::Change::{self, Add, Set, Without};
use crate::heads::{ACCEPT, Header, KEY, REQUEST, as_bytes, head, request, with_changes};
use crate::support::{Reported, ServerConnection, feed, feed_cut, frame, masked, take_outgoing};
use proptest::prelude::*;
use sansws::handshake::Request;
use sansws::upgrade::ServerUpgrade;
use sansws::{
    Accept, CloseCode, Config, Connection, DataKind, Error, Event, HandshakeError, Heap, Limit, Misuse,
    Reply, SendError, Server, State, Storage, Violation,
};
#[cfg(feature = "heapless")]
use sansws::{Borrowed, Fixed};
use std::ops::Range;

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const METHOD_NOT_ALLOWED: &str =
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const UPGRADE_REQUIRED: &str = "HTTP/1.1 426 Upgrade Required\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Connection: Upgrade, close\r\n\
    Content-Length: 0\r\n\
    \r\n";
const EXPECTATION_FAILED: &str =
    "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const HEADERS_TOO_LARGE: &str =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const VERSION_NOT_SUPPORTED: &str =
    "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn server() -> ServerConnection {
    Connection::server(Config::new())
}

fn http_server() -> ServerConnection {
    Connection::server(Config::new().http_requests(true))
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn request_event(subprotocols: &[&str]) -> Reported {
    let subprotocols = subprotocols.iter().map(ToString::to_string).collect();
    Reported::Request("GET".to_string(), "/chat".to_string(), subprotocols)
}

fn expected_answer(error: Error) -> &'static str {
    match error {
        Error::Handshake(HandshakeError::Method) => METHOD_NOT_ALLOWED,
        Error::Handshake(HandshakeError::HttpVersion) => VERSION_NOT_SUPPORTED,
        Error::Handshake(HandshakeError::Upgrade | HandshakeError::VersionNotSupported) => UPGRADE_REQUIRED,
        Error::Handshake(HandshakeError::Expectation) => EXPECTATION_FAILED,
        Error::Limit(_) => HEADERS_TOO_LARGE,
        _ => BAD_REQUEST,
    }
}

/// Gives a server on each storage a stream that begins with a head, whole and byte by byte. Returns the
/// events and the answer, which must be the same in all cases.
#[track_caller]
fn on_every_storage(config: Config, stream: &[u8]) -> (Vec<Reported>, String) {
    fn run<S: Storage>(
        mut server: Connection<Server, S>, stream: &[u8], cuts: Range<usize>,
    ) -> (Vec<Reported>, String) {
        let reported = feed_cut(&mut server, stream, cuts);
        (reported, text_of(&take_outgoing(&mut server)).to_string())
    }
    let whole = run(Connection::server(config), stream, 0..0);
    let cuts = || 1..stream.len();
    let shown = stream.escape_ascii();
    assert_eq!(run(Connection::server(config), stream, cuts()), whole, "{shown}");
    #[cfg(feature = "heapless")]
    for cuts in [0..0, cuts()] {
        let (mut receive, mut send) = ([0; 4096], [0; 4096]);
        let borrowed = Borrowed::new(&mut receive, &mut send);
        let fixed = Connection::server_in(config, Fixed::<4096, 4096>);
        assert_eq!(run(fixed, stream, cuts.clone()), whole, "{shown}");
        assert_eq!(run(Connection::server_in(config, borrowed), stream, cuts), whole, "{shown}");
    }
    whole
}

/// Asserts that the server answers the head with an HTTP error and that the connection is closed once the
/// answer is written.
#[track_caller]
fn assert_head_refused_with(config: Config, head: &[u8], error: impl Into<Error>) {
    let error = error.into();
    let shown = head.escape_ascii();
    for cuts in [0..0, 1..head.len()] {
        let mut server = Connection::server(config);
        assert_eq!(feed_cut(&mut server, head, cuts), [Reported::Failed(error)], "{shown}");
        assert_eq!(server.state(), State::Closing, "{shown}");
        assert!(!server.should_disconnect(), "{shown}: the answer is not written yet");
        assert_eq!(text_of(&take_outgoing(&mut server)), expected_answer(error), "{shown}");
        assert_eq!(server.state(), State::Closed, "{shown}");
        assert!(server.should_disconnect() && !server.is_closed_cleanly(), "{shown}");
        assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL), "{shown}");
        assert_eq!(server.error(), Some(error), "{shown}");
        // A valid request comes too late, and nothing is reported twice.
        assert_eq!(feed(&mut server, &request(&[])), [], "{shown}");
        assert!(server.receive_eof().is_none(), "{shown}");
        assert_eq!(server.error(), Some(error), "{shown}");
        assert!(server.outgoing().is_empty(), "{shown}");
    }
}

#[track_caller]
fn assert_head_refused(head: &[u8], error: impl Into<Error>) {
    assert_head_refused_with(Config::new(), head, error);
}

/// Asserts that a valid request with these changes is refused.
#[track_caller]
fn assert_refused(changes: &[Change], error: HandshakeError) {
    let fields = with_changes(&REQUEST, changes);
    let head = head("GET /chat HTTP/1.1", &fields);
    assert_head_refused(&head, error);
    let expected = (vec![Reported::Failed(error.into())], expected_answer(error.into()).to_string());
    for config in [Config::new(), Config::new().http_requests(true)] {
        // A request without `Upgrade` is a plain request.
        if error != HandshakeError::Upgrade || config == Config::new() {
            assert_eq!(on_every_storage(config, &head), expected, "{changes:?}");
        }
    }
    assert_eq!(ServerUpgrade::check("GET", as_bytes(&fields)).map(drop), Err(error), "{changes:?}");
}

/// Asserts that the server accepts the head with exactly the bytes of `ACCEPTED`.
#[track_caller]
fn assert_head_accepted(head: &[u8], subprotocols: &[&str]) {
    let shown = head.escape_ascii();
    for cuts in [0..0, 1..head.len()] {
        let mut server = server();
        let events = feed_cut(&mut server, head, cuts);
        assert_eq!(events, [request_event(subprotocols), Reported::Complete], "{shown}");
        assert_eq!(text_of(&take_outgoing(&mut server)), ACCEPTED, "{shown}");
        assert_eq!(server.state(), State::Open, "{shown}");
    }
}

#[track_caller]
fn assert_headers_accepted(fields: &[Header]) {
    let head = head("GET /chat HTTP/1.1", fields);
    assert_head_accepted(&head, &[]);
    let expected = (vec![request_event(&[]), Reported::Complete], ACCEPTED.to_string());
    assert_eq!(on_every_storage(Config::new(), &head), expected, "{fields:?}");
    let upgrade = ServerUpgrade::check("GET", as_bytes(fields)).unwrap();
    assert_eq!(upgrade.accept(None, &Config::new()).unwrap().headers().nth(2).unwrap().1, ACCEPT);
}

/// Asserts that a valid request with these changes is accepted.
#[track_caller]
fn assert_accepted(changes: &[Change]) {
    assert_headers_accepted(&with_changes(&REQUEST, changes));
}

/// Gives the server a request head and leaves the decision open.
#[track_caller]
fn receive_request(server: &mut ServerConnection, head: &[u8]) {
    let mut bytes = head.to_vec();
    let mut input = &mut bytes[..];
    match server.receive(&mut input) {
        Some((Event::HandshakeRequest(_) | Event::HttpRequest(_), _)) => {}
        other => panic!("{other:?}"),
    }
    assert!(input.is_empty());
}

/// A server that has a valid request with these changes and has not decided yet.
#[track_caller]
fn server_with_request(changes: &[Change]) -> ServerConnection {
    let mut server = server();
    receive_request(&mut server, &request(changes));
    server
}

/// Shows a request to `inspect`: once from a head that lies whole in the input, and once from a head that the
/// connection has put together from two pieces.
#[track_caller]
fn inspect_request(head: &[u8], inspect: impl Fn(Request<'_>)) {
    for whole in [true, false] {
        let mut server = http_server();
        let mut bytes = head.to_vec();
        let mut input = &mut bytes[..];
        if !whole {
            let mut first;
            (first, input) = input.split_at_mut(head.len() / 2);
            assert!(server.receive(&mut first).is_none());
        }
        match server.receive(&mut input) {
            Some((Event::HandshakeRequest(request) | Event::HttpRequest(request), _)) => inspect(request),
            other => panic!("{other:?}"),
        }
    }
}

/// Headers with a name or a value that would break a head apart.
const INVALID_HEADERS: [Header; 13] = [
    ("X", "a\r\nb"),
    ("X", "a\rb"),
    ("X", "a\nb"),
    ("X", "a\0b"),
    ("X", "a\x1bb"),
    ("X", "a\x7fb"),
    ("", "a"),
    ("X Y", "a"),
    ("X:", "a"),
    ("X\r\nY", "a"),
    ("X\0", "a"),
    ("(X)", "a"),
    ("\u{fc}", "a"),
];

/// Asserts that the connection closes once its answer is written, and ignores everything after that. Returns
/// the answer.
#[track_caller]
fn assert_closes_after_the_answer(server: &mut ServerConnection) -> String {
    assert_eq!(server.state(), State::Closing, "the answer is not written completely");
    assert!(!server.should_disconnect());
    let len = server.outgoing().len();
    let mut answer = server.outgoing()[..len - 1].to_vec();
    server.mark_sent(len - 1);
    assert_eq!(server.state(), State::Closing, "the answer is not written completely");
    answer.extend(take_outgoing(server));
    assert_eq!(server.state(), State::Closed);
    assert!(server.should_disconnect());
    // Later bytes are ignored.
    assert_eq!(feed(server, &request(&[])), []);
    assert_eq!(feed(server, b"\x88\x00garbage\r\n\r\n"), []);
    assert_eq!(server.sender().text("late"), Err(Misuse::Closed.into()));
    assert_eq!(server.sender().close(CloseCode::NORMAL, ""), Err(Misuse::Closed.into()));
    for _ in 0..2 {
        assert!(server.receive_eof().is_none());
    }
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Closed, None));
    assert!(server.should_disconnect() && !server.is_closed_cleanly());
    assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
    text_of(&answer).to_string()
}
