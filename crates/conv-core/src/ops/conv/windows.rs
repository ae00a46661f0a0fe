//! Tables of offsets into padded images.

use super::geometry::Problem;

/// Where the windows of a problem begin in its padded images, and what lies under one.
#[derive(Clone, Debug)]
pub(super) struct WindowTable {
    /// Where the window of each output pixel begins in the first image, then in those behind it.
    pub(super) pixels: Vec<u32>,
    /// Where each tap (row, column, input channel of the group) lies from there.
    pub(super) taps: Vec<u32>,
}

impl WindowTable {
    /// For this many images behind each other, whose offsets must fit into `u32`.
    pub(super) fn new(problem: &Problem, images: usize) -> Self {
        let count = problem.output.pixels();
        let mut pixels = Vec::with_capacity(count * images);
        pixels.extend(problem.window_offsets());
        for image in 1..images {
            pixels.extend_from_within(..count);
            for pixel in &mut pixels[image * count..] {
                *pixel += (image * problem.padded.len()) as u32;
            }
        }
        let mut taps = Vec::with_capacity(problem.taps());
        taps.extend(problem.tap_offsets());
        Self { pixels, taps }
    }

    /// Offsets in both tables.
    pub(super) fn len(problem: &Problem, images: usize) -> usize {
        let pixels = problem.output.pixels().saturating_mul(images);
        pixels.saturating_add(problem.taps())
    }
}
