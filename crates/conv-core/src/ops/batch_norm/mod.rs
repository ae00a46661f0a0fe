//! Batch normalisation: each channel to mean 0 and variance 1, then to a scale and a shift that are learned.
//! S. Ioffe and C. Szegedy, Batch normalization, ICML (2015).
//!
//! In training the statistics are the batch's, in inference a running average of them; [`forward`] takes
//! either. [`fold`] multiplies them into the convolution before, after which inference needs no normalisation.
//!
//! Longer than other files, since what a network's step and a caller share, statistics and sums, stands here with both passes.
//!
//! ```
//! use conv_core::ops::batch_norm::{self, Statistics};
//! use ndarray::{Array4, arr1};
//!
//! // One channel of the values 1, 3, 5 and 7, to mean 10 and a standard deviation of 2.
//! let input = Array4::from_shape_fn((2, 1, 2, 1), |(n, _, x, _)| (4 * n + 2 * x + 1) as f32);
//! let statistics = Statistics::of(input.view())?;
//! assert_eq!((statistics.mean[0], statistics.variance[0]), (4., 5.));
//! let (gamma, beta, mut output) = (arr1(&[2.]), arr1(&[10.]), Array4::zeros((2, 1, 2, 1)));
//! batch_norm::forward(input.view(), &statistics, 0., gamma.view(), beta.view(), output.view_mut())?;
//! let first = 10. - 2. * 3. / 5_f32.sqrt();
//! assert!((output[[0, 0, 0, 0]] - first).abs() < 1e-6);
//! # Ok::<(), conv_core::Error>(())
//! ```

mod channels;
mod passes;
mod record;

use ndarray::{ArrayView1, ArrayView4, ArrayViewMut1, ArrayViewMut4};

use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::tuning::SUMS_PER_BATCH;
use crate::{Error, parallel};
use passes::{DInput, Moments, Normalise, Products};

/// Mean and variance of each channel, in `f64`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many values a channel has: images · rows · columns.
    pub count: usize,
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The mean squared deviation from it (divided by `count`).
    pub variance: Vec<f64>,
}

impl Statistics {
    /// The statistics of an input (N, H, W, C).
    ///
    /// # Errors
    /// If the input is empty or not in row-major order.
    pub fn of(input: ArrayView4<'_, f32>) -> Result<Self, Error> {
        let (n, h, w, channels) = input.dim();
        for (what, found) in [("images", n), ("pixels", h * w), ("channels", channels)] {
            expect_some(what, found)?;
        }
        let image = h * w * channels;
        let input = slice("input", &input)?;
        let images = n.div_ceil(SUMS_PER_BATCH);
        let mut tasks = vec![Self::new(channels); n.div_ceil(images)];
        parallel::parts_mut(&mut tasks, 1, |task, statistics| {
            let input = &input[task * images * image..];
            let input = &input[..input.len().min(images * image)];
            for statistics in statistics {
                statistics.set(input);
            }
        });
        let mut all = Self::new(channels);
        for task in &tasks {
            all.merge(task);
        }
        Ok(all)
    }

    /// Statistics of no values yet.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            count: 0,
            mean: vec![0.0; channels],
            variance: vec![0.0; channels],
        }
    }

    /// Sets them to the statistics of an input, in two passes.
    pub(crate) fn set(&mut self, input: &[f32]) {
        let channels = self.mean.len();
        self.count = input.len() / channels;
        channels::each(
            channels,
            Moments {
                input,
                statistics: self,
            },
        );
    }

    /// Merges the statistics of other values of the same channels into these. T. Chan, G. Golub and R. `LeVeque`, Updating
    /// formulae and a pairwise algorithm for computing sample variances (1979).
    pub(crate) fn merge(&mut self, other: &Self) {
        self.merge_values(other.count, &other.mean, &other.variance);
    }

    fn merge_values(&mut self, other: usize, mean: &[f64], variance: &[f64]) {
        let (own, its) = (self.count as f64, other as f64);
        let count = own + its;
        if its == 0.0 {
            return;
        }
        let theirs = mean.iter().zip(variance);
        let ours = self.mean.iter_mut().zip(&mut self.variance);
        for ((mean, variance), (other_mean, other_variance)) in ours.zip(theirs) {
            let apart = other_mean - *mean;
            *mean += apart * (its / count);
            let between = apart * apart * (own / count) * (its / count);
            *variance = *variance * (own / count) + other_variance * (its / count) + between;
        }
        self.count += other;
    }

    /// `1 / √(variance + ε)` of a channel.
    pub(crate) fn inverse_deviation(&self, channel: usize, epsilon: f32) -> f64 {
        1.0 / (self.variance[channel] + f64::from(epsilon)).sqrt()
    }
}

