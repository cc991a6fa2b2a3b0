//! Packets from bytes that arrive in pieces of any length. Over WebSockets a packet need not begin where a
//! message begins, so the decoder knows nothing of messages (MQTT 3.1.1 section 6).

use super::MAX_TOPIC;
use core::fmt;
use heapless::Vec;

/// What the decoder found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// The broker has accepted the session, with code 0, or refused it.
    Connack {
        /// The return code.
        code: u8,
    },
    /// The broker has answered a subscription.
    Suback {
        /// Whether it has refused one of the filters.
        is_refused: bool,
    },
    /// The broker has acknowledged a message.
    Puback {
        /// The identifier of that message.
        packet_id: u16,
    },
    /// The broker is alive.
    Pingresp,
    /// A message begins; [`Decoder::topic`] tells its topic. One or more [`Payload`](Self::Payload) follow.
    Publish {
        /// The identifier to acknowledge, if the message has `QoS` 1.
        packet_id: Option<u16>,
        /// The length of the whole payload in bytes.
        len: u32,
    },
    /// The last `len` bytes that the decoder consumed are a part of the payload.
    Payload {
        /// The length of this part, which can be 0 if the whole payload is empty.
        len: usize,
        /// Whether the message ends with this part.
        is_last: bool,
    },
}

/// The broker has sent something that this device cannot read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The first byte is none that a broker sends to this device.
    First(u8),
    /// The length of the packet is not valid, or does not fit its content.
    Length,
    /// The topic is longer than the memory for it.
    TopicTooLong(usize),
    /// The topic is not valid.
    Topic,
    /// The packet identifier is zero.
    PacketId,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(byte) => write!(f, "a packet begins with the byte {byte:#04x}"),
            Self::Length => f.write_str("the length of a packet is wrong"),
            Self::TopicTooLong(len) => write!(f, "a topic has {len} bytes, more than {MAX_TOPIC}"),
            Self::Topic => f.write_str("a topic is not valid"),
            Self::PacketId => f.write_str("a packet identifier is zero"),
        }
    }
}

/// The longest packet without a topic: a SUBACK for a few filters.
const MAX_SMALL: u32 = 16;
/// The bytes of a PUBLISH in front of its payload.
const MAX_HEADER: usize = 2 + MAX_TOPIC + 2;

#[derive(Clone, Copy, Debug)]
enum Stage {
    First,
    /// The length of the packet is arriving: its lowest `shift` bits are in `len`.
    Length {
        first: u8,
        len: u32,
        shift: u32,
    },
    /// The packet, or the header of a PUBLISH. Of the packet `left` bytes are missing.
    Body {
        first: u8,
        left: u32,
    },
    Payload {
        left: u32,
    },
}

/// Finds packets in a stream of bytes.
#[derive(Debug)]
pub struct Decoder {
    stage: Stage,
    /// The bytes of the packet that have arrived, up to the payload of a PUBLISH.
    body: Vec<u8, MAX_HEADER>,
    topic_len: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// The decoder of a new connection.
    #[must_use]
    pub const fn new() -> Self {
        Self { stage: Stage::First, body: Vec::new(), topic_len: 0 }
    }

    /// The topic of the last PUBLISH.
    #[must_use]
    pub fn topic(&self) -> &str {
        let topic = self.body.get(2..2 + self.topic_len).unwrap_or_default();
        // It was checked before.
        core::str::from_utf8(topic).unwrap_or_default()
    }

