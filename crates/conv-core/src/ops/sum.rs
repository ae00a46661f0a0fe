//! Sums of arrays: of the rows of a matrix, as the gradient of a bias is, and of one array with another.

use crate::simd::{Op, Simd, dispatch};
use crate::tuning::COLUMN_VECTORS;

/// Adds rows (rows, C) to the sums (C), one after the other.
pub(crate) fn add_rows(rows: &[f32], sums: &mut [f32]) {
    dispatch(Add { rows, sums });
}

/// `to[i] += from[i]`
pub(crate) fn add_to(from: &[f32], to: &mut [f32]) {
    for (sum, x) in to.iter_mut().zip(from) {
        *sum += x;
    }
}

/// [`add_to`] of four arrays, one after the other: from four places at once, memory is read faster.
pub(crate) fn add_four_to([a, b, c, d]: [&[f32]; 4], to: &mut [f32]) {
    let from = a.iter().zip(b).zip(c.iter().zip(d));
    for (sum, ((a, b), (c, d))) in to.iter_mut().zip(from) {
        *sum = *sum + a + b + c + d;
    }
}

struct Add<'a> {
    rows: &'a [f32],
    sums: &'a mut [f32],
}

impl Op for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut first = 0;
        let columns = self.sums.len();
        while first < columns {
            first += if columns - first >= COLUMN_VECTORS * S::WIDTH {
                columns_from::<S, COLUMN_VECTORS>(s, self.rows, first, self.sums)
            } else {
                columns_from::<S, 1>(s, self.rows, first, self.sums)
            };
        }
    }
}

/// V vectors of columns, in registers.
#[inline(always)]
fn columns_from<S: Simd, const V: usize>(
    s: S,
    rows: &[f32],
    first: usize,
    sums: &mut [f32],
) -> usize {
    let columns = sums.len();
    let width = (columns - first).min(V * S::WIDTH);
    let sums = &mut sums[first..][..width];
    let mut held = [s.splat(0.0); V];
    for (held, sums) in held.iter_mut().zip(sums.chunks(S::WIDTH)) {
        *held = s.load_first(sums);
    }
    for row in rows.chunks_exact(columns) {
        let row = row[first..][..width].chunks(S::WIDTH);
        for (held, x) in held.iter_mut().zip(row) {
            *held = s.add(*held, s.load_first(x));
        }
    }
    for (held, sums) in held.iter().zip(sums.chunks_mut(S::WIDTH)) {
        s.store_first(*held, sums);
    }
    width
}
