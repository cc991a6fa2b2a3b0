//! The conversation that every implementation should get right, held in both directions between two
//! connections in memory.

use crate::support::{Pair, Reported};
use sansws::DataKind;

// WS-5.1-08 · WS-5.4-05 · WS-5.4-12 · WS-5.5.2-06 · WS-4.2.2-30
#[test]
fn a_client_and_a_server_exchange_whole_and_fragmented_messages_and_pings() {
    let mut pair = Pair::open();
    pair.client.sender().text("hello").unwrap();
    assert_eq!(pair.deliver_to_server(), [Reported::text("hello")]);

    let tx = pair.client.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"and a").unwrap();
    tx.fragment(b"happy new").unwrap();
    tx.ping(b"still there?").unwrap();
    tx.finish(b"year!").unwrap();
    assert_eq!(
        pair.deliver_to_server(),
        [Reported::Ping(b"still there?".to_vec()), Reported::text("and ahappy newyear!")]
    );
    assert_eq!(pair.deliver_to_client(), [Reported::Pong(b"still there?".to_vec())]);

    // The server says the same.
    pair.server.sender().text("hello").unwrap();
    let tx = pair.server.sender();
    tx.begin(DataKind::Text).unwrap();
    tx.fragment(b"and a").unwrap();
    tx.fragment(b"happy new").unwrap();
    tx.ping(b"still there?").unwrap();
    tx.finish(b"year!").unwrap();
    assert_eq!(
        pair.deliver_to_client(),
        [
            Reported::text("hello"),
            Reported::Ping(b"still there?".to_vec()),
            Reported::text("and ahappy newyear!")
        ]
    );
    assert_eq!(pair.deliver_to_server(), [Reported::Pong(b"still there?".to_vec())]);
}
