//! The last layer after pooling across kernels: one hidden unit a position.

use crate::chapter::batch::Dropout;
use crate::chapter::step::Backward;
use crate::chapter::window::Window;
use crate::chapter::{CLASSES, Geometry, Network, Pooling};
use crate::simd::{LANES, Lanes, Simd, math, outlined};

/// The logits of one image. `predictions` (section, group, 16) keeps the kernels' predictions of every
/// section with `KEEP`, of one section without.
#[inline(always)]
pub(in crate::chapter) fn forward<S: Simd, W: Window<S>, const KEEP: bool>(
    s: S,
    net: &Network,
    pooling: Pooling,
    pixels: &[f32],
    cells: &[u16],
    dropout: Dropout<'_>,
    predictions: &mut [Lanes],
) -> [f64; CLASSES] {
    let geometry = &net.geometry;
    let groups = geometry.groups();
    let mut logits = Lanes::ZERO;
    for (section, &cell) in cells.iter().enumerate() {
        let predictions = &mut predictions[if KEEP { section * groups } else { 0 }..][..groups];
        for (taps, predictions) in net
            .taps
            .chunks_exact(geometry.taps())
            .zip(&mut *predictions)
        {
            for part in 0..S::PARTS {
                let window = W::load(s, geometry, taps, part);
                let [sum] = window.sums(s, taps, pixels, &[cell]);
                s.store(outlined!(S: math::tanh(s, sum)), predictions, part);
            }
        }
        let unit = pool(geometry, pooling, predictions).0
            * if KEEP {
                dropout.scale(geometry.position_of(cell.into()))
            } else {
                1.0
            };
        for part in 0..S::PARTS {
            let weights = s.load(&net.dense[usize::from(cell)], part);
            s.store(
                s.mul_add(s.splat(unit), weights, s.load(&logits, part)),
                &mut logits,
                part,
            );
        }
    }
    std::array::from_fn(|class| f64::from(logits.0[class]))
}

/// The pooled prediction, in the order of the kernels, and the kernel that gave it where it is the largest:
/// the first of equals, as `numpy.argmax` takes it.
#[inline(always)]
fn pool(geometry: &Geometry, pooling: Pooling, predictions: &[Lanes]) -> (f32, usize) {
    let kernels = predictions.iter().flat_map(|lanes| lanes.0);
    let sum = || kernels.take(geometry.kernels).sum::<f32>();
    match pooling {
        Pooling::Sum => (sum(), 0),
        Pooling::Mean => (sum() / geometry.kernels as f32, 0),
        Pooling::Max => max(predictions, geometry.kernels),
    }
}

