//! Subprotocols of any length, on every storage. Several services take a token as a subprotocol, because a
//! browser cannot send an `Authorization` header (RFC 6455 sections 1.9 and 11.3.4 set no limit).

use crate::support::{Reported, Rng, feed, feed_cut, rng, take_outgoing};
use sansws::{
    Accept, Client, ClientRequest, Config, Connection, Event, Heap, Misuse, Reply, SendError, Server, Storage,
};
#[cfg(feature = "heapless")]
use sansws::{Borrowed, Fixed, Limit, OUTGOING_RESERVE};

type ClientOn<S> = Connection<Client<Rng>, S>;
type ServerOn<S> = Connection<Server, S>;

/// A client that offers these subprotocols.
fn client_on<S: Storage>(storage: S, offered: &[&str]) -> Result<ClientOn<S>, SendError> {
    let request = ClientRequest::new("ws://h/").unwrap().subprotocols(offered);
    Connection::client_in(&request, Config::new(), rng(), storage)
}

/// Gives a request to the server, in pieces of this length. Returns the offered subprotocols.
fn offers<S: Storage>(server: &mut ServerOn<S>, request: &[u8], piece: usize) -> Vec<String> {
    for bytes in request.chunks(piece) {
        let mut bytes = bytes.to_vec();
        match server.receive(&mut &mut bytes[..]) {
            None => {}
            Some((Event::HandshakeRequest(request), _)) => {
                return request.subprotocols().map(str::to_string).collect();
            }
            Some(other) => panic!("{other:?}"),
        }
    }
    panic!("no request");
}

/// Both ends agree on `chosen`, and then exchange more bytes than their buffers hold.
#[track_caller]
fn agree<C: Storage, S: Storage>(client: C, server: S, offered: &[&str], chosen: &str) {
    let mut client = client_on(client, offered).unwrap();
    let mut server = Connection::server_in(Config::new(), server);
    let request = take_outgoing(&mut client);
    assert_eq!(offers(&mut server, &request, 1000), offered);
    assert_eq!(
        server.sender().accept(&Accept::new().subprotocol("other")),
        Err(Misuse::SubprotocolNotOffered.into())
    );
    server.sender().accept(&Accept::new().subprotocol(chosen)).unwrap();
    assert_eq!(feed(&mut server, b""), [Reported::Complete]);
    let answer = take_outgoing(&mut server);
    assert_eq!(feed_cut(&mut client, &answer, [answer.len() / 2]), [Reported::Complete]);
    for _ in 0..3 {
        assert_eq!((client.subprotocol(), server.subprotocol()), (Some(chosen), Some(chosen)));
        let text = "x".repeat(client.sender().max_room().min(server.sender().max_room()).min(3000));
        client.sender().text(&text).unwrap();
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Reported::text(&text)]);
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text(&text)]);
    }
}

/// A token of this many bytes.
fn token(len: usize) -> String {
    "0123456789-abcdef._~".chars().cycle().take(len).collect()
}

// WS-4.2.2-15 · WS-11.3.4-01
#[test]
fn a_long_token_may_be_a_subprotocol_on_every_storage() {
    for len in [1, 50, 99, 100, 101, 300, 1500] {
        let long = token(len);
        for (offered, chosen) in [
            (&[&long[..]][..], &long[..]),
            (&["chat", &long], "chat"),
            (&["chat", &long], &long),
            (&[&long, "v1", "chat"], "v1"),
        ] {
            agree(Heap, Heap, offered, chosen);
            #[cfg(feature = "heapless")]
            {
                let mut buffers = [[0; 4096]; 4];
                let [a, b, c, d] = &mut buffers;
                agree(Fixed::<4096, 4096>, Fixed::<4096, 4096>, offered, chosen);
                agree(Borrowed::new(a, b), Borrowed::new(c, d), offered, chosen);
                agree(Heap, Fixed::<4096, 4096>, offered, chosen);
                agree(Fixed::<4096, 4096>, Heap, offered, chosen);
            }
        }
    }
}

/// The number of bytes from which on a call works. It fails with every smaller number.
#[cfg(feature = "heapless")]
fn smallest(works: impl Fn(usize) -> bool) -> usize {
    let smallest = (0..10_000).find(|&len| works(len)).unwrap();
    assert!((smallest..smallest + 300).all(works));
    smallest
}

/// Whether a server with a send buffer of this length reports the request. If not, it fails.
#[cfg(feature = "heapless")]
fn is_reported(request: &[u8], send: usize) -> bool {
    let (mut receive, mut send) = (vec![0; request.len()], vec![0; send]);
    let storage = Borrowed::new(&mut receive, &mut send);
    let mut server: ServerOn<Borrowed<'_>> = Connection::server_in(Config::new(), storage);
    match server.receive(&mut &mut request.to_vec()[..]) {
        Some((Event::HandshakeRequest(_), _)) => true,
        Some((Event::Failed, _)) => false,
        other => panic!("{other:?}"),
    }
}

