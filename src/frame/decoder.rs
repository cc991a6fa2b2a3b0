//! Bytes in any pieces into a header, then payload pieces. Remembers at most one header; payload is passed on,
//! unmasked in place, never kept.

use super::{Header, Mask, Opcode, Rules};
use crate::bytes::{FOR_SPEED, copy, copy_prefix, take_front, to_len};
use crate::error::Error;
use crate::storage::Full;
use crate::storage::sealed::Buffer;

/// Reads one frame after the other.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// The most payload bytes of a data frame.
    max_frame: u64,
    peer_masks: bool,
    /// Whether an extension gives RSV1 a meaning.
    takes_rsv1: bool,
    /// Of the frame whose payload is under way, or of the last one.
    opcode: Opcode,
    fin: bool,
}

#[derive(Debug)]
enum State {
    /// The first `have` bytes of a header.
    Header { bytes: [u8; Header::MAX_LEN], have: u8 },
    /// Inside a payload, `remaining` bytes before its end.
    Payload { mask: Mask, remaining: u64 },
}

impl State {
    const START: Self = Self::Header { bytes: [0; Header::MAX_LEN], have: 0 };
}

/// A message that is one frame.
pub(crate) struct WholeMessage<'i> {
    pub(crate) opcode: Opcode,
    /// Unmasked.
    pub(crate) payload: &'i mut [u8],
    /// Whether the payload is known to be ASCII.
    pub(crate) is_ascii: bool,
}

impl Decoder {
    pub(crate) const fn new(peer_masks: bool, max_frame: u64) -> Self {
        Self {
            state: State::START,
            max_frame,
            peer_masks,
            takes_rsv1: false,
            opcode: Opcode::Binary,
            fin: true,
        }
    }

    /// RSV1 has a meaning from now on.
    pub(crate) fn take_rsv1(&mut self) {
        self.takes_rsv1 = true;
    }

    /// What the peer's headers have to keep to.
    #[inline]
    pub(crate) const fn rules(&self) -> Rules {
        Rules { masked: self.peer_masks, rsv1: self.takes_rsv1, max_frame: self.max_frame }
    }

    /// The opcode of the frame whose payload is under way.
    #[inline]
    pub(crate) const fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// Whether that frame is the last one of its message.
    #[inline]
    pub(crate) const fn fin(&self) -> bool {
        self.fin
    }

