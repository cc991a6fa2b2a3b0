//! Every storage, delivery, compression and role together: a connection delivers the plain messages, whatever
//! the combination and wherever the input is cut.

use super::*;
use sansws::{Borrowed, Fixed, FramesOnly, Heap, Role, Storage};

const RX: usize = 8192;
const TX: usize = 16 * 1024;

/// Whether and how messages are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compression {
    Off,
    Takeover,
    NoTakeover,
}

impl Compression {
    fn agreed(self) -> Agreed {
        match self {
            Self::Off => Agreed::NONE,
            Self::Takeover => Agreed::deflate(DeflateParams::new()),
            Self::NoTakeover => Agreed::deflate(
                DeflateParams::new()
                    .with_client_no_context_takeover(true)
                    .with_server_no_context_takeover(true),
            ),
        }
    }

    /// The unmasked frames of these messages, each message in three fragments with a ping behind the first.
    fn frames(self, messages: &[(u8, Vec<u8>)]) -> Vec<Vec<u8>> {
        let new = || zlib::Deflate::new(6, 15, 8, 0);
        let (mut encoder, mut frames) = (new(), Vec::new());
        for (opcode, message) in messages {
            let (rsv1, payload) = match self {
                Self::Off => (0, message.clone()),
                Self::Takeover => (0x40, encoder.message(message)),
                Self::NoTakeover => (0x40, new().message(message)),
            };
            let (first, rest) = payload.split_at(payload.len() / 3);
            let (second, third) = rest.split_at(rest.len() / 2);
            frames.push(frame(opcode | rsv1, first));
            frames.push(frame(0x89, b"p"));
            frames.push(frame(0x00, second));
            frames.push(frame(0x80, third));
        }
        frames
    }
}

/// Texts and bytes that shrink, that grow, that are empty, that end with long characters, and that fill the
/// receive buffer of the small storages.
fn messages() -> Vec<(u8, Vec<u8>)> {
    vec![
        (1, b"hello hello".to_vec()),
        (1, Vec::new()),
        (2, noise(3000)),
        (1, "a\u{e9}\u{20ac}\u{1f600}".repeat(RX / 10).into_bytes()),
        (2, vec![7; RX]),
        (2, noise(RX)),
        (1, json(RX).into_bytes()),
        (1, b"hello hello".to_vec()),
    ]
}

/// The events of these messages without the pings, with all parts of a message joined.
fn expected(delivery: Delivery, messages: &[(u8, Vec<u8>)]) -> Vec<Reported> {
    let event = |(opcode, bytes): &(u8, Vec<u8>)| match (delivery, opcode) {
        (Delivery::Whole, 1) => Reported::text(std::str::from_utf8(bytes).unwrap()),
        (Delivery::Whole, _) => Reported::binary(bytes),
        _ => Reported::Parts { is_text: *opcode == 1, bytes: bytes.clone(), is_first: true, is_last: true },
    };
    messages.iter().map(event).collect()
}

/// Drops the pings, and joins the parts on both sides of a ping.
fn without_pings(reported: Vec<Reported>) -> Vec<Reported> {
    let mut joined: Vec<Reported> = Vec::new();
    for event in reported.into_iter().filter(|event| !matches!(event, Reported::Ping(_))) {
        match (joined.last_mut(), event) {
            (
                Some(Reported::Parts { bytes: before, is_last: last @ false, .. }),
                Reported::Parts { bytes, is_first: false, is_last, .. },
            ) => {
                before.extend_from_slice(&bytes);
                *last = is_last;
            }
            (_, event) => joined.push(event),
        }
    }
    joined
}

/// Receives and echoes the messages with this storage, in both roles.
fn check<S: Storage>(storage: impl Fn() -> S, name: &str) {
    let messages = messages();
    for compression in [Compression::Off, Compression::Takeover, Compression::NoTakeover] {
        let frames = compression.frames(&messages);
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        for delivery in [Delivery::Whole, Delivery::Parts] {
            let config = config().delivery(delivery);
            let case = format!("{name}, {delivery:?}, {compression:?}");
            let server = || {
                Connection::after_handshake_in(
                    FramesOnly::new(Server),
                    config,
                    compression.agreed(),
                    storage(),
                )
            };
            let client = || {
                let role = FramesOnly::new(Client::new(rng()));
                Connection::after_handshake_in(role, config, compression.agreed(), storage())
            };
            let expected = expected(delivery, &messages);
            receives(server, &masked_all(&frames), &expected, &format!("{case}, server"));
            receives(client, &frames.concat(), &expected, &format!("{case}, client"));
            sends(server(), client(), &messages, &expected, &format!("{case}, server to client"));
            sends(client(), server(), &messages, &expected, &format!("{case}, client to server"));
        }
    }
}

/// Whatever the cuts and the way to take events, the events are these.
fn receives<R: Role, S: Storage>(
    connection: impl Fn() -> Connection<R, S>, bytes: &[u8], expected: &[Reported], case: &str,
) where
    Connection<R, S>: Answer,
{
    for piece in [1, 2, 13, 100, 999, 5000, bytes.len()] {
        for way in [Way::Receive, Way::Tokens] {
            let cuts = (piece..bytes.len()).step_by(piece);
            let mut connection = connection();
            // A slow reader of pongs must not matter here.
            let sent = |connection: &mut Connection<R, S>| drop(take_outgoing(connection));
            let reported = feed_cut_with(&mut connection, bytes, cuts, way, sent);
            assert_eq!(connection.error(), None, "{case}, pieces of {piece}, {way:?}");
            assert!(without_pings(reported) == expected, "{case}, pieces of {piece}, {way:?}");
        }
    }
}

