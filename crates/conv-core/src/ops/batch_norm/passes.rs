//! The loops of batch normalisation, for a block of channels.

use super::channels::{Channels, pixels, pixels_mut};
use super::{Normalisation, Statistics, Sums};

/// The sums of `B` channels over all pixels, in `f64`.
#[inline(always)]
fn sums<const B: usize>(pixels: impl Iterator<Item = [f64; B]>) -> [f64; B] {
    let mut sums = [0.0; B];
    for pixel in pixels {
        for (sum, x) in sums.iter_mut().zip(pixel) {
            *sum += x;
        }
    }
    sums
}

/// `B` values from `first` on.
#[inline(always)]
fn block_of<T: Copy, const B: usize>(values: &[T], first: usize) -> [T; B] {
    std::array::from_fn(|i| values[first + i])
}

/// [`Normalisation`] for `B` channels, its means, scales and shifts in an array each.
struct Affines<const B: usize> {
    means: [f32; B],
    scales: [f32; B],
    shifts: [f32; B],
    slope: f32,
}

impl<const B: usize> Affines<B> {
    #[inline(always)]
    fn new(normalisation: Normalisation<'_>, first: usize) -> Self {
        let mut own = Self {
            means: [0.0; B],
            scales: [0.0; B],
            shifts: [0.0; B],
            slope: normalisation.slope,
        };
        for (i, affine) in normalisation.affine[first..first + B].iter().enumerate() {
            (own.means[i], own.scales[i], own.shifts[i]) =
                (affine.mean, affine.scale, affine.shift);
        }
        own
    }

    #[inline(always)]
    fn normalised(&self, x: &[f32; B]) -> [f32; B] {
        // An array of its own: so no write can be taken to change what is still to be read.
        let mut normalised = *x;
        let affines = self.means.iter().zip(&self.scales).zip(&self.shifts);
        for (x, ((mean, scale), shift)) in normalised.iter_mut().zip(affines) {
            *x = (*x - mean) * scale + shift;
        }
        normalised
    }

    /// What the ReLU after the normalisation makes of `y`.
    #[inline(always)]
    fn rectified(&self, normalised: &[f32; B], mut y: [f32; B]) -> [f32; B] {
        for (y, &normalised) in y.iter_mut().zip(normalised) {
            let leaked = self.slope * *y;
            *y = if normalised > 0.0 { *y } else { leaked };
        }
        y
    }
}

/// Mean and variance, in two passes.
pub(super) struct Moments<'a> {
    pub(super) input: &'a [f32],
    pub(super) statistics: &'a mut Statistics,
}

impl Channels for Moments<'_> {
    const PAIRS: bool = false;

    #[inline(always)]
    fn block<const B: usize>(&mut self, first: usize) {
        let Statistics {
            count,
            mean,
            variance,
        } = self.statistics;
        let (channels, count) = (mean.len(), (*count).max(1) as f64);
        let pixels = || pixels::<B>(self.input, channels, first);
        let means = sums(pixels().map(|pixel| pixel.map(f64::from))).map(|sum| sum / count);
        let squares = sums(pixels().map(|pixel| {
            let mut squares = means;
            for (square, &x) in squares.iter_mut().zip(pixel) {
                let deviation = f64::from(x) - *square;
                *square = deviation * deviation;
            }
            squares
        }));
        mean[first..first + B].copy_from_slice(&means);
        variance[first..first + B].copy_from_slice(&squares.map(|sum| sum / count));
    }
}

/// `(x − mean) · scale + shift`, rectified.
pub(super) struct Normalise<'a> {
    pub(super) normalisation: Normalisation<'a>,
    pub(super) input: &'a [f32],
    pub(super) output: &'a mut [f32],
}

impl Channels for Normalise<'_> {
    const PAIRS: bool = true;

    #[inline(always)]
    fn block<const B: usize>(&mut self, first: usize) {
        let channels = self.normalisation.affine.len();
        let affine = Affines::<B>::new(self.normalisation, first);
        let input = pixels::<B>(self.input, channels, first);
        for (x, y) in input.zip(pixels_mut::<B>(self.output, channels, first)) {
            let normalised = affine.normalised(x);
            *y = affine.rectified(&normalised, normalised);
        }
    }
}

/// Σ d and Σ d · (input − mean), where d is the gradient before the ReLU.
pub(super) struct Products<'a> {
    pub(super) normalisation: Normalisation<'a>,
    pub(super) means: &'a [f64],
    pub(super) input: &'a [f32],
    pub(super) d_output: &'a [f32],
    pub(super) sums: &'a mut Sums,
}

impl Channels for Products<'_> {
    const PAIRS: bool = true;

    #[inline(always)]
    fn block<const B: usize>(&mut self, first: usize) {
        let channels = self.means.len();
        let means = block_of::<f64, B>(self.means, first);
        let affine = Affines::<B>::new(self.normalisation, first);
        let (mut d_beta, mut d_gamma) = ([0.0; B], [0.0; B]);
        let input = pixels::<B>(self.input, channels, first);
        for (x, d) in input.zip(pixels::<B>(self.d_output, channels, first)) {
            let d = affine.rectified(&affine.normalised(x), *d);
            for i in 0..B {
                d_beta[i] += f64::from(d[i]);
                d_gamma[i] += f64::from(d[i]) * (f64::from(x[i]) - means[i]);
            }
        }
        self.sums.d_beta[first..first + B].copy_from_slice(&d_beta);
        self.sums.d_gamma[first..first + B].copy_from_slice(&d_gamma);
    }
}

/// [`Sums::d_input`].
pub(super) struct DInput<'a> {
    pub(super) normalisation: Normalisation<'a>,
    pub(super) sums: &'a Sums,
    pub(super) statistics: &'a Statistics,
    pub(super) epsilon: f32,
    pub(super) gamma: &'a [f32],
    pub(super) input: &'a [f32],
    pub(super) d_output: &'a [f32],
    pub(super) d_input: &'a mut [f32],
}

impl Channels for DInput<'_> {
    const PAIRS: bool = true;

    #[inline(always)]
    fn block<const B: usize>(&mut self, first: usize) {
        let channels = self.gamma.len();
        let count = self.sums.count as f64;
        let means = block_of::<f64, B>(&self.statistics.mean, first);
        let affine = Affines::<B>::new(self.normalisation, first);
        let (mut scales, mut mean_d, mut mean_dx) = ([0.0; B], [0.0; B], [0.0; B]);
        for i in 0..B {
            let channel = first + i;
            let inverse = self.statistics.inverse_deviation(channel, self.epsilon);
            scales[i] = f64::from(self.gamma[channel]) * inverse;
            mean_d[i] = self.sums.d_beta[channel] / count;
            mean_dx[i] = self.sums.d_gamma[channel] / count * inverse;
        }
        let input = pixels::<B>(self.input, channels, first);
        let sources = input.zip(pixels::<B>(self.d_output, channels, first));
        for ((x, d), to) in sources.zip(pixels_mut::<B>(self.d_input, channels, first)) {
            let (x, mut d) = (*x, affine.rectified(&affine.normalised(x), *d));
            for i in 0..B {
                let centred =
                    f64::from(d[i]) - mean_d[i] - (f64::from(x[i]) - means[i]) * mean_dx[i];
                d[i] = (scales[i] * centred) as f32;
            }
            *to = d;
        }
    }
}
