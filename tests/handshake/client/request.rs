//! The request of the client.

use super::*;

// WS-4.1-01
#[test]
fn a_new_client_is_connecting() {
    let mut client = new_client(&ClientRequest::new("ws://h/").unwrap(), Config::new()).unwrap();
    assert_eq!(client.state(), State::Connecting);
    take_outgoing(&mut client);
    assert_eq!(client.state(), State::Connecting);
    assert!(!client.should_disconnect());
    assert_eq!((client.error(), client.close_code(), client.subprotocol()), (None, None, None));
}

// WS-4.1-05
#[test]
fn a_request_with_an_invalid_component_cannot_be_made() {
    // Without a `ClientRequest` there is no connection.
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
        new_client(&request.subprotocols(&["a b"]), Config::new()).map(drop),
        Err(Misuse::InvalidSubprotocol.into())
    );
}

#[test]
fn a_request_for_another_uri_keeps_everything_else() {
    let headers = [("Cookie", "a=b")];
    let request = ClientRequest::new("ws://h/old").unwrap().subprotocols(&["chat"]).headers(&headers);
    let other = request.with_uri(Uri::parse("wss://new.example:99/b?c").unwrap());
    let text = |request: &ClientRequest<'_>| {
        let mut client = new_client(request, Config::new()).unwrap();
        String::from_utf8(take_outgoing(&mut client)).unwrap()
    };
    let expected = text(&request)
        .replace("GET /old HTTP", "GET /b?c HTTP")
        .replace("\r\nHost: h\r\n", "\r\nHost: new.example:99\r\n");
    assert_eq!(text(&other), expected);
    assert!(expected.contains("\r\nCookie: a=b\r\n") && expected.contains("chat"), "{expected}");
}

// WS-4.1-19 · WS-4.1-22 · WS-4.1-23 · WS-4.1-24 · WS-4.1-25 · WS-4.1-27 · WS-4.1-28 · WS-4.1-29 · WS-4.1-30
// WS-4.1-31 · WS-4.1-38 · WS-4.1-39 · WS-4.1-40 · WS-4.1-44
#[test]
fn a_request_has_the_required_headers() {
    assert_eq!(
        request_text_for("ws://h/chat?x"),
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
fn a_request_may_have_an_origin_subprotocols_and_further_headers() {
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
        request_text(&request),
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
fn a_request_follows_the_grammar_of_http() {
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let request = ClientRequest::new("ws://[::1]:9000?a=b")
        .unwrap()
        .subprotocols(&OFFERED)
        .origin("null")
        .headers(&[("Cookie", "a=b; c=d")]);
    for written in [request_text(&request), request_text_for("ws://h")] {
        let lines = written.strip_suffix("\r\n\r\n").unwrap();
        assert!(!lines.replace("\r\n", "").contains(['\r', '\n']), "a line does not end with CR LF");
        let mut lines = lines.split("\r\n");
        let words: Vec<_> = lines.next().unwrap().split(' ').collect();
        assert!(matches!(words[..], ["GET", target, "HTTP/1.1"] if target.starts_with('/')), "{words:?}");
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            assert!(is_token(name) && value.bytes().all(|b| matches!(b, b' '..=b'~')), "{line}");
        }
        assert_eq!(header_lines(&written, "host").len(), 1);
    }
}

// WS-4.1-24
#[test]
fn the_request_target_is_the_resource_name() {
    for (uri, first_line) in [
        ("ws://h", "GET / HTTP/1.1"),
        ("ws://h?x", "GET /?x HTTP/1.1"),
        ("ws://h/chat?x", "GET /chat?x HTTP/1.1"),
        ("wss://h:1/%7e/../A?x=%2F&y", "GET /%7e/../A?x=%2F&y HTTP/1.1"),
    ] {
        assert_eq!(request_text_for(uri).lines().next(), Some(first_line));
    }
}

// WS-4.1-25 · WS-4.1-26
#[test]
fn the_host_header_comes_from_the_uri() {
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
        assert_eq!(header_lines(&request_text_for(uri), "host"), [host], "{uri}");
    }
}

// WS-4.1-32
#[test]
fn the_key_is_the_base64_of_16_random_bytes() {
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
        assert_eq!(header_lines(written, "Sec-WebSocket-Key"), [format!("Sec-WebSocket-Key: {key}")]);
    }
}

