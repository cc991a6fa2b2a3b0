//! The length of the body of a refusal, RFC 9112 sections 6.3 and 7.1. No server needs to end the transport
//! before a client reports its status.

use super::*;
use sansws::{Role, Storage};

/// What a client reports about the body of a refusal, without the end of the transport.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Body {
    /// The client waits for more bytes.
    Unknown,
    Complete(Vec<u8>),
    Truncated(Vec<u8>),
}

fn read<R: Role, S: Storage>(client: &mut Connection<R, S>, stream: &[u8], cuts: &[usize]) -> Body {
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        let mut bytes = stream[from..to].to_vec();
        match client.receive(&mut &mut bytes[..]) {
            None => from = to,
            Some((Event::HandshakeRefused(response), _)) => {
                assert_eq!(response.status(), 403);
                let body = response.body().to_vec();
                return if response.is_body_truncated() {
                    Body::Truncated(body)
                } else {
                    Body::Complete(body)
                };
            }
            other => panic!("{other:?}"),
        }
    }
    Body::Unknown
}

/// What clients report about a refusal with these headers and this body.
fn body_of(first_line: &str, fields: &str, body: &[u8]) -> Body {
    let stream = [format!("{first_line}\r\n{fields}\r\n").as_bytes(), body].concat();
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    on_each_storage!(&stream, read, |storage| {
        let mut client = Connection::client_in(&request, Config::new(), SAMPLE, storage).unwrap();
        client.mark_sent(usize::MAX);
        client
    })
}

const REFUSAL: &str = "HTTP/1.1 403 Forbidden";

fn complete(body: &[u8]) -> Body {
    Body::Complete(body.to_vec())
}

fn truncated(body: &[u8]) -> Body {
    Body::Truncated(body.to_vec())
}

// RFC 9112 section 6.3, rule 5: a list of the same length is that length.
#[test]
fn a_length_that_is_repeated_counts_once() {
    for fields in [
        "Content-Length: 2\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: 2,2,2\r\n",
        "Content-Length: 2 ,\t2\r\n",
        "Content-Length: ,2,, 2,\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2, 2\r\ncontent-length: 2\r\n",
        "Content-Length:\r\nContent-Length: 2\r\n",
        "Content-Length: 02, 2\r\n",
        "Content-Length: 00000000000000000000000000000002\r\n",
        "Content-Length:\r\n 2,\r\n 2\r\n",
    ] {
        assert_eq!(body_of(REFUSAL, fields, b"no"), complete(b"no"), "{fields:?}");
        assert_eq!(body_of(REFUSAL, fields, b"n"), Body::Unknown, "{fields:?}");
    }
    for fields in ["Content-Length: 0\r\n", "Content-Length: 0, 00\r\n"] {
        assert_eq!(body_of(REFUSAL, fields, b""), complete(b""), "{fields:?}");
    }
}

// RFC 9112 section 6.3, rule 5: an invalid length is an error that nothing can repair.
#[test]
fn a_refusal_with_an_invalid_length_is_reported_at_once() {
    for value in [
        "", ",", "x", "2, 5", "5,2", "2, x", "2 2", "-2", "+2", "2.0", "0x2", "1e1", "2;", "\"2\"", "2\t5",
        "\u{662}", "2, 4294967298", "4294967298, 2", "18446744073709551618, 2", "2, 20", "0, 2",
    ] {
        let field = format!("Content-Length: {value}\r\n");
        assert_eq!(body_of(REFUSAL, &field, b""), truncated(b""), "{value:?}");
        assert_eq!(body_of(REFUSAL, &field, b"no"), truncated(b""), "{value:?}");
    }
    for (first, second) in [("2", "5"), ("2", "x"), ("", ""), ("2, 2", "3"), ("2", "2, 3")] {
        let fields = format!("Content-Length: {first}\r\nX: y\r\ncontent-length: {second}\r\n");
        assert_eq!(body_of(REFUSAL, &fields, b""), truncated(b""), "{fields:?}");
    }
}

// RFC 9112 section 6.3, rule 3: such a response "ought to be handled as an error".
#[test]
fn a_refusal_with_a_length_and_a_transfer_coding_is_reported_at_once() {
    for fields in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length:\r\n",
    ] {
        for body in [&b""[..], b"no", b"2\r\nno\r\n0\r\n\r\n"] {
            assert_eq!(body_of(REFUSAL, fields, body), truncated(b""), "{fields:?}");
        }
    }
}

