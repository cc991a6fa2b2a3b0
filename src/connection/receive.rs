//! The receiving half of a connection turns frames into events. It does not know the sending half: the
//! connection itself answers pings and the peer's Close.

mod buffer;
#[cfg(feature = "deflate")]
mod decompress;
mod event;
mod in_place;
mod parts;

pub(super) use event::{Item, Located, Source};

use super::compression::Decompression;
use crate::bytes::to_usize;
use crate::close::{Close, CloseCode};
use crate::config::{Config, Delivery};
use crate::error::{Error, Limit, Violation};
use crate::frame::{FastMessage, FrameDecoder, Mask, Opcode, Piece, Rules, fast_message};
use crate::message::{DataKind, FragmentState, TextPieces, validate};
use crate::storage::sealed::{Buffer, Control, TextMessage};
use crate::storage::{Full, Storage};
use buffer::{Borrowed, Loan, ReceiveBuffer, Resume};
use event::NO_CLOSE;
use parts::PartsFn;

/// The receiving half of an open connection.
pub(super) struct Receiver<S: Storage> {
    pub(super) decoder: FrameDecoder,
    fragments: FragmentState,
    buffer: ReceiveBuffer<S::Receive>,
    text: TextPieces<S::TextMessage>,
    /// The payload of a control frame that arrives in pieces. After the last frame it holds the body of the
    /// peer's Close.
    control: S::Control,
    /// The function that takes payload if messages are delivered in parts. `None` if they are delivered
    /// whole.
    parts: Option<PartsFn<S>>,
    /// Without the feature `deflate` this has no size.
    pub(super) decompression: Decompression,
}

impl<S: Storage> Receiver<S> {
    /// `capacity` is the capacity of `buffer`, in bytes.
    #[inline(always)]
    pub(super) const fn new(
        config: &Config, peer_masks: bool, buffer: S::Receive, capacity: usize, control: S::Control,
    ) -> Self {
        // A message that the storage cannot hold fails at its header, like one above the embedder's limit.
        let max_message = match config.delivery {
            Delivery::Whole if config.max_message > capacity as u64 => capacity as u64,
            _ => config.max_message,
        };
        Self {
            decoder: FrameDecoder::new(peer_masks, config.max_frame, config.max_fragments),
            fragments: FragmentState::new(max_message),
            buffer: ReceiveBuffer::new(buffer, config.keep_capacity),
            text: TextPieces::new(),
            control,
            parts: match config.delivery {
                Delivery::Whole => None,
                Delivery::Parts => Some(Self::part_payload),
            },
            decompression: Decompression::NONE,
        }
    }

    /// The memory that an empty buffer keeps, in either direction, in bytes.
    pub(super) const fn keep_capacity(&self) -> u32 {
        self.buffer.keep_capacity
    }

    /// The buffer, which holds the HTTP head during the opening handshake.
    pub(super) fn head_buffer(&mut self) -> &mut S::Receive {
        self.buffer.bytes()
    }

    pub(super) fn head_bytes(&self) -> &[u8] {
        self.buffer.payload()
    }

    /// An event borrows the head in the buffer. The next call releases it.
    pub(super) fn report_head(&mut self) {
        self.buffer.set_borrowed(Borrowed::Message);
    }

    pub(super) fn clear_head(&mut self) {
        self.buffer.release();
    }