    /// Whether nothing of the next frame was read.
    #[inline]
    pub(crate) const fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Header { have: 0, .. })
    }

    /// Whether no payload is under way.
    #[inline]
    pub(crate) const fn is_in_header(&self) -> bool {
        matches!(self.state, State::Header { .. })
    }

    /// The fast path: a message that is one frame, whole in `input`, with at most `max_len` bytes and nothing unusual
    /// about it. Takes it off the front and returns its payload, unmasked. `None`: nothing was taken, go the long way.
    ///
    /// To be asked between frames only. What it lets through, [`Header::decode`] does too.
    #[inline(always)]
    pub(crate) fn whole_message<'i>(
        input: &mut &'i mut [u8],
        rules: &Rules,
        max_len: u64,
    ) -> Option<WholeMessage<'i>> {
        let &[first, second, ..] = &**input else {
            return None;
        };
        let opcode = match first {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        let (mask_bit, key_len) = if rules.masked { (0x80, 4) } else { (0, 0) };
        // Above 126 it is a length of 64 bits, or the mask bit is not as it has to be.
        let (len, header_len) = match second ^ mask_bit {
            short @ 0..126 => (usize::from(short), 2 + key_len),
            126 => {
                let &[_, _, high, low, ..] = &**input else {
                    return None;
                };
                let len = usize::from(u16::from_be_bytes([high, low]));
                if len < 126 {
                    return None;
                }
                (len, 4 + key_len)
            }
            _ => return None,
        };
        if len as u64 > max_len || len as u64 > rules.max_frame || input.len() < header_len + len {
            return None;
        }
        let frame = take_front(input, header_len + len);
        let (header, payload) = frame.split_at_mut_checked(header_len)?;
        let is_ascii =
            rules.masked && Mask::new(*header.last_chunk::<4>()?).apply_to(payload, opcode == Opcode::Text);
        Some(WholeMessage { opcode, payload, is_ascii })
    }

    /// Takes the bytes of a header off the front of `input`. Once it is whole `admit` has the last word, before anything of the
    /// payload is taken. Afterwards this is [in a header](Self::is_in_header) where input is used up.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn header(
        &mut self,
        input: &mut &mut [u8],
        admit: impl FnOnce(&Header) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let rules = self.rules();
        let State::Header { bytes, have } = &mut self.state else {
            return Ok(());
        };
        if FOR_SPEED && input.is_empty() {
            return Ok(());
        }
        if FOR_SPEED && *have == 0 {
            if let Some((header, len)) = Header::decode(input, &rules)? {
                take_front(input, len);
                return self.enter_payload(&header, admit);
            }
        }
        // The header is cut, or may be: collect it. What lies behind it is not taken.
        let before = usize::from(*have);
        copy_prefix(input, bytes.get_mut(before..).unwrap_or_default());
        let so_far = Header::MAX_LEN.min(before + input.len());
        let Some((header, len)) = Header::decode(bytes.get(..so_far).unwrap_or_default(), &rules)? else {
            // Fewer bytes than a header can have.
            *have = u8::try_from(so_far).unwrap_or_default();
            *input = &mut [];
            return Ok(());
        };
        // It was not whole before.
        take_front(input, len.wrapping_sub(before));
        self.enter_payload(&header, admit)
    }

    /// Takes payload off the front of `input`, at most `max` bytes, and unmasks it. `None`: the payload has not ended and
    /// `input` is empty. A payload without bytes yields one empty piece. Behind its last piece the next header is awaited.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn payload<'i>(&mut self, input: &mut &'i mut [u8], max: usize) -> Option<&'i mut [u8]> {
        let State::Payload { mask, remaining } = &mut self.state else {
            return None;
        };
        if *remaining > 0 && input.is_empty() {
            return None;
        }
        // At most `max`, so the conversion cannot cut anything off.
        let len = to_len(*remaining).min(max);
        let bytes = take_front(input, len);
        // No more than there were.
        let left = remaining.wrapping_sub(bytes.len() as u64);
        *remaining = left;
        if !mask.is_none() {
            mask.apply(bytes);
        }
        if left == 0 {
            self.state = State::START;
        }
        Some(bytes)
    }

    /// As [`payload`](Self::payload), but appends the piece to `buffer`: unmasked while it is copied, in one pass.
    /// Returns its length and whether the payload ends with it.
    pub(crate) fn payload_into<B: Buffer>(
        &mut self,
        input: &mut &mut [u8],
        buffer: &mut B,
    ) -> Result<Option<(usize, bool)>, Full> {
        let State::Payload { mask, remaining } = &mut self.state else {
            return Ok(None);
        };
        if *remaining > 0 && input.is_empty() {
            return Ok(None);
        }
        let len = to_len(*remaining).min(input.len());
        let room = buffer.grow(len)?;
        let bytes = take_front(input, len);
        if mask.is_none() {
            copy(bytes, room);
        } else {
            mask.copy(bytes, room);
        }
        let is_last = self.advance(len);
        Ok(Some((len, is_last)))
    }

    /// As [`payload`](Self::payload), without a limit, but leaves the piece masked, and returns the mask that it begins with.
    pub(crate) fn masked_payload<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<(&'i mut [u8], Mask)> {
        let State::Payload { mask, remaining } = &mut self.state else {
            return None;
        };
        if *remaining > 0 && input.is_empty() {
            return None;
        }
        let before = *mask;
        let bytes = take_front(input, to_len(*remaining));
        mask.skip(bytes.len());
        self.advance(bytes.len());
        Some((bytes, before))
    }

    /// Unmasks payload that lies where it stays, and counts it. Returns whether the payload ends with it, and whether it is
    /// known to be ASCII, if it is text.
    pub(crate) fn payload_in_place(&mut self, bytes: &mut [u8], is_text: bool) -> (bool, bool) {
        let is_ascii = match &mut self.state {
            State::Payload { mask, .. } if !mask.is_none() => mask.apply_to(bytes, is_text),
            _ => false,
        };
        (self.advance(bytes.len()), is_ascii)
    }

    /// Copies payload from the front of `input` to `to`, unmasked, as much as fits. Nothing is taken.
    #[cfg(feature = "deflate")]
    pub(crate) fn peek<'t>(&self, input: &[u8], to: &'t mut [u8]) -> &'t [u8] {
        let State::Payload { mask, remaining } = &self.state else {
            return &[];
        };
        let len = to_len(*remaining).min(input.len()).min(to.len());
        let (Some(from), Some(to)) = (input.get(..len), to.get_mut(..len)) else {
            return &[];
        };
        let mut mask = *mask;
        mask.copy(from, to);
        to
    }

    /// Takes payload that was looked at by [`peek`](Self::peek). Returns whether the payload ends with it.
    #[cfg(feature = "deflate")]
    pub(crate) fn skip(&mut self, input: &mut &mut [u8], len: usize) -> bool {
        take_front(input, len);
        if let State::Payload { mask, .. } = &mut self.state {
            mask.skip(len);
        }
        self.advance(len)
    }

    /// How many bytes of the payload under way have not arrived.
    pub(crate) const fn remaining(&self) -> u64 {
        match self.state {
            State::Payload { remaining, .. } => remaining,
            State::Header { .. } => 0,
        }
    }

    /// Counts payload bytes. Returns whether the payload has ended.
    fn advance(&mut self, len: usize) -> bool {
        let State::Payload { remaining, .. } = &mut self.state else {
            return false;
        };
        *remaining = remaining.saturating_sub(len as u64);
        let is_last = *remaining == 0;
        if is_last {
            self.state = State::START;
        }
        is_last
    }

    #[inline]
    fn enter_payload(
        &mut self,
        header: &Header,
        admit: impl FnOnce(&Header) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !header.opcode.is_control() {
            admit(header)?;
        }
        self.opcode = header.opcode;
        self.fin = header.fin;
        // WS-5.3-06: a new key and position for each frame.
        self.state = State::Payload { mask: header.mask, remaining: header.payload_len };
        Ok(())
    }
}
