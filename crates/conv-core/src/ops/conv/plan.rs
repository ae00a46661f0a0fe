//! The chosen algorithm of a convolution with its tables, for images of one size.

use std::ops::Range;

use super::choose::{
    Algorithm, Choice, DInputAlgorithm, DInputChoice, choose, choose_d_input, choose_dense_d_input,
};
use super::col2im::Col2im;
use super::direct::Direct;
use super::geometry::Problem;
use super::order::Order;
use super::padding::PaddedImage;
use super::single_channel::SingleChannel;
use super::winograd::{self, DKernels, Winograd};
use crate::Error;
use crate::simd::Lanes;

/// Outputs, and the gradient of the kernels.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    problem: Problem,
    tables: Tables,
}

#[derive(Clone, Debug)]
enum Tables {
    Direct(Direct),
    SingleChannel(SingleChannel),
    Winograd(Winograd),
}

impl Plan {
    /// By the algorithm that [`choose`] picks.
    pub(crate) fn new(problem: &Problem) -> Result<Self, Error> {
        Self::of(&choose(problem))
    }

    /// The same over padded images, in which no window leaves the array. A few images at a time are copied into the cache: where they
    /// come from memory, that is quicker than to read tiles across their rows.
    pub(crate) fn of_padded(problem: &Problem) -> Result<Self, Error> {
        Self::with_padding(&choose(problem))
    }

    /// Tiles read images as they are, where they can: those of a network are in the cache already.
    fn of(choice: &Choice) -> Result<Self, Error> {
        match choice.algorithm {
            Algorithm::Winograd(tiling) if winograd::reads_images(tiling, &choice.problem) => {
                let mut problem = choice.problem.checked()?;
                let tables = Tables::Winograd(Winograd::of_images(tiling, &problem));
                problem.padded = PaddedImage::bare(problem.input());
                Ok(Self { problem, tables })
            }
            _ => Self::with_padding(choice),
        }
    }

    fn with_padding(choice: &Choice) -> Result<Self, Error> {
        let problem = choice.problem.checked()?;
        let tables = match choice.algorithm {
            Algorithm::Direct => Tables::Direct(Direct::new(&problem, false)),
            Algorithm::DirectPairs => Tables::Direct(Direct::new(&problem, true)),
            Algorithm::SingleChannel => Tables::SingleChannel(SingleChannel::new(&problem)),
            Algorithm::Winograd(tiling) => Tables::Winograd(Winograd::new(tiling, &problem)),
        };
        Ok(Self { problem, tables })
    }

    /// The problem, with images padded as the algorithm reads them.
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// How images are padded.
    pub(crate) fn padded(&self) -> &PaddedImage {
        &self.problem.padded
    }

    /// Kernels, which is channels of the output.
    pub(crate) fn kernels(&self) -> usize {
        self.problem.output.channels
    }

    /// Output pixels of an image.
    pub(crate) fn pixels(&self) -> usize {
        self.problem.output.pixels()
    }

    /// Values of an image of the output.
    pub(crate) fn output_len(&self) -> usize {
        self.problem.output.len()
    }

    /// Values of an image of the input.
    pub(crate) fn input_len(&self) -> usize {
        self.problem.input().len()
    }

    /// The tiles, where this is Winograd's algorithm.
    pub(super) fn winograd(&self) -> Option<&Winograd> {
        match &self.tables {
            Tables::Winograd(winograd) => Some(winograd),
            _ => None,
        }
    }

    /// Lanes that a thread [reserves](crate::parallel::scratch::reserve) for it.
    pub(crate) fn scratch_len(&self) -> usize {
        self.winograd()
            .map_or(Direct::SCRATCH, Winograd::scratch_len)
    }

    /// Vectors of sixteen in the packed kernels.
    pub(crate) fn packed_len(&self) -> usize {
        match &self.tables {
            Tables::Direct(direct) => direct.own_packed_len(),
            Tables::SingleChannel(single) => single.packed_len(),
            Tables::Winograd(winograd) => winograd.packed_len(),
        }
    }

