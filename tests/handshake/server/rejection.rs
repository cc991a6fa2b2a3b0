//! Rejected requests, and requests that are plain HTTP.

use super::*;

/// Rejects a valid request and returns the answer. Asserts that the connection closes after it.
#[track_caller]
fn rejected(reply: &Reply<'_>) -> String {
    let mut server = server_with_request(&[]);
    server.sender().reject(reply).unwrap();
    assert_closes_after_the_answer(&mut server)
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
        "HTTP/1.1 302 Found\r\nLocation: wss://other.example/\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

// WS-4.2.2-07
#[test]
fn the_origin_is_known_before_the_decision() {
    inspect_request(&request(&[Add("Origin", "http://evil.example")]), |request| {
        assert_eq!(request.origin(), Some("http://evil.example"));
        assert!(!request.is_origin_in(&["http://server.example"]) && !request.is_same_origin());
    });
    inspect_request(&request(&[]), |request| assert_eq!(request.origin(), None));
}

// WS-4.2.2-09 · WS-10.2-02 · WS-7.1.4-03
#[test]
fn an_unacceptable_origin_can_be_answered_with_403() {
    let mut server = server_with_request(&[Add("Origin", "http://evil.example")]);
    server.sender().reject(&Reply::new(403).body(b"not from there")).unwrap();
    assert_eq!(
        assert_closes_after_the_answer(&mut server),
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 14\r\n\r\nnot from there"
    );
}

// WS-7.2.2-01 · WS-7.1.7-06
#[test]
fn a_rejection_sends_no_frame() {
    // The comparison covers everything that the server writes, as it does in `assert_refused`.
    assert_eq!(
        rejected(&Reply::new(503)),
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert_refused(&[Without("Sec-WebSocket-Key")], HandshakeError::Key);
}

#[test]
fn a_reply_has_a_status_headers_and_a_body() {
    for (reply, expected) in [
        (Reply::new(200).body(b"a"), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"),
        (Reply::new(204).body(b"no"), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        (Reply::new(304).body(b"no"), "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"),
        (Reply::new(418), "HTTP/1.1 418 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        (Reply::new(599), "HTTP/1.1 599 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        (
            Reply::new(426).headers(&[("upgrade", "websocket")]),
            "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nConnection: Upgrade, close\r\n\
             Content-Length: 0\r\n\r\n",
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

/// The answer of a server on each storage to a request with this method.
fn answers(method: &str, reply: &Reply<'_>) -> Vec<String> {
    fn answer<S: Storage>(storage: S, head: &[u8], reply: &Reply<'_>) -> String {
        let mut server = Connection::server_in(Config::new().http_requests(true), storage);
        let mut head = head.to_vec();
        let mut input = &mut head[..];
        let Some((Event::HandshakeRequest(_) | Event::HttpRequest(_), tx)) = server.receive(&mut input)
        else {
            panic!("no request");
        };
        tx.respond(reply).unwrap();
        text_of(&take_outgoing(&mut server)).to_string()
    }
    let head = if method == "upgrade" {
        request(&[])
    } else {
        head(&format!("{method} / HTTP/1.1"), &[("Host", "h")])
    };
    vec![
        answer(Heap, &head, reply),
        #[cfg(feature = "heapless")]
        answer(Fixed::<1024, 1024>, &head, reply),
    ]
}

// RFC 9110 sections 6.4.1, 8.6, 15.2, 15.3.5, 15.3.6 and 15.4.5
#[test]
fn each_status_has_a_body_and_a_length_only_if_http_allows_them() {
    for status in 100..=599 {
        for (method, body) in [
            ("upgrade", "body"),
            ("upgrade", ""),
            ("GET", "body"),
            ("POST", "body"),
            ("HEAD", "body"),
            ("HEAD", ""),
        ] {
            let reply = Reply::new(status).body(body.as_bytes());
            if status < 200 {
                // A final response never has a status of 1xx.
                let mut server = server_with_request(&[]);
                assert_eq!(server.sender().reject(&reply), Err(Misuse::InvalidStatus.into()), "{status}");
                continue;
            }
            let (length, content) = match status {
                // No content, and no length. That of a 304 would be the length of the 200, which the library
                // does not know.
                204 | 304 => (None, ""),
                // No content. Without a length it would end with the connection (RFC 9112 section 6.3).
                205 => (Some(0), ""),
                _ if method == "HEAD" => (Some(body.len()), ""),
                _ => (Some(body.len()), body),
            };
            for answer in answers(method, &reply) {
                let (head, sent) = answer.split_once("\r\n\r\n").unwrap();
                let lines: Vec<_> = head.split("\r\n").collect();
                assert!(lines[0].starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
                let expected: Vec<_> = length.iter().map(|len| format!("Content-Length: {len}")).collect();
                let lengths: Vec<_> =
                    lines.iter().filter(|line| line.starts_with("Content-Length")).collect();
                assert_eq!(lengths, expected.iter().collect::<Vec<_>>(), "{method} {status}");
                assert!(!head.to_ascii_lowercase().contains("transfer-encoding"));
                assert_eq!(sent, content, "{method} {status}");
            }
        }
    }
}

#[test]
fn an_invalid_reply_is_refused_and_the_request_still_waits() {
    let mut server = server_with_request(&[]);
    for status in [0, 99, 100, 101, 199, 600, 1000, u16::MAX] {
        let refused = server.sender().reject(&Reply::new(status));
        assert_eq!(refused, Err(Misuse::InvalidStatus.into()), "{status}");
    }
    for field in INVALID_HEADERS {
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

#[test]
fn plain_requests_are_answered_by_the_connection_itself_by_default() {
    const HOST: [Header; 1] = [("Host", "h")];
    assert_head_refused(&head("GET / HTTP/1.1", &HOST), HandshakeError::Upgrade);
    assert_head_refused(&head("GET / HTTP/1.0", &[]), HandshakeError::Upgrade);
    for method in ["HEAD", "POST", "PUT", "OPTIONS"] {
        assert_head_refused(&head(&format!("{method} / HTTP/1.1"), &HOST), HandshakeError::Method);
    }
    assert_head_refused(&head("GET / HTTP/1.1", &[]), HandshakeError::Host);
}

#[test]
fn plain_requests_are_reported_if_the_config_asks_for_them() {
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
            assert_eq!(events, [Reported::Http(method.to_string(), "/page".to_string())]);
            let expected = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n{page}");
            assert_eq!(assert_closes_after_the_answer(&mut server), expected);
        }
    }
    // The same server still accepts WebSockets.
    let events = feed(&mut Connection::server(config), &request(&[]));
    assert_eq!(events, [request_event(&[]), Reported::Complete]);
    // Invalid requests are still answered by the connection.
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
fn a_plain_request_cannot_be_accepted_as_a_websocket() {
    let mut server = http_server();
    receive_request(&mut server, &head("GET / HTTP/1.1", &[("Host", "h")]));
    assert_eq!(server.sender().accept(&Accept::new()), Err(Misuse::NoRequest.into()));
    assert!(server.outgoing().is_empty());
    let mut more = *b"x";
    let mut input = &mut more[..];
    assert!(server.receive(&mut input).is_none());
    assert_eq!(&*input, b"x");
    server.sender().reject(&Reply::new(404)).unwrap();
    assert_closes_after_the_answer(&mut server);
}
