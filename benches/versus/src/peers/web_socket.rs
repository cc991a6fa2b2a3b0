//! web-socket: it reads a header in two or more steps, so it gets buffers. The adapter checks text with SIMD.
//! The library has no handshake.

use crate::session::{Idle, Library, Result, Role, Session, Sink, WRITE_AT, text};
use crate::transport::{Link, Stream, block_on};
use crate::wire::Payload;
use tokio::io::BufStream;
use web_socket::{DataType, Event, MessageType, WebSocket};

pub const LIBRARY: Library =
    Library { name: "web-socket", open, accept: None, connect: None, idle: Some(idle) };

struct Open {
    socket: WebSocket<BufStream<Link<Stream>>>,
    messages: &'static [Payload],
}

fn wrap(role: Role, link: Link<Stream>, size: usize) -> Open {
    let stream = BufStream::with_capacity(size, size, link);
    let socket = match role {
        Role::Server => WebSocket::server(stream),
        Role::Client => WebSocket::client(stream),
    };
    Open { socket, messages: &[] }
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link, WRITE_AT))
}

impl Open {
    #[inline]
    async fn read(&mut self, sink: &mut Sink) -> std::result::Result<(bool, Box<[u8]>), String> {
        match self.socket.recv().await.map_err(text)? {
            Event::Data { ty: DataType::Complete(kind), data } => {
                let is_text = kind == MessageType::Text;
                if is_text && simdutf8::basic::from_utf8(&data).is_err() {
                    return Err("invalid UTF-8".to_owned());
                }
                sink.message(is_text, &data);
                Ok((is_text, data))
            }
            event => Err(format!("{event:?}")),
        }
    }

    #[inline]
    async fn write(&mut self, is_text: bool, bytes: &[u8]) -> Result {
        if is_text {
            self.socket.send(simdutf8::basic::from_utf8(bytes).map_err(text)?).await.map_err(text)
        } else {
            self.socket.send(bytes).await.map_err(text)
        }
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                self.read(sink).await?;
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
                self.write(message.is_text, message.bytes).await?;
            }
            self.socket.flash().await.map_err(text)
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let (is_text, data) = self.read(sink).await?;
                self.write(is_text, &data).await?;
            }
            self.socket.flash().await.map_err(text)
        })
    }
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    // The application's own buffers are as small as possible, because only the library's memory should count.
    let mut session = Box::new(wrap(Role::Server, link, 1));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<BufStream<Link<Stream>>>(), keep: session }
}
