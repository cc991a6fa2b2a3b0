//! nexus-web: `FrameReader` and `FrameWriter`, in the loop of its documentation. The reader checks text with
//! SIMD, except for a message whose only frame was cut by a read: 0.8.0 makes a `&str` of its payload without
//! any check. So the adapter checks these messages with SIMD.

use crate::session::{Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, WRITE_AT, text};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{Payload, URI};
use nexus_web::ws::{ClientBuilder, FrameReader, FrameWriter, Message};

pub const LIBRARY: Library =
    Library { name: "nexus-web", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

/// The longest header with its key.
const MAX_HEADER: usize = 14;

struct Open {
    link: Link<Stream>,
    reader: FrameReader,
    writer: FrameWriter,
    masks: bool,
    outgoing: Vec<u8>,
    queued: usize,
    messages: &'static [Payload],
}

fn role(role: Role) -> nexus_web::ws::Role {
    match role {
        Role::Server => nexus_web::ws::Role::Server,
        Role::Client => nexus_web::ws::Role::Client,
    }
}

fn open(end: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(Open {
        link,
        reader: FrameReader::builder().role(role(end)).message_capacity(MAX_MESSAGE).build(),
        writer: FrameWriter::new(role(end)),
        masks: end == Role::Client,
        outgoing: vec![0; WRITE_AT + MAX_MESSAGE + MAX_HEADER],
        queued: 0,
        messages: &[],
    })
}

fn flush(link: &mut Link<Stream>, outgoing: &[u8], queued: &mut usize) {
    link.put_all(&outgoing[..*queued]);
    *queued = 0;
}

/// Queues one frame, and writes when there are enough bytes. A server's large payload follows its header
/// without a copy.
#[inline]
fn send(
    writer: &mut FrameWriter, masks: bool, outgoing: &mut [u8], queued: &mut usize, link: &mut Link<Stream>,
    is_text: bool, bytes: &[u8],
) {
    if !masks && bytes.len() >= WRITE_AT {
        flush(link, outgoing, queued);
        let (header, _) = writer.build_header(if is_text { 0x81 } else { 0x82 }, bytes.len());
        link.put_all(header.as_bytes());
        link.put_all(bytes);
        return;
    }
    let to = &mut outgoing[*queued..];
    *queued += if is_text { writer.encode_text(bytes, to) } else { writer.encode_binary(bytes, to) };
    if *queued >= WRITE_AT {
        flush(link, outgoing, queued);
    }
}

impl Open {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { link, reader, writer, masks, outgoing, queued, .. } = self;
        let end = sink.count + count;
        while sink.count < end {
            // The reader keeps a header that is not complete, and nothing else: the beginning of a payload
            // goes to its other buffer. So if it keeps nothing, the next message may have been cut.
            let mut may_be_cut = reader.buffered() == 0;
            if reader.spare().is_empty() {
                reader.compact();
            }
            let len = link.get(reader.spare());
            reader.filled(len);
            while let Some(message) = reader.next().map_err(text)? {
                let (is_text, bytes) = match message {
                    Message::Text(text) => (true, text.as_bytes()),
                    Message::Binary(bytes) => (false, bytes),
                    _ => return Err("not data".to_owned()),
                };
                if is_text && may_be_cut && simdutf8::basic::from_utf8(bytes).is_err() {
                    return Err("invalid UTF-8".to_owned());
                }
                may_be_cut = false;
                sink.message(is_text, bytes);
                if ECHO {
                    send(writer, *masks, outgoing, queued, link, is_text, bytes);
                }
            }
        }
        flush(link, outgoing, queued);
        Ok(())
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let Self { link, writer, masks, outgoing, queued, messages, .. } = self;
        for message in *messages {
            send(writer, *masks, outgoing, queued, link, message.is_text, message.bytes);
        }
        flush(link, outgoing, queued);
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<true>(count, sink)
    }
}

/// Handshakes make the buffers of the connection too, so these are small.
fn small() -> ClientBuilder {
    ClientBuilder::new().buffer_capacity(4096).write_buffer_capacity(4096)
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    for _ in 0..count {
        small().accept(link()).map_err(text)?;
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    for _ in 0..count {
        small().connect_with(link(), URI).map_err(text)?;
    }
    Ok(())
}

/// With the default sizes of its buffers. The application provides the buffer for writes.
fn idle(link: Link<Stream>, count: usize) -> Idle {
    let reader = FrameReader::builder().build();
    let (writer, outgoing) = (FrameWriter::new(nexus_web::ws::Role::Server), Vec::new());
    let mut session =
        Box::new(Open { link, reader, writer, masks: false, outgoing, queued: 0, messages: &[] });
    session.outgoing = vec![0; 2 * WRITE_AT];
    session.echo(count, &mut Sink::new()).expect("echoes");
    session.outgoing = Vec::new();
    Idle { size: size_of_val(&session.reader) + size_of_val(&session.writer), keep: session }
}
