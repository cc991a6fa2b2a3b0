//! The clients of the table: what they send to a server behind a proxy.

use crate::{Buffers, Cut, LARGE, Memory, smallest};
use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use sansws::{Accept, Borrowed, ClientRequest, Config, Connection, Event, State};

/// What a client sends.
pub struct ClientCase {
    pub name: &'static str,
    subprotocols: &'static [&'static str],
    headers: &'static [(&'static str, &'static str)],
}

pub const CLIENT_CASES: [ClientCase; 3] = [
    ClientCase { name: "a bare client", subprotocols: &[], headers: &[] },
    ClientCase { name: "subprotocol `mqtt`", subprotocols: &["mqtt"], headers: &[] },
    ClientCase {
        name: "the same, with a token of 1,000 bytes in `Authorization`",
        subprotocols: &["mqtt"],
        headers: &[("Authorization", BEARER)],
    },
];

const BEARER: &str = {
    const SCHEME: &[u8] = b"Bearer ";
    const BYTES: [u8; SCHEME.len() + 1000] = {
        let mut bytes = [b'x'; SCHEME.len() + 1000];
        let mut at = 0;
        while at < SCHEME.len() {
            bytes[at] = SCHEME[at];
            at += 1;
        }
        bytes
    };
    match core::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
};

impl ClientCase {
    /// Opens a connection to a server behind a proxy. Returns how long a message the client can send then.
    fn open(&self, memory: &mut Memory, cut: Cut, buffers: Buffers) -> Option<usize> {
        let Memory { head, receive, send, peer: [peer_receive, peer_send] } = memory;
        let request = ClientRequest::new("ws://broker.example/mqtt").ok()?;
        let request = request.subprotocols(self.subprotocols).headers(self.headers);
        let storage = Borrowed::new(&mut receive[..buffers.rx], &mut send[..buffers.tx]);
        let mut client = Connection::client_in(&request, Config::new(), Counter(1), storage).ok()?;

        let mut server = Connection::server_in(Config::new(), Borrowed::new(peer_receive, peer_send));
        let outgoing = client.outgoing();
        let len = outgoing.len();
        head[..len].copy_from_slice(outgoing);
        client.mark_sent(len);
        let mut input = &mut head[..len];
        while let Some((event, tx)) = server.receive(&mut input) {
            if let Event::HandshakeRequest(_) = event {
                let headers = [
                    ("Server", "nginx/1.22.1"),
                    ("Date", "Mon, 30 Nov 2026 12:00:00 GMT"),
                    ("Via", "1.1 proxy.example"),
                ];
                let accept = Accept::new().headers(&headers);
                tx.accept(&match self.subprotocols.first() {
                    Some(name) => accept.subprotocol(name),
                    None => accept,
                })
                .ok()?;
            }
        }
        let answer = server.outgoing();
        let len = answer.len();
        head[..len].copy_from_slice(answer);
        let piece_len = match cut {
            Cut::Nowhere => len,
            Cut::BehindEachByte => 1,
        };
        for mut piece in head[..len].chunks_mut(piece_len) {
            while let Some((event, _)) = client.receive(&mut piece) {
                if !matches!(event, Event::HandshakeComplete(_)) {
                    return None;
                }
            }
        }
        (client.state() == State::Open && client.subprotocol() == self.subprotocols.first().copied())
            .then(|| client.sender().max_room())
    }

    pub fn smallest_rx(&self, memory: &mut Memory) -> usize {
        let cuts = [Cut::Nowhere, Cut::BehindEachByte];
        cuts.map(|cut| smallest(|rx| self.open(memory, cut, Buffers { rx, ..LARGE }).is_some()))
            .into_iter()
            .fold(0, usize::max)
    }

    pub fn smallest_tx(&self, memory: &mut Memory, message: usize) -> usize {
        smallest(|tx| {
            self.open(memory, Cut::Nowhere, Buffers { tx, ..LARGE }).is_some_and(|room| room >= message)
        })
    }
}

/// A random source that costs nothing. It decides about no figure.
pub struct Counter(u32);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x9e37_79b9);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}
