use super::*;
use std::string::{String, ToString};
use std::vec::Vec;

/// Checks a list element by element, with the table, and with the comparison with a usual offer. All
/// results must be equal.
fn assert_all_ways_agree(value: &str) {
    for first in [List::Missing, List::Empty, List::Valid, List::Malformed] {
        let value = value.as_bytes();
        let mut lists = [first; 5];
        lists[0].add_elements(extensions(value).map(|extension| extension.is_ok()));
        lists[1].add_by_table(value, EXTENSIONS);
        assert_eq!(lists[0], lists[1], "extensions {}", value.escape_ascii());
        lists[2].add_elements(elements(value).map(is_token));
        lists[3].add_by_table(value, TOKENS);
        assert_eq!(lists[2], lists[3], "tokens {}", value.escape_ascii());
        lists[4].add_extensions(value);
        assert_eq!(lists[0], lists[4], "extensions {}", value.escape_ascii());
    }
}

// WS-4.3-01 · WS-4.3-06 · WS-4.3-07 · WS-9.1-02
#[test]
fn the_table_accepts_the_same_lists_as_the_functions() {
    // Every text of up to five of these pieces.
    let bytes = ["a", " ", ",", ";", "=", "\"", "\\", "\t", "\u{e9}"];
    for len in 0..=5 {
        for number in 0..bytes.len().pow(len) {
            let piece = |at: u32| bytes[number / bytes.len().pow(at) % bytes.len()];
            assert_all_ways_agree(&(0..len).map(piece).collect::<String>());
        }
    }
    for value in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "foo; a=1 b",
        r#"foo; x="1\0""#,
        r#"foo; x="10", bar; y="2""#,
        r#"foo; x="a\"b""#,
        r#"foo; x="a"b"#,
    ] {
        assert_all_ways_agree(value);
    }
}

// WS-2.1-01 · WS-4.2.1-10
#[test]
fn token_lists_fold_ascii_case_only() {
    assert!(has_token(b"keep-alive, \tUPGRADE", b"upgrade"));
    assert!(!has_token(b"upgraded", b"upgrade"));
    assert!(!has_token("web\u{17f}oc\u{212a}et".as_bytes(), b"websocket"));
}

// WS-4.3-04
#[test]
fn a_version_is_a_number_from_0_to_255_without_leading_zeros() {
    let expected = |text: &str| {
        let is_number =
            text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        text.parse::<u8>().ok().filter(|_| is_number)
    };
    // Every number of up to five digits, with zeros in front too. Beyond 65,535 the number wraps around.
    for number in 0..=99_999_u32 {
        for text in [number.to_string(), std::format!("{number:03}"), std::format!("{number:05}")] {
            assert_eq!(parse_version(text.as_bytes()), expected(&text), "{text}");
        }
    }
    assert_eq!(parse_version(b"4294967309"), None);
    // Every text of up to four of these characters. Those around the digits come before `0` and after `9`.
    let characters = ['0', '1', '2', '5', '6', '9', '/', ':', '+', '-', ' ', 'a', '\u{660}'];
    for len in 0..=4 {
        for number in 0..characters.len().pow(len) {
            let character = |at: u32| characters[number / characters.len().pow(at) % characters.len()];
            let text: String = (0..len).map(character).collect();
            assert_eq!(parse_version(text.as_bytes()), expected(&text), "{text:?}");
        }
    }
}

#[test]
fn a_header_that_may_occur_once_is_repeated_from_the_second_time_on() {
    let mut value = Once::Missing;
    let mut seen = Vec::new();
    for number in 0..4 {
        seen.push(match value {
            Once::Missing => "missing".to_string(),
            Once::Found(number) => std::format!("{number}"),
            Once::Repeated => "repeated".to_string(),
        });
        value.set(number);
    }
    assert_eq!(seen, ["missing", "0", "repeated", "repeated"]);
}
