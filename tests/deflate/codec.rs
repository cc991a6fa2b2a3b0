//! The compressor and the decompressor (RFC 7692 section 7.2), compared with C zlib.

mod any_messages;
mod blocks;
mod pool;
mod takeover;
mod window;

use libz_sys::{Z_DEFAULT_STRATEGY, Z_FINISH, Z_FIXED, Z_HUFFMAN_ONLY, Z_NO_FLUSH, Z_SYNC_FLUSH};
use proptest::collection::vec;
use proptest::prelude::*;
use sansws::deflate::{
    Compressor,
    DecompressError::{self, Corrupt},
    Decompressor, DeflateConfig, DeflateParams, Pool, ReceiveCodec, SendCodec, Step,
};

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
const HELLO_AGAIN: [u8; 5] = [0xf2, 0x00, 0x11, 0x00, 0x00];

/// The lengths of the pieces that input and output are cut into, one after the other, again and again.
#[derive(Clone, Debug)]
struct Cuts(Vec<usize>);

impl Cuts {
    const WHOLE: usize = 1 << 20;

    fn whole() -> Self {
        Self(vec![Self::WHOLE])
    }

    fn next(&mut self) -> usize {
        self.0.rotate_left(1);
        self.0[0]
    }
}

fn any_cuts(least: usize) -> impl Strategy<Value = Cuts> {
    vec(prop_oneof![least..least + 3, least..100usize, Just(Cuts::WHOLE)], 1..5).prop_map(Cuts)
}

/// Decompresses a message with one call of `decompress` for each cut, and then `finish`.
fn inflate(
    decompressor: &mut Decompressor, payload: &[u8], cuts: &mut Cuts,
) -> Result<Vec<u8>, DecompressError> {
    let mut message = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        let (mut piece, after) = rest.split_at(cuts.next().min(rest.len()));
        rest = after;
        grow(&mut message, cuts, |out| {
            let step = decompressor.decompress(piece, out)?;
            piece = &piece[step.consumed..];
            assert!(!step.done || piece.is_empty());
            Ok(step)
        })?;
    }
    decompressor.finish()?;
    Ok(message)
}

/// Calls `step` until it is done, each time with the room of the next cut, and appends the output to
/// `message`.
fn grow(
    message: &mut Vec<u8>, cuts: &mut Cuts, mut step: impl FnMut(&mut [u8]) -> Result<Step, DecompressError>,
) -> Result<(), DecompressError> {
    loop {
        let mut out = vec![0; cuts.next()];
        let taken = step(&mut out)?;
        message.extend_from_slice(&out[..taken.produced]);
        if taken.done {
            return Ok(());
        }
        if taken.produced < out.len() {
            assert_eq!(step(&mut out), Err(Corrupt), "the step was not done although there was room left");
            return Err(Corrupt);
        }
    }
}

/// Compresses a message in pieces: with `compress`, and with `finish` for the last one.
fn deflate(compressor: &mut Compressor, message: &[u8], cuts: &mut Cuts) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut rest = message;
    loop {
        let (mut piece, after) = rest.split_at(cuts.next().min(rest.len()));
        rest = after;
        loop {
            let mut out = vec![0; cuts.next().max(Compressor::MIN_ROOM)];
            let step = if rest.is_empty() {
                compressor.finish(piece, &mut out)
            } else {
                compressor.compress(piece, &mut out)
            };
            piece = &piece[step.consumed..];
            payload.extend_from_slice(&out[..step.produced]);
            if step.done {
                assert!(piece.is_empty());
                break;
            }
        }
        if rest.is_empty() {
            return payload;
        }
    }
}

/// Decompresses a message in one piece.
fn whole(decompressor: &mut Decompressor, payload: &[u8]) -> Result<Vec<u8>, DecompressError> {
    inflate(decompressor, payload, &mut Cuts::whole())
}

/// Messages of text that repeats itself at many distances, and of noise.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let word = vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..40);
    let words = vec(word, 1..8);
    (words, vec(0usize..8, 0..200)).prop_map(|(words, order)| {
        order.into_iter().flat_map(|at| words[at % words.len()].iter().copied()).collect()
    })
}

/// A message whose first eight bytes come again after `distance` bytes.
fn at_distance(distance: usize) -> Vec<u8> {
    let mut noise = 7u32;
    let mut between = (0..distance - 8).map(|_| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + noise.to_be_bytes()[0] % 26
    });
    [&b"01234567"[..], &between.by_ref().collect::<Vec<_>>(), b"01234567"].concat()
}
