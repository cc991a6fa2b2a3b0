//! Masking in place, next to a plain XOR of each byte with a constant: `cargo bench -p benches --bench mask`

use divan::Bencher;
use divan::counter::BytesCount;
use sansws::DataKind;
use support::{SIZES, client};

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn client_in_place(bencher: Bencher, size: usize) {
    let mut client = client();
    let mut payload = vec![7; size];
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| client.sender().mask_in_place(DataKind::Binary, &mut payload).unwrap());
}

#[divan::bench(args = SIZES)]
fn floor(bencher: Bencher, size: usize) {
    let mut payload = vec![7_u8; size];
    let key = divan::black_box(0x5a);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        for byte in divan::black_box(&mut payload) {
            *byte ^= key;
        }
    });
}
