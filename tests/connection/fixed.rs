//! The `Fixed` storage, which needs no allocator: the protocol is the same, and the buffers have a fixed
//! size.

use crate::support::*;
use sansws::{
    Accept, Agreed, Client, ClientRequest, CloseCode, Config, Connection, DataKind, Delivery, Event, Fixed,
    HandshakeError, Limit, OUTGOING_RESERVE, SendError, Server, State,
};

type Small = Fixed<256, 512>;

fn server(config: Config) -> Connection<Server, Small> {
    Connection::after_handshake_in(Server, config, Agreed::NONE, Fixed)
}

fn client(config: Config) -> Connection<Client<Rng>, Small> {
    Connection::after_handshake_in(Client::new(rng()), config, Agreed::NONE, Fixed)
}

#[test]
fn a_conversation_needs_no_allocator_from_the_first_byte_on() {
    let request = ClientRequest::new("ws://h/chat").unwrap().subprotocols(&["a", "b"]);
    let mut client: Connection<Client<Rng>, Small> =
        Connection::client_in(&request, Config::new(), rng(), Fixed).unwrap();
    let mut server: Connection<Server, Small> = Connection::server_in(Config::new(), Fixed);
    let bytes = take_outgoing(&mut client);
    // The head comes in pieces, so that the server has to buffer it.
    let mut reported = Vec::new();
    for piece in bytes.chunks(50) {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while let Some((event, tx)) = server.receive(&mut input) {
            reported.push(format!("{event:?}"));
            if matches!(event, Event::HandshakeRequest(_)) {
                tx.accept(&Accept::new().subprotocol("b")).unwrap();
            }
        }
    }
    // The next call reports that the handshake is complete.
    while let Some((event, _)) = server.receive(&mut &mut [][..]) {
        reported.push(format!("{event:?}"));
    }
    assert_eq!(reported.len(), 2, "{reported:?}");
    let answer = take_outgoing(&mut server);
    let cuts: Vec<usize> = (0..answer.len()).collect();
    assert_eq!(feed_cut(&mut client, &answer, cuts), [Reported::Complete]);
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("b"), Some("b")));

    for _ in 0..50 {
        client.sender().text("hello").unwrap();
        client.sender().ping(b"p").unwrap();
        let bytes = take_outgoing(&mut client);
        assert_eq!(
            feed_cut(&mut server, &bytes, 0..bytes.len()),
            [Reported::text("hello"), Reported::Ping(b"p".to_vec())]
        );
        server.sender().begin(DataKind::Binary).unwrap();
        server.sender().fragment(&[1; 100]).unwrap();
        server.sender().finish(&[2; 100]).unwrap();
        let bytes = take_outgoing(&mut server);
        let joined = [[1; 100], [2; 100]].concat();
        assert_eq!(feed(&mut client, &bytes), [Reported::Pong(b"p".to_vec()), Reported::Binary(joined)]);
    }
    server.sender().close(1001.into(), "bye").unwrap();
    assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::close(1001, "bye")]);
    assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Reported::close(1001, "")]);
    assert!(server.should_disconnect());
}

#[test]
fn a_message_may_be_as_large_as_the_buffer_but_not_larger() {
    let full = frame(0x82, &[7; 256]);
    for cut in [0, 5, full.len() - 1] {
        let mut client = client(Config::new());
        assert_eq!(feed_cut(&mut client, &full, [cut]), [Reported::binary(&[7; 256])], "cut at {cut}");
    }
    // A longer message fails at its header. This also holds for a message that arrives in one read and would
    // need no buffer, so that the events do not depend on the cuts.
    let mut client = client(Config::new());
    assert_eq!(feed(&mut client, &frame(0x82, &[7; 257])), [Reported::Failed(Limit::Message.into())]);
    assert_eq!(frames(client.outgoing()), [close_frame(1009_u16)]);
}

