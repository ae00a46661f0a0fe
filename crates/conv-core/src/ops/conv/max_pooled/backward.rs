//! The backward pass of a convolution whose outputs are max pooled: it leaves out the outputs whose gradient is 0, which
//! most are.
//!
//! An output of channel o at a pixel p, with the gradient d, adds d · input[p + tap] to the gradient of each of the
//! channel's weights, and d · weight[tap] to that of each input. Taps that lie beside each other make vectors.

use crate::simd::{
    LANES, Lanes, Offsets, Op, Simd, add_to_rows, axpy, dispatch_for, weighted_rows,
};
use crate::tuning::PIXELS_PER_SUM;

/// Lanes that the vectors of an instruction set may have.
const WIDTHS: [usize; 2] = [LANES / 2, LANES];

/// The taps of a kernel in runs that lie beside each other.
#[derive(Clone, Debug)]
pub(super) struct TapRuns {
    /// Of each run: how far its first tap lies from the window's beginning, the index of that tap, and the number of taps.
    runs: Vec<[usize; 3]>,
    /// The beginnings of the runs' vectors, of each [width](WIDTHS).
    vectors: [Vec<u32>; WIDTHS.len()],
}

/// The outputs of some images that have a gradient, channel by channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct SparseGradient {
    /// Where the window of each begins, counted over the padded images.
    at: Vec<u32>,
    d: Vec<f32>,
    /// How many each channel has, of how many it may have.
    counts: Vec<usize>,
    room: usize,
}

impl SparseGradient {
    /// With room for so many outputs of each channel.
    pub(crate) fn new(channels: usize, room: usize) -> Self {
        Self {
            at: vec![0; channels * room],
            d: vec![0.0; channels * room],
            counts: vec![0; channels],
            room,
        }
    }

    fn channel(&self, channel: usize) -> (&[u32], &[f32]) {
        let range = channel * self.room..channel * self.room + self.counts[channel];
        (&self.at[range.clone()], &self.d[range])
    }

    /// Bytes of its buffers.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.at[..]) + size_of_val(&self.d[..]) + size_of_val(&self.counts[..])
    }

    /// Becomes the gradient of some images with so many pooled positions.
    ///
    /// The windows of an image and values of a padded one; argmax (images, positions, Cout): the pixel of each maximum;
    /// `d_pooled` (images, positions, Cout)
    pub(super) fn gather(
        &mut self,
        (windows, padded_len): (&[u32], usize),
        positions: usize,
        argmax: &[u32],
        d_pooled: &[f32],
    ) {
        let channels = self.counts.len();
        let image = positions * channels;
        self.counts.fill(0);
        let images = argmax.chunks_exact(image).zip(d_pooled.chunks_exact(image));
        for (number, (argmax, d_pooled)) in images.enumerate() {
            let first = (number * padded_len) as u32;
            let pixels = argmax.chunks_exact(channels);
            for (pixels, d_pooled) in pixels.zip(d_pooled.chunks_exact(channels)) {
                let outputs = pixels.iter().zip(d_pooled).zip(&mut self.counts);
                for (channel, ((&pixel, &d), count)) in outputs.enumerate() {
                    // Written in any case, kept unless it is 0: without a branch, which no processor could predict.
                    let to = channel * self.room + *count;
                    self.at[to] = first + windows[pixel as usize];
                    self.d[to] = d;
                    *count += usize::from(d != 0.0);
                }
            }
        }
    }
}

/// Packs kernels (taps, Cout) for [`TapRuns::d_input`]: (Cout, taps)
pub(super) fn pack(channels: usize, kernels: &[f32], packed: &mut [f32]) {
    let taps = kernels.len() / channels;
    for (channel, packed) in packed.chunks_exact_mut(taps).enumerate() {
        for (weight, kernels) in packed.iter_mut().zip(kernels.chunks_exact(channels)) {
            *weight = kernels[channel];
        }
    }
}

impl TapRuns {
    pub(super) fn new(taps: &[u32]) -> Self {
        let mut runs: Vec<[usize; 3]> = Vec::new();
        for (tap, &at) in taps.iter().enumerate() {
            match runs.last_mut() {
                Some([first, _, len]) if *first + *len == at as usize => *len += 1,
                _ => runs.push([at as usize, tap, 1]),
            }
        }
        let vectors = WIDTHS.map(|width| {
            let starts = |&[at, _, len]: &[usize; 3]| (at..at + len).step_by(width);
            runs.iter().flat_map(starts).map(|at| at as u32).collect()
        });
        Self { runs, vectors }
    }

    fn vectors<S: Simd>(&self) -> &[u32] {
        &self.vectors[usize::from(S::WIDTH > WIDTHS[0])]
    }

    /// Images whose gradients are summed before the sum is added to the others: so few that the sums' rounding errors stay
    /// small.
    pub(super) fn images_per_sum(positions: usize, padded_len: usize, images: usize) -> usize {
        let addressable = u32::MAX as usize / padded_len;
        (PIXELS_PER_SUM / positions)
            .min(addressable)
            .clamp(1, images)
    }

