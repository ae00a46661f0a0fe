//! The gradient of the input by tiles: each tile of outputs has a share in one of the input's gradient, and these
//! overlap and are added up.
//!
//! Tiles of the input would be more than tiles of the output, wherever the output is smaller than the input. A vector here holds one value of
//! sixteen tiles, since a few input channels would not fill it.

use super::transforms;
use super::{PANEL, Winograd};
use crate::parallel::{self, scratch};
use crate::simd::{
    LANES, Lanes, Matrix, Op, Simd, Tile, dispatch, dispatch_for, gemm, groups, store_transposed,
};
use crate::tuning::{TILE_VECTORS, TRANSPOSED, WINOGRAD_WIDE_CHANNELS};

impl Winograd {
    /// Vectors of sixteen in the kernels that [`pack_d_input`](Self::pack_d_input) transforms.
    pub(in crate::ops::conv) fn packed_d_input_len(&self) -> usize {
        self.cin * self.values() * groups(self.cout)
    }

    /// Packs kernels (taps, Cout) for [`add_d_input`](Self::add_d_input): (Cin, values, Cout).
    pub(in crate::ops::conv) fn pack_d_input(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let row = groups(self.cout);
        parallel::parts_mut(packed, self.values() * row, |channel, packed| {
            for panel in 0..self.panels() {
                let to = &mut Lanes::flat_mut(packed)[panel * PANEL..];
                self.pack_channel(kernels, (channel, panel), (to, row * LANES));
            }
        });
    }

    /// Pixels of a tile of the output.
    fn pixels(&self) -> usize {
        self.tiling.output() * self.tiling.output()
    }

    /// Vectors of tiles in a block: one where there are many channels, so that a thread [keeps](scratch) the memory.
    fn d_input_vectors(&self) -> usize {
        if self.cin.max(self.cout) > WINOGRAD_WIDE_CHANNELS {
            1
        } else {
            TILE_VECTORS
        }
    }

    /// From one of a tile's values to the next, in vectors.
    fn d_input_step(&self, channels: usize) -> usize {
        self.d_input_vectors() * channels.next_multiple_of(LANES) + 1
    }

    /// Lanes for the tiles of the output's gradient as they are and transformed, and for those of the input's gradient
    /// before and after their transform.
    pub(in crate::ops::conv) fn d_input_scratch_len(&self) -> usize {
        (self.pixels() + self.values()) * self.d_input_step(self.cout)
            + 2 * self.values() * self.d_input_step(self.cin)
    }

    /// Adds to the gradient of padded images.
    ///
    /// `d_output` (images, pixels, Cout), packed kernels → the padded images' gradient
    pub(in crate::ops::conv) fn add_d_input(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        d_padded: &mut [f32],
    ) {
        let images = d_output.len() / (self.output.0 * self.output.1 * self.cout);
        scratch::with_tiles(self.d_input_scratch_len(), |scratch| {
            let step = self.d_input_step(self.cout);
            let (y, x) = scratch.split_at_mut((self.pixels() + self.values()) * step);
            let (transposed, y) = y.split_at_mut(self.pixels() * step);
            let (products, x) = x.split_at_mut(self.values() * self.d_input_step(self.cin));
            let tiles = images * self.tiles();
            let per_block = self.d_input_vectors() * LANES;
            for first in (0..tiles).step_by(per_block) {
                let tiles = first..tiles.min(first + per_block);
                let vectors = groups(tiles.len());
                let mut outputs = [None; TILE_VECTORS * LANES];
                let mut inputs = [0; TILE_VECTORS * LANES];
                for ((tile, output), input) in tiles.clone().zip(&mut outputs).zip(&mut inputs) {
                    *output = Some(self.output_tile(tile));
                    (*input, _) = self.input_tile(tile);
                }
                dispatch_for(
                    TRANSPOSED,
                    Transpose {
                        d_output,
                        tiles: &outputs[..vectors * LANES],
                        channels: self.cout,
                        to: Lanes::flat_mut(transposed),
                        step: step * LANES,
                        side: self.tiling.output(),
                    },
                );
                dispatch(Tiles {
                    winograd: self,
                    packed: Lanes::flat(packed),
                    vectors,
                    transposed: Lanes::flat(transposed),
                    y,
                    products: Lanes::flat_mut(products),
                    x: Lanes::flat_mut(x),
                });
                dispatch_for(
                    TRANSPOSED,
                    Sum {
                        winograd: self,
                        x: Lanes::flat(x),
                        lanes: vectors * LANES,
                        tiles: &inputs[..tiles.len()],
                        d_padded,
                    },
                );
            }
        });
    }
}