#[test]
fn a_message_in_parts_may_be_longer_than_the_buffer() {
    let mut client = client(Config::new().delivery(Delivery::Parts).max_message(usize::MAX));
    let large = frame(0x82, &vec![7; 100_000]);
    let reported = feed_cut(&mut client, &large, (0..large.len()).step_by(1000));
    let [Reported::Parts { bytes, is_first: true, is_last: true, .. }] = &reported[..] else {
        panic!("{reported:?}");
    };
    assert_eq!(bytes.len(), 100_000);
}

#[test]
fn a_message_that_does_not_fit_the_outgoing_buffer_is_refused() {
    let mut server = server(Config::new());
    let room = 512 - OUTGOING_RESERVE;
    assert_eq!(server.sender().binary(&[0; 512]), Err(SendError::TooLarge));
    assert_eq!(server.sender().binary(&vec![0; room - 3]), Err(SendError::TooLarge));
    server.sender().binary(&vec![0; room - 4]).unwrap();
    assert_eq!(server.outgoing().len(), room);
    // A pong and a Close always fit.
    feed(&mut server, &masked(&frame(0x89, &[1; 125]), [1; 4]));
    server.sender().close(1000.into(), &"r".repeat(123)).unwrap();
    assert!(server.outgoing().len() > room + 250);
    assert_eq!(server.state(), State::Closing);
}

