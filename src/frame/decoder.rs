//! Bytes in any pieces into a header, then payload pieces. Remembers at most one header; payload is passed on,
//! unmasked in place, never kept.

use super::{Header, Mask, Opcode, Rules};
use crate::error::Error;

/// Reads one frame after the other.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first `have` bytes of a header.
    Header { bytes: [u8; Header::MAX_LEN], have: u8 },
    /// Inside a payload, `remaining` bytes before its end.
    Payload { mask: Option<Mask>, remaining: u64 },
}

impl State {
    const START: Self = Self::Header { bytes: [0; Header::MAX_LEN], have: 0 };
}

/// A piece of a frame's payload.
pub(crate) struct Piece<'i> {
    /// Unmasked.
    pub(crate) bytes: &'i mut [u8],
    /// Whether the payload ends here.
    pub(crate) is_last: bool,
}

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self { state: State::START }
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
    #[inline]
    pub(crate) fn whole_message<'i>(
        input: &mut &'i mut [u8],
        rules: &Rules,
        max_len: u64,
    ) -> Option<(Opcode, &'i mut [u8])> {
        let (&[first, second], rest) = input.split_first_chunk::<2>()?;
        let opcode = match first {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        let masked = second & 0x80 != 0;
        if masked != rules.masked {
            return None;
        }
        let (len, rest, mut header_len) = match second & 0x7f {
            127 => return None,
            126 => {
                let (len, rest) = rest.split_first_chunk::<2>()?;
                let len = u16::from_be_bytes(*len);
                if len < 126 {
                    return None;
                }
                (usize::from(len), rest, 4)
            }
            short => (usize::from(short), rest, 2),
        };
        let max = max_len.min(rules.max_frame);
        if len as u64 > max {
            return None;
        }
        let mut mask = None;
        if masked {
            mask = Some(Mask::new(*rest.first_chunk::<4>()?));
            header_len += 4;
        }
        if input.len() - header_len < len {
            return None;
        }
        let frame = take_front(input, header_len + len);
        let payload = frame.get_mut(header_len..)?;
        if let Some(mut mask) = mask {
            mask.apply(payload);
        }
        Some((opcode, payload))
    }

    /// Takes the bytes of a header off the front of `input`. `None`: input is used up.
    pub(crate) fn header(&mut self, input: &mut &mut [u8], rules: &Rules) -> Result<Option<Header>, Error> {
        let State::Header { bytes, have } = &mut self.state else {
            return Ok(None);
        };
        if *have == 0 {
            if let Some((header, len)) = Header::decode(input, rules)? {
                take_front(input, len);
                self.enter_payload(&header);
                return Ok(Some(header));
            }
        }
        // The header is cut: collect it. The decoder sees every prefix, so the outcome is that of one piece.
        while let Some((&mut byte, rest)) = core::mem::take(input).split_first_mut() {
            *input = rest;
            if let Some(slot) = bytes.get_mut(usize::from(*have)) {
                *slot = byte;
                *have += 1;
            }
            let so_far = bytes.get(..usize::from(*have)).unwrap_or_default();
            if let Some((header, _)) = Header::decode(so_far, rules)? {
                self.enter_payload(&header);
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Takes payload off the front of `input`, at most `max` bytes. `None`: the payload has not ended and `input` is
    /// empty. A payload without bytes yields one empty piece.
    #[inline]
    pub(crate) fn payload<'i>(&mut self, input: &mut &'i mut [u8], max: usize) -> Option<Piece<'i>> {
        let State::Payload { mask, remaining } = &mut self.state else {
            return None;
        };
        if *remaining > 0 && input.is_empty() {
            return None;
        }
        // At most `max`, so the conversion cannot cut anything off.
        let len = usize::try_from(*remaining).unwrap_or(usize::MAX).min(max);
        let bytes = take_front(input, len);
        if let Some(mask) = mask {
            mask.apply(bytes);
        }
        *remaining = remaining.saturating_sub(bytes.len() as u64);
        let is_last = *remaining == 0;
        if is_last {
            self.state = State::START;
        }
        Some(Piece { bytes, is_last })
    }

    fn enter_payload(&mut self, header: &Header) {
        // WS-5.3-06: a new key and position for each frame.
        self.state = State::Payload { mask: header.key.map(Mask::new), remaining: header.payload_len };
    }
}

/// Takes at most `len` bytes off the front of `input`.
#[inline]
pub(crate) fn take_front<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let whole = core::mem::take(input);
    let len = len.min(whole.len());
    match whole.split_at_mut_checked(len) {
        Some((front, rest)) => {
            *input = rest;
            front
        }
        None => &mut [],
    }
}
