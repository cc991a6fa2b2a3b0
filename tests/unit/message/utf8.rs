use super::*;

/// The position of the byte at which the check fails, if it gets `text` byte by byte; `None` if it never
/// fails.
fn first_bad_byte(text: &[u8]) -> Option<usize> {
    let mut utf8 = Utf8::new();
    text.iter().position(|&byte| utf8.push(&[byte]).is_err())
}

// WS-2.1-03
#[test]
fn the_check_fails_at_the_first_byte_that_cannot_be_utf8() {
    for (text, bad) in [
        (&b"\xc0\xaf"[..], 0),
        (b"\xc1", 0),
        (b"\xed\xa0\x80", 1),
        (b"\xe0\x9f", 1),
        (b"\xf0\x8f", 1),
        (b"\xf4\x90\x80\x80", 1),
        (b"\xf5", 0),
        (b"\xff", 0),
        (b"ab\x80", 2),
        (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0", 8),
    ] {
        assert_eq!(first_bad_byte(text), Some(bad), "{text:02x?}");
        for cut in 0..text.len() {
            let mut utf8 = Utf8::new();
            let fails = utf8.push(&text[..cut]).is_err() || utf8.push(&text[cut..]).is_err();
            assert!(fails, "{text:02x?} cut at {cut}");
        }
    }
}

fn assert_as_core(bytes: &[u8]) {
    let expected = std::str::from_utf8(bytes).ok();
    assert_eq!(validate(bytes).ok(), expected, "{bytes:02x?}");
    #[cfg(feature = "simdutf8")]
    for old in [0, 0x80, 0xff] {
        // The old contents of the room do not matter.
        let padded = validate_padded(bytes, &mut [old; SIMD_LEN]).ok().map(str::len);
        let fits = bytes.len() <= SIMD_LEN;
        assert_eq!(padded, expected.filter(|_| fits).map(str::len), "{bytes:02x?}");
        let mut room = [old; SIMD_LEN];
        assert!(validate_padded(bytes, &mut room).is_err() || bytes == &room[..bytes.len()]);
    }
}

/// The length decides which code validates a text. WS-2.1-03
#[test]
fn every_check_agrees_with_the_core_library() {
    let text = "aé€😀\u{10ffff}\u{d7ff}\u{7f}ß".repeat(12);
    let bad = [0x80, 0xbf, 0xc0, 0xc1, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff, 0x9f, 0xa0, 0x90, 0x7f];
    for from in 0..5 {
        for to in from..text.len() {
            let mut piece = text.as_bytes()[from..to].to_vec();
            assert_as_core(&piece);
            if to % 31 > 0 {
                continue;
            }
            for (at, bad) in (0..piece.len()).flat_map(|at| bad.map(|bad| (at, bad))) {
                let good = core::mem::replace(&mut piece[at], bad);
                assert_as_core(&piece);
                piece[at] = good;
            }
        }
    }
}

#[test]
fn bytes_above_127_are_never_accepted_as_ascii() {
    for len in 0..300 {
        let mut text = b"a".repeat(len);
        assert_eq!(validate_ascii(&text).ok(), std::str::from_utf8(&text).ok());
        for at in 0..len {
            text[at] = 0x80;
            assert_eq!(validate_ascii(&text), Err(InvalidUtf8), "length {len}, byte {at}");
            text[at] = b'a';
        }
    }
}

// WS-8.1-01 · WS-8.1-02
#[test]
fn the_check_of_a_contiguous_text_agrees_with_the_incremental_check() {
    for text in
        ["aé€😀z".as_bytes(), b"\xc0\xaf", b"a\xed\xa0\x80", b"\xe0\x9f", b"\xf0\x8f", b"\xf4\x90", b"ab\x80"]
    {
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (mut utf8, mut contiguous) = (Utf8::new(), Utf8::new());
                for (from, to) in [(0, first), (first, second), (second, text.len())] {
                    let expected = utf8.push(&text[from..to]);
                    assert_eq!(
                        contiguous.push_contiguous(&text[..to], to - from),
                        expected,
                        "{text:02x?} {from} {to}"
                    );
                    if expected.is_err() {
                        break;
                    }
                    assert_eq!(contiguous.is_complete(), utf8.is_complete(), "{text:02x?} {from} {to}");
                }
            }
        }
    }
}

#[test]
fn a_valid_text_is_valid_however_it_is_cut() {
    let text = "aé€😀\u{10ffff}\u{d7ff}z".as_bytes();
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let mut utf8 = Utf8::new();
            for piece in [&text[..first], &text[first..second], &text[second..]] {
                assert_eq!(utf8.push(piece), Ok(()));
            }
            assert!(utf8.is_complete());
        }
    }
}

// WS-8.1-02
#[test]
fn a_text_that_ends_inside_a_character_is_not_complete() {
    for text in ["é", "€", "😀"] {
        for cut in 1..text.len() {
            let mut utf8 = Utf8::new();
            assert_eq!(utf8.push(&text.as_bytes()[..cut]), Ok(()));
            assert_eq!(utf8.missing(), text.len() - cut);
            assert!(!utf8.is_complete());
        }
    }
}
