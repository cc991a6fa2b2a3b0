use super::*;
use std::vec::Vec;

/// The known names with their colons, each with the number of bytes that it shares with the name before it.
fn known_entries() -> Vec<(usize, Vec<u8>)> {
    let (mut entries, mut rest) = (Vec::<(usize, Vec<u8>)>::new(), KNOWN_NAMES);
    while let Some((shared, name, after)) = first_name(rest) {
        let last = entries.last().map_or(&[][..], |(_, name)| name);
        entries.push((shared, [&last[..shared], name].concat()));
        rest = after;
    }
    assert!(rest.is_empty(), "each length is right");
    entries
}

fn known_names() -> Vec<Vec<u8>> {
    known_entries().into_iter().map(|(_, name)| name.strip_suffix(b":").expect("a colon").to_vec()).collect()
}

#[test]
fn each_known_name_shares_exactly_as_many_bytes_with_the_name_before_it_as_the_table_says() {
    let mut last = Vec::new();
    for (shared, name) in known_entries() {
        let same = name.iter().zip(&last).take_while(|(one, other)| one == other).count();
        assert_eq!(shared, same, "{}", name.escape_ascii());
        assert!(name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'-' | b':')), "{}", name.escape_ascii());
        last = name;
    }
}

// WS-2.1-01
#[test]
fn the_comparison_ignores_the_case_of_letters_and_nothing_else() {
    let others = [&b"http://"[..], b"https://", b"Cookie", b"x_1^"];
    for known in known_names().iter().map(Vec::as_slice).chain(others) {
        assert_eq!(common_len(known, &known.to_ascii_uppercase()), known.len());
        assert_eq!(common_len(&[known, b"s"].concat(), known), known.len());
        assert_eq!(common_len(&known[1..], &known[..0]), 0);
        for at in 0..known.len() {
            let mut name = known.to_vec();
            for byte in 0..=u8::MAX {
                name[at] = byte;
                let is_same = byte.eq_ignore_ascii_case(&known[at]);
                assert_eq!(common_len(&name, known), if is_same { known.len() } else { at }, "{byte:#x}");
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
            assert!(KnownHeader::longest_match(&name, b": x") == (header, 1));
            assert_eq!(KnownHeader::longest_match(&name, b"s:").1, 0);
        }
    }
    assert!(wanted_len(&[], b"origin", b":") == 1);
}

/// Only one name has each length, or nearly so. A header of the same length must not count as the known one.
#[test]
fn a_name_of_the_same_length_as_a_known_one_is_not_known() {
    for known in known_names() {
        for at in 0..known.len() {
            for other in 0..=u8::MAX {
                let mut name = known.clone();
                name[at] = other;
                let is_same = other.eq_ignore_ascii_case(&known[at]);
                // The connection keeps the origin, although no check reads it.
                let is_read = is_same && !(FOR_SPEED && known == b"origin");
                assert_eq!(KnownHeader::named(&name).is_some(), is_read, "{}", name.escape_ascii());
                let len = KnownHeader::longest_match(&name, b":").1;
                assert_eq!(len, usize::from(is_same), "{}", name.escape_ascii());
            }
        }
    }
}

#[test]
fn a_line_is_wanted_up_to_the_byte_that_no_wanted_name_has_wherever_it_is_cut() {
    let names = ["Cookie", "x-host", "Sec-WebSocket-Key2"];
    for (line, len) in [
        ("Host: a", 5),
        ("Hostess: a", 4),
        ("COOKIE: a", 7),
        ("cookies: a", 6),
        ("X-Hos", 5),
        ("Sec-WebSocket-Key: a", 18),
        // A longer name begins like a shorter one.
        ("Sec-WebSocket-Key2: a", 19),
        ("Sec-WebSocket-Key3: a", 17),
        ("content-length: 0", 15),
        ("contented: 0", 7),
        ("Accept: a", 0),
        (": a", 0),
        ("\r\n", 0),
        ("", 0),
    ] {
        for cut in 0..=len {
            let (start, next) = line.as_bytes().split_at(cut);
            // The colon ends the name, so no line is asked about behind it.
            if !start.ends_with(b":") {
                assert_eq!(wanted_len(&names, start, next), len - cut, "{line:?}, cut at {cut}");
            }
        }
    }
}

#[test]
fn a_name_that_is_no_token_is_not_wanted() {
    for name in ["", "a b", "x_1\x7f", "a:"] {
        assert_eq!(wanted_len(&[name], b"", name.as_bytes()), 0, "{name:?}");
        assert_eq!(wanted_len(&[name], b"", b":"), 0, "{name:?}");
    }
}
