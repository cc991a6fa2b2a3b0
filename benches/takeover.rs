//! What context takeover costs with a pool, for all windows or for those that are named:
//!
//! ```text
//! cargo bench -p benches --features deflate --bench takeover [-- BITS...]
//! ```
//!
//! - dedicated: the connection has a codec of its own;
//! - cached: the connection finds its codec in the pool;
//! - primed: each message meets the codec of another connection, which is the worst case.
//!
//! All of them run in turns, so the ratios also hold on a busy machine. Each time is the least of all turns,
//! and each ratio is the median. The rows of C zlib have the settings of uWebSockets (9 bits, memory level
//! 1), of Python websockets (12, 5) and of npm ws (15, 8).

use libz_sys::{Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH};
use sansws::deflate::{Compressor, DeflateConfig, DeflateParams, Pool, ReceiveCodec, SendCodec};
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

const WINDOWS: [u8; 6] = [9, 10, 11, 12, 13, 15];
const LEVELS: [u8; 3] = [1, 2, 6];
const SIZES: [usize; 4] = [50, 150, 500, 5000];
/// Window and memory level of C zlib.
const C: [(u8, i32); 3] = [(9, 1), (12, 5), (15, 8)];
const TURNS: usize = 61;
/// The number of messages that a variant handles in a turn.
const PER_TURN: usize = 20;

/// Records of a chat, as JSON.
fn messages(len: usize) -> Vec<Vec<u8>> {
    const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    const WORDS: [&str; 24] = [
        "the", "meeting", "is", "at", "noon", "can", "you", "send", "me", "a", "report", "of", "yesterday",
        "please", "thanks", "we", "should", "look", "into", "this", "again", "server", "release", "tomorrow",
    ];
    let mut noise = 7_u32;
    let mut next = |modulus: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 8) % modulus
    };
    // The messages are longer than any window, so no window holds a copy of the next one.
    let count = (100_000 / len).max(6 * PER_TURN);
    let mut message = |id: usize| {
        let mut text = String::new();
        while text.len() < len {
            let (from, at) = (NAMES[next(8) as usize], 1_700_000_000 + next(1_000_000));
            write!(text, r#"{{"id":{id},"from":"{from}","at":{at},"text":""#).unwrap();
            for _ in 0..3 + next(12) {
                write!(text, "{} ", WORDS[next(24) as usize]).unwrap();
            }
            text.push_str("\"},");
        }
        text.truncate(len);
        text.into_bytes()
    };
    (0..count).map(&mut message).collect()
}

fn params(bits: u8) -> DeflateParams {
    DeflateParams::new().with_server_max_window_bits(bits).with_client_max_window_bits(bits)
}

/// One connection, or two that send in turns, so that each message meets the codec of the other one.
struct Senders(Vec<SendCodec>);
struct Receivers(Vec<ReceiveCodec>);

const VARIANTS: usize = 3;
/// The number of connections of each variant, and whether they have a pool.
const KINDS: [(usize, bool); VARIANTS] = [(1, false), (1, true), (2, true)];

impl Senders {
    fn new(bits: u8, level: u8, (count, has_pool): (usize, bool)) -> Self {
        let pool = has_pool.then(|| Pool::new(1));
        let config = DeflateConfig::new().level(level);
        Self((0..count).map(|_| SendCodec::new(true, params(bits), &config, pool.clone())).collect())
    }

    /// Compresses these messages, and calls `each` with each payload.
    fn run(&mut self, messages: &[Vec<u8>], out: &mut [u8], mut each: impl FnMut(&[u8])) {
        let count = self.0.len();
        for (at, message) in messages.iter().enumerate() {
            let codec = &mut self.0[at % count];
            let step = codec.compressor().unwrap().finish(message, out);
            assert!(step.done);
            codec.end_message();
            each(&out[..step.produced]);
        }
    }
}

impl Receivers {
    fn new(bits: u8, (count, has_pool): (usize, bool)) -> Self {
        let pool = has_pool.then(|| Pool::new(1));
        Self((0..count).map(|_| ReceiveCodec::new(false, params(bits), pool.clone())).collect())
    }

    fn run(&mut self, payloads: &[Vec<u8>], out: &mut [u8]) {
        let count = self.0.len();
        for (at, payload) in payloads.iter().enumerate() {
            let codec = &mut self.0[at % count];
            let decompressor = codec.decompressor().unwrap();
            assert!(decompressor.decompress(payload, out).unwrap().done);
            decompressor.finish().unwrap();
            codec.end_message();
        }
    }
}

/// The least time of a message in microseconds, and its median ratio to the first variant.
#[derive(Clone, Copy, Default)]
struct Cost {
    micros: f64,
    ratio: f64,
}

fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Calls each variant in turns, with its number and the number of the turn.
fn compare<const N: usize>(mut run: impl FnMut(usize, usize)) -> [Cost; N] {
    let per_turn = f64::from(u32::try_from(PER_TURN).unwrap());
    let mut turns: Vec<[f64; N]> = (0..TURNS)
        .map(|turn| {
            let mut micros = [0.0; N];
            for variant in (0..N).map(|at| (at + turn) % N) {
                micros[variant] = time(|| run(variant, turn)).as_secs_f64() * 1e6 / per_turn;
            }
            micros
        })
        .collect();
    // The first turns fill the caches.
    turns.drain(..TURNS / 10);
    std::array::from_fn(|variant| {
        let micros = turns.iter().map(|turn| turn[variant]).fold(f64::INFINITY, f64::min);
        let mut ratios: Vec<f64> = turns.iter().map(|turn| turn[variant] / turn[0]).collect();
        ratios.sort_by(f64::total_cmp);
        Cost { micros, ratio: ratios[ratios.len() / 2] }
    })
}

