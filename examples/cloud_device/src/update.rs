//! An image that arrives in parts. The device keeps none of them in RAM.

use sha2::{Digest, Sha256};

/// The digest of a whole image.
pub type Sha256Digest = [u8; 32];

/// An image that is being received.
pub struct Update {
    expected: Sha256Digest,
    so_far: Sha256,
    len: u32,
}

impl Update {
    /// Begins with an image whose digest is `expected`, in hexadecimal. `None` if that is not a digest.
    #[must_use]
    pub fn new(expected: &str) -> Option<Self> {
        Some(Self { expected: digest_from_hex(expected)?, so_far: Sha256::new(), len: 0 })
    }

    /// The digest that the image has to have.
    #[must_use]
    pub const fn expected(&self) -> Sha256Digest {
        self.expected
    }

    /// The number of bytes that have arrived.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether nothing has arrived yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next part of the image.
    pub fn add(&mut self, part: &[u8]) {
        self.so_far.update(part);
        self.len = self.len.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
    }

    /// Whether the image is complete and the right one.
    #[must_use]
    pub fn is_valid(self) -> bool {
        Sha256Digest::from(self.so_far.finalize()) == self.expected
    }
}

fn digest_from_hex(text: &str) -> Option<Sha256Digest> {
    let mut digest = Sha256Digest::default();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(digest)
}
