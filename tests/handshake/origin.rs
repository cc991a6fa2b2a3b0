//! The `Origin` header of a request, RFC 6455 section 10.2.

use crate::heads::Change::{self, Add, Set, Without};
use crate::heads::request;
use sansws::handshake::origin::{is_in, is_same};
use sansws::{Config, Connection, Event};

#[test]
fn is_in_accepts_only_the_allowed_origins() {
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
    // Even `null` is accepted if the list has it.
    assert!(is_in("null", &["null"]));
    // Only ASCII letters are compared without case.
    assert!(!is_in("http://\u{212a}.example", &["http://k.example"]));
}

#[test]
fn is_same_compares_host_and_port() {
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

/// `is_same` knows the default ports of http and https only. An origin of another scheme that has no port is
/// not the page of an HTTP server.
#[test]
fn is_same_refuses_schemes_other_than_http_and_https() {
    for origin in
        ["tauri://localhost", "capacitor://localhost", "ftp://localhost", "file://localhost", "://localhost"]
    {
        assert!(!is_same(origin, "localhost"), "{origin}");
        assert!(!is_same(origin, "localhost:80"), "{origin}");
    }
}

/// The results of `is_origin_in` (with `https://chat.example`) and `is_same_origin` for a request with these
/// changes.
fn verdicts(changes: &[Change]) -> (bool, bool) {
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
fn a_request_checks_its_own_origin() {
    let host = Set("Host", "chat.example");
    assert_eq!(verdicts(&[host, Add("Origin", "https://chat.example")]), (true, true));
    assert_eq!(verdicts(&[host, Add("origin", " HTTPS://chat.example\t")]), (true, true));
    assert_eq!(verdicts(&[Add("Origin", "https://chat.example")]), (true, false));
    assert_eq!(verdicts(&[Add("Origin", "http://server.example")]), (false, true));
    assert_eq!(
        verdicts(&[Set("Host", "server.example:81"), Add("Origin", "http://server.example:81")]),
        (false, true)
    );
    assert_eq!(verdicts(&[host, Add("Origin", "https://chat.example.evil.example")]), (false, false));
    assert_eq!(verdicts(&[host, Add("Origin", "null")]), (false, false));
    assert_eq!(verdicts(&[host, Add("Origin", "")]), (false, false));
    // Clients other than browsers send no `Origin`.
    assert_eq!(verdicts(&[host, Without("Origin")]), (false, false));
    // The header of the drafts is ignored.
    assert_eq!(verdicts(&[host, Add("Sec-WebSocket-Origin", "https://chat.example")]), (false, false));
}

#[test]
fn a_second_origin_header_is_ignored() {
    let first = Add("Origin", "https://evil.example");
    assert_eq!(verdicts(&[first, Add("Origin", "https://chat.example")]), (false, false));
}
