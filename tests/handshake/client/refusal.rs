//! The server answers with another status than 101.

use super::*;

#[test]
fn interim_answers_are_skipped() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nUpgrade: h2c\r\n\r\n";
    let ok = [response(&[]), b"\x81\x02hi".to_vec()].concat();
    let opened = [Reported::Complete, Reported::text("hi")];
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_vec();
    let refused = [Reported::Refused(403, b"no".to_vec(), false)];
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
    // An interim answer alone changes nothing.
    let mut client = client();
    assert_eq!(feed(&mut client, interim), []);
    assert_eq!(client.state(), State::Connecting);
    assert!(matches!(client.receive_eof(), Some(Event::Failed)));
    assert_eq!(client.error(), Some(HandshakeError::UnexpectedEof.into()));
}

// WS-4.1-48 · WS-7.1.4-03
#[test]
fn another_status_is_reported_as_a_refusal() {
    let fields = with_changes(&RESPONSE, &[Add("Content-Length", "2"), Add("X", "y")]);
    for status in [200, 201, 301, 302, 400, 401, 403, 404, 426, 500, 503, 599] {
        let stream = [head(&format!("HTTP/1.1 {status} Some Reason"), &fields), b"no".to_vec()].concat();
        for cuts in [0..0, 1..stream.len()] {
            for sent in [0, usize::MAX] {
                let mut client = new_client(&ClientRequest::new("ws://h/").unwrap(), Config::new()).unwrap();
                client.mark_sent(sent);
                let reported = feed_cut(&mut client, &stream, cuts.clone());
                assert_eq!(reported, [Reported::Refused(status, b"no".to_vec(), false)]);
                assert_never_opened(&mut client);
                let error = Some(Error::Refused(status));
                assert_eq!(client.error(), error);
                // Later bytes are ignored.
                assert_eq!(feed(&mut client, &response(&[])), []);
                assert!(client.receive_eof().is_none());
                assert_eq!(client.error(), error);
                assert_never_opened(&mut client);
            }
        }
        inspect_refusal(&stream, |response| {
            assert_eq!((response.status(), response.reason()), (status, "Some Reason"));
            assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
            assert_eq!(response.header("x"), Some("y"));
        });
        let upgrade = ClientUpgrade::new(&mut SAMPLE.clone(), &Config::new(), &[]).unwrap();
        assert_eq!(upgrade.check(status, as_bytes(&fields)), Err(Error::Refused(status)));
    }
    // HTTP/1.0 is accepted for a refusal.
    let reported = feed(&mut client(), b"HTTP/1.0 403 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(reported, [Reported::Refused(403, vec![], false)]);
}

#[test]
fn a_refusal_shows_its_status_reason_headers_and_body() {
    let stream =
        b"\r\nHTTP/1.1 302 Found It\r\nLocation:\t wss://other.example/ \r\nSet-Cookie: secret=1\r\n\
        Latin: \xfc\r\nset-cookie: b\r\nContent-Length: 3\r\n\r\nsee";
    inspect_refusal(stream, |response| {
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
        inspect_refusal(&head(first_line, &[("Content-Length", "0")]), |response| {
            assert_eq!((response.status(), response.reason(), response.versions().count()), (404, "", 0));
        });
    }
}

// WS-4.1-50: RFC 9110 sections 10.2.2 and 15.4
#[test]
fn a_redirect_leads_to_a_uri_that_is_resolved_against_that_of_the_request() {
    let uri = Uri::parse("ws://server.example/chat?x").unwrap();
    for status in 200..=599 {
        let fields = [("Location", "../new room"), ("Content-Length", "0")];
        inspect_refusal(&head(&format!("HTTP/1.1 {status} Elsewhere"), &fields), |response| {
            let redirect = [301, 302, 303, 307, 308].contains(&status).then_some("../new room");
            assert_eq!(response.redirect(), redirect, "{status}");
        });
    }
    for (location, target) in [
        ("/new", Ok("ws://server.example/new")),
        ("https://server.example/chat#top", Ok("wss://server.example/chat")),
        ("//other.example", Ok("ws://other.example")),
        ("/new room", Err(UriError::Path)),
        ("https:", Err(UriError::Scheme)),
    ] {
        let fields = [("Location", location), ("Content-Length", "0")];
        inspect_refusal(&head("HTTP/1.1 307 Elsewhere", &fields), |response| {
            let resolved = uri.resolve(response.redirect().unwrap(), Downgrade::Refuse);
            assert_eq!(resolved.as_deref(), target.as_ref().copied(), "{location}");
        });
    }
    inspect_refusal(b"HTTP/1.1 302 No\r\nLocation: /\xfc\r\nContent-Length: 0\r\n\r\n", |response| {
        assert_eq!(response.redirect(), None);
    });
    inspect_refusal(b"HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", |response| {
        assert_eq!(response.redirect(), None);
    });
}

#[test]
fn a_reason_phrase_may_be_in_any_charset() {
    inspect_refusal(b"HTTP/1.1 403 Verboten f\xfcr alle\r\nContent-Length: 2\r\n\r\nno", |response| {
        assert_eq!((response.status(), response.body()), (403, &b"no"[..]));
    });
}

// WS-4.3-05 · WS-4.4-02 · WS-11.3.5-01
#[test]
fn the_versions_that_a_server_supports_are_read_as_a_list() {
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
        inspect_refusal(&stream, |response| {
            assert!(response.versions().eq(expected.iter().copied()), "{fields:?}");
        });
    }
}

// WS-4.3-05
#[test]
fn a_version_with_a_sign_or_a_leading_zero_is_skipped() {
    let fields = [("Sec-WebSocket-Version", "+13, 013, 8"), ("Content-Length", "0")];
    inspect_refusal(&head("HTTP/1.1 400 No", &fields), |response| assert!(response.versions().eq([8])));
}

/// Asserts that the body of a refusal is `expected`, wherever the answer is cut.
#[track_caller]
fn assert_body_with(config: Config, fields: &str, body: &[u8], expected: &[u8], is_truncated: bool) {
    let stream = [format!("HTTP/1.1 403 Forbidden\r\n{fields}\r\n").as_bytes(), body].concat();
    let reported = [Reported::Refused(403, expected.to_vec(), is_truncated)];
    let shown = stream.escape_ascii();
    assert_eq!(feed(&mut client_with(config), &stream), reported, "{shown}");
    assert_eq!(feed_cut(&mut client_with(config), &stream, 1..stream.len()), reported, "{shown}");
    for cut in 1..stream.len().min(200) {
        assert_eq!(feed_cut(&mut client_with(config), &stream, [cut]), reported, "{cut} {shown}");
    }
}

#[track_caller]
fn assert_body(fields: &str, body: &[u8], expected: &[u8]) {
    assert_body_with(Config::new(), fields, body, expected, false);
}

#[test]
fn a_body_may_have_a_content_length() {
    assert_body("Content-Length: 5\r\n", b"hello", b"hello");
    assert_body("content-length:\t5 \r\n", b"hello", b"hello");
    assert_body("Content-Length: 0\r\n", b"", b"");
    // Bytes after the body are ignored.
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
    }
    assert_body("transfer-encoding: gzip, Chunked\r\n", b"1\r\nx\r\n0\r\n\r\n", b"x");
    assert_body("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n\r\n", b"x");
    // The body ends at the first byte that is not a valid chunk.
    let truncated =
        |body: &[u8], expected: &[u8]| assert_body_with(Config::new(), CHUNKED, body, expected, true);
    truncated(b"5\r\nhelloX\r\n0\r\n\r\n", b"hello");
    truncated(b"10000000000000000\r\nhello", b"");
    truncated(&vec![b'0'; 17 * 1024], b"");
    truncated(&[&b"1;"[..], &vec![b'a'; 17 * 1024]].concat(), b"");
}

