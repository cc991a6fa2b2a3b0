//! Huffman codes and the bits that they consist of (RFC 1951 sections 3.1.1 and 3.2.2).

/// The bits are no code.
pub(super) struct InvalidCode;

/// The bits for something that may be incomplete.
pub(super) struct Bits {
    pub(super) bits: u64,
    pub(super) have: u32,
}

impl Bits {
    /// The next `len` bits, at most 32, as a number. `None`: there are fewer bits.
    pub(super) fn take(&mut self, len: u32) -> Option<u32> {
        self.have = self.have.checked_sub(len)?;
        let taken = self.bits & ((1 << len) - 1);
        self.bits >>= len;
        u32::try_from(taken).ok()
    }

    /// The next code, as its place among all codes. `None`: there are not enough bits. `counts` has the number
    /// of codes for each length of 1 to 15 bits.
    pub(super) fn code(&mut self, counts: &[u16; 15]) -> Result<Option<usize>, InvalidCode> {
        // The codes of one length are consecutive numbers, which begin behind those of the length before.
        // So no number is below `first`, and no subtraction wraps.
        let (mut bits, mut number, mut first, mut place) = (self.bits, 0_u32, 0, 0);
        for (len, &count) in (1..).zip(counts) {
            number = number << 1 | u32::from(bits & 1 == 1);
            bits >>= 1;
            first <<= 1;
            let behind = number.wrapping_sub(first);
            if behind < u32::from(count) {
                let Some(have) = self.have.checked_sub(len) else { return Ok(None) };
                (self.bits, self.have) = (bits, have);
                return Ok(Some(place + behind as usize));
            }
            first += u32::from(count);
            place += usize::from(count);
        }
        if self.have < 15 { Ok(None) } else { Err(InvalidCode) }
    }

    /// The next symbol of a code.
    pub(super) fn symbol(&mut self, code: &Code) -> Result<Option<u16>, InvalidCode> {
        Ok(self.code(&code.counts)?.and_then(|place| code.symbols.get(place).copied()))
    }
}

/// A Huffman code (RFC 1951 section 3.2.2).
pub(super) struct Code {
    /// The number of symbols for each length of 1 to 15 bits.
    counts: [u16; 15],
    /// The symbols in the order of their codes.
    symbols: [u16; 288],
}

impl Code {
    pub(super) const EMPTY: Self = Self { counts: [0; 15], symbols: [0; 288] };

    /// Makes the code whose symbols have these lengths; 0 means that the symbol does not occur. Returns
    /// `false` if the lengths are not a code. Like zlib this accepts a code without symbols, or with one
    /// symbol of one bit, only if it `may_be_incomplete`.
    pub(super) fn describe(&mut self, lengths: &[u8], may_be_incomplete: bool) -> bool {
        self.counts = [0; 15];
        let mut ends = [0; 15];
        for &len in lengths {
            if let Some(count) = usize::from(len).checked_sub(1).and_then(|at| self.counts.get_mut(at)) {
                *count += 1;
            }
        }
        let (mut free, mut end) = (1_u32, 0);
        for (&count, place) in self.counts.iter().zip(&mut ends) {
            let Some(left) = (free << 1).checked_sub(count.into()) else { return false };
            free = left;
            *place = end;
            end += usize::from(count);
        }
        for (symbol, &len) in (0..).zip(lengths) {
            let place = usize::from(len).checked_sub(1).and_then(|at| ends.get_mut(at));
            if let Some(place) = place {
                if let Some(slot) = self.symbols.get_mut(*place) {
                    *slot = symbol;
                }
                *place += 1;
            }
        }
        let has_long_codes = self.counts.iter().skip(1).any(|&count| count > 0);
        free == 0 || (may_be_incomplete && !has_long_codes)
    }
}

/// The lengths of the fixed codes (RFC 1951 section 3.2.6).
pub(super) const FIXED_LITERALS: [u16; 15] = [0, 0, 0, 0, 0, 0, 24, 152, 112, 0, 0, 0, 0, 0, 0];
pub(super) const FIXED_DISTANCES: [u16; 15] = [0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The symbol at this place among the fixed codes.
pub(super) const fn fixed_literal(place: usize) -> usize {
    match place {
        0..24 => 256 + place,
        24..168 => place - 24,
        168..176 => 280 - 168 + place,
        _ => place - (176 - 144),
    }
}
