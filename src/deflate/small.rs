//! A small DEFLATE decoder (RFC 1951) for the blocks behind a final block.
//!
//! The codec of `zlib.rs` forgets its window at a final block, and giving it the window again costs a copy of
//! up to 32 KiB. A final block can be two bytes long, so a peer could demand such a copy for every second
//! byte. This decoder has no window of its own: it looks at the window of its caller, so it can begin a
//! stream at any time for free. For each byte it is slower than the codec of `zlib.rs`. So the caller changes
//! back to that codec when enough bytes have come to pay for a copy, see `Decompressor::choose_decoder`.

use super::huffman::{Bits, Code, FIXED_DISTANCES, FIXED_LITERALS, InvalidCode, fixed_literal};
use super::zlib::Decoded;
use crate::bytes::copy;

/// The decoder's state between two pieces of input.
pub(super) struct SmallDecoder {
    /// The bits that were taken off the input and are not used yet, the first bit lowest. Between two calls
    /// these are less than eight, unless they are the beginning of a symbol.
    bits: u64,
    /// The number of bits in `bits`.
    have: u32,
    position: Position,
    is_final: bool,
    /// Whether the codes of the current block are those that RFC 1951 fixes.
    is_fixed: bool,
    literals: Code,
    /// The code for distances. Before it is known, this is the code for the lengths of both codes.
    distances: Code,
    /// The lengths of both codes, as far as they have arrived.
    lengths: [u8; MAX_LENGTHS],
    /// The number of lengths that belong to `literals`, and the number of all lengths.
    literal_count: usize,
    length_count: usize,
}

/// The position in a block.
#[derive(Clone, Copy)]
enum Position {
    Header,
    StoredLength,
    /// In a stored block, this many bytes before its end.
    Stored(u32),
    /// In the lengths of the code for the lengths: `at` of `count` have arrived. `count` is 0 until it is
    /// known.
    LengthCode {
        at: usize,
        count: usize,
    },
    /// In the lengths of both codes: this many have arrived.
    Lengths(usize),
    Symbols,
    /// In a repetition, this many bytes before its end.
    Copy {
        left: usize,
        distance: usize,
    },
}

/// The most lengths that a block describes.
const MAX_LENGTHS: usize = MAX_LITERALS + MAX_DISTANCES;
const MAX_LITERALS: usize = 286;
const MAX_DISTANCES: usize = 30;
/// The symbol that ends a block.
const END_OF_BLOCK: usize = 256;
/// The order in which the lengths of the code for lengths arrive (RFC 1951 section 3.2.7).
const LENGTH_ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The reason why the decoder stops.
enum Stop {
    NeedsInput,
    NeedsRoom,
    Corrupt,
}

impl From<InvalidCode> for Stop {
    fn from(_: InvalidCode) -> Self {
        Self::Corrupt
    }
}

impl SmallDecoder {
    pub(super) const fn new() -> Self {
        Self {
            bits: 0,
            have: 0,
            position: Position::Header,
            is_final: false,
            is_fixed: false,
            literals: Code::EMPTY,
            distances: Code::EMPTY,
            lengths: [0; MAX_LENGTHS],
            literal_count: 0,
            length_count: 0,
        }
    }

    /// Begins a new stream.
    pub(super) fn restart(&mut self) {
        (self.bits, self.have, self.position) = (0, 0, Position::Header);
    }

    /// Whether the next block begins with the next byte of input.
    pub(super) const fn is_at_byte_boundary(&self) -> bool {
        matches!(self.position, Position::Header) && self.have % 8 == 0
    }

