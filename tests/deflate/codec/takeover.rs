//! A pool whose connections take their context over: the pool is a cache, and no peer can notice it.

use super::*;

/// One end of a connection with a pool. C zlib is the other end.
struct Pooled {
    send: SendCodec,
    receive: ReceiveCodec,
    reader: zlib::Inflate,
    writer: zlib::Deflate,
    /// The message that is being sent: its bytes, and its payload so far.
    sent: (Vec<u8>, Vec<u8>),
    /// The message that arrives: its bytes, and those that were decompressed so far.
    received: (Vec<u8>, Vec<u8>),
    takes_over: bool,
}

impl Pooled {
    /// A server. `bits` are those of the server and of the client.
    fn new(pool: Option<&Pool>, bits: (u8, u8), level: u8, takes_over: bool) -> Self {
        let params = DeflateParams::new()
            .with_server_max_window_bits(bits.0)
            .with_client_max_window_bits(bits.1)
            .with_server_no_context_takeover(!takes_over)
            .with_client_no_context_takeover(!takes_over);
        Self {
            send: SendCodec::new(true, params, &DeflateConfig::new().level(level), pool.cloned()),
            receive: ReceiveCodec::new(true, params, pool.cloned()),
            reader: zlib::Inflate::new(bits.0),
            // The compressor of C zlib has no window of 256 bytes for raw data.
            writer: zlib::Deflate::new(level.into(), bits.1.max(9), 8, Z_DEFAULT_STRATEGY),
            sent: Default::default(),
            received: Default::default(),
            takes_over,
        }
    }

    /// Compresses a piece of the current message.
    fn send(&mut self, piece: &[u8], is_last: bool) {
        let compressor = self.send.compressor().unwrap();
        let mut out = vec![0; Compressor::bound(piece.len())];
        let step =
            if is_last { compressor.finish(piece, &mut out) } else { compressor.flush(piece, &mut out) };
        assert!(step.done);
        self.sent.0.extend_from_slice(piece);
        self.sent.1.extend_from_slice(&out[..step.produced]);
        if is_last {
            self.send.end_message();
            let (message, payload) = std::mem::take(&mut self.sent);
            assert!(self.reader.message(&payload) == Ok(message), "C zlib reads another message");
            if !self.takes_over {
                self.reader.reset();
            }
        }
    }

    /// Compresses a message that the peer never gets in this form.
    fn withhold(&mut self, message: &[u8]) {
        if self.sent.1.is_empty() {
            let mut out = vec![0; Compressor::bound(message.len())];
            let _ = self.send.compressor().unwrap().finish(message, &mut out);
            self.send.forget();
        }
    }