/// Each message that one end sends, in one frame or in fragments, arrives at the other end.
fn sends<A: Role, B: Role, S: Storage>(
    mut from: Connection<A, S>, mut to: Connection<B, S>, messages: &[(u8, Vec<u8>)], expected: &[Reported],
    case: &str,
) where
    Connection<B, S>: Answer,
{
    for ((opcode, bytes), expected) in messages.iter().zip(expected) {
        let message = match opcode {
            1 => Message::Text(std::str::from_utf8(bytes).unwrap()),
            _ => Message::Binary(bytes),
        };
        from.sender().message(message).unwrap();
        let reported = feed(&mut to, &take_outgoing(&mut from));
        assert!(reported == std::slice::from_ref(expected), "{case}, {} bytes", bytes.len());
        from.sender().begin(message.kind()).unwrap();
        let mut sent = Vec::new();
        for piece in bytes.chunks(1001) {
            from.sender().fragment(piece).unwrap();
            sent.extend(take_outgoing(&mut from));
        }
        from.sender().finish(b"").unwrap();
        sent.extend(take_outgoing(&mut from));
        let reported = feed(&mut to, &sent);
        assert!(reported == std::slice::from_ref(expected), "{case}, fragments of {} bytes", bytes.len());
    }
}

// PMD-7.2.2-01 · PMD-7.2.2-02: sections 6 and 7.2 of RFC 7692 know neither storages nor deliveries.
#[test]
fn messages_arrive_on_every_storage_with_every_delivery_and_compression_in_both_roles() {
    check(|| Heap, "Heap");
    check(|| Fixed::<RX, TX>, "Fixed");
    check(|| Borrowed::new(vec![0; RX].leak(), vec![0; TX].leak()), "Borrowed");
}

/// A part is never longer than the receive buffer, so a message may be much longer.
#[test]
fn a_small_receive_buffer_delivers_a_long_compressed_message_in_parts() {
    fn check<S: Storage>(storage: S, size: usize) {
        let text = "a\u{20ac}\u{1f600}".repeat(5000);
        let config = config().delivery(Delivery::Parts);
        let agreed = Compression::Takeover.agreed();
        let mut server = Connection::after_handshake_in(FramesOnly::new(Server), config, agreed, storage);
        let mut bytes = masked_all(&[&compressed(0xc1, text.as_bytes())]);
        let mut input = &mut bytes[..];
        let (mut joined, mut is_last) = (String::new(), false);
        while let Some((event, tx)) = server.receive(&mut input) {
            let sansws::Event::Part(part) = event else { panic!("{event:?}, {:?}, {size}", tx.error()) };
            assert!(part.data.len() <= size.max(4), "{size}");
            joined.push_str(part.data.as_text().unwrap());
            is_last = part.is_last;
        }
        assert!(joined == text && is_last, "{size}");
    }
    check(Fixed::<1, 512>, 1);
    check(Fixed::<2, 512>, 2);
    check(Fixed::<3, 512>, 3);
    check(Fixed::<125, 512>, 125);
    for size in [1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 4096, 16 * 1024, 20_000] {
        let (mut receive, mut send) = (vec![0; size], [0; 512]);
        check(Borrowed::new(&mut receive, &mut send), size);
    }
}

/// Without any room nothing can be decompressed, and that is no fault of the peer.
#[test]
fn a_connection_without_a_receive_buffer_fails_with_limit_memory() {
    let config = config().delivery(Delivery::Parts);
    let agreed = Compression::Takeover.agreed();
    let storage = Fixed::<0, 512>;
    let mut server = Connection::after_handshake_in(FramesOnly::new(Server), config, agreed, storage);
    let reported = feed(&mut server, &masked_all(&[&frame(0xc1, &HELLO)]));
    assert_eq!(reported, [Reported::Failed(Limit::Memory.into())]);
}

// PMD-6-03: the worst case of compression need not fit into the outgoing buffer.
#[test]
fn a_message_as_long_as_the_outgoing_buffer_is_sent_compressed_on_every_storage() {
    fn check<S: Storage>(storage: S) {
        let text = json(TX - sansws::OUTGOING_RESERVE - 8);
        let agreed = Compression::Takeover.agreed();
        let mut server = Connection::after_handshake_in(FramesOnly::new(Server), config(), agreed, storage);
        let mut client = client_with(config(), DeflateParams::new());
        for _ in 0..2 {
            server.sender().text(&text).unwrap();
            let sent = take_outgoing(&mut server);
            assert!(sent[0] == 0xc1 && sent.len() < text.len() / 2, "{} bytes", sent.len());
            assert_eq!(feed(&mut client, &sent), [Reported::text(&text)]);
        }
        // A message that does not shrink is sent all the same.
        let noise = noise(TX - sansws::OUTGOING_RESERVE - 8);
        server.sender().binary(&noise).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::binary(&noise)]);
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text(&text)]);
    }
    check(Heap);
    check(Fixed::<0, TX>);
    let mut send = vec![0; TX];
    check(Borrowed::new(&mut [], &mut send));
}
