//! F(4×4, 3×3), by the points 0, ¾, −¾, 1½, −1½ and infinity.
//!
//! They are those of Lavin and Gray, ±1 and ±2, times ¾: the numbers in the matrices are then closest to 1, and the error of an
//! output is half as large (docs/notes/2026-11-winograd.md). All numbers but those of the kernels are exact in f32.

use super::{DInput, DKernel, DOutput, Input, Kernel, Output};
use crate::simd::{Simd, Transform};

impl Transform<6, 6> for Input {
    const READS_CUT_TILES: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 6] {
        let (first, second) = (s.splat(0.75), s.splat(1.5));
        let (squares, product) = (s.splat(2.8125), s.splat(1.265_625));
        let (first_square, second_square) = (s.splat(0.5625), s.splat(2.25));
        let even = s.neg_mul_add(second_square, c, e);
        let odd = s.neg_mul_add(second_square, b, d);
        let even_2 = s.neg_mul_add(first_square, c, e);
        let odd_2 = s.neg_mul_add(first_square, b, d);
        [
            s.mul_add(product, a, s.neg_mul_add(squares, c, e)),
            s.mul_add(first, odd, even),
            s.neg_mul_add(first, odd, even),
            s.mul_add(second, odd_2, even_2),
            s.neg_mul_add(second, odd_2, even_2),
            s.mul_add(product, b, s.neg_mul_add(squares, d, f)),
        ]
    }
}

impl Transform<6, 6> for DInput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 6] {
        let (squares, product) = (s.splat(2.8125), s.splat(1.265_625));
        let (first_square, second_square) = (s.splat(0.5625), s.splat(2.25));
        let (sum, sum_2) = (s.add(b, c), s.add(d, e));
        let difference = s.mul(s.splat(0.75), s.sub(b, c));
        let difference_2 = s.mul(s.splat(1.5), s.sub(d, e));
        [
            s.mul(product, a),
            s.neg_mul_add(
                second_square,
                difference,
                s.neg_mul_add(first_square, difference_2, s.mul(product, f)),
            ),
            s.neg_mul_add(
                second_square,
                sum,
                s.neg_mul_add(first_square, sum_2, s.neg_mul_add(squares, a, s.splat(0.0))),
            ),
            s.neg_mul_add(squares, f, s.add(difference, difference_2)),
            s.add(a, s.add(sum, sum_2)),
            f,
        ]
    }
}

impl Transform<6, 4> for Output {
    const WRITES_CUT_TILES: bool = true;
    const ADDS_BIAS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 4] {
        let (sum, difference) = (s.add(b, c), s.sub(b, c));
        let (sum_2, difference_2) = (s.add(d, e), s.sub(d, e));
        [
            s.add(a, s.add(sum, sum_2)),
            s.mul_add(s.splat(1.5), difference_2, s.mul(s.splat(0.75), difference)),
            s.mul_add(s.splat(2.25), sum_2, s.mul(s.splat(0.5625), sum)),
            s.mul_add(
                s.splat(3.375),
                difference_2,
                s.mul_add(s.splat(0.421_875), difference, f),
            ),
        ]
    }
}

impl Transform<4, 6> for DOutput {
    const READS_CUT_TILES: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 6] {
        let (first, second) = (s.splat(0.75), s.splat(1.5));
        let (first_square, second_square) = (s.splat(0.5625), s.splat(2.25));
        let even = s.mul_add(first_square, c, a);
        let odd = s.mul_add(first_square, d, b);
        let even_2 = s.mul_add(second_square, c, a);
        let odd_2 = s.mul_add(second_square, d, b);
        [
            a,
            s.mul_add(first, odd, even),
            s.neg_mul_add(first, odd, even),
            s.mul_add(second, odd_2, even_2),
            s.neg_mul_add(second, odd_2, even_2),
            d,
        ]
    }
}

/// The factors of a 3 × 3 kernel's values at the points 0, ±¾ and ±1½: one over the product of a point's differences from the
/// other points.
const ZERO: f32 = 64.0 / 81.0;
const FIRST: f32 = -128.0 / 243.0;
const SECOND: f32 = 32.0 / 243.0;

impl Transform<3, 6> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c]: [S::F32; 3]) -> [S::F32; 6] {
        let (first, second) = (s.splat(FIRST), s.splat(SECOND));
        let even = s.mul_add(s.splat(0.5625), c, a);
        let even_2 = s.mul_add(s.splat(2.25), c, a);
        let (odd, odd_2) = (s.splat(0.75), s.splat(1.5));
        [
            s.mul(s.splat(ZERO), a),
            s.mul(first, s.mul_add(odd, b, even)),
            s.mul(first, s.neg_mul_add(odd, b, even)),
            s.mul(second, s.mul_add(odd_2, b, even_2)),
            s.mul(second, s.neg_mul_add(odd_2, b, even_2)),
            c,
        ]
    }
}

impl Transform<6, 3> for DKernel {
    const ADDS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 3] {
        let (first, second) = (s.splat(FIRST), s.splat(SECOND));
        let (sum, difference) = (s.mul(first, s.add(b, c)), s.mul(first, s.sub(b, c)));
        let (sum_2, difference_2) = (s.mul(second, s.add(d, e)), s.mul(second, s.sub(d, e)));
        [
            s.mul_add(s.splat(ZERO), a, s.add(sum, sum_2)),
            s.mul_add(s.splat(1.5), difference_2, s.mul(s.splat(0.75), difference)),
            s.mul_add(s.splat(2.25), sum_2, s.mul_add(s.splat(0.5625), sum, f)),
        ]
    }
}
