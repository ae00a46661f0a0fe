//! Vectors that are written transposed, so that a lane becomes a row, and values that are copied at a stride.

use crate::simd::Simd;
use crate::tuning::TRANSPOSED;

/// Writes vectors transposed: lane i of them all becomes row i. The rows begin `step` values apart.
///
/// # Panics
/// If `to` ends before the last row.
#[inline(always)]
pub(crate) fn store_transposed<S: Simd>(
    s: S,
    vectors: [S::F32; TRANSPOSED],
    to: &mut [f32],
    step: usize,
) {
    let end = step.checked_mul(S::WIDTH - 1);
    let end = end.and_then(|last| last.checked_add(TRANSPOSED));
    assert!(
        end.is_some_and(|end| end <= to.len()),
        "fewer rows than lanes"
    );
    // SAFETY: the last row ends within `to`, as checked.
    unsafe { s.store_transposed(vectors, to.as_mut_ptr(), step) };
}

/// Copies eight values that lie P apart in `from`.
///
/// # Panics
/// If `from` has fewer than eight times P values, or `to` fewer than eight; at compile time if P is neither 2 nor 3.
#[inline(always)]
pub(crate) fn copy_strided<S: Simd, const P: usize>(s: S, from: &[f32], to: &mut [f32]) {
    const { assert!(P == 2 || P == 3) };
    assert!(from.len() >= 8 * P && to.len() >= 8, "fewer than eight");
    // SAFETY: there are so many, as checked.
    unsafe { s.copy_strided::<P>(from.as_ptr(), to.as_mut_ptr()) };
}