/// The messages of one turn. In the same turn each variant has other messages: a processor that has just
/// compressed a message predicts its branches better the second time.
fn slice(messages: &[Vec<u8>], variant: usize, turn: usize) -> &[Vec<u8>] {
    let slices = messages.len() / PER_TURN;
    let at = (turn + variant * slices / VARIANTS) % slices * PER_TURN;
    &messages[at..at + PER_TURN]
}

fn share(compressed: usize, plain: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the lengths are small")]
    let share = compressed as f64 / plain as f64;
    share
}

/// The average share of its length that a message has after compression.
fn shares(bits: u8, level: u8, kinds: [(usize, bool); 2], messages: &[Vec<u8>]) -> [f64; 2] {
    let plain: usize = messages.iter().map(Vec::len).sum();
    let mut out = vec![0; Compressor::bound(messages[0].len())];
    kinds.map(|kind| {
        let mut compressed = 0;
        Senders::new(bits, level, kind).run(messages, &mut out, |payload| compressed += payload.len());
        share(compressed, plain)
    })
}

fn ours(bits: u8, level: u8, len: usize) {
    let messages = messages(len);
    let mut out = vec![0; Compressor::bound(len)];
    let [dedicated, primed] = shares(bits, level, [(2, false), (2, true)], &messages);
    let mut senders = KINDS.map(|kind| Senders::new(bits, level, kind));
    for senders in &mut senders {
        senders.run(&messages, &mut out, |_| {});
    }
    let send: [Cost; VARIANTS] = compare(|variant, turn| {
        senders[variant].run(slice(&messages, variant, turn), &mut out, |payload| {
            black_box(payload);
        });
    });

    let payloads: [Vec<Vec<Vec<u8>>>; VARIANTS] = std::array::from_fn(|variant| {
        let mut senders = Senders::new(bits, level, (KINDS[variant].0, false));
        let mut turn = |messages: &[Vec<u8>]| {
            let mut payloads = Vec::new();
            senders.run(messages, &mut out, |payload| payloads.push(payload.to_vec()));
            payloads
        };
        let first = turn(&messages);
        [first].into_iter().chain((0..TURNS).map(|at| turn(slice(&messages, variant, at)))).collect()
    });
    let mut room = vec![0; len + 1];
    let mut receivers = KINDS.map(|kind| Receivers::new(bits, kind));
    for (receivers, payloads) in receivers.iter_mut().zip(&payloads) {
        receivers.run(&payloads[0], &mut room);
    }
    let receive: [Cost; VARIANTS] =
        compare(|variant, turn| receivers[variant].run(&payloads[variant][1 + turn], &mut room));
    println!(
        "| {bits}, {level} | {len} | {:.2} | {:.2} ({:.2}) | {:.2} ({:.2}) | {dedicated:.3} | {primed:.3} | {:.2} | \
         {:.2} ({:.2}) | {:.2} ({:.2}) |",
        send[0].micros,
        send[1].micros,
        send[1].ratio,
        send[2].micros,
        send[2].ratio,
        receive[0].micros,
        receive[1].micros,
        receive[1].ratio,
        receive[2].micros,
        receive[2].ratio,
    );
}

fn c(bits: u8, mem_level: i32, len: usize) {
    const LEVEL: i32 = 6;
    let messages = messages(len);
    let mut out = vec![0; Compressor::bound(len)];
    let mut compressor = zlib::Deflate::new(LEVEL, bits, mem_level, Z_DEFAULT_STRATEGY);
    let compressed: usize = messages.iter().map(|message| compressor.message(message).len()).sum();
    let [send] = compare(|_, turn| {
        for message in slice(&messages, 0, turn) {
            black_box(compressor.run_into(message, Z_SYNC_FLUSH, &mut out));
        }
    });
    let mut compressor = zlib::Deflate::new(LEVEL, bits, mem_level, Z_DEFAULT_STRATEGY);
    let turns: Vec<Vec<Vec<u8>>> = (0..TURNS)
        .map(|turn| slice(&messages, 0, turn).iter().map(|message| compressor.message(message)).collect())
        .collect();
    let mut decompressor = zlib::Inflate::new(bits);
    let mut room = vec![0; len + 1];
    let [receive] = compare(|_, turn| {
        for payload in &turns[turn] {
            assert_eq!(decompressor.message_into(payload, &mut room), len);
        }
    });
    println!(
        "| C zlib {bits}/{mem_level}, {LEVEL} | {len} | {:.1} | | | {:.3} | | {:.1} | | |",
        send.micros,
        share(compressed, len * messages.len()),
        receive.micros,
    );
}

fn main() {
    let chosen: Vec<u8> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    println!(
        "| window, level | bytes | deflate: dedicated | cached | primed | length: dedicated | primed | \
         inflate: dedicated | cached | primed |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for bits in WINDOWS {
        if !chosen.is_empty() && !chosen.contains(&bits) {
            continue;
        }
        for level in LEVELS {
            for len in SIZES {
                ours(bits, level, len);
            }
        }
        for (c_bits, mem_level) in C {
            if c_bits == bits {
                for len in SIZES {
                    c(bits, mem_level, len);
                }
            }
        }
    }
}