    /// Packs kernels (taps, Cout).
    pub(crate) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        self.pack_ordered(Order::Forward, kernels, packed);
    }

    /// For the plan of a [transposed](Problem::transposed) problem, packs the kernels (taps, Cout) of the original one.
    fn pack_transposed(&self, kernels: &[f32], packed: &mut [Lanes]) {
        self.pack_ordered(Order::Flipped, kernels, packed);
    }

    fn pack_ordered(&self, order: Order, kernels: &[f32], packed: &mut [Lanes]) {
        let weights = |group, tap| order.weights(&self.problem, group, tap);
        match &self.tables {
            Tables::Direct(direct) => direct.pack(packed, kernels, weights),
            Tables::SingleChannel(single) => single.pack(packed, kernels, weights),
            Tables::Winograd(winograd) => winograd.pack(order, kernels, packed),
        }
    }

    /// The output at the pixels from `first_pixel` on, counted over all images. With Winograd's algorithm these are the pixels
    /// of whole images or of one [band](Winograd::band).
    ///
    /// padded images, packed kernels, bias (Cout) → output (pixels, Cout)
    pub(crate) fn forward(
        &self,
        padded: &[f32],
        first_pixel: usize,
        packed: &[Lanes],
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) {
        match &self.tables {
            Tables::Direct(direct) => direct.forward(padded, first_pixel, packed, bias, output),
            Tables::SingleChannel(single) => {
                single.forward(padded, first_pixel, packed, bias, output);
            }
            Tables::Winograd(winograd) => {
                winograd.forward((padded, first_pixel), packed, bias, output);
            }
        }
    }

    /// Adds what some images contribute to the gradient of the kernels: to its rows from `first_tap` on, or with Winograd's
    /// algorithm to all rows, whatever `first_tap` is.
    ///
    /// padded images, `d_output` (images, pixels, Cout) → `d_kernels` (some taps, Cout)
    pub(crate) fn add_d_kernels(
        &self,
        padded: &[f32],
        d_output: &[f32],
        first_tap: usize,
        d_kernels: &mut [f32],
    ) {
        match &self.tables {
            Tables::Direct(direct) => {
                direct.add_d_kernels(padded, d_output, first_tap, d_kernels);
            }
            Tables::SingleChannel(single) => {
                single.add_d_kernels(padded, d_output, first_tap, d_kernels);
            }
            Tables::Winograd(winograd) => {
                let to = DKernels {
                    values: d_kernels,
                    row: self.kernels(),
                    anew: false,
                };
                winograd.add_d_kernels((padded, d_output), 0..winograd.panels(), to);
            }
        }
    }

    /// The same as [`add_d_kernels`](Self::add_d_kernels) to zeros, whatever is there.
    pub(crate) fn d_kernels(&self, padded: &[f32], d_output: &[f32], d_kernels: &mut [f32]) {
        if let Some(winograd) = self.winograd() {
            let (panels, row) = (0..winograd.panels(), self.kernels());
            return self.d_kernels_of_panels(panels, (padded, d_output), (d_kernels, row));
        }
        d_kernels.fill(0.0);
        self.add_d_kernels(padded, d_output, 0, d_kernels);
    }

    /// [`d_kernels`](Self::d_kernels) for some panels of kernels by Winograd's algorithm. `d_kernels` is an array that
    /// begins with the first of these panels, and the values of a row.
    pub(super) fn d_kernels_of_panels(
        &self,
        panels: Range<usize>,
        images: (&[f32], &[f32]),
        (values, row): (&mut [f32], usize),
    ) {
        if let Some(winograd) = self.winograd() {
            let to = DKernels {
                values,
                row,
                anew: true,
            };
            winograd.add_d_kernels(images, panels, to);
        }
    }
}

/// The gradient of the input.
#[derive(Clone, Debug)]
pub(crate) struct DInputPlan {
    /// The problem, with images padded as the algorithm writes their gradient.
    problem: Problem,
    tables: DInputTables,
}

#[derive(Clone, Debug)]
enum DInputTables {
    Transposed(Plan),
    Col2im(Col2im),
    OverlappingTiles(Winograd),
    OverlappingTilesByChannels(Winograd),
}

impl DInputPlan {
    /// By the algorithm that [`choose_d_input`] picks.
    pub(crate) fn new(problem: &Problem) -> Result<Self, Error> {
        Self::of(choose_d_input(problem)?, Plan::of)
    }

    /// The same [over padded images](Plan::of_padded).
    pub(crate) fn of_padded(problem: &Problem) -> Result<Self, Error> {
        Self::of(choose_d_input(problem)?, Plan::with_padding)
    }

    fn of(choice: DInputChoice, plan: fn(&Choice) -> Result<Plan, Error>) -> Result<Self, Error> {
        let DInputChoice {
            algorithm, problem, ..
        } = choice;
        let problem = problem.checked()?;
        let tables = match algorithm {
            DInputAlgorithm::Transposed(choice) => DInputTables::Transposed(plan(&choice)?),
            DInputAlgorithm::Col2im { kind } => DInputTables::Col2im(Col2im::new(&problem, kind)?),
            DInputAlgorithm::OverlappingTiles(tiling) => {
                DInputTables::OverlappingTiles(Winograd::new(tiling, &problem))
            }
            DInputAlgorithm::OverlappingTilesByChannels(tiling) => {
                DInputTables::OverlappingTilesByChannels(Winograd::new(tiling, &problem))
            }
        };
        Ok(Self { problem, tables })
    }

