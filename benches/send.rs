//! Sending. One iteration is one message, encoded and marked as sent: `cargo bench -p benches --bench send`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sansws::{Connection, PreparedMessage, Role};
use support::{SIZES, client, server};

fn main() {
    divan::main();
}

fn bench<R: Role>(bencher: Bencher, mut connection: Connection<R>, size: usize) {
    let payload = vec![7; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        connection.sender().binary(black_box(&payload)).unwrap();
        let len = black_box(connection.outgoing()).len();
        connection.mark_sent(len);
    });
}

#[divan::bench(args = SIZES)]
fn server_binary(bencher: Bencher, size: usize) {
    bench(bencher, server(), size);
}

#[divan::bench(args = SIZES)]
fn client_binary(bencher: Bencher, size: usize) {
    bench(bencher, client(), size);
}

#[divan::bench(args = SIZES)]
fn server_prepared(bencher: Bencher, size: usize) {
    let message = PreparedMessage::binary(&vec![7; size]).unwrap();
    let mut server = server();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        server.sender().prepared(black_box(&message)).unwrap();
        let len = black_box(server.outgoing()).len();
        server.mark_sent(len);
    });
}
