//! The storage without an allocator: the same protocol, within buffers of a fixed size.
#![cfg(feature = "heapless")]

mod support;

use sansws::{
    Accept, Client, ClientRequest, Config, Connection, DataKind, Delivery, Error, Fixed, Limit, Misuse,
    OUTGOING_RESERVE, Server, State,
};
use support::*;

type Small = Fixed<256, 512>;

fn server(config: Config) -> Connection<Server, Small> {
    Connection::open_server_in(config, Fixed)
}

fn client(config: Config) -> Connection<Client<Rng>, Small> {
    Connection::open_client_in(config, rng(), Fixed)
}

#[test]
fn a_conversation_from_the_first_byte() {
    let request = ClientRequest::new("ws://h/chat").unwrap().subprotocols(&["a", "b"]);
    let mut client: Connection<Client<Rng>, Small> =
        Connection::client_in(&request, Config::new(), rng(), Fixed).unwrap();
    let mut server: Connection<Server, Small> = Connection::server_in(Config::new(), Fixed);
    let bytes = take_outgoing(&mut client);
    // In pieces, so that the head goes through the buffer.
    let mut heard = Vec::new();
    for piece in bytes.chunks(50) {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while let Some((event, tx)) = server.receive(&mut input).unwrap() {
            heard.push(format!("{event:?}"));
            if matches!(event, sansws::Event::HandshakeRequest(_)) {
                tx.accept(&Accept::new().subprotocol("b")).unwrap();
            }
        }
    }
    // The last event comes with the next call.
    while let Some((event, _)) = server.receive(&mut &mut [][..]).unwrap() {
        heard.push(format!("{event:?}"));
    }
    assert_eq!(heard.len(), 2, "{heard:?}");
    let answer = take_outgoing(&mut server);
    let cuts: Vec<usize> = (0..answer.len()).collect();
    assert_eq!(feed_cut(&mut client, &answer, cuts), [Heard::Complete]);
    assert_eq!((client.subprotocol(), server.subprotocol()), (Some("b"), Some("b")));

    for _ in 0..50 {
        client.sender().text("hello").unwrap();
        client.sender().ping(b"p").unwrap();
        let bytes = take_outgoing(&mut client);
        assert_eq!(
            feed_cut(&mut server, &bytes, 0..bytes.len()),
            [Heard::text("hello"), Heard::Ping(b"p".to_vec())]
        );
        server.sender().begin(DataKind::Binary).unwrap();
        server.sender().fragment(&[1; 100]).unwrap();
        server.sender().finish(&[2; 100]).unwrap();
        let bytes = take_outgoing(&mut server);
        let joined = [[1; 100], [2; 100]].concat();
        assert_eq!(feed(&mut client, &bytes), [Heard::Pong(b"p".to_vec()), Heard::Binary(joined)]);
    }
    server.sender().close(1001.into(), "bye").unwrap();
    assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Heard::close(1001, "bye")]);
    assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Heard::close(1001, "")]);
    assert!(server.should_disconnect());
}

#[test]
fn a_message_may_fill_the_buffer_and_no_more() {
    let full = frame(0x82, &[7; 256]);
    for cut in [0, 5, full.len() - 1] {
        let mut client = client(Config::new());
        assert_eq!(feed_cut(&mut client, &full, [cut]), [Heard::binary(&[7; 256])], "cut at {cut}");
    }
    // Refused by its header, also where it would lie in one read: what is reported does not depend on that.
    let mut client = client(Config::new());
    assert_eq!(feed(&mut client, &frame(0x82, &[7; 257])), [Heard::Failed(Limit::Message.into())]);
    assert_eq!(frames(client.outgoing()), [close_frame(1009_u16)]);
}

#[test]
fn parts_may_be_of_any_length() {
    let mut client = client(Config::new().delivery(Delivery::Parts).max_message(u64::MAX));
    let large = frame(0x82, &vec![7; 100_000]);
    let heard = feed_cut(&mut client, &large, (0..large.len()).step_by(1000));
    let [Heard::Parts { bytes, is_first: true, is_last: true, .. }] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(bytes.len(), 100_000);
}

#[test]
fn what_waits_to_be_sent_fits_or_is_refused() {
    let mut server = server(Config::new());
    let room = 512 - OUTGOING_RESERVE;
    assert_eq!(server.sender().binary(&[0; 512]), Err(Error::Caller(Misuse::OutgoingFull)));
    assert_eq!(server.sender().binary(&vec![0; room - 3]), Err(Misuse::OutgoingFull.into()));
    server.sender().binary(&vec![0; room - 4]).unwrap();
    assert_eq!(server.outgoing().len(), room);
    // A pong and a Close always do.
    feed(&mut server, &masked(&frame(0x89, &[1; 125]), [1; 4]));
    server.sender().close(1000.into(), &"r".repeat(123)).unwrap();
    assert!(server.outgoing().len() > room + 250);
    assert_eq!(server.state(), State::Closing);
}

#[test]
fn a_head_has_to_fit() {
    let head = |padding: usize| {
        let cookie = "c".repeat(padding);
        format!(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
             Sec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n"
        )
    };
    let fits = 256 - head(0).len();
    let connect = || -> Connection<Server, Small> { Connection::server_in(Config::new(), Fixed) };
    for cut in [0, 10] {
        let accepted = feed_cut(&mut connect(), head(fits).as_bytes(), [cut]);
        assert_eq!(accepted.last(), Some(&Heard::Complete));
        let mut server = connect();
        let refused = feed_cut(&mut server, head(fits + 1).as_bytes(), [cut]);
        assert_eq!(refused, [Heard::Failed(Limit::Head.into())]);
        assert!(server.outgoing().starts_with(b"HTTP/1.1 431 "));
    }
}
