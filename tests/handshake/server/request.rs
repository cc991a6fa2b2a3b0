//! Section 4.2.1: the server reads the request of the client.

use super::*;

// WS-4.2.1-01 · WS-10.7-04
#[test]
fn a_malformed_or_unsuitable_request_is_answered_with_an_http_error() {
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
    // One example of each kind of error.
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
fn a_server_waits_for_the_end_of_the_head() {
    let head = request(&[]);
    let (start, end) = head.split_at(head.len() - 2);
    let mut server = server();
    assert_eq!(feed(&mut server, start), []);
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    assert_eq!(feed(&mut server, end), [request_event(&[]), Reported::Complete]);
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
}

// WS-4.2.1-03
#[test]
fn the_order_of_headers_does_not_matter() {
    let mut fields = with_changes(&REQUEST, &[Add("Origin", "http://h"), Add("Cookie", "a=b")]);
    for _ in 0..2 {
        for _ in 0..fields.len() {
            fields.rotate_left(1);
            assert_headers_accepted(&fields);
        }
        fields.reverse();
    }
}

// WS-4.1-63
#[test]
fn the_case_of_header_names_does_not_matter() {
    for change_case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let names = REQUEST.map(|(name, _)| change_case(name));
        let fields: Vec<_> = names.iter().zip(REQUEST).map(|(name, (_, value))| (&name[..], value)).collect();
        let head = head("GET /chat HTTP/1.1", &fields);
        assert_head_accepted(&head, &[]);
        inspect_request(&head, |request| assert_eq!(request.header("HOST"), Some("server.example")));
    }
    // It does not matter for headers that are refused either.
    assert_refused(&[Add("sEC-wEBSOCKET-kEY", KEY)], HandshakeError::Key);
}

// WS-4.2.1-04
#[test]
fn a_method_other_than_get_is_refused() {
    for method in ["POST", "get", "Get", "GETT", "HEAD", "PUT", "CONNECT", "OPTIONS"] {
        assert_head_refused(&head(&format!("{method} / HTTP/1.1"), &REQUEST), HandshakeError::Method);
        let upgrade = ServerUpgrade::check(method, as_bytes(&REQUEST));
        assert_eq!(upgrade.map(drop), Err(HandshakeError::Method));
    }
}

// WS-4.2.1-07
#[test]
fn a_request_without_exactly_one_valid_host_is_refused() {
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
fn a_request_is_refused_unless_upgrade_contains_websocket() {
    for value in [
        "websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket,h2c", " \twebsocket\t ",
        ",websocket,",
    ] {
        assert_accepted(&[Set("Upgrade", value)]);
    }
    assert_accepted(&[Set("Upgrade", "h2c"), Add("upgrade", "websocket")]);
    for value in [
        "", "h2c", "websocketx", "web socket", "websocket/13", "websocket; a", "\"websocket\"",
        // KELVIN SIGN and LATIN SMALL LETTER LONG S fold to k and s in Unicode.
        "websoc\u{212a}et", "web\u{17f}ocket",
    ] {
        assert_refused(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
    assert_refused(&[Without("Upgrade")], HandshakeError::Upgrade);
}

// WS-4.2.1-10
#[test]
fn a_request_is_refused_unless_connection_contains_upgrade() {
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
fn a_request_without_exactly_one_key_is_refused() {
    assert_refused(&[Without("Sec-WebSocket-Key")], HandshakeError::Key);
    assert_refused(&[Add("Sec-WebSocket-Key", KEY)], HandshakeError::Key);
    assert_refused(&[Add("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==")], HandshakeError::Key);
    assert_refused(&[Add("sec-websocket-key", "")], HandshakeError::Key);
}

// WS-4.2.1-12 · WS-4.3-02
#[test]
fn a_key_that_is_not_the_base64_of_16_bytes_is_refused() {
    let mut server = server();
    for key in [
        "AQIDBAUGBwgJCgsMDQ4PEA==", "+/+/+/+/+/+/+/+/+/+/+Q==", "zzzzzzzzzzzzzzzzzzzzzg==",
        "0123456789abcdefghijkw==",
    ] {
        server = self::server();
        receive_request(&mut server, &request(&[Set("Sec-WebSocket-Key", key)]));
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
fn a_key_may_have_non_zero_pad_bits() {
    let mut server = server_with_request(&[Set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==")]);
    server.sender().accept(&Accept::new()).unwrap();
    // The digest is over the text of the key. The canonical text of the same 16 bytes has another digest.
    assert!(text_of(server.outgoing()).contains("Sec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\n"));
}

// WS-4.2.1-14 · WS-11.3.5-02
#[test]
fn a_request_without_exactly_one_version_of_13_is_refused() {
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
fn offered_subprotocols_are_reported_in_the_order_of_the_client() {
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
        let fields = with_changes(&REQUEST, changes);
        let upgrade = ServerUpgrade::check("GET", as_bytes(&fields)).unwrap();
        assert!(upgrade.subprotocols().eq(expected.iter().copied()), "{changes:?}");
    }
}

// WS-4.3-03 · WS-4.3-08
#[test]
fn a_list_of_subprotocols_that_is_empty_or_has_other_than_tokens_is_refused() {
    for value in ["", ",", " , ", "a b", "a;b", "a, b c", "a/b", "a=b", "\"a\"", "(a)", "caf\u{e9}", "a@b"] {
        assert_refused(&[Add("Sec-WebSocket-Protocol", value)], HandshakeError::Subprotocol);
    }
    // One malformed line among several is enough.
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
fn offers_that_are_not_utf_8_are_refused() {
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
fn unknown_headers_are_ignored() {
    assert_accepted(&[
        Add("X-Foo", "bar"),
        Add("Sec-Foo", "bar"),
        Add("Sec-WebSocket-Foo", "\u{fc}"),
        Add("Sec-WebSocket-Accept", "x"),
        Add("Empty", ""),
        Add("Content-Length", "0"),
    ]);
}
