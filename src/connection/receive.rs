//! Frames into events. Knows nothing of sending: what has to be answered is told to the connection.

mod found;
#[cfg(feature = "deflate")]
mod inflate;
mod own;
mod parts;

pub(super) use found::{Found, What};

use super::compression::Compression;
use crate::bytes::{FOR_SPEED, to_usize};
use crate::close::{Close, CloseCode};
use crate::config::{Config, Delivery};
use crate::error::{Error, Limit, Violation};
use crate::frame::{Decoder, Opcode, Rules, WholeMessage};
use crate::message::{Assembler, DataKind, Order, validate};
use crate::storage::sealed::{Buffer, TextMessage};
use crate::storage::{Full, Storage};
use found::{NO_CLOSE, Payload};
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
    lent: Lent,
    /// Whether the last read to it brought little of the masked message under way.
    reads_are_small: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lent {
    Nothing,
    /// Room for a usual read.
    Little,
    /// Room for more than that.
    Much,
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
    /// Nothing, and there is a message to report.
    Whole,
}

impl<S: Storage> Receiver<S> {
    /// `capacity` is that of the buffer.
    #[inline(always)]
    pub(super) const fn new(
        config: &Config,
        peer_masks: bool,
        buffer: S::Receive,
        capacity: usize,
        control: S::Control,
    ) -> Self {
        // What the storage cannot hold is refused by the header, as what the embedder does not want.
        let max_message = match config.delivery {
            Delivery::Whole if config.max_message > capacity as u64 => capacity as u64,
            _ => config.max_message,
        };
        Self {
            decoder: Decoder::new(peer_masks, config.max_frame),
            order: Order::new(max_message, config.max_fragments),
            assembler: Assembler::new(buffer),
            control,
            is_first: true,
            parts: match config.delivery {
                Delivery::Whole => None,
                Delivery::Parts => Some(Self::part_payload),
            },
            keep_capacity: config.keep_capacity,
            reported: Reported::Nothing,
            raw: 0,
            kept: 0,
            lent: Lent::Nothing,
            reads_are_small: false,
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

    /// Whether nothing can be found without input. What was reported goes then.
    #[inline]
    pub(super) fn needs_input(&mut self, compression: &mut Compression) -> bool {
        if self.lent != Lent::Nothing || has_more(compression) {
            return false;
        }
        match self.reported {
            Reported::Nothing => true,
            Reported::Message if self.raw == 0 => self.clear_what_was_reported().is_ok(),
            _ => false,
        }
    }

    /// Reads on until something is found or input is used up.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn next<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        found: &mut Found<'i>,
        compression: &mut Compression,
    ) -> Result<(), Error> {
        if S::Receive::GROWS {
            self.lent = Lent::Nothing;
        }
        self.clear_reported()?;
        if S::Receive::GROWS && self.reported == Reported::Whole {
            self.reported = Reported::Message;
            found.what = What::Message;
            return Ok(());
        }
        if S::Receive::GROWS && self.reported == Reported::Raw {
            self.next_raw(found)?;
            if found.what != What::Nothing {
                return Ok(());
            }
            self.reported = Reported::Nothing;
            // Nothing that is whole without more of it is left behind raw bytes.
            if input.is_empty() {
                return Ok(());
            }
        }
        loop {
            if self.decoder.is_in_header() && !has_more(compression) {
                let order = &mut self.order;
                self.decoder.header(input, |header| order.admit(header))?;
                if self.decoder.is_in_header() {
                    return Ok(());
                }
            }
            self.payload(input, found, compression)?;
            if found.what != What::Nothing || (input.is_empty() && !has_more(compression)) {
                return Ok(());
            }
        }
    }

    /// Takes payload of the frame under way.
    fn payload<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        found: &mut Found<'i>,
        #[cfg_attr(not(feature = "deflate"), expect(unused_variables))] compression: &mut Compression,
    ) -> Result<(), Error> {
        let is_control = self.decoder.opcode().is_control();
        if !is_control {
            #[cfg(feature = "deflate")]
            if self.order.is_compressed() {
                return self.inflated_payload(input, found, compression);
            }
            if let Some(part_payload) = self.parts {
                return part_payload(self, input, found);
            }
            if self.is_text_apart() && !self.is_whole_in(input) {
                return self.joined_payload(input, found);
            }
            if FOR_SPEED && !self.is_whole_in(input) {
                return self.copied_payload(input, found);
            }
        }
        let Some(bytes) = self.decoder.payload(input, usize::MAX) else {
            return Ok(());
        };
        if is_control { self.control_payload(bytes, found) } else { self.whole_payload(bytes, found) }
    }