/// `output = γ · x̂ + β` with `x̂ = (input − mean) / √(variance + ε)`, channel by channel.
///
/// input (N, H, W, C), statistics, gamma, beta (C) → output (N, H, W, C)
///
/// # Errors
/// If the numbers of channels or the shapes differ, or an array is empty or not in row-major order.
pub fn forward(
    input: ArrayView4<'_, f32>,
    statistics: &Statistics,
    epsilon: f32,
    gamma: ArrayView1<'_, f32>,
    beta: ArrayView1<'_, f32>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let channels = input.dim().3;
    check(channels, statistics, gamma.len())?;
    expect_shape("beta", &[channels], beta.shape())?;
    expect_shape("output", input.shape(), output.shape())?;
    let (gamma, beta) = (slice("gamma", &gamma)?, slice("beta", &beta)?);
    let mut affine = vec![Affine::default(); channels];
    set_affine(&mut affine, statistics, epsilon, gamma, beta);
    let image = input.len() / input.dim().0.max(1);
    let input = slice("input", &input)?;
    let output = slice_mut("output", &mut output)?;
    parallel::parts_mut(output, image, |number, output| {
        Normalisation::alone(&affine).apply(&input[number * image..][..output.len()], output);
    });
    Ok(())
}

/// What the backward pass of a normalisation writes.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of the input (N, H, W, C).
    pub d_input: ArrayViewMut4<'a, f32>,
    /// Of gamma (C).
    pub d_gamma: ArrayViewMut1<'a, f32>,
    /// Of beta (C).
    pub d_beta: ArrayViewMut1<'a, f32>,
}

/// The gradients of [`forward`] where the statistics are those of `input` itself, which changes them too. Over
/// the M values of a channel:
///
/// `d_beta = Σ d_output`, `d_gamma = Σ d_output · x̂`,
/// `d_input = γ / √(variance + ε) · (d_output − d_beta / M − x̂ · d_gamma / M)`.
///
/// input, `d_output` (N, H, W, C), gamma (C) → the [`Gradients`]
///
/// # Errors
/// As [`forward`].
pub fn backward(
    input: ArrayView4<'_, f32>,
    statistics: &Statistics,
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
    let (n, _, _, channels) = input.dim();
    check(channels, statistics, gamma.len())?;
    expect_some("images", n)?;
    expect_shape("d_output", input.shape(), d_output.shape())?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    expect_shape("d_gamma", &[channels], d_gamma.shape())?;
    expect_shape("d_beta", &[channels], d_beta.shape())?;
    let image = input.len() / n;
    let gamma = slice("gamma", &gamma)?;
    let (input, d_output) = (slice("input", &input)?, slice("d_output", &d_output)?);
    let d_input = slice_mut("d_input", &mut d_input)?;
    // Without a ReLU after it, the gradient does not depend on the outputs, and so not on scale and shift.
    let affine = vec![Affine::default(); channels];
    let normalisation = Normalisation::alone(&affine);
    let images = n.div_ceil(SUMS_PER_BATCH);
    let mut tasks = vec![Sums::new(channels); n.div_ceil(images)];
    parallel::parts_mut(&mut tasks, 1, |task, sums| {
        let range = task * images * image..((task + 1) * images * image).min(input.len());
        for sums in sums {
            let values = (&input[range.clone()], &d_output[range.clone()]);
            sums.set((statistics, epsilon), normalisation, values);
        }
    });
    let mut sums = Sums::new(channels);
    for task in &tasks {
        sums.add(task);
    }
    sums.write(&mut d_gamma, &mut d_beta);
    parallel::parts_mut(d_input, image, |number, d_input| {
        let (input, d_output) = (&input[number * image..], &d_output[number * image..]);
        let values = (input, d_output);
        sums.d_input((statistics, epsilon, gamma), normalisation, values, d_input);
    });
    Ok(())
}

/// Folds a normalisation into the convolution before it: kernels · s and (bias − mean) · s + β with
/// `s = γ / √(variance + ε)`. A convolution without bias is given one of zeros.
///
/// statistics, gamma, beta (Cout), kernels (Kh, Kw, Cin / groups, Cout), bias (Cout) → kernels, bias
///
/// # Errors
/// If the numbers of channels differ.
pub fn fold(
    statistics: &Statistics,
    epsilon: f32,
    gamma: ArrayView1<'_, f32>,
    beta: ArrayView1<'_, f32>,
    mut kernels: ArrayViewMut4<'_, f32>,
    mut bias: ArrayViewMut1<'_, f32>,
) -> Result<(), Error> {
    let channels = kernels.dim().3;
    check(channels, statistics, gamma.len())?;
    expect_shape("beta", &[channels], beta.shape())?;
    expect_shape("bias", &[channels], bias.shape())?;
    for channel in 0..channels {
        let scale = f64::from(gamma[channel]) * statistics.inverse_deviation(channel, epsilon);
        let centred = f64::from(bias[channel]) - statistics.mean[channel];
        bias[channel] = (centred * scale + f64::from(beta[channel])) as f32;
        let mut kernel = kernels.index_axis_mut(ndarray::Axis(3), channel);
        kernel.mapv_inplace(|weight| (f64::from(weight) * scale) as f32);
    }
    Ok(())
}

