//! Messages as values: borrowed, owned, and in logs.

use crate::support::*;
use sansws::rand_core::{TryCryptoRng, TryRng};
use sansws::{Close, CloseCode, DataKind, Event, Message, OwnedMessage, Part, PreparedMessage};
use std::collections::HashSet;

const SECRET: &str = "c0rrect-horse";

#[test]
fn a_message_shows_its_kind_and_payload() {
    let text = Message::from("grün");
    assert_eq!(text, Message::Text("grün"));
    assert_eq!((text.kind(), text.as_text(), text.len()), (DataKind::Text, Some("grün"), 5));
    assert_eq!((text.as_bytes(), text.as_ref()), ("grün".as_bytes(), "grün".as_bytes()));
    let binary = Message::from(&b"grn"[..]);
    assert_eq!(binary, Message::Binary(b"grn"));
    assert_eq!((binary.kind(), binary.as_text(), binary.len()), (DataKind::Binary, None, 3));
    assert!(!text.is_empty() && Message::from("").is_empty() && Message::Binary(b"").is_empty());
}

#[test]
fn messages_of_different_kinds_are_never_equal() {
    let all: HashSet<Message<'_>> = [Message::Text("a"), Message::Binary(b"a"), Message::Text("a")].into();
    assert_eq!(all.len(), 2);
}

#[test]
fn an_owned_message_converts_from_and_to_a_borrowed_one() {
    for message in [Message::Text("a"), Message::Binary(b"\xff"), Message::Text("")] {
        let owned = OwnedMessage::try_from(message).unwrap();
        assert_eq!(Ok(&owned), message.into_owned().as_ref());
        assert_eq!(Message::from(&owned), message);
        assert_eq!(owned, message);
        assert_eq!(message, owned);
        assert_eq!(owned.as_ref(), message.as_bytes());
        assert_ne!(owned, Message::Text("other"));
    }
    assert_eq!(OwnedMessage::from("a".to_owned()), Message::Text("a"));
    assert_eq!(OwnedMessage::from(b"a".to_vec()), Message::Binary(b"a"));
}

/// The connection copies payload only if a message comes in pieces.
#[test]
fn a_message_whose_header_came_alone_is_not_copied() {
    for opcode in [0x81, 0x82] {
        for len in [1, 2, 125] {
            let mut server = open_server();
            let mut bytes = masked(&frame(opcode, &vec![b'a'; len]), [1, 2, 3, 4]);
            let (mut header, mut payload) = bytes.split_at_mut(6);
            assert!(server.receive(&mut header).is_none());
            let place = payload.as_ptr();
            match server.receive(&mut payload) {
                Some((Event::Message(message), _)) => {
                    assert_eq!((message.as_bytes().as_ptr(), message.len()), (place, len), "{opcode:x}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_message_is_sent_as_its_kind() {
    for message in [Message::Text("hi"), Message::Binary(b"hi")] {
        let (mut server, mut by_kind) = (open_server(), open_server());
        server.sender().message(message).unwrap();
        match message {
            Message::Text(text) => by_kind.sender().text(text).unwrap(),
            Message::Binary(bytes) => by_kind.sender().binary(bytes).unwrap(),
        }
        assert_eq!(server.outgoing(), by_kind.outgoing());
    }
}

#[test]
fn events_are_compared_by_their_content() {
    let mut server = open_server();
    let mut bytes = masked_all(&[b"\x81\x02hi", b"\x89\x01p", &close_frame(1000_u16)]);
    let mut input = &mut bytes[..];
    let expected = [
        Event::Message(Message::Text("hi")),
        Event::Ping(b"p"),
        Event::Close(Close::new(CloseCode::NORMAL, "")),
    ];
    for expected in expected {
        let (event, _) = server.receive(&mut input).unwrap();
        assert_eq!(event, expected);
        assert_ne!(event, Event::Message(Message::Binary(b"hi")));
    }
}

#[test]
fn debug_output_contains_no_payload_and_no_key() {
    let text = Message::Text(SECRET);
    let close = Close::new(CloseCode::NORMAL, SECRET);
    let key = [0x13, 0x57, 0x9b, 0xdf];
    let mut client = sansws::Connection::after_handshake(
        sansws::Client::new(Keys(key)),
        sansws::Config::new(),
        sansws::Agreed::NONE,
    );
    let header = client.sender().mask_in_place(DataKind::Text, &mut SECRET.as_bytes().to_vec()).unwrap();
    assert!(header.as_bytes().ends_with(&key));
    let shown = [
        format!("{text:?}"),
        format!("{:?}", Message::Binary(SECRET.as_bytes())),
        format!("{:?}", text.into_owned().unwrap()),
        format!("{:?}", PreparedMessage::try_from(text).unwrap()),
        format!("{close:?}"),
        format!("{:?}", Part::new(text, true, false)),
        format!("{:?}", Event::Message(text)),
        format!("{:?}", Event::Part(Part::new(text, true, false))),
        format!("{:?}", Event::Ping(SECRET.as_bytes())),
        format!("{:?}", Event::Pong(SECRET.as_bytes())),
        format!("{:?}", Event::Close(close)),
        format!("{header:?}"),
    ];
    for shown in shown {
        let is_secret = |secret: &str| shown.contains(secret);
        assert!(!is_secret(SECRET), "{shown}");
        assert!(!is_secret(&format!("{:?}", SECRET.as_bytes())[1..10]), "{shown}");
        assert!(!is_secret("13, 57, 9b, df") && !is_secret("19, 87, 155, 223"), "{shown}");
    }
    assert_eq!(format!("{:?}", Event::Message(text)), "Message(Text(13 bytes))");
    assert_eq!(format!("{close:?}"), "Close(1000 (normal), reason of 13 bytes)");
}

/// A generator that draws the same key every time.
struct Keys([u8; 4]);

impl TryRng for Keys {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_ne_bytes(self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!()
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        unreachable!()
    }
}

impl TryCryptoRng for Keys {}

#[test]
fn states_are_displayed_with_their_names() {
    use sansws::State::{Closed, Closing, Connecting, Open};
    let names = [Connecting, Open, Closing, Closed].map(|state| state.to_string());
    assert_eq!(names, ["connecting", "open", "closing", "closed"]);
}

#[test]
fn threads_can_share_a_prepared_message() {
    let prepared = std::sync::Arc::new(PreparedMessage::text("hi").unwrap());
    let clone = prepared.clone();
    let sent = std::thread::spawn(move || {
        let mut server = open_server();
        server.sender().prepared(&clone).unwrap();
        server.outgoing().to_vec()
    });
    assert_eq!(sent.join().unwrap(), b"\x81\x02hi");
}
