//! Makes frames and takes them apart, independently of every library under test. Also payloads, and the bytes
//! of handshakes.

use crate::json::json;
use base64::Engine;
use sha1::{Digest, Sha1};

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    pub is_text: bool,
    pub bytes: &'static [u8],
}

/// The kind of payload in a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Binary,
    Ascii,
    /// 30 % of the characters have two or three bytes.
    MixedText,
    /// See [`json()`].
    Json,
}

/// A small random generator, so that each run has the same sizes and bytes.
pub struct Lcg(u64);

impl Lcg {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// A payload of exactly `len` bytes. It is leaked, because some libraries want it to be `'static`.
pub fn payload(kind: Kind, len: usize, lcg: &mut Lcg) -> Payload {
    let mut bytes = Vec::with_capacity(len);
    match kind {
        Kind::Binary => bytes.extend((0..len).map(|_| (lcg.draw() & 0xff) as u8)),
        Kind::Ascii => bytes.extend((0..len).map(|_| b' ' + (lcg.draw() % 95) as u8)),
        Kind::Json => bytes = json(len, lcg).into_bytes(),
        Kind::MixedText => {
            let mut text = String::new();
            while text.len() < len {
                let c = match lcg.draw() % 20 {
                    0..14 => char::from(b'a' + (lcg.draw() % 26) as u8),
                    14..17 => char::from_u32(0xe0 + (lcg.draw() % 0x20) as u32).unwrap(),
                    _ => char::from_u32(0x4e00 + (lcg.draw() % 0x1000) as u32).unwrap(),
                };
                if text.len() + c.len_utf8() <= len {
                    text.push(c);
                } else {
                    text.push('.');
                }
            }
            bytes = text.into_bytes();
        }
    }
    Payload { is_text: kind != Kind::Binary, bytes: bytes.leak() }
}

/// The frames of these messages in a row, leaked. With `masked`, each frame has a key of its own, as from a
/// client.
pub fn frames(messages: &[Payload], masked: bool) -> &'static [u8] {
    let mut wire = Vec::new();
    let mut lcg = Lcg::new(99);
    for message in messages {
        let first = if message.is_text { 0x81 } else { 0x82 };
        let key = masked.then(|| (lcg.draw() as u32).to_ne_bytes());
        push_frame(&mut wire, first, key, message.bytes);
    }
    wire.leak()
}

/// Appends a frame with this first byte.
pub fn push_frame(wire: &mut Vec<u8>, first: u8, key: Option<[u8; 4]>, payload: &[u8]) {
    let len = payload.len();
    let bit = if key.is_some() { 0x80 } else { 0 };
    wire.push(first);
    if len < 126 {
        wire.push(bit | len as u8);
    } else if let Ok(len) = u16::try_from(len) {
        wire.push(bit | 126);
        wire.extend(len.to_be_bytes());
    } else {
        wire.push(bit | 127);
        wire.extend((len as u64).to_be_bytes());
    }
    match key {
        Some(key) => {
            wire.extend(key);
            wire.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
        }
        None => wire.extend_from_slice(payload),
    }
}

/// A frame taken apart.
pub struct Frame {
    pub first: u8,
    pub key: Option<[u8; 4]>,
    /// The payload without its mask.
    pub payload: Vec<u8>,
}

/// Takes a frame off the front; `None` if it is cut.
pub fn take_frame(wire: &mut &[u8]) -> Option<Frame> {
    let bytes = *wire;
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let (mut at, len) = match second & 0x7f {
        126 => (4, big_endian(bytes.get(2..4)?)),
        127 => (10, big_endian(bytes.get(2..10)?)),
        len => (2, usize::from(len)),
    };
    let key = if second & 0x80 == 0 { None } else { Some(*bytes.get(at..)?.first_chunk()?) };
    at += if key.is_some() { 4 } else { 0 };
    let masked = bytes.get(at..at + len)?;
    let mask = key.unwrap_or_default();
    let payload = masked.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
    *wire = &bytes[at + len..];
    Some(Frame { first, key, payload })
}

