//! The `Origin` header of a request, RFC 6455 section 10.2.

use crate::heads::Change::{self, Add, Set, Without};
use crate::heads::request;
use sansws::handshake::origin::{self, Scheme, is_in};
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

/// Whether `origin` is the same as that of a page from `host` over its own scheme, which is `http` or
/// `https`. Over the other scheme it must not be.
fn is_same(origin: &str, host: &str) -> bool {
    let over = |scheme| origin::is_same(origin, host, scheme);
    let is_https = origin.to_ascii_lowercase().starts_with("https:");
    let (own, other) = if is_https { (Scheme::Https, Scheme::Http) } else { (Scheme::Http, Scheme::Https) };
    assert!(!over(other), "{origin} {host}");
    over(own)
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

// RFC 6454 section 4
#[test]
fn is_same_compares_the_scheme() {
    for host in ["chat.example", "chat.example:443", "chat.example:80", "chat.example:8080"] {
        for port in ["", ":80", ":443", ":8080"] {
            let http = format!("http://chat.example{port}");
            let https = format!("HTTPS://chat.example{port}");
            assert!(!origin::is_same(&http, host, Scheme::Https), "{http} {host}");
            assert!(!origin::is_same(&https, host, Scheme::Http), "{https} {host}");
        }
    }
    // The default port is that of the scheme.
    assert!(origin::is_same("http://h", "h:80", Scheme::Http));
    assert!(origin::is_same("https://h", "h:443", Scheme::Https));
    assert!(!origin::is_same("http://h", "h:443", Scheme::Http));
    assert!(!origin::is_same("https://h", "h:80", Scheme::Https));
    assert!(origin::is_same("https://h:80", "h:80", Scheme::Https));
    assert!(origin::is_same("http://h:443", "h:443", Scheme::Http));
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
    assert_eq!(verdicts(&[Add("Origin", "https://server.example")]), (false, true));
    assert_eq!(
        verdicts(&[Set("Host", "server.example:81"), Add("Origin", "https://server.example:81")]),
        (false, true)
    );
    // By default the connection counts as TLS: a page that came without TLS may hold an attacker's script.
    assert_eq!(verdicts(&[Add("Origin", "http://server.example")]), (false, false));
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

#[test]
fn pages_of_the_very_host_may_connect_over_tls_or_from_this_machine() {
    let cases = [
        ("https://chat.example", "chat.example", None, true),
        ("https://chat.example", "chat.example:8443", None, false),
        ("https://evil.example", "chat.example", None, false),
        ("null", "chat.example", None, false),
        // A script in a page without TLS may be that of an attacker.
        ("http://chat.example", "chat.example", None, false),
        ("http://chat.example", "chat.example", Some(Scheme::Http), true),
        ("https://chat.example", "chat.example", Some(Scheme::Http), false),
        ("http://localhost:8080", "localhost:8080", None, true),
        ("http://127.0.0.1:80", "127.0.0.1", None, true),
        ("http://[::1]:8080", "[::1]:8080", None, true),
        ("http://localhost:3000", "localhost:8080", None, false),
        ("http://localhost.evil.example", "localhost.evil.example", None, false),
        ("http://localhost:8080", "localhost:8080", Some(Scheme::Https), false),
    ];
    for (origin, host, scheme, expected) in cases {
        assert_eq!(origin::is_own_page(origin, host, scheme), expected, "{origin} to {host}, {scheme:?}");
    }
}
