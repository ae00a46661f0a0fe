//! Layer normalisation over the channels of each pixel: their mean becomes 0 and their variance 1, then each channel has
//! a scale and a shift that are learned. J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization (2016).
//!
//! It needs no batch and no running statistics: training and inference compute the same. After a dense layer it is
//! `PyTorch`'s `LayerNorm` over the features.

use ndarray::{ArrayView1, ArrayView4, ArrayViewMut4};

pub use super::batch_norm::Gradients;
use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::simd::{Op, Simd, dispatch};
use crate::tuning::{SUMS_PER_BATCH, SUMS_PER_PIXEL};
use crate::{Error, parallel};

/// `output = γ · x̂ + β` with `x̂ = (input − mean) / √(variance + ε)`, pixel by pixel over its channels; see
/// [`reference::layer_norm`](crate::reference::layer_norm).
///
/// input (N, H, W, C), gamma, beta (C) → output (N, H, W, C)
///
/// ```
/// use conv_core::ops::layer_norm;
/// use ndarray::{Array4, arr1};
///
/// // One pixel with the channels 1, 3, 5 and 7: mean 4, variance 5.
/// let input = Array4::from_shape_fn((1, 1, 1, 4), |(.., c)| (2 * c + 1) as f32);
/// let (gamma, beta, mut output) = (arr1(&[1.; 4]), arr1(&[10.; 4]), Array4::zeros((1, 1, 1, 4)));
/// layer_norm::forward(input.view(), 0., gamma.view(), beta.view(), output.view_mut())?;
/// assert!((output[[0, 0, 0, 3]] - (10. + 3. / 5_f32.sqrt())).abs() < 1e-5);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit, an array is empty or not in row-major order.
pub fn forward(
    input: ArrayView4<'_, f32>,
    epsilon: f32,
    gamma: ArrayView1<'_, f32>,
    beta: ArrayView1<'_, f32>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let (n, rows, cols, channels) = input.dim();
    expect_some("images", n)?;
    expect_some("pixels", rows * cols)?;
    expect_some("channels", channels)?;
    expect_shape("gamma", &[channels], gamma.shape())?;
    expect_shape("beta", &[channels], beta.shape())?;
    expect_shape("output", input.shape(), output.shape())?;
    let (gamma, beta) = (slice("gamma", &gamma)?, slice("beta", &beta)?);
    let image = input.len() / n;
    let input = slice("input", &input)?;
    let output = slice_mut("output", &mut output)?;
    parallel::parts_mut(output, image, |number, output| {
        let input = &input[number * image..][..output.len()];
        normalise(Scale { epsilon, gamma }, beta, input, output);
    });
    Ok(())
}

/// The gradients of [`forward`]: over the C channels of a pixel, with g = `d_output` · γ,
/// `d_input = (g − Σ g / C − x̂ · Σ (g · x̂) / C) / √(variance + ε)`; over all pixels, `d_gamma = Σ d_output · x̂` and
/// `d_beta = Σ d_output`.
///
/// input, `d_output` (N, H, W, C), gamma (C) → the [`Gradients`]
///
/// # Errors
/// As [`forward`].
pub fn backward(
    input: ArrayView4<'_, f32>,
    epsilon: f32,
    gamma: ArrayView1<'_, f32>,
    d_output: ArrayView4<'_, f32>,
    gradients: Gradients<'_>,
) -> Result<(), Error> {
    let Gradients {
        mut d_input,
        mut d_gamma,
        mut d_beta,
    } = gradients;
    let (n, rows, cols, channels) = input.dim();
    expect_some("images", n)?;
    expect_some("pixels", rows * cols)?;
    expect_some("channels", channels)?;
    for (what, shape) in [
        ("gamma", gamma.shape()),
        ("d_gamma", d_gamma.shape()),
        ("d_beta", d_beta.shape()),
    ] {
        expect_shape(what, &[channels], shape)?;
    }
    expect_shape("d_output", input.shape(), d_output.shape())?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let image = input.len() / n;
    let scale = Scale {
        epsilon,
        gamma: slice("gamma", &gamma)?,
    };
    let (input, d_output) = (slice("input", &input)?, slice("d_output", &d_output)?);
    let d_input = slice_mut("d_input", &mut d_input)?;
    let images = n.div_ceil(SUMS_PER_BATCH);
    // Of each task, d_gamma and d_beta.
    let mut sums = vec![0.0; n.div_ceil(images) * 2 * channels];
    parallel::parts_mut(&mut sums, 2 * channels, |task, sums| {
        let range = task * images * image..((task + 1) * images * image).min(input.len());
        let (d_gamma, d_beta) = sums.split_at_mut(channels);
        add_d_parameters(
            scale,
            &input[range.clone()],
            &d_output[range],
            d_gamma,
            d_beta,
        );
    });
    d_gamma.fill(0.0);
    d_beta.fill(0.0);
    for sums in sums.chunks_exact(2 * channels) {
        for (total, sum) in d_gamma.iter_mut().chain(&mut d_beta).zip(sums) {
            *total += sum;
        }
    }
    parallel::parts_mut(d_input, image, |number, d_input| {
        let (input, d_output) = (&input[number * image..], &d_output[number * image..]);
        write_d_input(scale, &input[..image], &d_output[..image], d_input);
    });
    Ok(())
}

