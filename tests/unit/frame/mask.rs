use super::*;

/// The algorithm of section 5.3, exactly as written there.
fn naive(data: &mut [u8], key: [u8; 4]) {
    for (i, byte) in data.iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
}

// WS-5.3-05 · WS-5.3-08
#[test]
fn masking_a_short_payload_of_any_length_equals_the_rfc_algorithm() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    for len in 0..200u8 {
        let mut expected: [u8; 200] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let mut got = expected;
        naive(&mut expected[..len.into()], key);
        let plain = got;
        Mask::new(key).apply(&mut got[..len.into()]);
        let mut copied = plain;
        Mask::new(key).copy(&plain[..len.into()], &mut copied[..len.into()]);
        assert_eq!(copied, expected, "copy of length {len}");
        assert_eq!(got, expected, "length {len}");
        got = plain;
        Mask::new(key).apply_compactly(&mut got[..len.into()]);
        assert_eq!(got, expected, "compactly, length {len}");
    }
}

/// Other code masks long payloads: with vectors that may start at any address, from the end of the
/// payload to its start. WS-5.3-05
#[test]
fn masking_a_long_payload_equals_the_rfc_algorithm() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let plain: [u8; 25_000] = core::array::from_fn(|i| (i * 31 % 251).to_le_bytes()[0]);
    for len in
        [255, 256, 257, 319, 320, 321, 2047, 2048, 2049, 8191, 8192, 8193, 8256, 8300, 16_384, 16_448, 24_700]
    {
        for from in [0, 1, 7, 8, 63, 64, 65] {
            let plain = &plain[from..from + len];
            let mut expected = plain.to_vec();
            naive(&mut expected, key);
            let mut got = plain.to_vec();
            let mut mask = Mask::new(key);
            let is_ascii = mask.apply_to(&mut got, Purpose::Ascii);
            assert_eq!(got, expected, "length {len} from {from}");
            assert!(!is_ascii || expected.is_ascii());
            for purpose in [Purpose::Any, Purpose::Validation] {
                got.copy_from_slice(plain);
                let mut masking = Mask::new(key);
                masking.apply_to(&mut got, purpose);
                assert_eq!((&got, masking), (&expected, mask), "length {len} from {from}, {purpose:?}");
            }
            got.fill(0);
            let mut copying = Mask::new(key);
            copying.copy(plain, &mut got);
            assert_eq!(got, expected, "copy of length {len} from {from}");
            assert_eq!(mask, copying);
        }
    }
}

// WS-5.3-06
#[test]
fn masking_in_pieces_equals_masking_at_once() {
    let key = [1, 2, 3, 4];
    let plain: [u8; 67] = core::array::from_fn(|i| u8::try_from(i * 3).unwrap());
    let mut expected = plain;
    naive(&mut expected, key);
    for first in 0..plain.len() {
        for second in first..plain.len() {
            let mut got = plain;
            let mut mask = Mask::new(key);
            mask.apply(&mut got[..first]);
            mask.apply(&mut got[first..second]);
            mask.apply(&mut got[second..]);
            assert_eq!(got, expected, "cut at {first} and {second}");
            got = plain;
            mask = Mask::new(key);
            mask.apply_compactly(&mut got[..first]);
            mask.apply_compactly(&mut got[first..second]);
            mask.apply_compactly(&mut got[second..]);
            assert_eq!(got, expected, "compactly, cut at {first} and {second}");
        }
    }
}

/// The longest payload of the proofs below.
const LONGEST: usize = 600;
/// The longest vector has this many bytes, so a first byte has this many alignments.
const ALIGNMENTS: usize = 64;

/// How much of a proof to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// One alignment of each length, and a bit of every 31st payload byte.
    Quick,
    /// All alignments with a bit of each payload byte, and one alignment of each length with all bits. No
    /// step of the code depends on an alignment and works inside of a byte. It takes minutes without
    /// optimisation.
    All,
}

