//! The server's side of the opening handshake, RFC 6455 section 4.2. What a head of HTTP/1.1 shows is checked over the
//! fields of an embedder's own HTTP stack as well (`ServerUpgrade`).
#![cfg(feature = "alloc")]

#[path = "support/heads.rs"]
mod heads;
mod support;

use heads::Change::{self, Add, Set, Without};
use heads::{Field, REQUEST, as_bytes, changed, head, request};
use proptest::prelude::*;
use sansws::handshake::{Request, ServerUpgrade};
use sansws::{
    Accept, CloseCode, Config, Connection, DataKind, Error, Event, HandshakeError, Limit, Misuse, Reply,
    SendError, State, Violation,
};
use support::{Heard, KEY, ServerConnection, feed, feed_cut, frame, masked, take_outgoing};

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
const FIELDS_TOO_LARGE: &str =
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

fn request_heard(subprotocols: &[&str]) -> Heard {
    let subprotocols = subprotocols.iter().map(ToString::to_string).collect();
    Heard::Request("GET".to_string(), "/chat".to_string(), subprotocols)
}

fn expected_answer(error: Error) -> &'static str {
    match error {
        Error::Handshake(HandshakeError::Method) => METHOD_NOT_ALLOWED,
        Error::Handshake(HandshakeError::HttpVersion) => VERSION_NOT_SUPPORTED,
        Error::Handshake(HandshakeError::Upgrade | HandshakeError::VersionNotSupported) => UPGRADE_REQUIRED,
        Error::Limit(_) => FIELDS_TOO_LARGE,
        _ => BAD_REQUEST,
    }
}

/// Asserts that the head is answered with an HTTP error and that this is the end of it.
#[track_caller]
fn assert_head_refused_with(config: Config, head: &[u8], error: impl Into<Error>) {
    let error = error.into();
    let shown = head.escape_ascii();
    for cuts in [0..0, 1..head.len()] {
        let mut server = Connection::server(config);
        assert_eq!(feed_cut(&mut server, head, cuts), [Heard::Failed(error)], "{shown}");
        assert_eq!(server.state(), State::Closing, "{shown}");
        assert!(!server.should_disconnect(), "{shown}: the answer goes first");
        assert_eq!(text_of(&take_outgoing(&mut server)), expected_answer(error), "{shown}");
        assert_eq!(server.state(), State::Closed, "{shown}");
        assert!(server.should_disconnect() && !server.is_closed_cleanly(), "{shown}");
        assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL), "{shown}");
        assert_eq!(server.error(), Some(error), "{shown}");
        // It says the same each time, and a valid request comes too late.
        assert_eq!(feed(&mut server, &request(&[])), [Heard::Failed(error)], "{shown}");
        assert_eq!(server.receive_eof().map(drop), Err(error), "{shown}");
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
    let fields = changed(&REQUEST, changes);
    assert_head_refused(&head("GET /chat HTTP/1.1", &fields), error);
    assert_eq!(ServerUpgrade::check("GET", || as_bytes(&fields)).map(drop), Err(error), "{changes:?}");
}

/// Asserts that the head is accepted with the very bytes of `ACCEPTED`.
#[track_caller]
fn assert_head_accepted(head: &[u8], subprotocols: &[&str]) {
    let shown = head.escape_ascii();
    for cuts in [0..0, 1..head.len()] {
        let mut server = server();
        let events = feed_cut(&mut server, head, cuts);
        assert_eq!(events, [request_heard(subprotocols), Heard::Complete], "{shown}");
        assert_eq!(text_of(&take_outgoing(&mut server)), ACCEPTED, "{shown}");
        assert_eq!(server.state(), State::Open, "{shown}");
    }
}

#[track_caller]
fn assert_fields_accepted(fields: &[Field]) {
    assert_head_accepted(&head("GET /chat HTTP/1.1", fields), &[]);
    let upgrade = ServerUpgrade::check("GET", || as_bytes(fields)).unwrap();
    assert_eq!(upgrade.accept(None).unwrap().fields().nth(2).unwrap().1, support::ACCEPT);
}

/// Asserts that a valid request with these changes is accepted.
#[track_caller]
fn assert_accepted(changes: &[Change]) {
    assert_fields_accepted(&changed(&REQUEST, changes));
}

/// Gives a request head and leaves the decision open.
#[track_caller]
fn ask(server: &mut ServerConnection, head: &[u8]) {
    let mut bytes = head.to_vec();
    let mut input = &mut bytes[..];
    match server.receive(&mut input) {
        Ok(Some((Event::HandshakeRequest(_) | Event::HttpRequest(_), _))) => {}
        other => panic!("{other:?}"),
    }
    assert!(input.is_empty());
}

#[track_caller]
fn asked(changes: &[Change]) -> ServerConnection {
    let mut server = server();
    ask(&mut server, &request(changes));
    server
}

/// Shows a request to `look`, once where it lies in the input and once where it was put together.
#[track_caller]
fn look_at(head: &[u8], look: impl Fn(Request<'_>)) {
    for whole in [true, false] {
        let mut server = http_server();
        let mut bytes = head.to_vec();
        let mut input = &mut bytes[..];
        if !whole {
            let mut first;
            (first, input) = input.split_at_mut(head.len() / 2);
            assert!(server.receive(&mut first).unwrap().is_none());
        }
        match server.receive(&mut input) {
            Ok(Some((Event::HandshakeRequest(request) | Event::HttpRequest(request), _))) => look(request),
            other => panic!("{other:?}"),
        }
    }
}

// ---- Section 4.2.1: reading the client's opening handshake ----

// WS-4.2.1-01 · WS-10.7-04
#[test]
fn what_is_no_handshake_is_answered_by_http() {
    for garbage in [
        &b"garbage\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"\x81\x02hi\n\n",
        b"GET /chat\r\n\r\n",
        b"GET /chat \r\n\r\n",
        b"GET  /chat HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
        b" GET /chat HTTP/1.1\r\nHost: h\r\n\r\n",
        b"G\0T /chat HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /chat http/1.1\r\nHost: h\r\n\r\n",
        b"GET /chat HTTP/1.11\r\nHost: h\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /chat HTTP/1.1\r\n: h\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nHost : h\r\n\r\n",
        b"GET /chat HTTP/1.1\r\n Host: h\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nHost: h\0\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        b"GET /chat HTTP/1.1\r\nH\xc3\xb6st: h\r\n\r\n",
    ] {
        assert_head_refused(garbage, HandshakeError::MalformedHead);
    }
    // One defect of each kind.
    for (changes, error) in [
        (Without("Host"), HandshakeError::Host),
        (Without("Upgrade"), HandshakeError::Upgrade),
        (Without("Connection"), HandshakeError::Connection),
        (Without("Sec-WebSocket-Key"), HandshakeError::Key),
        (Without("Sec-WebSocket-Version"), HandshakeError::Version),
        (Set("Sec-WebSocket-Version", "8"), HandshakeError::VersionNotSupported),
        (Add("Sec-WebSocket-Protocol", "a b"), HandshakeError::Subprotocol),
        (Add("Sec-WebSocket-Extensions", "a b"), HandshakeError::Extensions),
    ] {
        assert_refused(&[changes], error);
        assert!(matches!(error.http_status(), Some(400..=499)));
    }
}

// WS-4.2.1-02
#[test]
fn an_incomplete_head_is_waited_for() {
    let head = request(&[]);
    let (start, end) = head.split_at(head.len() - 2);
    let mut server = server();
    assert_eq!(feed(&mut server, start), []);
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    assert_eq!(feed(&mut server, end), [request_heard(&[]), Heard::Complete]);
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
}

// WS-4.2.1-03
#[test]
fn the_order_of_fields_does_not_matter() {
    let mut fields = changed(&REQUEST, &[Add("Origin", "http://h"), Add("Cookie", "a=b")]);
    for _ in 0..2 {
        for _ in 0..fields.len() {
            fields.rotate_left(1);
            assert_fields_accepted(&fields);
        }
        fields.reverse();
    }
}

// WS-4.1-63
#[test]
fn field_names_have_no_case() {
    for change_case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let names = REQUEST.map(|(name, _)| change_case(name));
        let fields: Vec<_> = names.iter().zip(REQUEST).map(|(name, (_, value))| (&name[..], value)).collect();
        let head = head("GET /chat HTTP/1.1", &fields);
        assert_head_accepted(&head, &[]);
        look_at(&head, |request| assert_eq!(request.header("HOST"), Some("server.example")));
    }
    // Nor has what they are refused for.
    assert_refused(&[Add("sEC-wEBSOCKET-kEY", KEY)], HandshakeError::Key);
}

