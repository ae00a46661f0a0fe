//! The matrices of the transforms, each as what it does to a row of numbers.

use crate::simd::Simd;

/// A matrix L: `M` numbers from `N`.
pub(super) trait Transform<const N: usize, const M: usize> {
    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; M];
}

// For 3 × 3 kernels polynomials are multiplied by their values at 0, 1, −1 and infinity, for 5 × 5 at 0, 1, −1, 2, −2 and
// infinity; the order of the numbers is that one.

/// Bᵀ
pub(super) struct Input;
/// Aᵀ
pub(super) struct Output;
/// A
pub(super) struct DOutput;
/// G
pub(super) struct Kernel;
/// B
pub(super) struct DInput;
/// Gᵀ
pub(super) struct DKernel;

impl Transform<4, 4> for Input {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 4] {
        [s.sub(a, c), s.add(b, c), s.sub(c, b), s.sub(b, d)]
    }
}

impl Transform<4, 2> for Output {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 2] {
        [s.add(s.add(a, b), c), s.sub(s.sub(b, c), d)]
    }
}

impl Transform<2, 4> for DOutput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b]: [S::F32; 2]) -> [S::F32; 4] {
        [a, s.add(a, b), s.sub(a, b), s.sub(s.splat(0.0), b)]
    }
}

impl Transform<3, 4> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c]: [S::F32; 3]) -> [S::F32; 4] {
        let (ends, half) = (s.add(a, c), s.splat(0.5));
        [
            a,
            s.mul(s.add(ends, b), half),
            s.mul(s.sub(ends, b), half),
            c,
        ]
    }
}

impl Transform<4, 3> for DKernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 3] {
        let half = s.splat(0.5);
        let (sum, difference) = (s.mul(s.add(b, c), half), s.mul(s.sub(b, c), half));
        [s.add(a, sum), difference, s.add(sum, d)]
    }
}

impl Transform<4, 4> for DInput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 4] {
        let difference = s.sub(b, c);
        [
            a,
            s.add(difference, d),
            s.sub(s.add(b, c), a),
            s.sub(s.splat(0.0), d),
        ]
    }
}

impl Transform<6, 6> for Input {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 6] {
        let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(5.0));
        let (even, odd) = (s.neg_mul_add(four, c, e), s.neg_mul_add(four, b, d));
        let (even_2, odd_2) = (s.sub(e, c), s.sub(d, b));
        [
            s.mul_add(four, a, s.neg_mul_add(five, c, e)),
            s.add(even, odd),
            s.sub(even, odd),
            s.mul_add(two, odd_2, even_2),
            s.neg_mul_add(two, odd_2, even_2),
            s.mul_add(four, b, s.neg_mul_add(five, d, f)),
        ]
    }
}

impl Transform<6, 6> for DInput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 6] {
        let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(5.0));
        let (sum, difference) = (s.add(b, c), s.sub(b, c));
        let (sum_2, difference_2) = (s.add(d, e), s.sub(d, e));
        let odd = s.mul_add(two, difference_2, difference);
        [
            s.mul(four, a),
            s.mul_add(
                four,
                s.sub(f, difference),
                s.mul(s.splat(-2.0), difference_2),
            ),
            s.neg_mul_add(
                five,
                a,
                s.neg_mul_add(four, sum, s.sub(s.splat(0.0), sum_2)),
            ),
            s.neg_mul_add(five, f, odd),
            s.add(s.add(a, sum), sum_2),
            f,
        ]
    }
}

impl Transform<6, 2> for Output {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 2] {
        let even = s.add(s.add(b, c), s.add(d, e));
        let odd = s.mul_add(s.splat(2.0), s.sub(d, e), s.sub(b, c));
        [s.add(a, even), s.add(odd, f)]
    }
}

impl Transform<2, 6> for DOutput {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b]: [S::F32; 2]) -> [S::F32; 6] {
        let two = s.splat(2.0);
        [
            a,
            s.add(a, b),
            s.sub(a, b),
            s.mul_add(two, b, a),
            s.neg_mul_add(two, b, a),
            b,
        ]
    }
}

impl Transform<5, 6> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e]: [S::F32; 5]) -> [S::F32; 6] {
        let (sixth, part) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 24.0));
        let (even, odd) = (s.add(s.add(a, c), e), s.add(b, d));
        let even_2 = s.mul_add(s.splat(16.0), e, s.mul_add(s.splat(4.0), c, a));
        let odd_2 = s.mul_add(s.splat(8.0), d, s.mul(s.splat(2.0), b));
        [
            s.mul(s.splat(0.25), a),
            s.mul(sixth, s.add(even, odd)),
            s.mul(sixth, s.sub(even, odd)),
            s.mul(part, s.add(even_2, odd_2)),
            s.mul(part, s.sub(even_2, odd_2)),
            e,
        ]
    }
}

impl Transform<6, 5> for DKernel {
    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F32; 6]) -> [S::F32; 5] {
        let (sixth, part) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 24.0));
        let (sum, difference) = (s.mul(sixth, s.add(b, c)), s.mul(sixth, s.sub(b, c)));
        let (sum_2, difference_2) = (s.mul(part, s.add(d, e)), s.mul(part, s.sub(d, e)));
        [
            s.mul_add(s.splat(0.25), a, s.add(sum, sum_2)),
            s.mul_add(s.splat(2.0), difference_2, difference),
            s.mul_add(s.splat(4.0), sum_2, sum),
            s.mul_add(s.splat(8.0), difference_2, difference),
            s.add(s.mul_add(s.splat(16.0), sum_2, sum), f),
        ]
    }
}
