//! The gradient of a convolution's input where the input has few channels: for each output pixel the gradients of the
//! section under its window (an im2col row), which are then added to the pixels that they belong to (col2im).
//!
//! Computed input pixel by input pixel, a vector would hold the few channels of one pixel and be mostly empty; here it
//! holds the taps of a section.

use super::direct::Direct;
use super::geometry::{Conv, Problem};
use crate::Error;
use crate::shape::{ImageShape, Window, product};
use crate::simd::{LANES, Lanes, Matrix, Op, Simd, dispatch, gemm};
use crate::tuning::VALUES_IN_FIRST_CACHE;

/// How the sections of a [`Col2im`] are computed and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As the outputs of a dense layer ([`Direct`]), added run by run.
    Runs,
    /// The same with the kernels' weights two by two.
    RunsOfPairs,
    /// As a product of matrices, a vector a section, added row by row.
    Rows,
}

#[derive(Clone, Debug)]
pub(super) struct Col2im {
    /// (pixels, Cout) → (pixels, taps · Cin)
    sections: Direct,
    /// Output pixels of an image.
    pixels: usize,
    input_len: usize,
    cout: usize,
    taps: usize,
    /// Runs of values: where in the sections of an image, where in the image, how many.
    runs: Vec<[u32; 3]>,
    /// Set for 3 × 3 over one channel: runs would be three values long, so whole rows are added instead.
    rows: Option<Rows>,
}

/// Sections of 3 × 3 pixels of one channel, one pixel apart.
#[derive(Clone, Debug)]
struct Rows {
    /// Rows and columns of the image.
    image: (usize, usize),
    /// Columns of sections.
    cols: usize,
    /// Rows above the image and columns left of it that belong to sections.
    before: (usize, usize),
}

impl Rows {
    /// Adds all sections, a pixel's in their order: in registers, while memory would see nine additions.
    fn add(&self, sections: &[f32], d_input: &mut [f32]) {
        let ((h, w), cols, (top, left)) = (self.image, self.cols, self.before);
        for (row, sections) in sections.chunks_exact(cols * LANES).enumerate() {
            for (tap, y) in (row..row + 3).enumerate() {
                let Some(y) = y.checked_sub(top).filter(|&y| y < h) else {
                    continue;
                };
                let d_input = &mut d_input[y * w..][..w];
                // Column x is in the sections x + left − 2 to x + left; in all three of these where they are inside.
                let start = 2_usize.saturating_sub(left).min(w);
                let end = cols.saturating_sub(left).clamp(start, w);
                let mut edge = |x: usize| {
                    for column in (0..3).rev() {
                        let section = (x + left).checked_sub(column).filter(|&x| x < cols);
                        if let Some(section) = section {
                            d_input[x] += sections[section * LANES + tap * 3 + column];
                        }
                    }
                };
                (0..start).for_each(&mut edge);
                (end..w).for_each(&mut edge);
                let first = (start + left).saturating_sub(2);
                let inside = sections[first.min(cols) * LANES..].windows(2 * LANES + 1 + tap * 3);
                let inside = inside.step_by(LANES);
                for (sum, three) in d_input[start..end].iter_mut().zip(inside) {
                    let three = &three[tap * 3..];
                    *sum = *sum + three[2] + three[LANES + 1] + three[2 * LANES];
                }
            }
        }
    }
}

/// The sections of some pixels, sixteen values each of which nine are used.
struct Sections<'a> {
    /// (pixels, Cout)
    d_output: Matrix<'a>,
    /// (Cout, taps)
    kernels: &'a [Lanes],
    sections: &'a mut [f32],
}

impl Op for Sections<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        gemm(
            s,
            self.d_output,
            self.kernels,
            &[Lanes::ZERO],
            self.sections,
        );
    }
}

impl Col2im {
    /// The sections as the outputs of a dense layer, a pixel a row.
    pub(super) fn sections(problem: &Problem) -> Result<Problem, Error> {
        let pixel = Conv::new(Window::new(1, 1));
        let taps = product("kernels", &[problem.taps(), 1])?;
        product("sections", &[problem.output.pixels(), taps])?;
        let pixels = ImageShape::new(problem.output.pixels(), 1, problem.output.channels);
        Problem::new(&pixel, pixels, taps)
    }

