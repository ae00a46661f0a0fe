//! The relaxed multiply-add, of which the engine decides how often it rounds.

use std::arch::wasm32::*;
use std::hint::black_box;

use super::halves::{Halves, MulAdd, Wasm};
use crate::simd::{LANES, Lanes, Op, Simd};

/// SIMD with the relaxed multiply-add. Its bits are those of other instruction sets only where it [rounds
/// once](rounds_once).
#[target_feature(enable = "relaxed-simd")]
pub(in crate::simd) fn run<O: Op>(op: O) -> O::Output {
    op.run(Wasm::<Relaxed>::new())
}

/// Whether the engine rounds once, in every lane. It has chosen when the module begins to run, and does not change that.
pub(in crate::simd) fn rounds_once() -> bool {
    run(RoundsOnce)
}

/// The question. (1 + 2⁻¹²)² is 1 + 2⁻¹¹ + 2⁻²⁴, of which an `f32` keeps the first two summands.
struct RoundsOnce;

impl Op for RoundsOnce {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        let factor = black_box(Lanes([1.0 + 1.0 / 4096.0; LANES]));
        let summand = black_box(Lanes([1.0 + 1.0 / 2048.0; LANES]));
        let mut left = [Lanes::ZERO; 3];
        for part in 0..S::PARTS {
            let (a, c) = (s.load(&factor, part), s.load(&summand, part));
            let minus_c = s.sub(s.splat(0.0), c);
            let minus_left = s.neg_mul_add(a, a, c);
            for (v, left) in [
                s.mul_add(a, a, minus_c),
                s.mul_add_in_order(a, a, minus_c),
                s.sub(s.splat(0.0), minus_left),
            ]
            .into_iter()
            .zip(&mut left)
            {
                s.store(v, left, part);
            }
        }
        left == [Lanes([1.0 / 16_777_216.0; LANES]); 3]
    }
}

/// The engine's own.
#[derive(Clone, Copy)]
struct Relaxed;

impl MulAdd for Relaxed {
    #[inline(always)]
    fn mul_add(a: Halves, b: Halves, c: Halves) -> Halves {
        Halves(
            f32x4_relaxed_madd(a.0, b.0, c.0),
            f32x4_relaxed_madd(a.1, b.1, c.1),
        )
    }
    #[inline(always)]
    fn neg_mul_add(a: Halves, b: Halves, c: Halves) -> Halves {
        Halves(
            f32x4_relaxed_madd(f32x4_neg(a.0), b.0, c.0),
            f32x4_relaxed_madd(f32x4_neg(a.1), b.1, c.1),
        )
    }
}
