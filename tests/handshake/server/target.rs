//! The target of a request, RFC 9112 section 3.2, and what follows from it.

use super::*;
use sansws::handshake::origin::Scheme;

fn line(target: &str) -> String {
    format!("GET {target} HTTP/1.1")
}

#[track_caller]
fn assert_target_refused(target: &str) {
    let expected = (vec![Reported::Failed(HandshakeError::MalformedHead.into())], BAD_REQUEST.to_string());
    for config in [Config::new(), Config::new().http_requests(true)] {
        for fields in [&REQUEST[..], &[("Host", "h")]] {
            let head = head(&line(target), fields);
            assert_eq!(on_every_storage(config, &head), expected, "{target}");
        }
    }
}

// WS-4.2.1-06 · WS-4.2.2-13
#[test]
fn the_resource_name_comes_from_the_request_target() {
    for (target, resource_name, path, query) in [
        ("/", "/", "/", None),
        ("/chat", "/chat", "/chat", None),
        ("/a/%7e/../A?x=%2F", "/a/%7e/../A?x=%2F", "/a/%7e/../A", Some("x=%2F")),
        ("/a?b?c", "/a?b?c", "/a", Some("b?c")),
        // RFC 6455 section 3: the question mark belongs to the name if the query is not empty.
        ("/a?", "/a", "/a", Some("")),
        ("/?", "/", "/", Some("")),
        ("/a?u=http://h/x", "/a?u=http://h/x", "/a", Some("u=http://h/x")),
        ("//a/b", "//a/b", "//a/b", None),
        ("/http://h/x", "/http://h/x", "/http://h/x", None),
        ("http://h/chat?x", "/chat?x", "/chat", Some("x")),
        ("https://h:8443/chat", "/chat", "/chat", None),
        ("HTTP://h/chat", "/chat", "/chat", None),
        ("hTtPs://h/chat", "/chat", "/chat", None),
        ("http://h", "/", "/", None),
        ("http://h/", "/", "/", None),
        ("http://h?", "/", "/", Some("")),
        // RFC 6455 section 3: an empty path stands for a slash.
        ("http://h?q", "/?q", "/", Some("q")),
        ("http://h?q/r?s", "/?q/r?s", "/", Some("q/r?s")),
        ("http://h:80?q", "/?q", "/", Some("q")),
        ("http://[::1]:80/a", "/a", "/a", None),
        ("http://[::1]?q", "/?q", "/", Some("q")),
        ("http://a,b/c", "/c", "/c", None),
    ] {
        inspect_request(&head(&line(target), &REQUEST), |request| {
            assert_eq!((request.method(), request.target()), ("GET", target));
            assert_eq!(request.resource_name().to_string(), resource_name, "{target}");
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        });
        let reported =
            vec![Reported::Request("GET".to_string(), target.to_string(), vec![]), Reported::Complete];
        assert_eq!(
            on_every_storage(Config::new(), &head(&line(target), &REQUEST)),
            (reported, ACCEPTED.to_string()),
            "{target}"
        );
    }
}

// WS-4.2.1-01 · WS-4.2.1-06 · WS-10.7-04
#[test]
fn a_target_of_another_form_is_a_bad_request() {
    for target in [
        "*", "chat", "server.example:80", "?x", "http", "http:", "http:/", "http:/a", "http:///",
        "http:///a", "http://", "http://?q", "http://:80/", "http://h:x/", "http://h:80x/",
        "http://h:80:80/", "http://a@b/", "http://u:p@h/", "http://[::1/", "http://[::1]x/", "http://[x]/",
        "http://a%zz/", "http://a%4/", "http://h\\/", "http://h|i/", "httpss://h/", "ftp://h/", "ws://h/",
        "wss://h/", "mailto:", "mailto:a@b", "file:///a", "urn:a:b", "data:,a", "://h/", "h/a",
        "www.h.example/a", "+http://h/", "xhttp://h/",
    ] {
        assert_target_refused(target);
    }
}

