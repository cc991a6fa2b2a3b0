//! wtx: its `WebSocket`, with the features `optimization` and a buffer that is allocated at the start, as its
//! README recommends. It does not queue: each message is one vectored write. It has its default generator,
//! which is not secure. Its handshakes use aws-lc-rs.

use super::FLATE2;
use crate::session::{Deflating, Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, Standing, text};
use crate::transport::{Answering, Link, Stream, Transport, block_on};
use crate::wire::{Payload, URI};
use wtx::collection::Vector;
use wtx::misc::UriRef;
use wtx::rng::{Xorshift64, simple_seed};
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::compression::{
    Compression, CompressionLevel, Flate2, NegotiatedCompression, NegotiatedFlate2, WindowBits,
};
use wtx::web_socket::{
    DeflateConfig, Frame, FrameMut, OpCode, WebSocketAcceptor, WebSocketBuffer, WebSocketConnector,
    WebSocketOwned, WebSocketPayloadOrigin,
};

pub const LIBRARY: Library =
    Library { name: "wtx", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

pub const DEFLATING: Deflating = Deflating {
    name: "wtx",
    level: 5,
    codec: FLATE2,
    standing: Standing::Peer,
    lacks: |takeover| takeover.then_some("agrees to no context takeover only"),
    open: compressed,
};

impl<T: Transport> StreamReader for Link<T> {
    #[inline]
    async fn read(&mut self, to: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.get(to))
    }
}

impl<T: Transport> StreamWriter for Link<T> {
    #[inline]
    async fn write_all(&mut self, from: &[u8]) -> wtx::Result<()> {
        self.put_all(from);
        Ok(())
    }

    #[inline]
    async fn write_all_vectored(&mut self, from: &[&[u8]]) -> wtx::Result<()> {
        for slice in from {
            self.put_all(slice);
        }
        Ok(())
    }
}

type Socket<C, const IS_CLIENT: bool> = WebSocketOwned<C, Xorshift64, Link<Stream>, IS_CLIENT>;

struct Open<C, const IS_CLIENT: bool> {
    socket: Socket<C, IS_CLIENT>,
    /// The library puts messages together here that have several frames or are compressed.
    message: Vector<u8>,
    /// The library wants payloads that it can change.
    messages: Vec<(OpCode, Vec<u8>)>,
    /// A client masks the payload in the caller's buffer. The benchmark sends each payload again, so the
    /// client gets a copy of it.
    masked: Vec<u8>,
}

fn wrap<C: NegotiatedCompression, const IS_CLIENT: bool>(
    compression: C, link: Link<Stream>, buffer: WebSocketBuffer,
) -> Open<C, IS_CLIENT> {
    let rng = Xorshift64::from(simple_seed());
    // The default is the extension `no-masking`, if the peer has it. Here it has not.
    let mut socket = WebSocketOwned::new(compression, false, rng, link, buffer);
    socket.set_max_payload_len(MAX_MESSAGE);
    Open { socket, message: Vector::new(), messages: Vec::new(), masked: Vec::new() }
}

fn large() -> WebSocketBuffer {
    WebSocketBuffer::with_capacity(128 * 1024, 128 * 1024, 128 * 1024).expect("memory")
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    match role {
        Role::Server => Box::new(wrap::<_, false>((), link, large())),
        Role::Client => Box::new(wrap::<_, true>((), link, large())),
    }
}

/// Its default windows have 12 bits, but the clients of this benchmark compress with 15.
fn compressed(_: bool, level: u8, link: Link<Stream>) -> Box<dyn Session> {
    let config = DeflateConfig {
        client_max_window_bits: WindowBits::Fifteen,
        compression_level: CompressionLevel::try_from(level).expect("a level"),
        server_max_window_bits: WindowBits::Fifteen,
    };
    let offer: [&[u8]; 2] = [
        b"Sec-WebSocket-Extensions",
        b"permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    ];
    let agreed: Option<NegotiatedFlate2> =
        Compression::<false>::negotiate(Flate2::from(config), [offer].iter()).expect("it agrees");
    Box::new(wrap::<_, false>(agreed, link, large()))
}

#[inline]
fn take<const IS_CLIENT: bool>(frame: &FrameMut<'_, IS_CLIENT>, sink: &mut Sink) -> Result {
    let is_text = match frame.op_code() {
        OpCode::Text => true,
        OpCode::Binary => false,
        _ => return Err("not data".to_owned()),
    };
    sink.message(is_text, frame.payload());
    Ok(())
}

impl<C: NegotiatedCompression, const IS_CLIENT: bool> Session for Open<C, IS_CLIENT> {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { socket, message, .. } = self;
        block_on(async {
            for _ in 0..count {
                let frame = socket.read_frame(message, WebSocketPayloadOrigin::Adaptive).await;
                take(&frame.map_err(text)?, sink)?;
            }
            Ok(())
        })
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        let code = |is_text| if is_text { OpCode::Text } else { OpCode::Binary };
        self.messages =
            messages.iter().map(|message| (code(message.is_text), message.bytes.to_vec())).collect();
    }

    fn send(&mut self) -> Result {
        let Self { socket, messages, masked, .. } = self;
        block_on(async {
            for (code, payload) in messages {
                let payload = if IS_CLIENT {
                    masked.clear();
                    masked.extend_from_slice(payload);
                    &mut *masked
                } else {
                    payload
                };
                let mut frame = Frame::new_fin(*code, &mut payload[..]);
                socket.write_frame(&mut frame).await.map_err(text)?;
            }
            Ok(())
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { socket, message, .. } = self;
        let (mut common, mut reader, mut writer) = socket.split_mut();
        block_on(async {
            for _ in 0..count {
                let frame = reader.read_frame(message, &mut common, WebSocketPayloadOrigin::Adaptive).await;
                let mut frame = frame.map_err(text)?;
                take(&frame, sink)?;
                writer.write_frame(&mut common, &mut frame).await.map_err(text)?;
            }
            Ok(())
        })
    }
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    block_on(async {
        for _ in 0..count {
            let acceptor = WebSocketAcceptor::default().no_masking(false);
            let socket: wtx::Result<_> = acceptor.accept(link()).await;
            socket.map_err(text)?;
        }
        Ok(())
    })
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    let uri = UriRef::new(URI);
    block_on(async {
        for _ in 0..count {
            let connector = WebSocketConnector::default().no_masking(false);
            let socket: wtx::Result<_> = connector.connect(link(), &uri).await;
            socket.map_err(text)?;
        }
        Ok(())
    })
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    let mut session = Box::new(wrap::<_, false>((), link, WebSocketBuffer::new()));
    session.echo(count, &mut Sink::new()).expect("echoes");
    Idle { size: size_of_val(&session.socket) - size_of::<Link<Stream>>(), keep: session }
}
