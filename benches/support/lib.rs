//! The code that the benchmarks share: streams of frames, connections, keys.

#![allow(clippy::missing_panics_doc, reason = "benchmarks fail in this way")]

use rand::SeedableRng;
use rand::rngs::StdRng;
use sansws::{Agreed, Client, Config, Connection, Event, Role, Sender, Server};

/// Message sizes in bytes.
pub const SIZES: [usize; 5] = [16, 125, 1024, 16 * 1024, 1 << 20];

/// The size of a read, as a server would choose it.
pub const READ: usize = 16 * 1024;

/// The first byte of a binary message in one frame.
pub const BINARY: u8 = 0x82;
/// The first byte of a text message in one frame.
pub const TEXT: u8 = 0x81;

/// A configuration for few, busy connections: buffers keep their memory.
pub fn config() -> Config {
    Config::new().keep_capacity(4 << 20).max_message(16 << 20).max_outgoing(16 << 20)
}

/// A server after its handshake.
pub fn server() -> Connection<Server> {
    Connection::after_handshake(Server, config(), Agreed::NONE)
}

/// A client after its handshake.
pub fn client() -> Connection<Client<StdRng>> {
    Connection::after_handshake(Client::new(rng()), config(), Agreed::NONE)
}

/// A generator whose numbers are the same in every run.
pub fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// `count` equal frames in a row. They are masked if a client sends them.
pub fn stream(first: u8, payload: &[u8], masked: bool, count: usize) -> Vec<u8> {
    let mut frame = vec![first];
    let bit = if masked { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..126 => frame.push(bit | u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            frame.push(bit | 0x7e);
            frame.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            frame.push(bit | 0x7f);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    if masked {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        frame.extend(key);
        frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    } else {
        frame.extend_from_slice(payload);
    }
    frame.repeat(count)
}

/// ASCII text.
pub fn ascii(len: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(len).collect()
}

/// Text in which about 30 % of the characters have two or three bytes.
pub fn mixed(len: usize) -> Vec<u8> {
    let mut text = "abcde\u{e9}fghi\u{20ac}jklm\u{f6}".repeat(len / 14 + 1).into_bytes();
    let end = (0..=len).rev().find(|&end| std::str::from_utf8(&text[..end]).is_ok()).unwrap();
    text.truncate(end);
    text.resize(len, b'.');
    text
}

/// Feeds a stream in reads of `READ` bytes, each copied once as `read` would do, and returns the payload
/// bytes.
pub fn receive<R: Role>(
    connection: &mut Connection<R>, stream: &[u8], buffer: &mut [u8],
    mut answer: impl FnMut(&[u8], &mut Sender<R, sansws::Heap>),
) -> usize {
    let mut received = 0;
    for read in stream.chunks(buffer.len()) {
        let mut input = &mut buffer[..read.len()];
        input.copy_from_slice(read);
        while let Some((event, tx)) = connection.receive(&mut input) {
            if let Event::Message(message) = event {
                received += message.as_bytes().len();
                answer(message.as_bytes(), tx);
            }
        }
        let len = connection.outgoing().len();
        connection.mark_sent(len);
    }
    received
}
