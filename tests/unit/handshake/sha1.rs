use super::*;
use std::vec::Vec;

/// The digest of a text of any length.
fn digest(text: &[u8]) -> ChainingValue {
    let mut padded = Vec::from(text);
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - text.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let at = padded.len() - 8;
    padded[at..].copy_from_slice(&(8 * text.len() as u64).to_be_bytes());
    let mut state = START;
    for block in padded.chunks(64) {
        let words = |at: usize| u32::from_be_bytes(block[4 * at..][..4].try_into().unwrap());
        compress_small(&mut state, &mut core::array::from_fn(words));
    }
    state
}

/// The test vectors of section 7.3, and the one of FIPS 180 for the empty text.
#[test]
fn digests_equal_the_test_vectors_of_rfc_3174() {
    assert_eq!(digest(b"abc"), [0xa999_3e36, 0x4706_816a, 0xba3e_2571, 0x7850_c26c, 0x9cd0_d89d]);
    let text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(digest(text), [0x8498_3e44, 0x1c3b_d26e, 0xbaae_4aa1, 0xf951_29e5, 0xe546_70f1]);
    let text = b"a".repeat(1_000_000);
    assert_eq!(digest(&text), [0x34aa_973c, 0xd4c4_daa4, 0xf61e_eb2b, 0xdbad_2731, 0x6534_016f]);
    let text = b"0123456701234567012345670123456701234567012345670123456701234567".repeat(10);
    assert_eq!(digest(&text), [0xdea3_56a2, 0xcddd_90c7, 0xa7ec_edc5, 0xebb5_6393, 0x4f46_0452]);
    assert_eq!(digest(b""), [0xda39_a3ee, 0x5e6b_4b0d, 0x3255_bfef, 0x9560_1890, 0xafd8_0709]);
}

#[test]
fn every_implementation_gives_the_same_digest_of_60_bytes() {
    let text: [u8; 60] = core::array::from_fn(|i| u8::try_from(i).unwrap());
    let bytes: Vec<u8> = digest(&text).iter().flat_map(|word| word.to_be_bytes()).collect();
    for make in [sha1, by_blocks] {
        let mut digest = Digest::default();
        make(text.first_chunk().unwrap(), text.last_chunk().unwrap(), &mut digest);
        assert_eq!(digest, bytes[..]);
    }
}
