//! sockudo-ws once more, through its `Protocol` alone, as its own `bench` program uses it: bytes in, messages
//! out.

use super::sockudo_ws::deflate_config;
use super::{FLATE2, nothing};
use crate::session::{
    Deflating, Library, MAX_MESSAGE, Result, Role, Session, Sink, Standing, WRITE_AT, text,
};
use crate::transport::{Link, Stream, block_on};
use crate::wire::Payload;
use bytes::{Bytes, BytesMut};
use sockudo_ws::protocol::{CompressedProtocol, Protocol};
use sockudo_ws::{Message, Role as Side};
use tokio::io::AsyncReadExt;

pub const LIBRARY: Library =
    Library { name: "sockudo-ws (protocol)", open, accept: None, connect: None, idle: None };

pub const DEFLATING: Deflating = Deflating {
    name: "sockudo-ws (protocol)",
    level: 6,
    codec: FLATE2,
    standing: Standing::Peer,
    lacks: nothing,
    open: compressed,
};

/// The methods are the same with and without compression, but no trait declares them.
trait Codec {
    fn process(&mut self, read: &mut BytesMut, received: &mut Vec<Message>) -> sockudo_ws::error::Result<()>;
    fn encode(&mut self, message: &Message, outgoing: &mut BytesMut) -> sockudo_ws::error::Result<()>;
}

macro_rules! codec {
    ($type:ty) => {
        impl Codec for $type {
            #[inline]
            fn process(
                &mut self, read: &mut BytesMut, received: &mut Vec<Message>,
            ) -> sockudo_ws::error::Result<()> {
                self.process_into(read, received)
            }

            #[inline]
            fn encode(
                &mut self, message: &Message, outgoing: &mut BytesMut,
            ) -> sockudo_ws::error::Result<()> {
                self.encode_message(message, outgoing)
            }
        }
    };
}
codec!(Protocol);
codec!(CompressedProtocol);

struct Open<C> {
    protocol: C,
    link: Link<Stream>,
    read: BytesMut,
    received: Vec<Message>,
    outgoing: BytesMut,
    messages: &'static [Payload],
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    let side = match role {
        Role::Server => Side::Server,
        Role::Client => Side::Client,
    };
    wrap(Protocol::new(side, MAX_MESSAGE, MAX_MESSAGE), link)
}

fn compressed(takeover: bool, level: u8, link: Link<Stream>) -> Box<dyn Session> {
    wrap(CompressedProtocol::server(MAX_MESSAGE, MAX_MESSAGE, deflate_config(takeover, level)), link)
}

fn wrap<C: Codec + 'static>(protocol: C, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(Open {
        protocol,
        link,
        read: BytesMut::with_capacity(64 * 1024),
        received: Vec::new(),
        outgoing: BytesMut::with_capacity(64 * 1024),
        messages: &[],
    })
}

impl<C: Codec> Open<C> {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        while sink.count < end {
            self.read.reserve(16 * 1024);
            block_on(self.link.read_buf(&mut self.read)).map_err(text)?;
            self.protocol.process(&mut self.read, &mut self.received).map_err(text)?;
            for message in &self.received {
                match message {
                    Message::Text(bytes) => sink.message(true, bytes),
                    Message::Binary(bytes) => sink.message(false, bytes),
                    _ => return Err("not data".to_owned()),
                }
                if ECHO {
                    self.protocol.encode(message, &mut self.outgoing).map_err(text)?;
                }
            }
            // Only when the messages are dropped does the read buffer own its memory again, and can be
            // reused.
            self.received.clear();
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        self.link.put_all(&self.outgoing);
        self.outgoing.clear();
    }
}

impl<C: Codec> Session for Open<C> {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        for payload in self.messages {
            let bytes = Bytes::from_static(payload.bytes);
            let message = if payload.is_text { Message::Text(bytes) } else { Message::Binary(bytes) };
            self.protocol.encode(&message, &mut self.outgoing).map_err(text)?;
            if self.outgoing.len() >= WRITE_AT {
                self.flush();
            }
        }
        self.flush();
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<true>(count, sink)
    }
}
