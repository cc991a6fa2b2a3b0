//! One connection of a client, without its transport: what it sends, and a check of every byte that comes
//! back.
//!
//! This file uses no code of sansws, so that a fault of the library cannot hide itself.

use super::traffic::{BINARY, CLOSE, FIN, Kind, PING, PONG, TEXT, Template, encode};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// The value of `Sec-WebSocket-Accept` for that key.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Something that has come back.
pub struct Answered {
    pub kind: Kind,
    /// When the client wanted to send what this answers.
    pub since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Opening,
    Open,
    /// The client has sent its Close.
    Closing,
    /// The server has answered the Close.
    Closed,
}

pub struct Conversation {
    pub phase: Phase,
    /// When the client wanted to connect, or to send its Close.
    since: Instant,
    /// What is not written yet, and how much of its first piece is.
    outgoing: VecDeque<Rc<[u8]>>,
    written: usize,
    messages: VecDeque<(Rc<Template>, Instant)>,
    /// The pings that no pong has answered, each with its number, which is its payload.
    pings: VecDeque<(u64, Instant)>,
    next_ping: u64,
    /// The bytes of an incomplete head, header or control frame.
    partial: Vec<u8>,
    /// The frame whose payload arrives.
    frame: Option<Frame>,
    /// How many bytes of the current message have arrived. `None`: no message is incomplete.
    message: Option<usize>,
}

#[derive(Clone, Copy)]
struct Frame {
    is_final: bool,
    opcode: u8,
    /// The bytes of payload that have not arrived yet.
    left: usize,
}

impl Conversation {
    /// Begins with the opening handshake.
    pub fn new(since: Instant) -> Self {
        Self {
            phase: Phase::Opening,
            since,
            outgoing: VecDeque::from([REQUEST.into()]),
            written: 0,
            messages: VecDeque::new(),
            pings: VecDeque::new(),
            next_ping: 0,
            partial: Vec::new(),
            frame: None,
            message: None,
        }
    }

    pub fn send(&mut self, template: &Rc<Template>, since: Instant) {
        self.outgoing.push_back(Rc::clone(&template.frames));
        self.messages.push_back((Rc::clone(template), since));
    }

    pub fn ping(&mut self, since: Instant) {
        self.outgoing.push_back(encode(FIN | PING, &self.next_ping.to_be_bytes()).into());
        self.pings.push_back((self.next_ping, since));
        self.next_ping += 1;
    }

    pub fn close(&mut self, frame: &Rc<[u8]>, since: Instant) {
        self.outgoing.push_back(Rc::clone(frame));
        self.phase = Phase::Closing;
        self.since = since;
    }

    /// The bytes to write next.
    pub fn outgoing(&self) -> &[u8] {
        self.outgoing.front().map_or(&[], |piece| &piece[self.written..])
    }

    pub fn mark_sent(&mut self, len: usize) {
        self.written += len;
        if self.outgoing.front().is_some_and(|piece| self.written == piece.len()) {
            self.outgoing.pop_front();
            self.written = 0;
        }
    }

    /// Whether all that was sent has been answered.
    pub fn is_quiet(&self) -> bool {
        self.messages.is_empty() && self.pings.is_empty() && matches!(self.phase, Phase::Open)
    }

    /// The server has ended the transport. `Err`: it should not have.
    pub fn end(&self) -> Result<Answered, String> {
        match self.phase {
            Phase::Closed => Ok(Answered { kind: Kind::Close, since: self.since }),
            phase => Err(format!("the transport ended, while the connection was {phase:?}")),
        }
    }

