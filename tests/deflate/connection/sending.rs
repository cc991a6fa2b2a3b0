//! Sending compressed messages.

use super::*;

fn sent(server: &mut ServerConnection) -> Vec<u8> {
    take_outgoing(server)
}

// PMD-6-03 · PMD-6.1-01 · PMD-6.1-02 · PMD-6.1-04
#[test]
fn short_messages_are_not_compressed_unless_the_caller_asks_for_it() {
    let mut server = server_with(config(), DeflateParams::new());
    let short = "a".repeat(31);
    server.sender().text(&short).unwrap();
    assert_eq!(sent(&mut server), frame(0x81, short.as_bytes()));
    let long = "a".repeat(32);
    server.sender().text(&long).unwrap();
    let frames = sent(&mut server);
    assert_eq!(frames[0], 0xc1);
    assert!(frames.len() < 10);
    server.sender().message_with(Message::Text("aaaa"), Compress::Always).unwrap();
    assert_eq!(sent(&mut server)[0], 0xc1);
    server.sender().message_with(Message::Text(&short), Compress::Auto).unwrap();
    assert_eq!(sent(&mut server), frame(0x81, short.as_bytes()));
    server.sender().message_with(Message::Binary(long.as_bytes()), Compress::Never).unwrap();
    assert_eq!(sent(&mut server), frame(0x82, long.as_bytes()));
    // The choice holds for one message.
    server.sender().text(&long).unwrap();
    assert_eq!(sent(&mut server)[0], 0xc1);
    // The threshold is 256 bytes without context takeover.
    let params = DeflateParams::new().with_server_no_context_takeover(true);
    let mut server = server_with(config(), params);
    for (len, first) in [(255, 0x81), (256, 0xc1)] {
        server.sender().text(&"a".repeat(len)).unwrap();
        assert_eq!(sent(&mut server)[0], first, "{len}");
    }
}

// PMD-6-03 · PMD-6.1-01
#[test]
fn begin_with_decides_whether_a_fragmented_message_is_compressed() {
    for (how, threshold, first) in
        [(Compress::Auto, 1000, 0x41), (Compress::Always, u32::MAX, 0x41), (Compress::Never, 0, 0x01)]
    {
        let deflate = DeflateConfig::new().threshold(threshold);
        let mut server = server_with(Config::new().deflate(deflate), DeflateParams::new());
        server.sender().begin_with(DataKind::Text, how).unwrap();
        server.sender().fragment(b"Hel").unwrap();
        // A control frame between the fragments changes nothing.
        server.sender().ping(b"").unwrap();
        server.sender().finish(b"lo").unwrap();
        let bytes = sent(&mut server);
        let first_bytes: Vec<u8> = frames(&bytes).iter().map(|frame| frame[0]).collect();
        assert_eq!(first_bytes, [first, 0x89, 0x80], "{how:?}");
        let mut client = client_with(config(), DeflateParams::new());
        assert_eq!(feed(&mut client, &bytes), [Reported::Ping(vec![]), Reported::text("Hello")], "{how:?}");
        // The choice holds for one message.
        server.sender().begin(DataKind::Text).unwrap();
        server.sender().finish(b"Hello").unwrap();
        assert_eq!(sent(&mut server)[0] == 0xc1, threshold < u32::MAX || how == Compress::Always, "{how:?}");
    }
}

#[test]
fn a_pool_is_refused_by_a_connection_that_never_compresses() {
    let pool = Pool::new(1);
    let refused = Err(Misuse::CompressionNotAgreed);
    let agreed = Agreed::deflate(DeflateParams::new());
    assert_eq!(Connection::server(config()).set_deflate_pool(&pool), Ok(()));
    assert_eq!(Connection::server(Config::new()).set_deflate_pool(&pool), refused);
    let mut agreed = Connection::after_handshake(Server, Config::new(), agreed);
    assert_eq!(agreed.set_deflate_pool(&pool), Ok(()));
    assert_eq!(agreed.deflate(), Some(DeflateParams::new()));
    // The configuration asks for compression, but the handshake has not agreed on it.
    let mut plain = Connection::after_handshake(Server, config(), Agreed::NONE);
    assert_eq!(plain.set_deflate_pool(&pool), refused);
}

