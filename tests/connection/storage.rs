//! Ways to make a connection without an allocator: lent buffers, constants, roles without an opening
//! handshake.

use crate::support::*;
use rand::SeedableRng;
use sansws::{
    Accept, Agreed, Borrowed, Client, ClientRequest, Config, Connection, DataKind, Event, Fixed, FramesOnly,
    Limit, Message, OUTGOING_RESERVE, Role, SendError, Server, State, Storage,
};
use std::sync::Mutex;

const CONFIG: Config = Config::new().keep_headers(&["cookie"]);

/// A connection that exists before the program runs, as in firmware.
static STATIC: Mutex<Connection<FramesOnly<Server>, Fixed<256, 512>>> =
    Mutex::new(Connection::const_after_handshake(FramesOnly::new(Server), CONFIG, Agreed::NONE));

/// Opens the connection of a server and lets it echo a message. Returns the bytes that the server wrote.
fn conversation<S: Storage>(mut server: Connection<Server, S>) -> Vec<u8> {
    let request = ClientRequest::new("ws://h/").unwrap().headers(&[("Cookie", "a=b")]);
    let mut client = Connection::client(&request, Config::new(), rng()).unwrap();
    let mut bytes = take_outgoing(&mut client);
    bytes.extend(masked(&frame(0x81, b"hi"), [1, 2, 3, 4]));
    let mut input = &mut bytes[..];
    while let Some((event, tx)) = server.receive(&mut input) {
        match event {
            Event::HandshakeRequest(request) => {
                assert_eq!(request.header("cookie"), Some("a=b"));
                tx.accept(&Accept::new()).unwrap();
            }
            Event::Message(message) => tx.binary(message.as_bytes()).unwrap(),
            _ => {}
        }
    }
    take_outgoing(&mut server)
}

#[test]
fn a_constant_can_hold_a_connection_that_waits_for_a_request() {
    const NEW: Connection<Server, Fixed<256, 512>> = Connection::const_server(CONFIG);
    let written = conversation(NEW);
    assert!(written.ends_with(b"\x82\x02hi"));
    assert_eq!(written, conversation::<Fixed<256, 512>>(Connection::server_in(CONFIG, Fixed)));
}

/// These functions are called at run time here. In a constant, the result of the compiler is the same.
#[test]
fn a_connection_from_a_constant_function_has_the_limits_of_its_storage() {
    let storage = Fixed::<64, 400>;
    let mut others = [
        Connection::after_handshake_in(FramesOnly::new(Server), CONFIG, Agreed::NONE, storage),
        Connection::const_after_handshake(FramesOnly::new(Server), CONFIG, Agreed::NONE),
    ];
    for connection in &mut others {
        assert_eq!(connection.sender().max_room(), 400 - OUTGOING_RESERVE - 4);
        for (len, expected) in
            [(64, Reported::binary(&[7; 64])), (65, Reported::Failed(Limit::Message.into()))]
        {
            let message = masked(&frame(0x82, &vec![7; len]), [1, 2, 3, 4]);
            assert_eq!(feed_cut(connection, &message, 1..message.len()), [expected]);
        }
    }
}

#[test]
fn a_static_can_hold_an_open_connection() {
    let mut server = STATIC.lock().unwrap();
    assert_talks(&mut server, &masked(&frame(0x81, b"hi"), [1, 2, 3, 4]), b"\x81\x05hello");
    assert_eq!(server.sender().message_header(Message::Text("abc")).unwrap().as_bytes(), b"\x81\x03");
}

/// Asserts that an open connection understands the frame `hi`, whole and byte by byte, and sends `hello`.
fn assert_talks<R: Role, S: Storage>(connection: &mut Connection<R, S>, hi: &[u8], hello: &[u8])
where
    Connection<R, S>: Answer,
{
    assert_eq!(connection.state(), State::Open);
    assert_eq!(feed(connection, hi), [Reported::text("hi")]);
    assert_eq!(feed_cut(connection, hi, 0..hi.len()), [Reported::text("hi")]);
    connection.sender().text("hello").unwrap();
    assert_eq!(take_outgoing(connection), hello);
}

