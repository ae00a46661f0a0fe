use ndarray::{Array1, Array4, ArrayView1, ArrayView4, Axis, NdFloat};

use super::constant::constant;

/// The mean of each channel, and its mean squared deviation from that.
#[derive(Clone, Debug)]
pub struct Statistics<F> {
    /// (C)
    pub mean: Array1<F>,
    /// (C)
    pub variance: Array1<F>,
}

/// What the backward pass of a normalisation finds.
#[derive(Clone, Debug)]
pub struct Gradients<F> {
    /// Of the input (N, H, W, C).
    pub d_input: Array4<F>,
    /// Of gamma (C).
    pub d_gamma: Array1<F>,
    /// Of beta (C).
    pub d_beta: Array1<F>,
}

/// Mean and variance of each channel.
#[must_use]
pub fn statistics<F: NdFloat>(input: ArrayView4<'_, F>) -> Statistics<F> {
    // input (N, H, W, C) → mean, variance (C)
    let channels = input.dim().3;
    let count = constant::<F>((input.len() / channels) as f64);
    let mean = Array1::from_shape_fn(channels, |c| input.index_axis(Axis(3), c).sum() / count);
    let variance = Array1::from_shape_fn(channels, |c| {
        let deviation = input.index_axis(Axis(3), c).mapv(|x| x - mean[c]);
        deviation.mapv(|d| d * d).sum() / count
    });
    Statistics { mean, variance }
}

/// Batch normalisation by given statistics: `output = γ (input − mean) / √(variance + ε) + β`, channel by channel.
/// S. Ioffe and C. Szegedy, Batch normalization, ICML (2015).
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn batch_norm<F: NdFloat>(
    input: ArrayView4<'_, F>,
    statistics: &Statistics<F>,
    epsilon: F,
    gamma: ArrayView1<'_, F>,
    beta: ArrayView1<'_, F>,
) -> Array4<F> {
    // input (N, H, W, C), mean, variance, gamma, beta (C) → output (N, H, W, C)
    let Statistics { mean, variance } = statistics;
    Array4::from_shape_fn(input.dim(), |(n, y, x, c)| {
        gamma[c] * (input[[n, y, x, c]] - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    })
}

/// The gradients of [`batch_norm`] by the input's own [`statistics`], for input, γ and β. With
/// `x̂ = (input − mean) / √(variance + ε)` and M values a channel: `d_beta = Σ d_output`,
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
) -> Gradients<F> {
    // input, d_output (N, H, W, C), gamma (C) → d_input (N, H, W, C), d_gamma, d_beta (C)
    let channels = gamma.len();
    let statistics = statistics(input);
    let (ones, zeros) = (Array1::ones(channels), Array1::zeros(channels));
    let normal = batch_norm(input, &statistics, epsilon, ones.view(), zeros.view());
    let sum =
        |array: &Array4<F>| Array1::from_shape_fn(channels, |c| array.index_axis(Axis(3), c).sum());
    let (d_beta, d_gamma) = (sum(&d_output.to_owned()), sum(&(&normal * &d_output)));
    let count = constant::<F>((input.len() / channels) as f64);
    let d_input = Array4::from_shape_fn(input.dim(), |at| {
        let c = at.3;
        gamma[c] / (statistics.variance[c] + epsilon).sqrt()
            * (d_output[at] - d_beta[c] / count - normal[at] * d_gamma[c] / count)
    });
    Gradients {
        d_input,
        d_gamma,
        d_beta,
    }
}
