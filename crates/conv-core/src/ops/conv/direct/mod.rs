//! The plain sum over the taps, for any convolution and for dense layers: tables find every product's factors in
//! memory, and nothing is unrolled (no im2col).
//!
//! An output is Σₖ input[window + tap k] · kernel[k]: one table says where the window of each output pixel begins, the
//! other where the k-th value under it lies from there. The same two tables, swapped, give the gradient of the kernels:
//! Σ over pixels of input[tap + window] · `d_output`[pixel]. The gradient of the input is the forward pass of the
//! [transposed](super::geometry::Problem::transposed) problem.

mod d_kernels;
mod forward;
mod pack;
mod pairs;

use super::geometry::Problem;
use super::windows::WindowTable;
use crate::parallel::scratch;
use crate::simd::{Lanes, dispatch, groups};
use crate::tuning::{HALF_TILES, PANEL_LANES, PIXELS_PER_SUM};
use d_kernels::DKernels;
use forward::Forward;
use pairs::Pairs;
pub(super) use pairs::pair_count;

/// The tables of one convolution over images of one size.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    groups: usize,
    /// Input channels and kernels of a group.
    group_inputs: usize,
    group_kernels: usize,
    /// Values of a padded image.
    padded_len: usize,
    /// Output pixels of an image.
    pixels: usize,
    pub(super) windows: WindowTable,
    /// Whether the pixels lie evenly by fours, but not by sevens: a tile's two halves then are quicker to address.
    by_fours: bool,
    /// The taps two by two, where kernels are few.
    pairs: Option<Pairs>,
}

impl Direct {
    /// Lanes that a thread [reserves](scratch::reserve) for the gradient of kernels.
    pub(super) const SCRATCH: usize = PANEL_LANES * PIXELS_PER_SUM;

    /// With the taps two by two, or one by one.
    pub(super) fn new(problem: &Problem, by_pairs: bool) -> Self {
        let windows = WindowTable::new(problem, images_per_sum(problem));
        let (rows, cols) = (problem.output.rows, problem.output.cols);
        // Pixels that lie evenly.
        let even = if cols == 1 { rows } else { cols };
        Self {
            groups: problem.groups,
            group_inputs: problem.group_inputs(),
            group_kernels: problem.group_kernels(),
            padded_len: problem.padded.len(),
            pixels: problem.output.pixels(),
            by_fours: even.is_multiple_of(HALF_TILES.0) && !even.is_multiple_of(HALF_TILES.1),
            pairs: by_pairs.then(|| Pairs::new(&windows.taps)),
            windows,
        }
    }

    /// Values that the tables of a problem take, `u32` ones counted as such.
    pub(super) fn table_len(problem: &Problem, by_pairs: bool) -> usize {
        let pairs = if by_pairs { Pairs::len(problem) } else { 0 };
        WindowTable::len(problem, images_per_sum(problem)).saturating_add(pairs)
    }

    /// Vectors of sixteen in the packed kernels of a problem.
    pub(super) fn packed_len(problem: &Problem, by_pairs: bool) -> usize {
        let (kernels, taps) = if by_pairs {
            (
                problem.group_kernels().saturating_mul(2),
                pair_count(problem),
            )
        } else {
            (problem.group_kernels(), problem.taps())
        };
        let group = groups(kernels).saturating_mul(taps);
        group.saturating_mul(problem.groups)
    }

    /// Vectors of sixteen in the packed kernels.
    pub(super) fn own_packed_len(&self) -> usize {
        let (kernels, taps) = match &self.pairs {
            Some(pairs) => (2 * self.group_kernels, pairs.at.len()),
            None => (self.group_kernels, self.windows.taps.len()),
        };
        self.groups * groups(kernels) * taps
    }

    /// Images over whose pixels the gradient of the kernels is summed before it is added to the others.
    fn images_per_sum(&self) -> usize {
        self.windows.pixels.len() / self.pixels
    }

    /// Kernels of all groups.
    fn kernels(&self) -> usize {
        self.groups * self.group_kernels
    }

    fn panels(&self) -> impl Iterator<Item = Panel> + use<> {
        let all = groups(self.group_kernels);
        let firsts = (0..all).step_by(PANEL_LANES);
        firsts.map(move |first| Panel {
            first,
            lanes: (all - first).min(PANEL_LANES),
        })
    }

    /// The output at some of the pixels of all the images, counted over the images.
    ///
    /// padded images, packed kernels, bias (Cout) → output (pixels, Cout)
    pub(super) fn forward(
        &self,
        padded: &[f32],
        first_pixel: usize,
        packed: &[Lanes],
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) {
        dispatch(Forward {
            direct: self,
            padded,
            first_pixel,
            packed,
            bias,
            output,
        });
    }

    /// Adds to the taps `first_tap..` of the kernels' gradient what some images contribute.
    ///
    /// padded images, `d_output` (images, pixels, Cout) → `d_kernels` (some taps, Cout)
    pub(super) fn add_d_kernels(
        &self,
        padded: &[f32],
        d_output: &[f32],
        first_tap: usize,
        d_kernels: &mut [f32],
    ) {
        scratch::with_tiles(Self::SCRATCH, |copies| {
            dispatch(DKernels {
                direct: self,
                padded,
                d_output,
                first_tap,
                d_kernels,
                copies,
            });
        });
    }
}

/// Images over whose pixels the gradient of the kernels is summed at once: as many as have few enough pixels together.
fn images_per_sum(problem: &Problem) -> usize {
    let addressable = u32::MAX as usize / problem.padded.len().max(1);
    (PIXELS_PER_SUM / problem.output.pixels().max(1))
        .min(addressable)
        .max(1)
}

/// The kernels that are computed together: up to two vectors of sixteen.
#[derive(Clone, Copy)]
struct Panel {
    /// The first one, in vectors of sixteen.
    first: usize,
    lanes: usize,
}

/// The first of some kernels, within its group.
#[derive(Clone, Copy)]
struct FirstKernel {
    group: usize,
    kernel: usize,
}
