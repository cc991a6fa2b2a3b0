//! The cost of the UTF-8 check, next to `core::str::from_utf8` of the same bytes. A client receives the bytes
//! unmasked. `cargo bench -p benches --bench utf8 [--features simdutf8]`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use support::{BINARY, SIZES, TEXT, ascii, client, mixed, stream};

fn main() {
    divan::main();
}

fn bench(bencher: Bencher, text: &[u8], first: u8) {
    let mut frame = stream(first, text, false, 1);
    let mut client = client();
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let mut input = &mut frame[..];
        assert!(black_box(client.receive(&mut input)).is_some());
    });
}

#[divan::bench(args = SIZES)]
fn binary(bencher: Bencher, size: usize) {
    bench(bencher, &ascii(size), BINARY);
}

#[divan::bench(args = SIZES)]
fn ascii_text(bencher: Bencher, size: usize) {
    bench(bencher, &ascii(size), TEXT);
}

#[divan::bench(args = SIZES)]
fn mixed_text(bencher: Bencher, size: usize) {
    bench(bencher, &mixed(size), TEXT);
}

#[divan::bench(args = SIZES)]
fn core_mixed_text(bencher: Bencher, size: usize) {
    let text = mixed(size);
    bencher.counter(BytesCount::new(size)).bench_local(|| std::str::from_utf8(black_box(&text)).is_ok());
}
