//! The frames of one side. [`FrameHeader`] shows what each header contains, even if the header breaks a rule.
//! A `Connection` in the role of the other side checks the same bytes, and decodes the messages.

use crate::content::{Preview, hex};
use crate::record::{Close, Fault, Frame, Message, Side, What};
use crate::requirement::{of_frame, of_frame_after_close};
use rand::rngs::StdRng;
use sansws::rand_core::SeedableRng;
use sansws::{
    Agreed, Client, Config, Connection, Delivery, Error, Event, FrameHeader, FramesOnly, Part, Role, Server,
};

/// A watcher has no limits of its own: messages are delivered in parts, so their length costs no memory.
const CONFIG: Config = Config::new()
    .max_message(usize::MAX)
    .max_frame(usize::MAX)
    .max_fragments(usize::MAX)
    .delivery(Delivery::Parts)
    .auto_pong(false);

/// Reads the frames of one side.
pub struct Frames {
    judge: Judge,
    /// The most bytes of a payload to show.
    limit: usize,
    /// The bytes of an incomplete header.
    header: Vec<u8>,
    frame: Option<Unfinished>,
    message: Option<UnfinishedMessage>,
    /// Whether a Close was seen.
    is_closed: bool,
    /// Whether the judge has failed, and this was reported.
    has_failed: bool,
}

/// A frame whose payload arrives.
struct Unfinished {
    header: FrameHeader,
    payload: Preview,
    close: Option<Close>,
    fault: Option<Fault>,
    /// Whether the frame was reported before its end.
    is_reported: bool,
}

/// A message whose frames arrive.
struct UnfinishedMessage {
    is_text: bool,
    is_compressed: bool,
    frames: u64,
    /// The bytes on the wire.
    wire_len: u64,
    plain: Preview,
    is_complete: bool,
}

impl Frames {
    /// Reads the frames of `from`, after an opening handshake that agreed on `agreed`. Shows at most `limit`
    /// bytes of a payload.
    #[must_use]
    pub fn new(from: Side, agreed: Agreed, limit: usize) -> Self {
        Self {
            judge: Judge::new(from, agreed),
            limit,
            header: Vec::new(),
            frame: None,
            message: None,
            is_closed: false,
            has_failed: false,
        }
    }

    /// Stops judging and decoding: an extension is in use that the library does not know.
    pub const fn stop_judging(&mut self) {
        self.has_failed = true;
    }

    /// Takes bytes, and adds what they show to `found`.
    pub fn receive(&mut self, mut bytes: &[u8], found: &mut Vec<What>) {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some((&byte, rest)) = bytes.split_first() else { return };
                bytes = rest;
                self.header.push(byte);
                if let Some(header) = FrameHeader::read(&self.header) {
                    self.begin(header, found);
                }
                continue;
            };
            let left = frame.header.payload_len() - frame.payload.len();
            let (piece, rest) = bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            if piece.is_empty() {
                return;
            }
            bytes = rest;
            let unmasked = unmask(piece, frame.header.masking_key(), frame.payload.len());
            frame.payload.push(&unmasked, self.limit);
            self.judge(piece, found);
            self.end_if_complete(found);
        }
    }

    /// The side has ended its direction of the transport.
    pub fn receive_eof(&mut self, found: &mut Vec<What>) {
        let rest = std::mem::take(&mut self.header);
        self.judge(&rest, found);
        if !self.has_failed {
            self.judge.receive_eof();
            self.report_failure(true, found);
        }
        if let Some(frame) = self.frame.take() {
            self.report(frame, found);
        }
    }

    fn begin(&mut self, header: FrameHeader, found: &mut Vec<What>) {
        let fault = if self.is_closed { of_frame_after_close(&header) } else { None };
        match (header.opcode(), &mut self.message) {
            (0x0, Some(message)) => {
                message.frames += 1;
                message.wire_len = message.wire_len.saturating_add(header.payload_len());
            }
            (0x1 | 0x2, _) => {
                self.message = Some(UnfinishedMessage {
                    is_text: header.opcode() == 0x1,
                    is_compressed: header.reserved_bits() & 0b100 != 0,
                    frames: 1,
                    wire_len: header.payload_len(),
                    plain: Preview::default(),
                    is_complete: false,
                });
            }
            _ => {}
        }
        let payload = Preview::default();
        self.frame = Some(Unfinished { header, payload, close: None, fault, is_reported: false });
        let bytes = std::mem::take(&mut self.header);
        self.judge(&bytes, found);
        self.end_if_complete(found);
    }

    /// Gives bytes to the connection that judges and decodes them.
    fn judge(&mut self, bytes: &[u8], found: &mut Vec<What>) {
        if self.has_failed || bytes.is_empty() {
            return;
        }
        let Self { judge, frame, message, limit, is_closed, .. } = self;
        judge.receive(bytes, |event| match event {
            Event::Part(Part { data, is_last, .. }) => {
                if let Some(message) = message {
                    message.plain.push(data.as_bytes(), *limit);
                    message.is_complete = is_last;
                }
            }
            Event::Close(close) => {
                *is_closed = true;
                if let Some(frame) = frame {
                    let (code, reason) = (close.code.into(), close.reason.to_owned());
                    frame.close = Some(Close { code, reason });
                }
            }
            _ => {}
        });
        self.report_failure(false, found);
    }

    /// Reports the failure of the judge, after the frame at fault. If all of that frame can be shown, this
    /// waits until it has arrived, or until the end.
    fn report_failure(&mut self, is_end: bool, found: &mut Vec<What>) {
        let Some(error) = self.judge.error() else { return };
        let waits = |frame: &Unfinished| {
            let len = frame.header.payload_len();
            frame.payload.len() < len && len <= self.limit as u64
        };
        if !is_end && self.frame.as_ref().is_some_and(waits) {
            return;
        }
        self.has_failed = true;
        let header = self.frame.as_ref().map(|frame| frame.header);
        if let Some(frame) = self.frame.take() {
            let is_complete = frame.payload.len() == frame.header.payload_len();
            let rest = (!is_complete).then(|| Unfinished {
                header: frame.header,
                payload: frame.payload.clone(),
                close: None,
                fault: None,
                is_reported: true,
            });
            self.report(frame, found);
            self.frame = rest;
        }
        found.push(What::Error(of_frame(error, header.as_ref())));
    }

    fn end_if_complete(&mut self, found: &mut Vec<What>) {
        let Some(frame) = self.frame.take_if(|frame| frame.payload.len() == frame.header.payload_len())
        else {
            return;
        };
        self.report(frame, found);
    }

    fn report(&mut self, mut frame: Unfinished, found: &mut Vec<What>) {
        if !frame.is_reported {
            let fault = frame.fault.take();
            found.push(What::Frame(self.shown(frame)));
            found.extend(fault.map(What::Error));
        }
    }

    fn shown(&mut self, frame: Unfinished) -> Frame {
        let Unfinished { header, payload, close, .. } = frame;
        let opcode = header.opcode();
        let is_data = opcode < 0x8;
        let message = &mut self.message;
        let is_compressed = is_data && message.as_ref().is_some_and(|message| message.is_compressed);
        let is_text = message.as_ref().is_some_and(|message| message.is_text);
        let shown = match opcode {
            _ if is_compressed || close.is_some() => None,
            0x0..=0x2 if is_text => Some(payload.text()),
            0x9 | 0xa => Some(payload.text_or_hex()),
            _ => Some(payload.hex()),
        };
        let missing = header.payload_len() - payload.len();
        let message = if is_data { message.take_if(|message| message.is_complete) } else { None };
        Frame {
            opcode: opcode_text(opcode),
            fin: header.is_final(),
            rsv: header.reserved_bits(),
            length: header.payload_len(),
            missing: (missing > 0).then_some(missing),
            mask: header.masking_key().map(|key| hex(&key)),
            payload: shown,
            close,
            message: message.filter(|message| message.is_compressed || message.frames > 1).map(|message| {
                Message {
                    kind: if message.is_text { "text" } else { "binary" },
                    frames: message.frames,
                    compressed: message.is_compressed.then_some(message.wire_len),
                    length: message.plain.len(),
                    payload: if message.is_text { message.plain.text() } else { message.plain.hex() },
                }
            }),
        }
    }
}

