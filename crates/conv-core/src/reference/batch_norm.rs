use ndarray::{Array1, Array4, ArrayView1, ArrayView4, Axis, NdFloat};

use super::constant::constant;

/// Mean and mean squared deviation of each channel.
#[must_use]
pub fn statistics<F: NdFloat>(input: ArrayView4<'_, F>) -> (Array1<F>, Array1<F>) {
    // input (N, H, W, C) → mean, variance (C)
    let channels = input.dim().3;
    let count = constant::<F>((input.len() / channels) as f64);
    let mean = Array1::from_shape_fn(channels, |c| input.index_axis(Axis(3), c).sum() / count);
    let variance = Array1::from_shape_fn(channels, |c| {
        let deviation = input.index_axis(Axis(3), c).mapv(|x| x - mean[c]);
        deviation.mapv(|d| d * d).sum() / count
    });
    (mean, variance)
}

/// Batch normalisation by given statistics: `output = γ (input − mean) / √(variance + ε) + β`, channel by channel.
/// S. Ioffe and C. Szegedy, Batch normalization, ICML (2015).
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn batch_norm<F: NdFloat>(
    input: ArrayView4<'_, F>,
    (mean, variance): (ArrayView1<'_, F>, ArrayView1<'_, F>),
    epsilon: F,
    (gamma, beta): (ArrayView1<'_, F>, ArrayView1<'_, F>),
) -> Array4<F> {
    // input (N, H, W, C), mean, variance, gamma, beta (C) → output (N, H, W, C)
    Array4::from_shape_fn(input.dim(), |(n, y, x, c)| {
        gamma[c] * (input[[n, y, x, c]] - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    })
}

/// The gradients of [`batch_norm`] by the input's own [`statistics`], for input, γ and β. With
/// `x̂ = (input − mean) / √(variance + ε)` and M numbers a channel: `d_beta = Σ d_output`,
/// `d_gamma = Σ d_output · x̂`, `d_input = γ / √(variance + ε) · (d_output − d_beta / M − x̂ · d_gamma / M)`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn batch_norm_backward<F: NdFloat>(
    input: ArrayView4<'_, F>,
    epsilon: F,
    gamma: ArrayView1<'_, F>,
    d_output: ArrayView4<'_, F>,
) -> (Array4<F>, Array1<F>, Array1<F>) {
    // input, d_output (N, H, W, C), gamma (C) → d_input (N, H, W, C), d_gamma, d_beta (C)
    let channels = gamma.len();
    let (mean, variance) = statistics(input);
    let (ones, zeros) = (Array1::ones(channels), Array1::zeros(channels));
    let affine = (ones.view(), zeros.view());
    let normal = batch_norm(input, (mean.view(), variance.view()), epsilon, affine);
    let sum =
        |array: &Array4<F>| Array1::from_shape_fn(channels, |c| array.index_axis(Axis(3), c).sum());
    let (d_beta, d_gamma) = (sum(&d_output.to_owned()), sum(&(&normal * &d_output)));
    let count = constant::<F>((input.len() / channels) as f64);
    let d_input = Array4::from_shape_fn(input.dim(), |at| {
        let c = at.3;
        gamma[c] / (variance[c] + epsilon).sqrt()
            * (d_output[at] - d_beta[c] / count - normal[at] * d_gamma[c] / count)
    });
    (d_input, d_gamma, d_beta)
}
