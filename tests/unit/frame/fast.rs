use super::super::{Header, Purpose};
use super::*;
use crate::bytes::FOR_SPEED;
use std::vec::Vec;

/// The message that the rules admit: its opcode, its unmasked payload, and the rest of the input. `None`
/// if the input does not begin with a whole message in one frame.
fn by_the_rules(input: &[u8], rules: &Rules, max_message: u64) -> Option<(Opcode, Vec<u8>, Vec<u8>)> {
    let (header, header_len) = Header::decode(input, rules).ok()??;
    let is_message = header.fin && !header.rsv1 && matches!(header.opcode, Opcode::Text | Opcode::Binary);
    let len = usize::try_from(header.payload_len).ok()?;
    let is_short = len <= 0xffff && header.payload_len <= max_message;
    let rest = &input[header_len..];
    if !is_message || !is_short || rest.len() < len {
        return None;
    }
    let mut payload = rest[..len].to_vec();
    let key = if rules.masked { input[header_len - 4..header_len].to_vec() } else { [0; 4].to_vec() };
    for (i, byte) in payload.iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
    Some((header.opcode, payload, rest[len..].to_vec()))
}

fn compare(input: &[u8], rules: &Rules, max_message: u64) -> bool {
    let expected = by_the_rules(input, rules, max_message);
    let mut bytes = input.to_vec();
    let mut rest = &mut bytes[..];
    let mut long = None;
    let fast = fast_message(&mut rest, rules, max_message, |opcode, mask, payload| {
        long = Some((opcode, payload.len()));
        mask.apply_long(payload, Purpose::Ascii)
    });
    let found = fast.map(|message| {
        assert!(!message.is_ascii || message.payload.is_ascii());
        let is_long = FOR_SPEED && rules.masked && message.payload.len() > 64;
        assert_eq!(long, is_long.then_some((message.opcode, message.payload.len())));
        (message.opcode, message.payload.to_vec(), rest.to_vec())
    });
    if found.is_none() {
        assert_eq!(bytes, input, "the fast path changed an input that it did not take");
    }
    assert_eq!(found, expected, "{:02x?} {rules:?}", &input[..input.len().min(14)]);
    found.is_some()
}

/// All values of the first two bytes, in both roles, with RSV1 defined or not. WS-5.2-03 · WS-5.1-03 ·
/// WS-5.1-06
#[test]
fn the_fast_path_takes_exactly_the_messages_that_the_rules_admit() {
    let mut taken = 0;
    for masked in [false, true] {
        for rsv1 in [false, true] {
            let rules = Rules { masked, rsv1, max_frame: u64::MAX };
            let mut input = [0x41; 600];
            // If the frame has a 16-bit length, it is 300.
            (input[2], input[3]) = (1, 44);
            for header in 0..=u16::MAX {
                [input[0], input[1]] = header.to_be_bytes();
                taken += usize::from(compare(&input, &rules, u64::MAX));
            }
        }
    }
    // There are 2 opcodes, each with 126 short lengths and one longer one, and 4 sets of rules.
    assert_eq!(taken, 2 * 127 * 4);
}

/// The lengths are at each limit and one byte above it, and the input is cut at different places.
/// WS-10.4-02 · WS-10.4-03 · WS-5.2-14
#[test]
fn the_fast_path_keeps_the_limits_of_the_rules() {
    for masked in [false, true] {
        for len in [0, 1, 125, 126, 127, 300, 0xffff, 0x1_0000] {
            let mut input = Vec::from([0x82]);
            let bit = if masked { 0x80 } else { 0 };
            match u16::try_from(len) {
                Ok(short @ 0..126) => input.push(bit | short.to_le_bytes()[0]),
                Ok(medium) => {
                    input.push(bit | LENGTH_16);
                    input.extend(medium.to_be_bytes());
                }
                Err(_) => {
                    input.push(bit | 0x7f);
                    input.extend((len as u64).to_be_bytes());
                }
            }
            input.extend(if masked { &[1, 2, 3, 4][..] } else { &[] });
            let header_len = input.len();
            input.resize(header_len + len + 3, 7);
            let len = len as u64;
            for (max_frame, max_message) in
                [(len, len), (len.saturating_sub(1), len), (len, len.saturating_sub(1))]
            {
                compare(&input, &Rules { masked, rsv1: false, max_frame }, max_message);
            }
            let rules = Rules { masked, rsv1: false, max_frame: u64::MAX };
            for cut in (0..header_len + 2).chain([input.len() - 4, input.len() - 3]) {
                compare(&input[..cut.min(input.len())], &rules, u64::MAX);
            }
        }
        // A 16-bit length that would fit into 7 bits.
        let rules = Rules { masked, rsv1: false, max_frame: u64::MAX };
        for len in [0, 1, 125, 126] {
            let mut input = [7; 200];
            input[..4].copy_from_slice(&[0x81, if masked { 0xfe } else { 0x7e }, 0, len]);
            assert_eq!(compare(&input, &rules, u64::MAX), len >= 126);
        }
    }
}
