//! Softmax, and losses. They compute in `f64`, a row at a time, and give the loss of a batch with its gradient.
//!
//! A logit that is not a number makes the loss not a number. [`Network::gradient`](crate::network::Network::gradient)
//! refuses that; here it is for the caller to see.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::Error;
use crate::simd::math;

/// `probabilities[n, c] = exp(logits[n, c] − max) / Σ exp(logits[n, k] − max)`
///
/// logits (N, C) → probabilities (N, C)
///
/// ```
/// use conv_core::ndarray::{Array2, arr2};
/// use conv_core::ops::loss::softmax;
///
/// // e^ln 3 is three times e^0.
/// let mut probabilities = Array2::zeros((1, 2));
/// softmax(arr2(&[[3_f32.ln(), 0.]]).view(), probabilities.view_mut())?;
/// assert_eq!(probabilities, arr2(&[[0.75, 0.25]]));
/// # Ok::<(), conv_core::Error>(())
/// ```
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
    let rows = slice("logits", &logits)?.chunks_exact(classes);
    let to = slice_mut("probabilities", &mut probabilities)?.chunks_exact_mut(classes);
    for (logits, probabilities) in rows.zip(to) {
        let (max, sum) = powers(logits);
        for (probability, &logit) in probabilities.iter_mut().zip(logits) {
            *probability = (math::exp(f64::from(logit) - max) / sum) as f32;
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
    let rows = slice("logits", &logits)?.chunks_exact(classes);
    let targets = slice("targets", &targets)?.chunks_exact(classes);
    let gradients = slice_mut("d_logits", &mut d_logits)?.chunks_exact_mut(classes);
    let mut loss = 0.0;
    for ((logits, targets), d_logits) in rows.zip(targets).zip(gradients) {
        loss += row(logits, |class| f64::from(targets[class]), n, d_logits);
    }
    Ok(loss / n as f64)
}

/// [`cross_entropy`] for whole-number labels, smoothed: with smoothing s the target of the label is
/// `1 − s + s / C`, and that of every other class `s / C`. C. Szegedy et al., Rethinking the Inception
/// architecture for computer vision, CVPR (2016).
///
/// logits (N, C), labels (N), smoothing from 0 to 1 → loss, `d_logits` (N, C)
///
/// ```
/// use conv_core::ops::loss;
/// use ndarray::{Array2, arr2};
///
/// // All four classes equally likely; the targets of label 2 are 0.1, 0.1, 0.7 and 0.1.
/// let (logits, mut d_logits) = (Array2::zeros((1, 4)), Array2::zeros((1, 4)));
/// let found = loss::cross_entropy_of_labels(logits.view(), &[2], 0.4, d_logits.view_mut())?;
/// assert!((found - 4_f64.ln()).abs() < 1e-12);
/// let right = arr2(&[[0.15, 0.15, -0.45, 0.15]]);
/// assert!((&d_logits - &right).iter().all(|off: &f32| off.abs() < 1e-7));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ, a label is no class or the smoothing no part of 1, an array is not in row-major order,
/// or there are no rows.
pub fn cross_entropy_of_labels(
    logits: ArrayView2<'_, f32>,
    labels: &[usize],
    smoothing: f32,
    mut d_logits: ArrayViewMut2<'_, f32>,
) -> Result<f64, Error> {
    let (n, classes) = logits.dim();
    expect_some("rows", n)?;
    expect_some("classes", classes)?;
    expect_shape("labels", &[n], &[labels.len()])?;
    expect_shape("d_logits", logits.shape(), d_logits.shape())?;
    check_smoothing(smoothing)?;
    check_labels(labels, classes)?;
    let rows = slice("logits", &logits)?.chunks_exact(classes);
    let gradients = slice_mut("d_logits", &mut d_logits)?.chunks_exact_mut(classes);
    let mut loss = 0.0;
    for ((logits, &label), d_logits) in rows.zip(labels).zip(gradients) {
        loss += row(logits, smoothed(label, smoothing, classes), n, d_logits);
    }
    Ok(loss / n as f64)
}

/// The mean of `(outputs − targets)²` over all values, and its gradient
/// `d_outputs = 2 (outputs − targets) / (N · C)`.
///
/// outputs (N, C), targets (N, C) → loss, `d_outputs` (N, C)
///
/// # Errors
/// If the shapes differ, an array is not in row-major order or empty.
pub fn mean_squared_error(
    outputs: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    mut d_outputs: ArrayViewMut2<'_, f32>,
) -> Result<f64, Error> {
    expect_some("rows", outputs.dim().0)?;
    expect_some("values of a row", outputs.dim().1)?;
    expect_shape("targets", outputs.shape(), targets.shape())?;
    expect_shape("d_outputs", outputs.shape(), d_outputs.shape())?;
    let (outputs, targets) = (slice("outputs", &outputs)?, slice("targets", &targets)?);
    let count = outputs.len();
    let d_outputs = slice_mut("d_outputs", &mut d_outputs)?;
    Ok(squares(outputs, |i| f64::from(targets[i]), count, d_outputs) / count as f64)
}

/// The target of each class for a smoothed label.
pub(crate) fn smoothed(label: usize, smoothing: f32, classes: usize) -> impl Fn(usize) -> f64 {
    let smoothing = f64::from(smoothing);
    let spread = smoothing / classes as f64;
    move |class| {
        if class == label {
            1.0 - smoothing + spread
        } else {
            spread
        }
    }
}

pub(crate) fn check_smoothing(smoothing: f32) -> Result<(), Error> {
    if (0.0..=1.0).contains(&smoothing) {
        return Ok(());
    }
    Err(Error::Value {
        what: "label smoothing",
        expected: "0 to 1",
        found: f64::from(smoothing),
    })
}

pub(crate) fn check_labels(labels: &[usize], classes: usize) -> Result<(), Error> {
    match labels
        .iter()
        .enumerate()
        .find(|&(_, &label)| label >= classes)
    {
        None => Ok(()),
        Some((at, &found)) => Err(Error::Range {
            what: "a label",
            expected: format!("0 to {} (label {at} of {})", classes - 1, labels.len()),
            found,
        }),
    }
}

/// The cross-entropy of one row of `n`, and its gradient.
pub(crate) fn row(
    logits: &[f32],
    target: impl Fn(usize) -> f64,
    n: usize,
    d_logits: &mut [f32],
) -> f64 {
    let (max, sum) = powers(logits);
    let log = math::ln(sum);
    let mut loss = 0.0;
    for (class, (&logit, d)) in logits.iter().zip(d_logits).enumerate() {
        let (logit, target) = (f64::from(logit) - max, target(class));
        // 0 · (−∞) counts as 0.
        if target != 0.0 {
            loss -= target * (logit - log);
        }
        *d = ((math::exp(logit) / sum - target) / n as f64) as f32;
    }
    loss
}

/// The sum of squared errors of some of `count` values, and the gradient of the mean.
pub(crate) fn squares(
    outputs: &[f32],
    target: impl Fn(usize) -> f64,
    count: usize,
    d_outputs: &mut [f32],
) -> f64 {
    let mut sum = 0.0;
    for (i, (&output, d)) in outputs.iter().zip(d_outputs).enumerate() {
        let error = f64::from(output) - target(i);
        sum += error * error;
        *d = (2.0 * error / count as f64) as f32;
    }
    sum
}

/// The maximum of a row, and the sum of exp(logit − max).
pub(crate) fn powers(logits: &[f32]) -> (f64, f64) {
    let mut max = f32::NEG_INFINITY;
    for &logit in logits {
        max = if logit > max { logit } else { max };
    }
    let max = f64::from(max);
    let mut sum = 0.0;
    for &logit in logits {
        sum += math::exp(f64::from(logit) - max);
    }
    (max, sum)
}
