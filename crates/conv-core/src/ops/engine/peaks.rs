//! The largest outputs of few kernels over a single channel, without the outputs between.
//!
//! Where windows of P × P that lie beside each other are pooled, output (P·Y + dy, P·X + dx) is one of the P² phases of the
//! position (Y, X). Neighbouring positions look at pixels that are P apart in the image; once those lie beside each other,
//! a vector is eight positions of a line (of sixteen lanes: of two lines), and the largest of a window is the largest of
//! its phases, lane by lane. The sums are those of [`Lines`](super::lines::Lines), to the last bit.

use super::{Plan, scratch};
use crate::ops::pool;
use crate::simd::{
    LANES, Lanes, Offsets, Op, Simd, TOGETHER, TURNED, copy_every, dispatch, groups, line_sums,
    store_turned,
};

/// Positions of a line in a vector.
const LINE: usize = 8;
/// Numbers of an image's phases, at most: they stay in the first cache.
const NEAR: usize = 1 << 13;
/// Places are counted in f32 from here on: so many whole numbers are each the next one's bits but for one.
const COUNTED: f32 = 8_388_608.0;

/// What such a convolution needs beside its plan.
#[derive(Clone, Debug)]
pub(crate) struct Peaks {
    /// Rows and columns of a pooled window.
    side: usize,
    /// Rows and columns of positions.
    size: (usize, usize),
    /// Columns of the convolution's output, and of the placed image.
    columns: usize,
    width: usize,
    /// Lines of each phase, and in how many columns they begin.
    lines: usize,
    starts: usize,
    /// For each row of the pooled window, where each tap lies from its first phase on.
    taps: Vec<Vec<u32>>,
}

impl Peaks {
    /// For outputs that are [lines](Plan::line), pooled by squares that leave nothing out between them.
    pub(crate) fn new(plan: &Plan, pool: &pool::Plan) -> Option<Self> {
        let columns = plan.line?;
        let rows = plan.count / columns;
        let width = plan.placement.padded.1;
        let side = pool.squares((rows, columns))?;
        let size = (rows / side, columns / side);
        let dense = rows > 1 && plan.pixels[columns] as usize == width;
        let exact = plan.count < COUNTED as usize;
        if !dense || !exact || !(2..=3).contains(&side) || size.0 < LANES / LINE || size.1 < LINE {
            return None;
        }
        let tap = |&at: &u32| (at as usize / width, at as usize % width);
        let (down, right) = plan.taps.iter().map(tap).max()?;
        let lines = size.0 + down.div_ceil(side);
        let starts = side + right;
        if starts * side * lines * LINE > NEAR {
            return None;
        }
        let from = |row: usize| {
            let taps = plan.taps.iter().map(tap);
            taps.map(move |(y, x)| {
                let y = row + y;
                (((x * side + y % side) * lines + y / side) * LINE) as u32
            })
        };
        Some(Self {
            side,
            size,
            columns,
            width,
            lines,
            starts,
            taps: (0..side).map(|row| from(row).collect()).collect(),
        })
    }

    /// Lanes that a thread [reserves](super::reserve) for it.
    pub(crate) fn scratch_len(&self) -> usize {
        groups(self.starts * self.side * self.lines * LINE)
    }

    /// The pooled outputs of an image, and where in the convolution's output each is, if there are places. False, and
    /// nothing of worth is written, if a number may be NaN.
    ///
    /// placed image, packed kernels, bias (Cout) → output, places (rows, columns, Cout)
    pub(crate) fn run(
        &self,
        plan: &Plan,
        placed: &[f32],
        (packed, bias): (&[Lanes], Option<&[f32]>),
        output: &mut [f32],
        places: Option<&mut [u32]>,
    ) -> bool {
        let mut start = [0.0; TURNED];
        if let Some(bias) = bias {
            start[..bias.len()].copy_from_slice(bias);
        }
        scratch::with_tiles(self.scratch_len(), |phases| {
            dispatch(Image {
                peaks: self,
                placed,
                phases: Lanes::flat_mut(phases),
                kernels: Lanes::flat(packed),
                cout: plan.cout(),
                start,
                output,
                places,
            })
        })
    }
}

struct Image<'a> {
    peaks: &'a Peaks,
    placed: &'a [f32],
    /// (columns in which lines begin, rows of the window, lines, positions): each line of eight positions.
    phases: &'a mut [f32],
    kernels: &'a [f32],
    cout: usize,
    start: [f32; TURNED],
    output: &'a mut [f32],
    places: Option<&'a mut [u32]>,
}