// WS-4.1-36
#[test]
fn an_origin_may_be_sent() {
    let request = ClientRequest::new("ws://h/").unwrap();
    assert_eq!(header_lines(&request_text(&request), "origin"), [""; 0]);
    assert_eq!(header_lines(&request_text(&request.origin("http://o")), "origin"), ["Origin: http://o"]);
}

// WS-4.1-37
#[test]
fn an_origin_that_is_not_ascii_without_spaces_is_refused() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for origin in
        ["http://b\u{fc}cher.example", "http://a b", " ", "http://a\tb", "http://a\r\n", "a\0", "\x7f"]
    {
        let refused = new_client(&request.origin(origin), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{origin:?}");
    }
    for origin in ["null", "https://xn--bcher-kva.example:8443"] {
        assert!(new_client(&request.origin(origin), Config::new()).is_ok());
    }
}

// WS-4.1-40 · WS-4.1-41
#[test]
fn subprotocols_are_offered_in_the_order_of_the_embedder() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    let request = ClientRequest::new("ws://h/").unwrap();
    assert_eq!(header_lines(&request_text(&request), NAME), [""; 0]);
    assert_eq!(header_lines(&request_text(&request.subprotocols(&[])), NAME), [""; 0]);
    for (names, line) in [
        (&["b", "a"][..], "Sec-WebSocket-Protocol: b, a"),
        (&["a", "b"], "Sec-WebSocket-Protocol: a, b"),
        (&["chat"], "Sec-WebSocket-Protocol: chat"),
        (&["a", "A"], "Sec-WebSocket-Protocol: a, A"),
    ] {
        assert_eq!(header_lines(&request_text(&request.subprotocols(names)), NAME), [line]);
    }
}

// WS-4.1-42
#[test]
fn a_subprotocol_that_is_not_a_token_is_refused() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for name in [
        "", " ", "a b", "a,b", "a/b", "a=b", "a:b", "a;b", "a@b", "a?b", "\"a\"", "(a)", "[a]", "{a}", "<a>",
        "a\\b", "a\tb", "a\r\nX: y", "a\0", "\x7f", "caf\u{e9}", "\u{212a}",
    ] {
        let misuse = Misuse::InvalidSubprotocol;
        let refused = Err(misuse.into());
        assert_eq!(new_client(&request.subprotocols(&[name]), Config::new()).map(drop), refused, "{name:?}");
        assert_eq!(
            new_client(&request.subprotocols(&["ok", name]), Config::new()).map(drop),
            refused,
            "{name:?}"
        );
        assert_eq!(
            ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &[name]).map(drop),
            Err(misuse),
            "{name:?}"
        );
    }
    let all = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    assert!(request_text(&request.subprotocols(&[all])).contains(all));
}

// WS-4.1-43
#[test]
fn a_subprotocol_that_is_offered_twice_is_refused() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for names in [&["a", "b", "a"][..], &["a", "a"], &["c", "a", "b", "b"]] {
        let misuse = Misuse::InvalidSubprotocol;
        let refused = Err(misuse.into());
        assert_eq!(new_client(&request.subprotocols(names), Config::new()).map(drop), refused);
        assert_eq!(ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), names).map(drop), Err(misuse));
    }
}

// WS-4.1-21
#[test]
fn headers_that_would_break_the_request_apart_are_refused() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let invalid = Err(Misuse::InvalidHeader.into());
    for value in ["a\r\nX: y", "a\rb", "a\nb", "a\0b", "a\x1b", "\x7f", "\r\n"] {
        assert_eq!(
            new_client(&request.headers(&[("X", value)]), Config::new()).map(drop),
            invalid,
            "{value:?}"
        );
        assert_eq!(new_client(&request.origin(value), Config::new()).map(drop), invalid, "{value:?}");
    }
    for name in ["", "X Y", "X:", "X\r\nY", "X\0", "(X)", "X\t", "\u{fc}", " X"] {
        let headers = [("Ok", "ok"), (name, "y")];
        assert_eq!(new_client(&request.headers(&headers), Config::new()).map(drop), invalid, "{name:?}");
    }
}

