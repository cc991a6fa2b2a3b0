//! `Sec-WebSocket-Key` and its answer `Sec-WebSocket-Accept`, RFC 6455 sections 4.1 and 4.2.2.

use super::fields::Ascii;
use base64ct::{Base64, Encoding};

/// A fixed string of section 1.3, which an endpoint that knows no WebSocket would not append.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const BASE64: Ascii = Ascii::alphanumeric_and(b"+/");

/// 16 bytes in base64.
pub(crate) const KEY_LEN: usize = 24;
/// A SHA-1 digest, 20 bytes, in base64.
pub(crate) const ACCEPT_LEN: usize = 28;

/// The base64 form of a nonce. WS-4.1-32
pub(crate) fn encode_key(nonce: [u8; 16]) -> [u8; KEY_LEN] {
    let mut key = [0; KEY_LEN];
    let written = Base64::encode(&nonce, &mut key);
    debug_assert!(written.is_ok());
    key
}

/// The key, if it is the base64 form of 16 bytes. WS-4.2.1-12 · WS-4.3-02
///
/// The four bits of padding may have any value (WS-4.2.1-13): the key is used as text and never decoded, and the
/// RFC's own sample has them set.
pub(crate) fn valid_key(key: &[u8]) -> Option<&[u8; KEY_LEN]> {
    let (letters, padding) = key.split_first_chunk::<22>()?;
    let is_valid = padding == b"==" && letters.iter().all(|&byte| BASE64.has(byte));
    if is_valid { key.first_chunk() } else { None }
}

/// SHA-1 over the key's text and the GUID.
pub(crate) type Digest = [u8; 20];

/// What the answer to a key is made of. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn digest_of(key: &[u8; KEY_LEN]) -> Digest {
    let mut text = [0; KEY_LEN + GUID.len()];
    if let Some((front, back)) = text.split_first_chunk_mut() {
        *front = *key;
        back.copy_from_slice(GUID);
    }
    sha1(text)
}

/// The answer to a key: its digest in base64. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn accept_of(digest: &Digest) -> [u8; ACCEPT_LEN] {
    let mut accept = [0; ACCEPT_LEN];
    let written = Base64::encode(digest, &mut accept);
    debug_assert!(written.is_ok());
    accept
}

/// SHA-1 with the processor's own instructions where it has them. The text and its length take two blocks.
#[cfg(feature = "sha1")]
fn sha1(text: [u8; 60]) -> Digest {
    let (mut first, mut second) = ([0; 64], [0; 64]);
    if let Some((front, [mark, ..])) = first.split_first_chunk_mut() {
        *front = text;
        *mark = 0x80;
    }
    if let Some(len) = second.last_chunk_mut() {
        *len = (8 * text.len() as u64).to_be_bytes();
    }
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    sha1::compress(&mut state, &[first.into(), second.into()]);
    let mut digest = Digest::default();
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// SHA-1.
#[cfg(not(feature = "sha1"))]
fn sha1(text: [u8; 60]) -> Digest {
    sha1_smol::Sha1::from(text).digest().bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    // WS-4.2.2-26 · WS-4.1-58: the example of section 1.3.
    #[test]
    fn the_rfc_example() {
        assert_eq!(&accept_of(&digest_of(b"dGhlIHNhbXBsZSBub25jZQ==")), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    // WS-4.1-32
    #[test]
    fn a_nonce_becomes_a_key() {
        let nonce = core::array::from_fn(|i| u8::try_from(i + 1).unwrap());
        assert_eq!(&encode_key(nonce), b"AQIDBAUGBwgJCgsMDQ4PEA==");
    }

    // WS-4.2.1-12 · WS-4.2.1-13 · WS-4.3-02
    #[test]
    fn keys_are_sixteen_bytes_in_base64() {
        assert!(valid_key(b"AQIDBAUGBwgJCgsMDQ4PEA==").is_some());
        assert!(valid_key(b"AQIDBAUGBwgJCgsMDQ4PEC==").is_some(), "pad bits are not looked at");
        for key in [
            &b""[..],
            b"AQIDBAUGBwgJCgsMDQ4P",
            b"AQIDBAUGBwgJCgsMDQ4PEBE=",
            b"AQIDBAUGBwgJCgsMDQ4PEA=A",
            b"AQIDBAUGBwgJCgsMDQ4PEAA=",
            b"AQIDBAUGBwgJCgsMDQ4PE===",
            b"AQIDBAUGBwgJCgsMDQ4P-A==",
            b"AQIDBAUGBwgJCgsMDQ4P_A==",
            b"AQIDBAUGBwg CgsMDQ4PEA==",
        ] {
            assert!(valid_key(key).is_none(), "{}", key.escape_ascii());
        }
    }
}
