//! What is done with tiles in vectors, pass by pass, for one instruction set at a time.

use std::ops::Range;

use super::{CENTRE, NUMBERS, PANEL, Winograd, step};
use crate::simd::winograd::{self, Tile};
use crate::simd::{LANES, Lanes, Matrix, Op, Simd, groups, matrix_product};

/// The sixteen products.
pub(super) struct Products<'a> {
    /// Sixteen times (tiles, Cin), its rows and its columns as those of a [`Matrix`].
    pub(super) x: &'a [f32],
    pub(super) rows: (usize, usize),
    pub(super) columns: (usize, usize),
    /// Sixteen times (columns, lanes of a panel), and how far from one to the next.
    pub(super) right: (&'a [Lanes], usize),
    /// What the sums of the [`CENTRE`] begin with.
    pub(super) start: &'a [Lanes],
    /// Sixteen times (rows, lanes), and how far from one to the next.
    pub(super) sums: (&'a mut [Lanes], usize),
}

impl Op for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zeros = [Lanes::ZERO; 2];
        let cin = self.rows.1.max(self.columns.1);
        let all = self.x.chunks_exact(step(cin) * LANES);
        let right = self.right.0.chunks(self.right.1);
        let sums = self.sums.0.chunks_mut(self.sums.1);
        for (number, ((x, right), sums)) in all.zip(right).zip(sums).enumerate() {
            let a = Matrix {
                numbers: x,
                rows: self.rows,
                columns: self.columns,
            };
            let start = if number == CENTRE {
                self.start
            } else {
                &zeros[..self.start.len()]
            };
            matrix_product(s, a, right, start, Lanes::flat_mut(sums));
        }
    }
}

/// Tiles of the input → sixteen times (tiles, Cin).
pub(super) struct Inputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) placed: &'a [f32],
    pub(super) tiles: Range<usize>,
    pub(super) to: &'a mut [f32],
}

impl Op for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let cin = self.winograd.cin;
        let from = Tile {
            step: (self.winograd.placed.0, cin),
            size: (4, 4),
        };
        let to = Tile::spread(4, step(cin) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, _) = self.winograd.tile(tile);
            let placed = (&self.placed[at..], from);
            winograd::input(s, placed, (&mut self.to[row * cin..], to), cin);
        }
    }
}

/// Sixteen times (tiles, channels of a panel) → tiles of the output.
pub(super) struct Outputs<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) from: &'a [f32],
    pub(super) tiles: Range<usize>,
    /// The first channel, and how many.
    pub(super) panel: (usize, usize),
    /// Numbers, and which one of all is their first.
    pub(super) output: (&'a mut [f32], usize),
}

impl Op for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (first, channels) = self.panel;
        let from = Tile::spread(4, step(PANEL) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let to = &mut self.output.0[at - self.output.1 + first..];
            let from = (&self.from[row * groups(channels) * LANES..], from);
            winograd::output(s, from, (to, tile), channels);
        }
    }
}

/// Tiles of the output's gradient → sixteen times (tiles, channels of a panel).
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
        let to = Tile::spread(4, step(PANEL) * LANES);
        for (row, tile) in self.tiles.enumerate() {
            let (at, tile) = self.winograd.output_tile(tile);
            let from = (&self.d_output[at + first..], tile);
            let to_row = row * groups(channels) * LANES;
            winograd::d_output(s, from, (&mut self.to[to_row..], to), channels);
        }
    }
}

/// The taps of an input channel for the kernels of a panel → their sixteen, where the products read them.
pub(super) struct Kernels<'a> {
    pub(super) taps: &'a [Lanes; 18],
    pub(super) packed: &'a mut [Lanes],
    /// Which channel, of how many.
    pub(super) at: (usize, usize),
}

impl Op for Kernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (channel, channels) = self.at;
        let lanes = self.packed.len() / (NUMBERS * channels);
        let from = (Lanes::flat(self.taps), Tile::spread(3, PANEL));
        let to = &mut Lanes::flat_mut(self.packed)[channel * lanes * LANES..];
        let to = (to, Tile::spread(4, channels * lanes * LANES));
        winograd::kernel(s, from, to, lanes * LANES);
    }
}

/// Sixteen times (Cin, channels of a panel), added to the gradient of the kernels.
pub(super) struct DKernel<'a> {
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
        let from = Tile::spread(4, cin * lanes);
        let to = Tile::spread(3, cin * self.row);
        for channel in 0..cin {
            let sums = (&self.sums[channel * lanes..], from);
            let d_kernels = (&mut self.d_kernels[channel * self.row..], to);
            winograd::add_d_kernel(s, sums, d_kernels, channels);
        }
    }
}
