//! The opening handshake of each side: `cargo bench -p benches --bench handshake`

use divan::{Bencher, black_box};
use sansws::{Accept, ClientRequest, Connection, Event};
use support::{config, rng};

fn main() {
    divan::main();
}

/// A browser's request: 14 headers, about 500 bytes.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: server.example:8080\r\nConnection: Upgrade\r\n\
    Pragma: no-cache\r\nCache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 \
    Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://server.example:8080\r\n\
    Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=4f1c2a; theme=dark\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nDNT: 1\r\n\r\n";

#[divan::bench]
fn server(bencher: Bencher) {
    let mut bytes = REQUEST.to_vec();
    bencher.bench_local(|| {
        let mut server = Connection::server(config());
        let mut input = &mut bytes[..];
        while let Some((event, tx)) = server.receive(&mut input) {
            if let Event::HandshakeRequest(_) = event {
                tx.accept(&Accept::new()).unwrap();
            }
        }
        black_box(server.outgoing()).len()
    });
}

#[divan::bench]
fn client(bencher: Bencher) {
    let request = ClientRequest::new("ws://server.example:8080/chat").unwrap();
    // The same generator makes the same key, so one answer suits all requests.
    let mut server = Connection::server(config());
    let mut asked = Connection::client(&request, config(), rng()).unwrap().outgoing().to_vec();
    let mut input = &mut asked[..];
    while let Some((event, tx)) = server.receive(&mut input) {
        if let Event::HandshakeRequest(_) = event {
            tx.accept(&Accept::new()).unwrap();
        }
    }
    let mut answer = server.outgoing().to_vec();
    bencher.bench_local(|| {
        let mut client = Connection::client(&request, config(), rng()).unwrap();
        client.mark_sent(black_box(client.outgoing()).len());
        let mut input = &mut answer[..];
        assert!(matches!(client.receive(&mut input), Some((Event::HandshakeComplete(_), _))));
    });
}