/// Proves that `mask` masks as section 5.3 demands, for all payloads of this length and all keys, at any
/// position in the key. `mask` gets the key, the payload, and the room for the result, which already holds
/// the payload. It returns whether the result is ASCII. `Some(false)` means that there is no result.
///
/// Why this is a proof: the code has no branch on payload or key, and does nothing but move bytes and combine
/// them with XOR. So the result is linear over GF(2) in the bits of payload and key: the result for a sum of
/// inputs is the sum of the results. A linear function is known if its results are known for each input that
/// has one bit set. The rotation of the key by its position permutes these inputs, so all four positions are
/// among them.
pub(super) fn prove(
    lens: core::ops::RangeInclusive<usize>, extent: Extent,
    mut mask: impl FnMut(&mut Mask, &[u8], &mut [u8]) -> Option<bool>,
) {
    const UNTOUCHED: u8 = 0x55;
    let mut room = std::vec![UNTOUCHED; LONGEST + 4 * ALIGNMENTS];
    let aligned = room.as_ptr().align_offset(ALIGNMENTS) + ALIGNMENTS;
    for len in lens {
        let one = len * 7 % ALIGNMENTS;
        for alignment in if extent == Extent::All { 0..=ALIGNMENTS - 1 } else { one..=one } {
            let start = aligned + alignment;
            let mut payload = std::vec![0; len];
            let mut check = |key: [u8; 4], payload: &[u8], expected: &[u8]| {
                let to = &mut room[start..start + len];
                to.copy_from_slice(payload);
                let mut used = Mask::new(key);
                let is_ascii = mask(&mut used, payload, to);
                assert!(is_ascii.is_none_or(|is_ascii| is_ascii == expected.is_ascii()), "length {len}");
                if is_ascii == Some(false) {
                    return;
                }
                assert!(*to == *expected, "length {len}, alignment {alignment}, key {key:?}");
                let mut turned = key;
                turned.rotate_left(len % 4);
                assert_eq!(used, Mask::new(turned), "length {len}");
            };
            check([0; 4], &payload, &payload);
            for bit in 0..32 {
                let key = (1u32 << bit).to_le_bytes();
                let mut expected = payload.clone();
                naive(&mut expected, key);
                check(key, &payload, &expected);
            }
            let (first, step) = if extent == Extent::All { (0, 1) } else { (len % 31, 31) };
            for at in (first..len).step_by(step) {
                let bit = (at + alignment) % 8;
                let bits = if extent == Extent::All && alignment == one { 0..=7 } else { bit..=bit };
                for bit in bits {
                    payload[at] = 1 << bit;
                    check([0; 4], &payload, &payload);
                }
                payload[at] = 0;
            }
            let around = room[..start].iter().chain(&room[start + len..]);
            assert!(around.clone().all(|byte| *byte == UNTOUCHED), "length {len} reaches beyond the room");
            room[start..start + len].fill(UNTOUCHED);
        }
    }
}

fn prove_each_way(extent: Extent) {
    for purpose in [Purpose::Any, Purpose::Validation, Purpose::Ascii] {
        prove(0..=LONGEST, extent, |mask, _, to| {
            // For some lengths the answer "not ASCII" means "not known".
            if mask.apply_to(to, purpose) { Some(true) } else { None }
        });
    }
    prove(0..=LONGEST, extent, |mask, from, to| {
        mask.copy(from, to);
        None
    });
    prove(0..=LONGEST, extent, |mask, _, to| {
        mask.apply_compactly(to);
        None
    });
}

/// A part of the proof below. WS-5.3-05 · WS-5.3-06 · WS-5.3-08
#[test]
fn masking_passes_each_bit_and_each_bit_of_the_key() {
    prove_each_way(Extent::Quick);
}

/// A proof for all payloads of up to 600 bytes, see [`prove`].
#[test]
#[ignore = "it takes seconds with optimisation, and minutes without"]
fn proof_that_masking_is_the_algorithm_of_the_rfc() {
    prove_each_way(Extent::All);
}

#[test]
fn a_plain_payload_of_any_length_is_copied_completely() {
    let payload: [u8; 300] = core::array::from_fn(|at| at.to_le_bytes()[0] | 1);
    for len in 0..=payload.len() {
        let from = &payload[..len];
        let to = &mut [0; 300][..len];
        copy_plain(from, to);
        assert_eq!(to, from, "{len}");
    }
}
