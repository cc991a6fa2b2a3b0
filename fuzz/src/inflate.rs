//! Invariant: no compressed bytes make a decompressor panic or hang. No matter how the bytes and the output
//! are cut, the decompressor returns the same bytes or the same failure, and never more bytes than the output
//! has room for. This also holds for two connections that share a pool of one decompressor.

use arbitrary::{Arbitrary, Unstructured};
use sansws::deflate::DecompressError::{self, Corrupt, FinalBlocks};
use sansws::deflate::{Decompressor, DeflateParams, Pool, ReceiveCodec, TryBox};

/// The limit of a message, in bytes. A connection has such a limit too.
const MAX: usize = 1 << 16;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    payloads: Vec<&'a [u8]>,
    pieces: u8,
    room: u8,
    window_bits: u8,
    no_context_takeover: bool,
}

/// The bytes come in pieces of `piece` bytes, and the output has `room` bytes at a time. Returns `None` for a
/// message that is too long.
fn message(
    decompressor: &mut Decompressor, payload: &[u8], (piece, room): (usize, usize),
) -> Result<Option<Vec<u8>>, DecompressError> {
    let mut message = Vec::new();
    for piece in payload.chunks(piece) {
        let mut rest = piece;
        loop {
            let mut out = vec![0; room.min(MAX - message.len())];
            let step = decompressor.decompress(rest, &mut out)?;
            rest = &rest[step.consumed..];
            message.extend_from_slice(&out[..step.produced]);
            if step.done {
                assert!(rest.is_empty());
                break;
            }
            if step.produced < out.len() {
                let failure = decompressor.decompress(rest, &mut out);
                assert!(
                    matches!(failure, Err(Corrupt | FinalBlocks)),
                    "the step was not done although there was room left"
                );
                return failure.map(|_| None);
            }
            if message.len() == MAX {
                return Ok(None);
            }
        }
    }
    decompressor.finish()?;
    Ok(Some(message))
}

pub fn run(bytes: &[u8]) {
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) {
        check(input);
    }
}

fn check(input: Input<'_>) {
    let bits = 8 + input.window_bits % 8;
    let (mut one, mut other) = (Decompressor::new(bits).unwrap(), Decompressor::new(bits).unwrap());
    // The pool has the decompressor of a connection with another window.
    let pool = Pool::new(1);
    pool.give_decompressor(TryBox::new(Decompressor::new(8 + input.room % 8).unwrap()).unwrap());
    let params = DeflateParams::new().with_client_no_context_takeover(input.no_context_takeover);
    let whole = (usize::MAX, MAX);
    let pieces = (usize::from(input.pieces) + 1, usize::from(input.room) + 1);
    let mut pooled = [(); 2].map(|()| ReceiveCodec::new(true, params, Some(pool.clone())));
    for payload in input.payloads {
        let expected = message(&mut one, payload, whole);
        let cut = message(&mut other, payload, pieces);
        match (&expected, &cut) {
            // A decompressor notices invalid data beyond the limit only if it reads that far.
            (Ok(None), Err(_)) | (Err(_), Ok(None)) => return,
            _ => assert_eq!(expected, cut),
        }
        // A decompressor that was never elsewhere reads beyond a small window. One that continues from a
        // history does not, so only the largest window is compared.
        if bits == 15 {
            for (codec, cuts) in pooled.iter_mut().zip([whole, pieces]) {
                let result = message(codec.decompressor().unwrap(), payload, cuts);
                assert_eq!(result, expected);
                codec.end_message();
            }
        }
        if !matches!(expected, Ok(Some(_))) {
            return;
        }
        if input.no_context_takeover {
            one.reset();
            other.reset();
        }
    }
}
