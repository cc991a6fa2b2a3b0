//! Requests with content. A connection reads no content: frames follow the head of an upgrade request at
//! once. If it read the bytes of the content as frames, it would disagree with a proxy about the end of the
//! request (RFC 9112 section 11.2).

use super::*;

/// A masked text message of 14 bytes, as the content of a request.
fn content() -> Vec<u8> {
    let content = masked(&frame(0x81, b"smuggled"), [1, 2, 3, 4]);
    assert_eq!(content.len(), 14);
    content
}

/// Values of `Content-Length` that are not a length at all (RFC 9110 section 8.6: `1*DIGIT`), or that name
/// two lengths. RFC 9112 section 6.3 demands an answer of 400 for two lengths that differ, and allows it for
/// two equal ones.
const INVALID_LENGTHS: [&str; 26] = [
    "", "0, 0", "0,0", "14, 14", "14, 0", "0, 14", ",0", "0,", "+0", "-0", "+14", "-14", "0 0", "1 4",
    "0\t0", "0x0", "0xe", "0.0", "14.0", "1e1", "\"0\"", "0;x", "zero", "\u{660}", ":", "o",
];

/// Values that are a length other than 0. Some of them are 0 in 8, 16, 32 or 64 bits.
const OTHER_LENGTHS: [&str; 12] = [
    "1",
    "9",
    "10",
    "14",
    "014",
    "00000000000000000000000000000001",
    "256",
    "65536",
    "4294967296",
    "18446744073709551616",
    "36893488147419103232",
    "340282366920938463463374607431768211456",
];

// RFC 9112 section 6.3 · RFC 9110 section 7.8 · WS-4.2.1-01
#[test]
fn an_upgrade_request_with_content_is_a_bad_request() {
    for length in INVALID_LENGTHS.into_iter().chain(OTHER_LENGTHS) {
        for name in ["Content-Length", "content-length", "CONTENT-LENGTH"] {
            assert_refused(&[Add(name, length)], HandshakeError::Content);
        }
        // A second header with a valid value does not help.
        let changes = [Add("Content-Length", "0"), Add("Content-Length", length)];
        assert_refused(&changes, HandshakeError::Content);
        assert_refused(&[changes[1], changes[0]], HandshakeError::Content);
    }
    // Two equal lengths are the same as the list `0, 0`.
    assert_refused(&[Add("Content-Length", "0"), Add("content-length", "0")], HandshakeError::Content);
}

// RFC 9112 section 6.1 · RFC 9110 section 7.8
#[test]
fn an_upgrade_request_with_a_transfer_coding_is_a_bad_request() {
    for coding in
        ["chunked", "Chunked", "gzip, chunked", "chunked, identity", "identity", "gzip", "", ",", "x y"]
    {
        assert_refused(&[Add("Transfer-Encoding", coding)], HandshakeError::Content);
        assert_refused(
            &[Add("transfer-encoding", coding), Add("Content-Length", "0")],
            HandshakeError::Content,
        );
        assert_refused(
            &[Add("Transfer-Encoding", coding), Add("Transfer-Encoding", coding)],
            HandshakeError::Content,
        );
    }
}

// RFC 9110 section 8.6
#[test]
fn an_upgrade_request_may_say_that_it_has_no_content() {
    for length in ["0", " 0\t", "00", "0000000000000000000000000000000000000000"] {
        assert_accepted(&[Add("Content-Length", length)]);
    }
    // These headers have other names.
    assert_accepted(&[Add("Content-Lengths", "14"), Add("X-Content-Length", "14"), Add("Content", "14")]);
    assert_accepted(&[Add("Transfer-Encodings", "chunked"), Add("TE", "chunked"), Add("Trailer", "a")]);
}

// RFC 9112 section 11.2
#[test]
fn no_byte_of_the_content_becomes_a_message() {
    let chunked = [&b"e\r\n"[..], &content(), b"\r\n0\r\n\r\n"].concat();
    for (changes, content) in [
        (Add("Content-Length", "14"), &content()),
        (Add("Content-Length", "14, 14"), &content()),
        (Add("Transfer-Encoding", "chunked"), &chunked),
    ] {
        let stream = [request(&[changes]), content.clone()].concat();
        for config in [Config::new(), Config::new().http_requests(true)] {
            let expected = (vec![Reported::Failed(HandshakeError::Content.into())], BAD_REQUEST.to_string());
            assert_eq!(on_every_storage(config, &stream), expected, "{changes:?}");
        }
    }
}