#[test]
fn compression_is_refused_on_a_connection_that_has_not_agreed_on_it() {
    let refused = Err(Misuse::CompressionNotAgreed.into());
    // The configuration asks for compression, but that does not matter here.
    for config in [Config::new(), config()] {
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let tx = server.sender();
        assert_eq!(tx.message_with(Message::Text("Hello"), Compress::Always), refused);
        assert_eq!(tx.begin_with(DataKind::Text, Compress::Always), refused);
        assert_eq!(tx.prepared_with(&PreparedMessage::text("Hello").unwrap(), Compress::Always), refused);
        assert_eq!(tx.finish(b"Hello"), Err(Misuse::NothingBegun.into()));
        assert_eq!(tx.outgoing_len(), 0);
        for how in [Compress::Auto, Compress::Never] {
            server.sender().message_with(Message::Text("Hello"), how).unwrap();
            assert_eq!(sent(&mut server), frame(0x81, b"Hello"));
            server.sender().begin_with(DataKind::Binary, how).unwrap();
            server.sender().finish(b"Hello").unwrap();
            assert_eq!(sent(&mut server), frame(0x82, b"Hello"));
            server.sender().prepared_with(&PreparedMessage::text("Hello").unwrap(), how).unwrap();
            assert_eq!(sent(&mut server), frame(0x81, b"Hello"));
        }
    }
    let mut connecting = Connection::server(config());
    let not_yet = Err(Misuse::NotOpenYet.into());
    assert_eq!(connecting.sender().message_with(Message::Text(""), Compress::Always), not_yet);
    assert_eq!(connecting.sender().begin_with(DataKind::Text, Compress::Always), not_yet);
}

// PMD-6-01 · PMD-6.1-05
#[test]
fn control_frames_are_never_compressed() {
    let mut server =
        server_with(Config::new().deflate(DeflateConfig::new().threshold(0)), DeflateParams::new());
    let payload = [b'a'; 125];
    server.sender().ping(&payload).unwrap();
    server.sender().pong(&payload).unwrap();
    server.sender().close(CloseCode::NORMAL, &"a".repeat(123)).unwrap();
    let first: Vec<u8> = frames(&sent(&mut server)).iter().map(|frame| frame[0]).collect();
    assert_eq!(first, [0x89, 0x8a, 0x88]);
}

// PMD-7.2.3.6-01 · PMD-7.2.1-04 · PMD-7.2.1-10
#[test]
fn an_empty_message_and_an_empty_last_fragment_are_one_byte() {
    let mut server = server_with(config(), DeflateParams::new());
    server.sender().message_with(Message::Text(""), Compress::Always).unwrap();
    assert_eq!(sent(&mut server), b"\xc1\x01\x00");
    let tx = server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"Hello").unwrap();
    tx.finish(b"").unwrap();
    let frames = frames(&sent(&mut server));
    assert_eq!(frames[0][0], 0x41);
    assert!(frames[0].ends_with(&[0, 0, 0xff, 0xff]));
    assert_eq!(frames[1], b"\x80\x01\x00");
}

/// Noise grows when it is compressed, and its header may grow too: for 126 bytes and more it is two bytes
/// longer.
#[test]
fn a_message_may_grow_so_much_that_it_needs_a_longer_header() {
    let mut server = server_with(config(), DeflateParams::new());
    let mut client = client_with(config(), DeflateParams::new());
    let all = noise(200_000);
    let (mut at, mut grown) = (0, 0);
    for len in (80..200).chain([32_767, 65_535, 65_536]) {
        // No two messages have these bytes in common.
        let noise = &all[at..at + len];
        at += len;
        server.sender().binary(noise).unwrap();
        let sent = take_outgoing(&mut server);
        grown += usize::from(sent[0] == 0xc2 && sent[1] == 126 && len < 126);
        assert_eq!(feed(&mut client, &sent), [Reported::binary(noise)], "{len}");
        client.sender().binary(noise).unwrap();
        assert_eq!(feed(&mut server, &take_outgoing(&mut client)), [Reported::binary(noise)], "{len}");
    }
    assert_ne!(grown, 0);
}

#[test]
fn a_message_that_fits_only_uncompressed_is_sent_uncompressed() {
    let config = config().max_outgoing(2004);
    let mut server = server_with(config, DeflateParams::new());
    let mut client = client_with(config, DeflateParams::new());
    let (noise, text) = (noise(2000), json(1000));
    for _ in 0..2 {
        server.sender().binary(&noise).unwrap();
        let sent = take_outgoing(&mut server);
        assert_eq!(sent[0], 0x82);
        assert_eq!(feed(&mut client, &sent), [Reported::binary(&noise)]);
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text(&text)]);
    }
}

/// The sender's window must remain the same as the peer's.
#[test]
fn messages_that_are_refused_or_prepared_do_not_disturb_the_window() {
    let config = config().max_outgoing(20_000);
    let mut server = server_with(config, DeflateParams::new());
    let mut client = client_with(config, DeflateParams::new());
    let (text, noise) = (json(3000), noise(19_000));
    for _ in 0..3 {
        server.sender().text(&text).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text(&text)]);
        // This text does not fit, even uncompressed.
        assert_eq!(server.sender().text(&json(20_001)), Err(SendError::TooLarge));
        server.sender().binary(&noise).unwrap();
        assert_eq!(server.sender().binary(&noise), Err(SendError::NotNow));
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::binary(&noise)]);
        server.sender().prepared(&PreparedMessage::text(&text).unwrap()).unwrap();
        assert_eq!(feed(&mut client, &take_outgoing(&mut server)), [Reported::text(&text)]);
    }
}

