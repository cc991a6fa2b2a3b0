use super::*;
use std::vec::Vec;

// WS-2.1-01
#[test]
fn a_comparison_by_words_gives_the_same_result_as_byte_by_byte() {
    for known in
        [&b"host"[..], b"origin", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"]
    {
        assert!(equals_known(known, known) && equals_known(&known.to_ascii_uppercase(), known));
        let longer: Vec<u8> = [known, b"s"].concat();
        assert!(!equals_known(&longer, known));
        for at in 0..known.len() {
            let mut name = known.to_vec();
            for byte in 0..=u8::MAX {
                name[at] = byte;
                let expected = name.eq_ignore_ascii_case(known);
                assert_eq!(equals_known(&name, known), expected, "{:?}", name.escape_ascii());
            }
        }
    }
}

/// The length of the front whose bytes all belong.
fn front(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !belongs(byte)).unwrap_or(bytes.len())
}

// Each byte has each place in each word that a scan reads, after bytes of each kind. The expected lengths
// come from the definitions of a token and of a value, RFC 9110 sections 5.6.2 and 5.5.
#[test]
fn a_scan_by_words_stops_at_the_same_byte_as_a_scan_by_bytes() {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_value = |byte: u8| byte == b'\t' || !(byte < b' ' || byte == 0x7f);
    for filler in *b"a-Z9zA~@[`{\x80\xff" {
        for len in [1, 7, 8, 9, 16, 17, 33] {
            let mut bytes = [filler; 33];
            let bytes = &mut bytes[..len];
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    bytes[at] = byte;
                    assert_eq!(token_len(bytes), front(bytes, is_token), "{}", bytes.escape_ascii());
                    assert_eq!(value_len(bytes), front(bytes, is_value), "{}", bytes.escape_ascii());
                    let line_feed = bytes.iter().position(|&byte| byte == b'\n');
                    assert_eq!(find_line_feed(bytes), line_feed, "{}", bytes.escape_ascii());
                }
                bytes[at] = filler;
            }
        }
    }
}

#[test]
fn a_word_is_printable_if_each_byte_is() {
    for at in 0..WORD {
        for byte in 0..=u8::MAX {
            // The bytes around it are those next to a limit.
            for around in [b' ', b'~', 0x1f, 0x7f, 0x80, 0xff] {
                let mut bytes = [around; WORD];
                bytes[at] = byte;
                let expected = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
                assert_eq!(is_printable(Word::from_le_bytes(bytes)), expected, "{bytes:?}");
            }
        }
    }
}
