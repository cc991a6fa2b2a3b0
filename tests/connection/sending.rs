//! Sending without a copy, and sending one message to many connections.

use crate::support::*;
use sansws::{
    Agreed, Client, Config, Connection, DataKind, Message, Misuse, PreparedMessage, Role, SendError, Server,
    Storage,
};

#[test]
fn a_header_can_be_made_for_a_payload_that_the_caller_writes() {
    let mut server = open_server();
    assert_eq!(server.sender().message_header(Message::Text("hello")).unwrap().as_bytes(), b"\x81\x05");
    let header = server.sender().message_header(Message::Text("hello")).unwrap();
    assert_eq!(AsRef::<[u8]>::as_ref(&header), b"\x81\x05");
    assert_eq!(server.sender().binary_header(1 << 40).unwrap().as_bytes(), b"\x82\x7f\0\0\x01\0\0\0\0\0");
    assert!(server.outgoing().is_empty());
    let most = (1 << 63) - 1;
    assert_eq!(server.sender().binary_header(most).unwrap().as_bytes().len(), 10);
    assert_eq!(server.sender().binary_header(most + 1), Err(Misuse::PayloadTooLong.into()));
}

#[test]
fn a_header_is_refused_while_other_frames_are_queued() {
    let mut server = open_server();
    server.sender().ping(b"").unwrap();
    assert_eq!(server.sender().message_header(Message::Text("t")), Err(SendError::NotNow));
    let mut payload = *b"payload";
    let refused = server.sender().mask_in_place(DataKind::Binary, &mut payload);
    assert_eq!(refused, Err(SendError::NotNow));
    let mut client = open_client();
    client.sender().ping(b"").unwrap();
    assert!(client.sender().mask_in_place(DataKind::Binary, &mut payload).is_err());
    assert_eq!(&payload, b"payload", "a refused call masks nothing");
    take_outgoing(&mut client);
    client.sender().mask_in_place(DataKind::Binary, &mut payload).unwrap();
}

#[test]
fn mask_in_place_masks_the_payload_in_the_buffer_of_the_caller() {
    let mut client = open_client();
    let mut payload = *b"in place";
    let header = client.sender().mask_in_place(DataKind::Text, &mut payload).unwrap();
    assert_ne!(&payload, b"in place");
    let mut server = open_server();
    assert_eq!(feed(&mut server, &[header.as_bytes(), &payload].concat()), [Reported::text("in place")]);

    let mut payload = *b"not \xff text";
    assert_eq!(client.sender().mask_in_place(DataKind::Text, &mut payload), Err(Misuse::InvalidUtf8.into()));
    assert_eq!(&payload, b"not \xff text");
}

#[test]
fn a_prepared_message_has_the_same_bytes_as_an_ordinary_one() {
    for len in [0, 1, 125, 126, 65535, 65536] {
        let text = "x".repeat(len);
        let prepared =
            [PreparedMessage::text(&text).unwrap(), PreparedMessage::binary(text.as_bytes()).unwrap()];
        let mut servers = [open_server(), open_server()];
        servers[0].sender().prepared(&prepared[0]).unwrap();
        servers[0].sender().prepared(&prepared[1]).unwrap();
        servers[1].sender().text(&text).unwrap();
        servers[1].sender().binary(text.as_bytes()).unwrap();
        assert_eq!(servers[0].outgoing(), servers[1].outgoing());

        let mut client = open_client();
        client.sender().prepared(&prepared[0]).unwrap();
        client.sender().prepared(&prepared[1]).unwrap();
        let mut server = open_server();
        assert_eq!(
            feed(&mut server, client.outgoing()),
            [Reported::text(&text), Reported::binary(text.as_bytes())]
        );
    }
}

#[test]
fn released_buffers_are_allocated_anew() {
    let mut server = Connection::after_handshake(Server, Config::new().keep_capacity(4096), Agreed::NONE);
    for _ in 0..2 {
        feed_cut(&mut server, &masked(b"\x81\x05hello", [1; 4]), [3, 7]);
        server.sender().text("hi").unwrap();
        server.release_buffers();
        assert_eq!(take_outgoing(&mut server), b"\x81\x02hi", "frames that are not written yet are kept");
        server.release_buffers();
    }
}

/// The payload that just fits, and one that is a byte longer, are tried for each form of the header.
#[test]
fn room_is_the_longest_payload_that_fits() {
    // Around these limits a longer header leaves less room for the payload.
    let limits = (0..20).chain(120..145).chain(0xfff0..0x1_0020).chain([3 << 20]);
    for limit in limits {
        let config = Config::new().max_outgoing(limit);
        assert_room(Connection::after_handshake(Server, config, Agreed::NONE), limit, 2);
        assert_room(Connection::after_handshake(Client::new(rng()), config, Agreed::NONE), limit, 6);
    }
}

#[cfg(feature = "heapless")]
#[test]
fn room_is_the_longest_payload_that_fits_a_storage_of_fixed_size() {
    use sansws::{Borrowed, Fixed, OUTGOING_RESERVE};
    const TX: usize = 200 + OUTGOING_RESERVE;
    // The storage is smaller than the limit of the configuration, so the storage decides.
    let config = Config::new();
    assert_room(Connection::after_handshake_in(Server, config, Agreed::NONE, Fixed::<64, TX>), 200, 2);
    for len in [OUTGOING_RESERVE - 1, OUTGOING_RESERVE, OUTGOING_RESERVE + 1, OUTGOING_RESERVE + 6, TX] {
        let (mut receive, mut send) = ([0; 64], [0; TX]);
        let storage = Borrowed::new(&mut receive, &mut send[..len]);
        let client = Connection::after_handshake_in(Client::new(rng()), config, Agreed::NONE, storage);
        assert_room(client, len.saturating_sub(OUTGOING_RESERVE), 6);
    }
}

