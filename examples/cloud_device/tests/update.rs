//! An image that arrives in parts.

use cloud_device::Update;
use sha2::{Digest, Sha256};

fn hex(image: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(image).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn an_image_is_valid_if_its_digest_is_the_announced_one() {
    let image: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let receive = |bytes: &[u8]| {
        let mut update = Update::new(&hex(&image)).unwrap();
        bytes.chunks(333).for_each(|part| update.add(part));
        assert_eq!(update.len() as usize, bytes.len());
        update.is_valid()
    };
    assert!(receive(&image));
    assert!(!receive(&image[1..]));
    let mut changed = image.clone();
    changed[5000] ^= 1;
    assert!(!receive(&changed));
}

#[test]
fn only_64_hexadecimal_digits_announce_an_image() {
    let digest = hex(b"image");
    assert!(Update::new(&digest).is_some() && Update::new(&digest.to_uppercase()).is_some());
    for wrong in
        [&digest[..63], &digest[..62], "", &format!("{digest}00"), &digest.replace(&digest[..1], "g")]
    {
        assert!(Update::new(wrong).is_none(), "{wrong}");
    }
}
