//! Fused multiply-add without an instruction for it: in `f64`, where the product is exact.

use std::arch::wasm32::*;

use super::halves::{Halves, MulAdd, Wasm};
use crate::simd::Op;
use crate::simd::arch::scalar::fused;

/// SIMD as every engine has it. A function of its own: engines compile larger ones with less care.
#[inline(never)]
pub(in crate::simd) fn run<O: Op>(op: O) -> O::Output {
    op.run(Wasm::<Exact>::new())
}

/// Exact in software.
#[derive(Clone, Copy)]
pub(super) struct Exact;

impl MulAdd for Exact {
    #[inline(always)]
    fn mul_add(a: Halves, b: Halves, c: Halves) -> Halves {
        let (first, suspect) = nearly_fused(a.0, b.0, c.0);
        let (second, suspect_too) = nearly_fused(a.1, b.1, c.1);
        if v128_any_true(v128_or(suspect, suspect_too)) {
            return Halves(each_fused(a.0, b.0, c.0), each_fused(a.1, b.1, c.1));
        }
        Halves(first, second)
    }
    #[inline(always)]
    fn neg_mul_add(a: Halves, b: Halves, c: Halves) -> Halves {
        Self::mul_add(Halves(f32x4_neg(a.0), f32x4_neg(a.1)), b, c)
    }
}

/// `a * b + c` rounded to `f64` and then to `f32`, and a mask of lanes in which that might not be the exact value rounded
/// once.
///
/// The product is exact. The sum is rounded twice, and that differs from one rounding only where the first one gives a number
/// midway between two `f32`. In `f64` such a number ends with a one and 28 zeros, but for those among the subnormal `f32`,
/// all of which are suspect. (0 is not: a sum that becomes 0 is exact, since a product that does not vanish beside the
/// smallest `f32` has no bit below 2⁻¹⁹⁸.)
#[inline(always)]
fn nearly_fused(a: v128, b: v128, c: v128) -> (v128, v128) {
    const SUBNORMAL_END: i32 = (1 << 24) - 1;
    let low = sum(a, b, c);
    let high = sum(second_pair(a), second_pair(b), second_pair(c));
    let rounded = i64x2_shuffle::<0, 2>(
        in_place(f32x4_demote_f64x2_zero(low)),
        in_place(f32x4_demote_f64x2_zero(high)),
    );
    // The lower halves of the four sums, without the three bits that `f32` has room for.
    let ends = i32x4_shl(i32x4_shuffle::<0, 2, 4, 6>(low, high), 3);
    let midway = i32x4_eq(ends, i32x4_splat(i32::MIN));
    // Without the sign, and counted from the smallest integer on: the subnormal numbers first, and 0 last.
    let size = i32x4_add(i32x4_shl(rounded, 1), i32x4_splat(i32::MAX));
    let subnormal = i32x4_lt(size, i32x4_splat(i32::MIN + SUBNORMAL_END));
    (rounded, v128_or(midway, subnormal))
}

/// The third and the fourth lane.
#[inline(always)]
fn second_pair(v: v128) -> v128 {
    i64x2_shuffle::<1, 1>(v, v)
}

/// `a * b + c` of the first two lanes, in `f64`.
#[inline(always)]
fn sum(a: v128, b: v128, c: v128) -> v128 {
    let product = f64x2_mul(f64x2_promote_low_f32x4(a), f64x2_promote_low_f32x4(b));
    f64x2_add(product, f64x2_promote_low_f32x4(c))
}

/// `v` as it is: the mean of each byte and itself. Without it the compiler would round four values one by one instead of
/// twice two.
#[inline(always)]
fn in_place(v: v128) -> v128 {
    u8x16_avgr(v, v)
}

/// `a * b + c`, lane by lane. (Of functions with Rust's calling convention, vectors pass through memory.)
#[cold]
#[inline(never)]
#[allow(improper_ctypes_definitions, reason = "Rust calls it, and nobody else")]
extern "C" fn each_fused(a: v128, b: v128, c: v128) -> v128 {
    macro_rules! lane {
        ($lane:literal) => {
            fused(
                f32x4_extract_lane::<$lane>(a),
                f32x4_extract_lane::<$lane>(b),
                f32x4_extract_lane::<$lane>(c),
            )
        };
    }
    f32x4(lane!(0), lane!(1), lane!(2), lane!(3))
}
