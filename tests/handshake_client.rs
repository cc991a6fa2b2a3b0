//! The client's side of the opening handshake, RFC 6455 section 4.1. What a head of HTTP/1.1 shows is checked over the
//! fields of an embedder's own HTTP stack as well (`ClientUpgrade`).
#![cfg(feature = "alloc")]

#[path = "support/heads.rs"]
mod heads;
mod support;

use heads::Change::{self, Add, Set, Without};
use heads::{Field, Fixed, RESPONSE, SAMPLE, as_bytes, changed, head, response};
use proptest::prelude::*;
use sansws::handshake::{ClientUpgrade, Response};
use sansws::{
    Client, ClientRequest, CloseCode, Config, Connection, DataKind, Error, Event, HandshakeError, Limit,
    Misuse, SendError, State, UriError, Violation,
};
use support::{Heard, KEY, feed, feed_cut, frame, take_outgoing};

type SampleClient = Connection<Client<Fixed>>;

const OFFERED: [&str; 2] = ["chat", "superchat"];

fn open(request: &ClientRequest<'_>, config: Config) -> Result<SampleClient, SendError> {
    Connection::client(request, config, SAMPLE)
}

/// A client whose request is written. It offers nothing.
fn client_with(config: Config) -> SampleClient {
    let mut client = open(&ClientRequest::new("ws://server.example/chat").unwrap(), config).unwrap();
    take_outgoing(&mut client);
    client
}

fn client() -> SampleClient {
    client_with(Config::new())
}

/// A client that offers `OFFERED`.
fn offering_client() -> SampleClient {
    let request = ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&OFFERED);
    let mut client = open(&request, Config::new()).unwrap();
    take_outgoing(&mut client);
    client
}

fn written(request: &ClientRequest<'_>) -> String {
    let client = open(request, Config::new()).unwrap();
    std::str::from_utf8(client.outgoing()).unwrap().to_string()
}

fn written_for(uri: &str) -> String {
    written(&ClientRequest::new(uri).unwrap())
}

/// The lines of the request whose field has this name, in any case.
fn lines_of<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    request
        .split("\r\n")
        .skip(1)
        .filter(|line| line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name)))
        .collect()
}

/// Asserts that the client is over without having opened and that nothing is left to write.
#[track_caller]
fn assert_never_opened(client: &mut SampleClient) {
    assert!(client.outgoing().is_empty());
    assert_eq!(client.state(), State::Closed);
    assert!(client.should_disconnect() && !client.is_closed_cleanly());
    assert_eq!(client.close_code(), Some(CloseCode::ABNORMAL));
    assert_eq!(client.peer_close(), None);
    assert_eq!(client.sender().text("late"), Err(Misuse::Closed.into()));
    assert_eq!(client.sender().close(CloseCode::NORMAL, ""), Err(Misuse::Closed.into()));
    assert!(client.outgoing().is_empty());
}

/// Asserts that the head fails the client, which has nothing to say about it and says the same each time.
#[track_caller]
fn assert_head_fails_with(config: Config, head: &[u8], error: impl Into<Error>) {
    let error = error.into();
    let shown = head.escape_ascii();
    let request = ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&OFFERED);
    for cuts in [0..0, 1..head.len()] {
        // Also where a part of the request is not written yet.
        for sent in [0, 20, usize::MAX] {
            let mut client = open(&request, config).unwrap();
            client.mark_sent(sent);
            let events = feed_cut(&mut client, head, cuts.clone());
            assert_eq!(events, [Heard::Failed(error)], "{shown}");
            assert_never_opened(&mut client);
            assert_eq!(client.error(), Some(error), "{shown}");
            assert_eq!(feed(&mut client, &response(&[])), [Heard::Failed(error)], "{shown}");
            assert_eq!(client.receive_eof().map(drop), Err(error), "{shown}");
            assert_eq!(client.error(), Some(error), "{shown}");
            assert_never_opened(&mut client);
        }
    }
}

#[track_caller]
fn assert_head_fails(head: &[u8], error: impl Into<Error>) {
    assert_head_fails_with(Config::new(), head, error);
}

/// Asserts that a valid 101 with these changes fails the client, which offered `OFFERED`.
#[track_caller]
fn assert_fails(changes: &[Change], error: HandshakeError) {
    let fields = changed(&RESPONSE, changes);
    assert_head_fails(&response(changes), error);
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &OFFERED).unwrap();
    assert_eq!(upgrade.check(101, as_bytes(&fields)), Err(error), "{changes:?}");
}

/// Asserts that a valid 101 with these changes opens the connection, with this subprotocol.
#[track_caller]
fn assert_opens_with(changes: &[Change], subprotocol: Option<&str>) {
    let head = response(changes);
    for cuts in [0..0, 1..head.len()] {
        let mut client = offering_client();
        assert_eq!(feed_cut(&mut client, &head, cuts), [Heard::Complete], "{changes:?}");
        assert_eq!(client.state(), State::Open, "{changes:?}");
        assert_eq!(client.subprotocol(), subprotocol, "{changes:?}");
        assert!(client.outgoing().is_empty());
    }
    let fields = changed(&RESPONSE, changes);
    let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &OFFERED).unwrap();
    assert_eq!(upgrade.check(101, as_bytes(&fields)), Ok(subprotocol), "{changes:?}");
}

#[track_caller]
fn assert_opens(changes: &[Change]) {
    assert_opens_with(changes, None);
}

