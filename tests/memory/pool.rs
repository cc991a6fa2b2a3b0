//! The memory of idle connections that take their context over and share a pool.

use super::{held, support::*};
use sansws::deflate::{DeflateConfig, DeflateParams, Pool};
use sansws::{Agreed, Client, Config, Connection, Event, Message, Role, Server};

const CONFIG: Config = Config::new().deflate(DeflateConfig::new().threshold(0));

fn open<R: Role>(role: R, bits: u8, pool: &Pool) -> Connection<R> {
    let params = DeflateParams::new().with_server_max_window_bits(bits).with_client_max_window_bits(bits);
    let mut connection = Connection::after_handshake(role, CONFIG, Agreed::deflate(params));
    connection.set_deflate_pool(pool).unwrap();
    connection
}

/// Sends a message from one end to the other.
fn send<A: Role, B: Role>(from: &mut Connection<A>, to: &mut Connection<B>, message: &[u8]) {
    from.sender().binary(message).unwrap();
    let mut bytes = take_outgoing(from);
    let mut input = &mut bytes[..];
    match to.receive(&mut input) {
        Some((Event::Message(Message::Binary(received)), _)) => assert!(received == message),
        other => panic!("{other:?}"),
    }
    assert!(to.receive(&mut input).is_none());
}

/// Random bytes.
fn noise(len: usize, state: &mut u32) -> Vec<u8> {
    let mut next = || {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] % 64
    };
    (0..len).map(|_| next()).collect()
}

/// The memory of an idle server that has exchanged messages of these lengths in both directions.
fn idle_server(bits: u8, lengths: &[usize]) -> usize {
    let (pool, peers) = (Pool::new(1), Pool::new(1));
    let mut server = open(Server, bits, &pool);
    let mut client = open(Client::new(rng()), bits, &peers);
    let mut state = 7;
    for &len in lengths {
        send(&mut server, &mut client, &noise(len, &mut state));
        send(&mut client, &mut server, &noise(len, &mut state));
    }
    let before = held();
    drop(server);
    let bytes = before - held();
    // The codecs are in the pool.
    let before = held();
    drop(pool);
    assert!(before - held() > 150 * 1024);
    bytes
}

#[test]
fn an_idle_connection_with_context_takeover_holds_its_window_and_no_codec() {
    for (bits, most) in
        [(8, 512), (9, 1024), (10, 2560), (11, 4608), (12, 8704), (13, 17_408), (15, 66 * 1024)]
    {
        for lengths in [&[500; 200][..], &[100_000, 3], &[1 << (bits - 1); 5]] {
            let bytes = idle_server(bits, lengths);
            println!("an idle connection of {bits} bits holds {bytes} bytes");
            assert!(bytes <= 256 + most, "{bits} bits: {bytes} bytes");
        }
        // It holds less if less was exchanged, and never more than a quarter above that.
        for len in [0, 10, 40, 100] {
            let bytes = idle_server(bits, &[len]);
            println!("an idle connection of {bits} bits holds {bytes} bytes after {len} in each direction");
            assert!(bytes <= 256 + 2 * (len + len / 4), "{bits} bits: {bytes} bytes after {len}");
        }
    }
}
