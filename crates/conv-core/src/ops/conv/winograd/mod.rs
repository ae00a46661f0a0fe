//! Convolutions by 3 × 3 or 5 × 5 kernels in steps of one pixel, by Winograd's algorithms F(2×2, 3×3), F(4×4, 3×3) and
//! F(4×4, 5×5): 16 multiplications for a tile of 2 × 2 outputs instead of 36, and for one of 4 × 4 outputs 36 instead of 144 or
//! 64 instead of 400.
//!
//! A tile of the input, 4 × 4, 6 × 6 or 8 × 8 pixels, and each kernel are transformed to as many values a channel. The outputs'
//! values are then as many products of matrices, (tiles, Cin) · (Cin, Cout), and transformed back to 2 × 2 or 4 × 4 pixels. See
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015, arXiv 1509.09308). The gradients are the same,
//! transposed. Tiles are taken in blocks, whose transformed values stay in a core's second cache until they are multiplied and
//! transformed back.
//!
//! Rounding errors are a few times those of the plain sum: docs/notes/2026-11-winograd.md has their bound. For F(2×2, 3×3) the
//! transforms only halve and add, which is exact for small whole numbers.

mod d_input;
mod d_input_by_channels;
mod d_kernels;
mod matrices;
mod pack;
mod passes;
mod tiling;
mod transforms;

use std::ops::Range;

pub(super) use self::d_kernels::DKernels;
use self::d_kernels::SUMS_STEP;
use self::passes::{Inputs, Outputs, Products};
pub(crate) use self::tiling::Tiling;
use super::geometry::Problem;
use super::padding::PaddedImage;
use crate::parallel::scratch;
use crate::shape::ImageShape;
use crate::simd::{LANES, Lanes, Tile, dispatch, dispatch_for, groups};
use crate::tuning::{
    KERNELS_PER_PANEL as PANEL, WINOGRAD_4X4_TILES_PER_BLOCK, WINOGRAD_5X5_TILES_PER_BLOCK,
    WINOGRAD_TASKS_PER_BLOCK, WINOGRAD_TASKS_PER_IMAGE, WINOGRAD_TILES_MULTIPLE,
    WINOGRAD_TILES_PER_BLOCK, WINOGRAD_VALUES_PER_BLOCK, WINOGRAD_WIDE_5X5_TILES_PER_BLOCK,
    WINOGRAD_WIDE_CHANNELS,
};

/// The tiles of one convolution over images of one size.
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    tiling: Tiling,
    /// Rows and columns of the tiles of an image.
    tiles: (usize, usize),
    /// Rows and columns of an output.
    output: (usize, usize),
    cin: usize,
    cout: usize,
    /// Rows and columns of the arrays that hold the input's images, and where the first tile begins before them.
    array: (usize, usize),
    before: (isize, isize),
}

/// Tiles in blocks of about the same size.
fn blocks(tiles: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = tiles.div_ceil(most).max(1);
    let size = tiles.div_ceil(count).max(1);
    let size = size.next_multiple_of(WINOGRAD_TILES_MULTIPLE);
    let firsts = (0..tiles).step_by(size);
    firsts.map(move |first| first..(first + size).min(tiles))
}

/// The padded images that hold whole tiles of all outputs.
pub(super) fn padded(tiling: Tiling, problem: &Problem) -> PaddedImage {
    let whole = |outputs: usize| outputs.next_multiple_of(tiling.output()) + tiling.kernel() - 1;
    PaddedImage {
        rows: whole(problem.output.rows),
        cols: whole(problem.output.cols),
        ..problem.padded
    }
}

/// Whether tiles can be read from images that are not padded: each has a pixel of its image.
pub(super) fn reads_images(tiling: Tiling, problem: &Problem) -> bool {
    let PaddedImage {
        image, top, left, ..
    } = problem.padded;
    let (rows, cols) = tiling.tiles(problem.output.rows, problem.output.cols);
    [(top, rows, image.rows), (left, cols, image.cols)]
        .into_iter()
        .all(|(before, tiles, pixels)| {
            let last = (tiles.saturating_sub(1) * tiling.output()) as isize - before;
            before < tiling.tile() as isize && last < pixels as isize
        })
}