/// The name of an opcode, if it is defined.
#[must_use]
pub const fn opcode_name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        0x0 => "continuation",
        0x1 => "text",
        0x2 => "binary",
        0x8 => "close",
        0x9 => "ping",
        0xa => "pong",
        _ => return None,
    })
}

/// The name of an opcode, or its number if it is not defined.
#[must_use]
pub fn opcode_text(opcode: u8) -> String {
    opcode_name(opcode).map_or_else(|| format!("{opcode:#x}"), str::to_owned)
}

/// The bytes without the mask. `at` is the position of the first byte in its payload.
fn unmask(bytes: &[u8], key: Option<[u8; 4]>, at: u64) -> Vec<u8> {
    let key = key.unwrap_or_default();
    let key = key.iter().cycle().skip(usize::try_from(at % 4).unwrap_or_default());
    bytes.iter().zip(key).map(|(byte, key)| byte ^ key).collect()
}

/// The connection that checks the frames of one side, in the role of the other side. What this connection
/// wants to send is discarded.
enum Judge {
    OfClient(Box<Connection<FramesOnly<Server>>>),
    // This connection sends no frame to a peer, so its masking keys need not be random.
    OfServer(Box<Connection<FramesOnly<Client<StdRng>>>>),
}

impl Judge {
    fn new(from: Side, agreed: Agreed) -> Self {
        match from {
            Side::Client => {
                let role = FramesOnly::new(Server);
                Self::OfClient(Box::new(Connection::after_handshake(role, CONFIG, agreed)))
            }
            Side::Server => {
                let role = FramesOnly::new(Client::new(StdRng::seed_from_u64(0)));
                Self::OfServer(Box::new(Connection::after_handshake(role, CONFIG, agreed)))
            }
        }
    }

    fn receive(&mut self, bytes: &[u8], on_event: impl FnMut(Event<'_>)) {
        match self {
            Self::OfClient(connection) => receive(connection, bytes, on_event),
            Self::OfServer(connection) => receive(connection, bytes, on_event),
        }
    }

    fn receive_eof(&mut self) {
        match self {
            Self::OfClient(connection) => _ = connection.receive_eof(),
            Self::OfServer(connection) => _ = connection.receive_eof(),
        }
    }

    fn error(&self) -> Option<Error> {
        match self {
            Self::OfClient(connection) => connection.error(),
            Self::OfServer(connection) => connection.error(),
        }
    }
}

fn receive<R: Role>(connection: &mut Connection<R>, bytes: &[u8], mut on_event: impl FnMut(Event<'_>)) {
    // The connection unmasks in place.
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    while let Some((event, _)) = connection.receive(&mut input) {
        on_event(event);
    }
    connection.mark_sent(usize::MAX);
}
