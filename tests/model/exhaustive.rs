//! Tests that try all cases, if their number is finite. Each test says why this is a proof, and what the
//! proof assumes. The right answer comes from the model, which is written from the RFC.

mod closes;
mod headers;
mod lengths;
mod utf8;

use model::{Limits, Receiver, Seen, Side};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::deflate::{DeflateConfig, DeflateParams};
use sansws::{Agreed, Client, Config, Connection, Delivery, Event, Heap, Role, Server};

const NO_LIMITS: Limits =
    Limits { max_message: 1 << 20, max_frame: u64::MAX, max_fragments: 4096, in_parts: true };

fn agreed(has_deflate: bool) -> Agreed {
    if has_deflate { Agreed::deflate(DeflateParams::new()) } else { Agreed::NONE }
}

/// The events of the model for these bytes.
fn of_model(side: Side, has_deflate: bool, bytes: &[u8]) -> Vec<Seen> {
    let inflater = has_deflate.then(|| model::Inflater::new(15, true));
    let mut receiver = Receiver::new(NO_LIMITS, side == Side::Server, inflater);
    let mut events = Vec::new();
    for &byte in bytes {
        receiver.byte(byte, &mut events);
    }
    events
}

/// The events of a connection that receives these pieces.
fn of_connection(side: Side, has_deflate: bool, pieces: &[&[u8]]) -> Vec<Seen> {
    let config = Config::new().delivery(Delivery::Parts).deflate(DeflateConfig::new());
    let agreed = agreed(has_deflate);
    match side {
        Side::Server => events(Connection::after_handshake(Server, config, agreed), pieces),
        Side::Client => {
            let role = Client::new(StdRng::seed_from_u64(1));
            events(Connection::after_handshake(role, config, agreed), pieces)
        }
    }
}

fn events<R: Role>(mut connection: Connection<R, Heap>, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut events = Vec::new();
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let mut input = &mut bytes[..];
        while let Some((event, tx)) = connection.receive(&mut input) {
            let seen = match event {
                // A first part may be empty; the model reports no such part.
                Event::Part(part) if part.data.is_empty() && !part.is_last => continue,
                Event::Part(part) => Seen::Part {
                    kind: part.data.kind(),
                    bytes: part.data.as_bytes().to_vec(),
                    is_first: false,
                    is_last: part.is_last,
                },
                Event::Ping(payload) => Seen::Ping(payload.to_vec()),
                Event::Pong(payload) => Seen::Pong(payload.to_vec()),
                Event::Close(close) => Seen::Close(close.code.into(), close.reason.to_owned()),
                Event::Failed => Seen::Failed(tx.error().unwrap()),
                other => panic!("{other:?}"),
            };
            seen.add(&mut events);
        }
    }
    events
}

/// Asserts that the connection reports for these pieces what the model reports for their bytes.
fn compare(side: Side, has_deflate: bool, pieces: &[&[u8]]) {
    let mut expected = Vec::new();
    for seen in of_model(side, has_deflate, &pieces.concat()) {
        // Whether a part is the first one is tested elsewhere.
        match seen {
            Seen::Part { kind, bytes, is_last, .. } => {
                Seen::Part { kind, bytes, is_first: false, is_last }.add(&mut expected);
            }
            other => expected.push(other),
        }
    }
    let found = of_connection(side, has_deflate, pieces);
    assert_eq!(found, expected, "{side:?}, deflate {has_deflate}, {:02x?}", &pieces.concat());
}

const SIDES: [Side; 2] = [Side::Server, Side::Client];

/// A frame to this side, without a payload: a key of zeros for a server.
fn header(side: Side, first: u8, length: &[u8]) -> Vec<u8> {
    let mut header = vec![first];
    header.extend_from_slice(length);
    if side == Side::Server {
        header[1] |= 0x80;
        header.extend([0; 4]);
    }
    header
}
