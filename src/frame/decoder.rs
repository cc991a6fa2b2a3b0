//! Turns the peer's bytes, in pieces of any length, into frame headers and pieces of payload. The decoder
//! stores at most one header. It never stores payload: each piece remains in the caller's slice.

use super::{Header, Mask, Opcode, Rules};
use crate::bytes::{FOR_SPEED, copy, copy_prefix, plus, take_front, to_len};
use crate::error::Error;

/// Reads one frame after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameDecoder {
    position: FramePosition,
    /// The largest payload of a data frame that the embedder accepts, in bytes.
    max_frame: u64,
    /// The most fragments of a message. Only the message layer uses this value, but here it takes four bytes;
    /// elsewhere padding would make that eight, and an idle connection has 256 bytes in all.
    pub(crate) max_fragments: u32,
    peer_masks: bool,
    /// The number of bytes of the header that have arrived. It is not a part of `position`, so that the fast
    /// path can test both with one branch. In a payload, this value means nothing.
    have: u8,
    /// The opcode and FIN of the current frame; between frames, those of the last one.
    opcode: Opcode,
    fin: bool,
}

/// The decoder's position in a frame.
#[derive(Clone, Copy, Debug)]
enum FramePosition {
    /// Between frames, or in a header, which has these bytes so far.
    Header(HeaderBytes),
    /// In the payload, `remaining` bytes before its end.
    Payload { mask: Mask, remaining: u64 },
}

/// The bytes of a header. With this alignment, a small target needs less code to read a length.
#[derive(Clone, Copy, Debug)]
#[repr(align(2))]
struct HeaderBytes([u8; Header::MAX_LEN]);

impl FramePosition {
    const START: Self = Self::Header(HeaderBytes([0; Header::MAX_LEN]));
}

/// A piece of a frame's payload.
pub(crate) struct Piece<'i> {
    /// The bytes, still masked unless `mask` is [`Mask::NONE`].
    pub(crate) bytes: &'i mut [u8],
    /// The mask, rotated to the position of the first byte. On a small target the decoder has unmasked the
    /// bytes already, since every caller would do so in place.
    pub(crate) mask: Mask,
    /// Whether the frame ends with this piece.
    pub(crate) ends_frame: bool,
}

impl<'i> Piece<'i> {
    /// Unmasks the piece in place and returns it.
    #[inline]
    pub(crate) fn unmask(self) -> &'i mut [u8] {
        let Self { bytes, mut mask, .. } = self;
        if FOR_SPEED && !mask.is_none() {
            mask.apply(bytes);
        }
        bytes
    }

    /// Unmasks the piece while copying it to `room`, which has the same length: one pass over the bytes.
    #[inline]
    pub(crate) fn copy_to(&self, room: &mut [u8]) {
        let mut mask = self.mask;
        if !FOR_SPEED || mask.is_none() {
            copy(self.bytes, room);
        } else {
            mask.copy(self.bytes, room);
        }
    }
}

impl FrameDecoder {
    pub(crate) const fn new(peer_masks: bool, max_frame: u64, max_fragments: u32) -> Self {
        Self {
            position: FramePosition::START,
            max_frame,
            max_fragments,
            peer_masks,
            have: 0,
            opcode: Opcode::Binary,
            fin: true,
        }
    }

    /// Whether the peer masks its frames.
    pub(crate) const fn peer_masks(&self) -> bool {
        self.peer_masks
    }

    /// The rules for the peer's headers. `rsv1` says whether an extension of the connection defines RSV1.
    pub(crate) const fn rules(&self, rsv1: bool) -> Rules {
        Rules { masked: self.peer_masks, rsv1, max_frame: self.max_frame }
    }

    /// The opcode of the current frame; between frames, that of the last one.
    pub(crate) const fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// Whether the current frame, or between frames the last one, is the final frame of its message.
    pub(crate) const fn fin(&self) -> bool {
        self.fin
    }

