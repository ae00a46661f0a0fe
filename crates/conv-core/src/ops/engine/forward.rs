//! Outputs: tiles of pixels and kernels.

use super::{Place, Plan};
use crate::simd::{LANES, Lanes, Offsets, Op, Simd, groups, product};

pub(super) struct Forward<'a> {
    pub(super) plan: &'a Plan,
    pub(super) placed: &'a [f32],
    pub(super) first_pixel: usize,
    pub(super) packed: &'a [Lanes],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) output: &'a mut [f32],
}

impl Op for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let plan = self.plan;
        let (count, per_out) = (plan.taps.len(), plan.per_group.1);
        for group in 0..plan.groups {
            for panel in plan.panels() {
                let start = (group * groups(per_out) + panel.first) * count;
                let kernels = Lanes::flat(&self.packed[start..][..panel.lanes * count]);
                // Vectors that hold kernels.
                let vectors = (per_out - panel.first * LANES)
                    .min(panel.lanes * LANES)
                    .div_ceil(S::WIDTH);
                let mut vector = 0;
                while vector < vectors {
                    let at = Place {
                        group,
                        kernel: panel.first * LANES + vector * S::WIDTH,
                    };
                    let b = (&kernels[vector * S::WIDTH..], panel.lanes * LANES);
                    vector += match (vectors - vector, S::REGISTERS) {
                        (1, _) => self.tiles::<S, 12, 1>(s, at, b),
                        (_, 32) => self.tiles::<S, 14, 2>(s, at, b),
                        (_, _) => self.tiles::<S, 6, 2>(s, at, b),
                    };
                }
            }
        }
    }
}

impl Forward<'_> {
    /// V vectors of kernels over all pixels, P at a time.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const V: usize>(
        &mut self,
        s: S,
        at: Place,
        b: (&[f32], usize),
    ) -> usize {
        let plan = self.plan;
        let (per_in, per_out) = plan.per_group;
        let (cout, pixels, placed) = (plan.cout(), plan.pixels(), plan.placed_len());
        let channel = at.group * per_out + at.kernel;
        let width = (per_out - at.kernel).min(V * S::WIDTH);
        let mut start = [s.splat(0.0); V];
        if let Some(bias) = self.bias {
            for (start, bias) in start
                .iter_mut()
                .zip(bias[channel..][..width].chunks(S::WIDTH))
            {
                *start = s.load_first(bias);
            }
        }
        let taps = Offsets::new(&plan.taps);
        let (mut image, mut pixel) = (self.first_pixel / pixels, self.first_pixel % pixels);
        for output in self.output.chunks_mut(P * cout) {
            let mut rows = [0; P];
            let count = output.len() / cout;
            let mut row = 0;
            for (p, to) in rows.iter_mut().enumerate() {
                // A tile at the end computes its last pixel several times.
                if p < count {
                    row = image * placed + plan.pixels[pixel] as usize + at.group * per_in;
                    pixel += 1;
                    if pixel == pixels {
                        (image, pixel) = (image + 1, 0);
                    }
                }
                *to = row;
            }
            let mut sums = [start; P];
            product::<S, P, V>(s, (self.placed, &rows, taps), b, &mut sums);
            for (sums, output) in sums.iter().zip(output.chunks_exact_mut(cout)) {
                let output = output[channel..][..width].chunks_mut(S::WIDTH);
                for (sum, output) in sums.iter().zip(output) {
                    s.store_first(*sum, output);
                }
            }
        }
        V
    }
}
