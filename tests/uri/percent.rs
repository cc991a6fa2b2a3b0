//! Percent-encoding of the data in a path and in a query (RFC 3986 section 2).

use super::*;
use sansws::handshake::PercentEncoded;

const UNRESERVED: &str = "-._~";
const SUB_DELIMS: &str = "!$&'()*+,;=";

/// Decodes each `%XX`.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            assert!(!digits.iter().any(u8::is_ascii_lowercase), "RFC 3986 section 2.1: upper case");
            decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

// RFC 3986 sections 3.3 and 3.4
#[test]
fn each_byte_is_encoded_unless_it_can_stand_for_itself() {
    for byte in 0..=0xff_u8 {
        let is_unreserved = byte.is_ascii_alphanumeric() || UNRESERVED.contains(char::from(byte));
        let is_pchar =
            is_unreserved || format!("{SUB_DELIMS}:@").contains(char::from(byte)) && byte.is_ascii();
        // These separate the parts of a query: `a=b&c=d`, and a plus sign is a space to many servers.
        let is_in_query = (is_pchar || b"/?".contains(&byte)) && !b"&=+;".contains(&byte);
        for (encoded, is_plain) in [
            (PercentEncoded::path(&[byte]).to_string(), is_pchar || byte == b'/'),
            (PercentEncoded::segment(&[byte]).to_string(), is_pchar),
            (PercentEncoded::query(&[byte]).to_string(), is_in_query),
        ] {
            let expected = if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            assert_eq!(encoded, expected, "{byte:#x}");
        }
    }
}

#[test]
fn encoded_text_makes_a_valid_uri() {
    let path = PercentEncoded::path("/rooms/K\u{f6}ln & Bonn/100%");
    let (name, value) = (PercentEncoded::query("na me"), PercentEncoded::query("a=b&c+d#e \u{1f980}"));
    let uri = format!("ws://h{path}/{}?{name}={value}", PercentEncoded::segment("a/b?c#d"));
    assert_eq!(
        uri,
        "ws://h/rooms/K%C3%B6ln%20&%20Bonn/100%25/a%2Fb%3Fc%23d?na%20me=a%3Db%26c%2Bd%23e%20%F0%9F%A6%80"
    );
    assert_eq!(parse(&uri).to_string(), uri);
    // The text may be secret, so `Debug` shows its length only.
    assert_eq!(format!("{value:?}"), "PercentEncoded(14 bytes)");
    assert_eq!(PercentEncoded::path("").to_string(), "");
}

proptest! {
    #[test]
    fn any_bytes_can_be_decoded_again(bytes in any::<Vec<u8>>()) {
        for encoded in [PercentEncoded::path(&bytes), PercentEncoded::segment(&bytes), PercentEncoded::query(&bytes)] {
            prop_assert_eq!(decode(&encoded.to_string()), &bytes[..]);
        }
        let segment = PercentEncoded::segment(&bytes);
        let uri = format!("ws://h/{segment}?{}", PercentEncoded::query(&bytes));
        prop_assert!(Uri::parse(&uri).is_ok(), "{}", uri);
    }
}