/// A valid request with `lines` added to its head.
fn request_with(lines: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

/// The events and the answer of a server. Asserts that both are the same if the bytes arrive whole, in two
/// pieces, or one by one.
#[track_caller]
fn reported_in_pieces(config: Config, bytes: &[u8]) -> (Vec<Reported>, Vec<u8>) {
    let run = |cuts: Vec<usize>| {
        let mut server: Connection<Server, Small> = Connection::server_in(config, Fixed);
        (feed_cut(&mut server, bytes, cuts), take_outgoing(&mut server))
    };
    let whole = run(vec![]);
    assert_eq!(run((1..bytes.len()).collect()), whole);
    for at in (1..bytes.len()).step_by(1 + bytes.len() / 400) {
        assert_eq!(run(vec![at]), whole, "cut at {at}");
    }
    whole
}

const HEADERS_TOO_LARGE: &[u8] = b"HTTP/1.1 431 ";

#[test]
fn header_lines_that_are_not_needed_take_no_room() {
    let cookies = format!("Cookie: {}\r\n", "c".repeat(4000)).repeat(3);
    let lines = format!("{cookies}User-Agent: x\r\nSec-Fetch-Mode: {}\r\nAccept: */*\r\n", "m".repeat(4000));
    let request = request_with(&lines);
    assert!(request.len() > 15 * 1024 && request.len() <= 16 * 1024, "{}", request.len());
    let with_frames = [request.as_bytes(), &masked(&frame(0x81, b"hi"), [1; 4])].concat();
    let (reported, answer) = reported_in_pieces(Config::new(), &with_frames);
    let asked = Reported::Request("GET".to_owned(), "/chat".to_owned(), vec![]);
    assert_eq!(reported, [asked, Reported::Complete, Reported::text("hi")]);
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    // Dropped lines count towards the limits.
    let len = request.len();
    assert_eq!(reported_in_pieces(Config::new().max_head(len), request.as_bytes()).0.len(), 2);
    let (reported, answer) = reported_in_pieces(Config::new().max_head(len - 1), request.as_bytes());
    assert_eq!(reported, [Reported::Failed(Limit::Head.into())]);
    assert!(answer.starts_with(HEADERS_TOO_LARGE));
    assert_eq!(reported_in_pieces(Config::new().max_headers(11), request.as_bytes()).0.len(), 2);
    let (reported, _) = reported_in_pieces(Config::new().max_headers(10), request.as_bytes());
    assert_eq!(reported, [Reported::Failed(Limit::Headers.into())]);
}

#[test]
fn headers_that_the_embedder_names_are_kept() {
    const LINES: &str = "Cookie: a=1\r\nX-Other: x\r\nCOOKIE: b=2\r\nCookies: c\r\nCookie2: d\r\nCook: e\r\n\
        Sec-WebSocket-Protocol: chat\r\n";
    let head = request_with(LINES);
    for (names, expected) in [(&["cookie", "X-Missing"][..], &["a=1", "b=2"][..]), (&[], &[])] {
        for cuts in [vec![], (1..head.len()).collect::<Vec<_>>()] {
            let mut server: Connection<Server, Fixed<512, 512>> =
                Connection::server_in(Config::new().keep_headers(names), Fixed);
            let mut bytes = head.clone().into_bytes();
            let mut rest = &mut bytes[..];
            let mut seen = 0;
            let mut at = 0;
            for end in cuts.into_iter().chain([head.len()]) {
                let (mut piece, after) = rest.split_at_mut(end - at);
                (rest, at) = (after, end);
                if let Some((Event::HandshakeRequest(request), _)) = server.receive(&mut piece) {
                    seen += 1;
                    let values: Vec<_> = request.headers().all("cookie").collect();
                    assert_eq!(values, expected.iter().map(|value| value.as_bytes()).collect::<Vec<_>>());
                    assert_eq!((request.header("x-other"), request.header("cookie2")), (None, None));
                    assert_eq!((request.host(), request.target()), (Some("h"), "/chat"));
                    assert!(request.subprotocols().eq(["chat"]));
                }
            }
            assert_eq!(seen, 1);
        }
    }
}

#[test]
fn a_head_fails_if_a_line_that_is_needed_does_not_fit() {
    // Room is needed for the request line, the headers of the protocol, the headers that the embedder named,
    // and the empty line at the end.
    let plain = request_with("").len();
    let room = 256 - plain;
    let origin =
        |len: usize| request_with(&format!("Origin: {}\r\n", "o".repeat(len - "Origin: \r\n".len())));
    let cookie =
        |len: usize| request_with(&format!("Cookie: {}\r\n", "c".repeat(len - "Cookie: \r\n".len())));
    let target = |len: usize| request_with("").replace("/chat", &format!("/chat{}", "t".repeat(len)));
    for head in [&origin as &dyn Fn(usize) -> String, &cookie, &target] {
        let config = Config::new().keep_headers(&["Cookie"]);
        assert_eq!(head(room).len(), 256);
        let dropped = "X: y\r\nAccept: */*\r\n";
        let with_dropped = head(room).replacen("Host: h\r\n", &format!("Host: h\r\n{dropped}"), 1);
        for fits in [head(room), with_dropped] {
            let (reported, _) = reported_in_pieces(config, fits.as_bytes());
            assert_eq!(reported.last(), Some(&Reported::Complete));
        }
        let (reported, answer) = reported_in_pieces(config, head(room + 1).as_bytes());
        assert_eq!(reported, [Reported::Failed(Limit::Head.into())]);
        assert!(answer.starts_with(HEADERS_TOO_LARGE));
    }
    // Without `keep_headers` the long cookie is dropped and does no harm.
    assert_eq!(
        reported_in_pieces(Config::new(), cookie(room + 1).as_bytes()).0.last(),
        Some(&Reported::Complete)
    );
}

#[test]
fn a_line_that_is_dropped_is_still_checked() {
    for line in [
        "X", ": y", "X : y", " folded", "X: y\0", "X: y\rZ: z", "X Y: z", "\u{fc}: x", "X: y\x7f", "X: y\r\r",
    ] {
        for name in ["", "Con", "Cookie"] {
            if line.starts_with([':', ' ']) && !name.is_empty() {
                continue;
            }
            let long = "x".repeat(300);
            for head in [
                request_with(&format!("{name}{line}\r\n")),
                request_with(&format!("{name}{line}{long}\r\n")),
                request_with(&format!("X-Long: {long}\r\n{name}{line}\r\n")),
            ] {
                let (reported, answer) = reported_in_pieces(Config::new(), head.as_bytes());
                // `Conx...` is malformed too: it has no colon.
                assert_eq!(reported, [Reported::Failed(HandshakeError::MalformedHead.into())], "{head:?}");
                assert!(answer.starts_with(b"HTTP/1.1 400 "));
            }
        }
    }
    for line in ["X:", "X:y", "X: \t", "X-_9: \u{fc}"] {
        for head in [request_with(&format!("{line}\r\n")), request_with(&format!("{line}\n"))] {
            assert_eq!(
                reported_in_pieces(Config::new(), head.as_bytes()).0.last(),
                Some(&Reported::Complete),
                "{head:?}"
            );
        }
    }
}

#[test]
fn a_client_accepts_an_answer_that_is_longer_than_its_buffer() {
    let client = || -> (Connection<Client<Rng>, Fixed<512, 512>>, Vec<u8>) {
        let request = ClientRequest::new("ws://h/chat").unwrap();
        let mut client = Connection::client_in(&request, Config::new(), rng(), Fixed).unwrap();
        let asked = take_outgoing(&mut client);
        (client, asked)
    };
    let mut server: ServerConnection = Connection::server(Config::new());
    feed(&mut server, &client().1);
    let answer = String::from_utf8(take_outgoing(&mut server)).unwrap();
    let set_cookie = format!("Set-Cookie: {}\r\n", "c".repeat(1300)).repeat(3);
    let long = answer.replacen("Upgrade: ", &format!("{set_cookie}Upgrade: "), 1);
    assert!(long.len() > 4000);
    let interim = format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n{long}", "l".repeat(2000));
    for bytes in [&long, &interim] {
        let bytes = [bytes.as_bytes(), &frame(0x81, b"hi")].concat();
        for cuts in [vec![], (1..bytes.len()).collect::<Vec<_>>(), vec![100, 4000]] {
            assert_eq!(feed_cut(&mut client().0, &bytes, cuts), [Reported::Complete, Reported::text("hi")]);
        }
    }
    // A refusal is reported even if it has long headers.
    let refusal = format!(
        "HTTP/1.1 401 Unauthorized\r\n{set_cookie}WWW-Authenticate: {}\r\nContent-Length: 2\r\n\r\nno",
        "w".repeat(600)
    );
    for cuts in [vec![], (1..refusal.len()).collect::<Vec<_>>()] {
        let reported = feed_cut(&mut client().0, refusal.as_bytes(), cuts);
        assert_eq!(reported, [Reported::Refused(401, b"no".to_vec(), false)]);
    }
    // A header that the client needs has to fit.
    let accept = answer.replacen("Accept: ", &format!("Accept: {}", " ".repeat(512)), 1);
    for cuts in [vec![], (1..accept.len()).collect::<Vec<_>>()] {
        assert_eq!(
            feed_cut(&mut client().0, accept.as_bytes(), cuts),
            [Reported::Failed(Limit::Head.into())]
        );
    }
}

/// The documentation of `Fixed` has this rule.
#[test]
fn the_echoes_of_one_read_fit_into_a_message_its_header_and_a_read() {
    const MESSAGE: usize = 140;
    const READ: usize = 150;
    const TX: usize = MESSAGE + 4 + READ + OUTGOING_RESERVE;
    let long = masked(&frame(0x82, &[7; MESSAGE]), [1, 2, 3, 4]);
    // The read begins with the last bytes of a long message. As many short ones follow as fit.
    for end_len in 1..=READ {
        for short_len in 0..=MESSAGE {
            let mut server: Connection<Server, Fixed<256, TX>> =
                Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, Fixed);
            let (begin, end) = long.split_at(long.len().saturating_sub(end_len));
            feed(&mut server, begin);
            let short = masked(&frame(0x82, &vec![7; short_len]), [1, 2, 3, 4]);
            let mut read = [end, &short.repeat((READ - end.len()) / short.len())].concat();
            let mut input = &mut read[..];
            while let Some((event, tx)) = server.receive(&mut input) {
                let Event::Message(message) = event else { panic!("{event:?}") };
                assert_eq!(tx.message(message), Ok(()), "{end_len}, {short_len}");
            }
        }
    }
}

