//! The header of a frame, RFC 6455 section 5.2, in both directions. This file checks every rule that a header
//! can break by itself, byte by byte in the order of the wire, so that a bad header fails at its first bad
//! byte.

mod watch;

use super::{MAX_CONTROL, Mask};
use crate::bytes::{copy_prefix, plus};
use crate::error::{Error, Limit, Violation};
use core::fmt;

const FIN: u8 = 0x80;
pub(super) const MASKED: u8 = 0x80;
const RSV1: u8 = 0x40;
/// The first byte of a text message that is one uncompressed frame.
pub(super) const TEXT_MESSAGE: u8 = FIN | Opcode::Text as u8;
/// The first byte of a binary message that is one uncompressed frame.
pub(super) const BINARY_MESSAGE: u8 = FIN | Opcode::Binary as u8;
/// The value of the 7-bit length that announces a 16-bit length.
pub(super) const LENGTH_16: u8 = 0x7e;
/// The value of the 7-bit length that announces a 64-bit length.
const LENGTH_64: u8 = 0x7f;
const RESERVED: u8 = 0x70;

/// The type of a frame. WS-5.2-07
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    pub(crate) const fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// The rules for the headers that the peer sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether the peer must mask its frames: a client must, a server must not.
    pub(crate) masked: bool,
    /// Whether the first frame of a message may set RSV1.
    pub(crate) rsv1: bool,
    /// The largest payload of a data frame, in bytes.
    pub(crate) max_frame: u64,
}

/// A header that breaks no rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: Opcode,
    /// The mask of the header's key, or [`Mask::NONE`] without a key. WS-5.2-08
    pub(crate) mask: Mask,
    pub(crate) payload_len: u64,
}

impl Header {
    /// The longest header: two bytes, a 64-bit length, a masking key.
    pub(crate) const MAX_LEN: usize = 14;

    /// Reads the header at the front of `bytes`. Returns the header and its length in bytes, or `None` if the
    /// header is incomplete and breaks no rule so far.
    pub(crate) fn decode(bytes: &[u8], rules: &Rules) -> Result<Option<(Self, usize)>, Error> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let fin = first & FIN != 0;
        let rsv1 = first & RSV1 != 0;
        let bits = first & 0x0f;
        // WS-5.2-03 · WS-5.2-04 · PMD-6.1-06 · PMD-6.1-07: an extension can define RSV1 on the first frame of
        // a message, never elsewhere.
        let defined =
            if cfg!(feature = "deflate") && rules.rsv1 && matches!(bits, 0x1 | 0x2) { RSV1 } else { 0 };
        let reserved = first & RESERVED & !defined;
        if reserved != 0 {
            return Err(Violation::ReservedBits(reserved >> 4).into());
        }
        // WS-5.2-05 · WS-5.2-06
        let opcode = Opcode::from_bits(bits).ok_or(Violation::UnknownOpcode(bits))?;
        // WS-5.4-06 · WS-5.5-03
        if opcode.is_control() && !fin {
            return Err(Violation::ControlFragmented.into());
        }

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let masked = second & MASKED != 0;
        match (masked, rules.masked) {
            // WS-5.1-03
            (false, true) => return Err(Violation::Unmasked.into()),
            // WS-5.1-06
            (true, false) => return Err(Violation::Masked.into()),
            _ => {}
        }
        let short = second & 0x7f;
        // WS-5.5-02
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(Violation::ControlTooLong.into());
        }

        let (payload_len, key_at) = match short {
            // WS-5.2-10
            126 => match rest.first_chunk::<2>() {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
                None => return Ok(None),
            },
            // WS-5.2-11
            127 => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 10),
                None => return Ok(None),
            },
            // WS-5.2-09
            short => (u64::from(short), 2),
        };
        // WS-5.2-12
        if payload_len >> 63 != 0 {
            return Err(Violation::LengthTopBit.into());
        }
        // WS-5.2-14 · WS-5.2-15
        if (short == 126 && payload_len < 126) || (short == 127 && payload_len <= 0xffff) {
            return Err(Violation::LengthNotMinimal.into());
        }
        // WS-10.4-01 · WS-10.4-02: this compares the length as `u64`, before any conversion or allocation.
        if !opcode.is_control() && payload_len > rules.max_frame {
            return Err(Limit::Frame.into());
        }

        // WS-5.2-08 · WS-5.2-19: the length does not count the key.
        if !masked {
            return Ok(Some((Self { fin, rsv1, opcode, mask: Mask::NONE, payload_len }, key_at)));
        }
        let Some(&key) = bytes.get(key_at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        Ok(Some((Self { fin, rsv1, opcode, mask: Mask::new(key), payload_len }, plus(key_at, 4))))
    }
}

/// The bytes of a frame's header, at most 14.
///
/// Calls that leave the payload with the caller return this: write the header, then the payload (`writev`,
/// DMA). A program that watches a connection [reads](Self::read) headers from the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(8))]
pub struct FrameHeader {
    /// The header, and its length in the last byte. It is written and read as two words.
    bytes: [u8; 16],
}

