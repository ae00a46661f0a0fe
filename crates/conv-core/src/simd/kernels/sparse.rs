//! Products of sparse rows: the values that are not 0 are listed, each with the row of the dense matrix it belongs to.

use super::indexed_gemm::Offsets;
use crate::simd::Simd;

/// Adds rows of a slice to V vectors, each row with its weight: `sums[v] += Σₖ weights[k] · b[rows[k] + offsets[v]..]`, with
/// zeros beyond the end of `b`. Each sum adds its products in the order of k, with one rounding each.
///
/// # Panics
/// If a row begins, with an offset, more than one beyond the end of `b`, or there are fewer weights than rows.
#[inline(always)]
pub(crate) fn weighted_rows<S: Simd, const V: usize>(
    s: S,
    weights: &[f32],
    (b, rows): (&[f32], &[u32]),
    offsets: &[usize; V],
    sums: &mut [S::F32; V],
) {
    let largest = offsets.iter().max().copied().unwrap_or(0);
    // All vectors of a row before this one lie inside.
    let inside = (b.len() + 1).saturating_sub(largest.saturating_add(S::WIDTH));
    let weights = &weights[..rows.len()];
    let mut k = 0;
    while k < rows.len() {
        let mut held = *sums;
        while k < rows.len() && (rows[k] as usize) < inside {
            let (row, weight) = (rows[k] as usize, s.splat(weights[k]));
            for (sum, offset) in held.iter_mut().zip(offsets) {
                // SAFETY: row + offset + WIDTH is at most row + largest + WIDTH, and so at most the length of `b`.
                let x = unsafe { s.load_at(b.as_ptr().add(row + offset)) };
                *sum = s.mul_add(weight, x, *sum);
            }
            k += 1;
        }
        *sums = held;
        if let Some(&row) = rows.get(k) {
            let (row, weight) = (row as usize, s.splat(weights[k]));
            for (sum, offset) in sums.iter_mut().zip(offsets) {
                *sum = s.mul_add(
                    weight,
                    s.load_first(&b[row.saturating_add(*offset)..]),
                    *sum,
                );
            }
            k += 1;
        }
    }
}

/// Adds vectors to rows of a slice, with a factor for each row: `to[rows[k] + offsets[v]..] += factors[k] · b[v]`, with one
/// rounding each, in the order of k.
///
/// # Panics
/// If a vector would end beyond the end of `to`, or `b` has fewer vectors than there are offsets.
#[inline(always)]
pub(crate) fn add_to_rows<S: Simd>(
    s: S,
    factors: &[f32],
    b: &[f32],
    (to, rows, offsets): (&mut [f32], &[u32], Offsets<'_>),
) {
    let largest_row = rows.iter().max().map_or(0, |&row| row as usize);
    let end = largest_row
        .checked_add(offsets.largest)
        .and_then(|end| end.checked_add(S::WIDTH));
    assert!(
        end.is_some_and(|end| end <= to.len()),
        "a row beyond the end"
    );
    assert!(offsets.at.len() <= b.len() / S::WIDTH, "too few vectors");
    for (&row, &factor) in rows.iter().zip(factors) {
        let factor = s.splat(factor);
        // SAFETY: every row is at most the largest, which lies inside `to`.
        let row = unsafe { to.as_mut_ptr().add(row as usize) };
        for (v, &offset) in offsets.at.iter().enumerate() {
            // SAFETY: v is less than the number of offsets, so the vector lies inside `b`; row + offset + WIDTH is at most
            // `end`, so the other one lies inside `to`, which nothing else has access to.
            unsafe {
                let at = row.add(offset as usize);
                let x = s.load_at(b.as_ptr().add(v * S::WIDTH));
                s.store_at(s.mul_add(factor, x, s.load_at(at)), at);
            }
        }
    }
}

/// `to[i] += factor · from[i]`, with one rounding.
///
/// # Panics
/// If `from` is shorter than `to`.
#[inline(always)]
pub(crate) fn axpy<S: Simd>(s: S, factor: f32, from: &[f32], to: &mut [f32]) {
    let (factor, from) = (s.splat(factor), &from[..to.len()]);
    let vectors = to.len() / S::WIDTH * S::WIDTH;
    let (to, rest) = to.split_at_mut(vectors);
    let (from, from_rest) = from.split_at(vectors);
    let pairs = from.chunks_exact(S::WIDTH);
    for (from, to) in pairs.zip(to.chunks_exact_mut(S::WIDTH)) {
        s.store_first(s.mul_add(factor, s.load_first(from), s.load_first(to)), to);
    }
    if !rest.is_empty() {
        let sum = s.mul_add(factor, s.load_first(from_rest), s.load_first(rest));
        s.store_first(sum, rest);
    }
}
