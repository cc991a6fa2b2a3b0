//! Heads of the opening handshake: valid ones, and ways to change them.

use crate::support::Answer;
use rand_core::{TryCryptoRng, TryRng};
use sansws::{Client, Connection, Storage};
use std::convert::Infallible;

/// The key of RFC 6455 section 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The `Sec-WebSocket-Accept` that answers `KEY`.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub type Header = (&'static str, &'static str);

/// The headers of a valid request.
pub const REQUEST: [Header; 5] = [
    ("Host", "server.example"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
];

/// The headers of a valid response.
pub const RESPONSE: [Header; 3] =
    [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];

/// A change to the headers of a valid head.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Without(&'static str),
    Set(&'static str, &'static str),
    /// Adds a header after all others.
    Add(&'static str, &'static str),
}

pub fn with_changes(fields: &[Header], changes: &[Change]) -> Vec<Header> {
    let mut fields = fields.to_vec();
    for change in changes {
        match *change {
            Change::Without(name) => fields.retain(|field| field.0 != name),
            Change::Set(name, value) => fields.iter_mut().find(|field| field.0 == name).unwrap().1 = value,
            Change::Add(name, value) => fields.push((name, value)),
        }
    }
    fields
}

pub fn head(first_line: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut head = vec![first_line, "\r\n"];
    for (name, value) in fields {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push("\r\n");
    head.concat().into_bytes()
}

pub fn request(changes: &[Change]) -> Vec<u8> {
    head("GET /chat HTTP/1.1", &with_changes(&REQUEST, changes))
}

pub fn response(changes: &[Change]) -> Vec<u8> {
    head("HTTP/1.1 101 Switching Protocols", &with_changes(&RESPONSE, changes))
}

/// The headers in the form that an HTTP stack of the embedder has.
pub fn as_bytes(fields: &[Header]) -> impl Iterator<Item = (&'static str, &'static [u8])> + Clone {
    fields.iter().map(|(name, value)| (*name, value.as_bytes()))
}

/// A generator that gives the same 16 bytes again and again.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub [u8; 16]);

/// A client with this generator sends `KEY`.
pub const SAMPLE: Fixed = Fixed(*b"the sample nonce");

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0[..4].try_into().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0[..8].try_into().unwrap()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for (byte, fixed) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *fixed;
        }
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

impl<S: Storage> Answer for Connection<Client<Fixed>, S> {
    fn answer(&mut self) {
        unreachable!("a client gets no request");
    }
}