/// What is added to the variance, and the scale of each channel.
#[derive(Clone, Copy)]
pub(crate) struct Scale<'a> {
    pub(crate) epsilon: f32,
    pub(crate) gamma: &'a [f32],
}

/// (pixels, C) → (pixels, C)
pub(crate) fn normalise(scale: Scale<'_>, beta: &[f32], input: &[f32], output: &mut [f32]) {
    dispatch(Normalise {
        scale,
        beta,
        input,
        output,
    });
}

/// Adds the gradients of gamma and beta, pixel after pixel.
pub(crate) fn add_d_parameters(
    scale: Scale<'_>,
    input: &[f32],
    d_output: &[f32],
    d_gamma: &mut [f32],
    d_beta: &mut [f32],
) {
    dispatch(DParameters {
        scale,
        input,
        d_output,
        d_gamma,
        d_beta,
    });
}

/// The gradient of the input.
pub(crate) fn write_d_input(
    scale: Scale<'_>,
    input: &[f32],
    d_output: &[f32],
    d_input: &mut [f32],
) {
    dispatch(DInput {
        scale,
        input,
        d_output,
        d_input,
    });
}

/// The sum of what a pixel's channels give: [`SUMS_PER_PIXEL`] sums by turns, added in their order, so that they can be
/// lanes of a vector.
#[inline(always)]
fn sum(count: usize, value: impl Fn(usize) -> f64) -> f64 {
    let mut sums = [0.0; SUMS_PER_PIXEL];
    let whole = count - count % SUMS_PER_PIXEL;
    for first in (0..whole).step_by(SUMS_PER_PIXEL) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += value(first + i);
        }
    }
    for channel in whole..count {
        sums[channel - whole] += value(channel);
    }
    sums.iter().sum()
}

/// A pixel's mean and `1 / √(variance + ε)`.
#[inline(always)]
fn moments(pixel: &[f32], epsilon: f32) -> (f64, f64) {
    let count = pixel.len() as f64;
    let mean = sum(pixel.len(), |i| f64::from(pixel[i])) / count;
    let squares = sum(pixel.len(), |i| {
        let deviation = f64::from(pixel[i]) - mean;
        deviation * deviation
    });
    (mean, 1.0 / (squares / count + f64::from(epsilon)).sqrt())
}

struct Normalise<'a> {
    scale: Scale<'a>,
    beta: &'a [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Scale { epsilon, gamma } = self.scale;
        let pixels = self.input.chunks_exact(gamma.len());
        for (pixel, output) in pixels.zip(self.output.chunks_exact_mut(gamma.len())) {
            let (mean, inverse) = moments(pixel, epsilon);
            let channels = pixel.iter().zip(gamma).zip(self.beta);
            for (y, ((&x, &gamma), &beta)) in output.iter_mut().zip(channels) {
                let normalised = (f64::from(x) - mean) * inverse;
                *y = (normalised * f64::from(gamma) + f64::from(beta)) as f32;
            }
        }
    }
}

struct DParameters<'a> {
    scale: Scale<'a>,
    input: &'a [f32],
    d_output: &'a [f32],
    d_gamma: &'a mut [f32],
    d_beta: &'a mut [f32],
}

impl Op for DParameters<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Scale { epsilon, gamma } = self.scale;
        let pixels = self.input.chunks_exact(gamma.len());
        for (pixel, d_output) in pixels.zip(self.d_output.chunks_exact(gamma.len())) {
            let (mean, inverse) = moments(pixel, epsilon);
            let sums = self.d_gamma.iter_mut().zip(self.d_beta.iter_mut());
            for ((d_gamma, d_beta), (&x, &d)) in sums.zip(pixel.iter().zip(d_output)) {
                *d_gamma += d * ((f64::from(x) - mean) * inverse) as f32;
                *d_beta += d;
            }
        }
    }
}

struct DInput<'a> {
    scale: Scale<'a>,
    input: &'a [f32],
    d_output: &'a [f32],
    d_input: &'a mut [f32],
}

impl Op for DInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Scale { epsilon, gamma } = self.scale;
        let channels = gamma.len();
        let pixels = self.input.chunks_exact(channels);
        let pixels = pixels.zip(self.d_output.chunks_exact(channels));
        for ((pixel, d_output), d_input) in pixels.zip(self.d_input.chunks_exact_mut(channels)) {
            let (mean, inverse) = moments(pixel, epsilon);
            let g = |i: usize| f64::from(d_output[i]) * f64::from(gamma[i]);
            let normalised = |i: usize| (f64::from(pixel[i]) - mean) * inverse;
            let count = channels as f64;
            let mean_g = sum(channels, g) / count;
            let mean_gx = sum(channels, |i| g(i) * normalised(i)) / count;
            for (i, d_input) in d_input.iter_mut().enumerate() {
                *d_input = ((g(i) - mean_g - normalised(i) * mean_gx) * inverse) as f32;
            }
        }
    }
}
