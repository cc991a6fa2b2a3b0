//! Invariant: no bytes of a client make a server panic or hang. A server reports the same events and writes
//! the same bytes no matter how the network cuts the bytes. It keeps its limits, and remains failed after a
//! failure.

use super::{Input, assert_cuts_do_not_matter};
use arbitrary::{Arbitrary, Unstructured};
use sansws::{Accept, Connection, Event, Fixed, Heap, Reply, Sender, Server, Storage};

/// A valid request, so that many runs get past the handshake.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

pub fn run(bytes: &[u8]) {
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) {
        check(&input, Heap);
        // This storage drops header lines that are not needed.
        check(&input, Fixed::<400, 2048>);
    }
}

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
    assert_cuts_do_not_matter(connect, &bytes, input, answer);
}

fn answer<S: Storage>(event: &Event<'_>, tx: &mut Sender<Server, S>) {
    match event {
        Event::HandshakeRequest(request) => {
            // The views parse the validated head again. They must not panic.
            let _ = (request.target().len(), request.path().len(), request.query(), request.is_same_origin());
            let _ = (request.headers().count(), request.subprotocols().count(), request.extensions().count());
            let chosen = request.subprotocols().next();
            tx.accept(&chosen.map_or(Accept::new(), |name| Accept::new().subprotocol(name))).unwrap();
        }
        Event::HttpRequest(_) => tx.respond(&Reply::new(404).body(b"not here")).unwrap(),
        _ => {}
    }
}
