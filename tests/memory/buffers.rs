//! The memory of buffers on the heap, at every moment: also while a slow reader takes the bytes in pieces,
//! and while a buffer moves to larger memory.

use crate::support::*;
use crate::{PEAK, held};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::{Agreed, Client, Config, Connection, DataKind, Event, Message, Role, Server};

/// The least memory of a buffer.
const LEAST: usize = 192;
/// The size of a usual read.
const READ: usize = 16 * 1024;

/// The memory of one connection. It counts only what changes during a call of the connection, so the test may
/// hold memory too.
#[derive(Default)]
struct Meter {
    held: usize,
    /// The most memory that was held at any moment of the last call.
    peak: usize,
}

impl Meter {
    fn call<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let before = held();
        PEAK.set(before);
        let result = call();
        self.peak = self.held + (PEAK.get() - before);
        self.held = (self.held + held()).checked_sub(before).expect("a connection frees only its own memory");
        result
    }

    /// Asserts what the documentation of `Heap` says about a buffer that had to hold `most` bytes at one
    /// time.
    #[track_caller]
    fn assert_within(&self, most: usize) {
        let (held, peak) = (self.held, self.peak);
        assert!(held <= (2 * most).max(LEAST), "{held} bytes are held for {most}");
        assert!(peak <= (3 * most).max(LEAST) + LEAST, "{peak} bytes at the peak for {most}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Message(usize),
    Fragment(usize),
    Sent(usize),
    Release,
    Take,
}

/// Takes the steps with a connection. Asserts after each of them that the memory is within the promise.
fn assert_sending_stays_within_the_promise<R: Role>(
    mut connection: Connection<R>, keep: usize, steps: &[Step],
) {
    let payload = vec![7; 1 << 20];
    connection.sender().begin(DataKind::Binary).unwrap();
    connection.sender().finish(b"").unwrap();
    connection.mark_sent(usize::MAX);
    connection.release_buffers();
    let mut meter = Meter::default();
    // The most bytes that waited at one time, since the buffer was empty the last time.
    let mut most = 0;
    let mut in_message = false;
    for &step in steps {
        let waited = connection.outgoing().len();
        match step {
            Step::Message(len) if !in_message => {
                _ = meter.call(|| connection.sender().binary(&payload[..len]));
            }
            Step::Message(len) => {
                in_message = meter.call(|| connection.sender().finish(&payload[..len])).is_err();
            }
            Step::Fragment(len) => {
                in_message = in_message || connection.sender().begin(DataKind::Binary).is_ok();
                _ = meter.call(|| connection.sender().fragment(&payload[..len]));
            }
            Step::Sent(len) => meter.call(|| connection.mark_sent(len)),
            Step::Release => meter.call(|| connection.release_buffers()),
            Step::Take => meter.call(|| drop(connection.take_outgoing(Vec::new()))),
        }
        let waits = connection.outgoing().len();
        most = most.max(waits);
        meter.assert_within(most);
        let is_empty = waits == 0 && (waited > 0 || matches!(step, Step::Release));
        if is_empty {
            most = if meter.held == 0 { 0 } else { most };
            assert!(meter.held <= keep, "an empty buffer keeps {} bytes, not {keep}", meter.held);
        }
    }
    drop(connection);
}

fn any_step(most: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..=most / 2).prop_map(Step::Message),
        2 => (0..=most / 20).prop_map(Step::Message),
        1 => (0..=most / 4).prop_map(Step::Fragment),
        4 => (0..=most / 2).prop_map(Step::Sent),
        3 => (0..=most / 20).prop_map(Step::Sent),
        1 => Just(Step::Release),
        1 => Just(Step::Take),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outgoing_bytes_take_at_most_twice_their_length_in_memory(
        (max_outgoing, steps) in prop_oneof![Just(1000_usize), Just(100_000), Just(1_000_000)]
            .prop_flat_map(|max| (Just(max), vec(any_step(max), 0..60))),
        keep in prop_oneof![2 => Just(0_usize), 1 => Just(50_000)],
    ) {
        let config = Config::new().max_outgoing(max_outgoing).keep_capacity(keep);
        let server = Connection::after_handshake(Server, config, Agreed::NONE);
        assert_sending_stays_within_the_promise(server, keep, &steps);
        let client = Connection::after_handshake(Client::new(rng()), config, Agreed::NONE);
        assert_sending_stays_within_the_promise(client, keep, &steps);
    }

    /// The embedder reads into `receive_buffer`, or passes some bytes as input, in any order.
    #[test]
    fn received_bytes_take_at_most_twice_their_length_in_memory(
        len in 70_000..1_000_000_usize,
        reads in vec((any::<bool>(), prop_oneof![3 => 500..20_000_usize, 1 => 1..400_000_usize]), 5..20),
        releases in any::<bool>(),
    ) {
        let message = frame(0x82, &vec![7; len]);
        let mut client = Connection::after_handshake(
            Client::new(rng()),
            Config::new().max_message(usize::MAX),
            Agreed::NONE,
        );
        let mut meter = Meter::default();
        let mut arrived = 0;
        for (in_place, read) in reads.into_iter().cycle() {
            let rest = &message[arrived..];
            if rest.is_empty() {
                break;
            }
            let room = meter.call(|| client.receive_buffer().map(|room| room.len()));
            // The buffer has to hold what has arrived and the next read.
            meter.assert_within(arrived + READ);
            assert!(meter.held <= (2 * arrived).max(arrived + READ), "{} for {arrived}", meter.held);
            // Before the header has arrived, there is no room to read into.
            let room = room.filter(|_| in_place);
            if let Some(room) = room {
                assert!(room >= READ.min(rest.len()), "{room} bytes are lent for {}", rest.len());
                let len = read.min(room).min(rest.len());
                meter.call(|| client.mark_received(len));
                arrived += len;
            }
            let mut input = rest[..if room.is_some() { 0 } else { read.min(rest.len()) }].to_vec();
            arrived += input.len();
            let is_complete = meter.call(|| {
                let event = client.receive(&mut &mut input[..]).map(|(event, _)| event);
                matches!(event, Some(Event::Message(Message::Binary(bytes))) if bytes.len() == len)
            });
            assert_eq!(is_complete, arrived == message.len());
            meter.assert_within(arrived + READ);
            if releases {
                meter.call(|| client.release_buffers());
            }
        }
        assert_eq!(arrived, message.len());
        meter.call(|| _ = client.receive(&mut &mut [][..]));
        assert_eq!(meter.held, 0);
    }
}

