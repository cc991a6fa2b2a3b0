//! The negotiation of compression in the opening handshake.

use super::*;

// PMD-7-01 · PMD-5-13 · PMD-5-19 · WS-9-01 · WS-9.1-10 · WS-9.2-01 · WS-6.1-08 · WS-6.2-06
#[test]
fn client_and_server_agree_on_parameters_in_the_handshake() {
    let deflate = DeflateConfig::new().server_max_window_bits(12).client_no_context_takeover(true);
    let mut pair = Pair::new(Config::new().deflate(deflate));
    assert!(pair.client.deflate().is_none());
    let request = String::from_utf8(pair.client.outgoing().to_vec()).unwrap();
    let offer = "permessage-deflate; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits, \
         permessage-deflate; client_no_context_takeover; client_max_window_bits";
    assert!(request.contains(&format!("\r\nSec-WebSocket-Extensions: {offer}\r\n")), "{request}");
    pair.deliver_to_server();
    let answer = String::from_utf8(pair.server.outgoing().to_vec()).unwrap();
    let value = "permessage-deflate; client_no_context_takeover; server_max_window_bits=12";
    assert!(answer.contains(&format!("\r\nSec-WebSocket-Extensions: {value}\r\n")), "{answer}");
    pair.deliver_to_client();
    let params = DeflateParams::new().with_server_max_window_bits(12).with_client_no_context_takeover(true);
    assert_eq!(pair.client.deflate(), Some(params));
    assert_eq!(pair.server.deflate(), Some(params));
    let text = json(2000);
    pair.client.sender().text(&text).unwrap();
    assert!(pair.client.outgoing().len() < 1000);
    assert_eq!(pair.deliver_to_server(), [Reported::text(&text)]);
    pair.server.sender().text(&text).unwrap();
    assert!(pair.server.outgoing().len() < 1000);
    assert_eq!(pair.deliver_to_client(), [Reported::text(&text)]);
}

// WS-5.3-07
#[test]
fn a_client_masks_the_compressed_bytes() {
    let mut client = client_with(config(), DeflateParams::new());
    client.sender().message_with(Message::Text("Hello"), Compress::Always).unwrap();
    let bytes = take_outgoing(&mut client);
    assert_eq!(bytes[..2], [0xc1, 0x80 | 7]);
    assert_eq!(frames(&bytes), [frame(0xc1, &HELLO)]);
}

// PMD-7.2.1-17
#[test]
fn a_peer_may_use_all_of_the_window_that_was_agreed_on() {
    let params = DeflateParams::new().with_client_max_window_bits(12);
    let block = noise(3000);
    let message = [&block[..], &block].concat();
    let payload = zlib::Deflate::new(9, 12, 8, 0).message(&message);
    assert!(payload.len() < 4000, "the second block does not refer to the first");
    let reported = feed(&mut server_with(config(), params), &masked_all(&[&frame(0xc2, &payload)]));
    assert_eq!(reported, [Reported::binary(&message)]);
}

// PMD-5.1-01 · WS-7.4.1-11 · WS-7.4.1-12 · WS-9-02: an answer without the extension is valid. An embedder
// that needs the extension has to close the connection itself.
#[test]
fn a_client_that_needs_compression_can_close_with_1010() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let client = Connection::client(&request, config(), rng()).unwrap();
    let mut pair = Pair { client, server: Connection::server(Config::new()) };
    pair.deliver_to_server();
    assert_eq!(pair.deliver_to_client(), [Reported::Complete]);
    assert!(pair.client.deflate().is_none());
    pair.client.sender().close(CloseCode::MANDATORY_EXTENSION, "permessage-deflate").unwrap();
    assert_eq!(pair.deliver_to_server(), [Reported::close(1010, "permessage-deflate")]);
}

