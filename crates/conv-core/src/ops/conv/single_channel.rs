//! Outputs of few kernels over a single channel: a vector is pixels of a row, while it could not be filled by kernels.

use super::direct::Direct;
use super::geometry::Problem;
use crate::simd::{
    LANES, Lanes, Offsets, Op, Simd, dispatch_for, line_sums, outlined, store_transposed,
};
use crate::tuning::{KERNEL_BLOCK, PIXEL_VECTORS, TRANSPOSED};

/// The tables of a convolution over a single channel. Kernels are packed, and their gradient is computed, as in
/// [`direct`](super::direct).
#[derive(Clone, Debug)]
pub(super) struct SingleChannel {
    direct: Direct,
    /// Columns of the output.
    columns: usize,
    /// Output pixels of an image, and values of a padded one.
    pixels: usize,
    padded_len: usize,
    kernels: usize,
}

impl SingleChannel {
    pub(super) fn new(problem: &Problem) -> Self {
        Self {
            direct: Direct::new(problem, false),
            columns: problem.output.cols,
            pixels: problem.output.pixels(),
            padded_len: problem.padded.len(),
            kernels: problem.output.channels,
        }
    }

    /// Vectors of sixteen in the packed kernels.
    pub(super) fn packed_len(&self) -> usize {
        self.direct.own_packed_len()
    }

    /// As [`Direct::pack`].
    pub(super) fn pack(
        &self,
        packed: &mut [Lanes],
        kernels: &[f32],
        weights: impl Fn(usize, usize) -> (usize, usize) + Sync,
    ) {
        self.direct.pack(packed, kernels, weights);
    }

    /// As [`Direct::add_d_kernels`].
    pub(super) fn add_d_kernels(
        &self,
        padded: &[f32],
        d_output: &[f32],
        first_tap: usize,
        d_kernels: &mut [f32],
    ) {
        self.direct
            .add_d_kernels(padded, d_output, first_tap, d_kernels);
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
        // Vectors of eight pixels, of which a row is more often a multiple.
        dispatch_for(
            TRANSPOSED,
            Rows {
                convolution: self,
                padded,
                first_pixel,
                packed,
                bias,
                output,
            },
        );
    }
}

struct Rows<'a> {
    convolution: &'a SingleChannel,
    padded: &'a [f32],
    first_pixel: usize,
    packed: &'a [Lanes],
    bias: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl Op for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let SingleChannel {
            direct,
            columns,
            pixels,
            padded_len,
            kernels: cout,
        } = self.convolution;
        let (columns, pixels, cout) = (*columns, *pixels, *cout);
        let taps = Offsets::new(&direct.windows.taps);
        let mut start = [0.0; TRANSPOSED];
        if let Some(bias) = self.bias {
            start[..cout].copy_from_slice(bias);
        }
        let (mut pixel, mut output) = (self.first_pixel, self.output);
        while !output.is_empty() {
            let (image, at) = (pixel / pixels, pixel % pixels);
            let first = at % columns;
            let count = (columns - first).min(output.len() / cout);
            let (row, rest) = output.split_at_mut(count * cout);
            let from = image * padded_len + direct.windows.pixels[at - first] as usize;
            let row = Row {
                taps,
                cout,
                columns,
                from: &self.padded[from..],
                kernels: Lanes::flat(self.packed),
                start,
                first,
                output: row,
            };
            row.run(s);
            (pixel, output) = (pixel + count, rest);
        }
    }
}

/// Pixels of a row of an image.
struct Row<'a> {
    taps: Offsets<'a>,
    cout: usize,
    columns: usize,
    /// From where the window of the row's first pixel begins.
    from: &'a [f32],
    kernels: &'a [f32],
    start: [f32; TRANSPOSED],
    /// The first one that is computed.
    first: usize,
    output: &'a mut [f32],
}

impl Row<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let count = self.output.len() / self.cout;
        let vectors = count.div_ceil(S::WIDTH);
        let mut vector = 0;
        while vector < vectors {
            vector += match vectors - vector {
                _ if !S::UNROLLED => self.vectors::<S, 1>(s, vector),
                // Four are twice two.
                PIXEL_VECTORS => self.vectors::<S, PIXEL_VECTORS>(s, vector),
                5.. => self.vectors::<S, PIXEL_VECTORS>(s, vector),
                1 => self.vectors::<S, 1>(s, vector),
                _ => self.vectors::<S, 2>(s, vector),
            };
        }
    }

    /// T vectors of pixels: how many they are.
    #[inline(always)]
    fn vectors<S: Simd, const T: usize>(&mut self, s: S, vector: usize) -> usize {
        let cout = self.cout;
        let mut firsts = [0; T];
        for (t, first) in firsts.iter_mut().enumerate() {
            // At the end of the row some pixels once more.
            *first = (self.first + (vector + t) * S::WIDTH).min(self.columns - S::WIDTH);
        }
        // Both halves of the kernels, the first one kept in memory meanwhile.
        let mut sums = [[s.splat(0.0); T]; TRANSPOSED];
        for half in 0..cout.div_ceil(KERNEL_BLOCK) {
            let mut start = [0.0; KERNEL_BLOCK];
            start.copy_from_slice(&self.start[half * KERNEL_BLOCK..][..KERNEL_BLOCK]);
            let kernels = &self.kernels[half * KERNEL_BLOCK..];
            let some = outlined!(S: line_sums(s, self.from, firsts, self.taps, kernels, start));
            for (sums, some) in sums[half * KERNEL_BLOCK..].iter_mut().zip(some) {
                *sums = some;
            }
        }
        let end = self.first + self.output.len() / cout;
        for (t, first) in firsts.into_iter().enumerate() {
            let mut transposed = [s.splat(0.0); TRANSPOSED];
            for (transposed, sums) in transposed.iter_mut().zip(&sums) {
                *transposed = sums[t];
            }
            if cout == TRANSPOSED && first >= self.first && first + S::WIDTH <= end {
                let to = &mut self.output[(first - self.first) * TRANSPOSED..];
                store_transposed(s, transposed, to, TRANSPOSED);
                continue;
            }
            let mut pixels = [0.0; TRANSPOSED * LANES];
            store_transposed(s, transposed, &mut pixels, TRANSPOSED);
            let pixels = (first..)
                .zip(pixels.chunks_exact(TRANSPOSED))
                .take(S::WIDTH);
            for (pixel, sums) in pixels.filter(|(pixel, _)| (self.first..end).contains(pixel)) {
                let to = &mut self.output[(pixel - self.first) * cout..][..cout];
                to.copy_from_slice(&sums[..cout]);
            }
        }
        T
    }
}
