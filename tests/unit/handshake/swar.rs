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
