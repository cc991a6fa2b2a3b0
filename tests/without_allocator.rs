//! Connections in a build without an allocator. Most other tests of connections need an allocator, although
//! the library does not.
#![cfg(feature = "heapless")]

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{
    Accept, Borrowed, Client, ClientRequest, CloseCode, Config, Connection, DataKind, Delivery, Event, Fixed,
    Message, Role, Server, Storage, Violation,
};

/// Takes the bytes that a connection has to write.
fn sent<R: Role, S: Storage>(connection: &mut Connection<R, S>) -> Vec<u8> {
    let bytes = connection.outgoing().to_vec();
    connection.mark_sent(bytes.len());
    bytes
}

/// The two ends of a connection after the opening handshake.
fn open<S: Storage, C: Storage>(
    config: Config, server: S, client: C,
) -> (Connection<Server, S>, Connection<Client<StdRng>, C>) {
    let request = ClientRequest::new("ws://h/chat").unwrap().subprotocols(&["a", "b"]);
    let mut client = Connection::client_in(&request, config, StdRng::seed_from_u64(7), client).unwrap();
    let mut server = Connection::server_in(config, server);

    let mut bytes = sent(&mut client);
    let Some((Event::HandshakeRequest(request), tx)) = server.receive(&mut &mut bytes[..]) else { panic!() };
    assert_eq!(request.target(), "/chat");
    tx.accept(&Accept::new().subprotocol("b")).unwrap();
    assert!(matches!(server.receive(&mut &mut [][..]), Some((Event::HandshakeComplete(_), _))));

    let mut bytes = sent(&mut server);
    assert!(matches!(client.receive(&mut &mut bytes[..]), Some((Event::HandshakeComplete(_), _))));
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("b"), Some("b")));
    (server, client)
}

/// Describes the events of these bytes, which arrive in pieces of `piece` bytes. The parts of a message are
/// joined.
fn events<R: Role, S: Storage>(
    connection: &mut Connection<R, S>, bytes: &[u8], piece: usize, by_token: bool,
) -> Vec<String> {
    let (mut events, mut parts) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        let mut piece = piece.to_vec();
        let mut start = 0;
        loop {
            let mut rest = &mut piece[start..];
            let len = rest.len();
            let event = if by_token {
                let (consumed, token) = connection.find_event(rest);
                let searched = start..;
                start += consumed;
                token.map(|token| connection.view(token, &piece[searched]).0)
            } else {
                let found = connection.receive(&mut rest);
                start += len - rest.len();
                found.map(|(event, _)| event)
            };
            let Some(event) = event else { break };
            events.push(match event {
                Event::Message(Message::Text(text)) => format!("text {text}"),
                Event::Message(Message::Binary(bytes)) => format!("binary {bytes:?}"),
                Event::Part(part) => {
                    assert_eq!(part.is_first, parts.is_empty());
                    parts.extend_from_slice(part.data.as_bytes());
                    if !part.is_last {
                        continue;
                    }
                    match part.data {
                        Message::Text(_) => format!("text {}", std::str::from_utf8(&parts).unwrap()),
                        Message::Binary(_) => format!("binary {parts:?}"),
                    }
                }
                Event::Ping(payload) => format!("ping {payload:?}"),
                Event::Pong(payload) => format!("pong {payload:?}"),
                Event::Close(close) => format!("close {} {}", u16::from(close.code), close.reason),
                Event::Failed => "failed".to_string(),
                other => panic!("{other:?}"),
            });
            if matches!(events.last(), Some(message) if message.starts_with(['t', 'b'])) {
                parts.clear();
            }
        }
    }
    events
}

/// Both ends understand each other, however the bytes are cut.
fn talk<S: Storage, C: Storage>(
    new: impl Fn(Config) -> (Connection<Server, S>, Connection<Client<StdRng>, C>),
) {
    for (delivery, by_token) in
        [(Delivery::Whole, false), (Delivery::Whole, true), (Delivery::Parts, false), (Delivery::Parts, true)]
    {
        for piece in [1, 2, 3, 7, 1000] {
            let (mut server, mut client) = new(Config::new().delivery(delivery));
            let tx = client.sender();
            tx.text("hello").unwrap();
            tx.text("").unwrap();
            tx.binary(&[7; 5]).unwrap();
            tx.begin(DataKind::Text).unwrap();
            tx.fragment(b"gr\xc3").unwrap();
            tx.ping(b"p").unwrap();
            tx.finish(b"\xbcn \xe2\x82\xac").unwrap();
            tx.begin(DataKind::Binary).unwrap();
            tx.fragment(&[1; 3]).unwrap();
            tx.finish(&[2; 2]).unwrap();
            tx.close(CloseCode::NORMAL, "bye").unwrap();
            let bytes = sent(&mut client);
            let case = format!("{delivery:?} {piece} {by_token}");
            assert_eq!(
                events(&mut server, &bytes, piece, by_token),
                [
                    "text hello", "text ", "binary [7, 7, 7, 7, 7]", "ping [112]", "text grün €",
                    "binary [1, 1, 1, 2, 2]", "close 1000 bye",
                ],
                "{case}"
            );
            let bytes = sent(&mut server);
            let answers = events(&mut client, &bytes, piece, by_token);
            assert_eq!(answers, ["pong [112]", "close 1000 "], "{case}");
            assert!(server.should_disconnect() && server.is_closed_cleanly(), "{case}");
            client.receive_eof();
            assert!(client.is_closed_cleanly(), "{case}");
        }
    }
}

#[test]
fn two_ends_with_buffers_inside_of_the_connections_understand_each_other() {
    talk(|config| open(config, Fixed::<256, 512>, Fixed::<256, 512>));
}

#[test]
fn two_ends_with_lent_buffers_understand_each_other() {
    talk(|config| {
        let buffer = |len| Box::leak(vec![0; len].into_boxed_slice());
        open(config, Borrowed::new(buffer(256), buffer(512)), Borrowed::new(buffer(256), buffer(512)))
    });
}

// WS-8.1-01
#[test]
fn a_text_that_is_not_utf_8_fails_on_every_delivery() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        for piece in [1, 1000] {
            let (_, mut client) =
                open(Config::new().delivery(delivery), Fixed::<256, 512>, Fixed::<256, 512>);
            assert_eq!(events(&mut client, b"\x81\x03\xff!!", piece, false), ["failed"], "{delivery:?}");
            assert_eq!(client.error(), Some(Violation::InvalidUtf8.into()));
            assert_eq!(client.outgoing().len(), 2 + 4 + 2, "a Close with a code");
        }
    }
}