// WS-8.1-01
#[test]
fn text_fails_at_the_first_bad_byte_on_every_kind_of_storage() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let text = frame(0x81, &[b"valid text \xed".as_slice(), &[0xa0], &[b'x'; 100]].concat());
        let (good, rest) = text.split_at(2 + 12);
        for cuts in [0..0, 1..good.len()] {
            let mut client = client(Config::new().delivery(delivery));
            let reported = feed_cut(&mut client, good, cuts);
            assert!(!reported.iter().any(|event| matches!(event, Reported::Failed(_))), "{reported:?}");
            let failed = [Reported::Failed(sansws::Violation::InvalidUtf8.into())];
            assert_eq!(feed(&mut client, &rest[..1]), failed, "{delivery:?}");
        }
    }
}

#[test]
fn each_control_frame_that_arrives_in_pieces_has_only_its_own_payload() {
    let pings = [frame(0x89, b"first"), frame(0x89, b"second"), frame(0x8a, &[7; 125]), frame(0x89, b"")];
    let bytes = pings.concat();
    let reported = feed_cut(&mut client(Config::new()), &bytes, 1..bytes.len());
    let expected = [
        Reported::Ping(b"first".to_vec()),
        Reported::Ping(b"second".to_vec()),
        Reported::Pong(vec![7; 125]),
        Reported::Ping(vec![]),
    ];
    assert_eq!(reported, expected);
}