// WS-4.2.1-04
#[test]
fn the_method_is_get() {
    for method in ["POST", "get", "Get", "GETT", "HEAD", "PUT", "CONNECT", "OPTIONS"] {
        assert_head_refused(&head(&format!("{method} / HTTP/1.1"), &REQUEST), HandshakeError::Method);
        let upgrade = ServerUpgrade::check(method, || as_bytes(&REQUEST));
        assert_eq!(upgrade.map(drop), Err(HandshakeError::Method));
    }
}

// WS-4.2.1-05
#[test]
fn the_version_of_http_is_1_1() {
    for version in ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2"] {
        assert_head_refused(&head(&format!("GET / {version}"), &REQUEST), HandshakeError::HttpVersion);
    }
    // The connection preface of HTTP/2.
    assert_head_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HandshakeError::HttpVersion);
}

// WS-4.2.1-06 · WS-4.2.2-13
#[test]
fn the_resource_name_comes_from_the_request_target() {
    for (target, resource_name, path, query) in [
        ("/", "/", "/", None),
        ("/chat", "/chat", "/chat", None),
        ("/a/%7e/../A?x=%2F", "/a/%7e/../A?x=%2F", "/a/%7e/../A", Some("x=%2F")),
        ("/a?b?c", "/a?b?c", "/a", Some("b?c")),
        ("/a?", "/a?", "/a", Some("")),
        ("/a?u=http://h/x", "/a?u=http://h/x", "/a", Some("u=http://h/x")),
        ("//a/b", "//a/b", "//a/b", None),
        ("/http://h/x", "/http://h/x", "/http://h/x", None),
        ("http://h/chat?x", "/chat?x", "/chat", Some("x")),
        ("https://h:8443/chat", "/chat", "/chat", None),
        ("HTTP://h/chat", "/chat", "/chat", None),
        ("http://h", "/", "/", None),
        ("http://h/", "/", "/", None),
        ("http://[::1]:80/a", "/a", "/a", None),
    ] {
        look_at(&head(&format!("GET {target} HTTP/1.1"), &REQUEST), |request| {
            assert_eq!((request.method(), request.target()), ("GET", target));
            assert_eq!(request.resource_name(), resource_name, "{target}");
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        });
    }
}

// WS-4.2.1-01 · WS-10.7-04
#[test]
fn a_target_without_a_resource_name_is_a_bad_request() {
    for target in ["*", "chat", "server.example:80", "http://server.example?x", "?x"] {
        assert_head_refused(
            &head(&format!("GET {target} HTTP/1.1"), &REQUEST),
            HandshakeError::MalformedHead,
        );
    }
}

