//! Vectors transposed, so that a lane becomes a row, and numbers picked at a stride.

use crate::simd::Simd;

/// Vectors that are turned together.
pub(crate) const TURNED: usize = 8;

/// Writes vectors turned: lane i of all of them is row i, and the rows lie `step` numbers apart.
///
/// # Panics
/// If `to` ends before the last row.
#[inline(always)]
pub(crate) fn store_turned<S: Simd>(s: S, vectors: [S::F32; TURNED], to: &mut [f32], step: usize) {
    let end = step.checked_mul(S::WIDTH - 1);
    let end = end.and_then(|last| last.checked_add(TURNED));
    assert!(
        end.is_some_and(|end| end <= to.len()),
        "fewer rows than lanes"
    );
    // SAFETY: the last row ends within `to`, as checked.
    unsafe { s.store_turned(vectors, to.as_mut_ptr(), step) };
}

/// Copies eight numbers, every P-th of `from`.
///
/// # Panics
/// If `from` has fewer than eight times P numbers, or `to` fewer than eight; at compile time if P is neither 2 nor 3.
#[inline(always)]
pub(crate) fn copy_every<S: Simd, const P: usize>(s: S, from: &[f32], to: &mut [f32]) {
    const { assert!(P == 2 || P == 3) };
    assert!(from.len() >= 8 * P && to.len() >= 8, "fewer than eight");
    // SAFETY: there are so many, as checked.
    unsafe { s.copy_every::<P>(from.as_ptr(), to.as_mut_ptr()) };
}