/// A reader that is nearly as slow as the sender: some bytes always wait.
#[test]
fn a_slow_reader_does_not_make_the_outgoing_buffer_grow() {
    use Step::{Message, Sent};
    let config = Config::new().max_outgoing(1_000_000);
    let open = || Connection::after_handshake(Server, config, Agreed::NONE);
    let steps =
        [Message(990_000), Sent(494_000), Message(494_000), Sent(490_000), Message(494_000), Message(4_000)];
    assert_sending_stays_within_the_promise(open(), 0, &steps);
    for sent in [1, 10, 1000, 100_000, 400_000] {
        let mut steps = vec![Message(990_000)];
        let rounds = [Sent(sent + 10), Message(sent)];
        steps.extend(rounds.iter().cycle().take(50));
        assert_sending_stays_within_the_promise(open(), 0, &steps);
    }
}

/// The same for a compressed message. It arrives in small pieces, and each of them yields many bytes.
#[cfg(feature = "deflate")]
#[test]
fn decompressed_bytes_take_at_most_twice_their_length_in_memory() {
    use sansws::deflate::{Compressor, DeflateConfig, DeflateParams};
    let payload: Vec<u8> = (0..1_000_000_u32).map(|i| (i.wrapping_mul(i) >> 16).to_be_bytes()[3]).collect();
    let mut compressed = vec![0; Compressor::bound(payload.len())];
    let step = Compressor::new(4, 15).unwrap().finish(&payload, &mut compressed);
    assert!(step.done);
    compressed.truncate(step.produced);
    println!("{} bytes are compressed to {}", payload.len(), compressed.len());
    for read in [1, 100, 1000, 20_000] {
        let config = Config::new().deflate(DeflateConfig::new());
        let agreed = Agreed::deflate(DeflateParams::new());
        let mut bytes = frame(0xc2, &compressed);
        let mut client = Connection::after_handshake(Client::new(rng()), config, agreed);
        let (mut meter, mut reference) = (Meter::default(), sansws::deflate::Decompressor::new(15).unwrap());
        let mut room = vec![0; payload.len() + 1000];
        let (mut header, mut arrived) = (bytes.len() - compressed.len(), 0);
        for piece in bytes.chunks_mut(read) {
            let now = &piece[header.min(piece.len())..];
            header = header.saturating_sub(piece.len());
            arrived += reference.decompress(now, &mut room[arrived..]).unwrap().produced;
            let is_complete = meter.call(|| client.receive(&mut &mut piece[..]).is_some());
            if is_complete {
                break;
            }
            // The decompressor takes 47 KiB and a window of 32 KiB. A read may yield four times its length.
            let most = 2 * arrived + 8 * read.min(READ) + (80 + 16) * 1024;
            assert!(meter.held <= most, "{} bytes are held for {arrived}, not {most}", meter.held);
        }
        assert_eq!(arrived, payload.len());
    }
}

