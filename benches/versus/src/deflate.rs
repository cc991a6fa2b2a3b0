//! permessage-deflate with C zlib: compresses what clients send, and checks what servers send back.

use crate::cell::Batch;
use crate::session::{Deflating, Sink};
use crate::transport::{Stream, take_captured};
use crate::wire::{Lcg, Payload, push_frame, take_frame};
use libz_sys::Z_DEFAULT_STRATEGY;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zlib::{Deflate, Inflate};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

/// The level and the memory level that C zlib has by default.
const LEVEL: i32 = 6;
const MEM_LEVEL: i32 = 8;

/// A message of this size or longer always shrinks, so no library may send it uncompressed.
const SHRINKS: usize = 500;

/// C zlib's compressor with the settings of WebSocket libraries.
pub fn deflater(level: u8) -> Deflate {
    Deflate::new(i32::from(level), 15, MEM_LEVEL, Z_DEFAULT_STRATEGY)
}

/// The masked frames of these messages, compressed and leaked. The first message refers to nothing before it.
/// So the frames can be played again and again, whatever the window holds from the last time.
pub fn compressed(messages: &[Payload], takeover: bool) -> &'static [u8] {
    let mut wire = Vec::new();
    let mut lcg = Lcg::new(99);
    let mut deflate = Deflate::new(LEVEL, 15, MEM_LEVEL, Z_DEFAULT_STRATEGY);
    for message in messages {
        let first = FIN | RSV1 | if message.is_text { 1 } else { 2 };
        let key = (lcg.draw() as u32).to_ne_bytes();
        push_frame(&mut wire, first, Some(key), &deflate.message(message.bytes));
        if !takeover {
            deflate.reset();
        }
    }
    wire.leak()
}

/// Checks one library: the messages that it received, and that C zlib restores them from the bytes that it
/// sent. Returns the share of the messages that the library compressed. A panic counts as an error.
pub fn check(library: &Deflating, takeover: bool, batch: Batch) -> Result<f64, String> {
    catch_unwind(AssertUnwindSafe(|| echoed(library, takeover, batch)))
        .unwrap_or_else(|_| Err("panicked".to_owned()))
}

fn echoed(library: &Deflating, takeover: bool, batch: Batch) -> Result<f64, String> {
    let messages: &[_] = [batch.messages, batch.messages].concat().leak();
    let mut session = (library.open)(takeover, library.level, Stream::capturing(batch.wire, batch.max_read));
    let mut sink = Sink::checking(messages);
    session.echo(batch.count, &mut sink)?;
    session.echo(batch.count, &mut sink)?;
    if let Some(difference) = sink.difference {
        return Err(difference);
    }
    if (sink.count, sink.bytes) != (2 * batch.count, 2 * batch.bytes) {
        return Err(format!("{} messages of {} bytes", sink.count, sink.bytes));
    }
    let sent = take_captured();
    let mut wire = &sent[..];
    let mut inflate = Inflate::new(15);
    let mut count = 0;
    for (number, message) in messages.iter().enumerate() {
        count += usize::from(
            came_back(message, takeover, &mut wire, &mut inflate)
                .map_err(|error| format!("message {number} {error}"))?,
        );
    }
    if !wire.is_empty() {
        return Err(format!("{} bytes too many", wire.len()));
    }
    Ok(count as f64 / messages.len() as f64)
}

/// Takes a message off the wire, in any number of frames, and compares it. Returns whether it was compressed.
fn came_back(
    message: &Payload, takeover: bool, wire: &mut &[u8], inflate: &mut Inflate,
) -> Result<bool, String> {
    let opcode = if message.is_text { 1 } else { 2 };
    let (mut payload, mut head) = (Vec::new(), None);
    loop {
        let frame = take_frame(wire).ok_or("is missing or cut")?;
        let is_expected = match head {
            None => frame.first & !(FIN | RSV1) == opcode,
            Some(_) => frame.first & !FIN == 0,
        };
        if !is_expected || frame.key.is_some() {
            return Err(format!("begins with {:#x}", frame.first));
        }
        head.get_or_insert(frame.first);
        payload.extend(frame.payload);
        if frame.first & FIN != 0 {
            break;
        }
    }
    let is_compressed = head.is_some_and(|first| first & RSV1 != 0);
    if is_compressed {
        let mut plain = vec![0; message.bytes.len() + 64];
        let len = inflate.message_into(&payload, &mut plain);
        plain.truncate(len);
        payload = plain;
        if !takeover {
            inflate.reset();
        }
    } else if message.bytes.len() >= SHRINKS {
        return Err("was sent uncompressed".to_owned());
    }
    if payload == message.bytes { Ok(is_compressed) } else { Err("has other bytes".to_owned()) }
}