impl Op for Image<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) -> bool {
        match self.peaks.side {
            2 => self.positions::<S, 2>(s),
            _ => self.positions::<S, 3>(s),
        }
    }
}

impl Image<'_> {
    /// All positions; whether no number is NaN, nor infinities are of both signs.
    #[inline(always)]
    fn positions<S: Simd, const P: usize>(&mut self, s: S) -> bool {
        let (rows, columns) = self.peaks.size;
        let mut taps = [Offsets::new(&[]); P];
        for (taps, at) in taps.iter_mut().zip(&self.peaks.taps) {
            *taps = Offsets::new(at);
        }
        let mut sums = [s.splat(0.0); P];
        for first in (0..columns).step_by(LINE) {
            // At the end of the line some positions once more.
            let column = first.min(columns - LINE);
            self.part_phases::<S, P>(s, column);
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
    fn part_phases<S: Simd, const P: usize>(&mut self, s: S, column: usize) {
        let Peaks {
            width,
            lines,
            starts,
            ..
        } = *self.peaks;
        for y in 0..(lines * P).min(self.placed.len() / width) {
            for start in 0..starts {
                let at = ((start * P + y % P) * lines + y / P) * LINE;
                let to = &mut self.phases[at..][..LINE];
                let from = &self.placed[y * width + column * P + start..];
                if from.len() >= P * LINE {
                    copy_every::<S, P>(s, from, to);
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
        let Peaks { columns, lines, .. } = *self.peaks;
        let mut values = [s.splat(f32::NEG_INFINITY); TURNED];
        let mut places = [s.splat(0.0); TURNED];
        let mut firsts = [0; P];
        for (dx, first) in firsts.iter_mut().enumerate() {
            *first = (dx * P * lines + row) * LINE;
        }
        let halves = self.cout.div_ceil(TOGETHER);
        for (dy, &taps) in taps.iter().enumerate() {
            for half in 0..halves {
                let mut start = [0.0; TOGETHER];
                start.copy_from_slice(&self.start[half * TOGETHER..][..TOGETHER]);
                let kernels = &self.kernels[half * TOGETHER..];
                let outputs = line_sums(s, self.phases, firsts, taps, kernels, start);
                let values = values[half * TOGETHER..].iter_mut();
                let best = values.zip(&mut places[half * TOGETHER..]);
                for ((value, place), outputs) in best.zip(outputs) {
                    for (dx, (x, sum)) in outputs.into_iter().zip(&mut *sums).enumerate() {
                        let own = s.splat((dy * columns + dx) as f32);
                        *place = s.if_greater(x, *value, own, *place);
                        *value = s.max(x, *value);
                        *sum = s.add(*sum, x);
                    }
                }
            }
        }
        let mut turned = [0.0; TURNED * LANES];
        let (line, cout) = (self.peaks.size.1 * self.cout, self.cout);
        let first = row * line + column * cout;
        let ends = (line, S::WIDTH / LINE, cout);
        store_turned(s, values, &mut turned, TURNED);
        write(&turned, &mut self.output[first..], ends, |x| x);
        let Some(to) = &mut self.places else {
            return;
        };
        let mut corners = [0.0; LANES];
        for (i, corner) in corners.iter_mut().enumerate() {
            let (y, x) = (row + i / LINE, column + i % LINE);
            *corner = COUNTED + ((y * columns + x) * P) as f32;
        }
        let corners = s.load_first(&corners[..S::WIDTH]);
        for place in &mut places {
            *place = s.add(*place, corners);
        }
        store_turned(s, places, &mut turned, TURNED);
        let count = |x: f32| x.to_bits() - COUNTED.to_bits();
        write(&turned, &mut to[first..], ends, count);
    }
}

/// Writes lines of positions (positions, TURNED) among others of so many numbers: so many lines, the first channels of each
/// position.
#[inline(always)]
fn write<T>(
    turned: &[f32],
    to: &mut [T],
    (line, lines, channels): (usize, usize, usize),
    number: impl Fn(f32) -> T,
) {
    let turned = turned.chunks_exact(LINE * TURNED);
    for (to, from) in to.chunks_mut(line).zip(turned).take(lines) {
        if channels == TURNED {
            for (to, &from) in to[..LINE * TURNED].iter_mut().zip(from) {
                *to = number(from);
            }
            continue;
        }
        let positions = to.chunks_exact_mut(channels);
        for (to, from) in positions.zip(from.chunks_exact(TURNED)) {
            for (to, &from) in to.iter_mut().zip(from) {
                *to = number(from);
            }
        }
    }
}
