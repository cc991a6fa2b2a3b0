//! Invariant: whatever a client sends, and however it is cut, a server neither panics nor hangs, reports the same events
//! and writes the same bytes as when it comes in one piece, holds its limits, and stays failed once it has failed.
#![no_main]

#[path = "../receive.rs"]
mod receive;

use libfuzzer_sys::fuzz_target;
use receive::{Input, assert_cuts_mean_nothing};
use sansws::{Accept, Connection, Event, Fixed, Heap, Reply, Sender, Server, Storage};

/// So that most runs get past the handshake.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

fuzz_target!(|input: Input<'_>| {
    check(&input, Heap);
    // Where lines of a head are dropped.
    check(&input, Fixed::<400, 2048>);
});

fn check<S: Storage + Copy>(input: &Input<'_>, storage: S) {
    let bytes = input.bytes(if input.with_handshake { REQUEST } else { &[] });
    let connect = || {
        let config = input.config().keep_headers(&["Cookie"]);
        if input.with_handshake || input.from_start {
            Connection::server_in(config, storage)
        } else {
            Connection::after_handshake_in(Server, config, input.agreed(), storage)
        }
    };
    assert_cuts_mean_nothing(connect, &bytes, input, answer);
}

fn answer<S: Storage>(event: &Event<'_>, tx: &mut Sender<Server, S>) {
    match event {
        Event::HandshakeRequest(request) => {
            // The views split what was checked before; nothing in them may panic.
            let _ = (request.target().len(), request.path().len(), request.query(), request.is_same_origin());
            let _ = (request.headers().count(), request.subprotocols().count(), request.extensions().count());
            let chosen = request.subprotocols().next();
            tx.accept(&chosen.map_or(Accept::new(), |name| Accept::new().subprotocol(name))).unwrap();
        }
        Event::HttpRequest(_) => tx.respond(&Reply::new(404).body(b"not here")).unwrap(),
        _ => {}
    }
}