/// The largest prediction, and the first kernel that gave it; the first NaN if there is one.
///
/// Without a branch for each kernel: which one is the largest cannot be foretold.
#[inline(always)]
fn max(predictions: &[Lanes], kernels: usize) -> (f32, usize) {
    let mut best = (f32::NEG_INFINITY, 0);
    for (group, lanes) in predictions.iter().enumerate() {
        let first = group * LANES;
        let mut lanes = lanes.0;
        for lane in lanes.iter_mut().skip(kernels - first) {
            *lane = f32::NEG_INFINITY;
        }
        let nan = lanes_that(&lanes, f32::is_nan);
        if nan != 0 {
            let lane = nan.trailing_zeros() as usize;
            return (lanes[lane], first + lane);
        }
        // The larger of each pair, and so on. Of 0 and -0 either, so that the lane is looked for that comes first.
        let largest: [f32; LANES / 2] = std::array::from_fn(|i| larger(lanes[i], lanes[i + 8]));
        let largest: [f32; LANES / 4] = std::array::from_fn(|i| larger(largest[i], largest[i + 4]));
        let largest = larger(
            larger(largest[0], largest[2]),
            larger(largest[1], largest[3]),
        );
        if largest > best.0 {
            let lane = lanes_that(&lanes, |x| x == largest).trailing_zeros() as usize;
            best = (lanes[lane], first + lane);
        }
    }
    best
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// A bit for each lane for which something is true, the first one lowest.
#[inline(always)]
fn lanes_that(lanes: &[f32; LANES], is: impl Fn(f32) -> bool) -> u32 {
    let mut bits = 0;
    for (i, &lane) in lanes.iter().enumerate() {
        bits |= u32::from(is(lane)) << i;
    }
    bits
}

/// The gradients at one row of positions, as in [`per_kernel`](super::per_kernel): `d_taps` (group, tap, 16).
#[inline(always)]
pub(in crate::chapter) fn backward<S: Simd, W: Window<S>>(
    s: S,
    step: &Backward<'_>,
    pooling: Pooling,
    row: usize,
    dense: &mut [Lanes],
    master: &mut [[f64; LANES]],
    d_taps: &mut [Lanes],
) {
    let geometry = step.geometry;
    let groups = geometry.groups();
    d_taps.fill(Lanes::ZERO);
    for (col, (weights, master)) in dense
        .iter_mut()
        .zip(master)
        .take(geometry.positions.1)
        .enumerate()
    {
        let cell = row * geometry.image.1 + col;
        let position = row * geometry.positions.1 + col;
        let mut d_weights = Lanes::ZERO;
        for section in step.batch.sections_at(cell) {
            let scale = step.dropout_of(section.image).scale(position);
            if scale == 0.0 {
                continue;
            }
            let predictions = &step.hidden[section.index * groups..][..groups];
            let (unit, argmax) = pool(geometry, pooling, predictions);
            let delta = &step.delta[section.image];
            let mut d_unit = Lanes::ZERO;
            for part in 0..S::PARTS {
                let delta = s.load(delta, part);
                s.store(s.mul(delta, s.load(weights, part)), &mut d_unit, part);
                let sum = s.mul_add(s.splat(unit * scale), delta, s.load(&d_weights, part));
                s.store(sum, &mut d_weights, part);
            }
            let d_pooled = d_unit.sum() as f32;
            let d_each = match pooling {
                Pooling::Mean => d_pooled / geometry.kernels as f32,
                Pooling::Sum | Pooling::Max => d_pooled,
            };
            let pixels = step.pixels_of(section.image);
            let per_group = predictions
                .iter()
                .zip(d_taps.chunks_exact_mut(geometry.taps()));
            for (group, (predictions, d_taps)) in per_group.enumerate() {
                let kept = match pooling {
                    Pooling::Max if argmax / LANES == group => 1 << (argmax % LANES),
                    Pooling::Max => continue,
                    Pooling::Sum | Pooling::Mean => geometry.lanes_of(group),
                };
                for part in 0..S::PARTS {
                    // The prediction of a kernel, scaled by dropout.
                    let scaled = s.mul(s.splat(scale), s.load(predictions, part));
                    let slope =
                        s.neg_mul_add(s.mul(s.splat(step.slope), scaled), scaled, s.splat(1.0));
                    let d_sum = s.keep(s.mul(s.splat(d_each), slope), kept, part);
                    let window = W::load(s, geometry, d_taps, part);
                    let mut gradient = W::zero(s);
                    window.add(s, &mut gradient, d_taps, pixels, cell, d_sum);
                    window.finish(s, gradient, d_taps);
                }
            }
        }
        for ((weight, master), d) in weights.0.iter_mut().zip(master).zip(d_weights.0) {
            *master += step.alpha * f64::from(d);
            *weight = *master as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LANES, Lanes, max};
    use crate::random::Seeded;

    /// As `numpy.argmax`: the first of equals, or the first NaN.
    fn one_by_one(all: &[f32]) -> (f32, usize) {
        let mut best = (f32::NEG_INFINITY, 0);
        for (kernel, &x) in all.iter().enumerate() {
            if x > best.0 || (x.is_nan() && !best.0.is_nan()) {
                best = (x, kernel);
            }
        }
        best
    }

    #[test]
    fn the_maximum_is_the_first_of_equals_or_the_first_nan() {
        let few = [
            f32::NEG_INFINITY,
            -1.0,
            -0.0,
            0.0,
            0.25,
            1.0,
            f32::INFINITY,
            f32::NAN,
        ];
        let mut random = Seeded::new(1);
        let mut nans = 0;
        for round in 0..20_000 {
            let kernels = 1 + (random.next_u64() % 40) as usize;
            // NaN in one round of four, and all of the values in one of two.
            let values = [2, 4, 7, few.len()][round % 4] as u64;
            let mut all = vec![Lanes([f32::NAN; LANES]); kernels.div_ceil(LANES)];
            for kernel in 0..kernels {
                let value = few[(random.next_u64() % values) as usize];
                all[kernel / LANES].0[kernel % LANES] = value;
            }
            let (value, kernel) = max(&all, kernels);
            let right = one_by_one(&Lanes::flat(&all)[..kernels]);
            nans += usize::from(value.is_nan());
            assert_eq!((value.to_bits(), kernel), (right.0.to_bits(), right.1));
        }
        assert!(nans > 1000, "{nans}");
    }
}
