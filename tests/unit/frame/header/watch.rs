use super::*;
use crate::frame::header::Rules;
use crate::frame::{Header, Mask, Opcode};

// WS-5.2-08 · WS-5.2-09 · WS-5.2-10 · WS-5.2-11
#[test]
fn a_header_that_was_encoded_is_read_as_it_is() {
    for key in [None, Some([1, 2, 3, 4])] {
        for payload_len in [0, 1, 125, 126, 0xffff, 0x1_0000, u64::MAX >> 1] {
            for is_final in [false, true] {
                let encoded = FrameHeader::encode(Opcode::Binary, is_final, payload_len, key);
                let mut bytes = [0xff; 20];
                bytes[..encoded.as_bytes().len()].copy_from_slice(encoded.as_bytes());
                let header = FrameHeader::read(&bytes).unwrap();
                assert_eq!(header, encoded);
                assert_eq!((header.is_final(), header.opcode(), header.reserved_bits()), (is_final, 2, 0));
                assert_eq!((header.payload_len(), header.masking_key()), (payload_len, key));
                for cut in 0..encoded.as_bytes().len() {
                    assert_eq!(FrameHeader::read(&bytes[..cut]), None, "{encoded:?} cut at {cut}");
                }
            }
        }
    }
}

/// The space is finite: these are all values of the first two bytes.
#[test]
fn each_header_that_the_decoder_accepts_is_read_alike_and_all_others_are_read_too() {
    for [first, second] in (0..=u16::MAX).map(u16::to_be_bytes) {
        let bytes = [first, second, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let header = FrameHeader::read(&bytes).unwrap();
        let bits = u8::from(header.is_final()) << 7 | header.reserved_bits() << 4 | header.opcode();
        assert_eq!(bits, first);
        for masked in [false, true] {
            let rules = Rules { masked, rsv1: true, max_frame: u64::MAX };
            let Ok(Some((decoded, len))) = Header::decode(&bytes, &rules) else { continue };
            assert_eq!(header.as_bytes(), &bytes[..len]);
            assert_eq!((decoded.fin, decoded.opcode as u8), (header.is_final(), header.opcode()));
            assert_eq!(decoded.payload_len, header.payload_len());
            assert_eq!(decoded.mask, header.masking_key().map_or(Mask::NONE, Mask::new));
        }
    }
}

#[test]
fn lengths_that_are_not_minimal_are_read_as_they_are() {
    assert_eq!(FrameHeader::read(&[0x82, 0x7e, 0, 5]).unwrap().payload_len(), 5);
    let longest = FrameHeader::read(&[0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap();
    assert_eq!((longest.payload_len(), longest.as_bytes().len()), (u64::MAX, 10));
}