// RFC 9110 section 5.5: a value consists of visible ASCII characters, white space, and the bytes 80 to FF.
#[test]
fn the_value_of_a_header_may_be_any_bytes_except_controls() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let all: Vec<u8> = (0..=0xff).filter(|byte| *byte == b'\t' || !byte.is_ascii_control()).collect();
    assert_eq!(all.len(), 1 + 95 + 128);
    let headers = [("Cookie", &all[..]), ("X", b""), ("x", b"\xff")];
    let request = request.headers(&[("First", "\u{fc}")]).byte_headers(&headers);
    let expected = [b"\r\nFirst: \xc3\xbc\r\nCookie: ", &all[..], b"\r\nX: \r\nx: \xff\r\n\r\n"].concat();
    let client = new_client(&request, Config::new()).unwrap();
    assert!(client.outgoing().ends_with(&expected), "{}", client.outgoing().escape_ascii());
    #[cfg(feature = "heapless")]
    {
        let client =
            Connection::client_in(&request, Config::new(), SAMPLE, sansws::Fixed::<512, 1024>).unwrap();
        assert!(client.outgoing().ends_with(&expected));
    }
    // A server reads the same bytes.
    let mut bytes = client.outgoing().to_vec();
    let mut server = Connection::server(Config::new());
    let Some((Event::HandshakeRequest(read), _)) = server.receive(&mut &mut bytes[..]) else { panic!() };
    assert!(read.headers().all("cookie").eq([all.trim_ascii()]));
    assert!(read.headers().all("x").eq([&b""[..], b"\xff"]));
    assert_eq!((read.header("cookie"), read.header("first")), (None, Some("\u{fc}")));
    // The value may be secret.
    assert!(!format!("{request:?}").contains("xff"));

    for byte in (0..=0xff_u8).filter(|byte| !all.contains(byte)) {
        let value = [b'a', byte, b'b'];
        let refused = new_client(&request.byte_headers(&[("X", &value)]), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{byte:#x}");
    }
    for name in ["", "X Y", "X:", "X\r\nY", "\u{fc}"] {
        let refused = new_client(&request.byte_headers(&[(name, b"\xff")]), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{name:?}");
    }
    for name in ["Host", "origin", "UPGRADE", "Connection", "Content-Length", "Sec-WebSocket-Key"] {
        let refused = new_client(&request.byte_headers(&[(name, b"\xff")]), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
}

// WS-4.1-45 · WS-11.3.1-01
#[test]
fn headers_that_belong_to_the_handshake_are_refused() {
    let request = ClientRequest::new("ws://h/").unwrap();
    for name in [
        "Host", "hOST", "Origin", "Upgrade", "UPGRADE", "Connection", "connection", "Sec-WebSocket-Key",
        "SEC-WEBSOCKET-KEY", "sec-websocket-version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept", "Content-Length", "Transfer-Encoding",
    ] {
        let headers = [("Ok", "ok"), (name, "y")];
        let refused = new_client(&request.headers(&headers), Config::new()).map(drop);
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
    let headers = [("Hosts", "y"), ("Cookie", "a=b"), ("Cookie", "c=d"), ("Sec-Fetch-Mode", "websocket")];
    let written = request_text(&request.headers(&headers));
    assert!(
        written.ends_with("\r\nHosts: y\r\nCookie: a=b\r\nCookie: c=d\r\nSec-Fetch-Mode: websocket\r\n\r\n")
    );
    assert_eq!(header_lines(&written, "Sec-WebSocket-Key").len(), 1);
}

#[test]
fn a_request_of_more_than_max_outgoing_bytes_is_refused() {
    let request = ClientRequest::new("ws://h/chat").unwrap();
    let len = request_text(&request).len();
    assert!(new_client(&request, Config::new().max_outgoing(len)).is_ok());
    for limit in [0, 1, 4, 20, len - 1] {
        let refused = new_client(&request, Config::new().max_outgoing(limit)).map(drop);
        assert_eq!(refused, Err(SendError::TooLarge), "{limit}");
    }
}

// WS-4.1-46
#[test]
fn nothing_can_be_sent_before_the_answer() {
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
        assert_eq!(tx.mask_in_place(DataKind::Binary, &mut [1]).map(drop), early);
        assert!(client.outgoing().is_empty());
        assert_eq!(client.state(), State::Connecting);
    }
}