    /// Control frames come between fragments and never touch the message under way. WS-5.4-10 · WS-6.2-02
    fn control_payload<'i>(&mut self, bytes: &'i mut [u8], found: &mut Found<'i>) -> Result<(), Error> {
        let is_last = self.decoder.is_in_header();
        let is_started = !self.control.filled().is_empty();
        if is_last && !is_started && self.decoder.opcode() != Opcode::Close {
            *found = Found { what: What::Control, payload: Payload::Input(bytes) };
            return Ok(());
        }
        self.control.append(bytes).map_err(|Full| Limit::Memory)?;
        self.end_of_control(is_last, found);
        Ok(())
    }

    /// What was found where a control frame in the buffer is whole with this piece.
    fn end_of_control(&mut self, is_last: bool, found: &mut Found<'_>) {
        if is_last {
            // A Close stays, see `close`.
            if self.decoder.opcode() != Opcode::Close {
                self.reported = Reported::Control;
            }
            found.what = What::Control;
        }
    }

    /// Whether the message under way is text that is joined apart from the buffer.
    const fn is_text_apart(&self) -> bool {
        S::Message::IS_APART && matches!(self.order.last_kind(), DataKind::Text)
    }

    /// Whether the message that begins with this frame lies in the input as a whole.
    fn is_whole_in(&self, input: &[u8]) -> bool {
        // The rest of the frame is compared as u64, before it is converted.
        self.is_first && self.decoder.fin() && self.decoder.remaining() <= input.len() as u64
    }

    /// Payload of a message that is delivered whole.
    fn whole_payload<'i>(&mut self, bytes: &'i mut [u8], found: &mut Found<'i>) -> Result<(), Error> {
        let is_last = self.decoder.is_in_header();
        if self.is_first && is_last && self.decoder.fin() {
            // All of it lies in the input.
            *found = Found { what: What::Message, payload: Payload::Input(bytes) };
            self.end_message();
            return Ok(());
        }
        self.assembler.buffer().append(bytes).map_err(|Full| Limit::Memory)?;
        self.check_text(bytes.len())?;
        self.end_of_whole(is_last, found)
    }

    /// As [`whole_payload`](Self::whole_payload), of a text that is joined apart.
    fn joined_payload(&mut self, input: &mut &mut [u8], found: &mut Found<'_>) -> Result<(), Error> {
        let Some((bytes, mask)) = self.decoder.masked_payload(input) else {
            return Ok(());
        };
        // What was read to where it stays goes first.
        let in_place = self.assembler.bytes().len();
        if in_place > 0 {
            self.assembler.move_text(in_place)?;
            self.assembler.buffer().truncate(0);
        }
        self.assembler.push_text(bytes, mask)?;
        found.payload = Payload::Joined;
        self.end_of_whole(self.decoder.is_in_header(), found)
    }

    /// As [`whole_payload`](Self::whole_payload), in one pass where a copy is needed.
    fn copied_payload(&mut self, input: &mut &mut [u8], found: &mut Found<'_>) -> Result<(), Error> {
        let piece = self.decoder.payload_into(input, self.assembler.buffer());
        let Some((len, is_last)) = piece.map_err(|Full| Limit::Memory)? else {
            return Ok(());
        };
        self.check_text(len)?;
        self.end_of_whole(is_last, found)
    }

    /// The last `len` bytes of the buffer are a piece of the message.
    fn check_text(&mut self, len: usize) -> Result<(), Error> {
        match self.order.last_kind() {
            DataKind::Text => self.assembler.check_text(len),
            DataKind::Binary => Ok(()),
        }
    }

    /// A message in the buffer may be whole with this piece.
    fn end_of_whole(&mut self, is_last: bool, found: &mut Found<'_>) -> Result<(), Error> {
        self.is_first = false;
        if is_last && self.decoder.fin() {
            // Where it is not apart the whole is checked in the last step.
            if self.is_text_apart() {
                self.assembler.end_text()?;
            }
            self.end_message();
            self.reported = Reported::Message;
            found.what = What::Message;
        }
        Ok(())
    }

    fn end_message(&mut self) {
        self.order.finish();
        self.is_first = true;
        if S::Receive::GROWS {
            self.reads_are_small = false;
        }
    }

    /// What was reported from a buffer is not needed any more once the next call is made.
    #[cfg_attr(target_pointer_width = "64", inline)]
    fn clear_reported(&mut self) -> Result<(), Error> {
        if matches!(self.reported, Reported::Nothing | Reported::Raw | Reported::Whole) {
            return Ok(());
        }
        self.clear_what_was_reported()
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn clear_what_was_reported(&mut self) -> Result<(), Error> {
        match self.reported {
            Reported::Nothing | Reported::Raw | Reported::Whole => return Ok(()),
            Reported::Message if S::Receive::GROWS && self.raw > 0 => self.clear_before_raw(),
            Reported::Message => self.assembler.clear(to_usize(self.keep_capacity)),
            #[cfg(feature = "deflate")]
            Reported::Part if self.order.kind().is_some() => self.assembler.buffer().truncate(0),
            #[cfg(feature = "deflate")]
            Reported::Part => self.assembler.clear(to_usize(self.keep_capacity)),
            Reported::Control => self.control.clear(0),
            Reported::TextBeforeBadByte => return Err(Violation::InvalidUtf8.into()),
        }
        self.reported = if S::Receive::GROWS && self.raw > 0 { Reported::Raw } else { Reported::Nothing };
        Ok(())
    }

    /// Gives memory back, between messages only: a text under way may have nothing in the buffer and still be there, in
    /// its own or as a character that is cut.
    pub(super) fn release(&mut self) {
        self.lent = Lent::Nothing;
        let is_idle = self.order.kind().is_none() && self.raw == 0;
        if is_idle && self.clear_reported().is_ok() && self.assembler.bytes().is_empty() {
            self.assembler.clear(0);
        }
    }
}

/// Whether decompression will report more without any input.
fn has_more(compression: &mut Compression) -> bool {
    compression.decompression().is_some_and(|decompression| decompression.has_more())
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