    /// Whether the last frame is complete and no byte of the next one has arrived.
    pub(crate) const fn is_between_frames(&self) -> bool {
        self.is_in_header() && self.have == 0
    }

    /// Whether the decoder waits for a header, or for the rest of one.
    pub(crate) const fn is_in_header(&self) -> bool {
        matches!(self.position, FramePosition::Header(_))
    }

    /// The number of payload bytes that the current frame still lacks.
    #[inline]
    pub(crate) const fn remaining(&self) -> u64 {
        match self.position {
            FramePosition::Payload { remaining, .. } => remaining,
            FramePosition::Header(_) => 0,
        }
    }

    /// Takes the bytes of a header off the front of `input`; `rsv1` is that of [`rules`](Self::rules). Once
    /// the header is complete, `admit` decides whether its message may have this frame, before the decoder
    /// takes any payload. If the input ends first, the decoder is still [in the header](Self::is_in_header)
    /// afterwards.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn header(
        &mut self, input: &mut &mut [u8], rsv1: bool, admit: impl FnOnce(&Header) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let rules = self.rules(rsv1);
        let FramePosition::Header(HeaderBytes(bytes)) = &mut self.position else {
            return Ok(());
        };
        if FOR_SPEED && input.is_empty() {
            return Ok(());
        }
        if FOR_SPEED && self.have == 0 {
            if let Some((header, len)) = Header::decode(input, &rules)? {
                take_front(input, len);
                return self.enter_payload(&header, admit);
            }
        }
        // The input may hold only a part of the header, so the decoder collects the header in `bytes`. Only
        // the header is taken off the input, not the payload that was copied along with it.
        let before = usize::from(self.have);
        copy_prefix(input, bytes.get_mut(before..).unwrap_or_default());
        let so_far = Header::MAX_LEN.min(plus(before, input.len()));
        let Some((header, len)) = Header::decode(bytes.get(..so_far).unwrap_or_default(), &rules)? else {
            // An incomplete header is shorter than `Header::MAX_LEN`, so its length fits.
            self.have = u8::try_from(so_far).unwrap_or_default();
            *input = &mut [];
            return Ok(());
        };
        // The header was incomplete before, so `len` is greater than `before`.
        take_front(input, len.wrapping_sub(before));
        self.enter_payload(&header, admit)
    }

    /// Takes the next piece of the payload off the front of `input`, at most `max` bytes. Returns `None`
    /// outside of a payload, and if `input` is empty although payload is missing. An empty payload yields one
    /// empty piece. After the last piece the decoder waits for the next header.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn payload<'i>(&mut self, input: &mut &'i mut [u8], max: usize) -> Option<Piece<'i>> {
        let FramePosition::Payload { mask, remaining } = &mut self.position else {
            return None;
        };
        if *remaining > 0 && input.is_empty() {
            return None;
        }
        let bytes = take_front(input, to_len(*remaining).min(max));
        // WS-5.3-06: the position in the key carries over to the next piece. WS-10.7-05: only the length says
        // where the frame ends.
        let mut piece_mask = *mask;
        if FOR_SPEED {
            mask.advance(bytes.len());
        } else {
            mask.apply(bytes);
            piece_mask = Mask::NONE;
        }
        // `bytes` is never longer than `remaining`.
        *remaining = remaining.wrapping_sub(bytes.len() as u64);
        let ends_frame = *remaining == 0;
        if ends_frame {
            self.position = FramePosition::START;
            self.have = 0;
        }
        Some(Piece { bytes, mask: piece_mask, ends_frame })
    }

    #[inline]
    fn enter_payload(
        &mut self, header: &Header, admit: impl FnOnce(&Header) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !header.opcode.is_control() {
            admit(header)?;
        }
        self.opcode = header.opcode;
        self.fin = header.fin;
        // WS-5.3-06: each frame starts with a new key, at position 0.
        self.position = FramePosition::Payload { mask: header.mask, remaining: header.payload_len };
        Ok(())
    }
}
