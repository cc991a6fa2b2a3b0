//! The characters that may occur in each part of a header (RFC 9110 section 5.6).

/// A set of ASCII characters, with one bit for each.
#[derive(Clone, Copy)]
pub(crate) struct CharSet([u32; 4]);

impl CharSet {
    /// The letters, the digits, and `others`.
    #[expect(clippy::cast_possible_truncation, reason = "four quarters")]
    pub(crate) const fn alphanumeric_and(mut others: &[u8]) -> Self {
        let mut bits: u128 = ((1 << 26) - 1) << b'A' | ((1 << 26) - 1) << b'a' | ((1 << 10) - 1) << b'0';
        while let [other, rest @ ..] = others {
            bits |= 1 << *other;
            others = rest;
        }
        Self([bits as u32, (bits >> 32) as u32, (bits >> 64) as u32, (bits >> 96) as u32])
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 32)).is_some_and(|quarter| quarter >> (byte % 32) & 1 != 0)
    }
}

/// Whether `byte` may occur in a token: it is a visible ASCII character and no separator.
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    static TOKEN: CharSet = CharSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    TOKEN.has(byte)
}

/// Whether `text` is a token of RFC 9110: one or more of its characters.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
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
