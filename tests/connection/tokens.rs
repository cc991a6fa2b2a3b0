//! A token shows its event as long as the caller keeps the input. With another input it shows other bytes.

use sansws::{Agreed, Config, Connection, Error, Event, EventKind, Message, Server, State, Violation};

const HELLO: [u8; 11] = [0x81, 0x85, 0, 0, 0, 0, b'h', b'e', b'l', b'l', b'o'];

/// Finds the text "hello" and views it in another input.
fn view_in(input: &[u8], check: impl FnOnce(Event<'_>)) -> Connection<Server> {
    let mut connection = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    let mut searched = HELLO;
    let (consumed, token) = connection.find_event(&mut searched);
    let token = token.expect("a whole message");
    assert_eq!((consumed, token.kind()), (searched.len(), EventKind::Message));
    let (event, _) = connection.view(token, input);
    check(event);
    connection
}

#[test]
fn a_token_shows_the_bytes_that_are_in_its_place_now() {
    let shows = |input: &[u8], expected: &str| {
        let connection = view_in(input, |event| assert_eq!(event, Event::Message(Message::Text(expected))));
        assert_eq!(connection.error(), None);
    };
    shows(&HELLO, "hello");
    shows(b"______other and more", "other");
}

#[test]
fn a_token_shows_an_empty_text_if_the_input_is_too_short() {
    for len in 0..HELLO.len() {
        view_in(&HELLO[..len], |event| assert_eq!(event, Event::Message(Message::Text(""))));
    }
}

#[test]
fn a_token_whose_text_is_not_utf_8_fails_the_connection() {
    let connection = view_in(b"______\xff\xff\xff\xff\xff", |event| assert_eq!(event, Event::Failed));
    assert_eq!(connection.error(), Some(Error::Peer(Violation::InvalidUtf8)));
    assert_ne!(connection.state(), State::Open);
    let close = connection.outgoing();
    assert_eq!((close[0], &close[2..4]), (0x88, &[0x03, 0xef][..]), "Close 1007");
}

/// The message and the character lie in memory of the connection, which this call frees.
#[test]
fn a_token_shows_its_message_only_until_the_buffers_are_released() {
    let find = |config: Config, pieces: [&[u8]; 2], is_released: bool| {
        let client = sansws::Client::new(crate::support::rng());
        let mut connection = Connection::after_handshake(client, config, Agreed::NONE);
        let [first, second] = pieces;
        _ = connection.find_event(&mut first.to_vec());
        let (_, token) = connection.find_event(&mut second.to_vec());
        if is_released {
            connection.release_buffers();
        }
        let (event, _) = connection.view(token.expect("the message ends here"), second);
        match event {
            Event::Message(message) => message.as_bytes().to_vec(),
            Event::Part(part) => part.data.as_bytes().to_vec(),
            other => panic!("{other:?}"),
        }
    };
    let parts = Config::new().delivery(sansws::Delivery::Parts);
    for (config, pieces, shown) in [
        (Config::new(), [&b"\x82\x04bi"[..], b"ts"], &b"bits"[..]),
        (Config::new(), [b"\x81\x04te", b"xt"], b"text"),
        (parts, [b"\x81\x02\xc3", b"\xa9"], "\u{e9}".as_bytes()),
    ] {
        assert_eq!(find(config, pieces, false), shown);
        assert_ne!(find(config, pieces, true), shown);
    }
}