/// The part of a tile from `begin` on that lies in so many pixels: where it begins and ends in the tile, and where it begins in
/// the pixels.
fn overlap(begin: isize, side: usize, pixels: usize) -> (usize, usize, usize) {
    let first = (-begin).max(0) as usize;
    let end = (pixels as isize - begin).clamp(0, side as isize) as usize;
    (first, end, begin.max(0) as usize)
}

/// Vectors of sixteen in the transformed kernels of a convolution with so many channels.
pub(super) fn packed_len(tiling: Tiling, cin: usize, cout: usize) -> usize {
    let lanes = cin.saturating_mul(groups(cout));
    let lanes = lanes.saturating_add(cout.div_ceil(PANEL));
    lanes.saturating_mul(tiling.values())
}

impl Winograd {
    /// For a problem whose images are [padded](padded) to whole tiles.
    pub(super) fn new(tiling: Tiling, problem: &Problem) -> Self {
        let ImageShape {
            rows,
            cols,
            channels: cout,
        } = problem.output;
        Self {
            tiling,
            tiles: tiling.tiles(rows, cols),
            output: (rows, cols),
            cin: problem.input().channels,
            cout,
            array: (problem.padded.rows, problem.padded.cols),
            before: (0, 0),
        }
    }

    /// For the images of a problem [as they are](reads_images): what a tile reads around them is zeros.
    pub(super) fn of_images(tiling: Tiling, problem: &Problem) -> Self {
        let PaddedImage {
            image, top, left, ..
        } = problem.padded;
        Self {
            array: (image.rows, image.cols),
            before: (top, left),
            ..Self::new(tiling, problem)
        }
    }

    /// Tiles of a block, at most.
    pub(super) fn tiles_per_block(&self) -> usize {
        match self.tiling {
            Tiling::F2x3 => WINOGRAD_TILES_PER_BLOCK,
            Tiling::F4x3 => {
                let tiles = WINOGRAD_VALUES_PER_BLOCK / (self.values() * (self.cin + PANEL));
                let (fewest, most) = WINOGRAD_4X4_TILES_PER_BLOCK;
                tiles.clamp(fewest, most) / WINOGRAD_TILES_MULTIPLE * WINOGRAD_TILES_MULTIPLE
            }
            Tiling::F4x5 if self.cin > WINOGRAD_WIDE_CHANNELS => WINOGRAD_WIDE_5X5_TILES_PER_BLOCK,
            Tiling::F4x5 => WINOGRAD_5X5_TILES_PER_BLOCK,
        }
    }

    /// Vectors from one of a tile's values to the next, for a block of tiles: one more than they fill, so that they do not
    /// all fall into the same sets of the cache.
    fn step(&self, channels: usize) -> usize {
        groups(self.tiles_per_block() * channels) + 1
    }

    fn values(&self) -> usize {
        self.tiling.values()
    }

    /// Tiles that are worth a task of their own: of kernels that do not stay in the second cache, and so come from further away for
    /// each task, whole blocks, unless the tiles of a block do not stay there either.
    pub(super) fn tiles_per_task(&self) -> usize {
        let tiles = self.tiles_per_block();
        let block = tiles * self.values() * (self.cin + PANEL);
        let kernels = self.packed_len() * LANES;
        if block <= WINOGRAD_VALUES_PER_BLOCK && kernels > WINOGRAD_VALUES_PER_BLOCK {
            tiles
        } else {
            tiles / WINOGRAD_TASKS_PER_BLOCK
        }
    }

    /// Tiles of an image.
    pub(super) fn tiles(&self) -> usize {
        self.tiles.0 * self.tiles.1
    }

    /// Panels of output channels.
    pub(super) fn panels(&self) -> usize {
        self.cout.div_ceil(PANEL)
    }

    /// A panel's first channel, and how many it has.
    fn panel(&self, panel: usize) -> (usize, usize) {
        let first = panel * PANEL;
        (first, (self.cout - first).min(PANEL))
    }

    /// Vectors of sixteen in the transformed kernels.
    pub(super) fn packed_len(&self) -> usize {
        packed_len(self.tiling, self.cin, self.cout)
    }

    /// Vectors of sixteen from one value to the next in the transformed kernels of a panel of so many: one more than they fill, for
    /// the same reason as those [of tiles](Self::step).
    fn kernels_step(&self, channels: usize) -> usize {
        self.cin * groups(channels) + 1
    }