/// The length of a later message would tell whether it repeats a part of the secret (RFC 7692 section 8).
#[test]
fn a_message_that_is_never_compressed_is_not_in_the_window_of_later_ones() {
    let secret = format!("token={}", json(400));
    let after = |how| {
        let mut server = server_with(config(), DeflateParams::new());
        server.sender().message_with(Message::Text(&secret), how).unwrap();
        let first = sent(&mut server);
        server.sender().text(&secret).unwrap();
        (first, sent(&mut server).len())
    };
    let (plain, without) = after(Compress::Never);
    assert_eq!(plain, frame(0x81, secret.as_bytes()));
    let mut server = server_with(config(), DeflateParams::new());
    server.sender().text(&secret).unwrap();
    assert_eq!(without, sent(&mut server).len(), "the window is that of a new connection");
    // A message that is compressed is in the window.
    assert!(after(Compress::Always).1 < without / 2);
}

#[test]
fn a_prepared_message_is_compressed_once_for_all_connections_with_the_same_window() {
    let text = json(5000);
    let message = PreparedMessage::text(&text).unwrap();
    let with =
        |bits, no| DeflateParams::new().with_server_max_window_bits(bits).with_server_no_context_takeover(no);
    let mut outgoing = Vec::new();
    for params in [with(15, false), with(15, true), with(10, false)] {
        let mut server = server_with(config(), params);
        let mut client = client_with(config(), params);
        server.sender().text("something before it, which it may not refer to").unwrap();
        feed(&mut client, &take_outgoing(&mut server));
        server.sender().prepared(&message).unwrap();
        let bytes = take_outgoing(&mut server);
        assert!(bytes.len() < text.len() / 2);
        assert_eq!(feed(&mut client, &bytes), [Reported::text(&text)]);
        outgoing.push(bytes);
    }
    assert_eq!(outgoing[0], outgoing[1]);
    assert_ne!(outgoing[0], outgoing[2]);
    // The message is sent uncompressed if compression was not agreed on, or would not make it shorter.
    let mut plain = open_server();
    plain.sender().prepared(&message).unwrap();
    assert_eq!(take_outgoing(&mut plain), frame(0x81, text.as_bytes()));
    let noise = noise(500);
    let mut server = server_with(config(), with(15, false));
    server.sender().prepared(&PreparedMessage::binary(&noise).unwrap()).unwrap();
    assert_eq!(take_outgoing(&mut server), frame(0x82, &noise));
}

/// A message that begins with `letters` equal letters and ends with noise, and the length of its compressed
/// form.
fn partly_noise(letters: usize, len: usize) -> (Vec<u8>, usize) {
    let mut message = vec![b'a'; letters];
    message.extend(noise(len - letters));
    let mut compressor = Compressor::new(DeflateConfig::new().compression_level(), 15).unwrap();
    let step = compressor.finish(&message, &mut vec![0; Compressor::bound(len)]);
    (message, step.produced)
}

// PMD-6-03 · PMD-6.1-04
#[test]
fn a_message_that_does_not_shrink_is_sent_plain_even_if_its_length_stays_the_same() {
    let params =
        DeflateParams::new().with_server_no_context_takeover(true).with_client_no_context_takeover(true);
    let mut lengths = std::collections::BTreeSet::new();
    for letters in 0..60 {
        let (message, len) = partly_noise(letters, 400);
        lengths.insert(len.cmp(&400));
        let first = if len < 400 { 0xc2 } else { 0x82 };
        let mut server = server_with(config(), params);
        server.sender().binary(&message).unwrap();
        let bytes = sent(&mut server);
        assert_eq!(bytes[0], first, "{letters} letters, {len} compressed bytes");
        assert_eq!(feed(&mut client_with(config(), params), &bytes), [Reported::binary(&message)]);
        let mut client = client_with(config(), params);
        client.sender().binary(&message).unwrap();
        let bytes = take_outgoing(&mut client);
        assert_eq!(bytes[0], first, "{letters} letters, {len} compressed bytes");
        assert_eq!(feed(&mut server_with(config(), params), &bytes), [Reported::binary(&message)]);
    }
    assert_eq!(lengths.len(), 3, "the messages become shorter, stay the same, and grow");
}

