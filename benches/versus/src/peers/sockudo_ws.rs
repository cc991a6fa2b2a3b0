//! sockudo-ws: its `WebSocketStream`. Its timers are off, because they need a runtime.

use super::sink::{SinkMessage, Streaming};
use super::{FLATE2, nothing};
use crate::session::{Deflating, Idle, Library, Result, Role, Session, Sink, Standing, text};
use crate::transport::{Answering, Link, Stream, block_on};
use crate::wire::{HOST, PATH, Payload};
use bytes::Bytes;
use sockudo_ws::handshake::{client_handshake, server_handshake};
use sockudo_ws::{CompressedWebSocketStream, Compression, Config, DeflateConfig, Message, WebSocketStream};

pub const LIBRARY: Library =
    Library { name: "sockudo-ws", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

pub const DEFLATING: Deflating = Deflating {
    name: "sockudo-ws",
    level: 6,
    codec: FLATE2,
    standing: Standing::Peer,
    lacks: nothing,
    open: compressed,
};

/// The parameters that its modes negotiate: a compressor for each connection, and a shared one.
pub fn deflate_config(takeover: bool, level: u8) -> DeflateConfig {
    let mode = if takeover { Compression::Dedicated } else { Compression::Shared };
    let config = mode.to_deflate_config().expect("both compress");
    DeflateConfig { compression_level: level.into(), ..config }
}

fn compressed(takeover: bool, level: u8, link: Link<Stream>) -> Box<dyn Session> {
    let socket = CompressedWebSocketStream::server(link, config(), deflate_config(takeover, level));
    Box::new(Streaming::<_, (Message, Message)>::new(socket))
}

impl SinkMessage for Message {
    fn make(payload: &Payload) -> Self {
        let bytes = Bytes::from_static(payload.bytes);
        if payload.is_text { Self::Text(bytes) } else { Self::Binary(bytes) }
    }

    #[inline]
    fn parts(&self) -> Option<(bool, &[u8])> {
        match self {
            Self::Text(bytes) => Some((true, bytes)),
            Self::Binary(bytes) => Some((false, bytes)),
            _ => None,
        }
    }
}

fn config() -> Config {
    Config::builder().auto_ping(false).idle_timeout(0).build()
}

fn wrap(role: Role, link: Link<Stream>) -> Streaming<WebSocketStream<Link<Stream>>, (Message, Message)> {
    Streaming::new(match role {
        Role::Server => WebSocketStream::server(link, config()),
        Role::Client => WebSocketStream::client(link, config()),
    })
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link))
}

/// Only the handshake: the buffers of the connection are not made.
fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    block_on(async {
        for _ in 0..count {
            server_handshake(&mut link()).await.map_err(text)?;
        }
        Ok(())
    })
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    block_on(async {
        for _ in 0..count {
            client_handshake(&mut link(), HOST, PATH, None).await.map_err(text)?;
        }
        Ok(())
    })
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap(Role::Server, link));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<Link<Stream>>(), keep: session }
}
