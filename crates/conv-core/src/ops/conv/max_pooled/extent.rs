//! How large the phases and the tables of a max pooled convolution are: what decides whether they are used.

use std::ops::RangeInclusive;

use super::super::geometry::Problem;
use super::super::windows::WindowTable;

/// 2²³: from here on consecutive whole numbers have consecutive bits as f32, so that a pixel's index can be kept in a lane.
/// Images with more pixels do not go by phases.
pub(in crate::ops::conv) const COUNTED: f32 = 8_388_608.0;

/// Sides of the tiles of max pooling for which the phases are compiled, in `forward.rs`.
pub(in crate::ops::conv) const SIDES: RangeInclusive<usize> = 2..=3;

/// For tiles of `side` × `side`: how many columns of the phases begin a row, and how many rows each phase has.
pub(in crate::ops::conv) fn extent(problem: &Problem, side: usize) -> (usize, usize) {
    let (kernel, dilation) = (problem.kernel, problem.dilation);
    let down = (kernel.0 - 1) * dilation.0;
    let right = (kernel.1 - 1) * dilation.1;
    (
        side + right,
        problem.output.rows / side + down.div_ceil(side),
    )
}

/// Values of four bytes in the tables of a max pooled convolution, besides those of the convolution and of the pooling.
pub(in crate::ops::conv) fn table_len(problem: &Problem, phases: Option<usize>) -> usize {
    // Of each tap at most: its run, which is three words of eight bytes; the beginning of a vector of each width; and its
    // offset for each row of the pooled window.
    let per_tap = 3 * 2 + 2 + phases.unwrap_or(0);
    let runs = problem.taps().saturating_mul(per_tap);
    WindowTable::len(problem, 1).saturating_add(runs)
}
