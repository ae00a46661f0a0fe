//! Whatever is passed in, an answer or an error and never a panic. The same checks are fuzz targets, where a fuzzer
//! writes the bytes: `fuzz/README.md` has the list of bad input and what tests it.

mod bytes;
mod operations;
mod step;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Empty batches, labels out of range, images and weights that are no numbers, optimizers out of their ranges.
    #[test]
    fn a_step_is_taken_or_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        step::check(&bytes);
    }

    /// Empty arrays, windows of no size, shapes that do not fit or overflow.
    #[test]
    fn an_operation_writes_all_or_refuses(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        operations::check(&bytes);
    }
}