    pub(super) fn new(problem: &Problem, kind: Kind) -> Result<Self, Error> {
        let input = problem.input();
        let (w, h, cin) = (input.cols, input.rows, input.channels);
        let (kernel, stride, dilation) = (problem.kernel, problem.stride, problem.dilation);
        let (top, left) = (problem.padded.top as usize, problem.padded.left as usize);
        let (pixels, cols, taps) = (problem.output.pixels(), problem.output.cols, problem.taps());
        let sections = Direct::new(&Self::sections(problem)?, kind == Kind::RunsOfPairs);
        let mut runs: Vec<[u32; 3]> = Vec::new();
        for position in 0..pixels {
            let (oy, ox) = (position / cols, position % cols);
            for tap in 0..kernel.0 * kernel.1 {
                let y = (oy * stride.0 + tap / kernel.1 * dilation.0).checked_sub(top);
                let x = (ox * stride.1 + tap % kernel.1 * dilation.1).checked_sub(left);
                let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) else {
                    continue;
                };
                let from = (position * taps + tap * cin) as u32;
                let to = ((y * w + x) * cin) as u32;
                match runs.last_mut() {
                    Some([a, b, len]) if *a + *len == from && *b + *len == to => *len += cin as u32,
                    _ => runs.push([from, to, cin as u32]),
                }
            }
        }
        Ok(Self {
            sections,
            pixels,
            input_len: input.len(),
            cout: problem.output.channels,
            taps,
            rows: (kind == Kind::Rows).then_some(Rows {
                image: (h, w),
                cols,
                before: (top, left),
            }),
            runs,
        })
    }

    /// Values of the packed kernels, of the tables, and of the sections that are there at a time, at most.
    pub(super) fn memory(problem: &Problem, sections: &Problem, kind: Kind) -> [usize; 3] {
        let by_pairs = kind == Kind::RunsOfPairs;
        let packed = Direct::packed_len(sections, by_pairs).saturating_mul(LANES);
        let pixels = problem.output.pixels();
        // A run is three values for each pixel under a window, and the list of them may have grown to twice what it needs.
        let windows = pixels.saturating_mul(problem.kernel.0 * problem.kernel.1);
        let tables =
            Direct::table_len(sections, by_pairs).saturating_add(windows.saturating_mul(6));
        let section = if kind == Kind::Rows {
            LANES
        } else {
            problem.taps()
        };
        let image = pixels.saturating_mul(section).max(VALUES_IN_FIRST_CACHE);
        [packed, tables, image]
    }

    /// Vectors of sixteen in the packed kernels.
    pub(super) fn packed_len(&self) -> usize {
        self.sections.own_packed_len()
    }

    /// Packs kernels (taps, Cin, Cout).
    pub(super) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        self.sections.pack(packed, kernels, |_, o| (o, self.cout));
    }

    /// Values that a section takes.
    fn section(&self) -> usize {
        if self.rows.is_some() {
            LANES
        } else {
            self.taps
        }
    }

    /// Images whose sections are computed before they are added up.
    fn images_per_block(&self) -> usize {
        (VALUES_IN_FIRST_CACHE / (self.pixels * self.section())).max(1)
    }

    /// Values of the sections that are there at a time.
    pub(super) fn buffer_len(&self) -> usize {
        self.images_per_block() * self.pixels * self.section()
    }

    /// Images: `d_output` (pixels, Cout) each → `d_input` (H, W, Cin) each
    pub(super) fn d_input(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        buffer: &mut [f32],
        d_input: &mut [f32],
    ) {
        let (pixels, block) = (self.pixels, self.images_per_block());
        let images = d_output.chunks(block * pixels * self.cout);
        for (d_output, d_input) in images.zip(d_input.chunks_mut(block * self.input_len)) {
            let count = d_output.len() / self.cout;
            let sections = &mut buffer[..count * self.section()];
            if self.rows.is_some() {
                dispatch(Sections {
                    d_output: Matrix {
                        values: d_output,
                        rows: (count, self.cout),
                        columns: (self.cout, 1),
                    },
                    kernels: packed,
                    sections,
                });
            } else {
                self.sections.forward(d_output, 0, packed, None, sections);
            }
            d_input.fill(0.0);
            let images = sections.chunks_exact(pixels * self.section());
            for (sections, d_input) in images.zip(d_input.chunks_exact_mut(self.input_len)) {
                match &self.rows {
                    Some(rows) => rows.add(sections, d_input),
                    None => self.add_runs(sections, d_input),
                }
            }
        }
    }

    fn add_runs(&self, sections: &[f32], d_input: &mut [f32]) {
        for &[from, to, len] in &self.runs {
            let from = &sections[from as usize..][..len as usize];
            for (sum, d) in d_input[to as usize..][..len as usize].iter_mut().zip(from) {
                *sum += d;
            }
        }
    }
}