    /// Lanes for the transformed tiles of the input and of a panel, and for the gradient of some of a panel's kernels.
    pub(super) fn scratch_len(&self) -> usize {
        self.values() * (self.step(self.cin) + self.step(PANEL) + SUMS_STEP)
    }

    /// Where a tile lies in an image of the output: image, row and column.
    fn place(&self, tile: usize) -> [usize; 3] {
        let (image, at) = (tile / self.tiles(), tile % self.tiles());
        let out = self.tiling.output();
        [image, at / self.tiles.1 * out, at % self.tiles.1 * out]
    }

    /// Where the images have the first value of a tile of the input, and the tile there.
    fn input_tile(&self, tile: usize) -> (usize, Tile) {
        let [image, y, x] = self.place(tile);
        let ((rows, cols), side) = (self.array, self.tiling.tile());
        let (top, bottom, y) = overlap(y as isize - self.before.0, side, rows);
        let (left, right, x) = overlap(x as isize - self.before.1, side, cols);
        let tile = Tile {
            step: (cols * self.cin, self.cin),
            first: (top, left),
            size: (bottom, right),
        };
        (((image * rows + y) * cols + x) * self.cin, tile)
    }

    /// Where the outputs have the first value of a tile, and the tile there.
    fn output_tile(&self, tile: usize) -> (usize, Tile) {
        let [image, y, x] = self.place(tile);
        let (rows, cols) = self.output;
        let out = self.tiling.output();
        let tile = Tile {
            step: (cols * self.cout, self.cout),
            first: (0, 0),
            size: ((rows - y).min(out), (cols - x).min(out)),
        };
        (((image * rows + y) * cols + x) * self.cout, tile)
    }

    /// Pixels of the output, in whole rows, that are a task of their own where images are large.
    pub(super) fn band(&self) -> usize {
        let (rows, cols) = self.tiles;
        let rows = rows.div_ceil(WINOGRAD_TASKS_PER_IMAGE);
        let rows = rows.max(self.tiles_per_task().div_ceil(cols));
        self.tiling.output() * rows * self.output.1
    }

    /// Tiles of an output of whole images, or of some rows of one.
    fn tiles_of(&self, output_len: usize) -> usize {
        let (rows, cols) = self.output;
        let all = output_len / (cols * self.cout);
        (all / rows * self.tiles.0 + (all % rows).div_ceil(self.tiling.output())) * self.tiles.1
    }

    /// images, transformed kernels, bias (Cout) → output (pixels, Cout), from the first pixel of an image or a
    /// [band](Self::band) on
    pub(super) fn forward(
        &self,
        (images, first_pixel): (&[f32], usize),
        packed: &[Lanes],
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let first = self.tiles_of(first_pixel * self.cout);
        scratch::with_tiles(self.scratch_len(), |scratch| {
            self.forward_in(scratch, (images, first), (packed, bias), output);
        });
    }

    fn forward_in(
        &self,
        scratch: &mut [Lanes],
        (images, first_tile): (&[f32], usize),
        (packed, bias): (&[Lanes], Option<&[f32]>),
        output: &mut [f32],
    ) {
        let (skipped, _) = self.output_tile(first_tile);
        let tiles = self.tiles_of(output.len());
        let (x, y) = scratch.split_at_mut(self.values() * self.step(self.cin));
        let y = &mut y[..self.values() * self.step(PANEL)];
        for range in blocks(tiles, self.tiles_per_block()) {
            let range = first_tile + range.start..first_tile + range.end;
            dispatch_for(
                self.cin,
                Inputs {
                    winograd: self,
                    images,
                    tiles: range.clone(),
                    to: Lanes::flat_mut(x),
                },
            );
            let panels = packed.chunks(self.values() * self.kernels_step(PANEL));
            for (panel, kernels) in panels.enumerate() {
                let (first, channels) = self.panel(panel);
                dispatch(Products {
                    step: self.step(self.cin),
                    x: Lanes::flat(x),
                    first: 0,
                    rows: (range.len(), self.cin),
                    columns: (self.cin, 1),
                    right: (kernels, self.kernels_step(channels)),
                    lanes: groups(channels),
                    sums: (y, self.step(PANEL)),
                });
                dispatch(Outputs {
                    winograd: self,
                    from: Lanes::flat(y),
                    tiles: range.clone(),
                    panel: (first, channels),
                    bias: bias.map_or(&[], |bias| &bias[first..][..channels]),
                    output: (output, skipped),
                });
            }
        }
    }
}
