//! The limits of `WebSocket`, between two QUIC connections in one process. The tests make up the time, so no
//! test waits for it.

use http3::quic::{client_config, new_connection_id, server_config};
use http3::websocket::{H3_NO_ERROR, H3_REQUEST_CANCELLED, WebSocket};
use quiche::h3::{self, Header};
use quiche::{Error, RecvInfo};
use sansws::{Agreed, Client, Config, Connection, Event, FramesOnly, Server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// Beyond this many waiting bytes a `WebSocket` reads nothing.
const PAUSE_AT: usize = 64 << 10;

/// The directory with the certificates. One is made for all tests.
fn certificates() -> &'static PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("certificates");
        std::fs::create_dir_all(&directory).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop/certificates");
        assert!(Command::new(script).arg(&directory).status().expect("bash and openssl").success());
        directory
    })
}

/// A client that is only HTTP/3, and a server with a WebSocket on the stream of the client's request.
struct Pair {
    client: (quiche::Connection, h3::Connection),
    server: (quiche::Connection, h3::Connection),
    socket: WebSocket<FramesOnly<Server>>,
    stream: u64,
    /// How the stream ended, once the client has read everything before it.
    end: Option<h3::Event>,
}

impl Pair {
    /// The client allows the server to send `window` bytes on the stream before it reads.
    fn new(window: u64) -> Self {
        let file = |name: &str| certificates().join(name).into_os_string().into_string().unwrap();
        let mut server_config = server_config(&file("server.pem"), &file("server.key")).unwrap();
        let mut client_config = client_config().unwrap();
        client_config.load_verify_locations_from_file(&file("ca.pem")).unwrap();
        client_config.set_initial_max_stream_data_bidi_local(window);
        let (client_id, server_id) = (new_connection_id(), new_connection_id());
        let [client_at, server_at] = ADDRESSES.map(|text| text.parse::<SocketAddr>().unwrap());
        let mut client =
            quiche::connect(Some("localhost"), &client_id, client_at, server_at, &mut client_config).unwrap();
        let mut server = quiche::accept(&server_id, None, server_at, client_at, &mut server_config).unwrap();
        deliver(&mut client, &mut server);
        assert!(client.is_established() && server.is_established());

        let mut settings = h3::Config::new().unwrap();
        settings.enable_extended_connect(true);
        let mut client_h3 = h3::Connection::with_transport(&mut client, &settings).unwrap();
        let mut server_h3 = h3::Connection::with_transport(&mut server, &settings).unwrap();
        let request = [Header::new(b":method", b"CONNECT"), Header::new(b":protocol", b"websocket")];
        let stream = client_h3.send_request(&mut client, &request, false).unwrap();
        deliver(&mut client, &mut server);
        assert!(
            matches!(server_h3.poll(&mut server), Ok((found, h3::Event::Headers { .. })) if found == stream)
        );
        server_h3.send_response(&mut server, stream, &[Header::new(b":status", b"200")], false).unwrap();
        deliver(&mut client, &mut server);
        assert!(matches!(client_h3.poll(&mut client), Ok((_, h3::Event::Headers { .. }))));
        let connection = Connection::after_handshake(FramesOnly::new(Server), Config::new(), Agreed::NONE);
        let socket = WebSocket::new(stream, connection, Duration::ZERO);
        let mut pair =
            Self { client: (client, client_h3), server: (server, server_h3), socket, stream, end: None };
        // The time in a state counts from the first turn with it.
        pair.turn(Duration::ZERO);
        pair
    }

    /// The server's turn: the WebSocket echoes messages.
    fn turn(&mut self, now: Duration) {
        let (quic, h3) = &mut self.server;
        // One read takes all that has arrived, so a WebSocket that pauses has to keep the rest.
        let mut buffer = vec![0; 1 << 20];
        loop {
            while let Ok((_, event)) = h3.poll(quic) {
                match event {
                    h3::Event::Finished => self.socket.peer_finished(),
                    h3::Event::Reset(_) => self.socket.lost(quic),
                    _ => {}
                }
            }
            let mut echo = |event: Event<'_>, tx: &mut sansws::Sender<_, _>| {
                if let Event::Message(message) = event {
                    tx.message(message).unwrap();
                }
            };
            if !self.socket.turn(quic, h3, &mut buffer, now, &mut echo) {
                break;
            }
        }
        deliver(&mut self.client.0, &mut self.server.0);
    }

    fn send(&mut self, bytes: &[u8], is_last: bool) -> usize {
        let (quic, h3) = &mut self.client;
        let len = h3.send_body(quic, self.stream, bytes, is_last).unwrap_or(0);
        deliver(&mut self.client.0, &mut self.server.0);
        len
    }

    /// Everything that the client can read now.
    fn received(&mut self) -> Vec<u8> {
        let (quic, h3) = &mut self.client;
        let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok((_, event)) = h3.poll(quic) {
            if event != h3::Event::Data {
                self.end.get_or_insert(event);
            }
            while let Ok(len) = h3.recv_body(quic, self.stream, &mut buffer) {
                received.extend_from_slice(&buffer[..len]);
            }
        }
        deliver(&mut self.client.0, &mut self.server.0);
        received
    }
}

const ADDRESSES: [&str; 2] = ["127.0.0.1:1000", "127.0.0.1:2000"];

