//! The fast path for messages that are one frame and lie completely in one read, as most do. This file
//! repeats, in a few comparisons, the rules that [`Header::decode`](super::Header::decode) checks for such a
//! frame. Its test asserts that the two agree.

use super::header::{BINARY_MESSAGE, LENGTH_16, MASKED, TEXT_MESSAGE};
use super::{Mask, Opcode, Rules};
use crate::bytes::{plus, take_front};

/// A message that was one frame.
pub(crate) struct FastMessage<'i> {
    pub(crate) opcode: Opcode,
    /// The payload. It is unmasked in place, unless `unmask_long` unmasked it into other memory.
    pub(crate) payload: &'i mut [u8],
    /// Whether unmasking showed that the payload is ASCII. `false` means "not known".
    pub(crate) is_ascii: bool,
}

/// Takes a message off the front of `input` if the message is one uncompressed frame below 64 KiB, lies
/// completely in `input`, follows `rules`, and has at most `max_message` bytes. Otherwise this takes nothing
/// and returns `None`; then the slow path must parse the input.
///
/// `unmask_long` unmasks a payload of more than 64 bytes, and returns whether it is known to be ASCII.
/// Callers call this only between frames and between messages.
#[inline(always)]
pub(crate) fn fast_message<'i>(
    input: &mut &'i mut [u8], rules: &Rules, max_message: u64,
    unmask_long: impl FnOnce(Opcode, Mask, &mut [u8]) -> bool,
) -> Option<FastMessage<'i>> {
    let &[first, second, ..] = &**input else {
        return None;
    };
    let opcode = match first {
        TEXT_MESSAGE => Opcode::Text,
        BINARY_MESSAGE => Opcode::Binary,
        _ => return None,
    };
    let (mask_bit, key_len) = if rules.masked { (MASKED, 4) } else { (0, 0) };
    // If the mask bit is wrong, or the length has 64 bits, the result is above `LENGTH_16`.
    let (len, header_len) = match second ^ mask_bit {
        short @ 0..LENGTH_16 => (usize::from(short), plus(2, key_len)),
        LENGTH_16 => {
            let &[_, _, high, low, ..] = &**input else {
                return None;
            };
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len < usize::from(LENGTH_16) {
                return None;
            }
            (len, plus(4, key_len))
        }
        _ => return None,
    };
    if len as u64 > max_message || len as u64 > rules.max_frame || input.len() < plus(header_len, len) {
        return None;
    }
    let frame = take_front(input, plus(header_len, len));
    let (header, payload) = frame.split_at_mut_checked(header_len)?;
    let is_ascii = rules.masked
        && Mask::new(*header.last_chunk::<4>()?)
            .apply_or(payload, |mask, payload| unmask_long(opcode, mask, payload));
    Some(FastMessage { opcode, payload, is_ascii })
}

#[cfg(test)]
#[path = "../../tests/unit/frame/fast.rs"]
mod tests;