#[cfg(feature = "heapless")]
#[test]
fn the_send_buffer_holds_the_offers_next_to_the_request_or_the_answer() {
    let long = token(1500);
    // A client needs its request, and the offer with a comma.
    let request = take_outgoing(&mut client_on(Heap, &[&long]).unwrap());
    let needed = smallest(|len| {
        let mut send = vec![0; len];
        let made = client_on(Borrowed::new(&mut [], &mut send), &[&long]).map(drop);
        assert!(made.is_ok() || made == Err(SendError::TooLarge));
        made.is_ok()
    });
    assert_eq!(needed, request.len() + long.len() + 1);

    // A server keeps the header with a comma until it has answered. The header has a space in front.
    let kept = " ,".len() + long.len();
    let accept = |send: usize, name: Option<&str>| {
        let (mut receive, mut send) = (vec![0; request.len()], vec![0; send]);
        let mut server: ServerOn<Borrowed<'_>> =
            Connection::server_in(Config::new(), Borrowed::new(&mut receive, &mut send));
        let mut input = request.clone();
        match server.receive(&mut &mut input[..]) {
            Some((Event::HandshakeRequest(_), tx)) => {
                let accept = name.map_or(Accept::new(), |name| Accept::new().subprotocol(name));
                let result = tx.accept(&accept);
                assert!(result.is_ok() || result == Err(SendError::TooLarge));
                // After a refusal the request still waits.
                assert!(result.is_ok() || tx.reject(&Reply::new(503)).is_ok() || tx.outgoing_len() == 0);
                result.is_ok()
            }
            Some((Event::Failed, tx)) => {
                assert_eq!(tx.error(), Some(Limit::Head.into()));
                false
            }
            other => panic!("{other:?}"),
        }
    };
    // Offers that leave no room for an answer are reported too: the embedder may still see them.
    assert_eq!(smallest(|len| is_reported(&request, len)), kept);
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_eq!(smallest(|len| accept(len, None)), head.len() + kept);
    let header = "Sec-WebSocket-Protocol: \r\n";
    let answer = head.len() + header.len() + long.len();
    assert_eq!(smallest(|len| accept(len, Some(&long))), answer + kept);
}

#[cfg(feature = "heapless")]
#[test]
fn offers_without_room_are_answered_with_431() {
    let request = take_outgoing(&mut client_on(Heap, &["chat", &token(1500)]).unwrap());
    for send in [200, 512, 1000, 1505] {
        let (mut receive, mut send) = (vec![0; 4096], vec![0; send]);
        let mut server: ServerOn<Borrowed<'_>> =
            Connection::server_in(Config::new(), Borrowed::new(&mut receive, &mut send));
        assert_eq!(feed(&mut server, &request), [Reported::Failed(Limit::Head.into())]);
        assert!(take_outgoing(&mut server).starts_with(b"HTTP/1.1 431 "));
        assert_eq!(server.subprotocol(), None);
    }
}

#[cfg(feature = "heapless")]
#[test]
fn the_agreed_subprotocol_takes_its_length_from_the_send_buffer() {
    let open = |name: Option<&str>| {
        let long = token(1500);
        let request = take_outgoing(&mut client_on(Heap, &["chat", &long]).unwrap());
        let mut server: ServerOn<Fixed<4096, 4096>> = Connection::server_in(Config::new(), Fixed);
        offers(&mut server, &request, 5000);
        server.sender().accept(&name.map_or(Accept::new(), |name| Accept::new().subprotocol(name))).unwrap();
        let _ = take_outgoing(&mut server);
        server
    };
    let room = 4096 - OUTGOING_RESERVE - 4;
    for (name, len) in [(None, 0), (Some("chat"), 4), (Some(&token(1500)[..]), 1500)] {
        let mut server = open(name);
        assert_eq!(server.sender().max_room(), room - len);
        // A pong and a Close still have room of their own.
        let text = "x".repeat(room - len);
        server.sender().text(&text).unwrap();
        assert_eq!(
            feed(&mut server, &crate::support::masked(&crate::support::frame(0x89, &[7; 125]), [1; 4])).len(),
            2
        );
        server.sender().close(1000.into(), &"r".repeat(123)).unwrap();
        assert_eq!(server.outgoing().len(), 4 + text.len() + 127 + 127);
        assert_eq!(server.subprotocol(), name);
    }
}

#[test]
fn no_subprotocol_remains_after_a_rejection() {
    fn reject<S: Storage>(storage: S) {
        let mut server = Connection::server_in(Config::new(), storage);
        let request = take_outgoing(&mut client_on(Heap, &["chat"]).unwrap());
        assert_eq!(offers(&mut server, &request, 5000), ["chat"]);
        assert_eq!(server.subprotocol(), None);
        server.sender().reject(&Reply::new(403)).unwrap();
        assert_eq!(server.subprotocol(), None);
    }
    reject(Heap);
    #[cfg(feature = "heapless")]
    reject(Fixed::<512, 512>);
}

/// The offers of the first header lie in the send buffer when those of the second one turn out to be too
/// long. The answer then needs the room of the first ones.
#[cfg(feature = "heapless")]
#[test]
fn offers_without_room_in_a_second_header_are_answered_with_431_too() {
    let request = take_outgoing(&mut client_on(Heap, &[&token(150)]).unwrap());
    let second = format!("\r\nSec-WebSocket-Protocol: {}\r\n\r\n", token(300));
    let request = [request.strip_suffix(b"\r\n\r\n").unwrap(), second.as_bytes()].concat();
    for len in [200, 400] {
        let (mut receive, mut send) = (vec![0; 4096], vec![0; len]);
        let mut server: ServerOn<Borrowed<'_>> =
            Connection::server_in(Config::new(), Borrowed::new(&mut receive, &mut send));
        assert_eq!(feed(&mut server, &request), [Reported::Failed(Limit::Head.into())]);
        assert!(take_outgoing(&mut server).starts_with(b"HTTP/1.1 431 "), "{len}");
    }
}
