//! `Sec-WebSocket-Key` and its answer `Sec-WebSocket-Accept`, RFC 6455 sections 4.1 and 4.2.2.

use base64ct::{Base64, Encoding};

/// A fixed string of section 1.3, which an endpoint that knows no WebSocket would not append.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

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

/// Whether the key is the base64 form of 16 bytes. WS-4.2.1-12 · WS-4.3-02
///
/// The four bits of padding may have any value (WS-4.2.1-13): the key is used as text and never decoded, and the
/// RFC's own sample has them set.
pub(crate) fn is_valid_key(key: &[u8]) -> bool {
    key.len() == KEY_LEN
        && key.strip_suffix(b"==").is_some_and(|letters| {
            letters.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        })
}

/// SHA-1 over the key's text and the GUID.
pub(crate) type Digest = [u8; 20];

/// What the answer to a key is made of. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn digest_of(key: &[u8]) -> Digest {
    sha1(key, GUID)
}

/// The answer to a key: its digest in base64. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn accept_of(digest: &Digest) -> [u8; ACCEPT_LEN] {
    let mut accept = [0; ACCEPT_LEN];
    let written = Base64::encode(digest, &mut accept);
    debug_assert!(written.is_ok());
    accept
}

/// SHA-1 over two pieces, with the processor's own instructions where it has them.
#[cfg(feature = "sha1")]
fn sha1(first: &[u8], second: &[u8]) -> Digest {
    use sha1::{Digest, Sha1};
    Sha1::new().chain_update(first).chain_update(second).finalize().into()
}

/// SHA-1 over two pieces.
#[cfg(not(feature = "sha1"))]
fn sha1(first: &[u8], second: &[u8]) -> Digest {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(first);
    sha1.update(second);
    sha1.digest().bytes()
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
        assert!(is_valid_key(b"AQIDBAUGBwgJCgsMDQ4PEA=="));
        assert!(is_valid_key(b"AQIDBAUGBwgJCgsMDQ4PEC=="), "pad bits are not looked at");
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
            assert!(!is_valid_key(key), "{}", key.escape_ascii());
        }
    }
}
