//! soketto: over a `BufReader` and a `BufWriter`, as in its examples. One `Vec` for the messages keeps its
//! memory.

use crate::session::{
    Deflating, Idle, Library, MAX_MESSAGE, Result, Role, Session, Sink, Standing, WRITE_AT, text,
};
use crate::transport::{Answering, Link, Stream, Transport, block_on};
use crate::wire::{HOST, PATH, Payload};
use futures::io::{BufReader, BufWriter};
use soketto::connection::Builder;
use soketto::handshake::server::Response;
use soketto::handshake::{Client, Server, ServerResponse};
use soketto::{Mode, Receiver, Sender};

pub const LIBRARY: Library =
    Library { name: "soketto", open, accept: Some(accept), connect: Some(connect), idle: Some(idle) };

/// soketto always compresses with level 1, and makes a codec for each message.
pub const DEFLATING: Deflating = Deflating {
    name: "soketto",
    level: 1,
    codec: "C zlib",
    standing: Standing::Peer,
    lacks,
    open: compressed,
};

/// soketto takes no context over: as a client it asks for that. As a server it agrees to an offer with
/// takeover, and then cannot read the second message.
fn lacks(takeover: bool) -> Option<&'static str> {
    match takeover {
        true => Some("knows no context takeover"),
        false if cfg!(feature = "soketto-deflate") => None,
        false => Some("needs `--features soketto-deflate` and an older flate2, see README.md"),
    }
}

#[cfg(not(feature = "soketto-deflate"))]
fn compressed(_: bool, _: u8, _: Link<Stream>) -> Box<dyn Session> {
    unreachable!("is left out")
}

#[cfg(feature = "soketto-deflate")]
fn compressed(_: bool, _: u8, link: Link<Stream>) -> Box<dyn Session> {
    use soketto::extension::{Extension, Param, deflate::Deflate};
    let mut deflate = Deflate::new(Mode::Server);
    let offer = ["server_no_context_takeover", "client_no_context_takeover"].map(Param::new);
    deflate.configure(&offer).expect("an offer that it takes");
    let mut builder = builder(Role::Server, link, WRITE_AT);
    builder.add_extensions([Box::new(deflate) as Box<dyn Extension + Send>]);
    Box::new(finished(builder))
}

type Buffered<T> = BufReader<BufWriter<Link<T>>>;

struct Open {
    sender: Sender<Buffered<Stream>>,
    receiver: Receiver<Buffered<Stream>>,
    message: Vec<u8>,
    messages: &'static [Payload],
}

fn buffered<T: Transport + Unpin>(link: Link<T>, size: usize) -> Buffered<T> {
    BufReader::with_capacity(size, BufWriter::with_capacity(size, link))
}

fn builder(role: Role, link: Link<Stream>, size: usize) -> Builder<Buffered<Stream>> {
    let mode = match role {
        Role::Server => Mode::Server,
        Role::Client => Mode::Client,
    };
    let mut builder = Builder::new(buffered(link, size), mode);
    builder.set_max_message_size(MAX_MESSAGE);
    builder.set_max_frame_size(MAX_MESSAGE);
    builder
}

fn finished(builder: Builder<Buffered<Stream>>) -> Open {
    let (sender, receiver) = builder.finish();
    Open { sender, receiver, message: Vec::new(), messages: &[] }
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(finished(builder(role, link, WRITE_AT)))
}

impl Open {
    #[inline]
    async fn read(&mut self, sink: &mut Sink) -> std::result::Result<bool, String> {
        self.message.clear();
        let data = self.receiver.receive_data(&mut self.message).await.map_err(text)?;
        let is_text = data.is_text();
        // The library leaves this check to its callers.
        if is_text && simdutf8::basic::from_utf8(&self.message).is_err() {
            return Err("invalid UTF-8".to_owned());
        }
        sink.message(is_text, &self.message);
        Ok(is_text)
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
                if message.is_text {
                    let text = std::str::from_utf8(message.bytes).map_err(text)?;
                    self.sender.send_text(text).await.map_err(crate::session::text)?;
                } else {
                    self.sender.send_binary(message.bytes).await.map_err(text)?;
                }
            }
            self.sender.flush().await.map_err(text)
        })
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        block_on(async {
            for _ in 0..count {
                if self.read(sink).await? {
                    let text = simdutf8::basic::from_utf8(&self.message).map_err(text)?;
                    self.sender.send_text(text).await.map_err(crate::session::text)?;
                } else {
                    // The message has no other use, so it can be masked in place.
                    self.sender.send_binary_mut(&mut self.message).await.map_err(text)?;
                }
            }
            self.sender.flush().await.map_err(text)
        })
    }
}

fn accept(count: usize, link: fn() -> Link<Stream>) -> Result {
    block_on(async {
        for _ in 0..count {
            let mut server = Server::new(link());
            let key = server.receive_request().await.map_err(text)?.key();
            server.send_response(&Response::Accept { key, protocol: None }).await.map_err(text)?;
        }
        Ok(())
    })
}

fn connect(count: usize, link: fn() -> Link<Answering>) -> Result {
    block_on(async {
        for _ in 0..count {
            let mut client = Client::new(link(), HOST, PATH);
            match client.handshake().await.map_err(text)? {
                ServerResponse::Accepted { .. } => {}
                _ => return Err("refused".to_owned()),
            }
        }
        Ok(())
    })
}

fn idle(link: Link<Stream>, count: usize) -> Idle {
    // The application's own buffers are as small as possible, because only the library's memory should count.
    // The two halves of the library share the transport on the heap, which is too little to subtract.
    let mut session = Box::new(finished(builder(Role::Server, link, 0)));
    session.echo(count, &mut Sink::new()).expect("echoes");
    session.message = Vec::new();
    Idle { size: size_of_val(&session.sender) + size_of_val(&session.receiver), keep: session }
}