/// Shows the refusal that these bytes are to `look`, from one piece and from two.
#[track_caller]
fn look_at_refusal(bytes: &[u8], look: impl Fn(Response<'_>)) {
    for cut in [0, bytes.len() / 3] {
        let mut client = client();
        let mut bytes = bytes.to_vec();
        let (mut first, mut input) = bytes.split_at_mut(cut);
        assert!(client.receive(&mut first).unwrap().is_none());
        match client.receive(&mut input) {
            Ok(Some((Event::HandshakeRefused(response), _))) => look(response),
            other => panic!("{other:?}"),
        }
    }
}

// ---- The request ----

// WS-4.1-01
#[test]
fn a_new_client_is_connecting() {
    let mut client = open(&ClientRequest::new("ws://h/").unwrap(), Config::new()).unwrap();
    assert_eq!(client.state(), State::Connecting);
    take_outgoing(&mut client);
    assert_eq!(client.state(), State::Connecting);
    assert!(!client.should_disconnect());
    assert_eq!((client.error(), client.close_code(), client.subprotocol()), (None, None, None));
}

// WS-4.1-05
#[test]
fn an_invalid_component_stops_the_attempt() {
    // There is no request, so no connection can be made.
    for (uri, error) in [
        ("http://h/", UriError::Scheme),
        ("ws://h h/", UriError::Host),
        ("ws://h:x/", UriError::Port),
        ("ws://h/ ", UriError::Path),
        ("ws://h/?\r\n", UriError::Query),
        ("ws://h/#", UriError::Fragment),
    ] {
        assert_eq!(ClientRequest::new(uri).map(drop), Err(error), "{uri}");
    }
    let request = ClientRequest::new("ws://h/").unwrap();
    assert_eq!(
        open(&request.subprotocols(&["a b"]), Config::new()).map(drop),
        Err(Misuse::InvalidSubprotocol.into())
    );
}

// WS-4.1-19 · WS-4.1-22 · WS-4.1-23 · WS-4.1-24 · WS-4.1-25 · WS-4.1-27 · WS-4.1-28 · WS-4.1-29 · WS-4.1-30 · WS-4.1-31 · WS-4.1-38 · WS-4.1-39 · WS-4.1-40 · WS-4.1-44
#[test]
fn a_plain_request() {
    assert_eq!(
        written_for("ws://h/chat?x"),
        "GET /chat?x HTTP/1.1\r\n\
         Host: h\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         \r\n"
    );
}

// WS-4.1-36 · WS-4.1-41 · WS-4.1-45
#[test]
fn a_request_with_everything() {
    let request = ClientRequest::new("wss://h:8443/chat?x")
        .unwrap()
        .subprotocols(&["b", "a"])
        .origin("https://page.example")
        .headers(&[
            ("Cookie", "seen=1"),
            ("Authorization", "Bearer 123"),
            ("X-Empty", ""),
            ("x", "\u{fc}\t."),
        ]);
    assert_eq!(
        written(&request),
        "GET /chat?x HTTP/1.1\r\n\
         Host: h:8443\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Origin: https://page.example\r\n\
         Sec-WebSocket-Protocol: b, a\r\n\
         Cookie: seen=1\r\n\
         Authorization: Bearer 123\r\n\
         X-Empty: \r\n\
         x: \u{fc}\t.\r\n\
         \r\n"
    );
    assert_eq!((request.uri().host(), request.uri().port(), request.uri().is_secure()), ("h", 8443, true));
}

// WS-4.1-20
#[test]
fn a_request_is_strict_http() {
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let request = ClientRequest::new("ws://[::1]:9000?a=b")
        .unwrap()
        .subprotocols(&OFFERED)
        .origin("null")
        .headers(&[("Cookie", "a=b; c=d")]);
    for written in [written(&request), written_for("ws://h")] {
        let lines = written.strip_suffix("\r\n\r\n").unwrap();
        assert!(!lines.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CR LF");
        let mut lines = lines.split("\r\n");
        let words: Vec<_> = lines.next().unwrap().split(' ').collect();
        assert!(matches!(words[..], ["GET", target, "HTTP/1.1"] if target.starts_with('/')), "{words:?}");
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            assert!(is_token(name) && value.bytes().all(|b| matches!(b, b' '..=b'~')), "{line}");
        }
        assert_eq!(lines_of(&written, "host").len(), 1);
    }
}

// WS-4.1-24
#[test]
fn the_target_is_the_resource_name() {
    for (uri, first_line) in [
        ("ws://h", "GET / HTTP/1.1"),
        ("ws://h?x", "GET /?x HTTP/1.1"),
        ("ws://h/chat?x", "GET /chat?x HTTP/1.1"),
        ("wss://h:1/%7e/../A?x=%2F&y", "GET /%7e/../A?x=%2F&y HTTP/1.1"),
    ] {
        assert_eq!(written_for(uri).lines().next(), Some(first_line));
    }
}

// WS-4.1-25 · WS-4.1-26
#[test]
fn the_host_is_that_of_the_uri() {
    for (uri, host) in [
        ("ws://h:8080/", "Host: h:8080"),
        ("ws://h:80/", "Host: h"),
        ("ws://h/", "Host: h"),
        ("wss://h:80/", "Host: h:80"),
        ("wss://h:443/", "Host: h"),
        ("ws://h:443/", "Host: h:443"),
        ("ws://[2001:db8::1]/", "Host: [2001:db8::1]"),
        ("ws://[::1]:9000/", "Host: [::1]:9000"),
        ("ws://192.0.2.1:1/", "Host: 192.0.2.1:1"),
    ] {
        assert_eq!(lines_of(&written_for(uri), "host"), [host], "{uri}");
    }
}

// WS-4.1-32
#[test]
fn the_key_is_sixteen_random_bytes_in_base64() {
    let nonce = std::array::from_fn(|i| u8::try_from(i + 1).unwrap());
    let request = ClientRequest::new("ws://h/").unwrap();
    for (nonce, key) in [
        (nonce, "AQIDBAUGBwgJCgsMDQ4PEA=="),
        ([0xff; 16], "/////////////////////w=="),
        ([0xfb; 16], "+/v7+/v7+/v7+/v7+/v7+w=="),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        let client = Connection::client(&request, Config::new(), Fixed(nonce)).unwrap();
        let written = std::str::from_utf8(client.outgoing()).unwrap();
        assert_eq!(lines_of(written, "Sec-WebSocket-Key"), [format!("Sec-WebSocket-Key: {key}")]);
    }
}

// WS-4.1-36
#[test]
fn an_origin_may_be_sent() {
    let request = ClientRequest::new("ws://h/").unwrap();
    assert_eq!(lines_of(&written(&request), "origin"), [""; 0]);
    assert_eq!(lines_of(&written(&request.origin("http://o")), "origin"), ["Origin: http://o"]);
}

// WS-4.1-37
#[test]
fn an_origin_is_ascii_without_spaces() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for origin in
        ["http://b\u{fc}cher.example", "http://a b", " ", "http://a\tb", "http://a\r\n", "a\0", "\x7f"]
    {
        let refused = open(&request.origin(origin), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{origin:?}");
    }
    for origin in ["null", "https://xn--bcher-kva.example:8443"] {
        assert!(open(&request.origin(origin), Config::new()).is_ok());
    }
}

// WS-4.1-40 · WS-4.1-41
#[test]
fn subprotocols_are_listed_in_order() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    let request = ClientRequest::new("ws://h/").unwrap();
    assert_eq!(lines_of(&written(&request), NAME), [""; 0]);
    assert_eq!(lines_of(&written(&request.subprotocols(&[])), NAME), [""; 0]);
    for (names, line) in [
        (&["b", "a"][..], "Sec-WebSocket-Protocol: b, a"),
        (&["a", "b"], "Sec-WebSocket-Protocol: a, b"),
        (&["chat"], "Sec-WebSocket-Protocol: chat"),
        (&["a", "A"], "Sec-WebSocket-Protocol: a, A"),
    ] {
        assert_eq!(lines_of(&written(&request.subprotocols(names)), NAME), [line]);
    }
}