/// A connection takes a codec from its pool for a message, and returns it at the end of the message.
#[test]
fn a_connection_uses_the_codecs_of_its_pool_only_during_a_message() {
    let place = |pool: &Pool| {
        let codec = pool.take_compressor(DeflateConfig::new().compression_level(), 15).unwrap();
        let place = (&raw const *codec).addr();
        pool.give_compressor(codec);
        place
    };
    let place_of_decompressor = |pool: &Pool| {
        let codec = pool.take_decompressor().unwrap();
        let place = (&raw const *codec).addr();
        pool.give_decompressor(codec);
        place
    };
    for takes_over in [true, false] {
        let params = DeflateParams::new()
            .with_server_no_context_takeover(!takes_over)
            .with_client_no_context_takeover(!takes_over);
        let pool = Pool::new(1);
        let (pooled, pooled_decompressor) = (place(&pool), place_of_decompressor(&pool));
        let mut server = server_with(config(), params);
        server.set_deflate_pool(&pool).unwrap();
        server.sender().begin(DataKind::Text).unwrap();
        server.sender().fragment(b"Hel").unwrap();
        // While the connection uses the codec of the pool, the pool has to make another one.
        let during = pool.take_compressor(DeflateConfig::new().compression_level(), 15).unwrap();
        assert_ne!((&raw const *during).addr(), pooled);
        server.sender().finish(b"lo").unwrap();
        assert_eq!(place(&pool), pooled);
        drop(during);

        let message = masked_all(&[&frame(0xc1, &HELLO)]);
        assert_eq!(feed(&mut server, &message[..9]), []);
        let during = pool.take_decompressor().unwrap();
        assert_ne!((&raw const *during).addr(), pooled_decompressor);
        assert_eq!(feed(&mut server, &message[9..]), [Reported::text("Hello")]);
        assert_eq!(place_of_decompressor(&pool), pooled_decompressor);
    }
}

/// A peer keeps only the window that it agreed to, so it cannot read a message that was compressed for a
/// larger one.
#[test]
fn a_prepared_message_is_compressed_for_each_window_on_its_own() {
    // Noise that repeats itself after 400 bytes, 900 bytes and so on. Each window holds one more of these
    // distances, and the smallest one holds none.
    let noise = noise(200_000);
    let mut rest = &noise[..];
    let mut message = Vec::new();
    for (distance, times) in [(400, 20), (900, 10), (1800, 6), (5000, 3), (12_000, 1), (24_000, 1)] {
        for _ in 0..times {
            let (piece, after) = rest.split_at(distance);
            message.extend(piece.repeat(2));
            rest = after;
        }
    }
    let mut lens = Vec::new();
    for order in [[9, 10, 11, 12, 13, 14, 15], [15, 14, 13, 12, 11, 10, 9]] {
        let prepared = PreparedMessage::binary(&message).unwrap();
        for bits in order {
            let mut server = server_with(config(), DeflateParams::new().with_server_max_window_bits(bits));
            server.sender().prepared_with(&prepared, Compress::Always).unwrap();
            let sent = take_outgoing(&mut server);
            let header = if sent[1] == 126 { 4 } else { 10 };
            // With the smallest window the message does not shrink, and is sent plain.
            let is_compressed = sent[0] == 0xc2;
            assert_eq!(is_compressed, bits > 9);
            let payload = sent[header..].to_vec();
            let read = if is_compressed { zlib::Inflate::new(bits).message(&payload) } else { Ok(payload) };
            assert_eq!(read.as_ref(), Ok(&message), "{bits} in {order:?}");
            lens.push((bits, sent.len()));
        }
    }
    // The order of the connections does not change what they send, and each larger window saves more.
    lens.sort_unstable();
    lens.dedup();
    assert_eq!(lens.len(), 7, "{lens:?}");
    assert!(lens.windows(2).all(|pair| pair[1].1 < pair[0].1), "{lens:?}");
}

#[test]
fn a_prepared_message_is_refused_while_no_message_may_be_sent() {
    let message = PreparedMessage::text(&json(1000)).unwrap();
    let mut server = server_with(config(), DeflateParams::new());
    server.sender().begin(DataKind::Text).unwrap();
    for how in [Compress::Auto, Compress::Always, Compress::Never] {
        assert_eq!(server.sender().prepared_with(&message, how), Err(Misuse::MessageUnfinished.into()));
    }
    assert_eq!(server.sender().prepared(&message), Err(Misuse::MessageUnfinished.into()));
    assert_eq!(take_outgoing(&mut server), b"");
    server.sender().close_without_code().unwrap();
    for how in [Compress::Auto, Compress::Always, Compress::Never] {
        assert_eq!(server.sender().prepared_with(&message, how), Err(Misuse::Closed.into()));
    }
    assert_eq!(server.sender().prepared(&message), Err(Misuse::Closed.into()));
    assert_eq!(take_outgoing(&mut server), b"\x88\x00");
}
