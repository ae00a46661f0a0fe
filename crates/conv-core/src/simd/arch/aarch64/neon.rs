use std::arch::aarch64::*;
use std::arch::asm;

use crate::simd::tiles::{Rows, Tiles};
use crate::simd::vector::assert_width;
use crate::simd::{LANES, Lanes, Op, Simd};

/// NEON, which every 64-bit ARM processor has: a vector of eight lanes is two registers of 128 bits.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Neon;

const _: () = assert_width(Neon::WIDTH, Neon::PARTS);

pub(in crate::simd) fn run<O: Op>(op: O) -> O::Output {
    op.run(Neon)
}

/// Lanes 0 to 3 and lanes 4 to 7.
type Halves = float32x4x2_t;

/// An intrinsic that touches no memory, on either half of vectors of eight.
macro_rules! on_halves {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: every processor of aarch64 has NEON, and the intrinsic reads and writes no memory.
        unsafe { float32x4x2_t($intrinsic($($argument.0),*), $intrinsic($($argument.1),*)) }
    };
}

/// The lanes of `v` where `a` and `b` compare so, those of `otherwise` elsewhere.
macro_rules! if_compares {
    ($compare:ident($a:expr, $b:expr), $v:expr, $otherwise:expr) => {{
        // SAFETY: every processor of aarch64 has NEON, and the intrinsics read and write no memory.
        unsafe {
            float32x4x2_t(
                vbslq_f32($compare($a.0, $b.0), $v.0, $otherwise.0),
                vbslq_f32($compare($a.1, $b.1), $v.1, $otherwise.1),
            )
        }
    }};
}

/// The first four values, +0 for those that are not there.
#[inline(always)]
fn load_half(from: &[f32]) -> float32x4_t {
    let lanes = match *from {
        [] => [0.0; 4],
        [a] => [a, 0.0, 0.0, 0.0],
        [a, b] => [a, b, 0.0, 0.0],
        [a, b, c] => [a, b, c, 0.0],
        [a, b, c, d, ..] => [a, b, c, d],
    };
    // SAFETY: every processor of aarch64 has NEON; four values are read of four.
    unsafe { vld1q_f32(lanes.as_ptr()) }
}

/// Transposes four halves: the lanes of each become four rows.
#[inline(always)]
fn transpose_halves(
    a: float32x4_t,
    b: float32x4_t,
    c: float32x4_t,
    d: float32x4_t,
) -> [float32x4_t; 4] {
    // SAFETY: every processor of aarch64 has NEON, and the intrinsics read and write no memory.
    unsafe {
        let (ac, bd) = (vzip1q_f32(a, c), vzip1q_f32(b, d));
        let (ac_high, bd_high) = (vzip2q_f32(a, c), vzip2q_f32(b, d));
        [
            vzip1q_f32(ac, bd),
            vzip2q_f32(ac, bd),
            vzip1q_f32(ac_high, bd_high),
            vzip2q_f32(ac_high, bd_high),
        ]
    }
}

/// Thirty-two registers, which are sixteen vectors of eight lanes.
impl Tiles for Neon {
    const WEIGHTED_ROWS: usize = 13;

    #[inline(always)]
    fn output_pixels<R: Rows>(_by_fours: bool, work: R) -> R::Output {
        work.run::<6>()
    }
    #[inline(always)]
    fn d_kernel_taps<R: Rows>(work: R) -> R::Output {
        work.run::<6>()
    }
}