// WS-10.7-04
#[test]
fn a_target_with_a_space_is_a_bad_request() {
    assert_head_refused(b"GET /ch at HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::MalformedHead);
}

// WS-4.2.1-07
#[test]
fn there_is_one_host() {
    for changes in [
        &[Without("Host")][..],
        &[Add("Host", "server.example")],
        &[Add("host", "other.example")],
        &[Set("Host", "a, b")],
        &[Set("Host", "a b")],
    ] {
        assert_refused(changes, HandshakeError::Host);
    }
    for host in ["server.example:8080", "[::1]", "[::1]:80", "192.0.2.1"] {
        assert_accepted(&[Set("Host", host)]);
    }
}

// WS-4.2.1-09 · WS-2.1-01
#[test]
fn upgrade_contains_websocket() {
    for value in [
        "websocket",
        "WebSocket",
        "WEBSOCKET",
        "h2c, websocket",
        "websocket,h2c",
        " \twebsocket\t ",
        ",websocket,",
    ] {
        assert_accepted(&[Set("Upgrade", value)]);
    }
    assert_accepted(&[Set("Upgrade", "h2c"), Add("upgrade", "websocket")]);
    for value in [
        "",
        "h2c",
        "websocketx",
        "web socket",
        "websocket/13",
        "websocket; a",
        "\"websocket\"",
        // KELVIN SIGN and LATIN SMALL LETTER LONG S fold to k and s in Unicode.
        "websoc\u{212a}et",
        "web\u{17f}ocket",
    ] {
        assert_refused(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
    assert_refused(&[Without("Upgrade")], HandshakeError::Upgrade);
}

// WS-4.2.1-10
#[test]
fn connection_contains_upgrade() {
    for value in ["Upgrade", "upgrade", "UPGRADE", "keep-alive, upgrade", "upgrade,keep-alive", "\tUpgrade "]
    {
        assert_accepted(&[Set("Connection", value)]);
    }
    assert_accepted(&[Set("Connection", "keep-alive"), Add("Connection", "upgrade")]);
    assert_accepted(&[Add("connection", "keep-alive")]);
    for value in ["", "close", "keep-alive", "Upgraded", "up grade", "keep-alive upgrade", "websocket"] {
        assert_refused(&[Set("Connection", value)], HandshakeError::Connection);
    }
    assert_refused(&[Without("Connection")], HandshakeError::Connection);
}

// WS-4.2.1-11 · WS-11.3.1-01
#[test]
fn there_is_one_key() {
    assert_refused(&[Without("Sec-WebSocket-Key")], HandshakeError::Key);
    assert_refused(&[Add("Sec-WebSocket-Key", KEY)], HandshakeError::Key);
    assert_refused(&[Add("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==")], HandshakeError::Key);
    assert_refused(&[Add("sec-websocket-key", "")], HandshakeError::Key);
}

// WS-4.2.1-12 · WS-4.3-02
#[test]
fn a_key_is_sixteen_bytes_in_base64() {
    let mut server = server();
    for key in [
        "AQIDBAUGBwgJCgsMDQ4PEA==",
        "+/+/+/+/+/+/+/+/+/+/+Q==",
        "zzzzzzzzzzzzzzzzzzzzzg==",
        "0123456789abcdefghijkw==",
    ] {
        server = self::server();
        ask(&mut server, &request(&[Set("Sec-WebSocket-Key", key)]));
    }
    assert_eq!(server.state(), State::Connecting);
    for key in [
        "",
        "AQIDBAUGBwgJCgsMDQ4P",
        "AQIDBAUGBwgJCgsMDQ4PEBE=",
        "AQIDBAUGBwgJCgsMDQ4PEBESEw==",
        "AQIDBAUGBwgJCgsMDQ4PEA",
        "AQIDBAUGBwgJCgsMDQ4PEA=",
        "AQIDBAUGBwgJCgsMDQ4PEA===",
        "AQIDBAUGBwgJCgsMDQ4PEA=A",
        "AQIDBAUGBwgJCgsMDQ4PEAA=",
        "AQIDBAUGBwgJCgsMDQ4P====",
        "=QIDBAUGBwgJCgsMDQ4PEA==",
        "AQIDBAUGBwgJCgsMDQ4P-A==",
        "AQIDBAUGBwgJCgsMDQ4P_A==",
        "AQIDBAUGBwg CgsMDQ4PEA==",
        "AQIDBAUGBwg\tCgsMDQ4PEA==",
        "AQIDBAUGBwgJCgsMDQ4\u{fc}A==",
        "AQIDBAUGBwgJCgsMDQ4PEA==, AQIDBAUGBwgJCgsMDQ4PEA==",
        "\"AQIDBAUGBwgJCgsMDQ4PEA==\"",
    ] {
        assert_refused(&[Set("Sec-WebSocket-Key", key)], HandshakeError::Key);
    }
}

// WS-4.2.1-13
#[test]
fn a_key_may_have_pad_bits() {
    let mut server = asked(&[Set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==")]);
    server.sender().accept(&Accept::new()).unwrap();
    // Over the text, so it is not the answer to what the key decodes to.
    assert!(text_of(server.outgoing()).contains("Sec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\n"));
}

// WS-4.2.1-14 · WS-11.3.5-02
#[test]
fn there_is_one_version_and_it_is_13() {
    assert_accepted(&[Set("Sec-WebSocket-Version", " 13\t")]);
    for changes in [
        &[Without("Sec-WebSocket-Version")][..],
        &[Add("Sec-WebSocket-Version", "13")],
        &[Add("Sec-WebSocket-Version", "8")],
        &[Set("Sec-WebSocket-Version", "8"), Add("Sec-WebSocket-Version", "13")],
        &[Set("Sec-WebSocket-Version", "13, 8")],
        &[Set("Sec-WebSocket-Version", "13, 13")],
        &[Set("Sec-WebSocket-Version", "013")],
        &[Set("Sec-WebSocket-Version", "")],
    ] {
        assert_refused(changes, HandshakeError::Version);
    }
    for version in ["8", "14"] {
        assert_refused(&[Set("Sec-WebSocket-Version", version)], HandshakeError::VersionNotSupported);
    }
}

// WS-4.3-04
#[test]
fn a_version_is_a_number_up_to_255_without_leading_zeros() {
    for version in ["0", "1", "9", "10", "12", "14", "99", "100", "199", "200", "249", "250", "255"] {
        assert_refused(&[Set("Sec-WebSocket-Version", version)], HandshakeError::VersionNotSupported);
    }
    for version in [
        "00", "01", "013", "+13", "-13", "13.0", "0x0d", "256", "300", "1000", "130", "1e1", "1 3", "\u{661}",
    ] {
        let error =
            if version == "130" { HandshakeError::VersionNotSupported } else { HandshakeError::Version };
        assert_refused(&[Set("Sec-WebSocket-Version", version)], error);
    }
}

// WS-4.2.1-16 · WS-11.3.4-01
#[test]
fn subprotocols_are_a_list_in_order_of_preference() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    for (changes, expected) in [
        (&[][..], &[][..]),
        (&[Add(NAME, "chat")], &["chat"]),
        (&[Add(NAME, "b, a")], &["b", "a"]),
        (&[Add(NAME, "b,a")], &["b", "a"]),
        (&[Add(NAME, "b \t,\ta")], &["b", "a"]),
        (&[Add(NAME, ", b,, a,")], &["b", "a"]),
        (&[Add(NAME, "a"), Add(NAME, "b")], &["a", "b"]),
        (&[Add(NAME, "c, a"), Add("X", "y"), Add("sec-websocket-protocol", "b")], &["c", "a", "b"]),
        (&[Add(NAME, "v12.stomp, x!#$%&'*+-.^_`|~9")], &["v12.stomp", "x!#$%&'*+-.^_`|~9"]),
    ] {
        assert_head_accepted(&request(changes), expected);
        let fields = changed(&REQUEST, changes);
        let upgrade = ServerUpgrade::check("GET", || as_bytes(&fields)).unwrap();
        assert!(upgrade.subprotocols().eq(expected.iter().copied()), "{changes:?}");
    }
}

// WS-4.3-03 · WS-4.3-08
#[test]
fn subprotocols_are_tokens_and_at_least_one() {
    for value in ["", ",", " , ", "a b", "a;b", "a, b c", "a/b", "a=b", "\"a\"", "(a)", "caf\u{e9}", "a@b"] {
        assert_refused(&[Add("Sec-WebSocket-Protocol", value)], HandshakeError::Subprotocol);
    }
    // One line of several is enough to be malformed.
    for (first, second) in [("a", "b c"), ("b c", "a")] {
        assert_refused(
            &[Add("Sec-WebSocket-Protocol", first), Add("Sec-WebSocket-Protocol", second)],
            HandshakeError::Subprotocol,
        );
    }
    assert_head_accepted(
        &request(&[Add("Sec-WebSocket-Protocol", ""), Add("Sec-WebSocket-Protocol", "a")]),
        &["a"],
    );
}

// WS-8.1-04
#[test]
fn what_is_not_utf_8_is_refused() {
    for (name, error) in [
        ("Sec-WebSocket-Protocol", HandshakeError::Subprotocol),
        ("Sec-WebSocket-Extensions", HandshakeError::Extensions),
    ] {
        for value in [&b"\xff"[..], b"chat\xff", b"chat, \xc3", b"\xf0\x9f\x98"] {
            let mut head = request(&[Add(name, "ok")]);
            head.truncate(head.len() - 2);
            head.extend([name.as_bytes(), b": ", value, b"\r\n\r\n"].concat());
            assert_head_refused(&head, error);
        }
    }
}

// WS-4.2.1-18
#[test]
fn unknown_fields_are_ignored() {
    assert_accepted(&[
        Add("X-Foo", "bar"),
        Add("Sec-Foo", "bar"),
        Add("Sec-WebSocket-Foo", "\u{fc}"),
        Add("Sec-WebSocket-Accept", "x"),
        Add("Empty", ""),
        Add("Content-Length", "0"),
    ]);
}

// ---- Extensions: section 4.3 and section 9.1, over a server that has none ----

/// The extensions of a request with these lines, each as `name[parameter=value|...]`.
fn extensions(lines: &[&'static str]) -> Vec<String> {
    let changes: Vec<_> = lines.iter().map(|line| Add("Sec-WebSocket-Extensions", line)).collect();
    let fields = changed(&REQUEST, &changes);
    let upgrade = ServerUpgrade::check("GET", || as_bytes(&fields)).unwrap();
    let expected: Vec<_> = upgrade.extensions().map(shown).collect();
    look_at(&request(&changes), |request| {
        assert_eq!(request.extensions().map(shown).collect::<Vec<_>>(), expected);
    });
    expected
}

#[allow(clippy::needless_pass_by_value, reason = "for map")]
fn shown(extension: sansws::handshake::Extension<'_>) -> String {
    let parameters: Vec<_> = extension
        .parameters()
        .map(|parameter| match parameter.value {
            Some(value) => format!("{}={value}", parameter.name),
            None => parameter.name.to_string(),
        })
        .collect();
    format!("{}[{}]", extension.name(), parameters.join("|"))
}

#[track_caller]
fn assert_extensions_malformed(values: &[&'static str]) {
    for value in values {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
        // Behind others too, and also where others follow.
        assert_refused(
            &[
                Add("Sec-WebSocket-Extensions", "ok"),
                Add("Sec-WebSocket-Extensions", value),
                Add("Sec-WebSocket-Extensions", "ok"),
            ],
            HandshakeError::Extensions,
        );
    }
}

// WS-4.2.1-17
#[test]
fn extensions_are_an_ordered_list_of_names_and_parameters() {
    assert!(extensions(&[]).is_empty());
    assert_eq!(extensions(&["foo"]), ["foo[]"]);
    assert_eq!(
        extensions(&["permessage-deflate; client_max_window_bits; server_max_window_bits=10, bar;x=1;x=2"]),
        ["permessage-deflate[client_max_window_bits|server_max_window_bits=10]", "bar[x=1|x=2]"]
    );
}

// WS-4.3-01 · WS-9.1-02
#[test]
fn a_quoted_parameter_is_a_token_once_unquoted() {
    assert_eq!(extensions(&[r#"foo; x="10""#]), extensions(&["foo; x=10"]));
    assert_eq!(extensions(&[r#"foo; x="1\0""#]), extensions(&["foo; x=10"]));
    assert_eq!(extensions(&[r#"foo; x="10"; y, bar; z="2""#]), ["foo[x=10|y]", "bar[z=2]"]);
    look_at(&request(&[Add("Sec-WebSocket-Extensions", r#"foo; x="1\0"; x=10; x=1"#)]), |request| {
        let extension = request.extensions().next().unwrap();
        let values: Vec<_> = extension.parameters().map(|parameter| parameter.value.unwrap()).collect();
        assert!(values[0] == values[1] && values[0] == "10" && values[1] != values[2]);
        assert_eq!(format!("{:?}", values[0]), "\"10\"");
    });
    for value in [
        r#"foo; x="a b""#,
        r#"foo; x="""#,
        r#"foo; x="a,b""#,
        r#"foo; x="a;b""#,
        r#"foo; x="a\"b""#,
        r#"foo; x="a\ b""#,
        r#"foo; x="a\\b""#,
        r#"foo; x="a"#,
        r#"foo; x="a\"#,
        r#"foo; x="a"b"#,
        r#"foo; x=a"b""#,
        r#""foo""#,
        r#"foo; "x""#,
        "foo; x=\"\u{e9}\"",
    ] {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
}

// WS-4.3-06 · WS-9.1-01
#[test]
fn an_extension_is_a_token_with_parameters() {
    assert_eq!(extensions(&["foo; a; b=1"]), ["foo[a|b=1]"]);
    assert_extensions_malformed(&[
        ";a",
        "foo;",
        "foo; =1",
        "foo; a=",
        "foo; a=1 b",
        "foo; a==1",
        "foo;; a",
        "foo bar",
        "foo=1",
        "f/o",
        "fo\u{e9}",
        "foo, ;a",
        "foo; a=1;",
        "foo; a, bar; =1",
    ]);
}

// WS-4.3-07
#[test]
fn white_space_around_separators_is_optional() {
    let plain = extensions(&["foo;a=1,bar"]);
    assert_eq!(plain, ["foo[a=1]", "bar[]"]);
    assert_eq!(extensions(&["foo ;a = 1 , bar"]), plain);
    assert_eq!(extensions(&["\tfoo\t;\ta\t=\t1\t,\tbar\t"]), plain);
}

// WS-4.3-08
#[test]
fn empty_elements_are_skipped() {
    assert_eq!(extensions(&["foo, , bar"]), ["foo[]", "bar[]"]);
    assert_eq!(extensions(&[",foo,,bar,"]), ["foo[]", "bar[]"]);
    for value in ["", ",", " , ,"] {
        assert_refused(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
}

// WS-9.1-03 · WS-11.3.2-01
#[test]
fn extensions_may_be_spread_over_lines() {
    let joined = extensions(&["foo, bar; baz=2"]);
    assert_eq!(joined, ["foo[]", "bar[baz=2]"]);
    assert_eq!(extensions(&["foo", "bar; baz=2"]), joined);
    assert_eq!(extensions(&["bar; baz=2", "foo"]), ["bar[baz=2]", "foo[]"]);
    assert_eq!(extensions(&["", "foo", "bar; baz=2", ","]), joined);
}

// WS-4.2.2-20 · WS-4.2.2-21 · WS-4.2.2-22 · WS-9-03
#[test]
fn no_extension_is_answered() {
    for offer in ["foo", "permessage-deflate", "permessage-deflate; server_no_context_takeover, foo"] {
        assert_accepted(&[Add("Sec-WebSocket-Extensions", offer)]);
    }
    // Without an offer too, whatever the embedder tries.
    assert!(!ACCEPTED.to_ascii_lowercase().contains("sec-websocket-extensions"));
    let mut server = asked(&[]);
    let deflate = Accept::new().headers(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
    assert_eq!(server.sender().accept(&deflate), Err(Misuse::ReservedHeader.into()));
    // And so the reserved bits stay illegal.
    let mut server = self::server();
    feed(&mut server, &request(&[Add("Sec-WebSocket-Extensions", "permessage-deflate")]));
    let heard = feed(&mut server, &masked(&frame(0xc1, b"hi"), [1; 4]));
    assert_eq!(heard, [Heard::Failed(Violation::ReservedBits(4).into())]);
}

// ---- Section 4.2.2: sending the server's opening handshake ----

// WS-4.2.2-01 · WS-4.2.2-17 · WS-4.2.2-23 · WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-29
#[test]
fn an_acceptance() {
    let mut server = asked(&[]);
    assert!(server.outgoing().is_empty(), "nothing before the decision");
    assert_eq!(server.state(), State::Connecting);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(server.state(), State::Open);
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
    assert_eq!(server.subprotocol(), None);
}

// WS-4.2.2-10
#[test]
fn the_key_is_text_without_the_space_around_it() {
    assert_accepted(&[Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==   ")]);
    assert_accepted(&[Set("Sec-WebSocket-Key", " \t dGhlIHNhbXBsZSBub25jZQ==\t")]);
}

// WS-4.2.2-11 · WS-4.2.2-12 · WS-4.4-01
#[test]
fn another_version_is_told_the_supported_one() {
    let mut server = server();
    feed(&mut server, &request(&[Set("Sec-WebSocket-Version", "25")]));
    let answer = take_outgoing(&mut server);
    assert!(answer.starts_with(b"HTTP/1.1 426 "));
    let named: Vec<_> =
        text_of(&answer).lines().filter(|line| line.to_ascii_lowercase().contains("version")).collect();
    assert_eq!(named, ["Sec-WebSocket-Version: 13"]);
    assert!(text_of(&answer).contains("\r\nUpgrade: websocket\r\n"));
    // The same for a stack of the embedder's own.
    assert_eq!(HandshakeError::VersionNotSupported.http_status(), Some(426));
    assert_eq!(
        HandshakeError::VersionNotSupported.http_fields(),
        [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    );
}

// WS-4.2.2-15
#[test]
fn the_subprotocol_is_one_that_was_offered() {
    let mut server = asked(&[Add("Sec-WebSocket-Protocol", "chat, superchat")]);
    for name in ["other", "Chat", "chat, superchat", "chat,superchat", "cha", "chat ", "superchat\r\nX: y"] {
        let refused = server.sender().accept(&Accept::new().subprotocol(name));
        assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()), "{name}");
        assert!(server.outgoing().is_empty());
        assert_eq!((server.state(), server.subprotocol()), (State::Connecting, None));
    }
    // The request still waits.
    server.sender().accept(&Accept::new().subprotocol("superchat")).unwrap();
    assert_eq!((server.state(), server.subprotocol()), (State::Open, Some("superchat")));
}

// WS-4.2.2-16
#[test]
fn without_an_offer_there_is_no_subprotocol() {
    let mut server = asked(&[]);
    let refused = server.sender().accept(&Accept::new().subprotocol("chat"));
    assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()));
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
}

// WS-4.2.2-18
#[test]
fn a_subprotocol_is_never_empty() {
    for changes in
        [&[][..], &[Add("Sec-WebSocket-Protocol", "chat")], &[Add("Sec-WebSocket-Protocol", ",a,,")]]
    {
        let mut server = asked(changes);
        let refused = server.sender().accept(&Accept::new().subprotocol(""));
        assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()));
        assert!(server.outgoing().is_empty());
    }
}

// WS-4.2.2-19 · WS-4.2.2-27 · WS-11.3.4-02
#[test]
fn the_acceptance_names_one_subprotocol() {
    let mut server =
        asked(&[Add("Sec-WebSocket-Protocol", "superchat"), Add("Sec-WebSocket-Protocol", "chat")]);
    // There is no second way to write the field.
    for name in ["Sec-WebSocket-Protocol", "sec-websocket-protocol"] {
        let headers = [(name, "chat")];
        let accept = Accept::new().subprotocol("chat").headers(&headers);
        assert_eq!(server.sender().accept(&accept), Err(Misuse::ReservedHeader.into()));
    }
    server.sender().accept(&Accept::new().subprotocol("chat")).unwrap();
    let expected = ACCEPTED.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
    assert_eq!(text_of(server.outgoing()), expected);
    assert_eq!(server.subprotocol(), Some("chat"));
}

// WS-4.2.2-17
#[test]
fn an_offer_may_be_declined() {
    let mut server = asked(&[Add("Sec-WebSocket-Protocol", "chat")]);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
    assert_eq!(server.subprotocol(), None);
}

// WS-4.2.2-30
#[test]
fn frames_may_follow_the_acceptance_at_once() {
    let mut server = asked(&[]);
    let tx = server.sender();
    assert_eq!(tx.text("early"), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.ping(b""), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.begin(DataKind::Text), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.close(CloseCode::NORMAL, ""), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.outgoing_len(), 0);
    tx.accept(&Accept::new()).unwrap();
    tx.text("hi").unwrap();
    assert_eq!(take_outgoing(&mut server), [ACCEPTED.as_bytes(), b"\x81\x02hi"].concat());
}

#[test]
fn an_acceptance_may_carry_further_fields() {
    let mut server = asked(&[Add("Sec-WebSocket-Protocol", "chat")]);
    let headers = [("Set-Cookie", "a=b"), ("Set-Cookie", "c=\u{fc}\td"), ("X-Empty", "")];
    server.sender().accept(&Accept::new().subprotocol("chat").headers(&headers)).unwrap();
    let expected = ACCEPTED.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\nSet-Cookie: c=\u{fc}\td\r\nX-Empty: \r\n\r\n",
    );
    assert_eq!(text_of(server.outgoing()), expected);
}

/// Fields that break a head apart, in name or value.
const BROKEN: [Field; 13] = [
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

#[test]
fn no_field_of_an_acceptance_breaks_it_apart() {
    let mut server = asked(&[]);
    for field in BROKEN {
        for fields in [&[field][..], &[("Ok", "ok"), field]] {
            let refused = server.sender().accept(&Accept::new().headers(fields));
            assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{field:?}");
        }
    }
    for name in [
        "Upgrade",
        "uPGRADE",
        "Connection",
        "CONNECTION",
        "Sec-WebSocket-Accept",
        "sec-websocket-accept",
        "SEC-WEBSOCKET-EXTENSIONS",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Foo",
        "Content-Length",
        "transfer-encoding",
    ] {
        let refused = server.sender().accept(&Accept::new().headers(&[(name, "a")]));
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
}

#[test]
fn a_request_is_answered_once() {
    let no_request = Err(Misuse::NoRequest.into());
    let mut server = server();
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    feed(&mut server, b"GET / HTTP/1.1\r\n");
    assert_eq!(server.sender().accept(&Accept::new()), no_request, "not whole yet");

    let mut server = asked(&[]);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    assert_eq!(server.sender().respond(&Reply::new(200)), no_request);
    assert_eq!(take_outgoing(&mut server), ACCEPTED.as_bytes());

    let mut server = asked(&[]);
    server.sender().reject(&Reply::new(403)).unwrap();
    let answer = server.outgoing().to_vec();
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(take_outgoing(&mut server), answer);

    let mut server = self::server();
    feed(&mut server, b"garbage\r\n\r\n");
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(take_outgoing(&mut server), BAD_REQUEST.as_bytes());
}

#[test]
fn nothing_is_agreed_where_nothing_was_opened() {
    let offer = [Add("Sec-WebSocket-Protocol", "chat, superchat")];
    let mut server = asked(&offer);
    assert_eq!(server.subprotocol(), None);
    server.sender().reject(&Reply::new(403)).unwrap();
    assert_eq!(server.subprotocol(), None, "rejected");
    let mut server = asked(&offer);
    let _ = server.receive_eof();
    assert_eq!(server.subprotocol(), None, "ended");
}

#[test]
fn a_decision_may_come_late() {
    let hi = masked(&frame(0x81, b"hi"), [1, 2, 3, 4]);
    let mut bytes = [request(&[]), hi.clone()].concat();
    let mut input = &mut bytes[..];
    let mut server = server();
    assert!(matches!(server.receive(&mut input), Ok(Some((Event::HandshakeRequest(_), _)))));
    // Until then no input is taken.
    for _ in 0..2 {
        assert!(matches!(server.receive(&mut input), Ok(None)));
        assert_eq!(&*input, hi);
        let mut nothing = &mut [][..];
        assert!(matches!(server.receive(&mut nothing), Ok(None)));
    }
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    server.sender().accept(&Accept::new()).unwrap();
    // Complete without any input, and once.
    let mut nothing = &mut [][..];
    assert!(matches!(
        server.receive(&mut nothing),
        Ok(Some((Event::HandshakeComplete(handshake), _))) if handshake.response().is_none()
    ));
    assert!(matches!(server.receive(&mut nothing), Ok(None)));
    // Then on with the same input.
    assert!(matches!(server.receive(&mut input), Ok(Some((Event::Message(sansws::Message::Text("hi")), _)))));
    assert!(input.is_empty());
}

#[test]
fn a_decision_may_come_with_the_event() {
    let mut bytes = request(&[]);
    let mut input = &mut bytes[..];
    let mut server = server();
    let Ok(Some((Event::HandshakeRequest(request), tx))) = server.receive(&mut input) else { panic!() };
    assert_eq!(request.path(), "/chat");
    tx.accept(&Accept::new()).unwrap();
    tx.text("hi").unwrap();
    assert!(matches!(server.receive(&mut input), Ok(Some((Event::HandshakeComplete(_), _)))));
}

// ---- Rejections ----

/// Rejects a valid request and returns what is written. Then all is over.
#[track_caller]
fn rejected(reply: &Reply<'_>) -> String {
    let mut server = asked(&[]);
    server.sender().reject(reply).unwrap();
    assert_over(&mut server)
}

#[track_caller]
fn assert_over(server: &mut ServerConnection) -> String {
    assert_eq!(server.state(), State::Closing, "until all is written");
    assert!(!server.should_disconnect());
    let len = server.outgoing().len();
    let mut answer = server.outgoing()[..len - 1].to_vec();
    server.mark_sent(len - 1);
    assert_eq!(server.state(), State::Closing, "until all is written");
    answer.extend(take_outgoing(server));
    assert_eq!(server.state(), State::Closed);
    assert!(server.should_disconnect());
    // What comes now is not looked at.
    assert_eq!(feed(server, &request(&[])), []);
    assert_eq!(feed(server, b"\x88\x00garbage\r\n\r\n"), []);
    assert_eq!(server.sender().text("late"), Err(Misuse::Closed.into()));
    assert_eq!(server.sender().close(CloseCode::NORMAL, ""), Err(Misuse::Closed.into()));
    for _ in 0..2 {
        assert!(matches!(server.receive_eof(), Ok(None)));
    }
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Closed, None));
    assert!(server.should_disconnect() && !server.is_closed_cleanly());
    assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
    text_of(&answer).to_string()
}

// WS-4.2.2-05
#[test]
fn a_server_may_ask_for_authentication() {
    assert_eq!(
        rejected(&Reply::new(401).headers(&[("WWW-Authenticate", "Basic realm=\"chat\"")])),
        "HTTP/1.1 401 Unauthorized\r\n\
         WWW-Authenticate: Basic realm=\"chat\"\r\n\
         Connection: close\r\n\
         Content-Length: 0\r\n\
         \r\n"
    );
}

// WS-4.2.2-06
#[test]
fn a_server_may_redirect() {
    assert_eq!(
        rejected(&Reply::new(302).headers(&[("Location", "wss://other.example/")])),
        "HTTP/1.1 302 Found\r\nLocation: wss://other.example/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
}

// WS-4.2.2-07
#[test]
fn the_origin_is_known_before_the_decision() {
    look_at(&request(&[Add("Origin", "http://evil.example")]), |request| {
        assert_eq!(request.origin(), Some("http://evil.example"));
        assert!(!request.is_origin_in(&["http://server.example"]) && !request.is_same_origin());
    });
    look_at(&request(&[]), |request| assert_eq!(request.origin(), None));
}

// WS-4.2.2-09 · WS-10.2-02 · WS-7.1.4-03
#[test]
fn an_unacceptable_origin_is_answered_with_403() {
    let mut server = asked(&[Add("Origin", "http://evil.example")]);
    server.sender().reject(&Reply::new(403).body(b"not from there")).unwrap();
    assert_eq!(
        assert_over(&mut server),
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 14\r\n\r\nnot from there"
    );
}

// WS-7.2.2-01 · WS-7.1.7-06
#[test]
fn a_server_that_gives_up_just_closes() {
    // No frame is among what was written: `rejected` compares all of it, as does `assert_refused`.
    assert_eq!(
        rejected(&Reply::new(503)),
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert_refused(&[Without("Sec-WebSocket-Key")], HandshakeError::Key);
}

#[test]
fn a_reply_has_a_status_fields_and_a_body() {
    for (reply, expected) in [
        (Reply::new(200).body(b"a"), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"),
        (Reply::new(204).body(b"no"), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        (Reply::new(304).body(b"no"), "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"),
        (Reply::new(418), "HTTP/1.1 418 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        (Reply::new(599), "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        (
            Reply::new(426).headers(&[("upgrade", "websocket")]),
            "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        assert_eq!(rejected(&reply), expected);
    }
    let body = [b'x'; 12345];
    let answer = rejected(&Reply::new(404).body(&body));
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert!(answer.contains("\r\nContent-Length: 12345\r\n\r\nxxx") && answer.ends_with("xxx"));
    for status in [301, 303, 307, 308, 400, 408, 413, 421, 429, 500, 502, 504, 505] {
        let answer = rejected(&Reply::new(status));
        let reason = answer.lines().next().unwrap().strip_prefix(&format!("HTTP/1.1 {status} ")).unwrap();
        assert!(!reason.is_empty(), "{status}");
    }
}

#[test]
fn a_refused_reply_leaves_the_request_waiting() {
    let mut server = asked(&[]);
    for status in [0, 99, 100, 101, 199, 600, 1000, u16::MAX] {
        let refused = server.sender().reject(&Reply::new(status));
        assert_eq!(refused, Err(Misuse::InvalidStatus.into()), "{status}");
    }
    for field in BROKEN {
        let refused = server.sender().reject(&Reply::new(403).headers(&[field]));
        assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{field:?}");
    }
    for name in
        ["Connection", "content-length", "Content-Length", "TRANSFER-ENCODING", "Sec-WebSocket-Accept"]
    {
        let refused = server.sender().reject(&Reply::new(403).headers(&[(name, "a")]));
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
}

// ---- Plain HTTP ----

#[test]
fn plain_requests_are_answered_by_the_connection_itself() {
    const HOST: [Field; 1] = [("Host", "h")];
    assert_head_refused(&head("GET / HTTP/1.1", &HOST), HandshakeError::Upgrade);
    assert_head_refused(&head("GET / HTTP/1.0", &[]), HandshakeError::Upgrade);
    for method in ["HEAD", "POST", "PUT", "OPTIONS"] {
        assert_head_refused(&head(&format!("{method} / HTTP/1.1"), &HOST), HandshakeError::Method);
    }
    assert_head_refused(&head("GET / HTTP/1.1", &[]), HandshakeError::Host);
}

#[test]
fn plain_requests_are_events_where_they_are_wanted() {
    let config = Config::new().http_requests(true);
    for (method, version, fields) in [
        ("GET", "1.1", &[("Host", "h")][..]),
        ("HEAD", "1.1", &[("Host", "h")]),
        ("POST", "1.1", &[("Host", "h"), ("Content-Length", "4")]),
        ("GET", "1.1", &[("Host", "h"), ("Upgrade", "h2c"), ("Connection", "Upgrade")]),
        ("GET", "1.0", &[]),
    ] {
        let head = [head(&format!("{method} /page HTTP/{version}"), fields), b"body".to_vec()].concat();
        let page = if method == "HEAD" { "" } else { "page" };
        for cuts in [0..0, 1..head.len()] {
            let mut server = Connection::server(config);
            let events = feed_cut(&mut server, &head, cuts);
            assert_eq!(events, [Heard::Http(method.to_string(), "/page".to_string())]);
            let expected = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n{page}");
            assert_eq!(assert_over(&mut server), expected);
        }
    }
    // WebSockets go on, on the same port.
    let events = feed(&mut Connection::server(config), &request(&[]));
    assert_eq!(events, [request_heard(&[]), Heard::Complete]);
    // What is not valid is still no request.
    assert_head_refused_with(config, &head("GET / HTTP/1.1", &[]), HandshakeError::Host);
    assert_head_refused_with(
        config,
        &head("GET / HTTP/1.1", &[("Host", "a"), ("Host", "b")]),
        HandshakeError::Host,
    );
    assert_head_refused_with(config, &head("POST / HTTP/1.1", &REQUEST), HandshakeError::Method);
    assert_head_refused_with(config, &head("GET / HTTP/1.0", &REQUEST), HandshakeError::HttpVersion);
    assert_head_refused_with(config, &request(&[Without("Sec-WebSocket-Key")]), HandshakeError::Key);
    assert_head_refused_with(config, b"garbage\r\n\r\n", HandshakeError::MalformedHead);
}

#[test]
fn a_plain_request_cannot_be_accepted() {
    let mut server = http_server();
    ask(&mut server, &head("GET / HTTP/1.1", &[("Host", "h")]));
    assert_eq!(server.sender().accept(&Accept::new()), Err(Misuse::NoRequest.into()));
    assert!(server.outgoing().is_empty());
    let mut more = *b"x";
    let mut input = &mut more[..];
    assert!(matches!(server.receive(&mut input), Ok(None)));
    assert_eq!(&*input, b"x");
    server.sender().reject(&Reply::new(404)).unwrap();
    assert_over(&mut server);
}

// ---- The request as it is shown ----

#[test]
fn a_request_shows_its_parts() {
    let mut head = head(
        "GET /chat?room=1 HTTP/1.1",
        &changed(
            &REQUEST,
            &[
                Set("Host", "\t server.example:8080 \t"),
                Add("Origin", "https://page.example"),
                Add("Cookie", "secret=1"),
                Add("cookie", "other=2"),
                Add("Empty", ""),
                Add("Colons", "a:b: c"),
            ],
        ),
    );
    head.truncate(head.len() - 2);
    head.extend(b"Latin: \xfc\r\nUtf8: \xc3\xbc\r\n\r\n");
    let ended_by_line_feeds = head.iter().copied().filter(|&byte| byte != b'\r').collect();
    for head in [&head, &[b"\r\n\n", &head[..]].concat(), &ended_by_line_feeds] {
        look_at(head, |request| {
            assert_eq!((request.method(), request.target()), ("GET", "/chat?room=1"));
            assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
            assert_eq!(request.host(), Some("server.example:8080"));
            assert_eq!(request.origin(), Some("https://page.example"));
            assert_eq!(request.header("COOKIE"), Some("secret=1"), "the first one");
            assert_eq!(request.header("empty"), Some(""));
            assert_eq!(request.header("colons"), Some("a:b: c"));
            assert_eq!(request.header("missing"), None);
            assert_eq!(request.header("latin"), None, "no text");
            assert_eq!(request.header("utf8"), Some("\u{fc}"));
            let names: Vec<_> = request.headers().map(|(name, _)| name).collect();
            assert_eq!(
                names,
                [
                    "Host",
                    "Upgrade",
                    "Connection",
                    "Sec-WebSocket-Key",
                    "Sec-WebSocket-Version",
                    "Origin",
                    "Cookie",
                    "cookie",
                    "Empty",
                    "Colons",
                    "Latin",
                    "Utf8"
                ]
            );
            assert!(request.headers().all("cookie").eq([&b"secret=1"[..], b"other=2"]));
            assert!(request.headers().all("latin").eq([b"\xfc"]));
            let shown = format!("{request:?}");
            assert!(shown.contains("GET") && shown.contains("/chat"), "{shown}");
            assert!(!shown.contains("secret") && !shown.contains(KEY), "{shown}");
        });
    }
}

// ---- Limits ----

/// A valid request of exactly `len` bytes.
fn padded(len: usize) -> Vec<u8> {
    let plain = request(&[]).len() + "X: \r\n".len();
    let padding = "x".repeat(len - plain);
    let mut fields: Vec<(&str, &str)> = REQUEST.to_vec();
    fields.push(("X", &padding));
    let head = head("GET /chat HTTP/1.1", &fields);
    assert_eq!(head.len(), len);
    head
}

#[test]
fn a_head_has_at_most_max_head_bytes() {
    for limit in [1024_u32, 16 * 1024] {
        let len = usize::try_from(limit).unwrap();
        let config = if limit == 1024 { Config::new().max_head(limit) } else { Config::new() };
        // Frames behind it do not count.
        let with_frames = [padded(len), masked(&frame(0x81, &[b'a'; 100]), [1; 4])].concat();
        for cuts in [vec![], (1..with_frames.len()).collect(), vec![len], vec![len - 1]] {
            let heard = feed_cut(&mut Connection::server(config), &with_frames, cuts);
            assert_eq!(heard, [request_heard(&[]), Heard::Complete, Heard::text(&"a".repeat(100))]);
        }
        assert_head_refused_with(config, &padded(len + 1), Limit::Head);
    }
    // Empty lines in front count.
    let lines = [b"\r\n".repeat(2), padded(1021)].concat();
    assert_head_refused_with(Config::new().max_head(1024), &lines, Limit::Head);
    assert_head_refused_with(Config::new().max_head(0), b"G", Limit::Head);
}

#[test]
fn a_head_without_an_end_is_cut_off_at_its_limit() {
    for endless in [&b"GET / HTTP/1.1\r\nX: "[..], b"", b"G", b"GET / HTTP/1.1\r\n"] {
        for filler in [b'a', b'\r', b'\n'] {
            // Line feeds end a head that has begun.
            if filler == b'\n' && !endless.is_empty() {
                continue;
            }
            let mut server = Connection::server(Config::new().max_head(1000));
            let bytes = endless.iter().copied().chain(std::iter::repeat(filler));
            for (byte, seen) in bytes.zip(1..=1001) {
                let heard = feed(&mut server, &[byte]);
                if seen <= 1000 {
                    assert_eq!((heard, server.outgoing()), (vec![], &[][..]), "{seen}");
                } else {
                    assert_eq!(heard, [Heard::Failed(Limit::Head.into())]);
                }
            }
            assert_eq!(text_of(&take_outgoing(&mut server)), FIELDS_TOO_LARGE);
        }
    }
}

#[test]
fn a_head_has_at_most_max_head_fields() {
    let with = |count: usize| request(&vec![Add("X", "y"); count - REQUEST.len()]);
    for (config, limit) in [
        (Config::new(), 100),
        (Config::new().max_head_fields(7), 7),
        (Config::new().max_head_fields(128), 128),
        (Config::new().max_head_fields(255), 128),
    ] {
        let heard = feed(&mut Connection::server(config), &with(limit));
        assert_eq!(heard, [request_heard(&[]), Heard::Complete], "{limit}");
        assert_head_refused_with(config, &with(limit + 1), Limit::HeadFields);
    }
}

#[test]
fn an_answer_has_at_most_max_outgoing_bytes() {
    let limited = |limit| {
        let mut server = Connection::server(Config::new().max_outgoing(limit));
        ask(&mut server, &request(&[]));
        server
    };
    let full = Err(SendError::TooLarge);
    let mut server = limited(ACCEPTED.len());
    assert_eq!(server.sender().accept(&Accept::new().headers(&[("X", "y")])), full);
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);

    let mut server = limited(ACCEPTED.len() - 1);
    assert_eq!(server.sender().accept(&Accept::new()), full);
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    // A smaller answer fits: the request still waits.
    server.sender().reject(&Reply::new(403)).unwrap();
    assert_over(&mut server);

    let page = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage";
    let mut server = limited(page.len());
    assert_eq!(server.sender().reject(&Reply::new(200).body(b"page!")), full);
    assert!(server.outgoing().is_empty());
    server.sender().reject(&Reply::new(200).body(b"page")).unwrap();
    assert_eq!(assert_over(&mut server), page);

    // The library's own answers have room of their own.
    let config = Config::new().max_outgoing(0);
    assert_head_refused_with(
        config,
        &request(&[Set("Sec-WebSocket-Version", "8")]),
        HandshakeError::VersionNotSupported,
    );
    assert_head_refused_with(config.max_head(9), &request(&[]), Limit::Head);
}

// ---- Every cut, and the end of the transport ----

#[test]
fn where_the_bytes_are_cut_does_not_matter() {
    let frames = [masked(&frame(0x81, b"hi"), [1, 2, 3, 4]), masked(&frame(0x89, b"ping"), [5; 4])].concat();
    let valid = [request(&[Add("Sec-WebSocket-Protocol", "chat")]), frames.clone()].concat();
    let invalid = [request(&[Without("Connection")]), frames.clone()].concat();
    let plain = [head("GET / HTTP/1.1", &[("Host", "h")]), frames].concat();
    for stream in [valid, invalid, plain] {
        let run = |cuts: Vec<usize>| {
            let mut server = http_server();
            let heard = feed_cut(&mut server, &stream, cuts);
            (heard, take_outgoing(&mut server), server.state())
        };
        let whole = run(vec![]);
        assert_eq!(run((1..stream.len()).collect()), whole);
        for cut in 1..stream.len() {
            assert_eq!(run(vec![cut]), whole, "{cut}");
            // An empty read changes nothing.
            assert_eq!(run(vec![cut, cut]), whole, "{cut}");
        }
    }
    let mut server = server();
    let stream = [request(&[]), masked(&frame(0x81, b"hi"), [1, 2, 3, 4])].concat();
    assert_eq!(feed(&mut server, &stream), [request_heard(&[]), Heard::Complete, Heard::text("hi")]);
}

// WS-7.1.4-03
#[test]
fn the_transport_may_end_before_the_head_does() {
    let head = request(&[]);
    for len in [0, 1, head.len() / 2, head.len() - 1] {
        let mut server = server();
        assert_eq!(feed(&mut server, &head[..len]), []);
        for _ in 0..2 {
            assert_eq!(server.receive_eof().map(drop), Err(HandshakeError::UnexpectedEof.into()));
        }
        assert_eq!(feed(&mut server, &head), [Heard::Failed(HandshakeError::UnexpectedEof.into())]);
        assert!(server.outgoing().is_empty() && server.should_disconnect());
        assert_eq!(server.state(), State::Closed);
        assert!(!server.is_closed_cleanly());
        assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
    }
}

#[test]
fn a_connection_that_has_ended_cannot_be_accepted() {
    let mut server = asked(&[]);
    assert_eq!(server.receive_eof().map(drop), Err(HandshakeError::UnexpectedEof.into()));
    assert_eq!(server.state(), State::Closed);
    assert!(server.sender().accept(&Accept::new()).is_err());
    assert!(server.outgoing().is_empty());
    assert_eq!(server.state(), State::Closed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_leads_to_an_event_or_an_error_or_waiting(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut stream = request(&[
            Add("Sec-WebSocket-Protocol", "a, b"),
            Add("Sec-WebSocket-Extensions", "foo; x=\"1\\0\", bar"),
        ]);
        stream.extend(masked(&frame(0x81, b"hi"), [1, 2, 3, 4]));
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut cuts: Vec<_> = cuts.iter().map(|at| at.index(stream.len())).collect();
        cuts.sort_unstable();
        let (mut whole, mut pieces) = (http_server(), http_server());
        prop_assert_eq!(feed(&mut whole, &stream), feed_cut(&mut pieces, &stream, cuts));
        prop_assert_eq!(take_outgoing(&mut whole), take_outgoing(&mut pieces));
    }
}