fn check(channels: usize, statistics: &Statistics, gamma: usize) -> Result<(), Error> {
    expect_some("channels", channels)?;
    expect_shape("mean", &[channels], &[statistics.mean.len()])?;
    expect_shape("variance", &[channels], &[statistics.variance.len()])?;
    expect_shape("gamma", &[channels], &[gamma])
}

/// A channel's normalisation: (x − mean) · scale + shift.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Affine {
    mean: f32,
    scale: f32,
    shift: f32,
}

pub(crate) fn set_affine(
    all: &mut [Affine],
    statistics: &Statistics,
    epsilon: f32,
    gamma: &[f32],
    beta: &[f32],
) {
    for (channel, affine) in all.iter_mut().enumerate() {
        let scale = f64::from(gamma[channel]) * statistics.inverse_deviation(channel, epsilon);
        *affine = Affine {
            mean: statistics.mean[channel] as f32,
            scale: scale as f32,
            shift: beta[channel],
        };
    }
}

/// A normalisation and the ReLU after it: computed in one pass, so that the values between them need no memory.
#[derive(Clone, Copy)]
pub(crate) struct Normalisation<'a> {
    pub(crate) affine: &'a [Affine],
    /// The ReLU's factor of what is not above 0; without one 1, which changes nothing.
    pub(crate) slope: f32,
}

impl<'a> Normalisation<'a> {
    /// A normalisation with no ReLU after it.
    fn alone(affine: &'a [Affine]) -> Self {
        Self { affine, slope: 1.0 }
    }

    /// (pixels, C) → (pixels, C)
    pub(crate) fn apply(self, input: &[f32], output: &mut [f32]) {
        channels::each(
            self.affine.len(),
            Normalise {
                normalisation: self,
                input,
                output,
            },
        );
    }
}

/// Σ d and Σ d · x̂ of each channel, where d is `d_output` before the ReLU.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    count: usize,
    d_beta: Vec<f64>,
    d_gamma: Vec<f64>,
}

impl Sums {
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            count: 0,
            d_beta: vec![0.0; channels],
            d_gamma: vec![0.0; channels],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.d_beta.fill(0.0);
        self.d_gamma.fill(0.0);
    }

    pub(crate) fn set(
        &mut self,
        (statistics, epsilon): (&Statistics, f32),
        normalisation: Normalisation<'_>,
        (input, d_output): (&[f32], &[f32]),
    ) {
        self.clear();
        let channels = self.d_beta.len();
        self.count = input.len() / channels;
        channels::each(
            channels,
            Products {
                normalisation,
                means: &statistics.mean,
                input,
                d_output,
                sums: self,
            },
        );
        for (channel, sum) in self.d_gamma.iter_mut().enumerate() {
            *sum *= statistics.inverse_deviation(channel, epsilon);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.add_values(other.count, &other.d_beta, &other.d_gamma);
    }

    fn add_values(&mut self, count: usize, d_beta: &[f64], d_gamma: &[f64]) {
        self.count += count;
        for (sum, other) in self.d_beta.iter_mut().zip(d_beta) {
            *sum += other;
        }
        for (sum, other) in self.d_gamma.iter_mut().zip(d_gamma) {
            *sum += other;
        }
    }

    pub(crate) fn write<'a>(
        &self,
        d_gamma: impl IntoIterator<Item = &'a mut f32>,
        d_beta: impl IntoIterator<Item = &'a mut f32>,
    ) {
        for (to, sum) in d_gamma.into_iter().zip(&self.d_gamma) {
            *to = *sum as f32;
        }
        for (to, sum) in d_beta.into_iter().zip(&self.d_beta) {
            *to = *sum as f32;
        }
    }

    /// The input's gradient, from the sums over the whole batch, for some of its pixels.
    pub(crate) fn d_input(
        &self,
        (statistics, epsilon, gamma): (&Statistics, f32, &[f32]),
        normalisation: Normalisation<'_>,
        (input, d_output): (&[f32], &[f32]),
        d_input: &mut [f32],
    ) {
        channels::each(
            gamma.len(),
            DInput {
                normalisation,
                sums: self,
                statistics,
                epsilon,
                gamma,
                input,
                d_output,
                d_input,
            },
        );
    }
}
