//! Outputs of few kernels over a single channel: a vector is pixels of a line, while it could not be filled by kernels.

use super::Plan;
use crate::simd::{LANES, Lanes, Offsets, Op, Simd, TOGETHER, TURNED, line_sums, store_turned};

/// Vectors of pixels that are computed together, at most.
const VECTORS: usize = 3;

/// Whether outputs of such shapes are computed so: their columns, if pixels that are neighbours look at neighbours, fill
/// any vector and have no more than eight kernels.
pub(super) fn suits(
    (cin, cout): (usize, usize),
    columns: usize,
    (_, right): (usize, usize),
) -> Option<usize> {
    let suits = cin == 1 && (TOGETHER..=TURNED).contains(&cout) && right == 1 && columns >= LANES;
    suits.then_some(columns)
}

pub(super) struct Lines<'a> {
    pub(super) plan: &'a Plan,
    /// Columns of the output.
    pub(super) columns: usize,
    pub(super) placed: &'a [f32],
    pub(super) first_pixel: usize,
    pub(super) packed: &'a [Lanes],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) output: &'a mut [f32],
}

impl Op for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self {
            plan,
            columns,
            placed,
            bias,
            ..
        } = self;
        let cout = plan.cout();
        let taps = Offsets::new(&plan.taps);
        let mut start = [0.0; TURNED];
        if let Some(bias) = bias {
            start[..cout].copy_from_slice(bias);
        }
        let (mut pixel, mut output) = (self.first_pixel, self.output);
        while !output.is_empty() {
            let (image, at) = (pixel / plan.count, pixel % plan.count);
            let first = at % columns;
            let count = (columns - first).min(output.len() / cout);
            let (line, rest) = output.split_at_mut(count * cout);
            let from = image * plan.placed_len() + plan.pixels[at - first] as usize;
            let line = Line {
                taps,
                cout,
                columns,
                from: &placed[from..],
                kernels: Lanes::flat(self.packed),
                start,
                first,
                output: line,
            };
            line.run(s);
            (pixel, output) = (pixel + count, rest);
        }
    }
}

/// Pixels of a line of an image.
struct Line<'a> {
    taps: Offsets<'a>,
    cout: usize,
    columns: usize,
    /// From where the window of the line's first pixel begins.
    from: &'a [f32],
    kernels: &'a [f32],
    start: [f32; TURNED],
    /// The first one that is computed.
    first: usize,
    output: &'a mut [f32],
}

impl Line<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let count = self.output.len() / self.cout;
        let vectors = count.div_ceil(S::WIDTH);
        let mut vector = 0;
        while vector < vectors {
            vector += match vectors - vector {
                // Four are twice two.
                VECTORS => self.vectors::<S, VECTORS>(s, vector),
                5.. => self.vectors::<S, VECTORS>(s, vector),
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
            // At the end of the line some pixels once more.
            *first = (self.first + (vector + t) * S::WIDTH).min(self.columns - S::WIDTH);
        }
        // Both halves of the kernels, the first one kept in memory meanwhile.
        let mut sums = [[s.splat(0.0); T]; TURNED];
        for half in 0..cout.div_ceil(TOGETHER) {
            let mut start = [0.0; TOGETHER];
            start.copy_from_slice(&self.start[half * TOGETHER..][..TOGETHER]);
            let kernels = &self.kernels[half * TOGETHER..];
            let some = line_sums(s, self.from, firsts, self.taps, kernels, start);
            for (sums, some) in sums[half * TOGETHER..].iter_mut().zip(some) {
                *sums = some;
            }
        }
        let end = self.first + self.output.len() / cout;
        for (t, first) in firsts.into_iter().enumerate() {
            let mut turned = [s.splat(0.0); TURNED];
            for (turned, sums) in turned.iter_mut().zip(&sums) {
                *turned = sums[t];
            }
            if cout == TURNED && first >= self.first && first + S::WIDTH <= end {
                let to = &mut self.output[(first - self.first) * TURNED..];
                store_turned(s, turned, to, TURNED);
                continue;
            }
            let mut pixels = [0.0; TURNED * LANES];
            store_turned(s, turned, &mut pixels, TURNED);
            let pixels = (first..).zip(pixels.chunks_exact(TURNED)).take(S::WIDTH);
            for (pixel, sums) in pixels.filter(|(pixel, _)| (self.first..end).contains(pixel)) {
                let to = &mut self.output[(pixel - self.first) * cout..][..cout];
                to.copy_from_slice(&sums[..cout]);
            }
        }
        T
    }
}