    /// Decodes until the input is used up, `out` is full, or a stored or final block has ended. With
    /// `stop_at_block` it stops at the end of every block. `window` has the bytes before `out`, in an
    /// older and a newer part.
    pub(super) fn decode(
        &mut self, input: &[u8], out: &mut [u8], window: (&[u8], &[u8]), stop_at_block: bool,
    ) -> Decoded {
        let mut run = Run { input, taken: 0, out, produced: 0, window };
        let (mut ended, mut is_early, mut is_corrupt) = (false, false, false);
        let consumed = loop {
            match self.step(&mut run) {
                Ok(false) => {}
                Ok(true) => {
                    ended = self.is_final;
                    if ended {
                        self.skip_to_byte();
                    }
                    self.position = Position::Header;
                    is_early = stop_at_block || self.is_at_byte_boundary();
                    if is_early {
                        break self.give_back(&mut run);
                    }
                }
                // The bits belong to a symbol that the next call completes.
                Err(Stop::NeedsInput) => break run.taken,
                Err(Stop::NeedsRoom) => break self.give_back(&mut run),
                Err(Stop::Corrupt) => {
                    is_corrupt = true;
                    break run.taken;
                }
            }
        };
        Decoded { consumed, produced: run.produced, ended, is_early, is_corrupt }
    }

    /// Takes one step. Returns whether a block has ended.
    fn step(&mut self, run: &mut Run<'_>) -> Result<bool, Stop> {
        match self.position {
            Position::Header => self.header(run),
            Position::StoredLength => {
                let lengths = self.take(run, 32)?;
                let len = lengths & 0xffff;
                if lengths >> 16 != len ^ 0xffff {
                    return Err(Stop::Corrupt);
                }
                self.position = Position::Stored(len);
                Ok(len == 0)
            }
            Position::Stored(left) => {
                self.give_back(run);
                let copied = run.copy_input(left as usize);
                let left = left.saturating_sub(u32::try_from(copied).unwrap_or(left));
                self.position = Position::Stored(left);
                match left {
                    0 => Ok(true),
                    _ if run.has_room() => Err(Stop::NeedsInput),
                    _ => Err(Stop::NeedsRoom),
                }
            }
            Position::LengthCode { at, count } => self.length_code(run, at, count),
            Position::Lengths(at) => self.code_lengths(run, at),
            Position::Symbols => self.symbol(run),
            Position::Copy { left, distance } => {
                for done in 0..left {
                    if !run.has_room() {
                        self.position = Position::Copy { left: left - done, distance };
                        return Err(Stop::NeedsRoom);
                    }
                    run.write(run.back(distance).ok_or(Stop::Corrupt)?);
                }
                self.position = Position::Symbols;
                Ok(false)
            }
        }
    }

    /// Skips the rest of the byte.
    fn skip_to_byte(&mut self) {
        self.bits >>= self.have % 8;
        self.have -= self.have % 8;
    }

    /// Returns whole bytes that are not used to the input. Returns the number of bytes that remain taken.
    fn give_back(&mut self, run: &mut Run<'_>) -> usize {
        while self.have >= 8 && run.taken > 0 {
            self.have -= 8;
            run.taken -= 1;
        }
        self.bits &= (1 << self.have) - 1;
        run.taken
    }

    fn header(&mut self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let header = self.take(run, 3)?;
        self.is_final = header & 1 == 1;
        match header >> 1 {
            0 => {
                self.skip_to_byte();
                self.position = Position::StoredLength;
            }
            1 => {
                self.is_fixed = true;
                self.position = Position::Symbols;
            }
            2 => {
                self.is_fixed = false;
                self.position = Position::LengthCode { at: 0, count: 0 };
            }
            _ => return Err(Stop::Corrupt),
        }
        Ok(false)
    }

    /// Reads the numbers of lengths, and then one length of the code for lengths.
    fn length_code(&mut self, run: &mut Run<'_>, at: usize, count: usize) -> Result<bool, Stop> {
        if count == 0 {
            let counts = self.take(run, 14)? as usize;
            let (literals, distances) = (257 + (counts & 31), 1 + (counts >> 5 & 31));
            if literals > MAX_LITERALS || distances > MAX_DISTANCES {
                return Err(Stop::Corrupt);
            }
            (self.literal_count, self.length_count) = (literals, literals + distances);
            self.lengths = [0; MAX_LENGTHS];
            self.position = Position::LengthCode { at: 0, count: 4 + (counts >> 10) };
            return Ok(false);
        }
        let len = self.take(run, 3)?;
        let symbol = LENGTH_ORDER.get(at).copied().unwrap_or_default();
        self.set_length(symbol.into(), len)?;
        if at + 1 < count {
            self.position = Position::LengthCode { at: at + 1, count };
            return Ok(false);
        }
        let lengths = self.lengths.get(..LENGTH_ORDER.len()).unwrap_or_default();
        if !self.distances.describe(lengths, false) {
            return Err(Stop::Corrupt);
        }
        self.lengths = [0; MAX_LENGTHS];
        self.position = Position::Lengths(0);
        Ok(false)
    }

