//! The receiving half of the model (RFC 6455 sections 5 to 8). It takes one byte at a time.

use crate::inflate::Inflater;
use sansws::{CloseCode, DataKind, Error, Limit, Violation};
use std::str;

/// An event, with its contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    Message(DataKind, Vec<u8>),
    /// Consecutive parts of one message, joined.
    Part {
        kind: DataKind,
        bytes: Vec<u8>,
        is_first: bool,
        is_last: bool,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Failed(Error),
}

impl Seen {
    /// Adds an event to the list. The boundaries between parts have no meaning, so this joins the parts.
    pub fn add(self, events: &mut Vec<Self>) {
        if let Self::Part { bytes, is_first: false, is_last, .. } = &self {
            if let Some(Self::Part { bytes: before, is_last: last @ false, .. }) = events.last_mut() {
                before.extend_from_slice(bytes);
                *last = *is_last;
                return;
            }
        }
        events.push(self);
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_message: u64,
    pub max_frame: u64,
    pub max_fragments: u64,
    /// Whether messages are delivered in parts.
    pub in_parts: bool,
}

pub struct Frame {
    pub fin: bool,
    pub rsv1: bool,
    pub opcode: u8,
    pub len: u64,
    pub taken: u64,
    pub key: [u8; 4],
}

pub struct Incoming {
    pub kind: DataKind,
    pub is_compressed: bool,
    pub fragments: u64,
    /// The payload bytes that the headers have announced.
    pub announced: u64,
    /// The bytes of the content so far, delivered or not.
    pub len: u64,
    /// The content, if the message is delivered whole.
    pub content: Vec<u8>,
    /// The bytes of a character that is not complete.
    pub character: Vec<u8>,
    pub has_part: bool,
}

pub struct Receiver {
    pub limits: Limits,
    peer_masks: bool,
    pub inflater: Option<Inflater>,
    /// The bytes of a header that is not complete.
    pub header: Vec<u8>,
    /// The frame whose payload comes next.
    pub frame: Option<Frame>,
    /// The message that has begun.
    pub message: Option<Incoming>,
    /// The payload of the current control frame so far.
    pub control: Vec<u8>,
    /// Whether a Close or a bad byte has arrived. Everything behind it is dropped.
    pub is_done: bool,
}

impl Receiver {
    #[must_use]
    pub fn new(limits: Limits, peer_masks: bool, inflater: Option<Inflater>) -> Self {
        Self {
            limits,
            peer_masks,
            inflater,
            header: Vec::new(),
            frame: None,
            message: None,
            control: Vec::new(),
            is_done: false,
        }
    }

    /// Whether the payload of the current frame is that of a compressed message.
    #[must_use]
    pub fn is_in_compressed(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.is_compressed)
    }

    /// Receives a byte, and adds the events that it completes.
    pub fn byte(&mut self, byte: u8, events: &mut Vec<Seen>) {
        if self.is_done {
            return;
        }
        if let Err(error) = self.try_byte(byte, events) {
            self.is_done = true;
            events.push(Seen::Failed(error));
        }
    }

    fn try_byte(&mut self, byte: u8, events: &mut Vec<Seen>) -> Result<(), Error> {
        let Some(frame) = &mut self.frame else {
            self.header.push(byte);
            let has_rsv1 = self.inflater.is_some();
            let Some(frame) = header(&self.header, self.peer_masks, has_rsv1, self.limits.max_frame)? else {
                return Ok(());
            };
            self.header.clear();
            let is_empty = frame.len == 0;
            self.begin_frame(frame)?;
            return if is_empty { self.end_frame(events) } else { Ok(()) };
        };
        let position = usize::try_from(frame.taken % 4).unwrap();
        let byte = byte ^ frame.key[position];
        frame.taken += 1;
        let ends_frame = frame.taken == frame.len;
        if frame.opcode >= 8 {
            self.control.push(byte);
        } else {
            self.payload(byte, events)?;
        }
        if ends_frame { self.end_frame(events) } else { Ok(()) }
    }

    /// Section 5.4: the order of fragments. Section 10.4: limits.
    fn begin_frame(&mut self, frame: Frame) -> Result<(), Error> {
        if frame.opcode < 8 {
            match (frame.opcode, &self.message) {
                (0, None) => return Err(Violation::NothingToContinue.into()),
                (1.., Some(_)) => return Err(Violation::MessageUnfinished.into()),
                (0, Some(_)) => {}
                (opcode, None) => {
                    self.message = Some(Incoming {
                        kind: if opcode == 1 { DataKind::Text } else { DataKind::Binary },
                        is_compressed: frame.rsv1,
                        fragments: 0,
                        announced: 0,
                        len: 0,
                        content: Vec::new(),
                        character: Vec::new(),
                        has_part: false,
                    });
                }
            }
            let message = self.message.as_mut().unwrap();
            message.fragments += 1;
            if message.fragments > self.limits.max_fragments {
                return Err(Limit::Fragments.into());
            }
            // `Config::max_message` documents how much longer a compressed message may be on the wire.
            let max = self.limits.max_message;
            let limit = if message.is_compressed {
                max.saturating_add(max / 8).saturating_add(max / 64).saturating_add(320 * message.fragments)
            } else {
                max
            };
            message.announced = message.announced.saturating_add(frame.len);
            if message.announced > limit {
                return Err(Limit::Message.into());
            }
        }
        self.frame = Some(frame);
        Ok(())
    }

