//! Outputs: tiles of pixels and kernels.

use super::{Direct, FirstKernel};
use crate::simd::{LANES, Lanes, Offsets, Op, Rows, Simd, groups, indexed_gemm};
use crate::tuning::{PANEL_LANES, PIXELS_PER_SMALL_TILE as SMALL};

pub(super) struct Forward<'a> {
    pub(super) direct: &'a Direct,
    pub(super) padded: &'a [f32],
    pub(super) first_pixel: usize,
    pub(super) packed: &'a [Lanes],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) output: &'a mut [f32],
}

impl Op for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let direct = self.direct;
        let (count, per_out) = (direct.windows.taps.len(), direct.group_kernels);
        for group in 0..direct.groups {
            if let Some(pairs) = &direct.pairs {
                let lanes = groups(2 * per_out);
                let count = pairs.at.len() * lanes;
                let kernels = Lanes::flat(&self.packed[group * count..][..count]);
                let taps = Offsets::new(&pairs.at);
                self.panel::<S, true>(s, (group, 0), (kernels, lanes), taps);
                continue;
            }
            for panel in direct.panels() {
                let start = (group * groups(per_out) + panel.first) * count;
                let kernels = Lanes::flat(&self.packed[start..][..panel.lanes * count]);
                let taps = Offsets::new(&direct.windows.taps);
                let first = (group, panel.first * LANES);
                self.panel::<S, false>(s, first, (kernels, panel.lanes), taps);
            }
        }
    }
}

impl Forward<'_> {
    /// The kernels of a panel, the first one counted within its group.
    #[inline(always)]
    fn panel<S: Simd, const PAIRS: bool>(
        &mut self,
        s: S,
        (group, first): (usize, usize),
        (kernels, lanes): (&[f32], usize),
        taps: Offsets<'_>,
    ) {
        // Lanes of a kernel.
        let each = if PAIRS { 2 } else { 1 };
        // Vectors that hold kernels.
        let filled = (self.direct.group_kernels - first) * each;
        let vectors = filled.min(lanes * LANES).div_ceil(S::WIDTH);
        let mut vector = 0;
        while vector < vectors {
            let at = FirstKernel {
                group,
                kernel: first + vector * S::WIDTH / each,
            };
            let b = (&kernels[vector * S::WIDTH..], lanes * LANES);
            let by_fours = self.direct.by_fours;
            let forward = &mut *self;
            vector += if vectors - vector == 1 {
                S::narrow_pixels(Tiles::<S, 1, PAIRS> {
                    forward,
                    s,
                    at,
                    taps,
                    b,
                })
            } else {
                S::output_pixels(
                    by_fours,
                    Tiles::<S, 2, PAIRS> {
                        forward,
                        s,
                        at,
                        taps,
                        b,
                    },
                )
            };
        }
    }

    /// V vectors of kernels over all pixels, P at a time.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const V: usize, const PAIRS: bool>(
        &mut self,
        s: S,
        at: FirstKernel,
        taps: Offsets<'_>,
        b: (&[f32], usize),
    ) -> usize {
        let direct = self.direct;
        let (per_in, per_out) = (direct.group_inputs, direct.group_kernels);
        let (cout, pixels, padded_len) = (direct.kernels(), direct.pixels, direct.padded_len);
        let channel = at.group * per_out + at.kernel;
        let each = if PAIRS { 2 } else { 1 };
        let width = (per_out - at.kernel).min(V * S::WIDTH / each);
        let mut start = [s.splat(0.0); V];
        if let Some(bias) = self.bias {
            let mut lanes = [Lanes::ZERO; PANEL_LANES];
            let flat = Lanes::flat_mut(&mut lanes);
            for (lane, bias) in flat.iter_mut().step_by(each).zip(&bias[channel..][..width]) {
                *lane = *bias;
            }
            for (start, bias) in start.iter_mut().zip(flat.chunks_exact(S::WIDTH)) {
                *start = s.load_first(bias);
            }
        }
        let (mut image, mut pixel) = (self.first_pixel / pixels, self.first_pixel % pixels);
        for output in self.output.chunks_mut(P * cout) {
            let mut rows = [0; P];
            let count = output.len() / cout;
            let first = image * padded_len + at.group * per_in;
            if count == P && pixel + P <= pixels {
                for (row, &start) in rows.iter_mut().zip(&direct.windows.pixels[pixel..][..P]) {
                    *row = first + start as usize;
                }
                pixel += P;
                if pixel == pixels {
                    (image, pixel) = (image + 1, 0);
                }
                let mut sums = [start; P];
                indexed_gemm::<S, P, V, PAIRS>(s, (self.padded, &rows, taps), b, &mut sums);
                for (p, sums) in sums.iter().enumerate() {
                    write::<S, V, PAIRS>(s, sums, &mut output[p * cout + channel..][..width]);
                }
                continue;
            }
            // A tile over the end of an image. At the end of all it computes its last pixel several times.
            let mut row = first;
            for (p, to) in rows.iter_mut().enumerate() {
                if p < count {
                    row = image * padded_len
                        + direct.windows.pixels[pixel] as usize
                        + at.group * per_in;
                    pixel += 1;
                    if pixel == pixels {
                        (image, pixel) = (image + 1, 0);
                    }
                }
                *to = row;
            }
            let mut sums = [start; P];
            if P > SMALL && count <= SMALL {
                let a = (self.padded, &rows[..], taps);
                let last_pixels = LastPixels::<S, V, PAIRS> {
                    s,
                    a,
                    b,
                    sums: &mut sums,
                };
                S::last_pixels(count, last_pixels);
            } else {
                indexed_gemm::<S, P, V, PAIRS>(s, (self.padded, &rows, taps), b, &mut sums);
            }
            for (sums, output) in sums.iter().zip(output.chunks_exact_mut(cout)) {
                write::<S, V, PAIRS>(s, sums, &mut output[channel..][..width]);
            }
        }
        V
    }
}

