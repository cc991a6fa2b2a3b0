//! Frames that are made of random bytes. Most of them are valid.

use arbitrary::{Result, Unstructured};

pub fn from(bytes: &[u8], is_masked: bool) -> Vec<u8> {
    let mut u = Unstructured::new(bytes);
    let mut sent = Vec::new();
    while !u.is_empty() && frame(&mut u, is_masked, &mut sent).is_ok() {}
    sent
}

fn frame(u: &mut Unstructured<'_>, is_masked: bool, sent: &mut Vec<u8>) -> Result<()> {
    let is_any = u.ratio(1, 16)?;
    let first = if is_any {
        u.arbitrary()?
    } else {
        *u.choose(&[0x81, 0x82, 0x01, 0x02, 0x00, 0x00, 0x80, 0x80, 0x89, 0x8a, 0x88])?
    };
    let payload = payload(u, first)?;
    let is_masked = is_masked ^ u.ratio(1, 100)?;
    let form = if u.ratio(1, 30)? { u.int_in_range(1..=2)? } else { 0 };
    let mask_bit = u8::from(is_masked) << 7;
    sent.push(first);
    match (payload.len(), form) {
        (len @ 0..=125, 0) => sent.push(mask_bit | len.to_le_bytes()[0]),
        (len @ 0..=0xffff, 0 | 1) => {
            sent.push(mask_bit | 126);
            sent.extend(u16::try_from(len).expect("compared before").to_be_bytes());
        }
        (len, _) => {
            sent.push(mask_bit | 127);
            sent.extend((len as u64).to_be_bytes());
        }
    }
    let mut key = [0; 4];
    if is_masked {
        key = u.arbitrary::<[u8; 4]>()?;
        sent.extend(key);
    }
    sent.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    if u.ratio(1, 60)? {
        // The last frame is not complete, or another one follows in its place.
        sent.truncate(sent.len() - 1);
    }
    Ok(())
}

fn payload(u: &mut Unstructured<'_>, first: u8) -> Result<Vec<u8>> {
    if first & 0x0f == 8 && u.ratio(7, 8)? {
        let code = match u.int_in_range(0..=3)? {
            0 => u.arbitrary::<u16>()?,
            1 | 2 => u.int_in_range(999..=1016)?,
            _ => *u.choose(&[1000, 2999, 3000, 4999, 5000])?,
        };
        let reason = u.choose(&["", "bye", "\u{e9}\u{20ac}"])?;
        return Ok([&code.to_be_bytes(), reason.as_bytes()].concat());
    }
    let len: usize = match u.int_in_range(0..=31)? {
        0..=15 => u.int_in_range(0..=8)?,
        16..=22 => u.int_in_range(120..=130)?,
        23..=29 => u.int_in_range(0..=600)?,
        30 => u.int_in_range(0..=5000)?,
        _ => u.int_in_range(65_500..=66_500)?,
    };
    if u.arbitrary()? {
        return Ok(u.bytes(len.min(u.len()))?.to_vec());
    }
    // Text, perhaps cut inside of a character.
    let character = *u.choose(&["a", "\u{e9}", "\u{20ac}", "\u{1f600}"])?;
    let start = u.int_in_range(0..=1)?;
    Ok(character.bytes().cycle().skip(start * character.len() / 2).take(len).collect())
}