/// Checks that these bytes are the frames of these messages. A library may split a message into any number of
/// frames.
pub fn check_frames(mut wire: &[u8], masked: bool, messages: &[Payload]) -> Result<(), String> {
    let mut keys = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let mut payload = Vec::new();
        let mut is_first = true;
        loop {
            let frame = take_frame(&mut wire).ok_or_else(|| format!("message {number} is missing or cut"))?;
            let opcode = match (is_first, message.is_text) {
                (false, _) => 0,
                (true, true) => 1,
                (true, false) => 2,
            };
            if frame.first & 0x7f != opcode || frame.key.is_some() != masked {
                return Err(format!("message {number} begins with {:#x}", frame.first));
            }
            keys.extend(frame.key);
            payload.extend(frame.payload);
            is_first = false;
            if frame.first & 0x80 != 0 {
                break;
            }
        }
        if payload != message.bytes {
            return Err(format!("message {number} has other bytes"));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    if masked && messages.len() > 1 && keys.len() < messages.len() / 2 {
        return Err("masking keys repeat".to_owned());
    }
    if wire.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", wire.len())) }
}

/// `Sec-WebSocket-Accept` for a key.
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let mut sha = Sha1::new();
    sha.update(key);
    sha.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let mut out = [0; 28];
    base64::engine::general_purpose::STANDARD.encode_slice(sha.finalize(), &mut out).expect("28 bytes");
    out
}

/// A browser's request: 14 headers.
pub const REQUEST: &[u8] = b"GET /chat?room=42 HTTP/1.1\r\n\
Host: chat.example.com:8080\r\n\
Connection: Upgrade\r\n\
Pragma: no-cache\r\n\
Cache-Control: no-cache\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
Upgrade: websocket\r\n\
Origin: http://chat.example.com:8080\r\n\
Sec-WebSocket-Version: 13\r\n\
Accept-Encoding: gzip, deflate\r\n\
Accept-Language: en-US,en;q=0.5\r\n\
Cookie: id=6f9619ff\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
DNT: 1\r\n\r\n";

/// The value of `Sec-WebSocket-Accept` that answers [`REQUEST`].
pub const REQUEST_ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The host that clients connect to.
pub const HOST: &str = "chat.example.com";
pub const PATH: &str = "/chat?room=42";
pub const URI: &str = "ws://chat.example.com/chat?room=42";

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Payload> {
        let mut lcg = Lcg::new(1);
        [0, 16, 125, 126, 65_535, 65_536].map(|len| payload(Kind::Binary, len, &mut lcg)).to_vec()
    }

    #[test]
    fn frames_made_here_pass_the_check() {
        for masked in [false, true] {
            check_frames(frames(&messages(), masked), masked, &messages()).unwrap();
        }
    }

    #[test]
    fn other_frames_do_not_pass_the_check() {
        let messages = messages();
        let wire = frames(&messages, true);
        assert!(check_frames(wire, false, &messages).is_err());
        assert!(check_frames(&wire[..wire.len() - 1], true, &messages).is_err());
        assert!(check_frames(wire, true, &messages[1..]).is_err());
        assert!(check_frames(wire, true, &messages[..5]).is_err());
        let (mut bit, mut opcode) = (wire.to_vec(), wire.to_vec());
        *bit.last_mut().unwrap() ^= 1;
        opcode[0] ^= 3;
        assert!(check_frames(&bit, true, &messages).is_err());
        assert!(check_frames(&opcode, true, &messages).is_err());
    }

    #[test]
    fn repeated_keys_are_noticed() {
        let message = payload(Kind::Binary, 16, &mut Lcg::new(1));
        let frame = frames(&[message], true);
        assert!(check_frames(&frame.repeat(4), true, &[message; 4]).is_err());
    }

    #[test]
    fn texts_are_valid_and_have_the_wanted_length() {
        for len in [16, 125, 1024, 2000] {
            let text = payload(Kind::MixedText, len, &mut Lcg::new(len as u64));
            let text = std::str::from_utf8(text.bytes).unwrap();
            assert_eq!(text.len(), len);
            let long = text.chars().filter(|c| c.len_utf8() > 1).count();
            assert!(len < 1000 || (25..35).contains(&(100 * long / text.chars().count())));
        }
    }
}
