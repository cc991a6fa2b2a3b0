//! The `Origin` field of a request, RFC 6455 section 10.2.

use crate::heads::Change::{self, Add, Set, Without};
use crate::heads::request;
use sansws::handshake::origin::{is_in, is_same};
use sansws::{Config, Connection, Event};

#[test]
fn an_origin_is_one_of_those_that_are_allowed() {
    let allowed = ["https://chat.example", "http://localhost:8080", "http://[::1]:8080"];
    for origin in
        ["https://chat.example", "HTTPS://Chat.Example", "http://localhost:8080", "http://[::1]:8080"]
    {
        assert!(is_in(origin, &allowed), "{origin}");
    }
    for origin in [
        "",
        "null",
        "chat.example",
        "http://chat.example",
        "https://chat.example:443",
        "https://chat.example:8443",
        "https://chat.example/",
        "https://chat.example.",
        "https://chat.example.evil.example",
        "https://evilchat.example",
        "https://evil.example/https://chat.example",
        "https://chat.example@evil.example",
        "https://x.chat.example",
        "https://chat.example, https://evil.example",
        " https://chat.example",
        "https://chat.exampl\u{435}",
        "http://localhost",
        "http://localhost:80801",
        "http://localhost:808",
        "http://[::1]",
        // KELVIN SIGN has no ASCII case.
        "http://localhost:8080\u{212a}",
    ] {
        assert!(!is_in(origin, &allowed), "{origin}");
    }
    assert!(!is_in("https://chat.example", &[]));
    assert!(!is_in("", &[]));
    // What is allowed explicitly is allowed.
    assert!(is_in("null", &["null"]));
    // Case folds in ASCII only.
    assert!(!is_in("http://\u{212a}.example", &["http://k.example"]));
}

#[test]
fn an_origin_is_the_same_by_host_and_port() {
    for (origin, host) in [
        ("https://chat.example", "chat.example"),
        ("https://chat.example", "chat.example:443"),
        ("https://chat.example:443", "chat.example"),
        ("http://chat.example", "chat.example"),
        ("http://chat.example", "chat.example:80"),
        ("http://chat.example:80", "chat.example"),
        ("HTTP://Chat.Example", "chat.EXAMPLE"),
        ("http://localhost:8080", "localhost:8080"),
        ("https://chat.example:8443", "chat.example:8443"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]", "[::1]:80"),
        ("https://[::1]:443", "[::1]"),
        ("http://[2001:db8::a]:8080", "[2001:DB8::A]:8080"),
        ("http://192.0.2.1:81", "192.0.2.1:81"),
    ] {
        assert!(is_same(origin, host), "{origin} {host}");
    }
    for (origin, host) in [
        ("null", "null"),
        ("null", "chat.example"),
        ("", ""),
        ("http://", ""),
        ("file://", ""),
        ("http://:80", ":80"),
        ("chat.example", "chat.example"),
        ("//chat.example", "chat.example"),
        ("http:chat.example", "chat.example"),
        ("https://chat.example", "chat.example:80"),
        ("http://chat.example", "chat.example:443"),
        ("https://chat.example:80", "chat.example"),
        ("http://chat.example:443", "chat.example"),
        ("http://localhost:3000", "localhost:8080"),
        ("http://localhost", "localhost:8080"),
        ("http://localhost:8080", "localhost"),
        ("https://chat.example.evil.example", "chat.example"),
        ("https://evilchat.example", "chat.example"),
        ("https://chat.example@evil.example", "chat.example"),
        ("https://evil.example/chat.example", "chat.example"),
        ("https://evil.example#@chat.example", "chat.example"),
        ("https://chat.example/", "chat.example"),
        ("https://chat.example:443/", "chat.example"),
        ("https://x.chat.example", "chat.example"),
        ("https://example", "chat.example"),
        ("https://chat.example:443:443", "chat.example"),
        ("http://[::1]:8080", "[::1]:8081"),
        ("http://[::2]", "[::1]"),
        ("http://[::1]", "[::1]:1"),
        ("http://[::1:80]", "[::1]"),
        ("http://[::1:80]", "[::1]:80"),
        ("http://\u{212a}.example", "k.example"),
    ] {
        assert!(!is_same(origin, host), "{origin} {host}");
    }
}

/// Only the default ports of http and https are known: nothing else is the page of an HTTP server by having none.
#[test]
fn other_schemes_are_not_the_same() {
    for origin in
        ["tauri://localhost", "capacitor://localhost", "ftp://localhost", "file://localhost", "://localhost"]
    {
        assert!(!is_same(origin, "localhost"), "{origin}");
        assert!(!is_same(origin, "localhost:80"), "{origin}");
    }
}

/// `is_origin_in` with `https://chat.example`, and `is_same_origin`.
fn of_request(changes: &[Change]) -> (bool, bool) {
    let mut bytes = request(changes);
    let mut input = &mut bytes[..];
    match Connection::server(Config::new()).receive(&mut input) {
        Some((Event::HandshakeRequest(request), _)) => {
            (request.is_origin_in(&["https://chat.example"]), request.is_same_origin())
        }
        other => panic!("{other:?}"),
    }
}

// WS-4.2.2-07
#[test]
fn a_server_decides_on_the_origin_of_a_request() {
    let host = Set("Host", "chat.example");
    assert_eq!(of_request(&[host, Add("Origin", "https://chat.example")]), (true, true));
    assert_eq!(of_request(&[host, Add("origin", " HTTPS://chat.example\t")]), (true, true));
    assert_eq!(of_request(&[Add("Origin", "https://chat.example")]), (true, false));
    assert_eq!(of_request(&[Add("Origin", "http://server.example")]), (false, true));
    assert_eq!(
        of_request(&[Set("Host", "server.example:81"), Add("Origin", "http://server.example:81")]),
        (false, true)
    );
    assert_eq!(of_request(&[host, Add("Origin", "https://chat.example.evil.example")]), (false, false));
    assert_eq!(of_request(&[host, Add("Origin", "null")]), (false, false));
    assert_eq!(of_request(&[host, Add("Origin", "")]), (false, false));
    // Other clients than browsers have none.
    assert_eq!(of_request(&[host, Without("Origin")]), (false, false));
    // The field of the drafts is not looked at.
    assert_eq!(of_request(&[host, Add("Sec-WebSocket-Origin", "https://chat.example")]), (false, false));
}

#[test]
fn a_second_origin_does_not_count() {
    let first = Add("Origin", "https://evil.example");
    assert_eq!(of_request(&[first, Add("Origin", "https://chat.example")]), (false, false));
}
