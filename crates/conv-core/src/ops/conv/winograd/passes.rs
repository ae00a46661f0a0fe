//! What is done with tiles in vectors, pass by pass, for one instruction set at a time.

use std::ops::Range;

use super::transforms::{self, Side};
use super::{PANEL, Winograd};
use crate::simd::{LANES, Lanes, Matrix, Op, Simd, Tile, gemm, groups};

/// The products, one for each value of a tile.
pub(super) struct Products<'a> {
    pub(super) side: Side,
    /// For each value (tiles, Cin), its rows and its columns as those of a [`Matrix`], and vectors from one to the next.
    pub(super) x: &'a [f32],
    pub(super) step: usize,
    pub(super) rows: (usize, usize),
    pub(super) columns: (usize, usize),
    /// For each value (columns, lanes of a panel), and how far from one to the next.
    pub(super) right: (&'a [Lanes], usize),
    /// What the sums begin with, the bias, for the one value of a tile that the inverse transform adds to every output with
    /// factor 1; zeros for the others.
    pub(super) start: &'a [Lanes],
    /// For each value (rows, lanes), and how far from one to the next.
    pub(super) sums: (&'a mut [Lanes], usize),
}

impl Op for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zeros = [Lanes::ZERO; 2];
        // The value at point 1 in both directions has that factor.
        let centre = self.side.tile() + 1;
        let all = self.x.chunks_exact(self.step * LANES);
        let right = self.right.0.chunks_exact(self.right.1);
        let sums = self.sums.0.chunks_exact_mut(self.sums.1);
        debug_assert!(right.len() >= all.len() && sums.len() >= all.len());
        for (number, ((x, right), sums)) in all.zip(right).zip(sums).enumerate() {
            let a = Matrix {
                values: x,
                rows: self.rows,
                columns: self.columns,
            };
            let start = if number == centre {
                self.start
            } else {
                &zeros[..self.start.len()]
            };
            gemm(s, a, right, start, Lanes::flat_mut(sums));
        }
    }
}

/// Tiles of the input → for each value (tiles, Cin).
pub(super) struct Inputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) padded: &'a [f32],
    pub(super) tiles: Range<usize>,
    pub(super) to: &'a mut [f32],
}

impl Op for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (side, cin) = (self.winograd.side, self.winograd.cin);
        let from = Tile {
            step: (self.winograd.row_len, cin),
            size: (side.tile(), side.tile()),
        };
        let to = Tile::spread(side.tile(), self.winograd.step(cin) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, _) = self.winograd.tile(tile);
            let padded = (&self.padded[at..], from);
            transforms::input(s, side, padded, (&mut self.to[row * cin..], to), cin);
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
    /// Some values of the outputs, and the index of the first of them.
    pub(super) output: (&'a mut [f32], usize),
}

impl Op for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let side = self.winograd.side;
        let from = Tile::spread(side.tile(), self.winograd.step(PANEL) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let to = &mut self.output.0[at - self.output.1 + first..];
            let from = (&self.from[row * groups(channels) * LANES..], from);
            transforms::output(s, side, from, (to, tile), channels);
        }
    }
}

/// Tiles of the output's gradient → for each value (tiles, channels of a panel).
pub(super) struct DOutputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) d_output: &'a [f32],
    pub(super) tiles: Range<usize>,
    /// The first channel, and how many.
    pub(super) panel: (usize, usize),
    pub(super) to: &'a mut [f32],
}

impl Op for DOutputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let side = self.winograd.side;
        let to = Tile::spread(side.tile(), self.winograd.step(PANEL) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let from = (&self.d_output[at + first..], tile);
            let to_row = row * groups(channels) * LANES;
            transforms::d_output(s, side, from, (&mut self.to[to_row..], to), channels);
        }
    }
}

/// The taps of an input channel for the kernels of a panel → their values, where the products read them.
pub(super) struct Kernels<'a> {
    pub(super) side: Side,
    pub(super) taps: &'a [Lanes],
    pub(super) to: &'a mut [f32],
    /// From one value to the next.
    pub(super) step: usize,
    /// Kernels, in whole vectors.
    pub(super) lanes: usize,
}

impl Op for Kernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let from = (
            Lanes::flat(self.taps),
            Tile::spread(self.side.kernel(), PANEL),
        );
        let to = (self.to, Tile::spread(self.side.tile(), self.step));
        transforms::kernel(s, self.side, from, to, self.lanes * LANES);
    }
}

/// For each value (Cin, channels of a panel), added to the gradient of the kernels.
pub(super) struct DKernel<'a> {
    pub(super) side: Side,
    pub(super) sums: &'a [f32],
    /// Input channels, and output channels of the panel.
    pub(super) size: (usize, usize),
    pub(super) d_kernels: &'a mut [f32],
    /// From an input channel to the next one in the gradient.
    pub(super) row: usize,
}

impl Op for DKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (cin, channels) = self.size;
        let lanes = groups(channels) * LANES;
        let from = Tile::spread(self.side.tile(), cin * lanes);
        let to = Tile::spread(self.side.kernel(), cin * self.row);
        for channel in 0..cin {
            let sums = (&self.sums[channel * lanes..], from);
            let d_kernels = (&mut self.d_kernels[channel * self.row..], to);
            transforms::add_d_kernel(s, self.side, sums, d_kernels, channels);
        }
    }
}