impl Simd for Neon {
    type F32 = Halves;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> Halves {
        // SAFETY: every processor of aarch64 has NEON, and the intrinsic reads and writes no memory.
        let half = unsafe { vdupq_n_f32(x) };
        float32x4x2_t(half, half)
    }
    #[inline(always)]
    fn splat_one_of(self, four: &[f32; 4], i: usize) -> Halves {
        // SAFETY: every processor of aarch64 has NEON; four values are read of four.
        let half = unsafe {
            // A multiply-add takes its factor from a lane of the four, which are loaded once.
            let four = vld1q_f32(four.as_ptr());
            match i {
                0 => vdupq_laneq_f32::<0>(four),
                1 => vdupq_laneq_f32::<1>(four),
                2 => vdupq_laneq_f32::<2>(four),
                _ => vdupq_laneq_f32::<3>(four),
            }
        };
        float32x4x2_t(half, half)
    }
    #[inline(always)]
    fn load(self, lanes: &Lanes, part: usize) -> Halves {
        // SAFETY: `part % 2` is 0 or 1, so eight lanes from there lie inside the sixteen.
        unsafe { self.load_at(lanes.0.as_ptr().add(part % 2 * 8)) }
    }
    #[inline(always)]
    fn store(self, v: Halves, lanes: &mut Lanes, part: usize) {
        // SAFETY: as in `load`.
        unsafe { self.store_at(v, lanes.0.as_mut_ptr().add(part % 2 * 8)) }
    }
    #[inline(always)]
    fn add(self, a: Halves, b: Halves) -> Halves {
        on_halves!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Halves, b: Halves) -> Halves {
        on_halves!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Halves, b: Halves) -> Halves {
        on_halves!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(self, a: Halves, b: Halves) -> Halves {
        on_halves!(vdivq_f32(a, b))
    }
    // NEON's own minimum and maximum return NaN where either is NaN, and take -0 for less than +0.
    #[inline(always)]
    fn min(self, a: Halves, b: Halves) -> Halves {
        if_compares!(vcltq_f32(a, b), a, b)
    }
    #[inline(always)]
    fn max(self, a: Halves, b: Halves) -> Halves {
        if_compares!(vcgtq_f32(a, b), a, b)
    }
    #[inline(always)]
    fn at_most(self, v: Halves, bound: f32) -> Halves {
        let bound = self.splat(bound);
        on_halves!(vminq_f32(v, bound))
    }
    #[inline(always)]
    fn at_least(self, v: Halves, bound: f32) -> Halves {
        let bound = self.splat(bound);
        on_halves!(vmaxq_f32(v, bound))
    }
    #[inline(always)]
    fn mul_add(self, a: Halves, b: Halves, c: Halves) -> Halves {
        on_halves!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Halves, b: Halves, c: Halves) -> Halves {
        on_halves!(vfmsq_f32(c, a, b))
    }
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read there")]
    #[inline(always)]
    fn polynomials(self, x: Halves, coefficients: &'static [[[f32; 8]; 2]; 5]) -> [Halves; 2] {
        let [p, q] = coefficients[4];
        let (mut p, mut q) = (self.splat(p[0]), self.splat(q[0]));
        // A multiply-add writes over its summand. Of values that it knows, the compiler would keep one in a register, and copy it
        // to another before each; what lies at a place that it does not know is loaded, a pair of registers at a time.
        let mut from = coefficients.as_ptr();
        // SAFETY: there is no instruction; `from` stays as it is, and no memory is touched. So it points to the coefficients.
        let coefficients = unsafe {
            asm!("/* {0} */", inout(reg) from, options(nomem, nostack, preserves_flags));
            &*from.cast::<[[[f32; 8]; 2]; 5]>()
        };
        for [of_p, of_q] in coefficients[..4].iter().rev() {
            // SAFETY: eight values are read of eight, twice.
            let (of_p, of_q) =
                unsafe { (self.load_at(of_p.as_ptr()), self.load_at(of_q.as_ptr())) };
            p = self.mul_add(p, x, of_p);
            q = self.mul_add(q, x, of_q);
        }
        [p, q]
    }
    #[inline(always)]
    fn keep(self, v: Halves, bits: u16, part: usize) -> Halves {
        const EACH: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: every processor of aarch64 has NEON; four values are read from 0 and four from 4 of eight.
        unsafe {
            let bits = vdupq_n_u32(u32::from(bits >> (part % 2 * 8)));
            let half = |v: float32x4_t, at: usize| {
                let kept = vtstq_u32(bits, vld1q_u32(EACH.as_ptr().add(at)));
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), kept))
            };
            float32x4x2_t(half(v.0, 0), half(v.1, 4))
        }
    }
    #[inline(always)]
    fn load_first(self, from: &[f32]) -> Halves {
        if from.len() >= 8 {
            // SAFETY: eight values are read of at least eight.
            return unsafe { self.load_at(from.as_ptr()) };
        }
        let second = from.get(4..).unwrap_or_default();
        float32x4x2_t(load_half(from), load_half(second))
    }
    #[inline(always)]
    fn store_first(self, v: Halves, to: &mut [f32]) {
        if to.len() >= 8 {
            // SAFETY: eight values are written of at least eight.
            return unsafe { self.store_at(v, to.as_mut_ptr()) };
        }
        let mut lanes = [0.0; 8];
        // SAFETY: eight values are written of eight.
        unsafe { self.store_at(v, lanes.as_mut_ptr()) };
        for (x, lane) in to.iter_mut().zip(lanes) {
            *x = lane;
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Halves {
        // SAFETY: the caller vouches for eight values; every processor of aarch64 has NEON.
        unsafe { float32x4x2_t(vld1q_f32(from), vld1q_f32(from.add(4))) }
    }
    #[inline(always)]
    unsafe fn splat_pair(self, from: *const f32) -> Halves {
        // SAFETY: the caller vouches for two values; every processor of aarch64 has NEON.
        let half = unsafe {
            let pair = vld1_f32(from);
            vcombine_f32(pair, pair)
        };
        float32x4x2_t(half, half)
    }
    #[inline(always)]
    fn add_pairwise(self, a: Halves, b: Halves) -> Halves {
        // SAFETY: every processor of aarch64 has NEON, and the intrinsics read and write no memory.
        unsafe { float32x4x2_t(vpaddq_f32(a.0, a.1), vpaddq_f32(b.0, b.1)) }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: Halves, to: *mut f32) {
        // SAFETY: the caller vouches for eight values; every processor of aarch64 has NEON.
        unsafe {
            vst1q_f32(to, v.0);
            vst1q_f32(to.add(4), v.1);
        }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, vectors: [Halves; 8], to: *mut f32, step: usize) {
        let [a, b, c, d, e, f, g, h] = vectors;
        let rows = [
            transpose_halves(a.0, b.0, c.0, d.0),
            transpose_halves(a.1, b.1, c.1, d.1),
        ];
        let ends = [
            transpose_halves(e.0, f.0, g.0, h.0),
            transpose_halves(e.1, f.1, g.1, h.1),
        ];
        for row in 0..8 {
            let v = float32x4x2_t(rows[row / 4][row % 4], ends[row / 4][row % 4]);
            // SAFETY: the caller vouches for eight values in each of eight rows.
            unsafe { self.store_at(v, to.wrapping_add(row * step)) };
        }
    }
    #[inline(always)]
    unsafe fn copy_strided<const P: usize>(self, from: *const f32, to: *mut f32) {
        // SAFETY: the caller vouches for P vectors of eight at `from`, and for one at `to`: either half of the vector is every
        // second or third of P times four values. Every processor of aarch64 has NEON.
        unsafe {
            let every = |from: *const f32| {
                if P == 2 {
                    vld2q_f32(from).0
                } else {
                    vld3q_f32(from).0
                }
            };
            self.store_at(float32x4x2_t(every(from), every(from.add(4 * P))), to);
        }
    }
    #[inline(always)]
    fn scale(self, v: Halves, k: Halves) -> Halves {
        // SAFETY: every processor of aarch64 has NEON, and the intrinsics read and write no memory.
        unsafe {
            let half = |v: float32x4_t, k: float32x4_t| {
                let exponent = vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127));
                vmulq_f32(v, vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
            };
            float32x4x2_t(half(v.0, k.0), half(v.1, k.1))
        }
    }
    #[inline(always)]
    fn if_greater(self, a: Halves, b: Halves, v: Halves, otherwise: Halves) -> Halves {
        if_compares!(vcgtq_f32(a, b), v, otherwise)
    }
    #[inline(always)]
    fn if_nan(self, a: Halves, v: Halves, otherwise: Halves) -> Halves {
        // What equals itself is not NaN.
        if_compares!(vceqq_f32(a, a), otherwise, v)
    }
    #[inline(always)]
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        self.parities::<1>(x)
    }
    #[inline(always)]
    fn parities<const BITS: u32>(self, x: &[u32; LANES]) -> u16 {
        const EACH: [u8; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: every processor of aarch64 has NEON; four integers are read from 0, 4, 8 and 12 of sixteen, and eight of eight.
        unsafe {
            // How many are set in each byte.
            let count = |at: usize| {
                let bits = vandq_u32(vld1q_u32(x.as_ptr().add(at)), vdupq_n_u32(BITS));
                vcntq_u8(vreinterpretq_u8_u32(bits))
            };
            // Added twice to the one beside it, a byte for each integer.
            let (first, last) = (
                vpaddq_u8(count(0), count(4)),
                vpaddq_u8(count(8), count(12)),
            );
            let odd = vtstq_u8(vpaddq_u8(first, last), vdupq_n_u8(1));
            let each = vld1_u8(EACH.as_ptr());
            let mut bits = vandq_u8(odd, vcombine_u8(each, each));
            // Eight different bits become a byte.
            for _ in 0..3 {
                bits = vpaddq_u8(bits, bits);
            }
            vgetq_lane_u16::<0>(vreinterpretq_u16_u8(bits))
        }
    }
}
