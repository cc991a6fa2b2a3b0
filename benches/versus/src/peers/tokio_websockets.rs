//! tokio-websockets: `Stream` and `Sink` over an `AsyncRead` and `AsyncWrite`.

use super::sink::{SinkMessage, Streaming};
use crate::session::{Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, text};
use crate::transport::{Answering, Link, Stream, block_on};
use crate::wire::{Payload, URI};
use bytes::Bytes;
use tokio_websockets::{ClientBuilder, Limits, Message, ServerBuilder, WebSocketStream};

pub const LIBRARY: Library = Library {
    name: "tokio-websockets",
    open,
    accept: Some(accept),
    connect: Some(connect),
    idle: Some(idle),
};

impl SinkMessage for Message {
    fn make(payload: &Payload) -> Self {
        let bytes = Bytes::from_static(payload.bytes);
        if payload.is_text { Self::text(bytes) } else { Self::binary(bytes) }
    }

    #[inline]
    fn parts(&self) -> Option<(bool, &[u8])> {
        // This way to the payload is the one that checks nothing.
        (self.is_text() || self.is_binary()).then(|| (self.is_text(), &**self.as_payload()))
    }
}

fn wrap(role: Role, link: Link<Stream>) -> Streaming<WebSocketStream<Link<Stream>>, (Message, Message)> {
    let limits = Limits::default().max_payload_len(Some(MAX_MESSAGE));
    Streaming::new(match role {
        Role::Server => ServerBuilder::new().limits(limits).serve(link),
        Role::Client => ClientBuilder::new().limits(limits).take_over(link),
    })
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link))
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    let builder = ServerBuilder::new();
    block_on(async {
        for _ in 0..count {
            builder.accept(link()).await.map_err(text)?;
        }
        Ok(())
    })
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let builder = ClientBuilder::new().uri(URI).map_err(text)?;
    block_on(async {
        for _ in 0..count {
            builder.connect_on(link()).await.map_err(text)?;
        }
        Ok(())
    })
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap(Role::Server, link));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<Link<Stream>>(), keep: session }
}