/// Tiles of the output's gradient, with a tile a lane.
struct Transpose<'a> {
    d_output: &'a [f32],
    /// Where each begins; none for lanes that are left over.
    tiles: &'a [Option<(usize, Tile)>],
    channels: usize,
    /// (pixels, Cout, lanes), zeros beyond the output, and how far from one pixel to the next.
    to: &'a mut [f32],
    step: usize,
    /// Rows and columns of a tile.
    side: usize,
}

impl Op for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let lanes = self.tiles.len();
        for (pixel, to) in self.to.chunks_exact_mut(self.step).enumerate() {
            let (row, column) = (pixel / self.side, pixel % self.side);
            for (block, tiles) in self.tiles.chunks_exact(TRANSPOSED).enumerate() {
                for first in (0..self.channels).step_by(S::WIDTH) {
                    let end = self.channels.min(first + S::WIDTH);
                    let mut vectors = [s.splat(0.0); TRANSPOSED];
                    for (vector, tile) in vectors.iter_mut().zip(tiles) {
                        if let &Some((at, Tile { step, size, .. })) = tile
                            && row < size.0
                            && column < size.1
                        {
                            let at = at + row * step.0 + column * step.1;
                            *vector = s.load_first(&self.d_output[at + first..at + end]);
                        }
                    }
                    let to = &mut to[first * lanes + block * TRANSPOSED..];
                    store_transposed(s, vectors, to, lanes);
                }
            }
        }
    }
}

/// Tiles of the input's gradient, with a tile a lane, added to where they belong: a pixel's sum is in the order of the
/// blocks of tiles, and within a block in that of the values of a tile. So the size of a block fixes bits.
struct Sum<'a> {
    winograd: &'a Winograd,
    /// (values, Cin, lanes)
    x: &'a [f32],
    lanes: usize,
    /// Where each begins.
    tiles: &'a [usize],
    d_padded: &'a mut [f32],
}

impl Op for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Winograd {
            tiling, cin, array, ..
        } = *self.winograd;
        let row_len = array.1 * cin;
        let mut transposed = [0.0; TRANSPOSED * LANES];
        let values = self.x.chunks_exact(self.winograd.d_input_step(cin) * LANES);
        for (number, x) in values.enumerate() {
            let offset = number / tiling.tile() * row_len + number % tiling.tile() * cin;
            for first in (0..cin).step_by(TRANSPOSED) {
                let channels = TRANSPOSED.min(cin - first);
                for (block, tiles) in self.tiles.chunks(S::WIDTH).enumerate() {
                    let mut vectors = [s.splat(0.0); TRANSPOSED];
                    for (i, vector) in vectors.iter_mut().enumerate().take(channels) {
                        let at = (first + i) * self.lanes + block * S::WIDTH;
                        *vector = s.load_first(&x[at..][..S::WIDTH]);
                    }
                    store_transposed(s, vectors, &mut transposed, TRANSPOSED);
                    for (tile, own) in tiles.iter().zip(transposed.chunks_exact(TRANSPOSED)) {
                        let to = &mut self.d_padded[tile + offset + first..][..channels];
                        let sum = s.add(s.load_first(to), s.load_first(&own[..channels]));
                        s.store_first(sum, to);
                    }
                }
            }
        }
    }
}

/// Tiles of the output's gradient to tiles of the input's gradient.
struct Tiles<'a> {
    winograd: &'a Winograd,
    packed: &'a [f32],
    /// Vectors of tiles.
    vectors: usize,
    transposed: &'a [f32],
    y: &'a mut [Lanes],
    products: &'a mut [f32],
    x: &'a mut [f32],
}

impl Op for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Winograd {
            tiling, cin, cout, ..
        } = *self.winograd;
        let lanes = self.vectors * LANES;
        let (step_y, step_x) = (
            self.winograd.d_input_step(cout),
            self.winograd.d_input_step(cin),
        );
        let transposed = Tile::spread(tiling.output(), step_y * LANES);
        let transposed = (self.transposed, transposed);
        let y = Tile::spread(tiling.tile(), step_y * LANES);
        transforms::d_output(
            s,
            tiling,
            transposed,
            (Lanes::flat_mut(self.y), y),
            cout * lanes,
        );
        // The kernels of one input channel, (values, Cout).
        let row = groups(cout) * LANES;
        let products = self.products.chunks_exact_mut(step_x * LANES);
        let y = self.y.chunks_exact(step_y);
        for (number, (y, products)) in y.zip(products).enumerate() {
            let kernels = Matrix {
                values: &self.packed[number * row..],
                rows: (cin, tiling.values() * row),
                columns: (cout, 1),
            };
            let start = &[Lanes::ZERO; TILE_VECTORS][..self.vectors];
            gemm(s, kernels, y, start, products);
        }
        let tile = Tile::spread(tiling.tile(), step_x * LANES);
        transforms::d_input(
            s,
            tiling,
            (self.products, tile),
            (self.x, tile),
            cin * lanes,
        );
    }
}