#[test]
fn a_chunk_without_a_size_ends_the_body() {
    for body in [&b"<html>\r\n\r\n"[..], b"\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b";a\r\n\r\n"] {
        assert_body_with(Config::new(), "Transfer-Encoding: chunked\r\n", body, b"", true);
    }
}

#[test]
fn a_body_without_a_length_lasts_until_the_end_of_the_transport() {
    for fields in ["", "Transfer-Encoding: gzip\r\n"] {
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

/// Asserts that the end of the transport makes the client report the refusal, once.
#[track_caller]
fn assert_end_of_refusal(client: &mut SampleClient, status: u16, body: &[u8], is_truncated: bool) {
    match client.receive_eof() {
        Some(Event::HandshakeRefused(response)) => {
            assert_eq!((response.status(), response.body()), (status, body));
            assert_eq!(response.is_body_truncated(), is_truncated);
        }
        other => panic!("{other:?}"),
    }
    assert!(client.receive_eof().is_none());
    assert_eq!(client.error(), Some(Error::Refused(500)));
    assert_never_opened(client);
}

#[test]
fn answers_with_status_204_or_304_have_no_body() {
    for status in [204, 304] {
        for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
            let head = format!("HTTP/1.1 {status} None\r\n{fields}\r\n").into_bytes();
            for cuts in [0..0, 1..head.len()] {
                let events = feed_cut(&mut client(), &head, cuts);
                assert_eq!(events, [Reported::Refused(status, vec![], false)]);
            }
        }
    }
}

#[test]
fn a_body_that_is_cut_off_by_the_end_of_the_transport_is_marked_as_truncated() {
    for (fields, body, expected) in [
        ("Content-Length: 5", &b"hell"[..], &b"hell"[..]),
        ("Content-Length: 5", b"", b""),
        ("Transfer-Encoding: chunked", b"5\r\nhell", b"hell"),
        ("Transfer-Encoding: chunked", b"5\r\nhello", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0", b"hello"),
        ("Transfer-Encoding: chunked", b"", b""),
    ] {
        let mut client = client();
        let stream = [format!("HTTP/1.1 500 Oops\r\n{fields}\r\n\r\n").as_bytes(), body].concat();
        assert_eq!(feed(&mut client, &stream), []);
        assert_end_of_refusal(&mut client, 500, expected, true);
    }
}

#[test]
fn a_body_is_truncated_at_max_refusal_body_bytes() {
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
    // No body at all is kept.
    let config = Config::new().max_refusal_body(0);
    assert_body_with(config, "Content-Length: 0\r\n", b"", b"", false);
    assert_body_with(config, "Content-Length: 1\r\n", b"x", b"", true);
    // The default limit is 16 KiB.
    let full = vec![b'x'; 16 * 1024];
    for (len, is_truncated) in [(16 * 1024, false), (16 * 1024 + 1, true)] {
        let stream =
            [format!("HTTP/1.1 500 Oops\r\nContent-Length: {len}\r\n\r\n").as_bytes(), &vec![b'x'; len]]
                .concat();
        assert_eq!(
            feed(&mut client_with(Config::new()), &stream),
            [Reported::Refused(500, full.clone(), is_truncated)]
        );
    }
}
