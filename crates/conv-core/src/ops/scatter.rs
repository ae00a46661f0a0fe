//! The gradient of a convolution's input where the input has few channels: of each output pixel the gradients of
//! the section under its window, which then are added where they belong.
//!
//! The other way round, input pixel by input pixel, a vector holds the channels of one pixel, most of it nothing;
//! here it holds the taps of a section.

use super::conv::Conv;
use super::dense::DENSE;
use super::engine::Plan;
use crate::Error;
use crate::shape::{Window, product};
use crate::simd::{LANES, Lanes, Matrix, Op, Simd, dispatch, matrix_product};

/// Numbers of sections that stay in the first cache until they are added up.
pub(crate) const NEAR: usize = 1 << 13;

#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    /// (pixels, Cout) → (pixels, taps · Cin)
    sections: Plan,
    input_len: usize,
    cout: usize,
    taps: usize,
    /// Runs of numbers: where in the sections of an image, where in the image, how many.
    runs: Vec<[u32; 3]>,
    /// Where a run would be three numbers: whole rows instead.
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

/// The sections of some pixels, sixteen numbers each of which nine are used.
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
        matrix_product(
            s,
            self.d_output,
            self.kernels,
            &[Lanes::ZERO],
            self.sections,
        );
    }
}

impl Scatter {
    /// Whether it is the quicker way.
    pub(crate) fn suits(conv: &Conv, cin: usize) -> bool {
        conv.groups == 1 && cin < 16
    }

    pub(crate) fn new(
        conv: &Conv,
        (h, w, cin): (usize, usize, usize),
        cout: usize,
    ) -> Result<Self, Error> {
        let Window {
            size,
            stride,
            dilation,
            ..
        } = conv.window;
        let (rows, cols) = conv.window.output(h, w)?;
        let (top, left) = conv.window.before(h, w)?;
        let taps = product("kernels", &[size.0, size.1, cin])?;
        product("sections", &[rows, cols, taps])?;
        let mut runs: Vec<[u32; 3]> = Vec::new();
        for position in 0..rows * cols {
            let (oy, ox) = (position / cols, position % cols);
            for tap in 0..size.0 * size.1 {
                let y = (oy * stride.0 + tap / size.1 * dilation.0).checked_sub(top);
                let x = (ox * stride.1 + tap % size.1 * dilation.1).checked_sub(left);
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
        let single = size == (3, 3) && cin == 1 && stride == (1, 1) && dilation == (1, 1);
        let sections = Plan::new(&DENSE, (rows * cols, 1, cout), taps)?;
        Ok(Self {
            sections: if single {
                sections.without_pairs()
            } else {
                sections
            },
            input_len: h * w * cin,
            cout,
            taps,
            rows: single.then_some(Rows {
                image: (h, w),
                cols,
                before: (top, left),
            }),
            runs,
        })
    }

    pub(crate) fn packed_len(&self) -> usize {
        self.sections.packed_len()
    }

    /// Packs kernels (taps, Cin, Cout).
    pub(crate) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        self.sections
            .pack_by(packed, kernels, |_, o| (o, self.cout));
    }

    /// Numbers that a section takes.
    fn section(&self) -> usize {
        if self.rows.is_some() {
            LANES
        } else {
            self.taps
        }
    }

    /// Images whose sections are computed together.
    fn together(&self) -> usize {
        (NEAR / (self.sections.pixels() * self.section())).max(1)
    }

    /// Numbers of the sections that are there at a time.
    pub(crate) fn buffer_len(&self) -> usize {
        self.together() * self.sections.pixels() * self.section()
    }

    /// Images: `d_output` (pixels, Cout) each → `d_input` (H, W, Cin) each
    pub(crate) fn run(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        buffer: &mut [f32],
        d_input: &mut [f32],
    ) {
        let (pixels, together) = (self.sections.pixels(), self.together());
        let images = d_output.chunks(together * pixels * self.cout);
        for (d_output, d_input) in images.zip(d_input.chunks_mut(together * self.input_len)) {
            let count = d_output.len() / self.cout;
            let sections = &mut buffer[..count * self.section()];
            if self.rows.is_some() {
                dispatch(Sections {
                    d_output: Matrix {
                        numbers: d_output,
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
