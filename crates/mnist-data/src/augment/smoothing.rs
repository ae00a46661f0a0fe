//! Random fields, smoothed: how far an elastic distortion displaces each pixel.

use super::Elastic;
use super::blocks::{NARROW, WIDE, in_blocks, padded};
use crate::random::Random;

/// Makes fields (height, width) of one elastic distortion; its memory is used again for every field.
#[derive(Debug)]
pub(super) struct Smoothing {
    alpha: f32,
    /// How many rows and columns away a value still counts.
    reach: usize,
    /// The Gaussian of both sides, with `WIDE` − 1 zeros before and after it. A sum that begins with 0 is never −0, so that what
    /// is added with a weight of zero does not change a bit of it.
    gaussian: Vec<f32>,
    width: usize,
    /// The padded width.
    stride: usize,
    /// (height, stride): random numbers, and zeros beyond the width.
    noise: Vec<f32>,
    /// One row, smoothed over the rows.
    row: Vec<f32>,
}

impl Smoothing {
    pub(super) fn new(elastic: &Elastic, height: usize, width: usize) -> Self {
        let reach = elastic.gaussian.len() - 1;
        let zeros = [0.0; WIDE - 1];
        let before = elastic.gaussian[1..].iter().rev();
        let stride = padded(width);
        Self {
            alpha: elastic.alpha,
            reach,
            gaussian: (zeros.iter().chain(before))
                .chain(&elastic.gaussian)
                .chain(&zeros)
                .copied()
                .collect(),
            width,
            stride,
            noise: vec![0.0; height * stride],
            row: vec![0.0; stride],
        }
    }

    /// A displacement in pixels for each of (height, padded width) values; those beyond the width mean nothing.
    ///
    /// A Gaussian of two dimensions is one of each after the other. Of both, each sum begins with 0 and goes on from the first
    /// value to the last; outside of the image is nothing.
    pub(super) fn fill(&mut self, field: &mut [f32], random: &mut Random) {
        for row in self.noise.chunks_exact_mut(self.stride) {
            for value in &mut row[..self.width] {
                *value = random.signed();
            }
        }
        let height = self.noise.len() / self.stride;
        // Where the weight of a value itself stands.
        let middle = WIDE - 1 + self.reach;
        for (y, field) in field.chunks_exact_mut(self.stride).enumerate() {
            let (first, end) = (y.saturating_sub(self.reach), height.min(y + self.reach + 1));
            let weights = &self.gaussian[middle + first - y..][..end - first];
            let rows = &self.noise[first * self.stride..end * self.stride];
            in_blocks(
                &mut self.row,
                |x, sums| add_rows::<WIDE>(sums, x, weights, rows, self.stride),
                |x, sums| add_rows::<NARROW>(sums, x, weights, rows, self.stride),
            );
            let row = &self.row[..self.width];
            let across = |x: usize, columns: usize| {
                let first = x.saturating_sub(self.reach);
                let end = (x + columns + self.reach).min(row.len());
                let weights = &self.gaussian[..middle + x + columns - first];
                (&row[first..end], weights)
            };
            in_blocks(
                field,
                |x, sums| add_weighted::<WIDE>(sums, across(x, WIDE)),
                |x, sums| add_weighted::<NARROW>(sums, across(x, NARROW)),
            );
            for displacement in field {
                *displacement *= self.alpha;
            }
        }
    }
}

/// The sum of rows by their weights, in the columns from `x` on.
#[inline(always)]
fn add_rows<const N: usize>(
    to: &mut [f32; N],
    x: usize,
    weights: &[f32],
    rows: &[f32],
    stride: usize,
) {
    let mut sums = [0.0; N];
    for (weight, row) in weights.iter().zip(rows.chunks_exact(stride)) {
        let values = &row[x..x + N];
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += weight * value;
        }
    }
    *to = sums;
}

/// The sums of values, where the last `N` of the weights are those of the first value, and each further value has those
/// one place before.
#[inline(always)]
fn add_weighted<const N: usize>(to: &mut [f32; N], (values, weights): (&[f32], &[f32])) {
    let mut sums = [0.0; N];
    for (value, weights) in values.iter().zip(weights.windows(N).rev()) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += weight * value;
        }
    }
    *to = sums;
}
