//! Softmax and the loss that belongs to it. Both compute in `f64`, a row at a time.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{expect_shape, expect_some, numbers, numbers_mut};
use crate::Error;
use crate::simd::math;

/// `probabilities[n, c] = exp(logits[n, c] − max) / Σ exp(logits[n, k] − max)`
///
/// logits (N, C) → probabilities (N, C)
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn softmax(
    logits: ArrayView2<'_, f32>,
    mut probabilities: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    let (_, classes) = logits.dim();
    expect_shape("probabilities", logits.shape(), probabilities.shape())?;
    expect_some("classes", classes)?;
    let rows = numbers("logits", &logits)?.chunks_exact(classes);
    let to = numbers_mut("probabilities", &mut probabilities)?.chunks_exact_mut(classes);
    for (logits, probabilities) in rows.zip(to) {
        let (largest, sum) = powers(logits);
        for (probability, &logit) in probabilities.iter_mut().zip(logits) {
            *probability = (math::exp(f64::from(logit) - largest) / sum) as f32;
        }
    }
    Ok(())
}

/// The mean over the rows of `−Σ targets[n, c] · ln softmax(logits)[n, c]`, and its gradient
/// `d_logits = (softmax(logits) − targets) / N`.
///
/// logits (N, C), targets (N, C), whose rows sum to 1 → loss, `d_logits` (N, C)
///
/// # Errors
/// If the shapes differ, an array is not in row-major order, or there are no rows.
pub fn cross_entropy(
    logits: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    mut d_logits: ArrayViewMut2<'_, f32>,
) -> Result<f64, Error> {
    let (n, classes) = logits.dim();
    expect_some("rows", n)?;
    expect_some("classes", classes)?;
    expect_shape("targets", logits.shape(), targets.shape())?;
    expect_shape("d_logits", logits.shape(), d_logits.shape())?;
    let rows = numbers("logits", &logits)?.chunks_exact(classes);
    let targets = numbers("targets", &targets)?.chunks_exact(classes);
    let gradients = numbers_mut("d_logits", &mut d_logits)?.chunks_exact_mut(classes);
    let mut loss = 0.0;
    for ((logits, targets), d_logits) in rows.zip(targets).zip(gradients) {
        let (largest, sum) = powers(logits);
        let log = math::ln(sum);
        for ((&logit, &target), d) in logits.iter().zip(targets).zip(d_logits) {
            let (logit, target) = (f64::from(logit) - largest, f64::from(target));
            // 0 · (−∞) counts as 0.
            if target != 0.0 {
                loss -= target * (logit - log);
            }
            *d = ((math::exp(logit) / sum - target) / n as f64) as f32;
        }
    }
    Ok(loss / n as f64)
}

/// The largest of a row, and the sum of exp(logit − largest).
pub(crate) fn powers(logits: &[f32]) -> (f64, f64) {
    let mut largest = f32::NEG_INFINITY;
    for &logit in logits {
        largest = if logit > largest { logit } else { largest };
    }
    let largest = f64::from(largest);
    let mut sum = 0.0;
    for &logit in logits {
        sum += math::exp(f64::from(logit) - largest);
    }
    (largest, sum)
}