    /// Reads one length of the two codes, or several equal ones.
    fn code_lengths(&mut self, run: &mut Run<'_>, at: usize) -> Result<bool, Stop> {
        let (len, repeat) = self.whole(run, |bits, decoder| {
            Ok(Some(match bits.symbol(&decoder.distances)? {
                None => return Ok(None),
                Some(16) => {
                    let before =
                        at.checked_sub(1).and_then(|at| decoder.lengths.get(at)).ok_or(Stop::Corrupt)?;
                    let Some(extra) = bits.take(2) else { return Ok(None) };
                    (u32::from(*before), 3 + extra)
                }
                Some(17) => {
                    let Some(extra) = bits.take(3) else { return Ok(None) };
                    (0, 3 + extra)
                }
                Some(18) => {
                    let Some(extra) = bits.take(7) else { return Ok(None) };
                    (0, 11 + extra)
                }
                Some(len) => (len.into(), 1),
            }))
        })?;
        let end = at + repeat as usize;
        if end > self.length_count {
            return Err(Stop::Corrupt);
        }
        for at in at..end {
            self.set_length(at, len)?;
        }
        self.position = Position::Lengths(end);
        if end == self.length_count {
            let lengths = self.lengths.get(..end).unwrap_or_default();
            let (literals, distances) = lengths.split_at_checked(self.literal_count).unwrap_or_default();
            let has_end = literals.get(END_OF_BLOCK).is_some_and(|&len| len > 0);
            if !has_end
                || !self.literals.describe(literals, true)
                || !self.distances.describe(distances, true)
            {
                return Err(Stop::Corrupt);
            }
            self.position = Position::Symbols;
        }
        Ok(false)
    }

    fn set_length(&mut self, at: usize, len: u32) -> Result<(), Stop> {
        *self.lengths.get_mut(at).ok_or(Stop::Corrupt)? = len.try_into().map_err(|_| Stop::Corrupt)?;
        Ok(())
    }

    /// Reads a literal, the length and the distance of a repetition, or the end of the block.
    fn symbol(&mut self, run: &mut Run<'_>) -> Result<bool, Stop> {
        let has_room = run.has_room();
        let symbol = self.whole(run, |bits, decoder| {
            let symbol = if decoder.is_fixed {
                bits.code(&FIXED_LITERALS)?.map(fixed_literal)
            } else {
                bits.symbol(&decoder.literals)?.map(usize::from)
            };
            let Some(symbol) = symbol else { return Ok(None) };
            if symbol == END_OF_BLOCK {
                return Ok(Some(Symbol::End));
            }
            if !has_room {
                return Err(Stop::NeedsRoom);
            }
            if let Ok(literal) = u8::try_from(symbol) {
                return Ok(Some(Symbol::Literal(literal)));
            }
            let length = symbol - END_OF_BLOCK - 1;
            if length >= LENGTHS {
                return Err(Stop::Corrupt);
            }
            // The last symbol stands for the longest repetition, and no bits follow.
            let is_longest = length == LENGTHS - 1;
            let (shorter, extra) = if is_longest { (MAX_COPY - MIN_COPY, 0) } else { number_of(length, 4) };
            let Some(more) = bits.take(extra) else { return Ok(None) };
            let left = MIN_COPY + shorter + more as usize;
            let distance = if decoder.is_fixed {
                bits.code(&FIXED_DISTANCES)?
            } else {
                bits.symbol(&decoder.distances)?.map(usize::from)
            };
            let Some(distance) = distance else { return Ok(None) };
            let (shorter, extra) = number_of(distance, 2);
            let Some(more) = bits.take(extra) else { return Ok(None) };
            Ok(Some(Symbol::Copy { left, distance: 1 + shorter + more as usize }))
        })?;
        match symbol {
            Symbol::Literal(literal) => run.write(literal),
            Symbol::End => return Ok(true),
            Symbol::Copy { left, distance } => self.position = Position::Copy { left, distance },
        }
        Ok(false)
    }