    /// Takes bytes of the server. `Err` says what is wrong with them.
    pub fn receive(&mut self, mut bytes: &[u8], mut answered: impl FnMut(Answered)) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.phase == Phase::Opening {
                let (&first, rest) = bytes.split_first().ok_or("no bytes")?;
                bytes = rest;
                self.partial.push(first);
                if self.partial.ends_with(b"\r\n\r\n") {
                    self.check_head()?;
                    answered(Answered { kind: Kind::Open, since: self.since });
                }
                continue;
            }
            let Some(frame) = self.frame else {
                let (&first, rest) = bytes.split_first().ok_or("no bytes")?;
                bytes = rest;
                self.partial.push(first);
                self.frame = header(&self.partial)?;
                if let Some(frame) = self.frame {
                    self.partial.clear();
                    self.begin(frame)?;
                    self.finish_if_complete(&mut answered)?;
                }
                continue;
            };
            let (payload, rest) = bytes.split_at(bytes.len().min(frame.left));
            bytes = rest;
            self.take(payload)?;
            self.frame = Some(Frame { left: frame.left - payload.len(), ..frame });
            self.finish_if_complete(&mut answered)?;
        }
        Ok(())
    }

    fn check_head(&mut self) -> Result<(), String> {
        let head = String::from_utf8_lossy(&self.partial);
        let mut lines = head.lines();
        let is_switching = lines.next().is_some_and(|line| line.starts_with("HTTP/1.1 101 "));
        let is_accepted = lines
            .filter_map(|line| line.split_once(':'))
            .any(|(name, value)| name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value.trim() == ACCEPT);
        if !is_switching || !is_accepted {
            return Err(format!("the server answered the handshake with {head:?}"));
        }
        self.partial.clear();
        self.phase = Phase::Open;
        Ok(())
    }

    /// A header is complete.
    fn begin(&mut self, frame: Frame) -> Result<(), String> {
        if self.phase == Phase::Closed {
            return Err("a frame after the Close".to_owned());
        }
        match frame.opcode {
            TEXT | BINARY => {
                let (template, _) = self.messages.front().ok_or("a message that nothing asked for")?;
                if template.is_text != (frame.opcode == TEXT) || self.message.is_some() {
                    return Err("a message of another kind".to_owned());
                }
                self.message = Some(0);
            }
            0 if self.message.is_none() => return Err("a fragment of no message".to_owned()),
            0 => {}
            CLOSE | PING | PONG if frame.is_final && frame.left < 126 => {}
            opcode => return Err(format!("a frame with opcode {opcode}")),
        }
        Ok(())
    }

    /// Some payload of the current frame has arrived.
    fn take(&mut self, payload: &[u8]) -> Result<(), String> {
        match (self.frame, self.message, self.messages.front()) {
            (Some(Frame { opcode: 0..8, .. }), Some(at), Some((template, _))) => {
                if template.payload.get(at..at + payload.len()) != Some(payload) {
                    return Err(format!(
                        "a message of {} bytes came back with others",
                        template.payload.len()
                    ));
                }
                self.message = Some(at + payload.len());
            }
            _ => self.partial.extend_from_slice(payload),
        }
        Ok(())
    }

    fn finish_if_complete(&mut self, answered: &mut impl FnMut(Answered)) -> Result<(), String> {
        let Some(frame) = self.frame.take_if(|frame| frame.left == 0) else { return Ok(()) };
        match frame.opcode {
            PONG => {
                let is_answered = |(number, _): &(u64, _)| self.partial == number.to_be_bytes();
                let at = self.pings.iter().position(is_answered).ok_or("a pong that nothing asked for")?;
                // It answers earlier pings too, if the server has not answered them yet (RFC 6455 section
                // 5.5.3).
                for (_, since) in self.pings.drain(..=at) {
                    answered(Answered { kind: Kind::Ping, since });
                }
            }
            PING => self.outgoing.push_back(encode(FIN | PONG, &self.partial).into()),
            CLOSE => {
                if self.phase != Phase::Closing || self.partial.get(..2) != Some(&1000_u16.to_be_bytes()) {
                    return Err(format!("a Close with {:?}", self.partial));
                }
                if !self.messages.is_empty() || !self.pings.is_empty() {
                    return Err("a Close before the answers to earlier messages".to_owned());
                }
                self.phase = Phase::Closed;
            }
            _ if frame.is_final => {
                let (template, since) = self.messages.pop_front().ok_or("no message")?;
                if self.message.take() != Some(template.payload.len()) {
                    return Err("a message that is too short".to_owned());
                }
                answered(Answered { kind: template.kind, since });
            }
            _ => {}
        }
        self.partial.clear();
        Ok(())
    }
}

/// The header, if it is complete.
fn header(bytes: &[u8]) -> Result<Option<Frame>, String> {
    let [first, second, extended @ ..] = bytes else { return Ok(None) };
    let left = match (second, extended) {
        (0..126, _) => usize::from(*second),
        (126, [a, b]) => usize::from(u16::from_be_bytes([*a, *b])),
        (127, &[a, b, c, d, e, f, g, h]) => u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize,
        (126 | 127, _) => return Ok(None),
        _ => return Err("a masked frame".to_owned()),
    };
    if first & 0x70 != 0 {
        return Err("a frame with reserved bits".to_owned());
    }
    Ok(Some(Frame { is_final: first & 0x80 != 0, opcode: first & 0xf, left }))
}

#[cfg(test)]
mod tests {
    use super::super::traffic::{Action, Traffic};
    use super::*;

    const HEAD: &str =
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    fn open() -> Conversation {
        let mut conversation = Conversation::new(Instant::now());
        conversation.mark_sent(REQUEST.len());
        conversation.receive(HEAD.as_bytes(), |_| {}).unwrap();
        assert_eq!(conversation.phase, Phase::Open);
        conversation
    }

