//! Limits of a request head, heads that arrive in pieces, and the end of the transport.

use super::*;

/// A valid request of exactly `len` bytes.
fn request_of_len(len: usize) -> Vec<u8> {
    let plain = request(&[]).len() + "X: \r\n".len();
    let padding = "x".repeat(len - plain);
    let mut fields: Vec<(&str, &str)> = REQUEST.to_vec();
    fields.push(("X", &padding));
    let head = head("GET /chat HTTP/1.1", &fields);
    assert_eq!(head.len(), len);
    head
}

#[test]
fn a_head_of_more_than_max_head_bytes_fails() {
    for len in [1024, 16 * 1024] {
        let config = if len == 1024 { Config::new().max_head(len) } else { Config::new() };
        // The frames that follow the head do not count.
        let with_frames = [request_of_len(len), masked(&frame(0x81, &[b'a'; 100]), [1; 4])].concat();
        for cuts in [vec![], (1..with_frames.len()).collect(), vec![len], vec![len - 1]] {
            let reported = feed_cut(&mut Connection::server(config), &with_frames, cuts);
            assert_eq!(reported, [request_event(&[]), Reported::Complete, Reported::text(&"a".repeat(100))]);
        }
        assert_head_refused_with(config, &request_of_len(len + 1), Limit::Head);
    }
    // Empty lines before the request line count too.
    let lines = [b"\r\n".repeat(2), request_of_len(1021)].concat();
    assert_head_refused_with(Config::new().max_head(1024), &lines, Limit::Head);
    assert_head_refused_with(Config::new().max_head(0), b"G", Limit::Head);
}

#[test]
fn a_head_that_never_ends_fails_at_the_limit() {
    for endless in [&b"GET / HTTP/1.1\r\nX: "[..], b"", b"G", b"GET / HTTP/1.1\r\n"] {
        for filler in [b'a', b'\r', b'\n'] {
            // Two line feeds would end a head that has begun.
            if filler == b'\n' && !endless.is_empty() {
                continue;
            }
            let mut server = Connection::server(Config::new().max_head(1000));
            let bytes = endless.iter().copied().chain(std::iter::repeat(filler));
            for (byte, seen) in bytes.zip(1..=1001) {
                let reported = feed(&mut server, &[byte]);
                if seen <= 1000 {
                    assert_eq!((reported, server.outgoing()), (vec![], &[][..]), "{seen}");
                } else {
                    assert_eq!(reported, [Reported::Failed(Limit::Head.into())]);
                }
            }
            assert_eq!(text_of(&take_outgoing(&mut server)), HEADERS_TOO_LARGE);
        }
    }
}

#[test]
fn a_head_with_more_than_max_headers_headers_fails() {
    let with = |count: usize| request(&vec![Add("X", "y"); count - REQUEST.len()]);
    for (config, limit) in [
        (Config::new(), 100),
        (Config::new().max_headers(7), 7),
        (Config::new().max_headers(128), 128),
        (Config::new().max_headers(255), 128),
    ] {
        let reported = feed(&mut Connection::server(config), &with(limit));
        assert_eq!(reported, [request_event(&[]), Reported::Complete], "{limit}");
        assert_head_refused_with(config, &with(limit + 1), Limit::Headers);
    }
}

/// The bytes of a receive buffer beyond the necessary part of a head, as the documentation of `Fixed` counts
/// them.
#[cfg(feature = "heapless")]
#[test]
fn the_name_of_a_dropped_header_takes_the_room_that_the_documentation_says() {
    const LONG: &str = "X-Name-That-Is-Longer-Than-The-Names-Of-The-Handshake";
    let config = Config::new().keep_headers(&[LONG]);
    let necessary = request(&[]).len();
    let is_accepted = |name: &str, value: &str, extra: usize, step: usize| {
        let mut bytes = head("GET /chat HTTP/1.1", &[&REQUEST[..], &[(name, value)]].concat());
        let (mut receive, mut send) = (vec![0; necessary + extra], [0; 512]);
        let storage = Borrowed::new(&mut receive, &mut send);
        let mut server = Connection::server_in(config, storage);
        let mut pieces = bytes.chunks_mut(step);
        let is_request = pieces
            .any(|mut piece| matches!(server.receive(&mut piece), Some((Event::HandshakeRequest(_), _))));
        assert!(is_request || server.outgoing().starts_with(b"HTTP/1.1 431 "));
        is_request
    };
    for (name, needed) in [
        ("X", 0),
        ("Accept-Language", 0),
        ("Sec-Fetch-Mode", 2),
        ("Content-Type", 6),
        ("Sec-WebSocket-Extension", 21),
        ("Sec-WebSocket-Extensions-Too", 22),
        (&format!("{LONG}s"), LONG.len() - 2),
    ] {
        for step in [1, 1000] {
            for value in ["", &"v".repeat(1000)] {
                assert!(is_accepted(name, value, needed, step), "{name}");
                assert!(needed == 0 || !is_accepted(name, value, needed - 1, step), "{name}");
            }
        }
    }
}