impl FrameHeader {
    /// Encodes a header as one number: a processor has to wait before it loads a word that was stored in
    /// pieces. WS-5.2-13
    #[inline]
    pub(crate) fn encode(opcode: Opcode, fin: bool, payload_len: u64, key: Option<[u8; 4]>) -> Self {
        // WS-5.2-02: the reserved bits stay zero. WS-5.3-01: a key sets the mask bit.
        let first = if fin { FIN } else { 0 } | opcode as u8;
        let masked = if key.is_some() { MASKED } else { 0 };
        // The number's lowest byte is the first on the wire; a length begins with its highest byte.
        let long = u128::from(payload_len.swap_bytes());
        let (second, extended, bits) = match payload_len {
            0..126 => (long >> 56, 0, 16),
            126..=0xffff => (u128::from(LENGTH_16), long >> 48, 32),
            _ => (u128::from(LENGTH_64), long, 80),
        };
        let key = u128::from(key.map_or(0, u32::from_le_bytes));
        let number = u128::from(first) | (u128::from(masked) | second) << 8 | extended << 16 | key << bits;
        // The length is at most 14.
        let key_len: u8 = if masked == 0 { 0 } else { 4 };
        let len = key_len.wrapping_add(bits / 8);
        Self { bytes: (number | u128::from(len) << 120).to_le_bytes() }
    }

    /// Writes a header with the shortest form of the length to the front of `to`, and returns the rest of
    /// `to`. WS-5.2-13
    #[inline]
    pub(crate) fn write(
        opcode: Opcode, fin: bool, payload_len: u64, key: Option<[u8; 4]>, to: &mut [u8],
    ) -> &mut [u8] {
        // WS-5.2-02: the reserved bits stay zero. WS-5.3-01: a key sets the mask bit.
        let first = if fin { FIN } else { 0 } | opcode as u8;
        let masked = if key.is_some() { MASKED } else { 0 };
        let long = payload_len.to_be_bytes();
        let [.., high, low] = long;
        let medium = [high, low];
        let (short, length): (u8, &[u8]) = match payload_len {
            0..126 => (low, &[]),
            126..=0xffff => (LENGTH_16, &medium),
            _ => (LENGTH_64, &long),
        };
        let rest = put(to, &[first, masked | short]);
        let rest = put(rest, length);
        match key {
            Some(key) => put(rest, &key),
            None => rest,
        }
    }

    /// The same header with RSV1, which says that the message is compressed (RFC 7692 section 6).
    #[cfg(feature = "deflate")]
    pub(crate) fn with_rsv1(mut self) -> Self {
        let [first, ..] = &mut self.bytes;
        *first |= RSV1;
        self
    }

    /// Writes the header of a message that is one frame below 64 KiB. `to` has exactly the length of the
    /// header.
    #[inline]
    pub(crate) fn write_below_64k(opcode: Opcode, payload_len: u16, key: Option<[u8; 4]>, to: &mut [u8]) {
        let first = FIN | opcode as u8;
        let [high, low] = payload_len.to_be_bytes();
        match key {
            None if payload_len < 126 => write(to, [first, low]),
            None => write(to, [first, LENGTH_16, high, low]),
            Some([k0, k1, k2, k3]) if payload_len < 126 => write(to, [first, MASKED | low, k0, k1, k2, k3]),
            Some([k0, k1, k2, k3]) => write(to, [first, MASKED | LENGTH_16, high, low, k0, k1, k2, k3]),
        }
    }

    /// The masking key, which only a client's header has.
    #[inline]
    pub(crate) fn key(&self) -> Option<[u8; 4]> {
        let [_, second, ..] = self.bytes;
        if second & MASKED == 0 { None } else { self.as_bytes().last_chunk::<4>().copied() }
    }

    /// The bytes of the header.
    pub fn as_bytes(&self) -> &[u8] {
        let [.., len] = self.bytes;
        self.bytes.get(..len.into()).unwrap_or_default()
    }

    /// The length of a header, in bytes, for a payload of `payload_len` bytes.
    #[inline]
    pub(crate) const fn len_for(payload_len: usize, masked: bool) -> u8 {
        let len = match payload_len {
            0..126 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        if masked { 4_u8.wrapping_add(len) } else { len }
    }
}

/// Copies bytes to the front of `to`, and returns the rest of `to`.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn put<'t>(to: &'t mut [u8], bytes: &[u8]) -> &'t mut [u8] {
    copy_prefix(bytes, to);
    to.get_mut(bytes.len()..).unwrap_or_default()
}

/// Copies an array to the front of `to`.
#[inline]
fn write<const N: usize>(to: &mut [u8], bytes: [u8; N]) {
    if let Some(to) = to.first_chunk_mut::<N>() {
        *to = bytes;
    }
}

impl AsRef<[u8]> for FrameHeader {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// The header without the masking key of a client.
impl fmt::Debug for FrameHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [.., len] = self.bytes;
        let key_len = if self.key().is_some() { 4 } else { 0 };
        let shown = self.bytes.get(..usize::from(len).saturating_sub(key_len)).unwrap_or_default();
        f.debug_tuple("FrameHeader").field(&format_args!("{shown:02x?}")).finish()
    }
}

#[cfg(test)]
#[path = "../../tests/unit/frame/header.rs"]
mod tests;
