use ndarray::{Array1, Array2, ArrayView1, ArrayView2, NdFloat};

/// A dense layer: `output[n, c] = bias[c] + Σ input[n, f] · weights[f, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense<F: NdFloat>(
    input: ArrayView2<'_, F>,
    weights: ArrayView2<'_, F>,
    bias: Option<ArrayView1<'_, F>>,
) -> Array2<F> {
    // input (N, F), weights (F, C), bias (C) → output (N, C)
    assert_eq!(input.dim().1, weights.dim().0);
    Array2::from_shape_fn((input.dim().0, weights.dim().1), |(n, c)| {
        let mut sum = bias.map_or(F::zero(), |bias| bias[c]);
        for f in 0..weights.dim().0 {
            sum += input[[n, f]] * weights[[f, c]];
        }
        sum
    })
}

/// The gradient of [`dense`] for its input: `d_input[n, f] = Σ d_output[n, c] · weights[f, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense_d_input<F: NdFloat>(
    d_output: ArrayView2<'_, F>,
    weights: ArrayView2<'_, F>,
) -> Array2<F> {
    // d_output (N, C), weights (F, C) → d_input (N, F)
    dense(d_output, weights.t(), None)
}

/// The gradient of [`dense`] for its weights: `d_weights[f, c] = Σ input[n, f] · d_output[n, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense_d_weights<F: NdFloat>(
    input: ArrayView2<'_, F>,
    d_output: ArrayView2<'_, F>,
) -> Array2<F> {
    // input (N, F), d_output (N, C) → d_weights (F, C)
    dense(input.t(), d_output, None)
}

/// The gradient of [`dense`] for its bias: `d_bias[c] = Σ d_output[n, c]`.
#[must_use]
pub fn dense_d_bias<F: NdFloat>(d_output: ArrayView2<'_, F>) -> Array1<F> {
    // d_output (N, C) → d_bias (C)
    let mut d_bias = Array1::zeros(d_output.dim().1);
    for ((_, c), &d) in d_output.indexed_iter() {
        d_bias[c] += d;
    }
    d_bias
}
