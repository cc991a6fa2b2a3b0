//! Sending without a copy, and to many.

use crate::support::*;
use sansws::{Config, Connection, DataKind, Misuse, PreparedMessage};

#[test]
fn a_header_alone_for_payloads_that_the_caller_writes() {
    let mut server = open_server();
    assert_eq!(&server.sender().text_header("hello").unwrap()[..], b"\x81\x05");
    assert_eq!(&server.sender().binary_header(1 << 40).unwrap()[..], b"\x82\x7f\0\0\x01\0\0\0\0\0");
    assert!(server.outgoing().is_empty());
    let most = (1 << 63) - 1;
    assert_eq!(server.sender().binary_header(most).unwrap().len(), 10);
    assert_eq!(server.sender().binary_header(most + 1), Err(Misuse::PayloadTooLong.into()));
}

#[test]
fn what_is_queued_goes_before_a_header() {
    let mut server = open_server();
    server.sender().ping(b"").unwrap();
    assert_eq!(server.sender().text_header("t"), Err(Misuse::OutgoingPending.into()));
    let mut payload = *b"payload";
    let refused = server.sender().frame_in_place(DataKind::Binary, &mut payload);
    assert_eq!(refused, Err(Misuse::OutgoingPending.into()));
    let mut client = open_client();
    client.sender().ping(b"").unwrap();
    assert!(client.sender().frame_in_place(DataKind::Binary, &mut payload).is_err());
    assert_eq!(&payload, b"payload", "a refused call masks nothing");
    take_outgoing(&mut client);
    client.sender().frame_in_place(DataKind::Binary, &mut payload).unwrap();
}

#[test]
fn a_payload_in_place_is_masked_where_it_lies() {
    let mut client = open_client();
    let mut payload = *b"in place";
    let header = client.sender().frame_in_place(DataKind::Text, &mut payload).unwrap();
    assert_ne!(&payload, b"in place");
    let mut server = open_server();
    assert_eq!(feed(&mut server, &[&header[..], &payload].concat()), [Heard::text("in place")]);

    let mut payload = *b"not \xff text";
    assert_eq!(client.sender().frame_in_place(DataKind::Text, &mut payload), Err(Misuse::InvalidUtf8.into()));
    assert_eq!(&payload, b"not \xff text");
}

#[test]
fn a_prepared_message_is_what_each_connection_would_send() {
    for len in [0, 1, 125, 126, 65535, 65536] {
        let text = "x".repeat(len);
        let prepared = [PreparedMessage::text(&text), PreparedMessage::binary(text.as_bytes())];
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
            [Heard::text(&text), Heard::binary(text.as_bytes())]
        );
    }
}

#[test]
fn released_buffers_are_allocated_anew() {
    let mut server = Connection::open_server(Config::new().keep_capacity(4096));
    for _ in 0..2 {
        feed_cut(&mut server, &masked(b"\x81\x05hello", [1; 4]), [3, 7]);
        server.sender().text("hi").unwrap();
        server.release_buffers();
        assert_eq!(take_outgoing(&mut server), b"\x81\x02hi", "what is not sent is kept");
        server.release_buffers();
    }
}
