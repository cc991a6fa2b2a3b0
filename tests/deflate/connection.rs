//! RFC 7692 sections 6 and 7.2 on a connection: compressed messages whole, in fragments, in parts, within
//! limits.

mod any_messages;
mod fragments;
mod handshake;
mod mixed_calls;
mod product;
mod receiving;
mod room;
mod sending;

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::deflate::{Compressor, DeflateConfig, DeflateParams, Pool};
use sansws::{
    Accept, Agreed, Client, ClientRequest, CloseCode, Compress, Config, Connection, DataKind, Delivery,
    HandshakeError, Limit, Message, Misuse, PreparedMessage, SendError, Server, Violation,
};
use std::fmt::Write;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

const fn config() -> Config {
    Config::new().deflate(DeflateConfig::new())
}

fn server_with(config: Config, params: DeflateParams) -> ServerConnection {
    Connection::after_handshake(Server, config, Agreed::deflate(params))
}

fn client_with(config: Config, params: DeflateParams) -> ClientConnection {
    Connection::after_handshake(Client::new(rng()), config, Agreed::deflate(params))
}

/// The events that a server and a client report for these unmasked frames. Asserts that they are the same for
/// both roles, and also if the bytes arrive one by one.
#[track_caller]
fn reported(config: Config, frames: &[&[u8]]) -> Vec<Reported> {
    let params = DeflateParams::new();
    let (to_server, to_client) = (masked_all(frames), frames.concat());
    let first = feed(&mut server_with(config, params), &to_server);
    let each = |bytes: &[u8]| (1..bytes.len()).collect::<Vec<_>>();
    assert_eq!(feed_cut(&mut server_with(config, params), &to_server, each(&to_server)), first);
    assert_eq!(feed(&mut client_with(config, params), &to_client), first);
    assert_eq!(feed_cut(&mut client_with(config, params), &to_client, each(&to_client)), first);
    first
}

fn compressed(first: u8, message: &[u8]) -> Vec<u8> {
    frame(first, &zlib::Deflate::new(6, 15, 8, 0).message(message))
}

/// Text like JSON, which shrinks when it is compressed.
fn json(len: usize) -> String {
    let mut text = String::new();
    for i in 0.. {
        write!(text, "{{\"id\":{i},\"name\":\"item {}\",\"price\":{}}},", i * 7 % 13, i * i % 1000).unwrap();
        if text.len() >= len {
            text.truncate(len);
            return text;
        }
    }
    text
}

/// Random bytes, which do not shrink when they are compressed. They are the same in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..len).map(next).collect()
}
