//! The gradient of the kernels: tiles of taps and kernels.

use std::ops::Range;

use super::{Direct, FirstKernel};
use crate::simd::{LANES, Lanes, Offsets, Op, Rows, Simd, groups, indexed_gemm};
use crate::tuning::{PIXELS_PER_SUM, TAPS_PER_TILE, TILES_PER_COPY};

pub(super) struct DKernels<'a> {
    pub(super) direct: &'a Direct,
    pub(super) padded: &'a [f32],
    pub(super) d_output: &'a [f32],
    pub(super) first_tap: usize,
    pub(super) d_kernels: &'a mut [f32],
    /// Room for the gradients of a tile's outputs.
    pub(super) copies: &'a mut [Lanes],
}

impl Op for DKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let direct = self.direct;
        let per_out = direct.group_kernels;
        // Small images are summed in blocks of several, large ones in parts. The last image may have fewer pixels than others,
        // where pixels are the rows of a dense layer.
        let blocks = self
            .d_output
            .chunks(direct.windows.pixels.len() * direct.kernels());
        for (block, d_output) in blocks.enumerate() {
            let padded = &self.padded[block * direct.images_per_sum() * direct.padded_len..];
            let (from, pixels) = ((padded, d_output), d_output.len() / direct.kernels());
            for start in (0..pixels).step_by(PIXELS_PER_SUM) {
                let range = start..(start + PIXELS_PER_SUM).min(pixels);
                for group in 0..direct.groups {
                    let mut kernel = 0;
                    while kernel < per_out {
                        let at = FirstKernel { group, kernel };
                        let vectors = (per_out - kernel).div_ceil(S::WIDTH);
                        kernel += S::WIDTH
                            * if vectors == 1 {
                                self.tiles::<S, TAPS_PER_TILE, 1>(s, at, from, &range)
                            } else {
                                S::d_kernel_taps(TwoVectors {
                                    d_kernels: &mut self,
                                    s,
                                    at,
                                    from,
                                    range: &range,
                                })
                            };
                    }
                }
            }
        }
    }
}

/// Two vectors of kernels, in tiles of as many taps as the instruction set takes.
struct TwoVectors<'a, 'b, S> {
    d_kernels: &'a mut DKernels<'b>,
    s: S,
    at: FirstKernel,
    from: (&'a [f32], &'a [f32]),
    range: &'a Range<usize>,
}

impl<S: Simd> Rows for TwoVectors<'_, '_, S> {
    type Output = usize;

    #[inline(always)]
    fn run<const P: usize>(self) -> usize {
        self.d_kernels
            .tiles::<S, P, 2>(self.s, self.at, self.from, self.range)
    }
}

impl DKernels<'_> {
    /// V vectors of kernels, P taps at a time, over a range of the pixels of some images.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const V: usize>(
        &mut self,
        s: S,
        at: FirstKernel,
        (padded, d_output): (&[f32], &[f32]),
        range: &Range<usize>,
    ) -> usize {
        let direct = self.direct;
        let (per_in, per_out) = (direct.group_inputs, direct.group_kernels);
        let cout = direct.kernels();
        let channel = at.group * per_out + at.kernel;
        let width = (per_out - at.kernel).min(V * S::WIDTH);
        let d_output = &d_output[range.start * cout..range.end * cout];
        // Vectors that would reach beyond their kernels are copied first, zeros behind; so are those that lie far apart,
        // since the first cache has few sets for them, if they are read often enough.
        let far = cout > V * S::WIDTH && self.d_kernels.len() >= TILES_PER_COPY * P * cout;
        let copied = far || !width.is_multiple_of(S::WIDTH);
        if copied {
            let stride = groups(V * S::WIDTH);
            let rows = d_output.chunks_exact(cout);
            for (row, to) in rows.zip(self.copies.chunks_exact_mut(stride)) {
                let to = Lanes::flat_mut(to).chunks_exact_mut(S::WIDTH);
                for (from, to) in row[channel..][..width].chunks(S::WIDTH).zip(to) {
                    s.store_first(s.load_first(from), to);
                }
            }
        }
        let b = if copied {
            (Lanes::flat(self.copies), groups(V * S::WIDTH) * LANES)
        } else {
            (&d_output[channel..], cout)
        };
        let pixels = Offsets::new(&direct.windows.pixels[range.clone()]);
        let taps = self.d_kernels.len() / cout;
        for (tile, d_kernels) in self.d_kernels.chunks_mut(P * cout).enumerate() {
            let mut rows = [0; P];
            for (p, row) in rows.iter_mut().enumerate() {
                let tap = self.first_tap + (tile * P + p).min(taps - 1);
                *row = direct.windows.taps[tap] as usize + at.group * per_in;
            }
            let mut sums = [[s.splat(0.0); V]; P];
            indexed_gemm::<S, P, V, false>(s, (padded, &rows, pixels), b, &mut sums);
            // All are read before any is written: a vector that is read just behind one that is written, and reaches into the
            // lanes that it leaves out, would wait for it.
            for (sums, d_kernels) in sums.iter_mut().zip(d_kernels.chunks_exact(cout)) {
                let d_kernels = d_kernels[channel..][..width].chunks(S::WIDTH);
                for (sum, d_kernels) in sums.iter_mut().zip(d_kernels) {
                    *sum = s.add(s.load_first(d_kernels), *sum);
                }
            }
            for (sums, d_kernels) in sums.iter().zip(d_kernels.chunks_exact_mut(cout)) {
                let d_kernels = d_kernels[channel..][..width].chunks_mut(S::WIDTH);
                for (sum, d_kernels) in sums.iter().zip(d_kernels) {
                    s.store_first(*sum, d_kernels);
                }
            }
        }
        V
    }
}