    /// Consumes bytes from the front of `input`, up to the next thing to report. Returns their number. Call
    /// this until it reports nothing, even if `input` is empty by then.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub fn next(&mut self, input: &[u8]) -> Result<(usize, Option<Received>), Malformed> {
        let mut consumed = 0;
        loop {
            if let Stage::Payload { left } = self.stage {
                let rest = input.len() - consumed;
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest);
                if len == 0 && left > 0 {
                    return Ok((consumed, None));
                }
                // It is at most `left`.
                let left = left - u32::try_from(len).unwrap_or(left);
                self.stage = if left == 0 { Stage::First } else { Stage::Payload { left } };
                return Ok((consumed + len, Some(Received::Payload { len, is_last: left == 0 })));
            }
            let Some(&byte) = input.get(consumed) else { return Ok((consumed, None)) };
            consumed += 1;
            if let Some(received) = self.take(byte)? {
                return Ok((consumed, Some(received)));
            }
        }
    }

    /// One byte in front of a payload.
    fn take(&mut self, byte: u8) -> Result<Option<Received>, Malformed> {
        match self.stage {
            Stage::First => {
                // CONNACK, PUBACK, SUBACK, PINGRESP, and PUBLISH with QoS 0 or 1.
                if !matches!(byte, 0x20 | 0x40 | 0x90 | 0xd0 | 0x30..=0x33 | 0x3a..=0x3b) {
                    return Err(Malformed::First(byte));
                }
                self.stage = Stage::Length { first: byte, len: 0, shift: 0 };
                Ok(None)
            }
            Stage::Length { first, len, shift } => {
                let len = len | u32::from(byte & 0x7f) << shift;
                if byte & 0x80 != 0 {
                    let shift = shift + 7;
                    if shift > 21 {
                        return Err(Malformed::Length);
                    }
                    self.stage = Stage::Length { first, len, shift };
                    return Ok(None);
                }
                if !is_publish(first) && len > MAX_SMALL {
                    return Err(Malformed::Length);
                }
                self.body.clear();
                self.topic_len = 0;
                self.stage = Stage::Body { first, left: len };
                if len == 0 { self.finish(first) } else { Ok(None) }
            }
            Stage::Body { first, left } => {
                self.body.push(byte).map_err(|_| Malformed::Length)?;
                let left = left - 1;
                self.stage = Stage::Body { first, left };
                if is_publish(first) {
                    return self.finish_header(first, left);
                }
                if left == 0 { self.finish(first) } else { Ok(None) }
            }
            Stage::Payload { .. } => Ok(None),
        }
    }

    /// The packet is complete, and it is no PUBLISH.
    fn finish(&mut self, first: u8) -> Result<Option<Received>, Malformed> {
        self.stage = Stage::First;
        Ok(Some(match (first, &self.body[..]) {
            (0x20, &[_, code]) => Received::Connack { code },
            (0x40, &[high, low]) => Received::Puback { packet_id: u16::from_be_bytes([high, low]) },
            (0x90, [_, _, codes @ ..]) if !codes.is_empty() => {
                Received::Suback { is_refused: codes.iter().any(|&code| code > 2) }
            }
            (0xd0, []) => Received::Pingresp,
            _ => return Err(Malformed::Length),
        }))
    }

    /// One byte of a PUBLISH has arrived, which may be the last one in front of the payload.
    fn finish_header(&mut self, first: u8, left: u32) -> Result<Option<Received>, Malformed> {
        let id_len = if first & 0x06 == 0 { 0 } else { 2 };
        if let &[high, low] = &self.body[..] {
            self.topic_len = usize::from(u16::from_be_bytes([high, low]));
            if self.topic_len > MAX_TOPIC {
                return Err(Malformed::TopicTooLong(self.topic_len));
            }
        }
        let is_complete = self.body.len() >= 2 && self.body.len() == 2 + self.topic_len + id_len;
        if !is_complete {
            // More bytes are missing than the packet has.
            return if left == 0 { Err(Malformed::Length) } else { Ok(None) };
        }
        let (topic, id) = self.body[2..].split_at(self.topic_len);
        if topic.is_empty() || core::str::from_utf8(topic).is_err() || topic.contains(&0) {
            return Err(Malformed::Topic);
        }
        let packet_id = match id {
            [0, 0] => return Err(Malformed::PacketId),
            &[high, low] => Some(u16::from_be_bytes([high, low])),
            _ => None,
        };
        self.stage = Stage::Payload { left };
        Ok(Some(Received::Publish { packet_id, len: left }))
    }
}

fn is_publish(first: u8) -> bool {
    first & 0xf0 == 0x30
}
