//! The cost of compression alone: C zlib with the same payloads. A WebSocket adds only the header of each
//! message.

use crate::deflate::deflater;
use crate::session::{Result, Session, Sink};
use crate::transport::{Link, Stream};
use crate::wire::{Payload, push_frame, take_frame};
use libz_sys::Z_SYNC_FLUSH;
use zlib::{Deflate, Inflate};

/// The last bytes of a flush, which are not sent.
const TAIL: usize = 4;
/// The first byte of a compressed text message.
const TEXT: u8 = 0xc1;
/// As large as the largest message, with room for a message that does not shrink.
const ROOM: usize = 256 * 1024;

struct Open {
    link: Link<Stream>,
    /// The payloads in the frames of the wire.
    payloads: Vec<Vec<u8>>,
    takeover: bool,
    inflate: Inflate,
    deflate: Deflate,
    plain: Vec<u8>,
    compressed: Vec<u8>,
    frame: Vec<u8>,
}

pub fn open(takeover: bool, level: u8, link: Link<Stream>) -> Box<dyn Session> {
    let mut wire = link.0.wire();
    let payloads = std::iter::from_fn(|| take_frame(&mut wire)).map(|frame| frame.payload).collect();
    Box::new(Open {
        link,
        payloads,
        takeover,
        inflate: Inflate::new(15),
        deflate: deflater(level),
        plain: vec![0; ROOM],
        compressed: vec![0; ROOM],
        frame: Vec::with_capacity(ROOM),
    })
}

impl Session for Open {
    fn receive(&mut self, _: usize, _: &mut Sink) -> Result {
        Err("only echoes".to_owned())
    }

    fn prepare(&mut self, _: &'static [Payload]) {}

    fn send(&mut self) -> Result {
        Err("only echoes".to_owned())
    }

    fn echo(&mut self, _: usize, sink: &mut Sink) -> Result {
        for payload in &self.payloads {
            let len = self.inflate.message_into(payload, &mut self.plain);
            let message = &self.plain[..len];
            sink.message(true, message);
            let len = self.deflate.run_into(message, Z_SYNC_FLUSH, &mut self.compressed);
            self.frame.clear();
            push_frame(&mut self.frame, TEXT, None, &self.compressed[..len - TAIL]);
            self.link.put_all(&self.frame);
            if !self.takeover {
                self.inflate.reset();
                self.deflate.reset();
            }
        }
        Ok(())
    }
}
