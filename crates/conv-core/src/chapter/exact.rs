//! Decisions that `f32` cannot make.
//!
//! A prediction is the class of the largest logit. Where the two largest lie so close that the rounding of
//! `f32` could have swapped them, the image goes through the network once more in `f64`, as in NumPy. That
//! is a few images of ten thousand, and makes the printed accuracies those of `f64` throughout.

use super::batch::Dropout;
use super::{CLASSES, Network, Pooling};
use crate::simd::{LANES, math};

/// Logits closer than this share of their size are told apart in `f64`. In the chapter's 300 iterations
/// those of `f32` were off by up to 6e-6 where they are about 20 in size: by 3e-7 of it.
const CLOSE: f64 = 1e-5;

/// Whether `f32` may have mistaken the second largest logit for the largest.
///
/// Not compiled into a caller: with WebAssembly's relaxed SIMD its maxima would become instructions that may differ.
#[inline(never)]
pub(super) fn is_close(logits: &[f64; CLASSES]) -> bool {
    let (mut first, mut second, mut size) = (f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0_f64);
    for &logit in logits {
        size = size.max(logit.abs());
        second = second.max(first.min(logit));
        first = first.max(logit);
    }
    first - second < CLOSE * size
}

/// The logits of one image in `f64`; `cells` are its sections that are not blank.
pub(super) fn logits(
    net: &Network,
    pixels: &[f32],
    cells: &[u16],
    dropout: Option<Dropout<'_>>,
) -> [f64; CLASSES] {
    let geometry = &net.geometry;
    let mut logits = [0.0; CLASSES];
    let mut add = |unit: usize, value: f64| {
        let value = value * dropout.map_or(1.0, |dropout| f64::from(dropout.scale(unit)));
        for (class, logit) in logits.iter_mut().enumerate() {
            let (vector, lane) = geometry.dense_index(unit, class);
            *logit += value * net.master_dense[vector][lane];
        }
    };
    for &cell in cells {
        let cell = usize::from(cell);
        let position = geometry.position_of(cell);
        let (mut sum, mut max) = (0.0, f64::NEG_INFINITY);
        for kernel in 0..geometry.kernels {
            let prediction = prediction(net, &pixels[cell..], kernel);
            if geometry.pooling.is_none() {
                add(position * geometry.kernels + kernel, prediction);
            }
            sum += prediction;
            max = max.max(prediction);
        }
        match geometry.pooling {
            None => {}
            Some(Pooling::Sum) => add(position, sum),
            Some(Pooling::Mean) => add(position, sum / geometry.kernels as f64),
            Some(Pooling::Max) => add(position, max),
        }
    }
    logits
}

/// What a kernel predicts at the section that begins with the first pixel.
fn prediction(net: &Network, pixels: &[f32], kernel: usize) -> f64 {
    let geometry = &net.geometry;
    let taps = &net.master_taps[kernel / LANES * geometry.taps()..][..geometry.taps()];
    let mut sum = 0.0;
    for (row, taps) in taps.chunks_exact(geometry.kernel.1).enumerate() {
        for (pixel, tap) in pixels[row * geometry.image.1..].iter().zip(taps) {
            sum += f64::from(*pixel) / 255.0 * tap[kernel % LANES];
        }
    }
    math::tanh_f64(sum)
}