    fn payload(&mut self, byte: u8, events: &mut Vec<Seen>) -> Result<(), Error> {
        if !self.is_in_compressed() {
            return self.content(byte, events);
        }
        let (bytes, result) = self.inflater.as_mut().unwrap().byte(byte);
        for byte in bytes {
            self.content(byte, events)?;
        }
        result.map_err(|_| Violation::Deflate.into())
    }

    /// A byte of the content of a message: section 8.1 for text.
    fn content(&mut self, byte: u8, events: &mut Vec<Seen>) -> Result<(), Error> {
        let message = self.message.as_mut().unwrap();
        message.len += 1;
        if message.len > self.limits.max_message {
            return Err(Limit::Message.into());
        }
        message.character.push(byte);
        if message.kind == DataKind::Text {
            match str::from_utf8(&message.character) {
                Ok(_) => {}
                Err(error) if error.error_len().is_none() => return Ok(()),
                Err(_) => return Err(Violation::InvalidUtf8.into()),
            }
        }
        let bytes = std::mem::take(&mut message.character);
        if self.limits.in_parts {
            let is_first = !std::mem::replace(&mut message.has_part, true);
            Seen::Part { kind: message.kind, bytes, is_first, is_last: false }.add(events);
        } else {
            message.content.extend(bytes);
        }
        Ok(())
    }

    fn end_frame(&mut self, events: &mut Vec<Seen>) -> Result<(), Error> {
        let frame = self.frame.take().unwrap();
        if frame.opcode >= 8 {
            let payload = std::mem::take(&mut self.control);
            events.push(match frame.opcode {
                9 => Seen::Ping(payload),
                10 => Seen::Pong(payload),
                _ => {
                    let close = close(&payload)?;
                    self.is_done = true;
                    close
                }
            });
            return Ok(());
        }
        if !frame.fin {
            return Ok(());
        }
        if self.is_in_compressed() {
            self.inflater.as_mut().unwrap().end_message().map_err(|_| Violation::Deflate)?;
        }
        let message = self.message.take().unwrap();
        if !message.character.is_empty() {
            return Err(Violation::InvalidUtf8.into());
        }
        let kind = message.kind;
        if self.limits.in_parts {
            let is_first = !message.has_part;
            Seen::Part { kind, bytes: Vec::new(), is_first, is_last: true }.add(events);
        } else {
            events.push(Seen::Message(kind, message.content));
        }
        Ok(())
    }
}

/// Section 5.2: the header of a frame, once it is complete. It is wrong at its first wrong byte.
fn header(bytes: &[u8], peer_masks: bool, has_rsv1: bool, max_frame: u64) -> Result<Option<Frame>, Error> {
    let first = bytes[0];
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    let mut reserved = (first >> 4) & 7;
    if has_rsv1 && (opcode == 1 || opcode == 2) {
        reserved &= 3;
    }
    if reserved != 0 {
        return Err(Violation::ReservedBits(reserved).into());
    }
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Err(Violation::UnknownOpcode(opcode).into());
    }
    if opcode >= 8 && !fin {
        return Err(Violation::ControlFragmented.into());
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let is_masked = second & 0x80 != 0;
    if is_masked != peer_masks {
        return Err(if peer_masks { Violation::Unmasked } else { Violation::Masked }.into());
    }
    let length = second & 0x7f;
    if opcode >= 8 && length > 125 {
        return Err(Violation::ControlTooLong.into());
    }
    let length_bytes = match length {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(extended) = bytes.get(2..2 + length_bytes) else { return Ok(None) };
    let extended = extended.iter().fold(0, |len, &byte| len << 8 | u64::from(byte));
    let (len, least) = match length {
        126 => (extended, 126),
        127 => (extended, 0x1_0000),
        _ => (u64::from(length), 0),
    };
    if len >= 1 << 63 {
        return Err(Violation::LengthTopBit.into());
    }
    if len < least {
        return Err(Violation::LengthNotMinimal.into());
    }
    if opcode < 8 && len > max_frame {
        return Err(Limit::Frame.into());
    }
    let mut key = [0; 4];
    if is_masked {
        let Some(bytes) = bytes.get(2 + length_bytes..2 + length_bytes + 4) else { return Ok(None) };
        key.copy_from_slice(bytes);
    }
    Ok(Some(Frame { fin, rsv1: first & 0x40 != 0, opcode, len, taken: 0, key }))
}

/// Section 5.5.1: the body of a Close.
fn close(body: &[u8]) -> Result<Seen, Error> {
    match body {
        [] => Ok(Seen::Close(1005, String::new())),
        [_] => Err(Violation::CloseBodyTooShort.into()),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !may_be_on_wire(code) {
                return Err(Violation::CloseCodeNotAllowed(CloseCode::from(code)).into());
            }
            let reason = str::from_utf8(reason).map_err(|_| Violation::InvalidCloseReason)?;
            Ok(Seen::Close(code, reason.to_owned()))
        }
    }
}

/// Section 7.4, and the registry of close codes.
#[must_use]
pub fn may_be_on_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Sections 7.4.1 and 8.1, and the documentation of `Config`: the code of the Close that tells the peer.
#[must_use]
pub fn close_code(error: Error) -> Option<u16> {
    Some(match error {
        Error::Peer(Violation::UnexpectedEof) => return None,
        Error::Peer(Violation::InvalidUtf8 | Violation::InvalidCloseReason | Violation::Deflate) => 1007,
        Error::Peer(_) => 1002,
        Error::Limit(Limit::Fragments | Limit::FinalBlocks) => 1008,
        Error::Limit(Limit::Frame | Limit::Message) => 1009,
        other => panic!("the model knows no close code for {other:?}"),
    })
}