    /// For the rows of a dense layer, by the algorithm that [`choose_dense_d_input`] picks.
    pub(crate) fn of_dense(problem: &Problem) -> Result<Self, Error> {
        Self::of(choose_dense_d_input(problem)?, Plan::of)
    }

    /// The plan of the transposed problem, where this is the way.
    pub(super) fn transposed(&self) -> Option<&Plan> {
        match &self.tables {
            DInputTables::Transposed(plan) => Some(plan),
            _ => None,
        }
    }

    /// The fewest images that are worth a task of their own, where this fixes no bits; else 1.
    pub(super) fn images_per_task(&self) -> usize {
        match &self.tables {
            DInputTables::OverlappingTilesByChannels(winograd) => {
                winograd.tiles_per_task().div_ceil(winograd.tiles())
            }
            _ => 1,
        }
    }

    /// Values of an image of the input, and of one of the output.
    pub(super) fn lens(&self) -> (usize, usize) {
        (self.problem.input().len(), self.problem.output.len())
    }

    /// Values of the buffer that [`d_input`](Self::d_input) needs for this many images.
    pub(crate) fn buffer_len(&self, images: usize) -> usize {
        match &self.tables {
            DInputTables::Transposed(plan) => plan.padded().buffer_len(images),
            DInputTables::Col2im(col2im) => col2im.buffer_len(),
            DInputTables::OverlappingTiles(_) | DInputTables::OverlappingTilesByChannels(_) => {
                self.problem.padded.buffer_len(images)
            }
        }
    }

    /// Lanes that a thread [reserves](crate::parallel::scratch::reserve) for it.
    pub(crate) fn scratch_len(&self) -> usize {
        match &self.tables {
            DInputTables::Transposed(plan) => plan.scratch_len(),
            DInputTables::Col2im(_) => 0,
            DInputTables::OverlappingTiles(winograd) => winograd.d_input_scratch_len(),
            DInputTables::OverlappingTilesByChannels(winograd) => {
                winograd.d_input_by_channels_scratch_len()
            }
        }
    }

    /// Vectors of sixteen in the packed kernels.
    pub(crate) fn packed_len(&self) -> usize {
        match &self.tables {
            DInputTables::Transposed(plan) => plan.packed_len(),
            DInputTables::Col2im(col2im) => col2im.packed_len(),
            DInputTables::OverlappingTiles(winograd) => winograd.packed_d_input_len(),
            DInputTables::OverlappingTilesByChannels(winograd) => {
                winograd.packed_d_input_by_channels_len()
            }
        }
    }

    /// Packs the kernels (taps, Cout) of the convolution.
    pub(crate) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        match &self.tables {
            DInputTables::Transposed(plan) => plan.pack_transposed(kernels, packed),
            DInputTables::Col2im(col2im) => col2im.pack(kernels, packed),
            DInputTables::OverlappingTiles(winograd) => winograd.pack_d_input(kernels, packed),
            DInputTables::OverlappingTilesByChannels(winograd) => {
                winograd.pack_d_input_by_channels(kernels, packed);
            }
        }
    }

    /// The gradient of some images. The buffer holds zeros before its first use.
    ///
    /// `d_output` (images, pixels, Cout), packed kernels → `d_input` (images, H, W, Cin)
    pub(crate) fn d_input(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        buffer: &mut [f32],
        d_input: &mut [f32],
    ) {
        match &self.tables {
            DInputTables::Transposed(plan) => {
                let padded = plan.padded().pad_all(d_output, buffer);
                plan.forward(padded, 0, packed, None, d_input);
            }
            DInputTables::Col2im(col2im) => col2im.d_input(d_output, packed, buffer, d_input),
            DInputTables::OverlappingTiles(winograd) => {
                self.add_tiles(buffer, d_input, |d_padded| {
                    winograd.add_d_input(d_output, packed, d_padded);
                });
            }
            DInputTables::OverlappingTilesByChannels(winograd) => {
                self.add_tiles(buffer, d_input, |d_padded| {
                    winograd.add_d_input_by_channels(d_output, packed, d_padded);
                });
            }
        }
    }

    /// The gradient of some images from what is added to that of the padded ones.
    fn add_tiles(&self, buffer: &mut [f32], d_input: &mut [f32], add: impl FnOnce(&mut [f32])) {
        let padded = &self.problem.padded;
        if padded.is_image() {
            d_input.fill(0.0);
            return add(d_input);
        }
        let images = d_input.len() / padded.image.len();
        let d_padded = &mut buffer[..images * padded.len()];
        d_padded.fill(0.0);
        add(d_padded);
        padded.crop_all(d_padded, d_input);
    }
}

#[cfg(test)]
mod tests;
