use ndarray::{Array2, ArrayView2, NdFloat};

use super::constant::constant;

/// `softmax(z)[c] = exp(z[c] − max z) / Σ exp(z[k] − max z)`, row by row.
#[must_use]
pub fn softmax<F: NdFloat>(logits: ArrayView2<'_, F>) -> Array2<F> {
    // logits (N, C) → probabilities (N, C)
    let mut probabilities = logits.to_owned();
    for mut row in probabilities.rows_mut() {
        let largest = row
            .iter()
            .fold(F::neg_infinity(), |a, &b| if b > a { b } else { a });
        row.mapv_inplace(|z| (z - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|power| power / sum);
    }
    probabilities
}

/// The mean of `−Σ targets[n, c] · ln softmax(logits)[n, c]` over the rows, with
/// `ln softmax(z)[c] = z[c] − max z − ln Σ exp(z[k] − max z)`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn cross_entropy<F: NdFloat>(logits: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> F {
    // logits (N, C), targets (N, C), whose rows sum to 1 → loss
    assert_eq!(logits.dim(), targets.dim());
    let mut loss = F::zero();
    let mut rows = F::zero();
    for (row, targets) in logits.rows().into_iter().zip(targets.rows()) {
        let largest = row
            .iter()
            .fold(F::neg_infinity(), |a, &b| if b > a { b } else { a });
        let log = row
            .iter()
            .fold(F::zero(), |sum, &z| sum + (z - largest).exp())
            .ln();
        for (&z, &target) in row.iter().zip(targets) {
            loss -= target * (z - largest - log);
        }
        rows += F::one();
    }
    loss / rows
}

/// The gradient of [`cross_entropy`] for the logits: `d_logits = (softmax(logits) − targets) / N`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn cross_entropy_d_logits<F: NdFloat>(
    logits: ArrayView2<'_, F>,
    targets: ArrayView2<'_, F>,
) -> Array2<F> {
    // logits (N, C), targets (N, C) → d_logits (N, C)
    let rows = logits
        .rows()
        .into_iter()
        .fold(F::zero(), |rows, _| rows + F::one());
    (softmax(logits) - targets) / rows
}

/// Targets of labels for [`cross_entropy`](super::cross_entropy), smoothed: `1 − s + s / C` for the label, `s / C`
/// for the others.
#[must_use]
pub fn smooth_labels<F: NdFloat>(labels: &[usize], smoothing: F, classes: usize) -> Array2<F> {
    // labels (N) → targets (N, C)
    let spread = smoothing / constant::<F>(classes as f64);
    Array2::from_shape_fn((labels.len(), classes), |(n, c)| {
        spread
            + if labels[n] == c {
                F::one() - smoothing
            } else {
                F::zero()
            }
    })
}

/// The mean of `(outputs − targets)²` over all values.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn mean_squared_error<F: NdFloat>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> F {
    // outputs, targets (N, C) → loss
    let count = constant::<F>(outputs.len() as f64);
    (&outputs - &targets).mapv(|error| error * error).sum() / count
}

/// The gradient of [`mean_squared_error`]: `2 (outputs − targets) / (N · C)`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn mean_squared_error_d_outputs<F: NdFloat>(
    outputs: ArrayView2<'_, F>,
    targets: ArrayView2<'_, F>,
) -> Array2<F> {
    // outputs, targets (N, C) → d_outputs (N, C)
    let scale = constant::<F>(2.0 / outputs.len() as f64);
    (&outputs - &targets).mapv(|error| scale * error)
}
