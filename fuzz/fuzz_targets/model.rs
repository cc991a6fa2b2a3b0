//! Invariant: whatever the peer sends, however its bytes are cut, and whatever the embedder calls in between, the
//! connection does what the model in `tests/model` does.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| model::run(bytes, false));
