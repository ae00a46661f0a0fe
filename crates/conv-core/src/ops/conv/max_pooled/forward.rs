//! The max pooled outputs of few kernels over a single channel, without writing what is not the maximum.
//!
//! Where the windows of the pooling are tiles of P × P, output (P·Y + dy, P·X + dx) is one of the P² phases of the pooled
//! position (Y, X). The windows of neighbouring positions begin P pixels apart in the image. Once pixels that are P apart
//! lie beside each other, a vector is eight positions of a row (with sixteen lanes: of two rows), and the maximum of a tile
//! is the maximum of its phases, lane by lane. The sums are those of
//! [`single_channel`](super::super::single_channel), to the last bit.

use super::super::geometry::Problem;
use super::extent::{COUNTED, extent};
use crate::parallel::scratch;
use crate::simd::{
    LANES, Lanes, Offsets, Op, Simd, copy_strided, dispatch, groups, line_sums, outlined,
    store_transposed,
};
use crate::tuning::{KERNEL_BLOCK, POSITIONS_PER_LINE as LINE, TRANSPOSED};

/// The tables of a max-pooled convolution that is computed phase by phase.
#[derive(Clone, Debug)]
pub(super) struct Phases {
    /// Rows and columns of a pooled window.
    side: usize,
    /// Rows and columns of positions.
    size: (usize, usize),
    /// Columns of the convolution's output, and of the padded image.
    columns: usize,
    width: usize,
    kernels: usize,
    /// Lines of each phase, and in how many columns they begin.
    lines: usize,
    starts: usize,
    /// For each row of the pooled window, where each tap lies from its first phase on.
    taps: Vec<Vec<u32>>,
}

impl Phases {
    /// For tiles of `side` × `side` pixels.
    pub(super) fn new(problem: &Problem, side: usize) -> Self {
        let width = problem.padded.cols;
        let (starts, lines) = extent(problem, side);
        let from = |row: usize| {
            let taps = problem.tap_offsets().map(move |at| {
                let (y, x) = (row + at as usize / width, at as usize % width);
                (((x * side + y % side) * lines + y / side) * LINE) as u32
            });
            taps.collect()
        };
        Self {
            side,
            size: (problem.output.rows / side, problem.output.cols / side),
            columns: problem.output.cols,
            width,
            kernels: problem.output.channels,
            lines,
            starts,
            taps: (0..side).map(from).collect(),
        }
    }

    /// Lanes that a thread [reserves](scratch::reserve) for it.
    pub(super) fn scratch_len(&self) -> usize {
        groups(self.starts * self.side * self.lines * LINE)
    }

    /// The pooled outputs of an image, and the output pixel of each maximum if there is room for them. False if a value may
    /// be NaN; what is written then means nothing.
    ///
    /// padded image, packed kernels, bias (Cout) → output, argmax (rows, columns, Cout)
    pub(super) fn run(
        &self,
        padded: &[f32],
        (packed, bias): (&[Lanes], Option<&[f32]>),
        output: &mut [f32],
        argmax: Option<&mut [u32]>,
    ) -> bool {
        let mut start = [0.0; TRANSPOSED];
        if let Some(bias) = bias {
            start[..bias.len()].copy_from_slice(bias);
        }
        scratch::with_tiles(self.scratch_len(), |pixels| {
            dispatch(Image {
                phases: self,
                padded,
                pixels: Lanes::flat_mut(pixels),
                kernels: Lanes::flat(packed),
                cout: self.kernels,
                start,
                output,
                argmax,
            })
        })
    }
}

struct Image<'a> {
    phases: &'a Phases,
    padded: &'a [f32],
    /// (columns in which lines begin, rows of the window, lines, positions): each line of eight positions.
    pixels: &'a mut [f32],
    kernels: &'a [f32],
    cout: usize,
    start: [f32; TRANSPOSED],
    output: &'a mut [f32],
    argmax: Option<&'a mut [u32]>,
}

impl Op for Image<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) -> bool {
        match self.phases.side {
            2 => self.positions::<S, 2>(s),
            _ => self.positions::<S, 3>(s),
        }
    }
}

