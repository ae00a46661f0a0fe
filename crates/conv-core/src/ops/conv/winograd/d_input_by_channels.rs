//! The gradient of the input by overlapping tiles, as in [`d_input`](super::d_input), for many channels: a vector here holds
//! channels of one tile, and a sum goes over all channels of the output at once. So the tiles are added up in their order,
//! whatever the size of a block is.

use std::ops::Range;

use super::passes::{DInputs, DOutputs, Products};
use super::{PANEL, Winograd, blocks};
use crate::ops::conv::order::Order;
use crate::parallel::scratch;
use crate::simd::{Lanes, dispatch, dispatch_for, groups};

impl Winograd {
    /// The same with the channels of the input and of the output swapped: the kernels of the gradient.
    fn swapped(&self) -> Self {
        Self {
            cin: self.cout,
            cout: self.cin,
            ..self.clone()
        }
    }

    /// Vectors of sixteen in the kernels that [`pack_d_input_by_channels`](Self::pack_d_input_by_channels) transforms.
    pub(in crate::ops::conv) fn packed_d_input_by_channels_len(&self) -> usize {
        self.swapped().packed_len()
    }

    /// Packs kernels (taps, Cout) for [`add_d_input_by_channels`](Self::add_d_input_by_channels).
    pub(in crate::ops::conv) fn pack_d_input_by_channels(
        &self,
        kernels: &[f32],
        packed: &mut [Lanes],
    ) {
        self.swapped().pack(Order::Transposed, kernels, packed);
    }

    /// Lanes for the transformed tiles of the output's gradient and for those of a panel of the input's.
    pub(in crate::ops::conv) fn d_input_by_channels_scratch_len(&self) -> usize {
        let swapped = self.swapped();
        self.values() * (swapped.step(self.cout) + swapped.step(PANEL))
    }

    /// Adds to the gradient of padded images.
    ///
    /// `d_output` (images, pixels, Cout), packed kernels → the padded images' gradient
    pub(in crate::ops::conv) fn add_d_input_by_channels(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        d_padded: &mut [f32],
    ) {
        let images = d_output.len() / (self.output.0 * self.output.1 * self.cout);
        let swapped = self.swapped();
        scratch::with_tiles(self.d_input_by_channels_scratch_len(), |scratch| {
            for tiles in blocks(images * self.tiles(), swapped.tiles_per_block()) {
                self.add_block(&swapped, scratch, (d_output, tiles), packed, d_padded);
            }
        });
    }

    fn add_block(
        &self,
        swapped: &Self,
        scratch: &mut [Lanes],
        (d_output, tiles): (&[f32], Range<usize>),
        packed: &[Lanes],
        d_padded: &mut [f32],
    ) {
        let (step, panel_step) = (swapped.step(self.cout), swapped.step(PANEL));
        let (y, x) = scratch.split_at_mut(self.values() * step);
        dispatch_for(
            self.cout,
            DOutputs {
                winograd: self,
                d_output,
                tiles: tiles.clone(),
                panel: (0, self.cout),
                to: Lanes::flat_mut(y),
                step: (self.cout, step),
            },
        );
        let panels = packed.chunks(self.values() * swapped.kernels_step(PANEL));
        for (panel, kernels) in panels.enumerate() {
            let (first, channels) = swapped.panel(panel);
            dispatch(Products {
                x: Lanes::flat(y),
                step,
                first: 0,
                rows: (tiles.len(), self.cout),
                columns: (self.cout, 1),
                right: (kernels, swapped.kernels_step(channels)),
                lanes: groups(channels),
                sums: (x, panel_step),
            });
            dispatch(DInputs {
                winograd: self,
                from: (Lanes::flat(x), panel_step),
                tiles: tiles.clone(),
                panel: (first, channels),
                d_padded,
            });
        }
    }
}
