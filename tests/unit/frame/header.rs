use super::*;

const CLIENT_SIDE: Rules = Rules { masked: false, rsv1: false, max_frame: u64::MAX };

fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    Header::decode(bytes, &CLIENT_SIDE)
}

// WS-5.2-09 · WS-5.2-10 · WS-5.2-11 · WS-5.2-13 · WS-5.2-08
#[test]
fn an_encoded_header_decodes_to_the_same_header() {
    for opcode in [Opcode::Continuation, Opcode::Text, Opcode::Binary] {
        for key in [None, Some([1, 2, 3, 4])] {
            for payload_len in [0, 1, 125, 126, 0xffff, 0x1_0000, u64::MAX >> 1] {
                let header = FrameHeader::encode(opcode, true, payload_len, key);
                let bytes = header.as_bytes();
                let rules = Rules { masked: key.is_some(), ..CLIENT_SIDE };
                let mask = key.map_or(Mask::NONE, Mask::new);
                let expected = Header { fin: true, rsv1: false, opcode, mask, payload_len };
                assert_eq!(Header::decode(bytes, &rules), Ok(Some((expected, bytes.len()))));
                for cut in 0..bytes.len() {
                    assert_eq!(Header::decode(&bytes[..cut], &rules), Ok(None), "{bytes:?} cut at {cut}");
                }
                if let Ok(payload_len) = usize::try_from(payload_len) {
                    assert_eq!(usize::from(FrameHeader::len_for(payload_len, key.is_some())), bytes.len());
                    assert_eq!(header.key(), key);
                }
            }
        }
    }
}

#[test]
fn a_header_fails_at_its_first_bad_byte() {
    assert_eq!(decode(&[0xc1]), Err(Violation::ReservedBits(4).into()));
    assert_eq!(decode(&[0x83]), Err(Violation::UnknownOpcode(3).into()));
    assert_eq!(decode(&[0x09]), Err(Violation::ControlFragmented.into()));
    assert_eq!(decode(&[0x89, 0x7e]), Err(Violation::ControlTooLong.into()));
    assert_eq!(decode(&[0x81, 0x80]), Err(Violation::Masked.into()));
}

// WS-10.4-02: a frame at the limit, and one that is one byte longer.
#[test]
fn a_frame_above_the_limit_fails_before_its_masking_key_arrives() {
    let rules = Rules { masked: true, rsv1: false, max_frame: 300 };
    assert_eq!(Header::decode(&[0x82, 0xfe, 0x01, 0x2c], &rules), Ok(None));
    assert_eq!(Header::decode(&[0x82, 0xfe, 0x01, 0x2d], &rules), Err(Limit::Frame.into()));
}

#[cfg(feature = "deflate")]
#[test]
fn only_the_first_frame_of_a_message_may_set_rsv1() {
    let rules = Rules { rsv1: true, ..CLIENT_SIDE };
    assert!(Header::decode(&[0xc1, 0], &rules).unwrap().unwrap().0.rsv1);
    for first in [0xc0, 0xc8, 0xc9, 0xca] {
        assert_eq!(Header::decode(&[first], &rules), Err(Violation::ReservedBits(4).into()));
    }
    assert_eq!(Header::decode(&[0xe1], &rules), Err(Violation::ReservedBits(2).into()));
}

#[test]
fn a_shown_header_lacks_the_masking_key_and_nothing_else() {
    for (len, shown) in [
        (5, "FrameHeader([82, 05])"),
        (126, "FrameHeader([82, 7e, 00, 7e])"),
        (1 << 16, "FrameHeader([82, 7f, 00, 00, 00, 00, 00, 01, 00, 00])"),
    ] {
        assert_eq!(std::format!("{:?}", FrameHeader::encode(Opcode::Binary, true, len, None)), shown);
        let masked = FrameHeader::encode(Opcode::Binary, true, len, Some([0xaa, 0xbb, 0xcc, 0xdd]));
        let bits = usize::from(masked.as_bytes()[1]);
        let shown = shown.replacen(&std::format!("{:02x}", bits & 0x7f), &std::format!("{bits:02x}"), 1);
        assert_eq!(std::format!("{masked:?}"), shown);
    }
}
