//! Answers that fail the client, the limits of an answer, and the end of the transport.

use super::*;
use rand_core::CryptoRng;
use sansws::Storage;

#[test]
fn interim_answers_count_towards_max_head() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    let stream = [&interim.repeat(10), &response(&[])[..]].concat();
    let limit = stream.len();
    let config = Config::new().max_head(limit);
    // The frames that follow the heads do not count.
    let with_frames = [&stream[..], b"\x81\x02hi"].concat();
    for cuts in [0..0, 1..with_frames.len()] {
        let reported = feed_cut(&mut client_with(config), &with_frames, cuts);
        assert_eq!(reported, [Reported::Complete, Reported::text("hi")]);
    }
    assert_head_fails_with(config.max_head(limit - 1), &stream, Limit::Head);
    // The default limit stops a server that sends interim answers forever.
    assert_head_fails(&interim.repeat(16 * 1024 / interim.len() + 1), Limit::Head);
}

#[test]
fn a_head_beyond_its_limits_fails() {
    let head = response(&[]);
    let limit = head.len();
    let config = Config::new().max_head(limit);
    assert_eq!(feed(&mut client_with(config), &head), [Reported::Complete]);
    assert_eq!(feed_cut(&mut client_with(config), &head, 1..head.len()), [Reported::Complete]);
    assert_head_fails_with(config.max_head(limit - 1), &head, Limit::Head);

    let endless = [&b"HTTP/1.1 101 "[..], &vec![b'x'; 16 * 1024]].concat();
    assert_head_fails(&endless, Limit::Head);
    let mut client = client();
    assert_eq!(feed(&mut client, &endless[..16 * 1024]), []);
    assert_eq!(feed(&mut client, b"x"), [Reported::Failed(Limit::Head.into())]);

    let with = |count: usize| response(&vec![Add("X", "y"); count - RESPONSE.len()]);
    for (config, limit) in [(Config::new(), 100), (Config::new().max_headers(3), 3)] {
        assert_eq!(feed(&mut client_with(config), &with(limit)), [Reported::Complete]);
        assert_head_fails_with(config, &with(limit + 1), Limit::Headers);
    }
}

// WS-7.2.1-01 · WS-7.1.7-06 · WS-7.1.4-03
#[test]
fn every_failure_closes_the_connection_in_the_same_way() {
    // `assert_head_fails` checks the state, the outgoing bytes (there are none) and every signal.
    let defects: [(Header, HandshakeError); 6] = [
        (("Upgrade", "h2c"), HandshakeError::Upgrade),
        (("Connection", "close"), HandshakeError::Connection),
        (("Sec-WebSocket-Accept", "x"), HandshakeError::Accept),
        (("Sec-WebSocket-Protocol", "other"), HandshakeError::SubprotocolNotOffered),
        (("Sec-WebSocket-Extensions", "foo"), HandshakeError::ExtensionNotOffered),
        (("Sec-WebSocket-Extensions", ";"), HandshakeError::Extensions),
    ];
    for ((name, value), error) in defects {
        let fields: Vec<_> =
            RESPONSE.into_iter().filter(|field| field.0 != name).chain([(name, value)]).collect();
        assert_head_fails(&head("HTTP/1.1 101 Ok", &fields), error);
        // Frames after the head are ignored.
        let with_frames = [head("HTTP/1.1 101 Ok", &fields), b"\x81\x02hi\x88\x00".to_vec()].concat();
        assert_eq!(feed(&mut offering_client(), &with_frames), [Reported::Failed(error.into())]);
    }
    assert_head_fails(b"garbage\r\n\r\n", HandshakeError::MalformedHead);
    assert_head_fails(&head("HTTP/1.0 101 Ok", &RESPONSE), HandshakeError::HttpVersion);
    assert_head_fails(&vec![b'x'; 16 * 1024 + 1], Limit::Head);
}

/// The invalid response that the client shows after it has read `stream`: status, reason, and headers.
fn inspect<G: CryptoRng, S: Storage>(
    client: &mut Connection<Client<G>, S>, stream: &[u8], cuts: &[usize],
) -> Option<(u16, String, Vec<(String, Vec<u8>)>)> {
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        let mut bytes = stream[from..to].to_vec();
        let mut input = &mut bytes[..];
        while let Some((_, tx)) = client.receive(&mut input) {
            let has_failed = tx.error().is_some();
            assert!(has_failed || client.invalid_response().is_none());
        }
        from = to;
    }
    client.release_buffers();
    let _ = client.receive(&mut &mut [b'x'][..]);
    let _ = client.receive_eof();
    client.invalid_response().map(|response| {
        assert!(response.body().is_empty() && !format!("{response:?}").contains("secret"));
        let headers = response.headers().map(|(name, value)| (name.to_string(), value.to_vec()));
        (response.status(), response.reason().to_string(), headers.collect())
    })
}

