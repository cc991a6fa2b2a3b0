//! The bytes as this library reads them.

use super::{End, Reads, Report, Seen};
use crate::options::Options;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{Agreed, Client, Connection, DataKind, Event, Role, Server};

pub fn read(bytes: &[u8], reads: &Reads, options: Options) -> Report {
    let config = options.config().max_message(reads.max_message).max_frame(reads.max_frame);
    if reads.is_server {
        events(Connection::after_handshake(Server, config, Agreed::NONE), bytes, reads)
    } else {
        let client = Client::new(StdRng::seed_from_u64(1));
        events(Connection::after_handshake(client, config, Agreed::NONE), bytes, reads)
    }
}

fn events<R: Role>(mut connection: Connection<R>, bytes: &[u8], reads: &Reads) -> Report {
    let (mut seen, mut message) = (Vec::new(), Vec::new());
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    let mut cuts = reads.cuts.iter().cycle();
    while !rest.is_empty() {
        let len = cuts.next().map_or(1, |cut| (*cut).min(rest.len()));
        let (mut input, after) = rest.split_at_mut(len);
        rest = after;
        while let Some((event, _)) = connection.receive(&mut input) {
            match event {
                Event::Message(message) => seen.push(of(message.kind(), message.as_bytes().to_vec())),
                Event::Part(part) => {
                    message.extend_from_slice(part.data.as_bytes());
                    if part.is_last {
                        seen.push(of(part.data.kind(), std::mem::take(&mut message)));
                    }
                }
                Event::Ping(payload) => seen.push(Seen::Ping(payload.to_vec())),
                Event::Pong(payload) => seen.push(Seen::Pong(payload.to_vec())),
                Event::Close(close) => {
                    seen.push(Seen::Close(close.code.into(), close.reason.to_owned()));
                    return (seen, End::Closed);
                }
                Event::Failed => {
                    let error = connection.error().expect("a failed connection has an error");
                    return (seen, End::Ours(error));
                }
                other => panic!("there is no handshake: {other:?}"),
            }
        }
        connection.mark_sent(usize::MAX);
    }
    (seen, End::Eof)
}

fn of(kind: DataKind, bytes: Vec<u8>) -> Seen {
    match kind {
        DataKind::Text => Seen::Text(bytes),
        DataKind::Binary => Seen::Binary(bytes),
    }
}