/// V vectors of kernels over all pixels, in tiles of as many as the instruction set takes.
struct Tiles<'a, 'b, S, const V: usize, const PAIRS: bool> {
    forward: &'a mut Forward<'b>,
    s: S,
    at: FirstKernel,
    taps: Offsets<'a>,
    b: (&'a [f32], usize),
}

impl<S: Simd, const V: usize, const PAIRS: bool> Rows for Tiles<'_, '_, S, V, PAIRS> {
    type Output = usize;

    #[inline(always)]
    fn run<const P: usize>(self) -> usize {
        self.forward
            .tiles::<S, P, V, PAIRS>(self.s, self.at, self.taps, self.b)
    }
}

/// A vector or two of kernels over the last pixels, in the first rows of a tile.
struct LastPixels<'a, S: Simd, const V: usize, const PAIRS: bool> {
    s: S,
    a: (&'a [f32], &'a [usize], Offsets<'a>),
    b: (&'a [f32], usize),
    sums: &'a mut [[S::F32; V]],
}

impl<S: Simd, const V: usize, const PAIRS: bool> Rows for LastPixels<'_, S, V, PAIRS> {
    type Output = ();

    #[inline(always)]
    fn run<const P: usize>(self) {
        let (padded, rows, taps) = self.a;
        let first = rows.first_chunk().zip(self.sums.first_chunk_mut());
        let Some((rows, sums)) = first else {
            unreachable!("a tile of {P} pixels is no beginning of this one");
        };
        indexed_gemm::<S, P, V, PAIRS>(self.s, (padded, rows, taps), self.b, sums);
    }
}

/// The outputs of a pixel.
#[inline(always)]
fn write<S: Simd, const V: usize, const PAIRS: bool>(s: S, sums: &[S::F32; V], output: &mut [f32]) {
    if PAIRS {
        return s.store_first(s.add_pairwise(sums[0], sums[V - 1]), output);
    }
    for (sum, output) in sums.iter().zip(output.chunks_mut(S::WIDTH)) {
        s.store_first(*sum, output);
    }
}
