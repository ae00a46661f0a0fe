//! The backward pass of a convolution whose outputs are pooled by their largest: few outputs have a gradient,
//! and those that have none are left out.
//!
//! An output of channel o at a pixel p, with the gradient d, adds d · input[p + tap] to the gradient of each of the
//! channel's weights, and d · weight[tap] to that of each input. Taps that lie beside each other make vectors.

use super::{BLOCK, Plan};
use crate::simd::{Lanes, Offsets, Op, Simd, add_scaled, add_to_rows, dispatch_for, weighted_rows};

/// What such a convolution needs beside its plan.
#[derive(Clone, Debug)]
pub(crate) struct Maxima {
    /// Runs of taps: where the first one lies from the window's beginning, its number, and how many there are.
    runs: Vec<[usize; 3]>,
    /// The beginnings of the runs' vectors of eight, and of sixteen.
    vectors: [Vec<u32>; 2],
    /// Pooled positions of an image.
    positions: usize,
}

/// The outputs of some images that have a gradient, channel by channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// Where the window of each begins, counted over the placed images.
    at: Vec<u32>,
    d: Vec<f32>,
    /// How many each channel has, of how many it may have.
    counts: Vec<usize>,
    room: usize,
}

impl Entries {
    fn channel(&self, channel: usize) -> (&[u32], &[f32]) {
        let range = channel * self.room..channel * self.room + self.counts[channel];
        (&self.at[range.clone()], &self.d[range])
    }

    /// Bytes of its buffers.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.at[..]) + size_of_val(&self.d[..]) + size_of_val(&self.counts[..])
    }
}

impl Maxima {
    /// For images of so many pooled positions, unless so many outputs have a gradient that to leave out the others
    /// would not pay.
    pub(crate) fn new(plan: &Plan, positions: usize) -> Option<Self> {
        if plan.groups != 1 || positions * 2 > plan.pixels() {
            return None;
        }
        let mut runs: Vec<[usize; 3]> = Vec::new();
        for (tap, &at) in plan.taps.iter().enumerate() {
            match runs.last_mut() {
                Some([first, _, len]) if *first + *len == at as usize => *len += 1,
                _ => runs.push([at as usize, tap, 1]),
            }
        }
        let vectors = [8, 16].map(|width| {
            let starts = |&[at, _, len]: &[usize; 3]| (at..at + len).step_by(width);
            runs.iter().flat_map(starts).map(|at| at as u32).collect()
        });
        Some(Self {
            runs,
            vectors,
            positions,
        })
    }

    fn vectors<S: Simd>(&self) -> &[u32] {
        &self.vectors[usize::from(S::WIDTH > 8)]
    }

    /// How many of `images` are taken together: few enough that their sums' rounding errors stay small.
    pub(crate) fn together(&self, plan: &Plan, images: usize) -> usize {
        let most = u32::MAX as usize / plan.placed_len();
        (BLOCK / self.positions).min(most).clamp(1, images)
    }

    /// Entries with room for so many images.
    pub(crate) fn entries(&self, plan: &Plan, images: usize) -> Entries {
        let (channels, room) = (plan.cout(), images * self.positions);
        Entries {
            at: vec![0; channels * room],
            d: vec![0.0; channels * room],
            counts: vec![0; channels],
            room,
        }
    }

    /// Finds the entries of some images.
    ///
    /// places (images, positions, Cout): the pixel of each largest output; `d_pooled` (images, positions, Cout)
    pub(crate) fn find(
        &self,
        plan: &Plan,
        places: &[u32],
        d_pooled: &[f32],
        entries: &mut Entries,
    ) {
        let channels = plan.cout();
        let image = self.positions * channels;
        entries.counts.fill(0);
        let images = places.chunks_exact(image).zip(d_pooled.chunks_exact(image));
        for (number, (places, d_pooled)) in images.enumerate() {
            let first = (number * plan.placed_len()) as u32;
            let rooms = entries.at.chunks_exact_mut(entries.room);
            let rooms = rooms.zip(entries.d.chunks_exact_mut(entries.room));
            for (channel, ((at, d), count)) in rooms.zip(&mut entries.counts).enumerate() {
                let places = places[channel..].iter().step_by(channels);
                let own = d_pooled[channel..].iter().step_by(channels);
                for (&place, &own) in places.zip(own) {
                    // Written in any case, kept if it is one: without a branch that nobody can foresee.
                    at[*count] = first + plan.pixels[place as usize];
                    d[*count] = own;
                    *count += usize::from(own != 0.0);
                }
            }
        }
    }

