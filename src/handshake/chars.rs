//! The characters that may occur in each part of a header (RFC 9110 section 5.6).

/// A set of ASCII characters: a table if built for speed, one bit for each character if built for size.
#[derive(Clone, Copy)]
pub(crate) struct CharSet(
    #[cfg(target_pointer_width = "64")] [bool; 256],
    #[cfg(not(target_pointer_width = "64"))] [u32; 4],
);

impl CharSet {
    /// The letters, the digits, and `others`.
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> Self {
        Self::with(((1 << 26) - 1) << b'A' | ((1 << 26) - 1) << b'a' | ((1 << 10) - 1) << b'0', others)
    }

    /// These characters.
    pub(crate) const fn of(characters: &[u8]) -> Self {
        Self::with(0, characters)
    }

    const fn with(mut bits: u128, mut others: &[u8]) -> Self {
        while let [other, rest @ ..] = others {
            bits |= 1 << *other;
            others = rest;
        }
        Self::of_bits(bits)
    }

    #[cfg(target_pointer_width = "64")]
    const fn of_bits(bits: u128) -> Self {
        let mut table = [false; 256];
        let (mut places, mut rest): (&mut [bool], u128) = (&mut table, bits);
        while let ([place, later @ ..], 1..) = (places, rest) {
            *place = rest & 1 != 0;
            places = later;
            rest >>= 1;
        }
        Self(table)
    }

    #[cfg(not(target_pointer_width = "64"))]
    #[expect(clippy::cast_possible_truncation, reason = "four quarters")]
    const fn of_bits(bits: u128) -> Self {
        Self([bits as u32, (bits >> 32) as u32, (bits >> 64) as u32, (bits >> 96) as u32])
    }

    /// Takes the characters of the set off the front of `text`.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn take_from<'a>(&self, text: &mut &'a [u8]) -> &'a [u8] {
        let end = text.iter().position(|&byte| !self.has(byte)).unwrap_or(text.len());
        let (front, rest) = text.split_at_checked(end).unwrap_or_default();
        *text = rest;
        front
    }

    #[cfg(target_pointer_width = "64")]
    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }

    #[cfg(not(target_pointer_width = "64"))]
    #[inline(always)]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 32)).is_some_and(|quarter| quarter >> (byte % 32) & 1 != 0)
    }
}

/// The characters of a token: the visible ASCII characters that are not separators.
pub(crate) static TOKEN: CharSet = CharSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// Whether `byte` may occur in a token.
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    TOKEN.has(byte)
}

/// Whether `text` is a token of RFC 9110: one or more of its characters.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && TOKEN.take_from(&mut { text }).len() == text.len()
}

/// Whether `byte` may occur in the value of a header: CR, LF, NUL and all other controls except the tab may
/// not. WS-4.1-21
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

/// The value without the white space around it.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let mut value = skip_space(value);
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The value without the white space at its front.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn skip_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    value
}

/// The number with one more digit at its end. No caller has a number of more than three digits, so it fits.
#[inline(always)]
pub(crate) const fn append_digit(number: u16, digit: u8) -> u16 {
    number.wrapping_mul(10).wrapping_add((digit & 0x0f) as u16)
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/chars.rs"]
mod tests;