/// Carries packets between both ends until neither has any.
fn deliver(client: &mut quiche::Connection, server: &mut quiche::Connection) {
    let mut packet = [0; 2048];
    loop {
        let mut has_any = false;
        let mut carry = |from: &mut quiche::Connection, to: &mut quiche::Connection| {
            while let Ok((len, info)) = from.send(&mut packet) {
                has_any = true;
                to.recv(&mut packet[..len], RecvInfo { from: info.from, to: info.to }).unwrap();
            }
        };
        carry(client, server);
        carry(server, client);
        if !has_any {
            return;
        }
    }
}

/// What a client sends for these messages.
fn frames(messages: &[&[u8]]) -> Vec<u8> {
    let role = FramesOnly::new(Client::new(rand::rng()));
    let mut connection = Connection::after_handshake(role, Config::new(), Agreed::NONE);
    for message in messages {
        connection.sender().binary(message).unwrap();
    }
    connection.take_outgoing(Vec::new())
}

const MASKED_CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_client_that_does_not_answer_a_ping_is_given_up_and_the_stream_is_reset() {
    let mut pair = Pair::new(1000);
    pair.turn(millis(29_999));
    assert_eq!(pair.received(), []);
    pair.turn(millis(30_000));
    assert_eq!(pair.received(), [0x89, 4, 0, 0, 0, 1]);
    pair.turn(millis(49_999));
    assert_eq!((pair.socket.is_over(), pair.received()), (false, vec![]));
    assert_eq!(pair.end, None);
    pair.turn(millis(50_000));
    // H3-3-06
    assert_eq!((pair.socket.is_over(), pair.received()), (true, vec![]));
    assert_eq!(pair.end, Some(h3::Event::Reset(H3_REQUEST_CANCELLED)));
    assert!(pair.socket.outcome().starts_with("given up: "));
    // The client may not send any more either, so its QUIC has forgotten the stream.
    let (quic, _) = &mut pair.client;
    assert_eq!(quic.stream_capacity(pair.stream), Err(Error::InvalidStreamState(pair.stream)));
}

#[test]
fn after_the_fin_of_the_server_the_client_has_three_seconds_for_its_own() {
    let mut pair = Pair::new(1000);
    pair.send(&MASKED_CLOSE, false);
    pair.turn(millis(1000));
    assert_eq!(pair.received(), [0x88, 2, 0x03, 0xe8]);
    // H3-3-05
    assert_eq!(pair.end, Some(h3::Event::Finished));
    assert_eq!(pair.socket.next_deadline(), Some(millis(4000)));
    pair.turn(millis(3999));
    assert!(!pair.socket.is_over());
    pair.turn(millis(4000));
    assert!(pair.socket.is_over());
    assert_eq!(pair.socket.outcome(), "closed cleanly: 1000 (normal)");
    let (quic, _) = &mut pair.client;
    assert_eq!(quic.stream_capacity(pair.stream), Err(Error::StreamStopped(H3_NO_ERROR)));
}

#[test]
fn a_client_that_ends_its_direction_and_does_not_read_has_three_seconds() {
    let mut pair = Pair::new(1000);
    let message = [7; 2000];
    pair.send(&frames(&[&message]), true);
    pair.turn(millis(1000));
    assert_eq!(pair.socket.next_deadline(), Some(millis(4000)));
    pair.turn(millis(3999));
    assert!(!pair.socket.is_over());
    pair.turn(millis(4000));
    assert!(pair.socket.is_over());
    pair.received();
    assert_eq!(pair.end, Some(h3::Event::Reset(H3_REQUEST_CANCELLED)));
}

#[test]
fn a_client_that_ends_its_direction_in_time_is_not_stopped() {
    let mut pair = Pair::new(1000);
    pair.send(&MASKED_CLOSE, true);
    pair.turn(millis(1000));
    assert!(pair.socket.is_over());
    assert_eq!(pair.received(), [0x88, 2, 0x03, 0xe8]);
    assert_eq!(pair.end, Some(h3::Event::Finished));
}

#[test]
fn a_websocket_reads_no_more_while_64_kib_wait_and_loses_nothing() {
    const WINDOW: u64 = 1000;
    let mut pair = Pair::new(WINDOW);
    let message = [7; 1000];
    let sent = frames(&[&message[..]; 300]);
    let mut rest = &sent[..];
    // The client reads nothing yet.
    for _ in 0..100 {
        let len = pair.send(rest, true);
        rest = &rest[len..];
        pair.turn(millis(1));
    }
    let waiting = pair.socket.connection.outgoing().len();
    let echo = message.len() + 4;
    assert!((PAUSE_AT..PAUSE_AT + echo).contains(&waiting), "{waiting} bytes wait");
    // Now it reads, and only what it has read gives the server new credit.
    let mut received = Vec::new();
    let mut turns = 0;
    while pair.end.is_none() {
        received.extend(pair.received());
        if !rest.is_empty() {
            let len = pair.send(rest, true);
            rest = &rest[len..];
        }
        pair.turn(millis(2));
        turns += 1;
        assert!(turns < 10_000, "{} of {} bytes", received.len(), 300 * echo);
    }
    received.extend(pair.received());
    assert_eq!(received.len(), 300 * echo);
    assert!(
        received.chunks(echo).all(|frame| frame[..4] == [0x82, 126, 0x03, 0xe8] && frame[4..] == message)
    );
}
