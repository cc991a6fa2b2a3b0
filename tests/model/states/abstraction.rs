//! The abstract states of the receiving half. Two histories of bytes that lead to the same abstract state are
//! meant to behave in the same way from then on, except for the contents of payloads. The state is that of
//! the model, reduced: lengths become classes, a masking key becomes the position in it, and a cut character
//! becomes what may follow it.

use model::{Frame, Incoming, Receiver, may_be_on_wire};
use sansws::DataKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// A failure or a Close has arrived.
    Over { failed: bool },
    Header {
        /// The first byte, if it has arrived.
        first: Option<u8>,
        length: Length,
        /// The number of bytes of the key that have arrived.
        key: usize,
        message: Option<Message>,
    },
    Payload {
        kind: Kind,
        left: Left,
        /// The position in the key; 0 without a key.
        position: u64,
        message: Option<Message>,
    },
}

/// The message that has begun.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Message {
    pub is_text: bool,
    /// What may follow the bytes of a cut character, see [`character`].
    pub character: u8,
    /// Whether a part was reported, or content waits for the end of the message.
    pub has_content: bool,
    /// The number of compressed bytes, at most 2, if the message is compressed. The state of the decompressor
    /// is not a part of the abstraction, so no path goes on behind the first compressed byte.
    pub compressed: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Data { fin: bool },
    Ping { has_begun: bool },
    Pong { has_begun: bool },
    Close(Body),
}

/// The bytes of a Close's body that have arrived. The connection reports a fault in them at the end of the
/// frame.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Body {
    Empty,
    /// The first byte of the code decides that the code is legal or that it is not. `None`: the second byte
    /// decides.
    Half(Option<bool>, u8),
    /// Whether the code is legal, and what may follow the last bytes of the reason. `None`: the reason is not
    /// UTF-8.
    Code(bool, Option<u8>),
}

/// The number of payload bytes that a frame still lacks. A pair of bytes ends a frame that lacks at most two,
/// so longer payloads differ only in their headers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Left {
    Nothing,
    One,
    Two,
    Three,
    /// 4 to 125.
    Few,
    /// 126 and more.
    Many,
    /// The frame exceeds the limit of its message, which its last header byte reveals.
    TooMany,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Length {
    /// The second byte of the header has not arrived.
    Unknown,
    /// `have` of the `of` bytes of an extended length have arrived. `None`: they leave more than one fate
    /// open, and their value tells which ones.
    Extended {
        have: usize,
        of: usize,
        fate: Option<Fate>,
        value: u64,
    },
    Known(Left),
}

/// What becomes of a frame with an extended length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    NotMinimal,
    TopBit,
    TooMany,
    Legal,
}

/// The abstract state of the model.
pub fn state(model: &Receiver, has_failed: bool) -> State {
    if model.is_done {
        return State::Over { failed: has_failed };
    }
    let message = model.message.as_ref().map(message);
    match &model.frame {
        Some(frame) => payload(model, frame, message),
        None => header(model, message),
    }
}

fn message(message: &Incoming) -> Message {
    Message {
        is_text: message.kind == DataKind::Text,
        character: character(&message.character).unwrap_or_default(),
        has_content: message.has_part || !message.content.is_empty(),
        compressed: message.is_compressed.then_some(message.announced.min(2)),
    }
}

/// What may follow the last bytes of a text (RFC 3629 section 4): 0 a character, 1 to 3 that many tails, and
/// the others a first tail from a smaller range. `None`: the bytes are not UTF-8.
pub fn character(bytes: &[u8]) -> Option<u8> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => return Some(0),
        Err(error) if error.error_len().is_some() => return None,
        Err(error) => error.valid_up_to(),
    };
    Some(match &bytes[valid..] {
        [0xe0] => 4,
        [0xed] => 5,
        [0xf0] => 6,
        [0xf4] => 7,
        [0xc2..=0xdf] | [_, _, _] | [0xe0..=0xef, _] => 1,
        [0xe1..=0xef] | [_, _] => 2,
        _ => 3,
    })
}

