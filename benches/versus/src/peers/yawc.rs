//! yawc: `Stream` and `Sink`. Text is checked, and the buffers are those of its own benchmarks. Its
//! handshakes need hyper and a runtime, so they are not measured.

use super::sink::SinkMessage;
use super::{FLATE2, nothing};
use crate::session::{Deflating, Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, Standing, text};
use crate::transport::{Link, Stream, block_on};
use crate::wire::Payload;
use bytes::Bytes;
use futures::SinkExt;
use yawc::{CompressionLevel, Frame, OpCode, Options, WebSocket};

pub const LIBRARY: Library = Library { name: "yawc", open, accept: None, connect: None, idle: Some(idle) };

pub const DEFLATING: Deflating = Deflating {
    name: "yawc",
    level: 6,
    codec: FLATE2,
    standing: Standing::Peer,
    lacks: nothing,
    open: compressed,
};

/// Level 1 with takeover is its `low_latency`. Without takeover there is no pool; a pool saves memory and not
/// time.
fn compressed(takeover: bool, level: u8, link: Link<Stream>) -> Box<dyn Session> {
    let options = large_buffers().with_utf8().with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE);
    let options = options.with_compression_level(CompressionLevel::new(level.into()));
    let agreed = if takeover {
        "permessage-deflate"
    } else {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    };
    let socket = WebSocket::from_stream_with_extensions(link, yawc::Role::Server, Some(agreed), options);
    Box::new(Open(socket.expect("options"), &[]))
}

impl SinkMessage for Frame {
    fn make(payload: &Payload) -> Self {
        let bytes = Bytes::from_static(payload.bytes);
        if payload.is_text { Self::text(bytes) } else { Self::binary(bytes) }
    }

    #[inline]
    fn parts(&self) -> Option<(bool, &[u8])> {
        match self.opcode() {
            OpCode::Text => Some((true, self.payload())),
            OpCode::Binary => Some((false, self.payload())),
            _ => None,
        }
    }
}

/// The stream reports no errors, so this uses `next_frame`.
struct Open(WebSocket<Link<Stream>>, &'static [Payload]);

fn wrap(role: Role, link: Link<Stream>, options: Options) -> Open {
    let role = match role {
        Role::Server => yawc::Role::Server,
        Role::Client => yawc::Role::Client,
    };
    let options = options.without_compression().with_utf8().with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE);
    Open(WebSocket::from_stream(link, role, options).expect("options"), &[])
}

fn large_buffers() -> Options {
    Options::default().with_read_buffer_capacity(128 * 1024).with_backpressure_boundary(64 * 1024)
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(wrap(role, link, large_buffers()))
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let frame = self.0.next_frame().await.map_err(text)?;
                let (is_text, bytes) = frame.parts().ok_or("not data")?;
                sink.message(is_text, bytes);
            }
            Ok(())
        })
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.1 = messages;
    }

    fn send(&mut self) -> Result {
        block_on(async {
            for message in self.1 {
                self.0.feed(Frame::make(message)).await.map_err(text)?;
            }
            self.0.flush().await.map_err(text)
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                let frame = self.0.next_frame().await.map_err(text)?;
                let (is_text, bytes) = frame.parts().ok_or("not data")?;
                sink.message(is_text, bytes);
                self.0.feed(frame).await.map_err(text)?;
            }
            self.0.flush().await.map_err(text)
        })
    }
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap(Role::Server, link, Options::default()));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.0) - size_of::<Link<Stream>>(), keep: session }
}
