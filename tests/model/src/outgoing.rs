//! The bytes that the connection sends, as its peer decodes them.

use crate::inflate::Inflater;

/// A frame as it was sent.
#[derive(PartialEq, Eq, Debug)]
pub struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub first: u8,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    #[must_use]
    pub const fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.first & 0x40 != 0
    }
}

/// Splits bytes into whole frames.
pub fn frames(mut bytes: &[u8], is_masked: bool) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, ..] = *bytes {
        assert_eq!(second & 0x80 != 0, is_masked, "only a client masks (RFC 6455 section 5.1)");
        let (len, mut at) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 => (usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap(), 10),
            short => (usize::from(short), 2),
        };
        assert!(at == 2 || len > 125 && (at == 4 || len > 0xffff), "the length has its shortest form");
        let mut key = [0; 4];
        if is_masked {
            key.copy_from_slice(&bytes[at..at + 4]);
            at += 4;
        }
        assert_eq!(first & 0x30, 0, "no extension defines RSV2 or RSV3");
        assert!(first & 0x08 == 0 || first & 0x80 != 0 && len <= 125, "the rules for control frames");
        let payload = bytes[at..at + len].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        frames.push(Frame { first, payload: payload.collect() });
        bytes = &bytes[at + len..];
    }
    assert!(bytes.is_empty(), "a call queued a piece of a frame");
    frames
}

/// Follows the outgoing bytes of a connection.
pub struct Outgoing {
    is_masked: bool,
    /// The bytes that are queued and not sent.
    pub unsent: Vec<u8>,
    /// Decompresses what the connection compresses.
    inflater: Option<Inflater>,
    /// The message that is being sent: whether it is compressed, and its plain bytes so far.
    message: Option<(bool, Vec<u8>)>,
}

impl Outgoing {
    #[must_use]
    pub const fn new(is_masked: bool, inflater: Option<Inflater>) -> Self {
        Self { is_masked, unsent: Vec::new(), inflater, message: None }
    }

    /// The frames that were queued since the last call. What was queued before must not have changed.
    pub fn new_frames(&mut self, outgoing: &[u8]) -> Vec<Frame> {
        let (before, new) = outgoing.split_at(self.unsent.len().min(outgoing.len()));
        assert_eq!(before, self.unsent, "queued bytes have changed");
        let frames = frames(new, self.is_masked);
        self.unsent.extend_from_slice(new);
        frames
    }

    pub fn sent(&mut self, len: usize) {
        self.unsent.drain(..len.min(self.unsent.len()));
    }

    /// Receives a data frame, as the peer does. Returns the plain message if it is complete.
    pub fn data(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        let is_first = frame.opcode() != 0;
        assert_eq!(self.message.is_none(), is_first, "the fragments of messages are mixed");
        assert!(is_first || !frame.is_compressed(), "RSV1 is only for the first fragment");
        let (is_compressed, content) =
            self.message.get_or_insert_with(|| (frame.is_compressed(), Vec::new()));
        let is_last = frame.first & 0x80 != 0;
        if *is_compressed {
            let inflater = self.inflater.as_mut().expect("the connection has agreed on compression");
            for &byte in &frame.payload {
                let (bytes, result) = inflater.byte(byte);
                content.extend(bytes);
                result.expect("the connection sends DEFLATE data");
            }
            if is_last {
                inflater.end_message().expect("the message ends with a block");
            }
        } else {
            content.extend_from_slice(&frame.payload);
        }
        if is_last { self.message.take().map(|(_, content)| content) } else { None }
    }
}