// WS-4.1-42
#[test]
fn a_subprotocol_is_a_token() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for name in [
        "",
        " ",
        "a b",
        "a,b",
        "a/b",
        "a=b",
        "a:b",
        "a;b",
        "a@b",
        "a?b",
        "\"a\"",
        "(a)",
        "[a]",
        "{a}",
        "<a>",
        "a\\b",
        "a\tb",
        "a\r\nX: y",
        "a\0",
        "\x7f",
        "caf\u{e9}",
        "\u{212a}",
    ] {
        let misuse = Misuse::InvalidSubprotocol;
        let refused = Err(misuse.into());
        assert_eq!(open(&request.subprotocols(&[name]), Config::new()).map(drop), refused, "{name:?}");
        assert_eq!(open(&request.subprotocols(&["ok", name]), Config::new()).map(drop), refused, "{name:?}");
        assert_eq!(ClientUpgrade::new(&mut SAMPLE.clone(), &[name]).map(drop), Err(misuse), "{name:?}");
    }
    let all = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    assert!(written(&request.subprotocols(&[all])).contains(all));
}

// WS-4.1-43
#[test]
fn no_subprotocol_is_listed_twice() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for names in [&["a", "b", "a"][..], &["a", "a"], &["c", "a", "b", "b"]] {
        let misuse = Misuse::InvalidSubprotocol;
        let refused = Err(misuse.into());
        assert_eq!(open(&request.subprotocols(names), Config::new()).map(drop), refused);
        assert_eq!(ClientUpgrade::new(&mut SAMPLE.clone(), names).map(drop), Err(misuse));
    }
}

// WS-4.1-21
#[test]
fn no_field_breaks_the_request_apart() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let invalid = Err(Misuse::InvalidHeader.into());
    for value in ["a\r\nX: y", "a\rb", "a\nb", "a\0b", "a\x1b", "\x7f", "\r\n"] {
        assert_eq!(open(&request.headers(&[("X", value)]), Config::new()).map(drop), invalid, "{value:?}");
        assert_eq!(open(&request.origin(value), Config::new()).map(drop), invalid, "{value:?}");
    }
    for name in ["", "X Y", "X:", "X\r\nY", "X\0", "(X)", "X\t", "\u{fc}", " X"] {
        let headers = [("Ok", "ok"), (name, "y")];
        assert_eq!(open(&request.headers(&headers), Config::new()).map(drop), invalid, "{name:?}");
    }
}

