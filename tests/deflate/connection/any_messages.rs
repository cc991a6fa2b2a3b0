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

/// A server and a client whose messages the other end of this library reads.
struct Ends {
    server: ServerConnection,
    client: ClientConnection,
    /// The bytes of unfinished messages that both have sent so far.
    unfinished: [Vec<u8>; 2],
}

impl Ends {
    fn new(config: Config, params: DeflateParams, pools: [Option<&Pool>; 2]) -> Self {
        let mut ends = Self {
            server: server_with(config, params),
            client: client_with(config, params),
            unfinished: Default::default(),
        };
        if let Some(pool) = pools[0] {
            ends.server.set_deflate_pool(pool).unwrap();
        }
        if let Some(pool) = pools[1] {
            ends.client.set_deflate_pool(pool).unwrap();
        }
        ends
    }

    /// Sends what one end has queued to the other, and returns the events there.
    fn deliver(&mut self, from_server: bool) -> Vec<Reported> {
        let Self { server, client, .. } = self;
        if from_server { feed(client, &take_outgoing(server)) } else { feed(server, &take_outgoing(client)) }
    }

    /// One call of the embedder. Returns the events at the other end.
    fn call(&mut self, from_server: bool, call: &Call) -> Vec<Reported> {
        let has_begun = !self.unfinished[usize::from(from_server)].is_empty();
        macro_rules! send {
            ($tx:expr) => {{
                let tx = $tx;
                match call {
                    Call::Whole(message, how) if !has_begun => {
                        tx.message_with(Message::Binary(message), *how).unwrap();
                    }
                    Call::Prepared(message) if !has_begun => {
                        tx.prepared(&PreparedMessage::binary(message).unwrap()).unwrap();
                    }
                    Call::Begin(message, how) if !has_begun && !message.is_empty() => {
                        tx.begin_with(DataKind::Binary, *how).unwrap();
                        tx.fragment(message).unwrap();
                    }
                    Call::Whole(piece, _) | Call::Prepared(piece) | Call::Begin(piece, _) if has_begun => {
                        tx.fragment(piece).unwrap();
                    }
                    Call::Finish(piece) if has_begun => tx.finish(piece).unwrap(),
                    _ => {}
                }
            }};
        }
        if from_server {
            send!(self.server.sender());
        } else {
            send!(self.client.sender());
        }
        let unfinished = &mut self.unfinished[usize::from(from_server)];
        match call {
            Call::Begin(piece, _) => unfinished.extend_from_slice(piece),
            Call::Whole(piece, _) | Call::Prepared(piece) if has_begun => unfinished.extend_from_slice(piece),
            Call::Finish(_) => unfinished.clear(),
            _ => {}
        }
        self.deliver(from_server)
    }
}

#[derive(Clone, Debug)]
enum Call {
    Whole(Vec<u8>, Compress),
    Prepared(Vec<u8>),
    Begin(Vec<u8>, Compress),
    Finish(Vec<u8>),
}

fn any_call() -> impl Strategy<Value = Call> {
    let content = || {
        prop_oneof![
            4 => (0..600_usize).prop_map(|len| json(len).into_bytes()),
            1 => (0..6000_usize).prop_map(|len| json(len).into_bytes()),
            1 => (0..3000_usize).prop_map(noise),
            1 => Just(Vec::new()),
        ]
    };
    let how =
        || prop_oneof![4 => Just(Compress::Auto), 1 => Just(Compress::Always), 1 => Just(Compress::Never)];
    prop_oneof![
        6 => (content(), how()).prop_map(|(message, how)| Call::Whole(message, how)),
        1 => content().prop_map(Call::Prepared),
        2 => (content(), how()).prop_map(|(message, how)| Call::Begin(message, how)),
        3 => content().prop_map(Call::Finish),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // PMD-7.2.1-13 · PMD-7.2.1-15 · PMD-7.2.2-05 · PMD-7.2.2-07 · PMD-7.2.2-08
    #[test]
    fn connections_that_share_a_pool_of_one_codec_deliver_the_messages_of_connections_without_a_pool(
        calls in vec((0..4_usize, any::<bool>(), any_call()), 1..60),
        (server_bits, client_bits) in (8..=15_u8, 8..=15_u8),
        (server_takeover, client_takeover) in
            (proptest::bool::weighted(0.8), proptest::bool::weighted(0.8)),
        in_parts in any::<bool>(),
        level in 1..=9_u8,
        replaced in vec(any::<bool>(), 60),
    ) {
        let delivery = if in_parts { Delivery::Parts } else { Delivery::Whole };
        let config = Config::new().deflate(DeflateConfig::new().level(level)).delivery(delivery);
        let params = DeflateParams::new()
            .with_server_max_window_bits(server_bits)
            .with_client_max_window_bits(client_bits)
            .with_server_no_context_takeover(!server_takeover)
            .with_client_no_context_takeover(!client_takeover);
        let pool = Pool::new(1);
        // The server, the client, or both of a pair have the pool.
        let pools = [[Some(&pool), None], [None, Some(&pool)], [Some(&pool), Some(&pool)], [Some(&pool), None]];
        let open = |at: usize| (Ends::new(config, params, pools[at]), Ends::new(config, params, [None, None]));
        let mut pairs: Vec<_> = (0..4).map(open).collect();
        for ((at, from_server, call), is_replaced) in calls.into_iter().zip(replaced) {
            if is_replaced && at == 3 {
                // The connection ends, perhaps in the middle of a message.
                pairs[at] = open(at);
            }
            let (pooled, dedicated) = &mut pairs[at];
            let reported = pooled.call(from_server, &call);
            prop_assert!(!matches!(reported.last(), Some(Reported::Failed(_))), "{:?}", reported.last());
            prop_assert!(reported == dedicated.call(from_server, &call));
        }
    }
}
