//! Whatever the peer sends, however its bytes are cut, and whatever the embedder calls in between, the
//! connection does what the model does.

use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_connection_does_what_the_model_does(bytes in vec(any::<u8>(), 20..500)) {
        model::run(&bytes, false);
    }
}