impl Image<'_> {
    /// All positions. False if an output is NaN, or if there are infinities of both signs.
    #[inline(always)]
    fn positions<S: Simd, const P: usize>(&mut self, s: S) -> bool {
        let (rows, columns) = self.phases.size;
        let mut taps = [Offsets::new(&[]); P];
        for (taps, at) in taps.iter_mut().zip(&self.phases.taps) {
            *taps = Offsets::new(at);
        }
        let mut sums = [s.splat(0.0); P];
        for first in (0..columns).step_by(LINE) {
            // At the end of the line some positions once more.
            let column = first.min(columns - LINE);
            self.split_phases::<S, P>(s, column);
            for first in (0..rows).step_by(S::WIDTH / LINE) {
                let row = first.min(rows - S::WIDTH / LINE);
                self.vector(s, (row, column), &taps, &mut sums);
            }
        }
        let mut all = sums[0];
        for &sum in &sums[1..] {
            all = s.add(all, sum);
        }
        let mut lanes = [0.0; LANES];
        s.store_first(all, &mut lanes[..S::WIDTH]);
        !lanes.iter().any(|sum| sum.is_nan())
    }

    /// The phases of the positions from a column on.
    #[inline(always)]
    fn split_phases<S: Simd, const P: usize>(&mut self, s: S, column: usize) {
        let Phases {
            width,
            lines,
            starts,
            ..
        } = *self.phases;
        for y in 0..(lines * P).min(self.padded.len() / width) {
            for start in 0..starts {
                let at = ((start * P + y % P) * lines + y / P) * LINE;
                let to = &mut self.pixels[at..][..LINE];
                let from = &self.padded[y * width + column * P + start..];
                if from.len() >= P * LINE {
                    copy_strided::<S, P>(s, from, to);
                    continue;
                }
                for (to, from) in to.iter_mut().zip(from.iter().step_by(P)) {
                    *to = *from;
                }
            }
        }
    }

    /// A vector of positions.
    #[inline(always)]
    fn vector<S: Simd, const P: usize>(
        &mut self,
        s: S,
        (row, column): (usize, usize),
        taps: &[Offsets<'_>; P],
        sums: &mut [S::F32; P],
    ) {
        let Phases { columns, lines, .. } = *self.phases;
        let mut values = [s.splat(f32::NEG_INFINITY); TRANSPOSED];
        let mut argmax = [s.splat(0.0); TRANSPOSED];
        let mut firsts = [0; P];
        for (dx, first) in firsts.iter_mut().enumerate() {
            *first = (dx * P * lines + row) * LINE;
        }
        let halves = self.cout.div_ceil(KERNEL_BLOCK);
        for (dy, &taps) in taps.iter().enumerate() {
            for half in 0..halves {
                let mut start = [0.0; KERNEL_BLOCK];
                start.copy_from_slice(&self.start[half * KERNEL_BLOCK..][..KERNEL_BLOCK]);
                let kernels = &self.kernels[half * KERNEL_BLOCK..];
                let outputs = outlined!(S: line_sums(s, self.pixels, firsts, taps, kernels, start));
                let values = values[half * KERNEL_BLOCK..].iter_mut();
                let best = values.zip(&mut argmax[half * KERNEL_BLOCK..]);
                for ((value, at), outputs) in best.zip(outputs) {
                    for (dx, (x, sum)) in outputs.into_iter().zip(&mut *sums).enumerate() {
                        let own = s.splat((dy * columns + dx) as f32);
                        *at = s.if_greater(x, *value, own, *at);
                        *value = s.max(x, *value);
                        *sum = s.add(*sum, x);
                    }
                }
            }
        }
        let mut transposed = [0.0; TRANSPOSED * LANES];
        let (line, cout) = (self.phases.size.1 * self.cout, self.cout);
        let first = row * line + column * cout;
        let ends = (line, S::WIDTH / LINE, cout);
        store_transposed(s, values, &mut transposed, TRANSPOSED);
        write(&transposed, &mut self.output[first..], ends, |x| x);
        let Some(to) = &mut self.argmax else {
            return;
        };
        let mut corners = [0.0; LANES];
        for (i, corner) in corners.iter_mut().enumerate() {
            let (y, x) = (row + i / LINE, column + i % LINE);
            *corner = COUNTED + ((y * columns + x) * P) as f32;
        }
        let corners = s.load_first(&corners[..S::WIDTH]);
        for at in &mut argmax {
            *at = s.add(*at, corners);
        }
        store_transposed(s, argmax, &mut transposed, TRANSPOSED);
        let count = |x: f32| x.to_bits() - COUNTED.to_bits();
        write(&transposed, &mut to[first..], ends, count);
    }
}

/// Writes the first channels of each position of some lines (positions, TRANSPOSED), into rows of `line` values.
#[inline(always)]
fn write<T>(
    transposed: &[f32],
    to: &mut [T],
    (line, lines, channels): (usize, usize, usize),
    value: impl Fn(f32) -> T,
) {
    let transposed = transposed.chunks_exact(LINE * TRANSPOSED);
    for (to, from) in to.chunks_mut(line).zip(transposed).take(lines) {
        if channels == TRANSPOSED {
            for (to, &from) in to[..LINE * TRANSPOSED].iter_mut().zip(from) {
                *to = value(from);
            }
            continue;
        }
        let positions = to.chunks_exact_mut(channels);
        for (to, from) in positions.zip(from.chunks_exact(TRANSPOSED)) {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = value(from);
            }
        }
    }
}