fn left(bytes: u64, limit: u64) -> Left {
    match bytes {
        _ if bytes > limit => Left::TooMany,
        0 => Left::Nothing,
        1 => Left::One,
        2 => Left::Two,
        3 => Left::Three,
        4..=125 => Left::Few,
        _ => Left::Many,
    }
}

fn payload(model: &Receiver, frame: &Frame, mut message: Option<Message>) -> State {
    // The first frame of a message has announced its length, but none of its bytes may have arrived.
    if let (Some(message), Some(incoming)) = (&mut message, &model.message) {
        let taken = incoming.announced - if frame.opcode < 8 { frame.len - frame.taken } else { 0 };
        message.compressed = message.compressed.map(|_| taken.min(2));
    }
    let has_begun = frame.taken > 0;
    let kind = match frame.opcode {
        0..=7 => Kind::Data { fin: frame.fin },
        9 => Kind::Ping { has_begun },
        10 => Kind::Pong { has_begun },
        _ => Kind::Close(body(&model.control)),
    };
    let position = if frame.key == [0; 4] { 0 } else { frame.taken % 4 };
    State::Payload { kind, left: left(frame.len - frame.taken, u64::MAX), position, message }
}

fn body(bytes: &[u8]) -> Body {
    match bytes {
        [] => Body::Empty,
        [high] => {
            let mut codes = (0..=u8::MAX).map(|low| may_be_on_wire(u16::from_be_bytes([*high, low])));
            let first = codes.next().unwrap();
            if codes.all(|other| other == first) {
                Body::Half(Some(first), 0)
            } else {
                Body::Half(None, *high)
            }
        }
        [high, low, reason @ ..] => {
            Body::Code(may_be_on_wire(u16::from_be_bytes([*high, *low])), character(reason))
        }
    }
}

fn header(model: &Receiver, message: Option<Message>) -> State {
    let bytes = &model.header[..];
    let announced = model.message.as_ref().map_or(0, |message| message.announced);
    let is_control = bytes.first().is_some_and(|first| first & 8 != 0);
    let limit = if is_control { u64::MAX } else { model.limits.max_message.saturating_sub(announced) };
    let extended = match bytes.get(1).map(|second| second & 0x7f) {
        Some(126) => 2,
        Some(127) => 8,
        _ => 0,
    };
    let value = bytes.iter().skip(2).take(extended).fold(0, |value, &byte| value << 8 | u64::from(byte));
    let have = bytes.len().saturating_sub(2).min(extended);
    let length = match bytes.get(1) {
        None => Length::Unknown,
        Some(second) if extended == 0 => Length::Known(left(u64::from(second & 0x7f), limit)),
        Some(_) if have == extended => Length::Known(left(value, limit)),
        Some(_) => {
            let open = 8 * (extended - have);
            let least = value.checked_shl(u32::try_from(open).unwrap()).unwrap_or(0);
            let most = least | u64::MAX.checked_shr(u32::try_from(64 - open).unwrap()).unwrap_or(0);
            let (fate, other) = (fate(least, extended, limit), fate(most, extended, limit));
            let fate = (fate == other).then_some(fate);
            Length::Extended { have, of: extended, fate, value: if fate.is_some() { 0 } else { value } }
        }
    };
    let key = bytes.len().saturating_sub(2 + extended);
    State::Header { first: bytes.first().copied(), length, key, message }
}

fn fate(len: u64, extended: usize, limit: u64) -> Fate {
    match len {
        0x8000_0000_0000_0000.. => Fate::TopBit,
        _ if len < 126 || extended == 8 && len < 0x1_0000 => Fate::NotMinimal,
        _ if len > limit => Fate::TooMany,
        _ => Fate::Legal,
    }
}
