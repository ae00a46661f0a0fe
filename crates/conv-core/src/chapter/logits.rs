//! The class that ten logits predict.

use super::CLASSES;

/// The index of the largest number as `numpy.argmax` finds it: the first of equals, and a NaN before all.
pub(super) fn argmax(numbers: &[f64; CLASSES]) -> usize {
    let mut best = 0;
    for (i, number) in numbers.iter().enumerate() {
        if *number > numbers[best] || (number.is_nan() && !numbers[best].is_nan()) {
            best = i;
        }
    }
    best
}
