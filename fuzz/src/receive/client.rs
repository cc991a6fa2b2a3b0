//! Invariant: no bytes of a server make a client panic or hang. A client reports the same events and writes
//! the same bytes no matter how the network cuts the bytes. It keeps its limits, and remains failed after a
//! failure.

use super::{Input, assert_cuts_do_not_matter};
use arbitrary::{Arbitrary, Unstructured};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sansws::{Client, ClientRequest, Connection, Event};

pub fn run(bytes: &[u8]) {
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) {
        check(&input);
    }
}

fn check(input: &Input<'_>) {
    // The keys are the same in every run.
    let rng = || ChaCha8Rng::seed_from_u64(0);
    let request = ClientRequest::new("ws://h/").unwrap().subprotocols(&["a", "b"]);
    let connect = || {
        if input.with_handshake || !input.from_start {
            Connection::after_handshake(Client::new(rng()), input.config(), input.agreed())
        } else {
            let mut client = Connection::client(&request, input.config(), rng()).unwrap();
            client.mark_sent(client.outgoing().len());
            client
        }
    };
    assert_cuts_do_not_matter(connect, &input.bytes(&[]), input, |event, _| {
        if let Event::HandshakeRefused(response) = event {
            let _ = (response.status(), response.reason().len(), response.versions().count());
        }
    });
}