    /// The fast path: takes a message that is one frame and lies completely in the input. The payload is
    /// unmasked but not validated yet; `unmask_long` unmasks it if it has more than 64 bytes, and returns
    /// whether it is known to be ASCII. `None`: the input is unchanged, and the slow path must parse it.
    #[inline(always)]
    pub(super) fn fast_message<'i>(
        &mut self, input: &mut &'i mut [u8], peer_masks: bool,
        unmask_long: impl FnOnce(&mut Self, Opcode, Mask, &mut [u8]) -> bool,
    ) -> Option<FastMessage<'i>> {
        // Without `||` between them, these conditions need one branch instead of three.
        let is_under_way =
            !self.buffer.is_idle() | !self.decoder.is_between_frames() | self.fragments.is_in_message();
        if is_under_way || self.parts.is_some() {
            return None;
        }
        // The caller passes a constant, so inlining leaves only the code for its role.
        let rules = Rules { masked: peer_masks, ..self.decoder.rules(self.decompression.is_agreed()) };
        let max_message = self.fragments.max_message;
        fast_message(input, &rules, max_message, |opcode, mask, payload| {
            unmask_long(self, opcode, mask, payload)
        })
    }

    /// Remembers the kind of a message that the fast path took, for a later `view`.
    pub(super) fn note_fast_message(&mut self, opcode: Opcode) {
        self.fragments.kind = if opcode == Opcode::Text { DataKind::Text } else { DataKind::Binary };
    }

    /// Whether the connection can report nothing without more input. If so, the last event's borrow ends.
    #[inline]
    pub(super) fn needs_input(&mut self) -> bool {
        if self.buffer.loan() != Loan::Nothing || self.decompression.has_more() {
            return false;
        }
        if self.buffer.is_idle() {
            return true;
        }
        let is_in_input = self.buffer.resume() == Resume::Input;
        is_in_input && self.buffer.borrowed() == Borrowed::Message && self.release_borrowed().is_ok()
    }

    /// As [`next`](Self::next). A connection that fails no longer needs its buffers, and the Close may need
    /// their memory.
    #[inline(always)]
    pub(super) fn next_or_discard<'i>(
        &mut self, input: &mut &'i mut [u8], found: &mut Located<'i>,
    ) -> Result<(), Error> {
        let result = self.next(input, found);
        if S::Receive::GROWS && result.is_err() {
            self.discard();
        }
        result
    }

    #[cold]
    pub(super) fn discard(&mut self) {
        self.buffer.discard();
        self.text.clear(0);
        self.control.clear();
        self.decompression = Decompression::NONE;
    }

    /// Parses until there is something to report or all input is used up.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn next<'i>(
        &mut self, input: &mut &'i mut [u8], found: &mut Located<'i>,
    ) -> Result<(), Error> {
        self.release_event()?;
        if S::Receive::GROWS {
            self.buffer.end_loan();
            if self.take_complete() {
                found.item = Item::Message;
                return Ok(());
            }
            if self.buffer.resume() != Resume::Input {
                self.next_unparsed(found)?;
                // All bytes in the buffer are parsed now, or the last of them are an incomplete header.
                if found.item != Item::Nothing || input.is_empty() {
                    return Ok(());
                }
            }
        }
        loop {
            if self.decoder.is_in_header() && !self.decompression.has_more() {
                let rsv1 = self.decompression.is_agreed();
                take_header(&mut self.decoder, &mut self.fragments, rsv1, input)?;
                if self.decoder.is_in_header() {
                    return Ok(());
                }
            }
            self.payload(input, found)?;
            if found.item != Item::Nothing || (input.is_empty() && !self.decompression.has_more()) {
                return Ok(());
            }
        }
    }

    /// Takes payload of the current frame.
    fn payload<'i>(&mut self, input: &mut &'i mut [u8], found: &mut Located<'i>) -> Result<(), Error> {
        let is_control = self.decoder.opcode().is_control();
        if !is_control {
            #[cfg(feature = "deflate")]
            if self.fragments.is_compressed() {
                return self.decompressed_payload(input, found);
            }
            if let Some(part_payload) = self.parts {
                return part_payload(self, input, found);
            }
        }
        let Some(piece) = self.decoder.payload(input, usize::MAX) else {
            return Ok(());
        };
        if is_control { self.control_payload(piece, found) } else { self.whole_payload(piece, found) }
    }

    /// Takes payload of a control frame. Control frames may come between the fragments of a message, and
    /// leave the message alone. WS-5.4-10 · WS-6.2-02
    fn control_payload<'i>(&mut self, piece: Piece<'i>, found: &mut Located<'i>) -> Result<(), Error> {
        let ends_frame = piece.ends_frame;
        let bytes = piece.unmask();
        let has_begun = !self.control.filled().is_empty();
        // The body of a Close is always copied, because the embedder may call `peer_close` later.
        if ends_frame && !has_begun && self.decoder.opcode() != Opcode::Close {
            *found = Located { item: Item::Control, source: Source::Input(bytes) };
            return Ok(());
        }
        self.control.append(bytes).map_err(|Full| Limit::Memory)?;
        self.end_control_piece(ends_frame, found);
        Ok(())
    }

    /// A piece of a control frame was copied to the control buffer. This reports the frame if it is complete.
    fn end_control_piece(&mut self, ends_frame: bool, found: &mut Located<'_>) {
        if ends_frame {
            // The body of a Close remains in the buffer for `peer_close`.
            if self.decoder.opcode() != Opcode::Close {
                self.buffer.set_borrowed(Borrowed::Control);
            }
            found.item = Item::Control;
        }
    }

    /// Takes payload of a message that is delivered whole.
    fn whole_payload<'i>(&mut self, piece: Piece<'i>, found: &mut Located<'i>) -> Result<(), Error> {
        let ends_frame = piece.ends_frame;
        if !self.fragments.has_begun_delivery() && ends_frame && self.decoder.fin() {
            // The whole message is in the input. The buffer has memory if the embedder did not use a loan.
            if S::Receive::GROWS {
                self.buffer.release();
            }
            *found = Located { item: Item::Message, source: Source::Input(piece.unmask()) };
            self.end_message();
            return Ok(());
        }
        let is_text = matches!(self.fragments.kind, DataKind::Text);
        if S::TextMessage::IS_SEPARATE && is_text {
            self.text.push(piece)?;
            return self.end_text_piece(ends_frame, found);
        }
        let buffer = self.buffer.bytes();
        let len = piece.bytes.len();
        piece.copy_to(buffer.grow(len).map_err(|Full| Limit::Memory)?);
        if is_text {
            self.text.check_appended(buffer.filled(), len)?;
        }
        self.end_piece(ends_frame, found);
        Ok(())
    }

    /// A piece of a text was joined. This reports the joined text if the message is complete.
    fn end_text_piece(&mut self, ends_frame: bool, found: &mut Located<'_>) -> Result<(), Error> {
        if ends_frame && self.decoder.fin() {
            self.text.end()?;
        }
        found.source = Source::JoinedText;
        self.end_piece(ends_frame, found);
        Ok(())
    }

    /// A piece of a message was taken. This reports the message if it is complete. WS-6.2-04
    fn end_piece(&mut self, ends_frame: bool, found: &mut Located<'_>) {
        self.fragments.begin_delivery();
        if ends_frame && self.decoder.fin() {
            self.end_message();
            self.buffer.set_borrowed(Borrowed::Message);
            found.item = Item::Message;
        }
    }

    fn end_message(&mut self) {
        self.fragments.end_message();
        if S::Receive::GROWS {
            self.buffer.reads_are_small = false;
        }
    }

    /// Releases the memory that the last event borrowed. The next call to the connection ends this borrow.
    #[cfg_attr(target_pointer_width = "64", inline)]
    fn release_event(&mut self) -> Result<(), Error> {
        if self.buffer.borrowed() == Borrowed::Nothing { Ok(()) } else { self.release_borrowed() }
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn release_borrowed(&mut self) -> Result<(), Error> {
        let keep = to_usize(self.buffer.keep_capacity);
        match self.buffer.borrowed() {
            Borrowed::Nothing => {}
            Borrowed::Message => {
                self.buffer.release();
                self.text.clear(keep);
            }
            // The UTF-8 state remains: the rest of the message needs it.
            #[cfg(feature = "deflate")]
            Borrowed::Part => self.buffer.bytes().truncate(0),
            Borrowed::Control => self.control.clear(),
            Borrowed::TextBeforeBadByte => return Err(Violation::InvalidUtf8.into()),
        }
        self.buffer.set_borrowed(Borrowed::Nothing);
        Ok(())
    }

    /// Frees the memory of the buffers, but only between messages: even if the buffer is empty, a text may be
    /// incomplete.
    pub(super) fn release(&mut self) {
        self.buffer.end_loan();
        let is_idle = !self.fragments.is_in_message() && self.buffer.resume() == Resume::Input;
        if is_idle && self.release_event().is_ok() && self.buffer.len() == 0 {
            self.buffer.bytes().clear(0);
            self.text.clear(0);
        }
    }
}

/// Takes the bytes of a header off the front of `input`, and checks the header against the message that it
/// belongs to. `rsv1` says whether messages may be compressed.
#[inline]
fn take_header(
    decoder: &mut FrameDecoder, fragments: &mut FragmentState, rsv1: bool, input: &mut &mut [u8],
) -> Result<(), Error> {
    let max_fragments = decoder.max_fragments;
    decoder.header(input, rsv1, |header| fragments.on_data_header(header, max_fragments))
}

/// Parses the body of a Close frame (RFC 6455 section 5.5.1).
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
