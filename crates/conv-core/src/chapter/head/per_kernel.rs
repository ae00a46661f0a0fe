//! The chapter's last layer as printed: each kernel's prediction at each position has weights of its own.

use std::marker::PhantomData;

use crate::chapter::batch::Dropout;
use crate::chapter::step::Backward;
use crate::chapter::window::Window;
use crate::chapter::{CLASSES, Network};
use crate::simd::{LANES, Lanes, Simd, math, outlined};
use crate::tuning::{SECTIONS_PER_BLOCK, SECTIONS_PER_SMALL_BLOCK};

/// The logits of one image. With `DROPOUT`, `hidden` (section, group, 16) keeps what went forward.
#[inline(always)]
pub(in crate::chapter) fn forward<S: Simd, W: Window<S>, const DROPOUT: bool>(
    s: S,
    net: &Network,
    pixels: &[f32],
    cells: &[u16],
    dropout: Dropout<'_>,
    hidden: &mut [Lanes],
) -> [f64; CLASSES] {
    let geometry = &net.geometry;
    let mut lanes = [Lanes::ZERO; CLASSES];
    for group in 0..geometry.groups() {
        let dense = &net.dense[geometry.dense_vector(0, group, 0)..];
        let mut pass = Pass {
            s,
            net,
            window: PhantomData::<W>,
            taps: &net.taps[group * geometry.taps()..][..geometry.taps()],
            dense: dense.as_chunks().0,
            pixels,
            dropout,
            group,
            logits: &mut lanes,
        };
        let mut done = 0;
        if S::UNROLLED {
            done += pass.blocks::<DROPOUT, SECTIONS_PER_BLOCK>(cells, done, hidden);
            let rest = &cells[done..];
            done += pass.blocks::<DROPOUT, SECTIONS_PER_SMALL_BLOCK>(rest, done, hidden);
        }
        pass.blocks::<DROPOUT, 1>(&cells[done..], done, hidden);
    }
    let mut logits = [0.0; CLASSES];
    for (logit, lanes) in logits.iter_mut().zip(&lanes) {
        *logit = lanes.sum();
    }
    logits
}

/// One group of kernels over one image.
struct Pass<'a, S, W> {
    s: S,
    net: &'a Network,
    window: PhantomData<W>,
    taps: &'a [Lanes],
    dense: &'a [[Lanes; CLASSES]],
    pixels: &'a [f32],
    dropout: Dropout<'a>,
    group: usize,
    logits: &'a mut [Lanes; CLASSES],
}

impl<S: Simd, W: Window<S>> Pass<'_, S, W> {
    /// Adds to the logits what whole blocks of `B` of the sections at `cells` give. Returns how many sections those are.
    #[inline(always)]
    fn blocks<const DROPOUT: bool, const B: usize>(
        &mut self,
        cells: &[u16],
        first: usize,
        hidden: &mut [Lanes],
    ) -> usize {
        let blocks = cells.as_chunks::<B>().0;
        for (block, cells) in blocks.iter().enumerate() {
            // One part after the other, block by block: the other part's weights are in the same lines of the cache.
            for part in 0..S::PARTS {
                self.sections::<DROPOUT, B>(cells, first + block * B, part, hidden);
            }
        }
        blocks.len() * B
    }

    /// Adds to a part of the logits what the sections at `cells` give, of which the first is `section`.
    #[inline(always)]
    fn sections<const DROPOUT: bool, const B: usize>(
        &mut self,
        cells: &[u16; B],
        section: usize,
        part: usize,
        hidden: &mut [Lanes],
    ) {
        let (s, geometry) = (self.s, &self.net.geometry);
        let window = W::load(s, geometry, self.taps, part);
        let mut units = window.sums(s, self.taps, self.pixels, cells);
        for unit in &mut units {
            *unit = outlined!(S: math::tanh(s, *unit));
        }
        if DROPOUT {
            let lanes = geometry.lanes_of(self.group);
            for (i, (unit, &cell)) in units.iter_mut().zip(cells).enumerate() {
                let bit = geometry.position_of(cell.into()) * geometry.kernels + self.group * LANES;
                *unit = s.keep(s.add(*unit, *unit), self.dropout.get16(bit) & lanes, part);
                s.store(
                    *unit,
                    &mut hidden[(section + i) * geometry.groups() + self.group],
                    part,
                );
            }
        }
        let mut logits = [s.splat(0.0); CLASSES];
        for (logit, lanes) in logits.iter_mut().zip(&*self.logits) {
            *logit = s.load(lanes, part);
        }
        for (&unit, &cell) in units.iter().zip(cells) {
            for (logit, weights) in logits.iter_mut().zip(&self.dense[usize::from(cell)]) {
                *logit = s.mul_add(unit, s.load(weights, part), *logit);
            }
        }
        for (&logit, lanes) in logits.iter().zip(&mut *self.logits) {
            s.store(logit, lanes, part);
        }
    }
}

/// The gradients at one row of positions of one group: `update` receives the dense layer's, position by
/// position; `d_taps` (tap, 16) that of the kernels.
#[inline(always)]
pub(in crate::chapter) fn backward<S: Simd, W: Window<S>>(
    s: S,
    step: &Backward<'_>,
    task: usize,
    dense: &mut [Lanes],
    master: &mut [[f64; LANES]],
    d_taps: &mut [Lanes],
) {
    let geometry = step.geometry;
    let groups = geometry.groups();
    let (group, row) = (task / geometry.positions.0, task % geometry.positions.0);
    let lanes = geometry.lanes_of(group);
    d_taps.fill(Lanes::ZERO);
    for part in 0..S::PARTS {
        let window = W::load(s, geometry, d_taps, part);
        let mut gradient = W::zero(s);
        let columns = dense
            .as_chunks_mut::<CLASSES>()
            .0
            .iter_mut()
            .take(geometry.positions.1);
        for (col, dense) in columns.enumerate() {
            let cell = row * geometry.image.1 + col;
            let position = row * geometry.positions.1 + col;
            let mut weights = [s.splat(0.0); CLASSES];
            for (weights, dense) in weights.iter_mut().zip(&*dense) {
                *weights = s.load(dense, part);
            }
            let mut d_weights = [s.splat(0.0); CLASSES];
            for section in step.batch.sections_at(cell) {
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
                window.add(
                    s,
                    &mut gradient,
                    d_taps,
                    step.pixels_of(section.image),
                    cell,
                    d_sum,
                );
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
