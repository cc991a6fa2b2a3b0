//! UTF-8 in text messages (RFC 6455 section 8.1), against the grammar of RFC 3629 section 4.

use super::header;
use model::Side;
use sansws::{Agreed, Config, Connection, Delivery, Event, Heap, Server};

/// What a sequence of bytes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sequence {
    /// It can become a character.
    Begun,
    Character,
    Wrong,
}

/// The grammar `UTF8-char` of RFC 3629 section 4, rule by rule.
fn by_the_grammar(bytes: &[u8]) -> Sequence {
    const TAIL: std::ops::RangeInclusive<u8> = 0x80..=0xbf;
    type Rule = &'static [std::ops::RangeInclusive<u8>];
    const RULES: [Rule; 9] = [
        &[0x00..=0x7f],
        &[0xc2..=0xdf, TAIL],
        &[0xe0..=0xe0, 0xa0..=0xbf, TAIL],
        &[0xe1..=0xec, TAIL, TAIL],
        &[0xed..=0xed, 0x80..=0x9f, TAIL],
        &[0xee..=0xef, TAIL, TAIL],
        &[0xf0..=0xf0, 0x90..=0xbf, TAIL, TAIL],
        &[0xf1..=0xf3, TAIL, TAIL, TAIL],
        &[0xf4..=0xf4, 0x80..=0x8f, TAIL, TAIL],
    ];
    for rule in RULES {
        if bytes.len() <= rule.len() && bytes.iter().zip(rule).all(|(byte, range)| range.contains(byte)) {
            return if bytes.len() == rule.len() { Sequence::Character } else { Sequence::Begun };
        }
    }
    Sequence::Wrong
}

fn text_frame(first: u8, text: &[u8]) -> Vec<u8> {
    [header(Side::Server, first, &[u8::try_from(text.len()).unwrap()]), text.to_vec()].concat()
}

fn server(delivery: Delivery) -> Connection<Server, Heap> {
    Connection::after_handshake(Server, Config::new().delivery(delivery), Agreed::NONE)
}

/// Receives the text in fragments of one byte. Says what the text is so far: a connection fails at the first
/// byte that cannot be UTF-8, and does not report a part that ends inside of a character.
fn byte_by_byte(text: &[u8]) -> Sequence {
    let mut connection = server(Delivery::Parts);
    let mut reported = 0;
    for (i, byte) in text.iter().enumerate() {
        let mut frame = text_frame(u8::from(i == 0), &[*byte]);
        let mut input = &mut frame[..];
        while let Some((event, _)) = connection.receive(&mut input) {
            match event {
                Event::Part(part) => reported += part.data.len(),
                Event::Failed => return Sequence::Wrong,
                other => panic!("{other:?}"),
            }
        }
    }
    if reported == text.len() { Sequence::Character } else { Sequence::Begun }
}

/// Receives the text as one message.
fn at_once(text: &[u8]) -> Sequence {
    let mut frame = text_frame(0x81, text);
    let mut connection = server(Delivery::Whole);
    let event = connection.receive(&mut &mut frame[..]).map(|(event, _)| event.kind());
    if event == Some(sansws::EventKind::Message) { Sequence::Character } else { Sequence::Wrong }
}

/// A proof for all sequences of up to four bytes. A sequence goes on only from one that has begun: behind a
/// wrong byte nothing is received, and behind a character the checker is in its initial state again, as the
/// test below shows. So the sequences to try are those whose bytes but the last have begun a character. There
/// are some 20,000 of three bytes, and their 256 successors. WS-8.1-01 · WS-8.1-02
#[test]
fn all_sequences_of_up_to_four_bytes_are_judged_by_the_grammar() {
    let mut begun = vec![Vec::new()];
    let mut characters = 0;
    for len in 1..=4 {
        let mut next = Vec::new();
        for prefix in &begun {
            for byte in 0..=u8::MAX {
                let text = [&prefix[..], &[byte]].concat();
                let expected = by_the_grammar(&text);
                // The last of four bytes leads to few states, so not every prefix of three needs all of them.
                if len < 4 || is_representative(&text) {
                    assert_eq!(byte_by_byte(&text), expected, "{text:02x?}");
                    let is_whole = expected == Sequence::Character;
                    assert_eq!(at_once(&text) == Sequence::Character, is_whole, "{text:02x?}");
                }
                match expected {
                    Sequence::Begun => next.push(text),
                    Sequence::Character => characters += 1,
                    Sequence::Wrong => {}
                }
            }
        }
        begun = next;
    }
    assert!(begun.is_empty(), "a character has at most four bytes");
    assert_eq!(characters, 0x11_0000 - 0x800, "all code points but the surrogates");
}

/// Whether the third byte is at an end of its range, or the second one is. For the others, the model's test
/// of the states below stands.
fn is_representative(text: &[u8]) -> bool {
    matches!(text[2], 0x80 | 0xbf) || matches!(text[1], 0x80 | 0x8f | 0x90 | 0xbf)
}

/// A proof for longer texts: from each state of the checker, each byte leads to the right state. The states
/// are: the initial one, and one for each way in which a character has begun. A text reaches a state by the
/// bytes of `begun`; what comes before them has no influence, which the text in front shows for a character
/// of each length.
#[test]
fn each_byte_leads_from_each_state_to_the_right_one() {
    let begun: [&[u8]; 15] = [
        b"", b"\xc2", b"\xe0", b"\xe1", b"\xed", b"\xee", b"\xf0", b"\xf1", b"\xf4", b"\xe0\xa0",
        b"\xe1\x80", b"\xed\x80", b"\xf0\x90", b"\xf1\x80", b"\xf1\x80\x80",
    ];
    for front in ["", "a", "\u{e9}", "\u{20ac}", "\u{1f600}", "abcdefghijklmnopqrstuvwxyz"] {
        for begun in begun {
            for byte in 0..=u8::MAX {
                let sequence = [begun, &[byte]].concat();
                let text = [front.as_bytes(), &sequence].concat();
                assert_eq!(byte_by_byte(&text), by_the_grammar(&sequence), "{text:02x?}");
            }
        }
    }
}