// RFC 6455 section 4.1: the client fails the connection, and the embedder may want to know why.
#[test]
fn an_invalid_101_can_be_inspected() {
    let request = ClientRequest::new("ws://server.example/chat").unwrap();
    let config = Config::new().keep_headers(&["X", "Set-Cookie"]);
    let inspect_all = |stream: &[u8]| {
        on_each_storage!(stream, inspect, |storage| {
            let mut client = Connection::client_in(&request, config, SAMPLE, storage).unwrap();
            client.mark_sent(usize::MAX);
            client
        })
    };
    for (first_line, reason, changes) in [
        ("HTTP/1.1 101 Ok", "Ok", &[Set("Upgrade", "h2c")][..]),
        ("HTTP/1.1 101", "", &[Without("Upgrade")]),
        ("HTTP/1.1 101 Ok", "Ok", &[Set("Connection", "close")]),
        ("HTTP/1.1 101 Ok", "Ok", &[Set("Sec-WebSocket-Accept", "x")]),
        ("HTTP/1.1 101 Ok", "Ok", &[Add("Sec-WebSocket-Protocol", "other")]),
        ("HTTP/1.1 101 Ok", "Ok", &[Add("Sec-WebSocket-Extensions", "foo")]),
        ("HTTP/1.0 101 Ok", "Ok", &[]),
    ] {
        let changes = [changes, &[Add("X", "y"), Add("Set-Cookie", "secret")]].concat();
        let fields = with_changes(&RESPONSE, &changes);
        let expected = fields.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        let expected = Some((101, reason.to_string(), expected.collect()));
        assert_eq!(inspect_all(&head(first_line, &fields)), expected);
        // Interim responses in front of it and bytes behind it change nothing.
        let interim = b"HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\n";
        assert_eq!(inspect_all(&[interim, &head(first_line, &fields)[..], b"\x81\x02hi"].concat()), expected);
    }
    // A valid 101 and a refusal come with their events. All else is no complete response.
    let valid = response(&[]);
    for stream in [
        &valid[..],
        &valid[..valid.len() - 1],
        b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n\r\n",
        b"HTTP/2.0 101 Ok\r\n\r\n",
        b"HTTP/1.1 101 Ok\r\nX\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\n\n",
        b"",
    ] {
        assert_eq!(inspect_all(stream), None, "{}", stream.escape_ascii());
    }
}

// WS-7.2.1-01
#[test]
fn the_end_of_the_transport_before_the_end_of_the_answer_is_an_error() {
    let head = response(&[]);
    for len in [0, 1, head.len() / 2, head.len() - 1] {
        for sent in [0, 20, usize::MAX] {
            let request = ClientRequest::new("ws://h/").unwrap();
            let mut client = new_client(&request, Config::new()).unwrap();
            client.mark_sent(sent);
            assert_eq!(feed(&mut client, &head[..len]), []);
            let error = HandshakeError::UnexpectedEof.into();
            assert!(matches!(client.receive_eof(), Some(Event::Failed)));
            assert!(client.receive_eof().is_none());
            assert_eq!(feed(&mut client, &head), []);
            assert_eq!(client.error(), Some(error));
            assert_eq!(client.state(), State::Closed);
            assert!(client.should_disconnect() && !client.is_closed_cleanly());
            assert_eq!(client.close_code(), Some(CloseCode::ABNORMAL));
            assert_eq!(client.error(), Some(HandshakeError::UnexpectedEof.into()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_answers_give_the_same_result_wherever_they_are_cut(
        start in prop::sample::select(vec![
            "HTTP/1.1 101 Switching Protocols\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Ok\r\n",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n",
            "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n",
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let fields = response(&[Add("Sec-WebSocket-Protocol", "chat")]);
        let first_line = fields.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let body = b"3;x\r\nabc\r\n0\r\n\r\n\x81\x02hi";
        let mut stream = [start.as_bytes(), &fields[first_line..], body].concat();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut cuts: Vec<_> = cuts.iter().map(|at| at.index(stream.len())).collect();
        cuts.sort_unstable();
        let (mut whole, mut pieces) = (offering_client(), offering_client());
        prop_assert_eq!(feed(&mut whole, &stream), feed_cut(&mut pieces, &stream, cuts));
        prop_assert_eq!(take_outgoing(&mut whole), take_outgoing(&mut pieces));
    }
}