// RFC 3986 sections 3.3 and 3.4
#[test]
fn a_target_with_a_character_that_no_client_may_send_is_a_bad_request() {
    for byte in (0..=0xff_u8).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
        // RFC 3986 forbids the last nine, but browsers send them (URL Standard, percent-encode sets).
        let is_allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]|\\^`{}".contains(&byte);
        for prefix in [&b"/a"[..], b"/a?b", b"http://h/a", b"/"] {
            let target = [prefix, &[byte], b"c"].concat();
            let head = [b"GET ", &target[..], b" HTTP/1.1\r\n", &head("", &REQUEST)[2..]].concat();
            let (reported, _) = on_every_storage(Config::new(), &head);
            if is_allowed {
                assert_eq!(reported.last(), Some(&Reported::Complete), "{}", target.escape_ascii());
            } else {
                let error = HandshakeError::MalformedHead.into();
                assert_eq!(reported, [Reported::Failed(error)], "{}", target.escape_ascii());
            }
        }
    }
    for target in ["/a#b", "/#", "/a?b#c", "http://h/#a", "http://h#a", "/caf\u{e9}", "/?\u{20ac}", "/\u{7f}"]
    {
        assert_target_refused(target);
    }
}

// WS-10.7-04
#[test]
fn a_target_with_a_space_is_a_bad_request() {
    for line in [
        "GET /ch at HTTP/1.1", "GET  /chat HTTP/1.1", "GET /chat  HTTP/1.1", "GET /\t HTTP/1.1",
        "GET  HTTP/1.1",
    ] {
        assert_head_refused(&head(line, &REQUEST), HandshakeError::MalformedHead);
    }
}

// RFC 9112 sections 3.2.3 and 3.2.4
#[test]
fn a_plain_request_may_ask_about_the_whole_server_but_for_no_tunnel() {
    let config = Config::new().http_requests(true);
    let run = |line: &str| on_every_storage(config, &head(line, &[("Host", "h")]));
    assert_eq!(run("OPTIONS * HTTP/1.1").0, [Reported::Http("OPTIONS".to_string(), "*".to_string())]);
    inspect_request(&head("OPTIONS * HTTP/1.1", &[("Host", "h")]), |request| {
        assert_eq!((request.path(), request.query(), request.host()), ("*", None, Some("h")));
    });
    let refused = (vec![Reported::Failed(HandshakeError::MalformedHead.into())], BAD_REQUEST.to_string());
    for line in [
        "GET * HTTP/1.1", "OPTIONS ** HTTP/1.1", "OPTIONS *a HTTP/1.1", "CONNECT h:80 HTTP/1.1",
        "CONNECT h HTTP/1.1", "CONNECT [::1]:80 HTTP/1.1",
    ] {
        assert_eq!(run(line), refused, "{line}");
    }
    assert_head_refused(&head("OPTIONS * HTTP/1.1", &REQUEST), HandshakeError::Method);
}

// RFC 9112 section 3.2.2 · WS-4.2.2-07
#[test]
fn the_authority_of_an_absolute_target_replaces_the_host_header() {
    for (target, host) in [
        ("/", "server.example"),
        ("http://other.example/", "other.example"),
        ("http://other.example", "other.example"),
        ("http://other.example?q=http://evil.example/", "other.example"),
        ("https://other.example:8443/chat", "other.example:8443"),
        ("HTTP://[::1]:81/", "[::1]:81"),
    ] {
        inspect_request(&head(&line(target), &REQUEST), |request| {
            assert_eq!(request.host(), Some(host), "{target}");
            assert_eq!(request.header("host"), Some("server.example"));
        });
    }
    // The `Host` header is still required, and has to be valid.
    let absolute = line("http://other.example/");
    assert_head_refused(&head(&absolute, &with_changes(&REQUEST, &[Without("Host")])), HandshakeError::Host);
    assert_head_refused(
        &head(&absolute, &with_changes(&REQUEST, &[Set("Host", "a/b")])),
        HandshakeError::Host,
    );
    // The origin is compared with the same authority.
    for (target, origin, is_same) in [
        ("http://other.example/", "http://other.example", true),
        ("http://other.example/", "http://server.example", false),
        ("http://other.example:81/", "http://other.example:81", true),
        ("http://other.example:81/", "http://other.example", false),
        ("/", "http://server.example", true),
        ("/", "http://other.example", false),
    ] {
        let fields = [&REQUEST[..], &[("Origin", origin)]].concat();
        inspect_request(&head(&line(target), &fields), |request| {
            assert_eq!(request.is_same_origin_over(Scheme::Http), is_same, "{target} {origin}");
        });
    }
}

// WS-4.2.1-05
#[test]
fn a_version_of_1_1_or_higher_is_accepted() {
    for minor in 1..=9 {
        assert_head_accepted(&head(&format!("GET /chat HTTP/1.{minor}"), &REQUEST), &[]);
        let plain = head(&format!("GET / HTTP/1.{minor}"), &[]);
        assert_head_refused_with(Config::new().http_requests(true), &plain, HandshakeError::Host);
    }
    // RFC 9110 section 15.6.6: a major version that the server does not support. HTTP/2 and HTTP/3 have no
    // request line; a client that sends one anyway must not get a 101, which HTTP/2 does not know.
    for version in ["HTTP/1.0", "HTTP/0.9", "HTTP/0.1", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9"] {
        for config in [Config::new(), Config::new().http_requests(true)] {
            let head = head(&format!("GET / {version}"), &REQUEST);
            assert_head_refused_with(config, &head, HandshakeError::HttpVersion);
        }
    }
    // The connection preface of HTTP/2.
    assert_head_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HandshakeError::HttpVersion);
    for version in [
        "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.10", "HTTP/11.1", "HTTP/1.1a", "HTTP/a.1", "HTTP/1.:",
        "HTTPS/1.1",
    ] {
        assert_head_refused(&head(&format!("GET / {version}"), &REQUEST), HandshakeError::MalformedHead);
    }
}
