//! The cost of the bytes alone: a library that did nothing else would take this long.

use crate::session::{Handshakes, Library, Result, Role, Session, Sink, WRITE_AT};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{Payload, REQUEST_ACCEPT, frames};
use std::hint::black_box;

/// Each byte of the wire is copied once.
pub const MEMCPY: Library =
    Library { name: "memcpy", open: open::<false>, accept: Some(accept), connect: None, idle: None };

/// The same, and XORed in place.
pub const XOR: Library =
    Library { name: "memcpy + xor", open: open::<true>, accept: None, connect: None, idle: None };

/// The transport of a client's handshake, without a client.
pub const CONNECT_FLOOR: Handshakes<Answering> = connect;

struct Floor<const XORS: bool> {
    link: Link<Stream>,
    buffer: Vec<u8>,
    frames: &'static [u8],
    count: usize,
    role: Role,
}

fn open<const XORS: bool>(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(Floor::<XORS> { link, buffer: vec![0; 64 * 1024], frames: &[], count: 0, role })
}

/// Compiles to SIMD.
fn xor(bytes: &mut [u8]) {
    const KEY: [u64; 4] = [0x3d21_fa37_3d21_fa37; 4];
    let (blocks, rest) = bytes.as_chunks_mut::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks_mut::<8>();
        for (word, key) in words.iter_mut().zip(KEY) {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
    }
    for byte in rest {
        *byte ^= 0x37;
    }
}

impl<const XORS: bool> Floor<XORS> {
    fn pass(&mut self, bytes: usize, echoes: bool) {
        let mut seen = 0;
        while seen < bytes {
            let len = self.link.get(&mut self.buffer);
            seen += len;
            if XORS {
                xor(&mut self.buffer[..len]);
            }
            black_box(&mut self.buffer);
            if echoes {
                self.link.put_all(&self.buffer[..len]);
            }
        }
    }
}

impl<const XORS: bool> Session for Floor<XORS> {
    fn receive(&mut self, _: usize, _: &mut Sink) -> Result {
        self.pass(self.link.0.wire().len(), false);
        Ok(())
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.frames = frames(messages, self.role == Role::Client);
        self.count = messages.len();
    }

    fn send(&mut self) -> Result {
        for block in self.frames.chunks(WRITE_AT) {
            if XORS {
                // The payload belongs to the application, so it is copied, masked and written.
                let copy = &mut self.buffer[..block.len()];
                copy.copy_from_slice(block);
                xor(copy);
                self.link.put_all(&self.buffer[..block.len()]);
            } else {
                self.link.put_all(block);
            }
        }
        Ok(())
    }

    fn echo(&mut self, _: usize, _: &mut Sink) -> Result {
        self.pass(self.link.0.wire().len(), true);
        Ok(())
    }
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    let mut buffer = vec![0; 64 * 1024];
    let mut answer = [b'x'; 129];
    answer[101..].copy_from_slice(REQUEST_ACCEPT);
    for _ in 0..count {
        let mut link = link();
        black_box(link.get(&mut buffer));
        link.put_all(&answer);
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    const REQUEST: &[u8] = b"GET /chat?room=42 HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    let mut buffer = vec![0; 4096];
    for _ in 0..count {
        let mut link = link();
        link.put_all(REQUEST);
        black_box(link.get(&mut buffer));
    }
    Ok(())
}
