//! tungstenite: blocking, over `Read` and `Write`. `write` queues, and `flush` follows at the end.

use crate::session::{Idle, Library, Result, Role, Session, Sink, text};
use crate::transport::{Answering, Link, Stream};
use crate::wire::{Payload, URI};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Message, Utf8Bytes, WebSocket};

pub const LIBRARY: Library =
    Library { name: "tungstenite", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

struct Open {
    socket: WebSocket<Link<Stream>>,
    messages: &'static [Payload],
}

fn wrap(role: Role, link: Link<Stream>, config: WebSocketConfig) -> Open {
    let role = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    Open { socket: WebSocket::from_raw_socket(link, role, Some(config)), messages: &[] }
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link, WebSocketConfig::default()))
}

#[inline]
fn parts(message: &Message) -> std::result::Result<(bool, &[u8]), &'static str> {
    match message {
        Message::Text(text) => Ok((true, text.as_bytes())),
        Message::Binary(bytes) => Ok((false, bytes)),
        _ => Err("not data"),
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        for _ in 0..count {
            let message = self.socket.read().map_err(text)?;
            let (is_text, bytes) = parts(&message)?;
            sink.message(is_text, bytes);
        }
        Ok(())
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        for payload in self.messages {
            let bytes = Bytes::from_static(payload.bytes);
            let message = if payload.is_text {
                Message::Text(Utf8Bytes::try_from(bytes).map_err(text)?)
            } else {
                Message::Binary(bytes)
            };
            self.socket.write(message).map_err(text)?;
        }
        self.socket.flush().map_err(text)
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        for _ in 0..count {
            let message = self.socket.read().map_err(text)?;
            let (is_text, bytes) = parts(&message)?;
            sink.message(is_text, bytes);
            self.socket.write(message).map_err(text)?;
        }
        self.socket.flush().map_err(text)
    }
}

/// The settings that its documentation recommends for many connections.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4096)
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    for _ in 0..count {
        tungstenite::accept_with_config(link(), Some(small())).map_err(text)?;
    }
    Ok(())
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    for _ in 0..count {
        tungstenite::client::client_with_config(URI, link(), Some(small())).map_err(text)?;
    }
    Ok(())
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap(Role::Server, link, WebSocketConfig::default()));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<Link<Stream>>(), keep: session }
}
