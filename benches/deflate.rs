//! Compression of JSON-like messages, next to C zlib: `cargo bench -p benches --features deflate --bench
//! deflate`
//!
//! With context takeover the codec continues from message to message; without it, each message begins anew. C
//! zlib has its defaults: level 6 and `memLevel` 8.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use libz_sys::{Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH};
use sansws::deflate::{Compressor, Decompressor, Pool};
use std::fmt::Write;

const SIZES: [usize; 4] = [50, 500, 5_000, 100_000];
/// How many different messages follow each other. They are longer than a window, so no window holds a copy of
/// the next message.
const fn count(len: usize) -> usize {
    if len < 5000 { 100_000 / len } else { 20 }
}

fn main() {
    sizes();
    divan::main();
}

/// Records like those of a market: the same keys, with values that differ.
fn json(len: usize, seed: usize) -> Vec<u8> {
    let mut noise = u32::try_from(seed).unwrap().wrapping_mul(0x9e37_79b9) + 1;
    let mut next = |modulus: u32| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 8) % modulus
    };
    let mut text = String::from("[");
    while text.len() < len {
        write!(
            text,
            r#"{{"id":{},"symbol":"{}","price":{}.{:02},"side":"{}","ok":{}}},"#,
            next(1_000_000),
            ["BTCUSD", "ETHUSD", "EURUSD", "XAUUSD", "GBPJPY"][next(5) as usize],
            next(60_000),
            next(100),
            ["buy", "sell"][next(2) as usize],
            next(2) == 0,
        )
        .unwrap();
    }
    text.truncate(len);
    text.into_bytes()
}

fn messages(len: usize) -> Vec<Vec<u8>> {
    (0..count(len)).map(|seed| json(len, seed)).collect()
}

fn compress(compressor: &mut Compressor, message: &[u8], out: &mut Vec<u8>) -> usize {
    out.resize(Compressor::bound(message.len()), 0);
    let step = compressor.finish(message, out);
    assert!(step.done);
    step.produced
}

fn payloads(len: usize, level: u8, takeover: bool) -> Vec<Vec<u8>> {
    let mut compressor = Compressor::new(level, 15).unwrap();
    let mut out = Vec::new();
    let mut compress = |message: &Vec<u8>| {
        let len = compress(&mut compressor, message, &mut out);
        if !takeover {
            compressor.reset();
        }
        out[..len].to_vec()
    };
    messages(len).iter().map(&mut compress).collect()
}

/// Prints the average length of a compressed message.
fn sizes() {
    let sum = |payloads: Vec<Vec<u8>>| payloads.iter().map(Vec::len).sum::<usize>() / payloads.len();
    for len in SIZES {
        let mut c = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
        let c: Vec<_> = messages(len).iter().map(|message| c.message(message)).collect();
        for level in [1, 4, 6] {
            println!(
                "{len} bytes, level {level}: with takeover {}, without {}",
                sum(payloads(len, level, true)),
                sum(payloads(len, level, false))
            );
        }
        println!("{len} bytes, C zlib: with takeover {}", sum(c));
    }
}

fn deflate(bencher: Bencher, len: usize, level: u8, bits: u8, takeover: bool) {
    let messages = messages(len);
    let mut compressor = Compressor::new(level, bits).unwrap();
    let mut out = Vec::new();
    bencher.counter(BytesCount::new(len * count(len))).bench_local(|| {
        for message in &messages {
            black_box(compress(&mut compressor, message, &mut out));
            if !takeover {
                compressor.reset();
            }
        }
    });
}

#[divan::bench(args = SIZES, consts = [1, 4, 6])]
fn deflate_takeover<const LEVEL: u8>(bencher: Bencher, len: usize) {
    deflate(bencher, len, LEVEL, 15, true);
}

#[divan::bench(args = SIZES, consts = [1, 4, 6])]
fn deflate_no_takeover<const LEVEL: u8>(bencher: Bencher, len: usize) {
    deflate(bencher, len, LEVEL, 15, false);
}

#[divan::bench(args = SIZES, consts = [10, 12, 15])]
fn deflate_window<const BITS: u8>(bencher: Bencher, len: usize) {
    deflate(bencher, len, 4, BITS, true);
}

#[divan::bench(args = SIZES)]
fn deflate_from_pool(bencher: Bencher, len: usize) {
    let messages = messages(len);
    let pool = Pool::new(2);
    let mut out = Vec::new();
    bencher.counter(BytesCount::new(len * count(len))).bench_local(|| {
        for message in &messages {
            let mut compressor = pool.take_compressor(4, 15).unwrap();
            black_box(compress(&mut compressor, message, &mut out));
            pool.give_compressor(compressor);
        }
    });
}

/// The cost of the pool itself: both codecs are taken and given back.
#[divan::bench]
fn pool(bencher: Bencher) {
    let pool = Pool::new(2);
    bencher.bench_local(|| {
        let (compressor, decompressor) =
            (pool.take_compressor(4, 15).unwrap(), pool.take_decompressor().unwrap());
        pool.give_compressor(black_box(compressor));
        pool.give_decompressor(black_box(decompressor));
    });
}

#[divan::bench(args = SIZES, consts = [true, false])]
fn deflate_c<const TAKEOVER: bool>(bencher: Bencher, len: usize) {
    let messages = messages(len);
    let mut compressor = zlib::Deflate::new(6, 15, 8, Z_DEFAULT_STRATEGY);
    let mut out = vec![0; Compressor::bound(len)];
    bencher.counter(BytesCount::new(len * count(len))).bench_local(|| {
        for message in &messages {
            black_box(compressor.run_into(message, Z_SYNC_FLUSH, &mut out));
            if !TAKEOVER {
                compressor.reset();
            }
        }
    });
}

#[divan::bench(args = SIZES, consts = [true, false])]
fn inflate<const TAKEOVER: bool>(bencher: Bencher, len: usize) {
    let payloads = payloads(len, 4, TAKEOVER);
    let mut decompressor = Decompressor::new(15).unwrap();
    let mut out = vec![0; len + 1];
    bencher.counter(BytesCount::new(len * count(len))).bench_local(|| {
        decompressor.reset();
        for payload in &payloads {
            assert!(decompressor.decompress(payload, &mut out).unwrap().done);
            decompressor.finish().unwrap();
            if !TAKEOVER {
                decompressor.reset();
            }
        }
    });
}

#[divan::bench(args = SIZES, consts = [true, false])]
fn inflate_c<const TAKEOVER: bool>(bencher: Bencher, len: usize) {
    let payloads = payloads(len, 4, TAKEOVER);
    let mut decompressor = zlib::Inflate::new(15);
    let mut out = vec![0; len + 1];
    bencher.counter(BytesCount::new(len * count(len))).bench_local(|| {
        decompressor.reset();
        for payload in &payloads {
            assert_eq!(decompressor.message_into(payload, &mut out), len);
            if !TAKEOVER {
                decompressor.reset();
            }
        }
    });
}
