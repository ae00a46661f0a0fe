//! What is done with tiles in vectors, pass by pass, for one instruction set at a time.

use std::ops::Range;

use super::transforms;
use super::{PANEL, Tiling, Winograd};
use crate::simd::{LANES, Lanes, Matrix, Op, Simd, Tile, gemm, groups};
use crate::tuning::PANEL_LANES;

/// The products, one for each value of a tile.
pub(super) struct Products<'a> {
    /// For each value (tiles, Cin), its rows and its columns as those of a [`Matrix`], and vectors from one to the next.
    pub(super) x: &'a [f32],
    pub(super) step: usize,
    /// Where the first row begins in each.
    pub(super) first: usize,
    pub(super) rows: (usize, usize),
    pub(super) columns: (usize, usize),
    /// For each value (columns, lanes of a panel), and how far from one to the next.
    pub(super) right: (&'a [Lanes], usize),
    /// Vectors of sixteen in a row of `right` and of the sums.
    pub(super) lanes: usize,
    /// For each value (rows, lanes), and how far from one to the next.
    pub(super) sums: (&'a mut [Lanes], usize),
}

impl Op for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zeros = &[Lanes::ZERO; PANEL_LANES][..self.lanes];
        let all = self.x.chunks_exact(self.step * LANES);
        let right = self.right.0.chunks_exact(self.right.1);
        let sums = self.sums.0.chunks_exact_mut(self.sums.1);
        debug_assert!(right.len() >= all.len() && sums.len() >= all.len());
        for ((x, right), sums) in all.zip(right).zip(sums) {
            let a = Matrix {
                values: &x[self.first..],
                rows: self.rows,
                columns: self.columns,
            };
            gemm(s, a, right, zeros, Lanes::flat_mut(sums));
        }
    }
}

/// Tiles of the input → for each value (tiles, Cin).
pub(super) struct Inputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) images: &'a [f32],
    pub(super) tiles: Range<usize>,
    pub(super) to: &'a mut [f32],
}

impl Op for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (tiling, cin) = (self.winograd.tiling, self.winograd.cin);
        let to = Tile::spread(tiling.tile(), self.winograd.step(cin) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.input_tile(tile);
            let from = (&self.images[at..], tile);
            transforms::input(s, tiling, from, (&mut self.to[row * cin..], to), cin);
        }
    }
}

/// For each value (tiles, channels of a panel) → tiles of the output.
pub(super) struct Outputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) from: &'a [f32],
    pub(super) tiles: Range<usize>,
    /// The first channel, and how many.
    pub(super) panel: (usize, usize),
    /// Of the channels; empty where there is none.
    pub(super) bias: &'a [f32],
    /// Some values of the outputs, and the index of the first of them.
    pub(super) output: (&'a mut [f32], usize),
}

impl Op for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let tiling = self.winograd.tiling;
        let from = Tile::spread(tiling.tile(), self.winograd.step(PANEL) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let to = &mut self.output.0[at - self.output.1 + first..];
            let from = (&self.from[row * groups(channels) * LANES..], from);
            transforms::output(s, tiling, from, (to, tile), self.bias, channels);
        }
    }
}

/// Tiles of the output's gradient → for each value (tiles, some channels).
pub(super) struct DOutputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) d_output: &'a [f32],
    pub(super) tiles: Range<usize>,
    /// The first channel, and how many.
    pub(super) panel: (usize, usize),
    pub(super) to: &'a mut [f32],
    /// From one tile to the next, in values, and from one value of a tile to the next, in vectors.
    pub(super) step: (usize, usize),
}

impl Op for DOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let tiling = self.winograd.tiling;
        let to = Tile::spread(tiling.tile(), self.step.1 * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let from = (&self.d_output[at + first..], tile);
            let to_row = row * self.step.0;
            transforms::d_output(s, tiling, from, (&mut self.to[to_row..], to), channels);
        }
    }
}

/// For each value (tiles, channels of a panel), added to overlapping tiles of the padded input's gradient.
pub(super) struct DInputs<'a> {
    pub(super) winograd: &'a Winograd,
    /// And how far it is from one value to the next, in vectors.
    pub(super) from: (&'a [f32], usize),
    pub(super) tiles: Range<usize>,
    /// The first channel, and how many.
    pub(super) panel: (usize, usize),
    pub(super) d_padded: &'a mut [f32],
}

impl Op for DInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let tiling = self.winograd.tiling;
        let from = Tile::spread(tiling.tile(), self.from.1 * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.input_tile(tile);
            let from = (&self.from.0[row * groups(channels) * LANES..], from);
            let to = (&mut self.d_padded[at + first..], tile);
            transforms::add_d_input(s, tiling, from, to, channels);
        }
    }
}

/// For each value (some input channels, channels of a panel), added to the gradient of the kernels.
pub(super) struct DKernel<'a> {
    pub(super) tiling: Tiling,
    /// And how far it is from one value to the next.
    pub(super) sums: (&'a [f32], usize),
    /// Input channels in all, and those of the sums.
    pub(super) inputs: (usize, Range<usize>),
    /// Output channels of the panel.
    pub(super) channels: usize,
    pub(super) d_kernels: &'a mut [f32],
    /// From an input channel to the next one in the gradient.
    pub(super) row: usize,
    /// Whether it holds anything before, as if it were zeros.
    pub(super) anew: bool,
}

impl Op for DKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let ((cin, inputs), channels) = (self.inputs, self.channels);
        let lanes = groups(channels) * LANES;
        let (sums, step) = self.sums;
        let from = Tile::spread(self.tiling.tile(), step);
        let to = Tile::spread(self.tiling.kernel(), cin * self.row);
        for (number, channel) in inputs.enumerate() {
            let sums = (&sums[number * lanes..], from);
            let d_kernels = &mut self.d_kernels[channel * self.row..];
            let d_kernels = (d_kernels, to);
            if self.anew {
                transforms::new_d_kernel(s, self.tiling, sums, d_kernels, channels);
            } else {
                transforms::add_d_kernel(s, self.tiling, sums, d_kernels, channels);
            }
        }
    }
}
