//! websocket-sans-io: frames only. The adapter joins messages and checks text with SIMD. If a whole payload
//! is in the input, the adapter passes it on without a copy. The library has no handshake.

use crate::session::{Idle, Library, Result, Role, Session, Sink, WRITE_AT};
use crate::transport::{Link, Stream};
use crate::wire::Payload;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

pub const LIBRARY: Library =
    Library { name: "websocket-sans-io", open, accept: None, connect: None, idle: Some(idle) };

struct Open {
    link: Link<Stream>,
    decoder: WebsocketFrameDecoder,
    encoder: WebsocketFrameEncoder,
    read: Vec<u8>,
    message: Vec<u8>,
    outgoing: Vec<u8>,
    messages: &'static [Payload],
    rng: Option<ChaCha8Rng>,
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    Box::new(Open {
        link,
        decoder: WebsocketFrameDecoder::new(),
        encoder: WebsocketFrameEncoder::new(),
        read: vec![0; 64 * 1024],
        message: Vec::new(),
        outgoing: Vec::new(),
        messages: &[],
        rng: (role == Role::Client).then(|| ChaCha8Rng::seed_from_u64(7)),
    })
}

/// Queues one frame, and writes when there are enough bytes.
#[inline]
fn send(
    encoder: &mut WebsocketFrameEncoder, rng: &mut Option<ChaCha8Rng>, outgoing: &mut Vec<u8>,
    link: &mut Link<Stream>, is_text: bool, bytes: &[u8],
) {
    let mask = rng.as_mut().map(|rng| rng.next_u32().to_ne_bytes());
    let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
    let info = FrameInfo { opcode, payload_length: bytes.len() as u64, mask, fin: true, reserved: 0 };
    outgoing.extend_from_slice(&encoder.start_frame(&info));
    if !encoder.transform_needed() && bytes.len() >= WRITE_AT {
        link.put_all(outgoing);
        outgoing.clear();
        link.put_all(bytes);
        return;
    }
    let start = outgoing.len();
    outgoing.extend_from_slice(bytes);
    if encoder.transform_needed() {
        encoder.transform_frame_payload(&mut outgoing[start..]);
    }
    if outgoing.len() >= WRITE_AT {
        link.put_all(outgoing);
        outgoing.clear();
    }
}

impl Open {
    #[inline]
    fn run<const ECHO: bool>(&mut self, count: usize, sink: &mut Sink) -> Result {
        let Self { link, decoder, encoder, read, message, outgoing, rng, .. } = self;
        let end = sink.count + count;
        while sink.count < end {
            let len = link.get(read);
            let mut at = 0;
            let mut whole = None;
            loop {
                let result = decoder.add_data(&mut read[at..len]).map_err(|_| "cannot fail")?;
                let piece = at..at + result.consumed_bytes;
                at = piece.end;
                match result.event {
                    Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                        if !frame_info.is_reasonable() || frame_info.mask.is_some() == rng.is_some() {
                            return Err("invalid frame".to_owned());
                        }
                        whole = Some(frame_info.payload_length);
                    }
                    Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                        if whole == Some(piece.len() as u64) && message.is_empty() {
                            // The next call reports the end of the frame, so the piece remains where it is.
                            let result = decoder.add_data(&mut read[at..at]).map_err(|_| "cannot fail")?;
                            if let Some(WebsocketFrameEvent::End { frame_info, original_opcode }) =
                                result.event
                                && frame_info.fin
                            {
                                let is_text = original_opcode == Opcode::Text;
                                let bytes = &read[piece];
                                if is_text && simdutf8::basic::from_utf8(bytes).is_err() {
                                    return Err("invalid UTF-8".to_owned());
                                }
                                sink.message(is_text, bytes);
                                if ECHO {
                                    send(encoder, rng, outgoing, link, is_text, bytes);
                                }
                                continue;
                            }
                        }
                        whole = None;
                        message.extend_from_slice(&read[piece]);
                    }
                    Some(WebsocketFrameEvent::End { frame_info, original_opcode }) if frame_info.fin => {
                        let is_text = original_opcode == Opcode::Text;
                        if is_text && simdutf8::basic::from_utf8(message).is_err() {
                            return Err("invalid UTF-8".to_owned());
                        }
                        sink.message(is_text, message);
                        if ECHO {
                            send(encoder, rng, outgoing, link, is_text, message);
                        }
                        message.clear();
                    }
                    Some(WebsocketFrameEvent::End { .. }) => {}
                    None if result.consumed_bytes == 0 => break,
                    None => {}
                }
            }
        }
        link.put_all(outgoing);
        outgoing.clear();
        Ok(())
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<false>(count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let Self { link, encoder, outgoing, rng, .. } = self;
        for message in self.messages {
            send(encoder, rng, outgoing, link, message.is_text, message.bytes);
        }
        link.put_all(outgoing);
        outgoing.clear();
        Ok(())
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run::<true>(count, sink)
    }
}

/// Only the two structs: the application provides all buffers.
fn idle(link: Link<Stream>, _: usize) -> Idle {
    let sockets = (WebsocketFrameDecoder::new(), WebsocketFrameEncoder::new());
    Idle { size: size_of_val(&sockets), keep: Box::new((sockets, link)) }
}