    fn template(kind: Kind) -> Rc<Template> {
        let mut rng = fastrand::Rng::with_seed(7);
        let traffic = Traffic::new(&mut rng);
        loop {
            match traffic.choose(&mut rng) {
                Action::Message(template) if template.kind == kind => return Rc::clone(template),
                _ => {}
            }
        }
    }

    /// A frame of a server.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = encode(first, payload);
        let header = frame.len() - payload.len();
        frame.truncate(header - 4);
        frame[1] &= 0x7f;
        frame.extend(payload);
        frame
    }

    fn echo(template: &Template) -> Vec<u8> {
        frame(0x80 | if template.is_text { TEXT } else { BINARY }, &template.payload)
    }

    #[test]
    fn echoes_are_accepted_however_they_are_cut() {
        for kind in [Kind::Small, Kind::Fragments, Kind::Large] {
            let template = template(kind);
            for size in [1, 3, 1000, 1 << 20] {
                let mut conversation = open();
                conversation.send(&template, Instant::now());
                assert!(!conversation.is_quiet());
                let mut kinds = Vec::new();
                for piece in echo(&template).chunks(size) {
                    conversation.receive(piece, |answered| kinds.push(answered.kind)).unwrap();
                }
                assert_eq!(kinds, [kind]);
                assert!(conversation.is_quiet());
            }
        }
    }

    #[test]
    fn every_other_answer_is_an_error() {
        let template = template(Kind::Small);
        let right = echo(&template);
        let mut wrong = right.clone();
        *wrong.last_mut().unwrap() ^= 1;
        let short = frame(0x80 | if template.is_text { TEXT } else { BINARY }, &template.payload[1..]);
        let first = frame(if template.is_text { TEXT } else { BINARY }, &template.payload[..5]);
        let other = frame(0x80 | if template.is_text { BINARY } else { TEXT }, &template.payload);
        let mut reserved = right.clone();
        reserved[0] |= 0x40;
        let twice = right.repeat(2);
        let masked = encode(right[0], &template.payload);
        let inner = [&first[..], &right[..]].concat();
        let close = frame(0x88, &1000_u16.to_be_bytes());
        let pong = frame(0x8a, b"unasked");
        let fragment = frame(0x80, b"");
        for bytes in [wrong, short, other, reserved, twice, masked, inner, close, pong, fragment] {
            let mut conversation = open();
            conversation.send(&template, Instant::now());
            assert!(conversation.receive(&bytes, |_| {}).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_refused_handshake_is_an_error() {
        for head in [HEAD.replace("101", "400"), HEAD.replace("s3p", "S3p")] {
            let mut conversation = Conversation::new(Instant::now());
            assert!(conversation.receive(head.as_bytes(), |_| {}).is_err(), "{head}");
        }
    }

    #[test]
    fn a_pong_answers_the_ping_with_its_payload_and_those_before_it() {
        let pong = |number: u64| frame(0x8a, &number.to_be_bytes());
        let mut conversation = open();
        for _ in 0..4 {
            conversation.ping(Instant::now());
        }
        let mut count = 0;
        conversation.receive(&pong(0), |_| count += 1).unwrap();
        assert_eq!(count, 1);
        conversation.receive(&pong(2), |_| count += 1).unwrap();
        assert_eq!(count, 3);
        assert!(!conversation.is_quiet());
        conversation.receive(&pong(3), |_| count += 1).unwrap();
        assert!(conversation.is_quiet());
        // Each ping has been answered, or a later one has.
        for number in 0..5 {
            let mut conversation = open();
            conversation.ping(Instant::now());
            conversation.receive(&pong(0), |_| {}).unwrap();
            assert!(conversation.receive(&pong(number), |_| {}).is_err());
        }
    }

    #[test]
    fn a_ping_of_the_server_is_answered() {
        let mut conversation = open();
        conversation.receive(&frame(0x89, b"hi"), |_| {}).unwrap();
        assert_eq!(conversation.outgoing(), encode(0x8a, b"hi"));
    }

    #[test]
    fn a_connection_ends_with_a_close_and_then_the_end_of_the_transport() {
        let traffic = Traffic::new(&mut fastrand::Rng::with_seed(7));
        let mut conversation = open();
        assert!(conversation.end().is_err());
        conversation.close(&traffic.close, Instant::now());
        assert!(conversation.end().is_err());
        conversation.receive(&frame(0x88, &1000_u16.to_be_bytes()), |_| {}).unwrap();
        assert_eq!(conversation.end().unwrap().kind, Kind::Close);
        assert!(conversation.receive(&frame(0x89, b""), |_| {}).is_err());

        // The messages before the Close have to be answered before it.
        let mut conversation = open();
        conversation.send(&template(Kind::Small), Instant::now());
        conversation.close(&traffic.close, Instant::now());
        assert!(conversation.receive(&frame(0x88, &1000_u16.to_be_bytes()), |_| {}).is_err());
    }
}
