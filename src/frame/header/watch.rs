//! Headers, for a program that watches a connection of other endpoints: it wants to know what a header says,
//! even if the header breaks a rule.

use super::{FIN, FrameHeader, LENGTH_16, LENGTH_64, MASKED, RESERVED};
use crate::bytes::copy_prefix;

impl FrameHeader {
    /// Reads the header at the front of `bytes`, for a program that watches a connection: an inspector, a
    /// recorder, a test. `None`: the header is incomplete. The payload begins after
    /// [`as_bytes`](Self::as_bytes).
    ///
    /// This checks no rule, so it also reads headers that a [`Connection`](crate::Connection) rejects.
    ///
    /// ```
    /// use sansws::FrameHeader;
    ///
    /// let bytes = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    /// let header = FrameHeader::read(bytes).expect("the header is complete");
    /// assert_eq!((header.is_final(), header.reserved_bits(), header.opcode()), (true, 0, 0x1));
    /// assert_eq!((header.payload_len(), header.as_bytes().len()), (5, 6));
    /// assert_eq!(header.masking_key(), Some([0x37, 0xfa, 0x21, 0x3d]));
    /// ```
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [_, second, ..] = bytes else { return None };
        // WS-5.2-09 · WS-5.2-10 · WS-5.2-11
        let length_len: u8 = match second & !MASKED {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        };
        // WS-5.2-08
        let key_len: u8 = if second & MASKED == 0 { 0 } else { 4 };
        // The length is at most 14.
        let len = key_len.wrapping_add(length_len).wrapping_add(2);
        let mut header = Self { bytes: [0; 16] };
        copy_prefix(bytes.get(..len.into())?, &mut header.bytes);
        let [.., last] = &mut header.bytes;
        *last = len;
        Some(header)
    }

    /// The bit FIN: whether the frame is the last one of its message.
    pub const fn is_final(&self) -> bool {
        let [first, ..] = self.bytes;
        first & FIN != 0
    }

    /// The bits RSV1 to RSV3, as 4, 2 and 1. Permessage-deflate sets RSV1 in the first frame of a compressed
    /// message.
    pub const fn reserved_bits(&self) -> u8 {
        let [first, ..] = self.bytes;
        (first & RESERVED) >> 4
    }

    /// The opcode, 0 to 15 (RFC 6455 section 5.2): 0 continuation, 1 text, 2 binary, 8 Close, 9 ping, 10
    /// pong.
    pub const fn opcode(&self) -> u8 {
        let [first, ..] = self.bytes;
        first & 0x0f
    }

    /// The length of the payload in bytes. In a header that was [read](Self::read) it can be any number.
    pub const fn payload_len(&self) -> u64 {
        let [_, second, length @ .., _, _, _, _, _, _] = self.bytes;
        let [high, low, ..] = length;
        match second & !MASKED {
            LENGTH_16 => u16::from_be_bytes([high, low]) as u64,
            LENGTH_64 => u64::from_be_bytes(length),
            short => short as u64,
        }
    }

    /// The masking key. The header of a client's frame has one, and a server's has none (RFC 6455 section
    /// 5.1). Byte `i` of the payload is masked with byte `i % 4` of the key.
    pub fn masking_key(&self) -> Option<[u8; 4]> {
        self.key()
    }
}

#[cfg(test)]
#[path = "../../../tests/unit/frame/header/watch.rs"]
mod tests;
