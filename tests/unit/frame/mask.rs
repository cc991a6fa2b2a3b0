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
    for len in [255, 256, 257, 319, 320, 321, 8191, 8192, 8193, 8256, 8300, 16_384, 16_448, 24_700] {
        for from in [0, 1, 7, 8, 63, 64, 65] {
            let plain = &plain[from..from + len];
            let mut expected = plain.to_vec();
            naive(&mut expected, key);
            let mut got = plain.to_vec();
            let mut mask = Mask::new(key);
            let is_ascii = mask.apply_to(&mut got, true);
            assert_eq!(got, expected, "length {len} from {from}");
            assert!(!is_ascii || expected.is_ascii());
            got.copy_from_slice(plain);
            let mut masking = Mask::new(key);
            masking.apply(&mut got);
            assert_eq!((&got, masking), (&expected, mask), "length {len} from {from}");
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