    /// Adds to the kernels' gradient what the entries contribute.
    ///
    /// placed (images, placed image) → `d_kernels` (taps, Cout)
    pub(crate) fn add_d_kernels(&self, placed: &[f32], entries: &Entries, d_kernels: &mut [f32]) {
        let longest = self.runs.iter().map(|&[_, _, len]| len).max();
        dispatch_for(
            longest.unwrap_or(0),
            DKernels {
                maxima: self,
                placed,
                entries,
                d_kernels,
            },
        );
    }

    /// Packs kernels (taps, Cout) for [`d_input`](Self::d_input): (Cout, taps)
    pub(crate) fn pack(plan: &Plan, kernels: &[f32], packed: &mut [f32]) {
        let channels = plan.cout();
        for (channel, packed) in packed.chunks_exact_mut(plan.taps()).enumerate() {
            for (weight, kernels) in packed.iter_mut().zip(kernels.chunks_exact(channels)) {
                *weight = kernels[channel];
            }
        }
    }

    /// The gradient of the placed images.
    ///
    /// packed (Cout, taps) → `d_placed` (images, placed image)
    pub(crate) fn d_input(
        &self,
        plan: &Plan,
        entries: &Entries,
        packed: &[f32],
        d_placed: &mut [f32],
    ) {
        d_placed.fill(0.0);
        // Vectors that overlap those written shortly before in part wait for them: with pixels of eight channels, those of
        // sixteen would.
        let lanes = if plan.per_group.0.is_multiple_of(16) {
            16
        } else {
            8
        };
        dispatch_for(
            lanes,
            DInput {
                maxima: self,
                entries,
                packed,
                d_placed,
            },
        );
    }
}

struct DKernels<'a> {
    maxima: &'a Maxima,
    placed: &'a [f32],
    entries: &'a Entries,
    d_kernels: &'a mut [f32],
}

impl Op for DKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        // Vectors of taps: where the first one lies, its number, how many of the lanes count.
        let vectors = self.maxima.runs.iter().flat_map(|&[at, tap, len]| {
            let starts = (0..len).step_by(S::WIDTH);
            starts.map(move |i| [at + i, tap + i, (len - i).min(S::WIDTH)])
        });
        let count = vectors.clone().count();
        let most = if S::REGISTERS == 32 { 15 } else { 13 };
        let passes = count.div_ceil(most);
        let mut vectors = vectors;
        for pass in 0..passes {
            match count / passes + usize::from(pass < count % passes) {
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
    /// V vectors of taps, of which the first n count, for all channels.
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
        let channels = self.entries.counts.len();
        for channel in 0..channels {
            let (at, d) = self.entries.channel(channel);
            for (at, d) in at.chunks(BLOCK).zip(d.chunks(BLOCK)) {
                let mut sums = [s.splat(0.0); V];
                weighted_rows(s, d, (self.placed, at), &offsets, &mut sums);
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
    maxima: &'a Maxima,
    entries: &'a Entries,
    packed: &'a [f32],
    d_placed: &'a mut [f32],
}

impl Op for DInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let channels = self.entries.counts.len();
        let kernels = self.packed.chunks_exact(self.packed.len() / channels);
        // Runs of whole vectors are quicker together.
        let runs = &self.maxima.runs;
        let whole = runs.iter().all(|[_, _, len]| len.is_multiple_of(S::WIDTH));
        let offsets = Offsets::new(self.maxima.vectors::<S>());
        for (channel, kernel) in kernels.enumerate() {
            let (at, d) = self.entries.channel(channel);
            if whole {
                add_to_rows(s, d, kernel, (&mut *self.d_placed, at, offsets));
                continue;
            }
            for (&at, &d) in at.iter().zip(d) {
                let d_window = &mut self.d_placed[at as usize..];
                for &[from, tap, len] in &self.maxima.runs {
                    add_scaled(s, d, &kernel[tap..][..len], &mut d_window[from..][..len]);
                }
            }
        }
    }
}
