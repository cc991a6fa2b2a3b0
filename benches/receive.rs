//! Receiving. One iteration is a stream of about 1 MiB, cut into reads of 16 KiB:
//! `cargo bench -p benches --bench receive`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sansws::{Connection, Role};
use support::{BINARY, READ, SIZES, TEXT, ascii, client, mixed, receive, server, stream};

fn main() {
    divan::main();
}

fn bench<R: Role>(bencher: Bencher, mut connection: Connection<R>, bytes: &[u8], masked: bool, first: u8) {
    let count = (1 << 20) / bytes.len();
    let stream = stream(first, bytes, masked, count);
    let mut buffer = vec![0; READ];
    bencher.counter(BytesCount::new(count * bytes.len())).bench_local(|| {
        let received = receive(&mut connection, &stream, &mut buffer, |bytes, _| {
            black_box(bytes);
        });
        assert_eq!(received, count * bytes.len());
    });
}

#[divan::bench(args = SIZES)]
fn server_binary(bencher: Bencher, size: usize) {
    bench(bencher, server(), &vec![7; size], true, BINARY);
}

#[divan::bench(args = SIZES)]
fn server_ascii(bencher: Bencher, size: usize) {
    bench(bencher, server(), &ascii(size), true, TEXT);
}

#[divan::bench(args = SIZES)]
fn server_mixed_text(bencher: Bencher, size: usize) {
    bench(bencher, server(), &mixed(size), true, TEXT);
}

#[divan::bench(args = SIZES)]
fn client_binary(bencher: Bencher, size: usize) {
    bench(bencher, client(), &vec![7; size], false, BINARY);
}

#[divan::bench(args = SIZES)]
fn server_echo(bencher: Bencher, size: usize) {
    let count = (1 << 20) / size;
    let stream = stream(BINARY, &vec![7; size], true, count);
    let mut buffer = vec![0; READ];
    let mut server = server();
    bencher
        .counter(BytesCount::new(count * size))
        .bench_local(|| receive(&mut server, &stream, &mut buffer, |bytes, tx| tx.binary(bytes).unwrap()));
}