/// Consumed bytes are room for new ones. If they are few, the bytes that wait would soon move again, so the
/// buffer grows: at most four bytes move for each consumed byte.
#[test]
fn the_outgoing_buffer_grows_if_less_than_a_quarter_of_what_waits_is_consumed() {
    const BUFFER: usize = 100_000;
    let payload = vec![7; BUFFER];
    for (sent, grows) in [(BUFFER / 5, false), (BUFFER / 2, false), (BUFFER / 5 - 1, true)] {
        let config = Config::new().max_outgoing(1_000_000);
        let mut server = Connection::after_handshake(Server, config, Agreed::NONE);
        let mut meter = Meter::default();
        // The header of a frame has ten bytes, and that of a frame below 64 KiB four.
        meter.call(|| server.sender().binary(&payload[..BUFFER - 10])).unwrap();
        assert_eq!(server.outgoing().len(), BUFFER);
        let before = meter.held;
        meter.call(|| server.mark_sent(sent));
        meter.call(|| server.sender().binary(&payload[..sent - 4])).unwrap();
        assert_eq!(server.outgoing().len(), BUFFER);
        assert_eq!(meter.held > before, grows, "{sent} of {BUFFER} bytes are sent: {before} {}", meter.held);
    }
}

#[test]
fn an_answer_takes_no_more_memory_than_its_bytes() {
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let mut server = Connection::server(Config::new());
    let mut input = request.to_vec();
    assert!(server.receive(&mut &mut input[..]).is_some());
    let mut meter = Meter::default();
    meter.call(|| server.sender().accept(&sansws::Accept::new())).unwrap();
    assert!(!server.outgoing().is_empty());
    assert!(meter.held <= LEAST, "{} bytes are held for {}", meter.held, server.outgoing().len());
}

#[cfg(feature = "deflate")]
#[test]
fn a_pool_holds_no_more_codecs_than_it_may_keep() {
    /// How many of four codecs a pool still holds after they were returned.
    fn kept<T>(take: impl Fn() -> T, give: impl Fn(T)) -> usize {
        let before = held();
        let codecs: Vec<T> = (0..4).map(|_| take()).collect();
        let each = (held() - before) / codecs.len();
        codecs.into_iter().for_each(give);
        // The list of the pool takes some bytes, too.
        (held() - before + each / 2) / each
    }
    for keep in 0..=3 {
        let pool = sansws::deflate::Pool::new(keep);
        let compressors = kept(|| pool.take_compressor(4, 15).unwrap(), |codec| pool.give_compressor(codec));
        let decompressors = kept(|| pool.take_decompressor().unwrap(), |codec| pool.give_decompressor(codec));
        assert_eq!((compressors, decompressors), (keep, keep));
    }
}
