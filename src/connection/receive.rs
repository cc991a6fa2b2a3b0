//! Frames into events. Knows nothing of sending: what has to be answered is told to the connection.

mod found;
#[cfg(feature = "deflate")]
mod inflate;
mod own;
mod parts;

pub(super) use found::{Found, Payload};

use super::compression::Compression;
use crate::close::{Close, CloseCode};
use crate::config::{Config, Delivery};
use crate::error::{Error, Limit, Violation};
use crate::frame::{Decoder, FOR_SPEED, MAX_CONTROL, Opcode, Rules, WholeMessage};
use crate::message::{Assembler, DataKind, Order, validate};
use crate::storage::sealed::{Buffer, Empty, TextMessage};
use crate::storage::{Full, Storage};
use found::NO_CLOSE;
use parts::TakeParts;

/// The receiving half of an open connection.
pub(super) struct Receiver<S: Storage> {
    decoder: Decoder,
    order: Order,
    assembler: Assembler<S::Receive, S::Message>,
    /// A control frame's payload that comes in pieces; in the end the peer's Close.
    control: S::Control,
    /// Whether no part of the message was reported yet.
    is_first: bool,
    /// Takes payload of messages that are delivered in parts; `None` where they are delivered whole.
    parts: Option<TakeParts<S>>,
    keep_capacity: u32,
    /// What was reported from a buffer, which is to be cleared before anything else.
    reported: Reported,
    /// How many bytes at the end of the message's buffer were read there and are not parsed yet.
    raw: u32,
    /// While there are raw bytes: how many bytes at the front belong to the message.
    kept: u32,
    /// Whether room behind them is lent to be read to.
    is_lent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reported {
    Nothing,
    Message,
    /// A part of a message that goes on, or has ended.
    #[cfg(feature = "deflate")]
    Part,
    Control,
    /// The text in front of a byte that cannot be UTF-8: nothing else can come.
    TextBeforeBadByte,
    /// Nothing, and there are raw bytes.
    Raw,
}

impl<S: Storage> Receiver<S> {
    /// `capacity` is that of the buffer.
    #[inline(always)]
    pub(super) const fn new(config: &Config, peer_masks: bool, buffer: S::Receive, capacity: usize) -> Self {
        // What the storage cannot hold is refused by the header, as what the embedder does not want.
        let max_message = match config.delivery {
            Delivery::Whole if config.max_message > capacity as u64 => capacity as u64,
            _ => config.max_message,
        };
        Self {
            decoder: Decoder::new(peer_masks, config.max_frame),
            order: Order::new(max_message, config.max_fragments),
            assembler: Assembler::new(buffer),
            control: S::Control::EMPTY,
            is_first: true,
            parts: match config.delivery {
                Delivery::Whole => None,
                Delivery::Parts => Some(Self::part_payload),
            },
            keep_capacity: config.keep_capacity,
            reported: Reported::Nothing,
            raw: 0,
            kept: 0,
            is_lent: false,
        }
    }

    /// How many bytes of capacity an empty buffer keeps, in either direction.
    pub(super) const fn keep_capacity(&self) -> u32 {
        self.keep_capacity
    }

    /// The buffer, for the time before frames: a head is collected in it.
    pub(super) fn head_buffer(&mut self) -> &mut S::Receive {
        self.assembler.buffer()
    }

    pub(super) fn head_bytes(&self) -> &[u8] {
        self.assembler.bytes()
    }

    /// The head in the buffer was reported: it goes with the next call.
    pub(super) fn report_head(&mut self) {
        self.reported = Reported::Message;
    }

    pub(super) fn clear_head(&mut self) {
        self.assembler.clear(to_usize(self.keep_capacity));
    }