    /// Decompresses a piece of a message. The piece ends with a final block if the peer likes to.
    fn receive(&mut self, piece: &[u8], has_final_block: bool, is_last: bool) {
        let mut payload = self.writer.run(piece, Z_SYNC_FLUSH);
        if has_final_block {
            payload.extend_from_slice(&[0x03, 0x00]);
        }
        if is_last {
            payload.extend(self.writer.message(b""));
        }
        let decompressor = self.receive.decompressor().unwrap();
        let mut out = vec![0; piece.len() + 1];
        let step = decompressor.decompress(&payload, &mut out).unwrap();
        assert!(step.done);
        self.received.0.extend_from_slice(piece);
        self.received.1.extend_from_slice(&out[..step.produced]);
        if is_last {
            decompressor.finish().unwrap();
            self.receive.end_message();
            let (message, decompressed) = std::mem::take(&mut self.received);
            assert!(message == decompressed, "the decompressor reads another message");
            if !self.takes_over {
                self.writer.reset();
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Send(Vec<u8>, bool),
    Withhold(Vec<u8>),
    Forget,
    Receive(Vec<u8>, bool, bool),
    /// The connection ends, even in the middle of a message, and another one takes its place.
    Replace,
    /// The connection gets another pool, even in the middle of a message.
    SetPool,
}

fn any_action() -> impl Strategy<Value = Action> {
    let piece = || {
        prop_oneof![
            4 => any_message(),
            1 => Just(Vec::new()),
            1 => (1000_usize..40_000).prop_map(at_distance),
        ]
    };
    prop_oneof![
        8 => (piece(), proptest::bool::weighted(0.7)).prop_map(|(piece, last)| Action::Send(piece, last)),
        8 => (piece(), proptest::bool::weighted(0.2), proptest::bool::weighted(0.7))
            .prop_map(|(piece, is_final, last)| Action::Receive(piece, is_final, last)),
        1 => piece().prop_map(Action::Withhold),
        1 => Just(Action::Forget),
        1 => Just(Action::Replace),
        1 => Just(Action::SetPool),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // PMD-7.2.1-13 · PMD-7.2.1-15 · PMD-7.2.1-16 · PMD-7.2.1-18 · PMD-7.2.2-05 · PMD-7.2.2-07 · PMD-7.2.2-08
    #[test]
    fn connections_that_share_a_pool_take_their_context_over(
        kinds in vec((8_u8..16, 8_u8..16, prop_oneof![Just(6_u8), 1_u8..10], proptest::bool::weighted(0.8)), 1..5),
        is_alike in any::<bool>(),
        keep in prop_oneof![Just(1_usize), 0_usize..6],
        is_per_thread in any::<bool>(),
        actions in vec((any::<prop::sample::Index>(), any_action()), 1..40),
    ) {
        let pools = [if is_per_thread { Pool::per_thread(keep) } else { Pool::new(keep) }, Pool::new(1)];
        // Connections of one kind steal each other's codecs.
        let kind = |at: usize| if is_alike { kinds[0] } else { kinds[at] };
        let open = |at: usize| {
            let (server, client, level, takes_over) = kind(at);
            Pooled::new(Some(&pools[0]), (server, client), level, takes_over)
        };
        let mut connections: Vec<_> = (0..kinds.len()).map(open).collect();
        for (at, action) in actions {
            let at = at.index(connections.len());
            let connection = &mut connections[at];
            match action {
                Action::Send(piece, is_last) => connection.send(&piece, is_last),
                Action::Withhold(message) => connection.withhold(&message),
                Action::Forget if connection.sent.1.is_empty() => connection.send.forget(),
                Action::Forget => {}
                Action::Receive(piece, is_final, is_last) => connection.receive(&piece, is_final, is_last),
                Action::Replace => connections[at] = open(at),
                Action::SetPool => {
                    connection.send.set_pool(pools[1].clone());
                    connection.receive.set_pool(pools[1].clone());
                }
            }
        }
        for connection in &mut connections {
            connection.send(b"the last message", true);
            connection.receive(b"the last message", false, true);
        }
    }
}

/// The payload of a message that a pooled end sends.
fn payload(send: &mut SendCodec, message: &[u8]) -> Vec<u8> {
    let payload = deflate(send.compressor().unwrap(), message, &mut Cuts::whole());
    send.end_message();
    payload
}

fn sender(pool: &Pool, bits: u8) -> SendCodec {
    let params = DeflateParams::new().with_server_max_window_bits(bits);
    SendCodec::new(true, params, &DeflateConfig::new(), Some(pool.clone()))
}

fn place_of(codec: &SendCodec, pool: &Pool) -> usize {
    let compressor = pool.take_compressor(codec.level(), codec.window_bits()).unwrap();
    let place = (&raw const *compressor).addr();
    pool.give_compressor(compressor);
    place
}

/// A compressor that continues gives the same bytes, whether it was primed or never left.
#[test]
fn messages_are_as_short_as_without_a_pool() {
    for bits in 8..=15 {
        for level in 1..10 {
            let pool = Pool::new(1);
            let config = DeflateConfig::new().level(level);
            let params = DeflateParams::new().with_server_max_window_bits(bits);
            let mut own = SendCodec::new(true, params, &config, None);
            let mut ends = [(); 2].map(|()| SendCodec::new(true, params, &config, Some(pool.clone())));
            let (mut dedicated, mut primed) = (0, 0);
            for number in 0..300_u32 {
                let id = number.wrapping_mul(0x9e37_79b9);
                let message = format!("{{\"id\":{id},\"name\":\"user {}\",\"ok\":true}}", id % 97);
                dedicated += payload(&mut own, message.as_bytes()).len();
                // Each message meets a foreign compressor.
                for end in &mut ends {
                    primed += payload(end, message.as_bytes()).len();
                }
            }
            assert!(primed <= dedicated * 2 * 101 / 100, "level {level}, {bits} bits: {primed}, {dedicated}");
        }
    }
}

#[test]
fn a_connection_that_comes_back_first_finds_its_own_compressor() {
    let pool = Pool::new(2);
    let mut ends = [(); 3].map(|()| sender(&pool, 15));
    let mut used = |at: usize| {
        let place = (&raw const *ends[at].compressor().unwrap()).addr();
        payload(&mut ends[at], b"a message");
        place
    };
    let (first, second) = (used(0), used(1));
    assert_ne!(first, second, "the pool has room for two compressors");
    assert_eq!([used(0), used(1), used(0)], [first, second, first]);
    // The third connection takes the compressor that has been idle for longest.
    assert_eq!([used(2), used(0)], [second, first]);
    // The second connection finds the same one again, because the first was used later.
    assert_eq!([used(1), used(2), used(1)], [second, first, second]);
}

#[test]
fn a_connection_that_comes_back_first_finds_its_own_decompressor() {
    let pool = Pool::new(2);
    let mut ends = [(); 3].map(|()| ReceiveCodec::new(true, DeflateParams::new(), Some(pool.clone())));
    let mut used = |at: usize| {
        let decompressor = ends[at].decompressor().unwrap();
        let place = (&raw const *decompressor).addr();
        assert_eq!(whole(decompressor, &HELLO).unwrap(), b"Hello");
        ends[at].end_message();
        place
    };
    let (first, second) = (used(0), used(1));
    assert_ne!(first, second, "the pool has room for two decompressors");
    assert_eq!([used(0), used(1), used(0)], [first, second, first]);
    assert_eq!([used(2), used(0)], [second, first]);
    assert_eq!([used(1), used(2), used(1)], [second, first, second]);
}

/// A codec without a context is worth less than one whose connection may come back.
#[test]
fn a_new_connection_takes_a_codec_without_a_context_first() {
    let pool = Pool::new(3);
    let mut end = sender(&pool, 15);
    let blank = pool.take_compressor(end.level(), 15).unwrap();
    let (own, free) = ((&raw const *end.compressor().unwrap()).addr(), (&raw const *blank).addr());
    payload(&mut end, b"a message");
    pool.give_compressor(blank);
    for _ in 0..3 {
        assert_eq!(place_of(&end, &pool), free);
        assert_eq!((&raw const *end.compressor().unwrap()).addr(), own);
        payload(&mut end, b"a message");
    }
}

/// The pool of another thread, and another pool, may have given out tickets too.
#[test]
fn a_ticket_of_one_pool_means_nothing_in_another() {
    let pools = [Pool::new(1), Pool::new(1), Pool::per_thread(1)];
    let mut ends: Vec<_> = pools.iter().map(|pool| Pooled::new(Some(pool), (15, 15), 6, true)).collect();
    for round in 0..20 {
        for (at, end) in ends.iter_mut().enumerate() {
            let message = format!("a message of connection {at}, number {}", round / 2);
            end.send(message.as_bytes(), true);
            end.receive(message.as_bytes(), false, true);
            let next = &pools[(at + round) % pools.len()];
            end.send.set_pool(next.clone());
            end.receive.set_pool(next.clone());
        }
    }
    // A connection that brings its ticket from another thread, where the pool has given out as many tickets.
    let of_thread = || {
        let mut send = sender(&Pool::per_thread(1), 15);
        let payloads = [(); 3].map(|()| payload(&mut send, b"a message of another thread"));
        (send, payloads)
    };
    let (mut moved, mut payloads) = std::thread::spawn(of_thread).join().unwrap();
    let mut reader = zlib::Inflate::new(15);
    for _ in 0..9 {
        let mut own = sender(&Pool::per_thread(1), 15);
        payload(&mut own, b"a message of this thread");
        for payload in &payloads {
            assert_eq!(reader.message(payload).unwrap(), b"a message of another thread");
        }
        payloads = [(); 3].map(|()| payload(&mut moved, b"a message of another thread"));
    }
}

/// Forgotten bytes must not come back from the history.
#[test]
fn a_message_after_forget_refers_to_nothing_whichever_codec_it_meets() {
    for keep in 0..3 {
        let pool = Pool::new(keep);
        let (mut one, mut other) = (sender(&pool, 15), sender(&pool, 15));
        payload(&mut one, b"secret and Hello");
        payload(&mut other, b"secret and Hello");
        one.forget();
        assert_eq!(payload(&mut one, b"Hello"), HELLO, "{keep}");
        assert!(payload(&mut one, b"Hello").len() < HELLO.len(), "{keep}");
    }
}

/// The compressor itself has the history while it compresses a message.
#[test]
fn a_message_that_was_compressed_and_forgotten_does_not_come_back_from_the_history() {
    for keep in 0..3 {
        let mut send = sender(&Pool::new(keep), 15);
        payload(&mut send, b"secret and Hello");
        let mut out = [0; 100];
        assert!(send.compressor().unwrap().finish(b"Hello again", &mut out).done);
        send.forget();
        assert_eq!(payload(&mut send, b"Hello"), HELLO, "{keep}");
        assert!(send.compressor().unwrap().finish(b"Hello again", &mut out).done);
        send.compressor().unwrap().reset();
        assert_eq!(payload(&mut send, b"Hello"), HELLO, "{keep}");
    }
}

/// A message of a peer must not reach into the messages of another connection.
#[test]
fn a_message_that_refers_to_another_connection_is_corrupt() {
    for keep in 0..3 {
        let pool = Pool::new(keep);
        let open = || ReceiveCodec::new(true, DeflateParams::new(), Some(pool.clone()));
        let (mut one, mut other, mut third) = (open(), open(), open());
        for end in [&mut one, &mut other] {
            assert_eq!(whole(end.decompressor().unwrap(), &HELLO).unwrap(), b"Hello");
            end.end_message();
        }
        assert_eq!(whole(third.decompressor().unwrap(), &HELLO_AGAIN), Err(Corrupt), "{keep}");
        // The pool never gets a decompressor in the middle of a message.
        third.end_message();
        for end in [&mut one, &mut other] {
            assert_eq!(whole(end.decompressor().unwrap(), &HELLO_AGAIN).unwrap(), b"Hello", "{keep}");
            end.end_message();
        }
    }
}

/// What a peer has earned for final blocks belongs to its connection, not to the codec. The window is full,
/// so each further final block of a message costs 36,864 of 36,864,000.
#[test]
fn the_credit_for_final_blocks_stays_with_the_connection() {
    for keep in 0..3 {
        let pool = Pool::new(keep);
        let open = |pool| {
            let mut end = ReceiveCodec::new(true, DeflateParams::new(), pool);
            let bytes = at_distance(40_000);
            let payload = zlib::Deflate::new(0, 15, 8, Z_DEFAULT_STRATEGY).message(&bytes);
            assert!(whole(end.decompressor().unwrap(), &payload).unwrap() == bytes);
            end.end_message();
            end
        };
        let failing_at = |end: &mut ReceiveCodec, between: &mut dyn FnMut()| {
            (0..2000).find(|_| {
                let message = [&[0x03, 0x00].repeat(10)[..], &[0x00]].concat();
                let result = whole(end.decompressor().unwrap(), &message);
                end.end_message();
                between();
                result.is_err()
            })
        };
        let expected = failing_at(&mut open(None), &mut || {});
        assert!(expected.is_some_and(|at| at > 100), "{expected:?}");
        let mut other = open(Some(pool.clone()));
        let others = &mut || {
            assert_eq!(whole(other.decompressor().unwrap(), &HELLO).unwrap(), b"Hello");
            other.end_message();
        };
        assert_eq!(failing_at(&mut open(Some(pool.clone())), others), expected, "{keep}");
    }
}

/// Without a pool a compressor keeps no history, so one that gets a pool later begins its history with the
/// next message. The peer has the messages before, but none of the following messages has to refer to them.
#[test]
fn a_pool_that_is_set_between_messages_or_within_one_changes_no_message() {
    for within in [false, true] {
        let pool = Pool::new(1);
        let mut end = Pooled::new(None, (10, 10), 6, true);
        let mut other = Pooled::new(Some(&pool), (10, 10), 6, true);
        let message = at_distance(700);
        end.send(&message, true);
        end.receive(&message, false, true);
        if within {
            end.send(&message[..300], false);
            end.receive(&message[..300], false, false);
        }
        end.send.set_pool(pool.clone());
        end.receive.set_pool(pool.clone());
        for _ in 0..3 {
            end.send(&message, true);
            end.receive(&message, true, true);
            other.send(b"of another connection", true);
            other.receive(b"of another connection", false, true);
        }
    }
}

/// The history then lacks this message, so the next one does not refer to it if it meets another compressor.
#[test]
fn a_pool_that_is_set_just_before_the_end_of_a_message_gets_its_compressor() {
    let pool = Pool::new(1);
    let mut send = SendCodec::new(true, DeflateParams::new(), &DeflateConfig::new(), None);
    assert_eq!(deflate(send.compressor().unwrap(), b"Hello", &mut Cuts::whole()), HELLO);
    send.set_pool(pool.clone());
    send.end_message();
    // Another connection takes the compressor.
    assert_eq!(payload(&mut sender(&pool, 15), b"Hello"), HELLO);
    assert_eq!(payload(&mut send, b"Hello"), HELLO);
    assert!(payload(&mut send, b"Hello").len() < HELLO.len());
}
