//! Checks every library before anything is timed: number, kind and bytes of the messages, frames on the wire,
//! answers to handshakes, and that invalid text is refused.

use crate::cell::{Batch, Task};
use crate::session::{Library, Result, Role, Sink};
use crate::transport::{Stream, take_captured};
use crate::wire::{Kind, Lcg, Payload, REQUEST, REQUEST_ACCEPT, check_frames, frames, payload};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Checks one library in one cell; a panic counts as an error.
pub fn check(library: &Library, task: Task, batch: Batch) -> Result {
    catch_unwind(AssertUnwindSafe(|| match task {
        Task::Receive(role, kind) => {
            received(library, role, batch)?;
            if kind == Kind::Binary { Ok(()) } else { refuses_invalid_text(library, role, batch) }
        }
        Task::Send(role) => sent(library, role, batch),
        Task::Echo => echoed(library, batch),
        // See `deflate::check`: the libraries that compress are in a list of their own.
        Task::Deflate(_) => Err("does not take part".to_owned()),
        Task::Accept => accepted(library),
        // The clients check the answer.
        Task::Connect => {
            library.connect.map_or(Ok(()), |connect| connect(3, crate::transport::Answering::new))
        }
    }))
    .unwrap_or_else(|_| Err("panicked".to_owned()))
}

fn result(sink: Sink, batch: Batch) -> Result {
    if let Some(difference) = sink.difference {
        return Err(difference);
    }
    if (sink.count, sink.bytes) != (2 * batch.count, 2 * batch.bytes) {
        return Err(format!("{} messages of {} bytes", sink.count, sink.bytes));
    }
    Ok(())
}

/// The messages of two rounds.
fn twice(batch: Batch) -> &'static [Payload] {
    [batch.messages, batch.messages].concat().leak()
}

fn received(library: &Library, role: Role, batch: Batch) -> Result {
    let mut session = (library.open)(role, Stream::new(batch.wire, batch.max_read));
    let mut sink = Sink::checking(twice(batch));
    session.receive(batch.count, &mut sink)?;
    session.receive(batch.count, &mut sink)?;
    result(sink, batch)
}

fn sent(library: &Library, role: Role, batch: Batch) -> Result {
    let mut session = (library.open)(role, Stream::capturing(&[], batch.max_read));
    session.prepare(batch.messages);
    session.send()?;
    session.send()?;
    check_frames(&take_captured(), role == Role::Client, twice(batch))
}

fn echoed(library: &Library, batch: Batch) -> Result {
    let mut session = (library.open)(Role::Server, Stream::capturing(batch.wire, batch.max_read));
    let mut sink = Sink::checking(twice(batch));
    session.echo(batch.count, &mut sink)?;
    session.echo(batch.count, &mut sink)?;
    result(sink, batch)?;
    check_frames(&take_captured(), false, twice(batch))
}

/// Checks that a message of the batch's size is refused if it ends with bytes that are not UTF-8, whether one
/// read brings all of it or two reads cut it.
fn refuses_invalid_text(library: &Library, role: Role, batch: Batch) -> Result {
    let len = batch.messages[0].bytes.len();
    for bad in [&[0xff][..], &[0xc3], &[0xed, 0xa0, 0x80]] {
        let mut bytes = payload(Kind::Ascii, len, &mut Lcg::new(5)).bytes.to_vec();
        let at = bytes.len().saturating_sub(bad.len());
        bytes.truncate(at);
        bytes.extend(bad);
        let messages = [Payload { is_text: true, bytes: bytes.leak() }];
        let wire = frames(&messages, role == Role::Server);
        for max_read in [batch.max_read, wire.len().div_ceil(2)] {
            let mut session = (library.open)(role, Stream::new(wire, max_read));
            if session.receive(1, &mut Sink::new()).is_ok() {
                return Err(format!("accepts invalid text {bad:x?} in reads of {max_read}"));
            }
        }
    }
    Ok(())
}

fn accepted(library: &Library) -> Result {
    let Some(accept) = library.accept else { return Ok(()) };
    accept(1, || Stream::capturing(REQUEST, 16 * 1024))?;
    let answer = take_captured();
    let has = |what: &[u8]| answer.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what));
    if !answer.starts_with(b"HTTP/1.1 101 ") || !answer.ends_with(b"\r\n\r\n") || !has(REQUEST_ACCEPT) {
        return Err(String::from_utf8_lossy(&answer).into_owned());
    }
    if !has(b"upgrade: websocket") || !has(b"connection: upgrade") {
        return Err("a header is missing".to_owned());
    }
    Ok(())
}

/// Whether the library takes part in this cell.
pub fn takes_part(library: &Library, task: Task) -> bool {
    match task {
        Task::Deflate(_) => false,
        Task::Accept => library.accept.is_some(),
        Task::Connect => library.connect.is_some(),
        _ => true,
    }
}
