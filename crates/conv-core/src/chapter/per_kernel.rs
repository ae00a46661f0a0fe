//! The chapter's last layer as printed: each kernel's prediction at each position has weights of its own.

use super::training::{Backward, Dropout};
use super::window::Window;
use super::{CLASSES, Geometry};
use crate::simd::{LANES, Lanes, Simd, math};

/// The vector of `dense` that holds the weights of (position, kernels of a group, class), and so the
/// layout (group, position, class, 16): the hidden units never leave the registers between the layers.
pub(super) fn dense_vector(geometry: &Geometry, position: usize, group: usize, class: usize) -> usize {
    (group * geometry.position_count() + position) * CLASSES + class
}

/// The logits of one image. With `DROPOUT`, `hidden` (section, group, 16) keeps what went forward.
#[inline(always)]
pub(super) fn forward<S: Simd, W: Window<S>, const DROPOUT: bool>(
    s: S,
    net: &super::Network,
    pixels: &[f32],
    positions: &[u16],
    dropout: Dropout<'_>,
    hidden: &mut [Lanes],
) -> [f64; CLASSES] {
    let geometry = &net.geometry;
    let (groups, width) = (geometry.groups(), geometry.image.1);
    let mut logits = [Lanes::ZERO; CLASSES];
    for part in 0..S::PARTS {
        let mut sums = [s.splat(0.0); CLASSES];
        let per_group = net
            .taps
            .chunks_exact(geometry.taps())
            .zip(net.dense.chunks_exact(geometry.position_count() * CLASSES));
        for (group, (taps, dense)) in per_group.enumerate() {
            let (dense, _) = dense.as_chunks::<CLASSES>();
            let window = W::load(s, geometry.kernel, taps, part);
            let lanes = geometry.lanes_of(group);
            for (section, &position) in positions.iter().enumerate() {
                let position = usize::from(position);
                let section_pixels = &pixels[net.first_pixels[position]..];
                let mut unit = math::tanh(s, window.sum(s, taps, section_pixels, width));
                if DROPOUT {
                    let bit = position * geometry.kernels + group * LANES;
                    unit = s.keep(s.add(unit, unit), dropout.get16(bit) & lanes, part);
                    s.store(unit, &mut hidden[section * groups + group], part);
                }
                for (sum, weights) in sums.iter_mut().zip(&dense[position]) {
                    *sum = s.mul_add(unit, s.load(weights, part), *sum);
                }
            }
        }
        for (sum, logit) in sums.into_iter().zip(&mut logits) {
            s.store(sum, logit, part);
        }
    }
    logits.map(|lanes| lanes.sum())
}

/// The gradients at one row of positions of one group: `update` receives the dense layer's, position by
/// position; `d_taps` (k², 16) that of the kernels.
#[inline(always)]
pub(super) fn backward<S: Simd, W: Window<S>>(
    s: S,
    step: &Backward<'_>,
    task: usize,
    dense: &mut [Lanes],
    master: &mut [[f64; LANES]],
    d_taps: &mut [Lanes],
) {
    let geometry = step.geometry;
    let (groups, width) = (geometry.groups(), geometry.image.1);
    let (group, row) = (task / geometry.positions.0, task % geometry.positions.0);
    let lanes = geometry.lanes_of(group);
    d_taps.fill(Lanes::ZERO);
    for part in 0..S::PARTS {
        let window = W::load(s, geometry.kernel, d_taps, part);
        let mut gradient = W::zero(s);
        for (col, dense) in dense.as_chunks_mut::<CLASSES>().0.iter_mut().enumerate() {
            let position = row * geometry.positions.1 + col;
            let weights: [S::F32; CLASSES] = std::array::from_fn(|class| s.load(&dense[class], part));
            let mut d_weights = [s.splat(0.0); CLASSES];
            for section in step.batch.sections_at(position) {
                let unit = s.load(&step.hidden[section.index * groups + group], part);
                let delta = &step.delta[section.image].0;
                let mut d_unit = s.mul(s.splat(delta[0]), weights[0]);
                for class in 1..CLASSES {
                    d_unit = s.mul_add(s.splat(delta[class]), weights[class], d_unit);
                }
                for class in 0..CLASSES {
                    d_weights[class] = s.mul_add(s.splat(delta[class]), unit, d_weights[class]);
                }
                let slope = s.neg_mul_add(s.mul(s.splat(step.slope), unit), unit, s.splat(1.0));
                let bit = position * geometry.kernels + group * LANES;
                let kept = step.dropout_of(section.image).get16(bit) & lanes;
                let d_sum = s.keep(s.mul(d_unit, slope), kept, part);
                let pixels = &step.pixels_of(section.image)[step.first_pixels[position]..];
                window.add(s, &mut gradient, d_taps, pixels, width, d_sum);
            }
            for (d, to) in d_weights.into_iter().zip(dense) {
                s.store(d, to, part);
            }
        }
        window.finish(s, gradient, d_taps);
    }
    // `dense` now holds the gradients.
    for (weights, master) in dense.iter_mut().zip(master) {
        for (weight, master) in weights.0.iter_mut().zip(master) {
            *master += step.alpha * f64::from(*weight);
            *weight = *master as f32;
        }
    }
}
