//! Section 4.2.2: the server accepts the request.

use super::*;

// WS-4.2.2-01 · WS-4.2.2-17 · WS-4.2.2-23 · WS-4.2.2-24 · WS-4.2.2-25 · WS-4.2.2-26 · WS-4.2.2-29
#[test]
fn an_acceptance_has_the_required_headers() {
    let mut server = server_with_request(&[]);
    assert!(server.outgoing().is_empty(), "nothing is sent before the decision");
    assert_eq!(server.state(), State::Connecting);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(server.state(), State::Open);
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
    assert_eq!(server.subprotocol(), None);
}

// WS-4.2.2-10
#[test]
fn white_space_around_the_key_is_ignored() {
    assert_accepted(&[Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==   ")]);
    assert_accepted(&[Set("Sec-WebSocket-Key", " \t dGhlIHNhbXBsZSBub25jZQ==\t")]);
}

// WS-4.2.2-11 · WS-4.2.2-12 · WS-4.4-01
#[test]
fn a_refusal_of_another_version_names_the_supported_one() {
    let mut server = server();
    feed(&mut server, &request(&[Set("Sec-WebSocket-Version", "25")]));
    let answer = take_outgoing(&mut server);
    assert!(answer.starts_with(b"HTTP/1.1 426 "));
    let named: Vec<_> =
        text_of(&answer).lines().filter(|line| line.to_ascii_lowercase().contains("version")).collect();
    assert_eq!(named, ["Sec-WebSocket-Version: 13"]);
    assert!(text_of(&answer).contains("\r\nUpgrade: websocket\r\n"));
    // An embedder with its own HTTP stack gets the same answer.
    assert_eq!(HandshakeError::VersionNotSupported.http_status(), Some(426));
    assert_eq!(
        HandshakeError::VersionNotSupported.http_headers(),
        [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    );
}

// WS-4.2.2-15
#[test]
fn only_a_subprotocol_that_was_offered_can_be_chosen() {
    let mut server = server_with_request(&[Add("Sec-WebSocket-Protocol", "chat, superchat")]);
    for name in ["other", "Chat", "chat, superchat", "chat,superchat", "cha", "chat ", "superchat\r\nX: y"] {
        let refused = server.sender().accept(&Accept::new().subprotocol(name));
        assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()), "{name}");
        assert!(server.outgoing().is_empty());
        assert_eq!((server.state(), server.subprotocol()), (State::Connecting, None));
    }
    // The request still waits for a decision.
    server.sender().accept(&Accept::new().subprotocol("superchat")).unwrap();
    assert_eq!((server.state(), server.subprotocol()), (State::Open, Some("superchat")));
}

// WS-4.2.2-16
#[test]
fn no_subprotocol_can_be_chosen_if_none_was_offered() {
    let mut server = server_with_request(&[]);
    let refused = server.sender().accept(&Accept::new().subprotocol("chat"));
    assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()));
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
}

// WS-4.2.2-18
#[test]
fn an_empty_subprotocol_cannot_be_chosen() {
    for changes in
        [&[][..], &[Add("Sec-WebSocket-Protocol", "chat")], &[Add("Sec-WebSocket-Protocol", ",a,,")]]
    {
        let mut server = server_with_request(changes);
        let refused = server.sender().accept(&Accept::new().subprotocol(""));
        assert_eq!(refused, Err(Misuse::SubprotocolNotOffered.into()));
        assert!(server.outgoing().is_empty());
    }
}

// WS-4.2.2-19 · WS-4.2.2-27 · WS-11.3.4-02
#[test]
fn an_acceptance_names_the_chosen_subprotocol_once() {
    let mut server = server_with_request(&[
        Add("Sec-WebSocket-Protocol", "superchat"),
        Add("Sec-WebSocket-Protocol", "chat"),
    ]);
    // The header cannot be added in another way.
    for name in ["Sec-WebSocket-Protocol", "sec-websocket-protocol"] {
        let headers = [(name, "chat")];
        let accept = Accept::new().subprotocol("chat").headers(&headers);
        assert_eq!(server.sender().accept(&accept), Err(Misuse::ReservedHeader.into()));
    }
    server.sender().accept(&Accept::new().subprotocol("chat")).unwrap();
    let expected = ACCEPTED.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
    assert_eq!(text_of(server.outgoing()), expected);
    assert_eq!(server.subprotocol(), Some("chat"));
}

// WS-4.2.2-17
#[test]
fn an_offer_of_subprotocols_may_be_declined() {
    let mut server = server_with_request(&[Add("Sec-WebSocket-Protocol", "chat")]);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
    assert_eq!(server.subprotocol(), None);
}

// WS-4.2.2-30
#[test]
fn frames_may_follow_the_acceptance_at_once() {
    let mut server = server_with_request(&[]);
    let tx = server.sender();
    assert_eq!(tx.text("early"), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.ping(b""), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.begin(DataKind::Text), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.close(CloseCode::NORMAL, ""), Err(Misuse::NotOpenYet.into()));
    assert_eq!(tx.outgoing_len(), 0);
    tx.accept(&Accept::new()).unwrap();
    tx.text("hi").unwrap();
    assert_eq!(take_outgoing(&mut server), [ACCEPTED.as_bytes(), b"\x81\x02hi"].concat());
}

