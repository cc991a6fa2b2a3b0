use super::*;

// WS-4.2.2-26 · WS-4.1-58: the example of section 1.3.
#[test]
fn the_answer_to_the_rfc_example_is_as_in_section_1_3() {
    let mut digest = Digest::default();
    digest_of(b"dGhlIHNhbXBsZSBub25jZQ==", &mut digest);
    assert_eq!(&accept_of(&digest), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

// WS-4.1-32
#[test]
fn a_nonce_becomes_a_key() {
    let nonce = core::array::from_fn(|i| u8::try_from(i + 1).unwrap());
    assert_eq!(&encode_key(nonce), b"AQIDBAUGBwgJCgsMDQ4PEA==");
}

// RFC 4648 section 10
#[test]
fn base64_follows_rfc_4648() {
    for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        let mut to = [0; 8];
        encode(text.as_bytes(), &mut to[..expected.len()]);
        assert_eq!(&to[..expected.len()], expected.as_bytes());
    }
    let mut to = [0; 4];
    encode(b"\xfb\xff\xbf", &mut to);
    assert_eq!(&to, b"+/+/");
}

// WS-4.2.1-12 · WS-4.2.1-13 · WS-4.3-02
#[test]
fn keys_are_sixteen_bytes_in_base64() {
    assert!(valid_key(b"AQIDBAUGBwgJCgsMDQ4PEA==").is_some());
    assert!(valid_key(b"AQIDBAUGBwgJCgsMDQ4PEC==").is_some(), "the padding bits may have any value");
    for key in [
        &b""[..],
        b"AQIDBAUGBwgJCgsMDQ4P",
        b"AQIDBAUGBwgJCgsMDQ4PEBE=",
        b"AQIDBAUGBwgJCgsMDQ4PEA=A",
        b"AQIDBAUGBwgJCgsMDQ4PEAA=",
        b"AQIDBAUGBwgJCgsMDQ4PE===",
        b"AQIDBAUGBwgJCgsMDQ4P-A==",
        b"AQIDBAUGBwgJCgsMDQ4P_A==",
        b"AQIDBAUGBwg CgsMDQ4PEA==",
    ] {
        assert!(valid_key(key).is_none(), "{}", key.escape_ascii());
    }
}
