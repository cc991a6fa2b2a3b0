//! The first two bytes of a header, and its cuts (RFC 6455 section 5.2).

use super::{SIDES, compare, header};

/// The messages that may have begun: none, a text, and binary data.
const BEGUN: [Option<u8>; 3] = [None, Some(0x01), Some(0x02)];

/// A proof for the first two bytes of every frame: there are 65,536 of them, and what they mean depends on
/// nothing but the role, on RSV1, and on the message that has begun. All of these are tried. The bytes that
/// follow are fixed: they make the length 3, if it has 7 bits, 300 or 2^32, a key, and the payload. WS-5.2-03
/// · WS-5.2-05 · WS-5.1-03 · WS-5.1-06 · WS-5.4-04 · WS-5.4-09 · WS-5.5-02 · WS-5.5-03
#[test]
fn all_first_two_bytes_mean_what_the_rfc_says() {
    for side in SIDES {
        for has_deflate in [false, true] {
            for begun in BEGUN {
                let begun = begun.map(|first| header(side, first, &[0])).unwrap_or_default();
                for bytes in 0..=u16::MAX {
                    let [first, second] = bytes.to_be_bytes();
                    let mut frame = vec![first, second];
                    match second & 0x7f {
                        126 => frame.extend([1, 44]),
                        127 => frame.extend([0, 0, 0, 1, 0, 0, 0, 0]),
                        _ => {}
                    }
                    frame.extend([0; 4]);
                    frame.extend([b'a'; 3]);
                    // First what two bytes alone lead to, then what the rest adds to it.
                    compare(side, has_deflate, &[&begun, &frame[..2]]);
                    compare(side, has_deflate, &[&begun, &frame]);
                }
            }
        }
    }
}

/// A proof that it does not matter where a header is cut: each header has at most 14 bytes, all its cuts into
/// two pieces and the cut into single bytes are tried. It assumes that a header that arrives in three or more
/// pieces is collected as one in two, which the cut into single bytes shows.
#[test]
fn every_cut_of_every_header_leads_to_the_same_events() {
    for side in SIDES {
        for first in [0x81, 0x01, 0x82, 0x02, 0x80, 0x00, 0x88, 0x89, 0x8a, 0xc1, 0x83, 0x09, 0xb1] {
            for length in [&[0][..], &[3], &[125], &[126, 0, 126], &[126, 0, 125], &[126, 255, 255]]
                .into_iter()
                .chain([&[127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[127, 0, 0, 0, 0, 0, 0, 255, 255]])
                .chain([
                    &[127, 0x80, 0, 0, 0, 0, 1, 0, 0][..],
                    &[127, 0x7f, 255, 255, 255, 255, 255, 255, 255],
                ])
            {
                let mut bytes = header(side, first, length);
                bytes.extend(*b"abc");
                for cut in 0..=bytes.len() {
                    let (one, two) = bytes.split_at(cut);
                    compare(side, true, &[one, two]);
                }
                let single: Vec<&[u8]> = bytes.chunks(1).collect();
                compare(side, true, &single);
            }
        }
    }
}
