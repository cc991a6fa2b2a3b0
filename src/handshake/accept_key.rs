//! `Sec-WebSocket-Key` and its answer `Sec-WebSocket-Accept`, RFC 6455 sections 4.1 and 4.2.2.

use super::chars::CharSet;
use super::sha1::{Digest, sha1};

/// The fixed string of section 1.3. Only an endpoint that knows the WebSocket protocol appends it to a key.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static BASE64: CharSet = CharSet::alphanumeric_and(b"+/");

/// The length of 16 bytes in base64.
pub(crate) const KEY_LEN: usize = 24;
/// The length of a SHA-1 digest, which has 20 bytes, in base64.
pub(crate) const ACCEPT_LEN: usize = 28;

/// The base64 form of a nonce. WS-4.1-32
pub(crate) fn encode_key(nonce: [u8; 16]) -> [u8; KEY_LEN] {
    let mut key = [0; KEY_LEN];
    encode(&nonce, &mut key);
    key
}

/// Writes `bytes` in base64 with padding (RFC 4648 section 4). `to` has exactly the length of the result.
#[cfg(all(feature = "alloc", not(feature = "sha1")))]
fn encode(bytes: &[u8], to: &mut [u8]) {
    use base64ct::{Base64, Encoding};
    // It fails only if `to` is too short.
    let _ = Base64::encode(bytes, to);
}

/// As above, but faster: the letters come from a table, which is safe since no input is secret.
#[cfg(feature = "sha1")]
fn encode(bytes: &[u8], to: &mut [u8]) {
    static LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (three, four) in bytes.chunks(3).zip(to.chunks_exact_mut(4)) {
        let byte = |at: usize| three.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (letter, (at, shift)) in four.iter_mut().zip([(0, 18), (1, 12), (2, 6), (3, 0)]) {
            // One byte takes two letters, and two bytes take three.
            let is_padding = at > three.len();
            let six = (bits >> shift & 63) as usize;
            *letter = if is_padding { b'=' } else { LETTERS.get(six).copied().unwrap_or_default() };
        }
    }
}

/// As above, with little code that cannot panic.
#[cfg(not(any(feature = "alloc", feature = "sha1")))]
#[inline(never)]
fn encode(bytes: &[u8], to: &mut [u8]) {
    let mut bytes = bytes.iter();
    // The lowest `count` bits of `bits` were read and are not written yet: always fewer than 14, and at least
    // 6 if a letter is written. So no operation below wraps.
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in to {
        if count < 6 {
            match bytes.next() {
                Some(byte) => {
                    bits = bits << 8 | u32::from(*byte);
                    count = count.wrapping_add(8);
                }
                None if count == 0 => {
                    *letter = b'=';
                    continue;
                }
                None => {
                    bits = bits.wrapping_shl(6_u32.wrapping_sub(count));
                    count = 6;
                }
            }
        }
        count = count.wrapping_sub(6);
        let six = (bits.wrapping_shr(count) & 63) as u8;
        *letter = match six {
            0..=25 => six.wrapping_add(b'A'),
            26..=51 => six.wrapping_add(b'a' - 26),
            52..=61 => six.wrapping_sub(52 - b'0'),
            62 => b'+',
            _ => b'/',
        };
    }
}

/// Returns the key if it is the base64 form of 16 bytes. WS-4.2.1-12 · WS-4.3-02
///
/// The four bits of padding may have any value (WS-4.2.1-13): the key is used as text and never decoded, and
/// the RFC's own sample has them set.
pub(crate) fn valid_key(key: &[u8]) -> Option<&[u8; KEY_LEN]> {
    let mut padding = key;
    BASE64.take_from(&mut padding);
    if padding == b"==" { key.try_into().ok() } else { None }
}

/// The digest of a key, which the answer to the key encodes. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn digest_of(key: &[u8; KEY_LEN], digest: &mut Digest) {
    sha1(key, GUID, digest);
}

/// The answer to a key: the digest in base64. WS-4.2.2-26 · WS-4.1-58
pub(crate) fn accept_of(digest: &Digest) -> [u8; ACCEPT_LEN] {
    let mut accept = [0; ACCEPT_LEN];
    encode(digest, &mut accept);
    accept
}

#[cfg(test)]
#[path = "../../tests/unit/handshake/accept_key.rs"]
mod tests;