// PMD-7.2.2-13: the client offers any window, and the server wants one of 512 bytes.
#[test]
fn a_client_compresses_within_the_window_that_was_agreed() {
    let request = ClientRequest::new("ws://h/").unwrap();
    let wants = Config::new().deflate(DeflateConfig::new().client_max_window_bits(9));
    let client = Connection::client(&request, config(), rng()).unwrap();
    let mut pair = Pair { client, server: Connection::server(wants) };
    pair.deliver_to_server();
    pair.deliver_to_client();
    assert_eq!(pair.client.deflate().unwrap().client_max_window_bits(), 9);
    // The message repeats itself at a distance of 1000 bytes, which is beyond the server's window.
    let message = [noise(600), vec![b'a'; 400], noise(600)].concat();
    pair.client.sender().binary(&message).unwrap();
    let frame = &frames(pair.client.outgoing())[0];
    assert_eq!((frame[0], frame[1]), (0xc2, 126));
    assert!(frame.len() > 1200, "the second noise refers to the first");
    assert_eq!(zlib::Inflate::new(9).message(&frame[4..]), Ok(message.clone()));
    assert_eq!(pair.deliver_to_server(), [Reported::binary(&message)]);
}

// PMD-5-18 · PMD-5-19 · WS-9-02
#[test]
fn nothing_is_compressed_unless_both_ends_want_it() {
    for (client, server) in [(config(), Config::new()), (Config::new(), config())] {
        let request = ClientRequest::new("ws://h/").unwrap();
        let mut pair = Pair {
            client: Connection::client(&request, client, rng()).unwrap(),
            server: Connection::server(server),
        };
        pair.deliver_to_server();
        assert_eq!(pair.deliver_to_client(), [Reported::Complete]);
        assert_eq!((pair.client.deflate(), pair.server.deflate()), (None, None));
        let text = json(1000);
        pair.server.sender().text(&text).unwrap();
        assert_eq!(take_outgoing(&mut pair.server), frame(0x81, text.as_bytes()));
        assert_eq!(
            feed(&mut pair.server, &masked_all(&[&frame(0xc1, &HELLO)])),
            [Reported::Failed(Violation::ReservedBits(4).into())]
        );
    }
}

// PMD-7-07 · PMD-7-08 · PMD-7-09 · PMD-5-20 · WS-9-04
#[test]
fn a_client_fails_if_the_answer_does_not_fit_its_offer() {
    for (extensions, error) in [
        ("permessage-deflate; unknown", HandshakeError::ExtensionAnswer),
        ("permessage-deflate; server_max_window_bits=16", HandshakeError::ExtensionAnswer),
        ("permessage-deflate, permessage-deflate", HandshakeError::ExtensionAnswer),
        ("x-other", HandshakeError::ExtensionNotOffered),
        ("permessage-deflate;", HandshakeError::Extensions),
    ] {
        let mut pair = Pair::new(config());
        pair.deliver_to_server();
        let answer = String::from_utf8(take_outgoing(&mut pair.server)).unwrap();
        let answer = answer.replace(": permessage-deflate", &format!(": {extensions}"));
        assert_eq!(
            feed(&mut pair.client, answer.as_bytes()),
            [Reported::Failed(error.into())],
            "{extensions}"
        );
    }
}

#[test]
fn an_acceptance_with_further_headers_names_the_extension_and_a_rejection_does_not() {
    let mut pair = Pair::new(config());
    let mut bytes = take_outgoing(&mut pair.client);
    let mut input = &mut bytes[..];
    let (_, tx) = pair.server.receive(&mut input).unwrap();
    tx.accept(&Accept::new().headers(&[("X-Test", "1")])).unwrap();
    let answer = String::from_utf8(take_outgoing(&mut pair.server)).unwrap();
    assert!(answer.contains("Sec-WebSocket-Extensions: permessage-deflate\r\nX-Test: 1\r\n"), "{answer}");
    // The server can already compress, although the event for the handshake is not reported yet.
    pair.server.sender().text(&json(1000)).unwrap();
    assert_eq!(pair.server.outgoing()[0], 0xc1);

    let mut pair = Pair::new(config());
    let mut bytes = take_outgoing(&mut pair.client);
    let (_, tx) = pair.server.receive(&mut &mut bytes[..]).unwrap();
    tx.reject(&sansws::Reply::new(403)).unwrap();
    assert!(!String::from_utf8(take_outgoing(&mut pair.server)).unwrap().contains("Extensions"));
    assert!(pair.server.deflate().is_none());
}