#[test]
fn an_acceptance_may_carry_further_headers() {
    let mut server = server_with_request(&[Add("Sec-WebSocket-Protocol", "chat")]);
    let headers = [("Set-Cookie", "a=b"), ("Set-Cookie", "c=\u{fc}\td"), ("X-Empty", "")];
    server.sender().accept(&Accept::new().subprotocol("chat").headers(&headers)).unwrap();
    let expected = ACCEPTED.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\nSet-Cookie: c=\u{fc}\td\r\nX-Empty: \r\n\r\n",
    );
    assert_eq!(text_of(server.outgoing()), expected);
}

#[test]
fn headers_that_would_break_an_acceptance_apart_are_refused() {
    let mut server = server_with_request(&[]);
    for field in INVALID_HEADERS {
        for fields in [&[field][..], &[("Ok", "ok"), field]] {
            let refused = server.sender().accept(&Accept::new().headers(fields));
            assert_eq!(refused, Err(Misuse::InvalidHeader.into()), "{field:?}");
        }
    }
    for name in [
        "Upgrade", "uPGRADE", "Connection", "CONNECTION", "Sec-WebSocket-Accept", "sec-websocket-accept",
        "SEC-WEBSOCKET-EXTENSIONS", "Sec-WebSocket-Version", "Sec-WebSocket-Foo", "Content-Length",
        "transfer-encoding",
    ] {
        let refused = server.sender().accept(&Accept::new().headers(&[(name, "a")]));
        assert_eq!(refused, Err(Misuse::ReservedHeader.into()), "{name}");
    }
    assert!(server.outgoing().is_empty());
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(text_of(server.outgoing()), ACCEPTED);
}

#[test]
fn a_request_is_answered_once() {
    let no_request = Err(Misuse::NoRequest.into());
    let mut server = server();
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    feed(&mut server, b"GET / HTTP/1.1\r\n");
    assert_eq!(server.sender().accept(&Accept::new()), no_request, "the head is not complete");

    let mut server = server_with_request(&[]);
    server.sender().accept(&Accept::new()).unwrap();
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    assert_eq!(server.sender().respond(&Reply::new(200)), no_request);
    assert_eq!(take_outgoing(&mut server), ACCEPTED.as_bytes());

    let mut server = server_with_request(&[]);
    server.sender().reject(&Reply::new(403)).unwrap();
    let answer = server.outgoing().to_vec();
    assert_eq!(server.sender().reject(&Reply::new(403)), no_request);
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(take_outgoing(&mut server), answer);

    let mut server = self::server();
    feed(&mut server, b"garbage\r\n\r\n");
    assert_eq!(server.sender().accept(&Accept::new()), no_request);
    assert_eq!(take_outgoing(&mut server), BAD_REQUEST.as_bytes());
}

#[test]
fn no_subprotocol_is_agreed_on_without_an_acceptance() {
    let offer = [Add("Sec-WebSocket-Protocol", "chat, superchat")];
    let mut server = server_with_request(&offer);
    assert_eq!(server.subprotocol(), None);
    server.sender().reject(&Reply::new(403)).unwrap();
    assert_eq!(server.subprotocol(), None, "rejected");
    let mut server = server_with_request(&offer);
    let _ = server.receive_eof();
    assert_eq!(server.subprotocol(), None, "ended");
}

#[test]
fn a_decision_may_come_late() {
    let hi = masked(&frame(0x81, b"hi"), [1, 2, 3, 4]);
    let mut bytes = [request(&[]), hi.clone()].concat();
    let mut input = &mut bytes[..];
    let mut server = server();
    assert!(matches!(server.receive(&mut input), Some((Event::HandshakeRequest(_), _))));
    // Until the decision no input is consumed.
    for _ in 0..2 {
        assert!(server.receive(&mut input).is_none());
        assert_eq!(&*input, hi);
        let mut nothing = &mut [][..];
        assert!(server.receive(&mut nothing).is_none());
    }
    assert_eq!((server.state(), server.error()), (State::Connecting, None));
    server.sender().accept(&Accept::new()).unwrap();
    // The handshake is reported as complete once, without any input.
    let mut nothing = &mut [][..];
    assert!(matches!(
        server.receive(&mut nothing),
        Some((Event::HandshakeComplete(handshake), _)) if handshake.response().is_none()
    ));
    assert!(server.receive(&mut nothing).is_none());
    // The connection then continues with the same input.
    assert!(matches!(server.receive(&mut input), Some((Event::Message(sansws::Message::Text("hi")), _))));
    assert!(input.is_empty());
}

#[test]
fn a_decision_may_come_with_the_event() {
    let mut bytes = request(&[]);
    let mut input = &mut bytes[..];
    let mut server = server();
    let Some((Event::HandshakeRequest(request), tx)) = server.receive(&mut input) else { panic!() };
    assert_eq!(request.path(), "/chat");
    tx.accept(&Accept::new()).unwrap();
    tx.text("hi").unwrap();
    assert!(matches!(server.receive(&mut input), Some((Event::HandshakeComplete(_), _))));
}
