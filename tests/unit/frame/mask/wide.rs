use super::super::tests::{Extent, prove};
use super::*;
use ascii::AsMutAsciiStr;
use pulp::Scalar;

/// Proves masking with these vectors. A payload of fewer than [`MIN_LEN`] bytes usually takes other code.
fn prove_with<S: Simd>(simd: S, extent: Extent) {
    prove(MIN_LEN..=600, extent, |mask, _, data| {
        let all = simd.vectorize(InPlace::<true> { word: mask.word(), data });
        mask.advance(data.len());
        let is_ascii = all & 0x8080_8080_8080_8080 == 0;
        assert_eq!(is_ascii, data.is_ascii());
        None
    });
    prove(MIN_LEN..=600, extent, |mask, _, data| {
        let all = simd.vectorize(InPlace::<false> { word: mask.word(), data });
        mask.advance(data.len());
        assert_eq!(all, u64::MAX);
        None
    });
    // Text that is not ASCII takes this code from 65 bytes on.
    prove(VECTOR..=600, extent, |mask, _, data| {
        let all = simd.vectorize(FromStart { word: mask.word(), data });
        mask.advance(data.len());
        assert_eq!(all, u64::MAX);
        None
    });
    prove(MIN_LEN..=600, extent, |mask, from, to| {
        simd.vectorize(Copy { from, to, word: mask.word() });
        mask.advance(from.len());
        None
    });
    prove(MIN_LEN..=600, extent, |mask, from, to| {
        to.fill(0);
        let to = to.as_mut_ascii_str().unwrap().as_mut_slice();
        let all = simd.vectorize(CopyAscii { from, to, word: mask.word() });
        mask.advance(from.len());
        Some(all & 0x8080_8080_8080_8080 == 0)
    });
}

/// Each kind of vector that this processor has, not only the widest one, which [`Arch`] would choose.
fn prove_all(extent: Extent) {
    prove_with(Scalar, extent);
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use pulp::x86::{V3, V4};
        if let Some(simd) = V3::try_new() {
            prove_with(simd, extent);
        }
        if let Some(simd) = V4::try_new() {
            prove_with(simd, extent);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = pulp::aarch64::Neon::try_new() {
        prove_with(simd, extent);
    }
}

/// A part of the proof below.
#[test]
fn vectors_of_each_width_pass_each_bit_and_each_bit_of_the_key() {
    prove_all(Extent::Quick);
}

/// A proof for all payloads of up to 600 bytes that vectors mask, see [`prove`].
#[test]
#[ignore = "it takes seconds with optimisation, and minutes without"]
fn proof_that_vectors_of_each_width_mask_as_the_rfc_says() {
    prove_all(Extent::All);
}
