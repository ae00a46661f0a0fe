//! F(4×4, 5×5), by the points 0, 1, −1, 2, −2, ½, −½ and infinity.

use super::{DInput, DKernel, DOutput, Input, Kernel, Output};
use crate::simd::{Simd, Transform};

impl Transform<8, 8> for Input {
    const READS_CUT_TILES: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f, g, h]: [S::F32; 8]) -> [S::F32; 8] {
        let (quarter, half, two) = (s.splat(0.25), s.splat(0.5), s.splat(2.0));
        let (more, most) = (s.splat(4.25), s.splat(5.25));
        let even = s.neg_mul_add(more, e, s.add(c, g));
        let odd = s.neg_mul_add(more, d, s.add(b, f));
        let even_2 = s.neg_mul_add(s.splat(1.25), e, s.mul_add(quarter, c, g));
        let even_half = s.neg_mul_add(s.splat(5.0), e, s.mul_add(s.splat(4.0), c, g));
        let middle = s.mul(s.splat(2.5), d);
        let odd_2 = s.mul_add(two, f, s.sub(s.mul(half, b), middle));
        let odd_half = s.mul_add(half, f, s.sub(s.mul(two, b), middle));
        [
            s.mul_add(most, s.sub(e, c), s.sub(a, g)),
            s.add(even, odd),
            s.sub(even, odd),
            s.add(even_2, odd_2),
            s.sub(even_2, odd_2),
            s.add(even_half, odd_half),
            s.sub(even_half, odd_half),
            s.mul_add(most, s.sub(d, f), s.sub(h, b)),
        ]
    }
}

impl Transform<8, 8> for DInput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f, g, h]: [S::F32; 8]) -> [S::F32; 8] {
        let (quarter, half, two, four) = (s.splat(0.25), s.splat(0.5), s.splat(2.0), s.splat(4.0));
        let (more, most) = (s.splat(4.25), s.splat(5.25));
        let (sum, difference) = (s.add(b, c), s.sub(b, c));
        let (sum_2, difference_2) = (s.add(d, e), s.sub(d, e));
        let (sum_half, difference_half) = (s.add(f, g), s.sub(f, g));
        let differences = s.add(difference_2, difference_half);
        [
            a,
            s.mul_add(
                two,
                difference_half,
                s.mul_add(half, difference_2, s.sub(difference, h)),
            ),
            s.mul_add(
                four,
                sum_half,
                s.mul_add(quarter, sum_2, s.neg_mul_add(most, a, sum)),
            ),
            s.neg_mul_add(
                more,
                difference,
                s.neg_mul_add(s.splat(2.5), differences, s.mul(most, h)),
            ),
            s.neg_mul_add(
                more,
                sum,
                s.neg_mul_add(
                    s.splat(1.25),
                    sum_2,
                    s.neg_mul_add(s.splat(5.0), sum_half, s.mul(most, a)),
                ),
            ),
            s.mul_add(
                half,
                difference_half,
                s.mul_add(two, difference_2, s.neg_mul_add(most, h, difference)),
            ),
            s.add(s.sub(sum, a), s.add(sum_2, sum_half)),
            h,
        ]
    }
}

impl Transform<8, 4> for Output {
    const WRITES_CUT_TILES: bool = true;
    const ADDS_BIAS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f, g, h]: [S::F32; 8]) -> [S::F32; 4] {
        let (sum, difference) = (s.add(b, c), s.sub(b, c));
        let (sum_2, difference_2) = (s.add(d, e), s.sub(d, e));
        let (sum_half, difference_half) = (s.add(f, g), s.sub(f, g));
        [
            s.add(s.add(a, sum), s.add(sum_2, sum_half)),
            s.mul_add(
                s.splat(0.5),
                difference_half,
                s.mul_add(s.splat(2.0), difference_2, difference),
            ),
            s.mul_add(s.splat(0.25), sum_half, s.mul_add(s.splat(4.0), sum_2, sum)),
            s.mul_add(
                s.splat(0.125),
                difference_half,
                s.mul_add(s.splat(8.0), difference_2, s.add(difference, h)),
            ),
        ]
    }
}

impl Transform<4, 8> for DOutput {
    const READS_CUT_TILES: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 8] {
        let (even, odd) = (s.add(a, c), s.add(b, d));
        let even_2 = s.mul_add(s.splat(4.0), c, a);
        let odd_2 = s.mul_add(s.splat(8.0), d, s.add(b, b));
        let even_half = s.mul_add(s.splat(0.25), c, a);
        let odd_half = s.mul_add(s.splat(0.125), d, s.mul(s.splat(0.5), b));
        [
            a,
            s.add(even, odd),
            s.sub(even, odd),
            s.add(even_2, odd_2),
            s.sub(even_2, odd_2),
            s.add(even_half, odd_half),
            s.sub(even_half, odd_half),
            d,
        ]
    }
}

/// The factors of a 5 × 5 kernel's values at the points ±1, ±2 and ±½: one over the product of a point's differences from the
/// other points. For ±½ that is 32/45, of which the 32 is in the coefficients.
const ONE: f32 = -2.0 / 9.0;
const TWO: f32 = 1.0 / 90.0;
const HALF: f32 = 1.0 / 45.0;

impl Transform<5, 8> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e]: [S::F32; 5]) -> [S::F32; 8] {
        let (one, two, half) = (s.splat(ONE), s.splat(TWO), s.splat(HALF));
        let (even, odd) = (s.add(s.add(a, c), e), s.add(b, d));
        let even_2 = s.mul_add(s.splat(16.0), e, s.mul_add(s.splat(4.0), c, a));
        let odd_2 = s.mul_add(s.splat(8.0), d, s.add(b, b));
        let even_half = s.mul_add(s.splat(32.0), a, s.mul_add(s.splat(8.0), c, s.add(e, e)));
        let odd_half = s.mul_add(s.splat(16.0), b, s.mul(s.splat(4.0), d));
        [
            a,
            s.mul(one, s.add(even, odd)),
            s.mul(one, s.sub(even, odd)),
            s.mul(two, s.add(even_2, odd_2)),
            s.mul(two, s.sub(even_2, odd_2)),
            s.mul(half, s.add(even_half, odd_half)),
            s.mul(half, s.sub(even_half, odd_half)),
            e,
        ]
    }
}

impl Transform<8, 5> for DKernel {
    const ADDS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f, g, h]: [S::F32; 8]) -> [S::F32; 5] {
        let (one, two, half) = (s.splat(ONE), s.splat(TWO), s.splat(HALF));
        let (sum, difference) = (s.mul(one, s.add(b, c)), s.mul(one, s.sub(b, c)));
        let (sum_2, difference_2) = (s.mul(two, s.add(d, e)), s.mul(two, s.sub(d, e)));
        let (sum_half, difference_half) = (s.mul(half, s.add(f, g)), s.mul(half, s.sub(f, g)));
        [
            s.mul_add(s.splat(32.0), sum_half, s.add(s.add(a, sum), sum_2)),
            s.mul_add(
                s.splat(16.0),
                difference_half,
                s.mul_add(s.splat(2.0), difference_2, difference),
            ),
            s.mul_add(s.splat(8.0), sum_half, s.mul_add(s.splat(4.0), sum_2, sum)),
            s.mul_add(
                s.splat(4.0),
                difference_half,
                s.mul_add(s.splat(8.0), difference_2, difference),
            ),
            s.mul_add(
                s.splat(2.0),
                sum_half,
                s.mul_add(s.splat(16.0), sum_2, s.add(sum, h)),
            ),
        ]
    }
}
