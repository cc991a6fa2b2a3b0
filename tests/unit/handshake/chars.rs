use super::*;

// Tables are made at compile time. These are made at run time by the same code.
#[test]
fn a_set_contains_its_characters_and_no_others() {
    let some = CharSet::of(b"%:/");
    let none = CharSet::of(b"");
    let letters = CharSet::alphanumeric_and(b"-\x7f\0");
    for byte in 0..=u8::MAX {
        assert_eq!(some.has(byte), b"%:/".contains(&byte), "{byte}");
        assert!(!none.has(byte), "{byte}");
        assert_eq!(letters.has(byte), byte.is_ascii_alphanumeric() || b"-\x7f\0".contains(&byte), "{byte}");
    }
}