// RFC 9112 section 9.6. A proxy that does not look at the status of the answer believes that the connection
// is a WebSocket now, and passes everything on. So the answer to a refused request has to be the last one.
#[test]
fn a_request_behind_a_refused_one_is_neither_reported_nor_answered() {
    let next = request(&[]);
    for changes in [
        Set("Sec-WebSocket-Version", "777"),
        Without("Sec-WebSocket-Key"),
        Without("Upgrade"),
        Set("Connection", "keep-alive"),
        Add("Content-Length", "1"),
    ] {
        let refused = on_every_storage(Config::new(), &request(&[changes]));
        assert_eq!(refused.1.matches("HTTP/1.1").count(), 1, "{changes:?}");
        let tells_the_end = |line: &str| line.starts_with("Connection: ") && line.ends_with("close");
        assert!(refused.1.lines().any(tells_the_end), "{}", refused.1);
        let stream = [request(&[changes]), next.clone()].concat();
        assert_eq!(on_every_storage(Config::new(), &stream), refused, "{changes:?}");
    }
    // The embedder refuses a request that is valid, and the next one is in the same read.
    let mut server = server();
    let mut stream = [request(&[]), next].concat();
    let mut input = &mut stream[..];
    match server.receive(&mut input) {
        Some((Event::HandshakeRequest(_), tx)) => tx.reject(&Reply::new(403)).unwrap(),
        _ => panic!("the request is valid"),
    }
    assert!(server.receive(&mut input).is_none() && input.is_empty());
    assert_eq!(text_of(server.outgoing()).matches("HTTP/1.1").count(), 1);
    assert_closes_after_the_answer(&mut server);
}

// RFC 9112 section 6.3: the connection ends with the answer to a plain request, so that nothing follows its
// content. A length that is not valid is an error nevertheless.
#[test]
fn a_plain_request_may_have_content_but_no_invalid_length() {
    let config = Config::new().http_requests(true);
    let plain = |fields: &[Header]| {
        let fields = [&[("Host", "h")], fields].concat();
        on_every_storage(config, &[head("POST / HTTP/1.1", &fields), content()].concat())
    };
    let page = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage";
    let reported = (vec![Reported::Http("POST".to_string(), "/".to_string())], page.to_string());
    for length in ["0", "00"].into_iter().chain(OTHER_LENGTHS) {
        assert_eq!(plain(&[("Content-Length", length)]), reported, "{length}");
    }
    assert_eq!(plain(&[("Transfer-Encoding", "chunked")]), reported);
    let refused = (vec![Reported::Failed(HandshakeError::Content.into())], BAD_REQUEST.to_string());
    for length in INVALID_LENGTHS {
        assert_eq!(plain(&[("Content-Length", length)]), refused, "{length}");
    }
    for other in ["0", "14", "15"] {
        assert_eq!(plain(&[("Content-Length", "14"), ("content-length", other)]), refused, "{other}");
    }
}

// RFC 9110 sections 7.8 and 10.1.1: a server sends a 100 before the 101, or a final status instead of both. A
// client that gets a 417 repeats the request without the expectation.
#[test]
fn an_upgrade_request_with_an_expectation_is_answered_with_417() {
    for expectation in ["100-continue", "100-Continue", "100-continue, x", "x=y", "200-ok", ""] {
        for name in ["Expect", "expect", "EXPECT"] {
            assert_refused(&[Add(name, expectation)], HandshakeError::Expectation);
        }
    }
    assert_refused(&[Add("Expect", "100-continue"), Add("Content-Length", "0")], HandshakeError::Expectation);
    assert_accepted(&[Add("Expects", "100-continue"), Add("Expec", "100-continue"), Add("X-Expect", "x")]);
    // RFC 9110 section 10.1.1: the answer of the embedder to a plain request is a final status too.
    let config = Config::new().http_requests(true);
    let plain =
        head("POST / HTTP/1.1", &[("Host", "h"), ("Expect", "100-continue"), ("Content-Length", "1")]);
    let (reported, answer) = on_every_storage(config, &plain);
    assert_eq!(reported, [Reported::Http("POST".to_string(), "/".to_string())]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
