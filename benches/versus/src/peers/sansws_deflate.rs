//! sansws itself with permessage-deflate, in the same loop. The agreed parameters are set by hand, because
//! the handshake is not timed.

use super::nothing;
use super::sansws::{CONFIG, Open, header};
use crate::session::{Deflating, Result, Session, Sink, Standing};
use crate::transport::{Link, Stream};
use crate::wire::Payload;
use sansws::deflate::{DeflateConfig, DeflateParams, Pool};
use sansws::{Agreed, Connection, FrameHeader, Heap, Message, SendError, Sender, Server};
use std::ops::ControlFlow::{Break, Continue};

/// The default level and threshold.
pub const DEFAULT: Deflating = Deflating {
    name: "sansws",
    level: DeflateConfig::new().compression_level(),
    codec: "zlib-rs",
    standing: Standing::Ours,
    lacks: nothing,
    open: |takeover, _, link| open(takeover, DeflateConfig::new(), None, link),
};

/// With this level for messages of any length.
pub const fn with_level(name: &'static str, level: u8) -> Deflating {
    Deflating {
        name,
        level,
        open: |takeover, level, link| {
            open(takeover, DeflateConfig::new().level(level).threshold(0), None, link)
        },
        ..DEFAULT
    }
}

/// The default, with the codecs in a pool between messages.
pub const WITH_POOL: Deflating = Deflating {
    name: "sansws (pool)",
    lacks: |takeover| takeover.then_some("the pool has no use with context takeover"),
    open: |takeover, _, link| open(takeover, DeflateConfig::new(), Some(Pool::new(1)), link),
    ..DEFAULT
};

struct Compressed<H>(Open<Server, H, true, true>);

fn open(takeover: bool, deflate: DeflateConfig, pool: Option<Pool>, link: Link<Stream>) -> Box<dyn Session> {
    let params = DeflateParams::new()
        .with_server_no_context_takeover(!takeover)
        .with_client_no_context_takeover(!takeover);
    let mut connection =
        Connection::after_handshake(Server, CONFIG.deflate(deflate), Agreed::deflate(params));
    if let Some(pool) = pool {
        connection.set_deflate_pool(&pool).expect("it compresses");
    }
    Box::new(Compressed(Open::new(connection, link, header)))
}

impl<H> Session for Compressed<H>
where
    H: Copy
        + Fn(&mut Sender<Server, Heap>, Message<'_>) -> Option<std::result::Result<FrameHeader, SendError>>,
{
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.0.receive(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.0.prepare(messages);
    }

    fn send(&mut self) -> Result {
        Err("only echoes".to_owned())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        self.0.run(|message, tx, _| {
            sink.message(matches!(message, Message::Text(_)), message.as_bytes());
            tx.message(message)?;
            Ok::<_, SendError>(if sink.count == end { Break(()) } else { Continue(()) })
        })
    }
}
