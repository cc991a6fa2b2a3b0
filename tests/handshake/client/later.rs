//! A client's connection that is made first, and gets its request later.

use super::*;

fn request(subprotocols: &'static [&'static str]) -> ClientRequest<'static> {
    ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(subprotocols)
}

// WS-4.1-01
#[test]
fn a_client_that_gets_its_request_later_opens_the_same_connection() {
    let mut expected = offering_client();
    let mut client = Connection::before_handshake_in(Config::new(), SAMPLE, sansws::Heap);
    assert_eq!((client.state(), client.outgoing()), (State::Connecting, &b""[..]));
    assert!(!client.should_disconnect());
    assert_eq!(client.sender().text("early"), Err(Misuse::NotOpenYet.into()));

    client.connect(&request(&OFFERED)).unwrap();
    let text = take_outgoing(&mut client);
    assert_eq!(text, new_client(&request(&OFFERED), Config::new()).unwrap().outgoing());
    let mut stream = response(&[Add("Sec-WebSocket-Protocol", "chat")]);
    stream.extend(frame(0x81, b"hi"));
    for client in [&mut expected, &mut client] {
        assert_eq!(feed(client, &stream), [Reported::Complete, Reported::text("hi")]);
        assert_eq!((client.state(), client.subprotocol()), (State::Open, Some("chat")));
    }
}

#[test]
fn a_client_takes_no_bytes_before_it_has_a_request() {
    let mut client = Connection::before_handshake_in(Config::new(), SAMPLE, sansws::Heap);
    // An answer to no request must not open the connection.
    let mut bytes = response(&[]);
    let len = bytes.len();
    let mut input = &mut bytes[..];
    assert!(client.receive(&mut input).is_none());
    assert_eq!((input.len(), client.state(), client.error()), (len, State::Connecting, None));
    assert_eq!(client.find_event(input), (0, None));

    client.connect(&request(&[])).unwrap();
    assert_eq!(feed(&mut client, &response(&[])), [Reported::Complete]);
}

#[test]
fn a_client_gets_one_request() {
    let begun = Err(Misuse::HandshakeBegun.into());
    let mut client = Connection::before_handshake_in(Config::new(), SAMPLE, sansws::Heap);
    client.connect(&request(&[])).unwrap();
    assert_eq!(client.connect(&request(&[])), begun);
    let text = take_outgoing(&mut client);
    assert_eq!(text.windows(4).filter(|bytes| bytes == b"GET ").count(), 1);
    feed(&mut client, &response(&[]));
    assert_eq!((client.connect(&request(&[])), client.state()), (begun, State::Open));
    assert_eq!(new_client(&request(&[]), Config::new()).unwrap().connect(&request(&[])), begun);

    // The transport ends before there is a request.
    let mut client = Connection::before_handshake_in(Config::new(), SAMPLE, sansws::Heap);
    assert!(matches!(client.receive_eof(), Some(Event::Failed)));
    assert_eq!(client.error(), Some(HandshakeError::UnexpectedEof.into()));
    assert_eq!((client.connect(&request(&[])), client.outgoing()), (begun, &b""[..]));
}

#[test]
fn a_request_that_was_refused_leaves_the_client_as_it_was() {
    let room = new_client(&request(&[]), Config::new()).unwrap().outgoing().len();
    let config = Config::new().max_outgoing(room);
    let mut client = Connection::before_handshake_in(config, SAMPLE, sansws::Heap);
    assert_eq!(client.connect(&request(&["a b"])), Err(Misuse::InvalidSubprotocol.into()));
    assert_eq!(client.connect(&request(&["chat"])), Err(SendError::TooLarge));
    assert_eq!((client.state(), client.outgoing()), (State::Connecting, &b""[..]));
    client.connect(&request(&[])).unwrap();
    // The subprotocol of the refused request is forgotten.
    assert_eq!(
        feed(&mut client, &response(&[Add("Sec-WebSocket-Protocol", "chat")])),
        [Reported::Failed(HandshakeError::SubprotocolNotOffered.into())]
    );
}

#[cfg(feature = "heapless")]
#[test]
fn a_client_in_fixed_memory_gets_its_request_later() {
    use sansws::Fixed;
    // Room for the request, but not for one with long names.
    const TX: usize = 480;
    let text = request_text(&request(&["chat"]));
    let mut place: Option<Connection<Client<crate::heads::Fixed>, Fixed<256, TX>>> = None;
    let client = place.insert(Connection::before_handshake_in(Config::new(), SAMPLE, Fixed));
    let long =
        ["a-subprotocol-of-many-letters", "b-subprotocol-of-many-letters", "c-subprotocol-of-many-letters"];
    let refused = ClientRequest::new("ws://server.example/chat").unwrap().subprotocols(&long);
    assert_eq!(client.connect(&refused), Err(SendError::TooLarge));
    assert_eq!(client.outgoing(), b"");
    client.connect(&request(&["chat"])).unwrap();
    assert_eq!(take_outgoing(client), text.as_bytes());
    let stream = response(&[Add("Sec-WebSocket-Protocol", "chat")]);
    assert_eq!(feed_cut(client, &stream, 0..stream.len()), [Reported::Complete]);
    assert_eq!(client.subprotocol(), Some("chat"));
}
