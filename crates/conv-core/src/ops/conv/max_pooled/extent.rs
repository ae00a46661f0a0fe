//! How large the phases of a max pooled convolution are: what decides whether they are used.

use super::super::geometry::Problem;

/// Positions of a row in a vector.
pub(in crate::ops::conv) const LINE: usize = 8;
/// Argmax is counted in f32 from here on, where each whole number's bits are those of the one before it plus one.
pub(in crate::ops::conv) const COUNTED: f32 = 8_388_608.0;

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