// WS-4.1-45 · WS-11.3.1-01
#[test]
fn the_fields_of_the_handshake_are_the_librarys_own() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for name in [
        "Host",
        "hOST",
        "Origin",
        "Upgrade",
        "UPGRADE",
        "Connection",
        "connection",
        "Sec-WebSocket-Key",
        "SEC-WEBSOCKET-KEY",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Content-Length",
        "Transfer-Encoding",
    ] {
        let headers = [("Ok", "ok"), (name, "y")];
        let refused = open(&request.headers(&headers), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
    let headers = [("Hosts", "y"), ("Cookie", "a=b"), ("Cookie", "c=d"), ("Sec-Fetch-Mode", "websocket")];
    let written = written(&request.headers(&headers));
    assert!(
        written.ends_with("\r\nHosts: y\r\nCookie: a=b\r\nCookie: c=d\r\nSec-Fetch-Mode: websocket\r\n\r\n")
    );
    assert_eq!(lines_of(&written, "Sec-WebSocket-Key").len(), 1);
}

#[test]
fn a_request_fits_below_max_outgoing() {
    let request = ClientRequest::new("ws://h/chat").unwrap();
    let len = written(&request).len();
    assert!(open(&request, Config::new().max_outgoing(len)).is_ok());
    for limit in [0, 1, 4, 20, len - 1] {
        let refused = open(&request, Config::new().max_outgoing(limit)).map(drop);
        assert_eq!(refused, Err(SendError::TooLarge), "{limit}");
    }
}

// WS-4.1-46
#[test]
fn nothing_is_sent_before_the_answer() {
    let mut client = client();
    for partial in [&b""[..], b"HTTP/1.1 101 Switching Protocols\r\n"] {
        assert_eq!(feed(&mut client, partial), []);
        let early = Err(Misuse::NotOpenYet.into());
        let tx = client.sender();
        assert_eq!(tx.text("a"), early);
        assert_eq!(tx.binary(b"a"), early);
        assert_eq!(tx.begin(DataKind::Text), early);
        assert_eq!(tx.ping(b"a"), early);
        assert_eq!(tx.pong(b"a"), early);
        assert_eq!(tx.close(CloseCode::NORMAL, ""), early);
        assert_eq!(tx.close_without_code(), early);
        assert_eq!(tx.frame_in_place(DataKind::Binary, &mut [1]).map(drop), early);
        assert!(client.outgoing().is_empty());
        assert_eq!(client.state(), State::Connecting);
    }
}

// ---- The answer ----

// WS-4.1-47 · WS-4.1-64
#[test]
fn the_connection_is_open_when_the_whole_answer_is_valid() {
    let head = response(&[]);
    let mut client = client();
    for byte in &head[..head.len() - 1] {
        assert_eq!(feed(&mut client, &[*byte]), []);
        assert_eq!(client.state(), State::Connecting);
    }
    assert_eq!(feed(&mut client, b"\n"), [Heard::Complete]);
    assert_eq!(client.state(), State::Open);
    assert_eq!(client.error(), None);
    client.sender().text("hi").unwrap();
}

// WS-4.1-51 · WS-4.1-52
#[test]
fn upgrade_is_websocket() {
    for value in ["websocket", "WebSocket", "WEBSOCKET", " websocket\t"] {
        assert_opens(&[Set("Upgrade", value)]);
    }
    assert_fails(&[Without("Upgrade")], HandshakeError::Upgrade);
    for value in [
        "",
        "h2c",
        "websocketx",
        "xwebsocket",
        "web socket",
        "websocket/13",
        "websoc\u{212a}et",
        "web\u{17f}ocket",
    ] {
        assert_fails(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
}

// WS-4.1-52
#[test]
fn upgrade_is_nothing_but_websocket() {
    for value in ["h2c, websocket", "websocket, h2c"] {
        assert_fails(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
    assert_fails(&[Add("Upgrade", "h2c")], HandshakeError::Upgrade);
}

// WS-4.1-53 · WS-4.1-54
#[test]
fn connection_contains_upgrade() {
    for value in ["Upgrade", "upgrade", "UPGRADE", "keep-alive, uPgrade", "upgrade,close", " ,upgrade, "] {
        assert_opens(&[Set("Connection", value)]);
    }
    assert_opens(&[Set("Connection", "keep-alive"), Add("connection", "uPgrade")]);
    assert_opens(&[Add("Connection", "keep-alive")]);
    assert_fails(&[Without("Connection")], HandshakeError::Connection);
    for value in ["", "keep-alive", "close", "Upgraded", "up grade", "keep-alive upgrade"] {
        assert_fails(&[Set("Connection", value)], HandshakeError::Connection);
    }
}

// WS-4.1-55 · WS-4.1-56 · WS-4.3-09
#[test]
fn accept_answers_the_key() {
    assert_fails(&[Without("Sec-WebSocket-Accept")], HandshakeError::Accept);
    for value in [
        "",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo==",
        "s3pPLMBiTxaQ9kYGzzhZRbK-xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xO o=",
        "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        KEY,
        // Over the key's bytes instead of its text.
        "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=",
    ] {
        assert_fails(&[Set("Sec-WebSocket-Accept", value)], HandshakeError::Accept);
    }
}

// WS-4.1-57
#[test]
fn white_space_around_accept_is_ignored() {
    assert_opens(&[Set("Sec-WebSocket-Accept", "\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo=   ")]);
    let mut head = response(&[Without("Sec-WebSocket-Accept")]);
    head.truncate(head.len() - 2);
    head.extend(b"Sec-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    assert_eq!(feed(&mut client(), &head), [Heard::Complete]);
}

// WS-4.1-58
#[test]
fn the_digest_is_over_the_text_of_the_key() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for (nonce, key, accept) in [
        (*b"the sample nonce", "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
    ] {
        let mut client = Connection::client(&request, Config::new(), Fixed(nonce)).unwrap();
        assert!(std::str::from_utf8(&take_outgoing(&mut client)).unwrap().contains(key));
        let heard = feed(&mut client, &response(&[Set("Sec-WebSocket-Accept", accept)]));
        assert_eq!(heard, [Heard::Complete], "{key}");
    }
}

// WS-11.3.3-01
#[test]
fn there_is_one_accept() {
    assert_fails(&[Add("Sec-WebSocket-Accept", support::ACCEPT)], HandshakeError::Accept);
    assert_fails(&[Add("sec-websocket-accept", "")], HandshakeError::Accept);
}

// WS-4.1-60 · WS-4.1-66
#[test]
fn a_subprotocol_is_one_that_was_offered() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    assert_opens_with(&[Add(NAME, "chat")], Some("chat"));
    assert_opens_with(&[Add(NAME, " superchat\t")], Some("superchat"));
    for other in ["other", "Chat", "cha", "chatter", "superchat2"] {
        assert_fails(&[Add(NAME, other)], HandshakeError::SubprotocolNotOffered);
    }
    // Nothing was requested.
    let heard = feed(&mut client(), &response(&[Add(NAME, "chat")]));
    assert_eq!(heard, [Heard::Failed(HandshakeError::SubprotocolNotOffered.into())]);
}

// WS-4.1-62 · WS-4.1-66
#[test]
fn a_server_may_choose_no_subprotocol() {
    assert_opens_with(&[], None);
}

// WS-4.1-66
#[test]
fn nothing_is_agreed_where_nothing_was_opened() {
    // What was offered is not what is in use.
    let mut client = offering_client();
    assert_eq!(client.subprotocol(), None);
    feed(&mut client, &response(&[Without("Upgrade")]));
    assert_eq!(client.subprotocol(), None, "failed");
    let mut client = offering_client();
    feed(&mut client, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.subprotocol(), None, "refused");
    let mut client = offering_client();
    let _ = client.receive_eof();
    assert_eq!(client.subprotocol(), None, "ended");
}

// WS-4.1-61 · WS-11.3.4-02
#[test]
fn a_subprotocol_is_one_token() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    for value in ["", "chat, superchat", "chat,", "chat superchat", "\"chat\"", "chat;x", "ch\u{e4}t"] {
        assert_fails(&[Add(NAME, value)], HandshakeError::Subprotocol);
    }
    for second in ["superchat", "chat", ""] {
        assert_fails(&[Add(NAME, "chat"), Add(NAME, second)], HandshakeError::Subprotocol);
    }
}

// WS-4.1-61
#[test]
fn the_answer_is_http_1_1() {
    assert_head_fails(&head("HTTP/1.0 101 Switching Protocols", &RESPONSE), HandshakeError::HttpVersion);
    for first_line in ["HTTP/2.0 101 Ok", "HTTP/1.2 101 Ok"] {
        assert_head_fails(&head(first_line, &RESPONSE), HandshakeError::HttpVersion);
    }
    for first_line in [
        "",
        "garbage",
        "HTTP/2 101",
        "ICY 101 Ok",
        "http/1.1 101 Ok",
        "HTTP/1.1 10",
        "HTTP/1.1 1o1 Ok",
        "HTTP/1.1 -10 Ok",
        "HTTP/1.1101 Ok",
        "GET / HTTP/1.1",
    ] {
        let head = head(first_line, &RESPONSE);
        let events = feed(&mut client(), &head);
        assert!(
            matches!(
                events[..],
                [Heard::Failed(Error::Handshake(
                    HandshakeError::MalformedHead | HandshakeError::HttpVersion
                ))]
            ),
            "{first_line}: {events:?}"
        );
    }
    assert_head_fails(b"\x15\x03\x01\x00\x02\x02\n\n", HandshakeError::MalformedHead);
    for line in ["X", ": y", "X : y", " folded", "X: y\0", "X: y\rZ: z", "X Y: z", "\u{fc}: x"] {
        let mut head = response(&[]);
        head.truncate(head.len() - 2);
        head.extend_from_slice(line.as_bytes());
        head.extend(b"\r\n\r\n");
        assert_head_fails(&head, HandshakeError::MalformedHead);
    }
}

// WS-4.1-63
#[test]
fn field_names_have_no_case() {
    for change_case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let fields = changed(&RESPONSE, &[Add("Sec-WebSocket-Protocol", "chat")]);
        let names: Vec<_> = fields.iter().map(|(name, _)| change_case(name)).collect();
        let fields: Vec<_> =
            names.iter().zip(&fields).map(|(name, (_, value))| (&name[..], *value)).collect();
        let mut client = offering_client();
        assert_eq!(feed(&mut client, &head("HTTP/1.1 101 Ok", &fields)), [Heard::Complete]);
        assert_eq!(client.subprotocol(), Some("chat"));
    }
    assert_fails(&[Add("SEC-WEBSOCKET-extensions", "foo")], HandshakeError::ExtensionNotOffered);
}

#[test]
fn a_reason_says_nothing_and_unknown_fields_are_ignored() {
    for first_line in ["HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 Web Socket Protocol Handshake"] {
        assert_eq!(feed(&mut client(), &head(first_line, &RESPONSE)), [Heard::Complete]);
    }
    assert_opens(&[Add("X-Foo", "bar"), Add("Sec-WebSocket-Version", "8"), Add("Sec-WebSocket-Key", "x")]);
    assert_opens(&[Add("Content-Length", "5"), Add("Empty", "")]);
}

// WS-4.1-59 · WS-4.2.2-28 · WS-9.1-03 · WS-11.3.2-02
#[test]
fn an_extension_that_was_not_offered_fails() {
    const NAME: &str = "Sec-WebSocket-Extensions";
    for changes in [
        &[Add(NAME, "permessage-deflate")][..],
        &[Add(NAME, "foo; a=1, bar")],
        &[Add(NAME, "foo"), Add(NAME, "bar")],
        // One list over both lines: an empty one, and one with an extension.
        &[Add(NAME, ""), Add(NAME, "foo")],
        &[Add(NAME, "foo"), Add(NAME, "")],
    ] {
        assert_fails(changes, HandshakeError::ExtensionNotOffered);
    }
    // No line alone decides.
    for (first, second) in [("foo; =1", "bar"), ("foo", "bar; =1")] {
        assert_fails(&[Add(NAME, first), Add(NAME, second)], HandshakeError::Extensions);
    }
}

// WS-4.3-01 · WS-4.3-06 · WS-4.3-07 · WS-4.3-08 · WS-9.1-01 · WS-9.1-02
#[test]
fn a_malformed_extension_fails() {
    for value in [
        "",
        ",",
        ";a",
        "foo;",
        "foo; =1",
        "foo; a=",
        "foo bar",
        "foo; x=\"a b\"",
        "foo; x=\"\"",
        "foo; x=\"a,b\"",
        "foo; x=\"a",
        "fo\u{e9}",
    ] {
        assert_fails(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
    // These are well formed, so it is the offer that is missing.
    for value in ["foo; a; b=1", "foo ;a = 1 , bar", "foo, , bar", "foo; x=\"1\\0\""] {
        assert_fails(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::ExtensionNotOffered);
    }
}

// WS-8.1-04
#[test]
fn what_is_not_utf_8_fails() {
    for (name, error) in [
        ("Sec-WebSocket-Protocol", HandshakeError::Subprotocol),
        ("Sec-WebSocket-Extensions", HandshakeError::Extensions),
    ] {
        for value in [&b"\xff"[..], b"chat\xff", b"chat; x=\"\xc3\"", b"\xf0\x9f\x98"] {
            let mut head = response(&[]);
            head.truncate(head.len() - 2);
            head.extend([name.as_bytes(), b": ", value, b"\r\n\r\n"].concat());
            assert_head_fails(&head, error);
        }
    }
}

// WS-4.1-65 · WS-9.1-06
#[test]
fn without_an_extension_the_reserved_bits_stay_illegal() {
    let mut client = client();
    feed(&mut client, &response(&[]));
    client.sender().text("hi").unwrap();
    assert_eq!(take_outgoing(&mut client)[0], 0x81);
    for (first, bits) in [(0xc1, 4), (0xa1, 2), (0x91, 1)] {
        let mut client = self::client();
        let heard = feed(&mut client, &[response(&[]), frame(first, b"hi")].concat());
        assert_eq!(heard, [Heard::Complete, Heard::Failed(Violation::ReservedBits(bits).into())]);
    }
}

// WS-4.2.2-30
#[test]
fn frames_may_follow_the_answer_at_once() {
    let stream = [response(&[]), b"\x81\x02\x68\x69".to_vec()].concat();
    let expected = [Heard::Complete, Heard::text("hi")];
    assert_eq!(feed(&mut client(), &stream), expected);
    assert_eq!(feed_cut(&mut client(), &stream, 1..stream.len()), expected);
    for cut in 1..stream.len() {
        assert_eq!(feed_cut(&mut client(), &stream, [cut]), expected, "{cut}");
        assert_eq!(feed_cut(&mut client(), &stream, [cut, cut]), expected, "{cut}");
    }
}

#[test]
fn the_answers_fields_come_with_the_event() {
    let mut bytes = response(&[Add("Set-Cookie", "a=b"), Add("set-cookie", "c=d")]);
    for cut in [0, 50] {
        let mut client = client();
        let (mut first, mut input) = bytes.split_at_mut(cut);
        assert!(client.receive(&mut first).unwrap().is_none());
        let Ok(Some((Event::HandshakeComplete(handshake), tx))) = client.receive(&mut input) else {
            panic!()
        };
        let response = handshake.response().unwrap();
        assert_eq!((response.status(), response.reason()), (101, "Switching Protocols"));
        assert_eq!(response.header("SET-cookie"), Some("a=b"));
        assert!(response.headers().all("Set-Cookie").eq([&b"a=b"[..], b"c=d"]));
        assert!(response.body().is_empty() && !response.is_body_truncated());
        tx.text("hi").unwrap();
    }
}

// ---- Other answers than 101 ----

#[test]
fn interim_answers_are_skipped() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nUpgrade: h2c\r\n\r\n";
    let ok = [response(&[]), b"\x81\x02hi".to_vec()].concat();
    let opened = [Heard::Complete, Heard::text("hi")];
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_vec();
    let refused = [Heard::Refused(403, b"no".to_vec(), false)];
    for (last, expected) in [(ok, &opened[..]), (refusal, &refused)] {
        for stream in [
            [&interim[..], &last].concat(),
            [&hints[..], &last].concat(),
            [&interim[..], hints, interim, b"\r\n", &last].concat(),
            [&interim.repeat(100), &last[..]].concat(),
        ] {
            assert_eq!(feed(&mut client(), &stream), expected);
            assert_eq!(feed_cut(&mut client(), &stream, 1..stream.len()), expected);
            for cut in 1..stream.len().min(300) {
                assert_eq!(feed_cut(&mut client(), &stream, [cut]), expected, "{cut}");
            }
        }
    }
    // Nothing happens by them alone.
    let mut client = client();
    assert_eq!(feed(&mut client, interim), []);
    assert_eq!(client.state(), State::Connecting);
    assert_eq!(client.receive_eof().map(drop), Err(HandshakeError::UnexpectedEof.into()));
}

#[test]
fn all_heads_together_have_at_most_max_head_bytes() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let stream = [&interim.repeat(10), &response(&[])[..]].concat();
    let limit = u32::try_from(stream.len()).unwrap();
    let config = Config::new().max_head(limit);
    // Frames behind do not count.
    let with_frames = [&stream[..], b"\x81\x02hi"].concat();
    for cuts in [0..0, 1..with_frames.len()] {
        let heard = feed_cut(&mut client_with(config), &with_frames, cuts);
        assert_eq!(heard, [Heard::Complete, Heard::text("hi")]);
    }
    assert_head_fails_with(config.max_head(limit - 1), &stream, Limit::Head);
    // By default too, for a server that never comes to an end.
    assert_head_fails(&interim.repeat(16 * 1024 / interim.len() + 1), Limit::Head);
}

#[test]
fn a_head_has_its_limits() {
    let head = response(&[]);
    let limit = u32::try_from(head.len()).unwrap();
    let config = Config::new().max_head(limit);
    assert_eq!(feed(&mut client_with(config), &head), [Heard::Complete]);
    assert_eq!(feed_cut(&mut client_with(config), &head, 1..head.len()), [Heard::Complete]);
    assert_head_fails_with(config.max_head(limit - 1), &head, Limit::Head);

    let endless = [&b"HTTP/1.1 101 "[..], &vec![b'x'; 16 * 1024]].concat();
    assert_head_fails(&endless, Limit::Head);
    let mut client = client();
    assert_eq!(feed(&mut client, &endless[..16 * 1024]), []);
    assert_eq!(feed(&mut client, b"x"), [Heard::Failed(Limit::Head.into())]);

    let with = |count: usize| response(&vec![Add("X", "y"); count - RESPONSE.len()]);
    for (config, limit) in [(Config::new(), 100), (Config::new().max_head_fields(3), 3)] {
        assert_eq!(feed(&mut client_with(config), &with(limit)), [Heard::Complete]);
        assert_head_fails_with(config, &with(limit + 1), Limit::HeadFields);
    }
}

// WS-4.1-48 · WS-7.1.4-03
#[test]
fn another_status_is_an_ordinary_answer() {
    let fields = changed(&RESPONSE, &[Add("Content-Length", "2"), Add("X", "y")]);
    for status in [200, 201, 301, 302, 400, 401, 403, 404, 426, 500, 503, 599] {
        let stream = [head(&format!("HTTP/1.1 {status} Some Reason"), &fields), b"no".to_vec()].concat();
        for cuts in [0..0, 1..stream.len()] {
            for sent in [0, usize::MAX] {
                let mut client = open(&ClientRequest::new("ws://h/").unwrap(), Config::new()).unwrap();
                client.mark_sent(sent);
                let heard = feed_cut(&mut client, &stream, cuts.clone());
                assert_eq!(heard, [Heard::Refused(status, b"no".to_vec(), false)]);
                assert_never_opened(&mut client);
                assert_eq!(client.error(), None);
                // What comes now is not looked at.
                assert_eq!(feed(&mut client, &response(&[])), []);
                assert!(matches!(client.receive_eof(), Ok(None)));
                assert_never_opened(&mut client);
            }
        }
        look_at_refusal(&stream, |response| {
            assert_eq!((response.status(), response.reason()), (status, "Some Reason"));
            assert_eq!(response.header("sec-websocket-accept"), Some(support::ACCEPT));
            assert_eq!(response.header("x"), Some("y"));
        });
        let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &[]).unwrap();
        assert_eq!(upgrade.check(status, as_bytes(&fields)), Err(HandshakeError::Refused));
    }
    // Of HTTP/1.0 as well.
    let heard = feed(&mut client(), b"HTTP/1.0 403 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(heard, [Heard::Refused(403, vec![], false)]);
}

#[test]
fn a_refusal_shows_its_parts() {
    let stream =
        b"\r\nHTTP/1.1 302 Found It\r\nLocation:\t wss://other.example/ \r\nSet-Cookie: secret=1\r\n\
        Latin: \xfc\r\nset-cookie: b\r\nContent-Length: 3\r\n\r\nsee";
    look_at_refusal(stream, |response| {
        assert_eq!((response.status(), response.reason()), (302, "Found It"));
        assert_eq!(response.header("location"), Some("wss://other.example/"));
        assert_eq!(response.header("Set-Cookie"), Some("secret=1"));
        assert_eq!((response.header("missing"), response.header("latin")), (None, None));
        let names: Vec<_> = response.headers().map(|(name, _)| name).collect();
        assert_eq!(names, ["Location", "Set-Cookie", "Latin", "set-cookie", "Content-Length"]);
        assert!(response.headers().all("latin").eq([b"\xfc"]));
        assert!(response.headers().all("set-cookie").eq([&b"secret=1"[..], b"b"]));
        assert_eq!((response.body(), response.is_body_truncated()), (&b"see"[..], false));
        let shown = format!("{response:?}");
        assert!(shown.contains("302") && !shown.contains("secret"), "{shown}");
    });
    for first_line in ["HTTP/1.1 404", "HTTP/1.1 404 "] {
        look_at_refusal(&head(first_line, &[("Content-Length", "0")]), |response| {
            assert_eq!((response.status(), response.reason(), response.versions().count()), (404, "", 0));
        });
    }
}

#[test]
fn a_reason_may_be_in_any_charset() {
    look_at_refusal(b"HTTP/1.1 403 Verboten f\xfcr alle\r\nContent-Length: 2\r\n\r\nno", |response| {
        assert_eq!((response.status(), response.body()), (403, &b"no"[..]));
    });
}

// WS-4.3-05 · WS-4.4-02 · WS-11.3.5-01
#[test]
fn the_versions_of_a_server_are_a_list() {
    const NAME: &str = "Sec-WebSocket-Version";
    for (fields, expected) in [
        (&[][..], &[][..]),
        (&[(NAME, "13")], &[13]),
        (&[(NAME, "13, 8, 7")], &[13, 8, 7]),
        (&[(NAME, "13"), (NAME, "8, 7")], &[13, 8, 7]),
        (&[("sec-websocket-version", " 13 ,,8"), ("X", "y"), (NAME, "0,255")], &[13, 8, 0, 255]),
        (&[(NAME, "256, x, 13, -1, 1 3, ")], &[13]),
    ] {
        let stream = head("HTTP/1.1 426 Upgrade Required", &[fields, &[("Content-Length", "0")]].concat());
        look_at_refusal(&stream, |response| {
            assert!(response.versions().eq(expected.iter().copied()), "{fields:?}");
        });
    }
}

// WS-4.3-05
#[test]
fn a_version_of_a_server_is_a_plain_number() {
    let fields = [("Sec-WebSocket-Version", "+13, 013, 8"), ("Content-Length", "0")];
    look_at_refusal(&head("HTTP/1.1 400 No", &fields), |response| assert!(response.versions().eq([8])));
}

/// Asserts that the body is the same wherever it is cut.
#[track_caller]
fn assert_body_with(config: Config, fields: &str, body: &[u8], expected: &[u8], is_truncated: bool) {
    let stream = [format!("HTTP/1.1 403 Forbidden\r\n{fields}\r\n").as_bytes(), body].concat();
    let heard = [Heard::Refused(403, expected.to_vec(), is_truncated)];
    let shown = stream.escape_ascii();
    assert_eq!(feed(&mut client_with(config), &stream), heard, "{shown}");
    assert_eq!(feed_cut(&mut client_with(config), &stream, 1..stream.len()), heard, "{shown}");
    for cut in 1..stream.len().min(200) {
        assert_eq!(feed_cut(&mut client_with(config), &stream, [cut]), heard, "{cut} {shown}");
    }
}

#[track_caller]
fn assert_body(fields: &str, body: &[u8], expected: &[u8]) {
    assert_body_with(Config::new(), fields, body, expected, false);
}

#[test]
fn a_body_may_have_a_length() {
    assert_body("Content-Length: 5\r\n", b"hello", b"hello");
    assert_body("content-length:\t5 \r\n", b"hello", b"hello");
    assert_body("Content-Length: 0\r\n", b"", b"");
    // What is behind it is not looked at.
    assert_body("Content-Length: 5\r\n", b"hello world\r\n\r\n", b"hello");
    assert_body("Content-Length: 0\r\n", b"x", b"");
}

#[test]
fn a_body_may_be_chunked() {
    const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
    for (body, expected) in [
        (&b"5\r\nhello\r\n0\r\n\r\n"[..], &b"hello"[..]),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
        (b"0\r\n\r\n", b""),
        (b"000\r\n\r\n", b""),
        (b"0005\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5;a=\"b c\"; d\r\nhello\r\n0;e\r\n\r\n", b"hello"),
        (b"5 \r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5\r\nhello\r\n0\r\nX: y\r\nZ: 5\r\n\r\n", b"hello"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"1B\r\nabcdefghijklmnopqrstuvwxyz.\r\n0\r\n\r\n", b"abcdefghijklmnopqrstuvwxyz."),
        (b"5\r\n\r\n0\r\n\r\n0\r\n\r\n", b"\r\n0\r\n"),
        (b"5\nhello\n0\n\n", b"hello"),
        (b"5\r\nhello\r\n0\r\n\r\nbehind", b"hello"),
    ] {
        assert_body(CHUNKED, body, expected);
        // It overrides a length (RFC 9112 section 6.3).
        assert_body(&format!("Content-Length: 3\r\n{CHUNKED}"), body, expected);
    }
    assert_body("transfer-encoding: gzip, Chunked\r\n", b"1\r\nx\r\n0\r\n\r\n", b"x");
    assert_body("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n\r\n", b"x");
    // What is not chunked ends at once.
    let truncated =
        |body: &[u8], expected: &[u8]| assert_body_with(Config::new(), CHUNKED, body, expected, true);
    truncated(b"5\r\nhelloX\r\n0\r\n\r\n", b"hello");
    truncated(b"10000000000000000\r\nhello", b"");
    truncated(&vec![b'0'; 17 * 1024], b"");
    truncated(&[&b"0\r\n"[..], &b"X: y\r\n".repeat(3000)].concat(), b"");
}

#[test]
fn a_chunk_without_a_size_is_none() {
    for body in [&b"<html>\r\n\r\n"[..], b"\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b";a\r\n\r\n"] {
        assert_body_with(Config::new(), "Transfer-Encoding: chunked\r\n", body, b"", true);
    }
}

#[test]
fn a_body_may_last_until_the_end() {
    for fields in ["", "Content-Length: x\r\n", "Transfer-Encoding: gzip\r\n"] {
        for body in [&b""[..], b"hello"] {
            let stream = [format!("HTTP/1.1 500 Oops\r\n{fields}\r\n").as_bytes(), body].concat();
            for cut in 1..stream.len() {
                let mut client = client();
                assert_eq!(feed_cut(&mut client, &stream, [cut]), []);
                assert_eq!(client.state(), State::Connecting);
                assert_end_of_refusal(&mut client, 500, body, false);
            }
        }
    }
}

/// Asserts that the end of the transport reports the refusal, once.
#[track_caller]
fn assert_end_of_refusal(client: &mut SampleClient, status: u16, body: &[u8], is_truncated: bool) {
    match client.receive_eof() {
        Ok(Some(Event::HandshakeRefused(response))) => {
            assert_eq!((response.status(), response.body()), (status, body));
            assert_eq!(response.is_body_truncated(), is_truncated);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(client.receive_eof(), Ok(None)));
    assert_eq!(client.error(), None);
    assert_never_opened(client);
}

#[test]
fn some_answers_have_no_body() {
    for status in [204, 304] {
        for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
            let head = format!("HTTP/1.1 {status} None\r\n{fields}\r\n").into_bytes();
            for cuts in [0..0, 1..head.len()] {
                let events = feed_cut(&mut client(), &head, cuts);
                assert_eq!(events, [Heard::Refused(status, vec![], false)]);
            }
        }
    }
}

#[test]
fn a_body_may_be_cut_off_by_the_end() {
    for (fields, body, expected) in [
        ("Content-Length: 5", &b"hell"[..], &b"hell"[..]),
        ("Content-Length: 5", b"", b""),
        ("Transfer-Encoding: chunked", b"5\r\nhell", b"hell"),
        ("Transfer-Encoding: chunked", b"5\r\nhello", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n", b"hello"),
        ("Transfer-Encoding: chunked", b"", b""),
    ] {
        let mut client = client();
        let stream = [format!("HTTP/1.1 500 Oops\r\n{fields}\r\n\r\n").as_bytes(), body].concat();
        assert_eq!(feed(&mut client, &stream), []);
        assert_end_of_refusal(&mut client, 500, expected, true);
    }
}

#[test]
fn a_body_has_at_most_max_refusal_body_bytes() {
    let config = Config::new().max_refusal_body(20);
    let (full, more) = (&b"01234567890123456789"[..], &b"012345678901234567890"[..]);
    assert_body_with(config, "Content-Length: 20\r\n", full, full, false);
    assert_body_with(config, "Content-Length: 21\r\n", more, full, true);
    let chunked = |body: &[u8]| [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    assert_body_with(config, "Transfer-Encoding: chunked\r\n", &chunked(full), full, false);
    assert_body_with(config, "Transfer-Encoding: chunked\r\n", &chunked(more), full, true);
    assert_body_with(config, "", more, full, true);
    let mut client = client_with(config);
    assert_eq!(feed(&mut client, &[b"HTTP/1.1 500 Oops\r\n\r\n", full].concat()), []);
    assert_end_of_refusal(&mut client, 500, full, false);
    // None at all.
    let config = Config::new().max_refusal_body(0);
    assert_body_with(config, "Content-Length: 0\r\n", b"", b"", false);
    assert_body_with(config, "Content-Length: 1\r\n", b"x", b"", true);
    // The default.
    let full = vec![b'x'; 16 * 1024];
    for (len, is_truncated) in [(16 * 1024, false), (16 * 1024 + 1, true)] {
        let stream =
            [format!("HTTP/1.1 500 Oops\r\nContent-Length: {len}\r\n\r\n").as_bytes(), &vec![b'x'; len]]
                .concat();
        assert_eq!(
            feed(&mut client_with(Config::new()), &stream),
            [Heard::Refused(500, full.clone(), is_truncated)]
        );
    }
}

// ---- Failure ----

// WS-7.2.1-01 · WS-7.1.7-06 · WS-7.1.4-03
#[test]
fn every_failure_ends_in_the_same_way() {
    // `assert_head_fails` looks at the state, at what is written (nothing) and at every signal.
    let defects: [(Field, HandshakeError); 6] = [
        (("Upgrade", "h2c"), HandshakeError::Upgrade),
        (("Connection", "close"), HandshakeError::Connection),
        (("Sec-WebSocket-Accept", "x"), HandshakeError::Accept),
        (("Sec-WebSocket-Protocol", "other"), HandshakeError::SubprotocolNotOffered),
        (("Sec-WebSocket-Extensions", "foo"), HandshakeError::ExtensionNotOffered),
        (("Sec-WebSocket-Extensions", ";"), HandshakeError::Extensions),
    ];
    for ((name, value), error) in defects {
        let fields: Vec<_> =
            RESPONSE.into_iter().filter(|field| field.0 != name).chain([(name, value)]).collect();
        assert_head_fails(&head("HTTP/1.1 101 Ok", &fields), error);
        // Frames behind it are not looked at.
        let with_frames = [head("HTTP/1.1 101 Ok", &fields), b"\x81\x02hi\x88\x00".to_vec()].concat();
        assert_eq!(feed(&mut offering_client(), &with_frames), [Heard::Failed(error.into())]);
    }
    assert_head_fails(b"garbage\r\n\r\n", HandshakeError::MalformedHead);
    assert_head_fails(&head("HTTP/1.0 101 Ok", &RESPONSE), HandshakeError::HttpVersion);
    assert_head_fails(&vec![b'x'; 16 * 1024 + 1], Limit::Head);
}

// WS-7.2.1-01
#[test]
fn the_transport_may_end_before_the_answer_does() {
    let head = response(&[]);
    for len in [0, 1, head.len() / 2, head.len() - 1] {
        for sent in [0, 20, usize::MAX] {
            let request = ClientRequest::new("ws://h/").unwrap();
            let mut client = open(&request, Config::new()).unwrap();
            client.mark_sent(sent);
            assert_eq!(feed(&mut client, &head[..len]), []);
            for _ in 0..2 {
                assert_eq!(client.receive_eof().map(drop), Err(HandshakeError::UnexpectedEof.into()));
            }
            assert_eq!(feed(&mut client, &head), [Heard::Failed(HandshakeError::UnexpectedEof.into())]);
            assert_eq!(client.state(), State::Closed);
            assert!(client.should_disconnect() && !client.is_closed_cleanly());
            assert_eq!(client.close_code(), Some(CloseCode::ABNORMAL));
            assert_eq!(client.error(), Some(HandshakeError::UnexpectedEof.into()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_leads_to_an_event_or_an_error_or_waiting(
        start in prop::sample::select(vec![
            "HTTP/1.1 101 Switching Protocols\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Ok\r\n",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n",
            "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n",
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let fields = response(&[Add("Sec-WebSocket-Protocol", "chat")]);
        let first_line = fields.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let mut stream = [start.as_bytes(), &fields[first_line..], b"3;x\r\nabc\r\n0\r\n\r\n\x81\x02hi"].concat();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut cuts: Vec<_> = cuts.iter().map(|at| at.index(stream.len())).collect();
        cuts.sort_unstable();
        let (mut whole, mut pieces) = (offering_client(), offering_client());
        prop_assert_eq!(feed(&mut whole, &stream), feed_cut(&mut pieces, &stream, cuts));
        prop_assert_eq!(take_outgoing(&mut whole), take_outgoing(&mut pieces));
    }
}
