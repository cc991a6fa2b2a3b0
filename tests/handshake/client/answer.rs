//! The server answers with 101.

use super::*;

// WS-4.1-47 · WS-4.1-64
#[test]
fn the_connection_is_open_once_the_whole_answer_has_arrived() {
    let head = response(&[]);
    let mut client = client();
    for byte in &head[..head.len() - 1] {
        assert_eq!(feed(&mut client, &[*byte]), []);
        assert_eq!(client.state(), State::Connecting);
    }
    assert_eq!(feed(&mut client, b"\n"), [Reported::Complete]);
    assert_eq!(client.state(), State::Open);
    assert_eq!(client.error(), None);
    client.sender().text("hi").unwrap();
}

// WS-4.1-51 · WS-4.1-52
#[test]
fn an_answer_without_upgrade_to_websocket_fails() {
    for value in ["websocket", "WebSocket", "WEBSOCKET", " websocket\t"] {
        assert_opens(&[Set("Upgrade", value)]);
    }
    assert_fails(&[Without("Upgrade")], HandshakeError::Upgrade);
    for value in [
        "", "h2c", "websocketx", "xwebsocket", "web socket", "websocket/13", "websoc\u{212a}et",
        "web\u{17f}ocket",
    ] {
        assert_fails(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
}

// WS-4.1-52
#[test]
fn an_answer_that_upgrades_to_anything_else_too_fails() {
    for value in ["h2c, websocket", "websocket, h2c"] {
        assert_fails(&[Set("Upgrade", value)], HandshakeError::Upgrade);
    }
    assert_fails(&[Add("Upgrade", "h2c")], HandshakeError::Upgrade);
}

// WS-4.1-53 · WS-4.1-54
#[test]
fn an_answer_fails_unless_connection_contains_upgrade() {
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
fn an_accept_that_does_not_answer_the_key_fails() {
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
        // The digest of the 16 bytes of the key, instead of its text.
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
    assert_eq!(feed(&mut client(), &head), [Reported::Complete]);
}

// WS-4.1-58
#[test]
fn accept_is_the_digest_of_the_text_of_the_key() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for (nonce, key, accept) in [
        (*b"the sample nonce", "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ([0; 16], "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
    ] {
        let mut client = Connection::client(&request, Config::new(), Fixed(nonce)).unwrap();
        assert!(std::str::from_utf8(&take_outgoing(&mut client)).unwrap().contains(key));
        let reported = feed(&mut client, &response(&[Set("Sec-WebSocket-Accept", accept)]));
        assert_eq!(reported, [Reported::Complete], "{key}");
    }
}

// WS-11.3.3-01
#[test]
fn a_second_accept_fails() {
    assert_fails(&[Add("Sec-WebSocket-Accept", ACCEPT)], HandshakeError::Accept);
    assert_fails(&[Add("sec-websocket-accept", "")], HandshakeError::Accept);
}

// WS-4.1-60 · WS-4.1-66
#[test]
fn a_subprotocol_that_was_not_offered_fails() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    assert_opens_with(&[Add(NAME, "chat")], Some("chat"));
    assert_opens_with(&[Add(NAME, " superchat\t")], Some("superchat"));
    for other in ["other", "Chat", "cha", "chatter", "superchat2"] {
        assert_fails(&[Add(NAME, other)], HandshakeError::SubprotocolNotOffered);
    }
    // This client has offered none.
    let reported = feed(&mut client(), &response(&[Add(NAME, "chat")]));
    assert_eq!(reported, [Reported::Failed(HandshakeError::SubprotocolNotOffered.into())]);
}

// WS-4.1-62 · WS-4.1-66
#[test]
fn a_server_may_choose_no_subprotocol() {
    assert_opens_with(&[], None);
}

// WS-4.1-66
#[test]
fn no_subprotocol_is_agreed_on_unless_the_connection_opens() {
    // An offer alone is no agreement.
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
fn a_subprotocol_that_is_not_one_token_fails() {
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
fn an_answer_that_is_not_http_1_1_fails() {
    assert_head_fails(&head("HTTP/1.0 101 Switching Protocols", &RESPONSE), HandshakeError::HttpVersion);
    for first_line in ["HTTP/2.0 101 Ok", "HTTP/0.9 101 Ok", "HTTP/3.1 101 Ok"] {
        assert_head_fails(&head(first_line, &RESPONSE), HandshakeError::HttpVersion);
    }
    // RFC 9110 section 2.5: a higher minor version is read as the highest that the recipient knows.
    for minor in 1..=9 {
        let head = head(&format!("HTTP/1.{minor} 101 Switching Protocols"), &RESPONSE);
        assert_eq!(feed(&mut client(), &head), [Reported::Complete], "{minor}");
    }
    for first_line in [
        "", "garbage", "HTTP/2 101", "ICY 101 Ok", "http/1.1 101 Ok", "HTTP/1.1 10", "HTTP/1.1 1o1 Ok",
        "HTTP/1.1 -10 Ok", "HTTP/1.1101 Ok", "GET / HTTP/1.1",
    ] {
        let head = head(first_line, &RESPONSE);
        let events = feed(&mut client(), &head);
        assert!(
            matches!(
                events[..],
                [Reported::Failed(Error::Handshake(
                    HandshakeError::MalformedHead | HandshakeError::HttpVersion
                ))]
            ),
            "{first_line}: {events:?}"
        );
    }
    assert_head_fails(b"\x15\x03\x01\x00\x02\x02\n\n", HandshakeError::MalformedHead);
    for line in ["X", ": y", "X: y\0", "X: y\rZ: z", "X Y: z", "\u{fc}: x"] {
        let mut head = response(&[]);
        head.truncate(head.len() - 2);
        head.extend_from_slice(line.as_bytes());
        head.extend(b"\r\n\r\n");
        assert_head_fails(&head, HandshakeError::MalformedHead);
    }
}

// WS-4.1-63
#[test]
fn the_case_of_header_names_does_not_matter() {
    for change_case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let fields = with_changes(&RESPONSE, &[Add("Sec-WebSocket-Protocol", "chat")]);
        let names: Vec<_> = fields.iter().map(|(name, _)| change_case(name)).collect();
        let fields: Vec<_> =
            names.iter().zip(&fields).map(|(name, (_, value))| (&name[..], *value)).collect();
        let mut client = offering_client();
        assert_eq!(feed(&mut client, &head("HTTP/1.1 101 Ok", &fields)), [Reported::Complete]);
        assert_eq!(client.subprotocol(), Some("chat"));
    }
    assert_fails(&[Add("SEC-WEBSOCKET-extensions", "foo")], HandshakeError::ExtensionNotOffered);
}

#[test]
fn the_reason_phrase_and_unknown_headers_are_ignored() {
    for first_line in ["HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 Web Socket Protocol Handshake"] {
        assert_eq!(feed(&mut client(), &head(first_line, &RESPONSE)), [Reported::Complete]);
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
        // Both lines form one list, even if one of them is empty.
        &[Add(NAME, ""), Add(NAME, "foo")],
        &[Add(NAME, "foo"), Add(NAME, "")],
    ] {
        assert_fails(changes, HandshakeError::ExtensionNotOffered);
    }
    // A malformed element in either line is reported before an extension that was not offered.
    for (first, second) in [("foo; =1", "bar"), ("foo", "bar; =1")] {
        assert_fails(&[Add(NAME, first), Add(NAME, second)], HandshakeError::Extensions);
    }
}

// WS-4.3-01 · WS-4.3-06 · WS-4.3-07 · WS-4.3-08 · WS-9.1-01 · WS-9.1-02
#[test]
fn a_malformed_extension_fails() {
    for value in [
        "", ",", ";a", "foo;", "foo; =1", "foo; a=", "foo bar", "foo; x=\"a", "fo\u{e9}", "foo; x=\"a\"b",
        "foo; x=\"a\\\"",
    ] {
        assert_fails(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::Extensions);
    }
    // These are well formed, but were not offered.
    for value in [
        "foo; a; b=1", "foo ;a = 1 , bar", "foo, , bar", "foo; x=\"1\\0\"", "foo; x=\"a b\"", "foo; x=\"\"",
        "foo; x=\"a,b\"",
    ] {
        assert_fails(&[Add("Sec-WebSocket-Extensions", value)], HandshakeError::ExtensionNotOffered);
    }
}

// WS-8.1-04
#[test]
fn header_values_that_are_not_utf_8_fail() {
    for (name, error) in [
        ("Sec-WebSocket-Protocol", HandshakeError::Subprotocol),
        ("Sec-WebSocket-Extensions", HandshakeError::Extensions),
    ] {
        for value in [&b"\xff"[..], b"chat\xff", b"chat; x=\"\xc3\"", b"\xf0\x9f\x98"] {
            let mut head = response(&[]);
            head.truncate(head.len() - 2);
            head.extend([name.as_bytes(), b": ", value, b"\r\n\r\n"].concat());
            // A quoted string is not read as UTF-8 (RFC 9110 section 5.6.4), so that list is well formed.
            let is_quoted = value.contains(&b'"') && error == HandshakeError::Extensions;
            assert_head_fails(&head, if is_quoted { HandshakeError::ExtensionNotOffered } else { error });
        }
    }
}

// WS-4.1-65 · WS-9.1-06
#[test]
fn reserved_bits_are_illegal_if_no_extension_was_agreed_on() {
    let mut client = client();
    feed(&mut client, &response(&[]));
    client.sender().text("hi").unwrap();
    assert_eq!(take_outgoing(&mut client)[0], 0x81);
    for (first, bits) in [(0xc1, 4), (0xa1, 2), (0x91, 1)] {
        let mut client = self::client();
        let reported = feed(&mut client, &[response(&[]), frame(first, b"hi")].concat());
        assert_eq!(reported, [Reported::Complete, Reported::Failed(Violation::ReservedBits(bits).into())]);
    }
}

// WS-4.2.2-30
#[test]
fn frames_may_follow_the_answer_in_the_same_read() {
    let stream = [response(&[]), b"\x81\x02\x68\x69".to_vec()].concat();
    let expected = [Reported::Complete, Reported::text("hi")];
    assert_eq!(feed(&mut client(), &stream), expected);
    assert_eq!(feed_cut(&mut client(), &stream, 1..stream.len()), expected);
    for cut in 1..stream.len() {
        assert_eq!(feed_cut(&mut client(), &stream, [cut]), expected, "{cut}");
        assert_eq!(feed_cut(&mut client(), &stream, [cut, cut]), expected, "{cut}");
    }
}

#[test]
fn the_event_shows_the_headers_of_the_answer() {
    let mut bytes = response(&[Add("Set-Cookie", "a=b"), Add("set-cookie", "c=d")]);
    for cut in [0, 50] {
        let mut client = client();
        let (mut first, mut input) = bytes.split_at_mut(cut);
        assert!(client.receive(&mut first).is_none());
        let Some((Event::HandshakeComplete(handshake), tx)) = client.receive(&mut input) else { panic!() };
        let response = handshake.response().unwrap();
        assert_eq!((response.status(), response.reason()), (101, "Switching Protocols"));
        assert_eq!(response.header("SET-cookie"), Some("a=b"));
        assert!(response.headers().all("Set-Cookie").eq([&b"a=b"[..], b"c=d"]));
        assert!(response.body().is_empty() && !response.is_body_truncated());
        tx.text("hi").unwrap();
    }
}
