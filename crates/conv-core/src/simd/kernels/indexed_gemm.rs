//! Indirect GEMM: a product of matrices of which one is found by tables of offsets. Most convolutions and dense layers spend
//! their time in this loop.

use crate::simd::Simd;

/// Offsets into a slice, with the largest of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offsets<'a> {
    pub(super) at: &'a [u32],
    pub(super) largest: usize,
}

impl<'a> Offsets<'a> {
    /// These offsets.
    #[must_use]
    pub(crate) fn new(at: &'a [u32]) -> Self {
        Self {
            at,
            largest: at.iter().max().map_or(0, |&largest| largest as usize),
        }
    }
}

/// Adds to a tile of P rows and V vectors the product of two matrices: `sums[p] += Σₖ A[p, k] · B[k]`.
///
/// A[p, k] is `a[rows[p] + columns[k]]`, found by two tables of offsets and never copied. In a convolution a row is where a
/// section begins, and a column is a tap; in the gradient of the kernels it is the other way round. Row k of B is V vectors
/// from `b[k * stride]` on. Each sum adds its products in the order of k, with one rounding each.
///
/// With PAIRS the even lanes take that value of A, and the odd lanes the one after it.
///
/// # Panics
/// If an offset leads beyond the end of `a`, or a row beyond that of `b`.
#[inline(always)]
pub(crate) fn indexed_gemm<S: Simd, const P: usize, const V: usize, const PAIRS: bool>(
    s: S,
    (a, rows, columns): (&[f32], &[usize; P], Offsets<'_>),
    (b, stride): (&[f32], usize),
    sums: &mut [[S::F32; V]; P],
) {
    let count = columns.at.len();
    if count == 0 {
        return;
    }
    let mut last_row = 0;
    for &row in rows {
        last_row = last_row.max(row);
    }
    let a_end = last_row
        .checked_add(columns.largest)
        .and_then(|end| end.checked_add(usize::from(PAIRS)));
    assert!(
        a_end.is_some_and(|end| end < a.len()),
        "an offset beyond the end of a"
    );
    let b_end = stride
        .checked_mul(count - 1)
        .and_then(|last| last.checked_add(V * S::WIDTH));
    assert!(
        b_end.is_some_and(|end| end <= b.len()),
        "a row beyond the end of b"
    );

    let mut pointers = [a.as_ptr(); P];
    for (pointer, &row) in pointers.iter_mut().zip(rows) {
        // SAFETY: every row is at most the last one, which lies inside `a`.
        *pointer = unsafe { pointer.add(row) };
    }
    // There are more rows than registers to point at them.
    if V > 1
        && P > 6
        && let Some(step) = step(rows)
    {
        let halves = [rows[0], rows[P / 2]];
        // SAFETY: what is read are the rows and columns checked above.
        unsafe {
            indexed_gemm_of_halves::<S, P, V, PAIRS>(
                s,
                (a, halves, step, columns),
                (b, stride),
                sums,
            );
        }
        return;
    }
    let mut held = *sums;
    for (k, &column) in columns.at.iter().enumerate() {
        let mut row = [s.splat(0.0); V];
        for (v, vector) in row.iter_mut().enumerate() {
            // SAFETY: k is at most count - 1, so the vectors end at `b_end` or before it, inside `b`.
            *vector = unsafe { s.load_at(b.as_ptr().add(k * stride + v * S::WIDTH)) };
        }
        for (sums, pointer) in held.iter_mut().zip(pointers) {
            // SAFETY: row + column is at most `a_end`, which lies inside `a`; with PAIRS, one less at most.
            let x = unsafe {
                let pointer = pointer.add(column as usize);
                if PAIRS {
                    s.splat_pair(pointer)
                } else {
                    s.splat(*pointer)
                }
            };
            if V == 1 {
                sums[0] = s.mul_add(x, row[0], sums[0]);
                continue;
            }
            // Left to itself, the compiler loads all P values first, and then has no registers left for the sums.
            let x = s.in_order(x);
            for (sum, vector) in sums.iter_mut().zip(row) {
                *sum = s.mul_add_in_order(x, vector, *sum);
            }
        }
    }
    *sums = held;
}

/// The bytes from each row to the next one, where they are the same within either half of the rows.
#[inline(always)]
fn step<const P: usize>(rows: &[usize; P]) -> Option<usize> {
    if P % 2 == 1 || P / 2 > 7 {
        return None;
    }
    let step = rows[1].wrapping_sub(rows[0]);
    let mut even = true;
    for p in 1..P {
        even &= p == P / 2 || rows[p].wrapping_sub(rows[p - 1]) == step;
    }
    even.then_some(step.wrapping_mul(size_of::<f32>()))
}

/// [`indexed_gemm`] for rows in two halves, a step from each row to the next one within them: two pointers and three
/// distances stay in registers, where a pointer to every row would not.
///
/// # Safety
/// What [`indexed_gemm`] checks must hold for these rows, up to seven in a half.
#[inline(always)]
unsafe fn indexed_gemm_of_halves<S: Simd, const P: usize, const V: usize, const PAIRS: bool>(
    s: S,
    (a, halves, step, columns): (&[f32], [usize; 2], usize, Offsets<'_>),
    (b, stride): (&[f32], usize),
    sums: &mut [[S::F32; V]; P],
) {
    let (step_3, step_5) = (step.wrapping_mul(3), step.wrapping_mul(5));
    let mut held = *sums;
    for (k, &column) in columns.at.iter().enumerate() {
        let mut row = [s.splat(0.0); V];
        for (v, vector) in row.iter_mut().enumerate() {
            // SAFETY: the caller vouches for every row of `b`.
            *vector = unsafe { s.load_at(b.as_ptr().add(k * stride + v * S::WIDTH)) };
        }
        for (half, first) in halves.into_iter().enumerate() {
            let at = half * (P / 2);
            // SAFETY: the caller vouches for every row with every column.
            let first = unsafe { a.as_ptr().add(first).add(column as usize) };
            // Written out: the compiler would not unroll a loop of seven, and would keep the sums in memory.
            macro_rules! add {
                ($row:literal, $times:literal, $step:expr) => {
                    if $row < P / 2 {
                        // SAFETY: as above.
                        let x = unsafe { s.splat_from::<PAIRS, $times>(first, $step) };
                        for (sum, vector) in held[at + $row].iter_mut().zip(row) {
                            *sum = s.mul_add_in_order(x, vector, *sum);
                        }
                    }
                };
            }
            add!(0, 0, step);
            add!(1, 1, step);
            add!(2, 2, step);
            add!(3, 1, step_3);
            add!(4, 4, step);
            add!(5, 1, step_5);
            add!(6, 2, step_3);
        }
    }
    *sums = held;
}