    /// Adds to the gradient of the kernels.
    ///
    /// padded images → `d_kernels` (taps, Cout)
    pub(super) fn add_d_kernels(
        &self,
        padded: &[f32],
        gradient: &SparseGradient,
        d_kernels: &mut [f32],
    ) {
        let longest = self.runs.iter().map(|&[_, _, len]| len).max();
        dispatch_for(
            longest.unwrap_or(0),
            DKernels {
                taps: self,
                padded,
                gradient,
                d_kernels,
            },
        );
    }

    /// The gradient of padded images of so many channels.
    ///
    /// packed (Cout, taps) → `d_padded`
    pub(super) fn d_input(
        &self,
        channels: usize,
        gradient: &SparseGradient,
        packed: &[f32],
        d_padded: &mut [f32],
    ) {
        d_padded.fill(0.0);
        // Vectors that overlap those written shortly before in part wait for them: with pixels of eight channels, those of
        // sixteen would.
        let lanes = WIDTHS[usize::from(channels.is_multiple_of(LANES))];
        dispatch_for(
            lanes,
            DInput {
                taps: self,
                gradient,
                packed,
                d_padded,
            },
        );
    }
}

struct DKernels<'a> {
    taps: &'a TapRuns,
    padded: &'a [f32],
    gradient: &'a SparseGradient,
    d_kernels: &'a mut [f32],
}

impl Op for DKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        // Vectors of taps: where the first tap lies, its index, how many lanes are taps.
        let vectors = self.taps.runs.iter().flat_map(|&[at, tap, len]| {
            let starts = (0..len).step_by(S::WIDTH);
            starts.map(move |i| [at + i, tap + i, (len - i).min(S::WIDTH)])
        });
        // Of more a pass would leave some out.
        const {
            assert!(
                S::WEIGHTED_ROWS <= 15,
                "passes are compiled for 15 vectors at most"
            );
        }
        let count = vectors.clone().count();
        let passes = count.div_ceil(S::WEIGHTED_ROWS);
        let mut vectors = vectors;
        for pass in 0..passes {
            // Compiled for a few numbers of vectors; others take the next larger one.
            match count / passes + usize::from(pass < count % passes) {
                _ if S::WEIGHTED_ROWS == 1 => self.pass::<S, 1>(s, &mut vectors, 1),
                1 => self.pass::<S, 1>(s, &mut vectors, 1),
                n @ 2..=3 => self.pass::<S, 3>(s, &mut vectors, n),
                n @ 4..=5 => self.pass::<S, 5>(s, &mut vectors, n),
                n @ 6..=9 => self.pass::<S, 9>(s, &mut vectors, n),
                n @ 10..=13 => self.pass::<S, 13>(s, &mut vectors, n),
                n => self.pass::<S, 15>(s, &mut vectors, n),
            }
        }
    }
}

impl DKernels<'_> {
    /// The first n of V vectors of taps, for all channels.
    #[inline(always)]
    fn pass<S: Simd, const V: usize>(
        &mut self,
        s: S,
        vectors: &mut impl Iterator<Item = [usize; 3]>,
        n: usize,
    ) {
        let mut taken = [[0; 3]; V];
        for (taken, vector) in taken.iter_mut().zip(vectors.by_ref().take(n)) {
            *taken = vector;
        }
        let offsets = taken.map(|[at, ..]| at);
        let channels = self.gradient.counts.len();
        for channel in 0..channels {
            let (at, d) = self.gradient.channel(channel);
            for (at, d) in at.chunks(PIXELS_PER_SUM).zip(d.chunks(PIXELS_PER_SUM)) {
                let mut sums = [s.splat(0.0); V];
                weighted_rows(s, d, (self.padded, at), &offsets, &mut sums);
                for (sum, [_, tap, len]) in sums.iter().zip(taken) {
                    let mut lanes = Lanes::ZERO;
                    s.store_first(*sum, &mut lanes.0[..S::WIDTH]);
                    let rows = self.d_kernels[tap * channels..].chunks_exact_mut(channels);
                    for (sum, d_kernels) in lanes.0[..len].iter().zip(rows) {
                        d_kernels[channel] += sum;
                    }
                }
            }
        }
    }
}

struct DInput<'a> {
    taps: &'a TapRuns,
    gradient: &'a SparseGradient,
    packed: &'a [f32],
    d_padded: &'a mut [f32],
}

impl Op for DInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let channels = self.gradient.counts.len();
        let kernels = self.packed.chunks_exact(self.packed.len() / channels);
        // One call for all runs is quicker, but takes whole vectors.
        let runs = &self.taps.runs;
        let whole = runs.iter().all(|[_, _, len]| len.is_multiple_of(S::WIDTH));
        let offsets = Offsets::new(self.taps.vectors::<S>());
        for (channel, kernel) in kernels.enumerate() {
            let (at, d) = self.gradient.channel(channel);
            if whole {
                add_to_rows(s, d, kernel, (&mut *self.d_padded, at, offsets));
                continue;
            }
            for (&at, &d) in at.iter().zip(d) {
                let d_window = &mut self.d_padded[at as usize..];
                for &[from, tap, len] in &self.taps.runs {
                    axpy(s, d, &kernel[tap..][..len], &mut d_window[from..][..len]);
                }
            }
        }
    }
}
