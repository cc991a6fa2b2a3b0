//! Masking, RFC 6455 section 5.3: byte `i` of a payload is combined by XOR with byte `i` modulo 4 of the key
//! (WS-5.3-05). The position runs on through the pieces of one frame (WS-5.3-06).

/// A masking key, turned so that its lowest byte is the one for the next payload byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask(u32);

impl Mask {
    pub(crate) const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// Masks or unmasks `data` in place and moves the position behind it.
    #[inline]
    pub(crate) fn apply(&mut self, data: &mut [u8]) {
        let len = data.len();
        let word = self.word();
        // Blocks of 32 bytes become SIMD at the baseline of every target that has it.
        let mut blocks = data.chunks_exact_mut(32);
        for block in &mut blocks {
            for bytes in block.chunks_exact_mut(8) {
                mask_word(bytes, word);
            }
        }
        for bytes in blocks.into_remainder().chunks_exact_mut(8) {
            mask_word(bytes, word);
        }
        let tail = len % 8;
        if tail > 0 {
            match data.last_chunk_mut::<8>() {
                // The last eight bytes again, with a key that leaves alone what is done already.
                Some(last) => mask_word(last, word << (8 * (8 - tail))),
                None => self.apply_short(data),
            }
        }
        self.advance(len);
    }

    /// Copies `from` to `to`, masked or unmasked, in one pass. Both have the same length.
    #[inline]
    pub(crate) fn copy(&mut self, from: &[u8], to: &mut [u8]) {
        let word = self.word();
        let mut sources = from.chunks_exact(32);
        let mut targets = to.chunks_exact_mut(32);
        for (source, target) in (&mut sources).zip(&mut targets) {
            for (source, target) in source.chunks_exact(8).zip(target.chunks_exact_mut(8)) {
                if let (Some(source), Ok(target)) =
                    (source.first_chunk::<8>(), <&mut [u8; 8]>::try_from(target))
                {
                    *target = (u64::from_le_bytes(*source) ^ word).to_le_bytes();
                }
            }
        }
        // 32 is a multiple of four: the position is the same again.
        let (source, target) = (sources.remainder(), targets.into_remainder());
        target.copy_from_slice(source);
        self.apply(target);
    }

    /// Fewer than eight bytes, without a byte loop.
    #[inline]
    fn apply_short(self, data: &mut [u8]) {
        let mut key = self.0;
        // At most one chunk of each size.
        let mut fours = data.chunks_exact_mut(4);
        for bytes in &mut fours {
            if let Ok(four) = <&mut [u8; 4]>::try_from(bytes) {
                *four = (u32::from_le_bytes(*four) ^ key).to_le_bytes();
            }
        }
        let mut twos = fours.into_remainder().chunks_exact_mut(2);
        for bytes in &mut twos {
            if let Ok(two) = <&mut [u8; 2]>::try_from(bytes) {
                let [low, high, ..] = key.to_le_bytes();
                *two = (u16::from_le_bytes(*two) ^ u16::from_le_bytes([low, high])).to_le_bytes();
            }
            key >>= 16;
        }
        if let Some(one) = twos.into_remainder().first_mut() {
            let [low, ..] = key.to_le_bytes();
            *one ^= low;
        }
    }

    const fn word(self) -> u64 {
        let key = self.0 as u64;
        key << 32 | key
    }

    #[expect(clippy::cast_possible_truncation, reason = "only the lowest two bits count")]
    const fn advance(&mut self, bytes: usize) {
        self.0 = self.0.rotate_right(8 * (bytes as u32 & 3));
    }
}

#[inline]
fn mask_word(bytes: &mut [u8], word: u64) {
    if let Ok(bytes) = <&mut [u8; 8]>::try_from(bytes) {
        *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The algorithm of section 5.3, word for word.
    fn naive(data: &mut [u8], key: [u8; 4]) {
        for (i, byte) in data.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    }

    // WS-5.3-05 · WS-5.3-08
    #[test]
    fn equals_the_rfc_algorithm_at_every_length() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in 0..200u8 {
            let mut expected: [u8; 200] = core::array::from_fn(|i| u8::try_from(i).unwrap());
            let mut got = expected;
            naive(&mut expected[..len.into()], key);
            let plain = got;
            Mask::new(key).apply(&mut got[..len.into()]);
            let mut copied = plain;
            Mask::new(key).copy(&plain[..len.into()], &mut copied[..len.into()]);
            assert_eq!(copied, expected, "copy of length {len}");
            assert_eq!(got, expected, "length {len}");
        }
    }

    // WS-5.3-06
    #[test]
    fn the_position_runs_on_through_pieces() {
        let key = [1, 2, 3, 4];
        let plain: [u8; 67] = core::array::from_fn(|i| u8::try_from(i * 3).unwrap());
        let mut expected = plain;
        naive(&mut expected, key);
        for first in 0..plain.len() {
            for second in first..plain.len() {
                let mut got = plain;
                let mut mask = Mask::new(key);
                mask.apply(&mut got[..first]);
                mask.apply(&mut got[first..second]);
                mask.apply(&mut got[second..]);
                assert_eq!(got, expected, "cut at {first} and {second}");
            }
        }
    }
}