    /// The fast path, for most messages of most connections: whole, in one frame, in one read. The payload is unmasked,
    /// and not checked yet. `None`: nothing was taken, go the long way.
    #[inline(always)]
    pub(super) fn whole_message<'i>(
        &self,
        input: &mut &'i mut [u8],
        peer_masks: bool,
    ) -> Option<WholeMessage<'i>> {
        if self.reported != Reported::Nothing
            || self.parts.is_some()
            || !self.decoder.is_between_frames()
            || self.order.kind().is_some()
        {
            return None;
        }
        // A constant, where this is inlined.
        let rules = Rules { masked: peer_masks, ..self.decoder.rules() };
        Decoder::whole_message(input, &rules, self.order.max_len())
    }

    /// Messages may be compressed from now on.
    pub(super) fn take_rsv1(&mut self) {
        self.decoder.take_rsv1();
    }

    /// Whether nothing can be found without input.
    #[inline]
    pub(super) fn needs_input(&self, compression: &Compression) -> bool {
        matches!(self.reported, Reported::Nothing) && !self.is_lent && !compression.has_more()
    }

    /// Reads on until there is something to report. `None`: input is used up. `payload` is the buffer, and changed where that
    /// does not hold what was found.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn next<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        payload: &mut Payload<'i>,
        compression: &mut Compression,
    ) -> Result<Option<Found>, Error> {
        self.is_lent = false;
        self.clear_reported()?;
        if S::Receive::LENDS && self.reported == Reported::Raw {
            if let Some(found) = self.next_raw(payload)? {
                return Ok(Some(found));
            }
            self.reported = Reported::Nothing;
        }
        loop {
            if self.decoder.is_in_header() && !compression.has_more() {
                if !self.decoder.header(input)? {
                    return Ok(None);
                }
                self.begin_frame()?;
            }
            if let Some(found) = self.payload(input, payload, compression)? {
                return Ok(Some(found));
            }
            if !self.decoder.is_in_header() && input.is_empty() && !compression.has_more() {
                return Ok(None);
            }
        }
    }

    /// A header that broke no rule by itself. Nothing of its payload is taken before it is admitted.
    fn begin_frame(&mut self) -> Result<(), Error> {
        let opcode = self.decoder.opcode();
        if !opcode.is_control() {
            self.order.admit(opcode, self.decoder.rsv1(), self.decoder.remaining())?;
            self.is_first |= opcode != Opcode::Continuation;
        }
        Ok(())
    }

    /// Takes payload of the frame under way. `None`: nothing to report so far.
    fn payload<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        payload: &mut Payload<'i>,
        #[cfg_attr(not(feature = "deflate"), expect(unused_variables))] compression: &mut Compression,
    ) -> Result<Option<Found>, Error> {
        match (self.decoder.opcode().is_control(), self.order.kind(), self.parts) {
            (true, ..) => self.control_payload(input, payload),
            #[cfg(feature = "deflate")]
            (false, Some(kind), _) if self.order.is_compressed() => {
                self.inflated_payload(kind, input, payload, compression)
            }
            (false, Some(kind), None) => self.whole_payload(kind, input, payload),
            (false, Some(kind), Some(part_payload)) => part_payload(self, kind, input, payload),
            // A data frame is always part of a message: it was admitted.
            (false, None, _) => Err(Violation::NothingToContinue.into()),
        }
    }

    /// Control frames come between fragments and never touch the message under way. WS-5.4-10 · WS-6.2-02
    fn control_payload<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        payload: &mut Payload<'i>,
    ) -> Result<Option<Found>, Error> {
        let is_started = !self.control.filled().is_empty();
        let Some(piece) = self.decoder.payload(input, MAX_CONTROL) else {
            return Ok(None);
        };
        let opcode = self.decoder.opcode();
        if piece.is_last && !is_started && opcode != Opcode::Close {
            *payload = Payload::Input(piece.bytes);
            return Ok(Some(Found::Control));
        }
        self.control.append(piece.bytes).map_err(|Full| Limit::Memory)?;
        Ok(self.end_of_control(piece.is_last))
    }

    /// What was found where a control frame in the buffer is whole with this piece.
    fn end_of_control(&mut self, is_last: bool) -> Option<Found> {
        let opcode = self.decoder.opcode();
        if !is_last {
            return None;
        }
        // A Close stays, see `close`.
        if opcode != Opcode::Close {
            self.reported = Reported::Control;
        }
        Some(Found::Control)
    }

    fn whole_payload<'i>(
        &mut self,
        kind: DataKind,
        input: &mut &'i mut [u8],
        payload: &mut Payload<'i>,
    ) -> Result<Option<Found>, Error> {
        let is_last =
            if FOR_SPEED && !self.is_whole_in(input) && (kind == DataKind::Binary || !S::Message::IS_APART) {
                // In one pass.
                let piece = self.decoder.payload_into(input, self.assembler.buffer());
                let Some((len, is_last)) = piece.map_err(|Full| Limit::Memory)? else {
                    return Ok(None);
                };
                if kind == DataKind::Text {
                    self.assembler.check_text(len)?;
                }
                is_last
            } else {
                let Some(piece) = self.decoder.payload(input, usize::MAX) else {
                    return Ok(None);
                };
                if self.is_first && self.decoder.fin() && piece.is_last {
                    // The whole message lies in the input.
                    *payload = Payload::Input(piece.bytes);
                    self.end_message();
                    return Ok(Some(Found::Message));
                }
                if kind == DataKind::Text && S::Message::IS_APART {
                    // What was read to where it stays goes first.
                    let in_place = self.assembler.bytes().len();
                    if in_place > 0 {
                        self.assembler.move_text(in_place)?;
                        self.assembler.buffer().truncate(0);
                    }
                    self.assembler.push_text(piece.bytes)?;
                    *payload = Payload::Joined;
                } else {
                    self.assembler.buffer().append(piece.bytes).map_err(|Full| Limit::Memory)?;
                    if kind == DataKind::Text {
                        self.assembler.check_text(piece.bytes.len())?;
                    }
                }
                piece.is_last
            };
        self.is_first = false;
        if !self.end_of_whole(kind, is_last)? {
            return Ok(None);
        }
        self.reported = Reported::Message;
        Ok(Some(Found::Message))
    }

    /// Whether the message that begins with this frame lies in the input as a whole.
    fn is_whole_in(&self, input: &[u8]) -> bool {
        // The rest of the frame is compared as u64, before it is converted.
        self.is_first && self.decoder.fin() && self.decoder.remaining() <= input.len() as u64
    }

    /// Whether a message in the buffer is whole with this piece.
    fn end_of_whole(&mut self, kind: DataKind, is_last: bool) -> Result<bool, Error> {
        if !(is_last && self.decoder.fin()) {
            return Ok(false);
        }
        if kind == DataKind::Text {
            self.assembler.end_text()?;
        }
        self.end_message();
        Ok(true)
    }

    fn end_message(&mut self) {
        self.order.finish();
        self.is_first = true;
    }

    /// What was reported from a buffer is not needed any more once the next call is made.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn clear_reported(&mut self) -> Result<(), Error> {
        match self.reported {
            Reported::Nothing | Reported::Raw => return Ok(()),
            Reported::Message if S::Receive::LENDS && self.raw > 0 => self.clear_before_raw(),
            Reported::Message => self.assembler.clear(to_usize(self.keep_capacity)),
            #[cfg(feature = "deflate")]
            Reported::Part if self.order.kind().is_some() => self.assembler.buffer().truncate(0),
            #[cfg(feature = "deflate")]
            Reported::Part => self.assembler.clear(to_usize(self.keep_capacity)),
            Reported::Control => self.control.clear(0),
            Reported::TextBeforeBadByte => return Err(Violation::InvalidUtf8.into()),
        }
        self.reported = if S::Receive::LENDS && self.raw > 0 { Reported::Raw } else { Reported::Nothing };
        Ok(())
    }

    /// Gives memory back, between messages only: a text under way may have nothing in the buffer and still be there, in
    /// its own or as a character that is cut.
    pub(super) fn release(&mut self) {
        self.is_lent = false;
        let is_idle = self.order.kind().is_none() && self.raw == 0;
        if is_idle && self.clear_reported().is_ok() && self.assembler.bytes().is_empty() {
            self.assembler.clear(0);
        }
    }
}

/// The body of a Close frame (RFC 6455 section 5.5.1).
fn parse_close(body: &[u8]) -> Result<Close<'_>, Error> {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        // WS-7.1.5-02 · WS-5.5.1-03
        return if body.is_empty() { Ok(NO_CLOSE) } else { Err(Violation::CloseBodyTooShort.into()) };
    };
    let code = CloseCode::from(u16::from_be_bytes(*code));
    if !code.is_allowed_on_wire() {
        return Err(Violation::CloseCodeNotAllowed(code).into());
    }
    // WS-8.1-03
    let reason = validate(reason).map_err(|_| Violation::InvalidCloseReason)?;
    Ok(Close { code, reason })
}

fn to_usize(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
