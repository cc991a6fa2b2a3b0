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
