use super::*;
use std::vec::Vec;

fn known_names() -> Vec<&'static [u8]> {
    KNOWN_NAMES.split(|&byte| byte == b',').collect()
}

// WS-2.1-01
#[test]
fn the_compact_comparison_ignores_the_case_of_letters_and_nothing_else() {
    for known in known_names().into_iter().chain([&b"http://"[..], b"https://", b"Cookie", b"x_1"]) {
        assert!(equals_compactly(known, known) && equals_compactly(&known.to_ascii_uppercase(), known));
        assert!(!equals_compactly(&[known, b"s"].concat(), known) && !equals_compactly(&known[1..], known));
        for at in 0..known.len() {
            let mut name = known.to_vec();
            // DEL is the only other byte that equals an underscore, and no head contains it.
            for byte in (0..=u8::MAX).filter(|&byte| byte != 0x7f) {
                name[at] = byte;
                assert_eq!(equals_compactly(&name, known), name.eq_ignore_ascii_case(known), "{byte:#x}");
            }
        }
    }
}

#[test]
fn each_known_name_has_its_index() {
    let index = |name| known_names().iter().position(|known| *known == name);
    for (header, name) in [
        (KnownHeader::HOST, &b"host"[..]),
        (KnownHeader::UPGRADE, b"upgrade"),
        (KnownHeader::CONNECTION, b"connection"),
        (KnownHeader::KEY, b"sec-websocket-key"),
        (KnownHeader::VERSION, b"sec-websocket-version"),
        (KnownHeader::PROTOCOL, b"sec-websocket-protocol"),
        (KnownHeader::EXTENSIONS, b"sec-websocket-extensions"),
        (KnownHeader::ACCEPT, b"sec-websocket-accept"),
        (KnownHeader::LENGTH, b"content-length"),
        (KnownHeader::CODING, b"transfer-encoding"),
        (KnownHeader::EXPECT, b"expect"),
    ] {
        assert_eq!(Some(header.0), index(name));
        for name in [name.to_vec(), name.to_ascii_uppercase()] {
            assert!(KnownHeader::named(&name) == Some(header));
            assert!(KnownHeader::starting_with(&name, b':') == Some(header));
            assert!(KnownHeader::starting_with(&name, b's').is_none());
        }
    }
    // The connection keeps the origin, although no check reads it.
    assert!(KnownHeader::named(b"origin").is_none() && KnownHeader::starting_with(b"origin", b':').is_some());
}

/// Only one name has each length, or nearly so. A header of the same length must not count as the known one.
#[test]
fn a_name_of_the_same_length_as_a_known_one_is_not_known() {
    for known in known_names() {
        for at in 0..known.len() {
            for other in [b'q', b'-', b'0'] {
                let mut name = known.to_vec();
                if name[at] != other {
                    name[at] = other;
                    assert!(KnownHeader::named(&name).is_none(), "{name:?}");
                    assert!(KnownHeader::starting_with(&name, b':').is_none(), "{name:?}");
                }
            }
        }
    }
}
