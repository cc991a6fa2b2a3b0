//! fastwebsockets, with vectored writes (its default) and a `BufWriter` that collects small writes, as its
//! `flush` is meant for. Its handshakes need hyper and a runtime, so they are not measured.

use crate::session::{Idle, Library, Result, Role, Session, Sink, WRITE_AT, text};
use crate::transport::{Link, Stream, block_on};
use crate::wire::Payload;
use fastwebsockets::{Frame, OpCode, WebSocket, WebSocketError};
use tokio::io::BufWriter;

pub const LIBRARY: Library =
    Library { name: "fastwebsockets", open, accept: None, connect: None, idle: Some(idle) };

struct Open {
    // `FragmentCollector` has no `flush`, so the socket is used by itself: no message under test is in
    // fragments.
    socket: WebSocket<BufWriter<Link<Stream>>>,
    messages: &'static [Payload],
}

fn wrap(role: Role, link: Link<Stream>, write: usize) -> Open {
    let role = match role {
        Role::Server => fastwebsockets::Role::Server,
        Role::Client => fastwebsockets::Role::Client,
    };
    let socket = WebSocket::after_handshake(BufWriter::with_capacity(write, link), role);
    Open { socket, messages: &[] }
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link, WRITE_AT))
}

#[inline]
async fn read(
    socket: &mut WebSocket<BufWriter<Link<Stream>>>, sink: &mut Sink,
) -> std::result::Result<Frame<'static>, String> {
    let frame = socket.read_frame().await.map_err(|error: WebSocketError| text(error))?;
    let is_text = match frame.opcode {
        OpCode::Text => true,
        OpCode::Binary => false,
        _ => return Err("not data".to_owned()),
    };
    if !frame.fin {
        return Err("fragment".to_owned());
    }
    sink.message(is_text, &frame.payload);
    Ok(frame)
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                read(&mut self.socket, sink).await?;
            }
            Ok(())
        })
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        block_on(async {
            for message in self.messages {
                let payload = message.bytes.into();
                let frame = if message.is_text { Frame::text(payload) } else { Frame::binary(payload) };
                self.socket.write_frame(frame).await.map_err(text)?;
            }
            self.socket.flush().await.map_err(text)
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let frame = read(&mut self.socket, sink).await?;
                // The received frame still has the key of the client. A server's frame has no key.
                let frame = Frame::new(true, frame.opcode, None, frame.payload);
                self.socket.write_frame(frame).await.map_err(text)?;
            }
            self.socket.flush().await.map_err(text)
        })
    }
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    // No buffer for writes, because it does not belong to the library.
    let mut session = Box::new(wrap(Role::Server, link, 0));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<BufWriter<Link<Stream>>>(), keep: session }
}