    /// Takes this many bits.
    fn take(&mut self, run: &mut Run<'_>, len: u32) -> Result<u32, Stop> {
        self.whole(run, |bits, _| Ok(bits.take(len)))
    }

    /// Reads something whole: `read` returns `None` if it needs more bits, and then begins again with more.
    fn whole<T>(
        &mut self, run: &mut Run<'_>, read: impl Fn(&mut Bits, &Self) -> Result<Option<T>, Stop>,
    ) -> Result<T, Stop> {
        loop {
            let mut bits = Bits { bits: self.bits, have: self.have };
            if let Some(value) = read(&mut bits, self)? {
                (self.bits, self.have) = (bits.bits, bits.have);
                return Ok(value);
            }
            if !self.refill(run) {
                return Err(Stop::NeedsInput);
            }
        }
    }

    /// Takes bytes off the input while there is room for them. A symbol has at most 48 bits with everything
    /// that belongs to it. Returns whether there were any bytes.
    fn refill(&mut self, run: &mut Run<'_>) -> bool {
        let before = run.taken;
        while self.have < 56 {
            let Some(&byte) = run.input.get(run.taken) else { break };
            self.bits |= u64::from(byte) << self.have;
            self.have += 8;
            run.taken += 1;
        }
        run.taken > before
    }
}

/// A symbol of a compressed block, with everything that belongs to it.
enum Symbol {
    Literal(u8),
    End,
    Copy { left: usize, distance: usize },
}

/// The input and the output of one call.
struct Run<'a> {
    input: &'a [u8],
    /// The number of bytes that were taken off the input.
    taken: usize,
    out: &'a mut [u8],
    produced: usize,
    /// The older and the newer part of the window, which end where `out` begins.
    window: (&'a [u8], &'a [u8]),
}

impl Run<'_> {
    const fn has_room(&self) -> bool {
        self.produced < self.out.len()
    }

    /// Writes a byte, for which there is room.
    fn write(&mut self, byte: u8) {
        if let Some(slot) = self.out.get_mut(self.produced) {
            *slot = byte;
            self.produced += 1;
        }
    }

    /// Copies at most `len` bytes of input, as far as there is room. Returns their number.
    fn copy_input(&mut self, len: usize) -> usize {
        let input = self.input.get(self.taken..).unwrap_or_default();
        let room = self.out.get_mut(self.produced..).unwrap_or_default();
        let len = len.min(input.len()).min(room.len());
        copy(input.get(..len).unwrap_or_default(), room.get_mut(..len).unwrap_or_default());
        self.taken += len;
        self.produced += len;
        len
    }

    /// The byte at this distance.
    fn back(&self, distance: usize) -> Option<u8> {
        if let Some(at) = self.produced.checked_sub(distance) {
            return self.out.get(at).copied();
        }
        let (older, newer) = self.window;
        let distance = distance - self.produced;
        match newer.len().checked_sub(distance) {
            Some(at) => newer.get(at).copied(),
            None => older.get(older.len().checked_sub(distance - newer.len())?).copied(),
        }
    }
}

/// The number of symbols for lengths (RFC 1951 section 3.2.5).
const LENGTHS: usize = 29;
/// The shortest and the longest repetition.
const MIN_COPY: usize = 3;
const MAX_COPY: usize = 258;

/// The number that a symbol for a length or a distance stands for, counted from the shortest, and the number of
/// bits that follow to be added. All `group` symbols in a row have the same number of bits.
const fn number_of(symbol: usize, group: usize) -> (usize, u32) {
    // The first two groups have no bits.
    let bits = (symbol / group).saturating_sub(1);
    let number = if bits == 0 { symbol } else { (group + symbol % group) << bits };
    #[expect(clippy::cast_possible_truncation, reason = "at most 13")]
    (number, bits as u32)
}