/// Asserts that `room` and `max_room` are right for an empty connection with this limit, whose shortest frame
/// has `least` bytes.
fn assert_room<R: Role, S: Storage>(mut connection: Connection<R, S>, limit: usize, least: usize) {
    let max = connection.sender().max_room();
    assert_eq!(connection.sender().room(), max, "no bytes wait");
    let payload = vec![7; max + 1];
    let tx = connection.sender();
    assert_eq!(tx.binary(&payload), Err(SendError::TooLarge), "{limit}");
    assert_eq!(tx.outgoing_len(), 0);
    if limit < least {
        assert_eq!((max, tx.binary(b"")), (0, Err(SendError::TooLarge)), "{limit}");
        return;
    }
    tx.binary(&payload[..max]).unwrap();
    assert!(tx.outgoing_len() <= limit);
    if limit - tx.outgoing_len() < least {
        assert_eq!((tx.room(), tx.binary(b"")), (0, Err(SendError::NotNow)), "{limit}");
    }
    // While bytes wait, a payload that fits later is told apart from one that never fits.
    if max > 0 {
        assert_eq!(tx.binary(&payload[..max]), Err(SendError::NotNow), "{limit}");
    }
    assert_eq!(tx.binary(&payload), Err(SendError::TooLarge), "{limit}");
    // Once the bytes are written there is room again, for fragments as well as for messages.
    take_outgoing(&mut connection);
    let tx = connection.sender();
    tx.begin(DataKind::Binary).unwrap();
    assert_eq!(tx.fragment(&payload), Err(SendError::TooLarge), "{limit}");
    tx.fragment(&payload[..max]).unwrap();
    let room = tx.room();
    assert_eq!(
        tx.finish(&payload[..=room]),
        Err(if room < max { SendError::NotNow } else { SendError::TooLarge })
    );
}

#[test]
fn a_message_of_3_mib_never_fits_the_default_queue_of_2_mib() {
    let large = vec![7; 3 << 20];
    let mut server = open_server();
    assert_eq!(server.sender().binary(&large), Err(SendError::TooLarge));
    assert_eq!(server.sender().prepared(&PreparedMessage::binary(&large).unwrap()), Err(SendError::TooLarge));
    // A message of 1.5 MiB fits, and a second one fits once the first is written.
    let half = &large[..3 << 19];
    server.sender().binary(half).unwrap();
    assert_eq!(server.sender().binary(half), Err(SendError::NotNow));
    assert_eq!(server.sender().prepared(&PreparedMessage::binary(half).unwrap()), Err(SendError::NotNow));
    server.mark_sent(usize::MAX);
    server.sender().binary(half).unwrap();
}

/// So an embedder that writes before it sends again never waits in vain.
#[test]
fn not_now_is_returned_only_while_bytes_wait() {
    use rand::RngExt;
    let mut random = rng();
    let mut refusals = 0;
    let mut client =
        Connection::after_handshake(Client::new(rng()), Config::new().max_outgoing(500), Agreed::NONE);
    for _ in 0..10_000 {
        let payload = vec![7; random.random_range(0..600)];
        let tx = client.sender();
        let waiting = tx.outgoing_len();
        let result = match random.random_range(0..4) {
            0 => tx.text(std::str::from_utf8(&payload).unwrap()),
            1 => tx.ping(&payload),
            2 => tx.prepared(&PreparedMessage::binary(&payload).unwrap()),
            _ => tx.mask_in_place(DataKind::Binary, &mut [1]).map(drop),
        };
        if result == Err(SendError::NotNow) {
            assert!(waiting > 0);
            refusals += 1;
        }
        client.mark_sent(random.random_range(0..600));
    }
    assert!(refusals > 100, "{refusals}");
}

/// The buffer moves the few bytes that wait to its front, and appends the new message.
#[test]
fn bytes_that_wait_behind_a_long_message_stay_in_order() {
    let mut server = open_server();
    server.sender().binary(&vec![1; 200_000]).unwrap();
    server.sender().text("waits").unwrap();
    server.mark_sent(server.outgoing().len() - 9);
    server.sender().text("new").unwrap();
    assert_eq!(server.outgoing(), b"\x01\x01\x81\x05waits\x81\x03new");
}

/// A client's header has the masking key behind the length, and `Debug` leaves out only that.
#[test]
fn debug_shows_a_header_without_its_key() {
    let mut server = open_server();
    for (len, shown) in [(5, "FrameHeader([82, 05])"), (300, "FrameHeader([82, 7e, 01, 2c])")] {
        assert_eq!(format!("{:?}", server.sender().binary_header(len).unwrap()), shown);
        let mut client = Connection::after_handshake(Client::new(rng()), Config::new(), Agreed::NONE);
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        let header = client.sender().mask_in_place(DataKind::Binary, &mut payload).unwrap();
        let masked = shown.replace(" 05", " 85").replace(" 7e", " fe");
        assert_eq!(format!("{header:?}"), masked);
    }
}
