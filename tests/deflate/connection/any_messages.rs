//! Properties of random compressed messages, in both directions.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // WS-2.1-02 · PMD-7.2.1-06
    #[test]
    fn compressed_messages_are_the_same_wherever_their_bytes_are_cut(
        messages in vec(
            (
                0..4_u8,
                0..4000_usize,
                any::<bool>(),
                0..10_i32,
                0..5_i32,
                vec(any::<prop::sample::Index>(), 0..4),
            ),
            1..6,
        ),
        bad in proptest::option::weighted(0.3, (any::<prop::sample::Index>(), 1..=255_u8)),
        cuts in vec(any::<prop::sample::Index>(), 0..30),
        is_whole in any::<bool>(),
        max in prop_oneof![Just(1_usize << 20), 0..6000_usize],
        takeover in any::<bool>(),
    ) {
        let mut encoder = zlib::Deflate::new(6, 15, 8, 0);
        let mut frames = Vec::new();
        let mut plain = Vec::new();
        for (kind, len, is_compressed, level, strategy, fragments) in messages {
            let (opcode, message) = match kind {
                0 => (1, json(len).into_bytes()),
                1 => (1, "a\u{e9}\u{20ac}".repeat(len / 6).into_bytes()),
                2 => (2, noise(len)),
                _ => (2, vec![7; len]),
            };
            plain.push(if opcode == 1 {
                Reported::text(std::str::from_utf8(&message).unwrap())
            } else {
                Reported::binary(&message)
            });
            let payload = if !is_compressed {
                message
            } else if takeover {
                encoder.message(&message)
            } else {
                zlib::Deflate::new(level, 15, 8, strategy).message(&message)
            };
            let rsv1 = if is_compressed { 0x40 } else { 0 };
            let mut ends: Vec<usize> = fragments.iter().map(|at| at.index(payload.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(payload.len());
            let (mut from, last) = (0, ends.len() - 1);
            for (i, to) in ends.into_iter().enumerate() {
                let first = if i == 0 { opcode | rsv1 } else { 0 } | if i == last { 0x80 } else { 0 };
                frames.push(frame(first, &payload[from..to]));
                frames.push(frame(0x89, b"p"));
                from = to;
            }
        }
        if let Some((at, flip)) = bad {
            let at = at.index(frames.len());
            let frame = &mut frames[at];
            let last = frame.len() - 1;
            if last > 1 && frame[0] != 0x89 {
                frame[last] ^= flip;
            }
        }
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let delivery = if is_whole { Delivery::Whole } else { Delivery::Parts };
        let config = config().delivery(delivery).max_message(max);
        let params = DeflateParams::new().with_client_no_context_takeover(!takeover);
        let bytes = masked_all(&frames);
        let mut whole = server_with(config, params);
        let reported = feed(&mut whole, &bytes);
        let outgoing = take_outgoing(&mut whole);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let mut cut = server_with(config, params);
        let in_pieces = feed_cut_with(&mut cut, &bytes, at, Way::Tokens, Connection::release_buffers);
        prop_assert_eq!(&in_pieces, &reported);
        prop_assert_eq!(take_outgoing(&mut cut), outgoing.clone());
        let mut each = server_with(config, params);
        prop_assert_eq!(&feed_cut(&mut each, &bytes, 1..bytes.len()), &reported);
        prop_assert_eq!(take_outgoing(&mut each), outgoing);
        if is_whole && bad.is_none() && max == 1 << 20 {
            let messages: Vec<_> =
                reported.into_iter().filter(|reported| !matches!(reported, Reported::Ping(_))).collect();
            prop_assert_eq!(messages, plain);
        }
    }

    // PMD-7.2.1-01 · PMD-7.2.1-03 · PMD-7.2.1-09 · PMD-7.2.1-13 · PMD-7.2.1-15 · PMD-7.2.1-16 · PMD-7.2.1-18
    // PMD-7-02
    #[test]
    fn c_zlib_decompresses_the_messages_that_a_connection_sends(
        messages in vec((0..4_u8, 0..6000_usize, 0..3_u8, any::<bool>(), 0..3_usize), 1..12),
        bits in 8..=15_u8,
        no_takeover in any::<bool>(),
        level in 1..=9_u8,
        is_client in any::<bool>(),
        pooled in any::<bool>(),
    ) {
        let params = DeflateParams::new()
            .with_server_no_context_takeover(no_takeover)
            .with_client_no_context_takeover(no_takeover)
            .with_server_max_window_bits(bits)
            .with_client_max_window_bits(bits);
        let config = Config::new().deflate(DeflateConfig::new().level(level));
        let pool = Pool::new(2);
        let mut server = server_with(config, params);
        let mut client = client_with(config, params);
        if pooled {
            server.set_deflate_pool(&pool).unwrap();
            client.set_deflate_pool(&pool).unwrap();
        }
        let mut decoder = zlib::Inflate::new(bits);
        for (kind, len, how, is_prepared, fragments) in messages {
            let message = match kind {
                0 | 1 => json(len).into_bytes(),
                2 => noise(len),
                _ => vec![b'x'; len],
            };
            let how = [Compress::Auto, Compress::Always, Compress::Never][usize::from(how)];
            macro_rules! send {
                ($connection:expr) => {{
                    let tx = $connection.sender();
                    if fragments > 0 {
                        tx.begin_with(DataKind::Binary, how).unwrap();
                        for piece in message.chunks(message.len() / fragments + 1) {
                            tx.fragment(piece).unwrap();
                            tx.ping(b"between").unwrap();
                        }
                        tx.finish(b"").unwrap();
                    } else if is_prepared {
                        tx.prepared_with(&PreparedMessage::binary(&message).unwrap(), how).unwrap();
                    } else {
                        tx.message_with(Message::Binary(&message), how).unwrap();
                    }
                    take_outgoing(&mut $connection)
                }};
            }
            let sent = if is_client { send!(client) } else { send!(server) };
            let mut payload = Vec::new();
            let mut is_compressed = false;
            for frame in frames(&sent) {
                if frame[0] == 0x89 {
                    continue;
                }
                let header_len = match frame[1] { 126 => 4, 127 => 10, _ => 2 };
                // PMD-6.1-02 · PMD-6.1-05
                if frame[0] & 0x0f == 2 {
                    is_compressed = frame[0] & 0x40 != 0;
                } else {
                    assert_eq!(frame[0] & 0x40, 0);
                }
                payload.extend_from_slice(&frame[header_len..]);
            }
            if is_compressed {
                prop_assert!(how != Compress::Never);
                prop_assert!(decoder.message(&payload) == Ok(message), "{} bytes", len);
            } else {
                prop_assert!(payload == message);
            }
            if no_takeover {
                decoder.reset();
            }
            // The other endpoint of this library reads it too.
            if is_client {
                prop_assert!(matches!(feed(&mut server, &sent).last(), Some(Reported::Binary(_))));
            } else {
                prop_assert!(matches!(feed(&mut client, &sent).last(), Some(Reported::Binary(_))));
            }
        }
    }
}