// RFC 9112 section 6.1
#[test]
fn a_refusal_with_an_unclear_transfer_coding_is_reported_at_once() {
    for value in ["", ",", "chunked;q=1", "chunked x", "\"chunked\"", "chunked, (", "gzip, =", "\u{fc}"] {
        let field = format!("Transfer-Encoding: {value}\r\n");
        assert_eq!(body_of(REFUSAL, &field, b""), truncated(b""), "{value:?}");
    }
    // A transfer coding in HTTP/1.0 means that the framing is faulty.
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(body_of("HTTP/1.0 403 Forbidden", chunked, b""), truncated(b""));
    // Section 6.3, rule 4: without chunked coding at the end the body lasts as long as the transport.
    for value in ["gzip", "chunked, gzip", "chunked, x-other"] {
        assert_eq!(
            body_of(REFUSAL, &format!("Transfer-Encoding: {value}\r\n"), b"no"),
            Body::Unknown,
            "{value:?}"
        );
    }
    for fields in ["", "Connection: keep-alive\r\n"] {
        assert_eq!(body_of(REFUSAL, fields, b"no"), Body::Unknown, "rule 8");
    }
}

// RFC 9112 section 7.1: no later byte can make such a body valid.
#[test]
fn a_refusal_with_a_broken_chunked_body_is_reported_with_the_first_bad_byte() {
    for (body, expected) in [
        (&b"x"[..], &b""[..]),
        (b"\r", b""),
        (b"\n", b""),
        (b" ", b""),
        (b";", b""),
        (b"-", b""),
        (b"+", b""),
        (b"<", b""),
        (b"0x", b""),
        (b"a n", b""),
        (b"5,", b""),
        (b"5 5", b""),
        (b"5\rh", b""),
        (b"5\r\r", b""),
        (b"5;a\rb", b""),
        (b"5\0", b""),
        (b"100000000", b""),
        (b"5\r\nhellox", b"hello"),
        (b"5\r\nhello0", b"hello"),
        (b"5\r\nhello\rx", b"hello"),
        (b"5\r\nhello\r\r", b"hello"),
        (b"5\r\nhello\r\n\r", b"hello"),
        (b"5\r\nhello\r\nx", b"hello"),
        (b"5\r\nhello\r\n2\r\n, \r\n0 x", b"hello, "),
    ] {
        let fields = "Transfer-Encoding: chunked\r\n";
        assert_eq!(body_of(REFUSAL, fields, body), truncated(expected), "{}", body.escape_ascii());
        let without = &body[..body.len() - 1];
        assert_eq!(body_of(REFUSAL, fields, without), Body::Unknown, "{}", without.escape_ascii());
    }
}

// RFC 9112 section 8: the body is complete with the chunk of size zero. Some servers send nothing behind it.
#[test]
fn a_chunked_body_ends_with_the_last_chunk() {
    for (body, expected) in [
        (&b"0\n"[..], &b""[..]),
        (b"0\r\n", b""),
        (b"000 \t; a=\"b\"\r\n", b""),
        (b"5\r\nhello\r\n0\r\n", b"hello"),
        (b"5\r\nhello\r\n0;a\r\n", b"hello"),
        (b"5\nhello\n0\n", b"hello"),
    ] {
        let fields = "Transfer-Encoding: chunked\r\n";
        assert_eq!(body_of(REFUSAL, fields, body), complete(expected), "{}", body.escape_ascii());
        assert_eq!(
            body_of(REFUSAL, fields, &body[..body.len() - 1]),
            Body::Unknown,
            "{}",
            body.escape_ascii()
        );
        let with_trailer = [body, b"X: y\r\n\r\n"].concat();
        assert_eq!(body_of(REFUSAL, fields, &with_trailer), complete(expected), "{}", body.escape_ascii());
    }
}

/// The receive buffer holds the head and the beginning of the body, however the bytes arrive.
#[cfg(feature = "heapless")]
#[test]
fn a_body_that_is_longer_than_the_receive_buffer_is_kept_up_to_its_end() {
    let head = "HTTP/1.1 403 Forbidden\r\n";
    for (fields, front, back) in [
        ("", "", ""),
        ("Content-Length: 600\r\n", "", ""),
        ("Transfer-Encoding: chunked\r\n", "258\r\n", "\r\n0\r\n\r\n"),
    ] {
        let stream = format!("{head}{fields}\r\n{front}{}{back}", "a".repeat(600));
        let mut bodies = Vec::new();
        for piece in [1, 7, 100, 1000] {
            let request = ClientRequest::new("ws://server.example/chat").unwrap();
            let storage = sansws::Fixed::<500, 900>;
            let mut client = Connection::client_in(&request, Config::new(), SAMPLE, storage).unwrap();
            client.mark_sent(usize::MAX);
            let cuts: Vec<usize> = (piece..stream.len()).step_by(piece).collect();
            bodies.push(read(&mut client, stream.as_bytes(), &cuts));
        }
        let Body::Truncated(body) = &bodies[0] else { panic!("{:?}", bodies[0]) };
        assert!(body.len() > 300 && body.iter().all(|&byte| byte == b'a'), "{fields}: {}", body.len());
        assert!(bodies.iter().all(|other| *other == bodies[0]), "{fields}: {bodies:?}");
    }
}