#[test]
fn a_frames_only_role_behaves_like_its_role_after_the_opening_handshake() {
    let storage = || Fixed::<256, 512>;
    let hi = masked(&frame(0x81, b"hi"), [1, 2, 3, 4]);
    let mut server = Connection::after_handshake_in(FramesOnly::new(Server), CONFIG, Agreed::NONE, storage());
    assert_talks(&mut server, &hi, b"\x81\x05hello");
    // The server reads bytes that look like a request as frames.
    let mut plain = Connection::after_handshake_in(Server, CONFIG, Agreed::NONE, storage());
    assert_eq!(feed(&mut server, b"GET / HTTP/1.1\r\n\r\n"), feed(&mut plain, b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(take_outgoing(&mut server), take_outgoing(&mut plain));
    assert!(server.should_disconnect());

    let mut reference: Connection<Client<Rng>> =
        Connection::after_handshake(Client::new(rng()), CONFIG, Agreed::NONE);
    reference.sender().text("hello").unwrap();
    let hello = take_outgoing(&mut reference);
    assert_talks(
        &mut Connection::after_handshake_in(
            FramesOnly::new(Client::new(rng())),
            CONFIG,
            Agreed::NONE,
            storage(),
        ),
        &frame(0x81, b"hi"),
        &hello,
    );
    let mut client: Connection<FramesOnly<Client<Rng>>, Fixed<256, 512>> = Connection::const_after_handshake(
        FramesOnly::new(Client::new(Rng::seed_from_u64(7))),
        CONFIG,
        Agreed::NONE,
    );
    assert_talks(&mut client, &frame(0x81, b"hi"), &hello);
    let failed = client.receive_eof().map(|event| matches!(event, Event::Failed));
    assert_eq!(failed, client.error().map(|_| true));
}

#[test]
fn buffers_of_any_size_can_be_lent() {
    let (mut receive, mut send) = ([0xaa; 256], [0xbb; 600]);
    let written = conversation(Connection::server_in(CONFIG, Borrowed::new(&mut receive, &mut send)));
    assert!(written.ends_with(b"\x82\x02hi"));

    // A message may be as large as the receive buffer, and a frame as large as the send buffer, but not
    // larger. The buffers can be lent again.
    let hi = masked(&frame(0x81, b"hi"), [1, 2, 3, 4]);
    for room in [16, 100, 256] {
        let (receive, send) = (&mut receive[..room], &mut send[..room + OUTGOING_RESERVE]);
        let mut server = Connection::after_handshake_in(
            FramesOnly::new(Server),
            CONFIG,
            Agreed::NONE,
            Borrowed::new(receive, send),
        );
        assert_talks(&mut server, &hi, b"\x81\x05hello");
        let full = masked(&frame(0x82, &vec![7; room]), [1, 2, 3, 4]);
        assert_eq!(feed_cut(&mut server, &full, 0..full.len()), [Reported::binary(&vec![7; room])]);
        let header = if room < 126 { 2 } else { 4 };
        let tx = server.sender();
        assert_eq!(tx.binary(&vec![1; room - header + 1]), Err(SendError::TooLarge));
        tx.begin(DataKind::Binary).unwrap();
        tx.finish(&vec![1; room - header]).unwrap();
        assert_eq!(take_outgoing(&mut server).len(), room);
        let more = masked(&frame(0x82, &vec![7; room + 1]), [1, 2, 3, 4]);
        assert_eq!(feed(&mut server, &more), [Reported::Failed(Limit::Message.into())]);
    }
    // With empty buffers, the connection can neither send nor receive a message.
    let mut server = Connection::after_handshake_in(
        FramesOnly::new(Server),
        CONFIG,
        Agreed::NONE,
        Borrowed::new(&mut [], &mut []),
    );
    assert_eq!(server.sender().text(""), Err(SendError::TooLarge));
    assert_eq!(feed(&mut server, &hi), [Reported::Failed(Limit::Message.into())]);
    assert_eq!(server.outgoing(), b"");
}

#[cfg(feature = "deflate")]
#[test]
fn a_connection_in_a_constant_cannot_compress() {
    use sansws::deflate::{DeflateConfig, DeflateParams};
    use std::panic::catch_unwind;
    const COMPRESSED: Config = CONFIG.deflate(DeflateConfig::new());
    type Small<R> = Connection<R, Fixed<256, 512>>;
    let agreed = Agreed::deflate(DeflateParams::new());
    assert!(catch_unwind(|| -> Small<Server> { Connection::const_server(COMPRESSED) }).is_err());
    let after =
        |config, agreed| -> Small<Server> { Connection::const_after_handshake(Server, config, agreed) };
    assert!(catch_unwind(|| after(COMPRESSED, Agreed::NONE)).is_err());
    assert!(catch_unwind(|| after(CONFIG, agreed)).is_err());
    assert_eq!(after(CONFIG, Agreed::NONE).deflate(), None);
}
