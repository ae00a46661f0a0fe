//! The class that ten logits predict.

use super::CLASSES;

/// The index of the largest logit as `numpy.argmax` finds it: the first of equals, and a NaN before all.
pub(super) fn argmax(logits: &[f64; CLASSES]) -> usize {
    let mut best = 0;
    for (i, logit) in logits.iter().enumerate() {
        if *logit > logits[best] || (logit.is_nan() && !logits[best].is_nan()) {
            best = i;
        }
    }
    best
}
