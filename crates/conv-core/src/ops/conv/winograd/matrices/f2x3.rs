//! F(2×2, 3×3), by the points 0, 1, −1 and infinity.

use super::{DInput, DKernel, DOutput, Input, Kernel, Output};
use crate::simd::{Simd, Transform};

impl Transform<4, 4> for Input {
    const READS_CUT_TILES: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 4] {
        [s.sub(a, c), s.add(b, c), s.sub(c, b), s.sub(b, d)]
    }
}

impl Transform<4, 2> for Output {
    const WRITES_CUT_TILES: bool = true;
    const ADDS_BIAS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b, c, d]: [S::F32; 4]) -> [S::F32; 2] {
        [s.add(s.add(a, b), c), s.sub(s.sub(b, c), d)]
    }
}

impl Transform<2, 4> for DOutput {
    const READS_CUT_TILES: bool = true;

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
    const ADDS: bool = true;

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
