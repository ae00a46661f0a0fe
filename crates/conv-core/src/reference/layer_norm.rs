use ndarray::{Array1, Array4, ArrayView1, ArrayView4, Axis, NdFloat};

use super::batch_norm::Gradients;
use super::constant::constant;

/// Layer normalisation over the channels of each pixel: `output = γ · x̂ + β` with
/// `x̂ = (x − mean) / √(variance + ε)`, mean and variance being those of the pixel's channels. J. L. Ba, J. R. Kiros and
/// G. E. Hinton, Layer normalization (2016).
///
/// input (N, H, W, C), gamma, beta (C) → output (N, H, W, C)
#[must_use]
pub fn layer_norm<F: NdFloat>(
    input: ArrayView4<'_, F>,
    epsilon: F,
    gamma: ArrayView1<'_, F>,
    beta: ArrayView1<'_, F>,
) -> Array4<F> {
    let mut output = input.to_owned();
    for mut pixel in output.lanes_mut(Axis(3)) {
        let (mean, inverse) = moments(pixel.view(), epsilon);
        for (channel, x) in pixel.iter_mut().enumerate() {
            *x = (*x - mean) * inverse * gamma[channel] + beta[channel];
        }
    }
    output
}

/// The gradients of [`layer_norm`]: over the C channels of a pixel, with g = `d_output` · γ,
/// `d_input = (g − Σ g / C − x̂ · Σ (g · x̂) / C) / √(variance + ε)`; over all pixels, `d_gamma = Σ d_output · x̂` and
/// `d_beta = Σ d_output`.
///
/// input, `d_output` (N, H, W, C), gamma (C) → the [`Gradients`]
#[must_use]
pub fn layer_norm_backward<F: NdFloat>(
    input: ArrayView4<'_, F>,
    epsilon: F,
    gamma: ArrayView1<'_, F>,
    d_output: ArrayView4<'_, F>,
) -> Gradients<F> {
    let channels = gamma.len();
    let (mut d_gamma, mut d_beta) = (Array1::zeros(channels), Array1::zeros(channels));
    let mut d_input = input.to_owned();
    for (mut pixel, d_output) in d_input
        .lanes_mut(Axis(3))
        .into_iter()
        .zip(d_output.lanes(Axis(3)))
    {
        let (mean, inverse) = moments(pixel.view(), epsilon);
        let (mut sum, mut product) = (F::zero(), F::zero());
        for channel in 0..channels {
            let normalised = (pixel[channel] - mean) * inverse;
            let g = d_output[channel] * gamma[channel];
            sum += g;
            product += g * normalised;
            d_gamma[channel] += d_output[channel] * normalised;
            d_beta[channel] += d_output[channel];
        }
        let count = constant::<F>(channels as f64);
        for channel in 0..channels {
            let normalised = (pixel[channel] - mean) * inverse;
            let g = d_output[channel] * gamma[channel];
            pixel[channel] = (g - sum / count - normalised * (product / count)) * inverse;
        }
    }
    Gradients {
        d_input,
        d_gamma,
        d_beta,
    }
}

/// The mean of a pixel's channels, and `1 / √(variance + ε)`.
fn moments<F: NdFloat>(pixel: ArrayView1<'_, F>, epsilon: F) -> (F, F) {
    let count = constant::<F>(pixel.len() as f64);
    let mean = pixel.sum() / count;
    let squares = pixel.fold(F::zero(), |sum, &x| sum + (x - mean) * (x - mean));
    (mean, F::one() / (squares / count + epsilon).sqrt())
}
