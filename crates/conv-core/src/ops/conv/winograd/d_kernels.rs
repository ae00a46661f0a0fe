//! The gradient of kernels: tiles of the input and of the output's gradient, transformed, multiplied, and transformed back.

use std::ops::Range;

use super::passes::{DKernel, DOutputs, Inputs, Products};
use super::{PANEL, Winograd, blocks};
use crate::parallel::scratch;
use crate::simd::{LANES, Lanes, dispatch, dispatch_for, groups};
use crate::tuning::{PANEL_LANES, WINOGRAD_INPUTS_PER_SUM};

/// Where a gradient of kernels goes.
pub(in crate::ops::conv) struct DKernels<'a> {
    /// (Kh, Kw, Cin, output channels)
    pub(in crate::ops::conv) values: &'a mut [f32],
    /// Values from an input channel to the next one.
    pub(in crate::ops::conv) row: usize,
    /// Whether what is there does not count, as if it were zeros.
    pub(in crate::ops::conv) anew: bool,
}

/// Vectors of sixteen from one value to the next in the sums of the gradients of some kernels of a panel: one more than they
/// fill, so that they do not all fall into the same sets of the cache.
pub(super) const SUMS_STEP: usize = WINOGRAD_INPUTS_PER_SUM * PANEL_LANES + 1;

impl Winograd {
    /// Adds to the gradient of the kernels what some images contribute: of some panels, with which `d_kernels` begins.
    ///
    /// images, `d_output` (images, pixels, Cout) → `d_kernels` (Kh, Kw, Cin, output channels)
    pub(in crate::ops::conv) fn add_d_kernels(
        &self,
        images: (&[f32], &[f32]),
        panels: Range<usize>,
        d_kernels: DKernels<'_>,
    ) {
        scratch::with_tiles(self.scratch_len(), |scratch| {
            self.add_d_kernels_in(scratch, images, panels, d_kernels);
        });
    }

    fn add_d_kernels_in(
        &self,
        scratch: &mut [Lanes],
        (images, d_output): (&[f32], &[f32]),
        panels: Range<usize>,
        d_kernels: DKernels<'_>,
    ) {
        let tiles = self.tiles_of(d_output.len());
        let (x, rest) = scratch.split_at_mut(self.values() * self.step(self.cin));
        let (y, sums) = rest.split_at_mut(self.values() * self.step(PANEL));
        for range in blocks(tiles, self.tiles_per_block()) {
            dispatch_for(
                self.cin,
                Inputs {
                    winograd: self,
                    images,
                    tiles: range.clone(),
                    to: Lanes::flat_mut(x),
                },
            );
            for panel in panels.clone() {
                let (first, channels) = self.panel(panel);
                let lanes = groups(channels);
                dispatch(DOutputs {
                    winograd: self,
                    d_output,
                    tiles: range.clone(),
                    panel: (first, channels),
                    to: Lanes::flat_mut(y),
                    step: (lanes * LANES, self.step(PANEL)),
                });
                for first_input in (0..self.cin).step_by(WINOGRAD_INPUTS_PER_SUM) {
                    let inputs = first_input..self.cin.min(first_input + WINOGRAD_INPUTS_PER_SUM);
                    dispatch(Products {
                        step: self.step(self.cin),
                        x: Lanes::flat(x),
                        first: first_input,
                        rows: (inputs.len(), 1),
                        columns: (range.len(), self.cin),
                        right: (y, self.step(PANEL)),
                        lanes,
                        sums: (sums, SUMS_STEP),
                    });
                    dispatch(DKernel {
                        tiling: self.tiling,
                        sums: (Lanes::flat(sums), SUMS_STEP * LANES),
                        inputs: (self.cin, inputs),
                        channels,
                        d_kernels: &mut d_kernels.values[first - panels.start * PANEL..],
                        row: d_kernels.row,
                        anew: d_kernels.anew && range.start == 0,
                    });
                }
            }
        }
    }
}