#[test]
fn an_answer_of_more_than_max_outgoing_bytes_is_refused() {
    let limited = |limit| {
        let mut server = Connection::server(Config::new().max_outgoing(limit));
        receive_request(&mut server, &request(&[]));
        server
    };
    let full = Err(SendError::TooLarge);
    let mut server = limited(ACCEPTED.len());
    assert_eq!(server.sender().accept(&Accept::new().headers(&[("X", "y")])), full);
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);

    let mut server = limited(ACCEPTED.len() - 1);
    assert_eq!(server.sender().accept(&Accept::new()), full);
    assert!(server.outgoing().is_empty());
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    // The request still waits, and a smaller answer fits.
    server.sender().reject(&Reply::new(403)).unwrap();
    assert_closes_after_the_answer(&mut server);

    let page = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage";
    let mut server = limited(page.len());
    assert_eq!(server.sender().reject(&Reply::new(200).body(b"page!")), full);
    assert!(server.outgoing().is_empty());
    server.sender().reject(&Reply::new(200).body(b"page")).unwrap();
    assert_eq!(assert_closes_after_the_answer(&mut server), page);

    // The answers of the library itself always have room.
    let config = Config::new().max_outgoing(0);
    assert_head_refused_with(
        config,
        &request(&[Set("Sec-WebSocket-Version", "8")]),
        HandshakeError::VersionNotSupported,
    );
    assert_head_refused_with(config.max_head(9), &request(&[]), Limit::Head);
}

#[test]
fn it_does_not_matter_where_the_bytes_are_cut() {
    let frames = [masked(&frame(0x81, b"hi"), [1, 2, 3, 4]), masked(&frame(0x89, b"ping"), [5; 4])].concat();
    let valid = [request(&[Add("Sec-WebSocket-Protocol", "chat")]), frames.clone()].concat();
    let invalid = [request(&[Without("Connection")]), frames.clone()].concat();
    let plain = [head("GET / HTTP/1.1", &[("Host", "h")]), frames].concat();
    for stream in [valid, invalid, plain] {
        let run = |cuts: Vec<usize>| {
            let mut server = http_server();
            let reported = feed_cut(&mut server, &stream, cuts);
            (reported, take_outgoing(&mut server), server.state())
        };
        let whole = run(vec![]);
        assert_eq!(run((1..stream.len()).collect()), whole);
        for cut in 1..stream.len() {
            assert_eq!(run(vec![cut]), whole, "{cut}");
            // An empty read between the pieces changes nothing.
            assert_eq!(run(vec![cut, cut]), whole, "{cut}");
        }
    }
    let mut server = server();
    let stream = [request(&[]), masked(&frame(0x81, b"hi"), [1, 2, 3, 4])].concat();
    assert_eq!(feed(&mut server, &stream), [request_event(&[]), Reported::Complete, Reported::text("hi")]);
}

// WS-7.1.4-03
#[test]
fn the_end_of_the_transport_before_the_end_of_the_head_is_an_error() {
    let head = request(&[]);
    for len in [0, 1, head.len() / 2, head.len() - 1] {
        let mut server = server();
        assert_eq!(feed(&mut server, &head[..len]), []);
        let error = HandshakeError::UnexpectedEof.into();
        assert!(matches!(server.receive_eof(), Some(Event::Failed)));
        assert_eq!(server.error(), Some(error));
        assert!(server.receive_eof().is_none());
        assert_eq!(feed(&mut server, &head), []);
        assert_eq!(server.error(), Some(error));
        assert!(server.outgoing().is_empty() && server.should_disconnect());
        assert_eq!(server.state(), State::Closed);
        assert!(!server.is_closed_cleanly());
        assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
    }
}

#[test]
fn a_request_cannot_be_accepted_after_the_end_of_the_transport() {
    let mut server = server_with_request(&[]);
    assert!(server.receive_eof().is_some());
    assert_eq!(server.error(), Some(HandshakeError::UnexpectedEof.into()));
    assert_eq!(server.state(), State::Closed);
    assert!(server.sender().accept(&Accept::new()).is_err());
    assert!(server.outgoing().is_empty());
    assert_eq!(server.state(), State::Closed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_requests_give_the_same_result_wherever_they_are_cut(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut stream = request(&[
            Add("Sec-WebSocket-Protocol", "a, b"),
            Add("Sec-WebSocket-Extensions", "foo; x=\"1\\0\", bar"),
        ]);
        stream.extend(masked(&frame(0x81, b"hi"), [1, 2, 3, 4]));
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut cuts: Vec<_> = cuts.iter().map(|at| at.index(stream.len())).collect();
        cuts.sort_unstable();
        let (mut whole, mut pieces) = (http_server(), http_server());
        prop_assert_eq!(feed(&mut whole, &stream), feed_cut(&mut pieces, &stream, cuts));
        prop_assert_eq!(take_outgoing(&mut whole), take_outgoing(&mut pieces));
    }
}
