//! The peer of the connection under test. It sends all kinds of frames; most of them are valid.

use crate::case::{Setup, Side, content};
use arbitrary::{Result, Unstructured};
use std::collections::VecDeque;
use zlib::Deflate;

const Z_FINISH: i32 = 4;
const Z_SYNC_FLUSH: i32 = 2;
const Z_FULL_FLUSH: i32 = 3;

pub struct Peer {
    masks: bool,
    deflate: Option<Deflate>,
    takes_over: bool,
    /// Whether compressed data may be damaged: not if the window is small, because C zlib and the library
    /// differ in how they treat references beyond it.
    damages: bool,
    /// The rest of the message in fragments: whether it is compressed, whether a frame was sent, and the
    /// bytes.
    message: Option<(bool, u8, Vec<u8>)>,
    /// The bytes that are on their way to the connection.
    pub sent: VecDeque<u8>,
}

impl Peer {
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let new = |deflate: crate::case::Deflate| Deflate::new(deflate.level.into(), deflate.peer_bits, 8, 0);
        Self {
            masks: setup.side == Side::Server,
            deflate: setup.deflate.map(new),
            takes_over: setup.deflate.is_some_and(|deflate| deflate.peer_takeover),
            damages: setup.deflate.is_some_and(|deflate| deflate.peer_bits == 15),
            message: None,
            sent: VecDeque::new(),
        }
    }

    /// Sends something.
    pub fn act(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=23)? {
            0..=9 => self.message(u)?,
            10..=14 => self.fragment(u)?,
            15..=18 => {
                let first = *u.choose(&[0x89, 0x89, 0x8a])?;
                let len = *u.choose(&[0, 0, 1, 7, 125])?;
                let payload = vec![u.arbitrary()?; len];
                self.frame(u, first, &payload)?;
            }
            19 => {
                let code = match u.int_in_range(0..=9)? {
                    0 => u.arbitrary::<u16>()?,
                    1..=4 => u.int_in_range(999..=1016)?,
                    _ => 1000,
                };
                let mut payload = code.to_be_bytes().to_vec();
                if u.ratio(1, 3)? {
                    payload.extend(content(u, true)?.into_iter().take(123));
                }
                let shorter = *u.choose(&[payload.len(), payload.len(), payload.len(), 0, 1])?;
                payload.truncate(shorter);
                self.frame(u, 0x88, &payload)?;
            }
            20 | 21 => {
                // Any first byte, but as a rule not one that breaks the protocol.
                let first =
                    if u.ratio(1, 4)? { u.arbitrary()? } else { *u.choose(&[0x81, 0x02, 0x80, 0x00])? };
                let payload = content(u, false)?;
                self.frame(u, first, &payload)?;
            }
            22 => {
                // A header only; its length may be anything.
                let mut header = vec![0x82, if self.masks { 0xff } else { 0x7f }];
                header.extend(u.arbitrary::<[u8; 8]>()?);
                if u.ratio(3, 4)? {
                    header.truncate(1);
                }
                self.sent.extend(header);
            }
            _ => {
                let len = u.int_in_range(1..=20)?;
                self.sent.extend(u.bytes(len.min(u.len()))?);
            }
        }
        Ok(())
    }

    /// Sends some pings, each with another payload.
    pub fn pings(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (count, first) = (u.int_in_range(1..=20)?, u.arbitrary::<u8>()?);
        for number in 0..count {
            self.frame(u, 0x89, &[first.wrapping_add(number); 125])?;
        }
        Ok(())
    }

    fn message(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let opcode = u.int_in_range(1..=2)?;
        let payload = content(u, opcode == 1)?;
        if self.deflate.is_none() || u.ratio(1, 4)? {
            return self.frame(u, 0x80 | opcode, &payload);
        }
        let payload = self.compress(u, &payload, true)?;
        self.frame(u, 0xc0 | opcode, &payload)
    }

    /// Compresses some content. `is_last`: the message ends with it.
    fn compress(&mut self, u: &mut Unstructured<'_>, content: &[u8], is_last: bool) -> Result<Vec<u8>> {
        let deflate = self.deflate.as_mut().unwrap();
        let how = *u.choose(&[Z_SYNC_FLUSH, Z_SYNC_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH])?;
        let mut payload = deflate.run(content, how);
        if how == Z_FINISH {
            deflate.reset();
        } else if is_last && payload.ends_with(&[0, 0, 0xff, 0xff]) && u.ratio(9, 10)? {
            payload.truncate(payload.len() - 4);
        }
        if is_last && !self.takes_over {
            deflate.reset();
        }
        if self.damages && !payload.is_empty() && u.ratio(1, 20)? {
            let at = u.choose_index(payload.len())?;
            payload[at] ^= 1 << u.int_in_range(0..=7)?;
        }
        Ok(payload)
    }

    fn fragment(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Some((is_compressed, first, rest)) = self.message.take() else {
            let opcode = u.int_in_range(1..=2)?;
            let is_compressed = self.deflate.is_some() && u.ratio(3, 4)?;
            let first = if is_compressed { 0x40 | opcode } else { opcode };
            self.message = Some((is_compressed, first, content(u, opcode == 1)?));
            return self.fragment(u);
        };
        let len = u.int_in_range(0..=rest.len())?;
        let is_last = u.ratio(1, 3)?;
        let (now, later) = rest.split_at(if is_last { rest.len() } else { len });
        let payload = if is_compressed { self.compress(u, now, is_last)? } else { now.to_vec() };
        if !is_last {
            self.message = Some((is_compressed, 0, later.to_vec()));
        }
        self.frame(u, if is_last { 0x80 | first } else { first }, &payload)
    }

    fn frame(&mut self, u: &mut Unstructured<'_>, first: u8, payload: &[u8]) -> Result<()> {
        // A few frames break a rule: the mask, or the form of the length.
        let masks = self.masks ^ u.ratio(1, 200)?;
        let form = if u.ratio(1, 100)? { u.int_in_range(1..=2)? } else { 0 };
        let mask_bit = if masks { 0x80 } else { 0 };
        self.sent.push_back(first);
        match (payload.len(), form) {
            (len @ 0..=125, 0) => self.sent.push_back(mask_bit | len.to_le_bytes()[0]),
            (len @ 0..=0xffff, 0 | 1) => {
                self.sent.push_back(mask_bit | 0x7e);
                self.sent.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
            (len, _) => {
                self.sent.push_back(mask_bit | 0x7f);
                self.sent.extend((len as u64).to_be_bytes());
            }
        }
        let mut key = [0; 4];
        if masks {
            key = u.arbitrary::<[u8; 4]>()?;
            self.sent.extend(key);
        }
        self.sent.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        Ok(())
    }
}