/// The room for the pong that waits is used again.
#[test]
fn each_pong_that_waits_has_only_the_payload_of_its_ping() {
    let mut client = client(Config::new().max_outgoing(140));
    for round in 0..3 {
        for number in 0..5_u8 {
            feed(&mut client, &frame(0x89, &[number + 10 * round; 40]));
        }
        let sent = frames(&take_outgoing(&mut client));
        assert_eq!(sent.last(), Some(&frame(0x8a, &[4 + 10 * round; 40])));
    }
}

/// [`OUTGOING_RESERVE`] bytes are always enough for a Close. A smaller buffer is a choice of the embedder.
#[test]
fn a_close_that_the_outgoing_buffer_cannot_hold_is_refused_and_changes_nothing() {
    fn server<const TX: usize>() -> Connection<Server, Fixed<64, TX>> {
        Connection::after_handshake_in(Server, Config::new(), Agreed::NONE, Fixed)
    }
    let mut refused = server::<6>();
    assert_eq!(refused.sender().close(CloseCode::NORMAL, "bye"), Err(SendError::TooLarge));
    assert_eq!((refused.state(), refused.outgoing()), (State::Open, &b""[..]));
    let mut fits = server::<7>();
    fits.sender().close(CloseCode::NORMAL, "bye").unwrap();
    assert_eq!((fits.state(), fits.outgoing()), (State::Closing, &b"\x88\x05\x03\xe8bye"[..]));

    let mut refused = server::<1>();
    assert_eq!(refused.sender().close_without_code(), Err(SendError::TooLarge));
    assert_eq!((refused.state(), refused.outgoing()), (State::Open, &b""[..]));
    let mut fits = server::<2>();
    fits.sender().close_without_code().unwrap();
    assert_eq!((fits.state(), fits.outgoing()), (State::Closing, &b"\x88\x00"[..]));
}

/// [`OUTGOING_RESERVE`] bytes are always enough for a pong. In a smaller buffer a waiting pong may never fit,
/// and it must not stop the pongs after it.
#[test]
fn a_waiting_pong_that_the_outgoing_buffer_cannot_hold_is_dropped() {
    let storage = Fixed::<256, 20>;
    let mut client = Connection::after_handshake_in(Client::new(rng()), Config::new(), Agreed::NONE, storage);
    // The second pong waits behind the first one, and has more bytes than the whole buffer.
    let (first, second) = (frame(0x89, b"first"), frame(0x89, &[7; 100]));
    let pings = [Reported::Ping(b"first".to_vec()), Reported::Ping(vec![7; 100])];
    assert_eq!(feed(&mut client, &[first, second].concat()), pings);
    assert_eq!(take_outgoing(&mut client).len(), 2 + 4 + 5);
    assert_eq!(take_outgoing(&mut client), b"");
    assert_eq!(feed(&mut client, &frame(0x89, b"third")), [Reported::Ping(b"third".to_vec())]);
    assert_eq!(take_outgoing(&mut client).len(), 2 + 4 + 5);
    assert_eq!(client.state(), State::Open);
}
