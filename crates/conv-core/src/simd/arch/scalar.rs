use crate::simd::tiles::{Rows, Tiles};
use crate::simd::vector::assert_width;
use crate::simd::{LANES, Lanes, Op, Simd};

/// Eight lanes as an array, for every processor.
///
/// Its time goes into multiply-adds in software, and so neither inlining nor tiles make it faster. Both were left out:
/// with them this instruction set alone was half of the crate's machine code, and a quarter of its build.
#[derive(Clone, Copy, Debug)]
pub(in crate::simd) struct Scalar;

/// How many lanes an array has.
const WIDTH: usize = 8;

const _: () = assert_width(Scalar::WIDTH, Scalar::PARTS);

pub(in crate::simd) fn run<O: Op>(op: O) -> O::Output {
    op.run(Scalar)
}

impl Scalar {
    #[inline(always)]
    fn map2(a: [f32; WIDTH], b: [f32; WIDTH], f: impl Fn(f32, f32) -> f32) -> [f32; WIDTH] {
        std::array::from_fn(|i| f(a[i], b[i]))
    }
}

/// Whether every processor of the target has a multiply-add.
const FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// `a * b + c` with one rounding.
///
/// The processor's own instruction where every processor of the target has it. Elsewhere in `f64`:
/// the product of two `f32` is exact there, and the sum is rounded *to odd*, after which the rounding
/// to `f32` is that of the exact value (Boldo and Melquiond, Emulation of FMA and correctly rounded
/// sums: proved algorithms using rounding to odd, 2008, theorem 1).
#[inline]
pub(super) fn fused(a: f32, b: f32, c: f32) -> f32 {
    if FMA {
        return a.mul_add(b, c);
    }
    let (x, y) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = x + y;
    // What the rounding of the sum lost, exactly (Knuth's TwoSum); NaN where the sum is not finite.
    let y_part = sum - x;
    let lost = (x - (sum - y_part)) + (y - y_part);
    let bits = sum.to_bits();
    // An even sum moves to its odd neighbour on the side of what was lost.
    let even = bits & 1 == 0;
    let outward = (lost > 0.0) == (sum > 0.0);
    let odd = if outward {
        bits.wrapping_add(1)
    } else {
        bits.wrapping_sub(1)
    };
    let moves = even & ((lost > 0.0) | (lost < 0.0));
    f64::from_bits(if moves { odd } else { bits }) as f32
}

/// `a * b + c` in every lane, with one rounding.
///
/// Without an instruction for it, the sum is rounded to `f64` and then to `f32`. That differs from one rounding only where
/// the first one gives a number midway between two `f32`: in `f64` it ends with a one and 28 zeros, but for those among the
/// subnormal `f32`. Only where a lane is one of these is the sum [rounded to odd](fused). (0 is none: a sum that becomes 0
/// is exact, since a product that does not vanish beside the smallest `f32` has no bit below 2⁻¹⁹⁸.)
#[inline(always)]
fn all_fused(a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
    /// Of the lower 32 bits of an `f64`, those that an `f32` has room for.
    const KEPT_OF_32: u32 = 3;
    if FMA {
        return std::array::from_fn(|i| fused(a[i], b[i], c[i]));
    }
    let mut sums = [0.0; WIDTH];
    let mut suspect = 0;
    for (i, rounded) in sums.iter_mut().enumerate() {
        let sum = f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i]);
        *rounded = sum as f32;
        let midway = (sum.to_bits() as u32) << KEPT_OF_32 == 1 << 31;
        // Without the sign, and with 0 behind all others.
        let size = (rounded.to_bits() << 1).wrapping_sub(1);
        let subnormal = size < (f32::MIN_POSITIVE.to_bits() << 1) - 1;
        suspect |= u32::from(midway) | u32::from(subnormal);
    }
    if suspect == 0 {
        return sums;
    }
    each_fused(a, b, c)
}

/// [`fused`], lane by lane.
#[cold]
#[inline(never)]
fn each_fused(a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
    std::array::from_fn(|i| fused(a[i], b[i], c[i]))
}

impl Tiles for Scalar {
    const UNROLLED: bool = false;
    const WEIGHTED_ROWS: usize = 1;

    #[inline(always)]
    fn output_pixels<R: Rows>(_by_fours: bool, work: R) -> R::Output {
        work.run::<1>()
    }
    #[inline(always)]
    fn narrow_pixels<R: Rows>(work: R) -> R::Output {
        work.run::<1>()
    }
    #[inline(always)]
    fn d_kernel_taps<R: Rows>(work: R) -> R::Output {
        work.run::<1>()
    }
    #[inline(always)]
    fn gemm_rows<R: Rows, const V: usize>(_left: usize, work: R) -> R::Output {
        work.run::<1>()
    }
}

impl Simd for Scalar {
    type F32 = [f32; WIDTH];
    const WIDTH: usize = WIDTH;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; WIDTH] {
        [x; WIDTH]
    }
    #[inline(always)]
    fn load(self, lanes: &Lanes, part: usize) -> [f32; WIDTH] {
        let from = WIDTH * (part % Self::PARTS);
        std::array::from_fn(|i| lanes.0[from + i])
    }
    #[inline(always)]
    fn store(self, v: [f32; WIDTH], lanes: &mut Lanes, part: usize) {
        let from = WIDTH * (part % Self::PARTS);
        lanes.0[from..][..WIDTH].copy_from_slice(&v);
    }
    #[inline(never)]
    fn add(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| a + b)
    }
    #[inline(never)]
    fn sub(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| a - b)
    }
    #[inline(never)]
    fn mul(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| a * b)
    }
    #[inline(never)]
    fn div(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| a / b)
    }
    #[inline(never)]
    fn min(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(never)]
    fn max(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(never)]
    fn mul_add(self, a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
        all_fused(a, b, c)
    }
    #[inline(never)]
    fn neg_mul_add(self, a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
        all_fused(a.map(|a| -a), b, c)
    }
    #[inline(never)]
    fn keep(self, v: [f32; WIDTH], bits: u16, part: usize) -> [f32; WIDTH] {
        let bits = bits >> (WIDTH * (part % Self::PARTS));
        std::array::from_fn(|i| if bits >> i & 1 == 1 { v[i] } else { 0.0 })
    }
    #[inline(never)]
    fn load_first(self, from: &[f32]) -> [f32; WIDTH] {
        let mut lanes = [0.0; WIDTH];
        for (lane, x) in lanes.iter_mut().zip(from) {
            *lane = *x;
        }
        lanes
    }
    #[inline(never)]
    fn store_first(self, v: [f32; WIDTH], to: &mut [f32]) {
        for (x, lane) in to.iter_mut().zip(v) {
            *x = lane;
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> [f32; WIDTH] {
        // SAFETY: the caller vouches for sixteen values.
        unsafe { from.cast::<[f32; WIDTH]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn splat_pair(self, from: *const f32) -> [f32; WIDTH] {
        // SAFETY: the caller vouches for two values.
        let pair = unsafe { from.cast::<[f32; 2]>().read_unaligned() };
        std::array::from_fn(|i| pair[i % 2])
    }
    #[inline(never)]
    fn add_pairwise(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|i| {
            let from = if i < WIDTH / 2 { &a } else { &b };
            let first = 2 * i % WIDTH;
            from[first] + from[first + 1]
        })
    }
    #[inline(always)]
    unsafe fn store_at(self, v: [f32; WIDTH], to: *mut f32) {
        // SAFETY: the caller vouches for sixteen values.
        unsafe { to.cast::<[f32; WIDTH]>().write_unaligned(v) }
    }
    #[inline(never)]
    unsafe fn store_transposed(self, vectors: [[f32; WIDTH]; 8], to: *mut f32, step: usize) {
        for lane in 0..WIDTH {
            for (i, vector) in vectors.iter().enumerate() {
                // SAFETY: the caller vouches for eight values in each of sixteen rows.
                unsafe { *to.wrapping_add(lane * step + i) = vector[lane] };
            }
        }
    }
    #[inline(never)]
    fn scale(self, v: [f32; WIDTH], k: [f32; WIDTH]) -> [f32; WIDTH] {
        Self::map2(v, k, |v, k| {
            v * f32::from_bits(((k as i32).wrapping_add(127) as u32) << 23)
        })
    }
    #[inline(never)]
    fn if_greater(
        self,
        a: [f32; WIDTH],
        b: [f32; WIDTH],
        v: [f32; WIDTH],
        otherwise: [f32; WIDTH],
    ) -> [f32; WIDTH] {
        std::array::from_fn(|i| if a[i] > b[i] { v[i] } else { otherwise[i] })
    }
    #[inline(never)]
    fn if_nan(self, a: [f32; WIDTH], v: [f32; WIDTH], otherwise: [f32; WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|i| if a[i].is_nan() { v[i] } else { otherwise[i] })
    }
    #[inline(never)]
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        let mut bits = 0;
        for (i, x) in x.iter().enumerate() {
            bits |= ((x & 1) as u16) << i;
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::fused;
    use crate::simd::arch::multiply_add::of_the_machine;

    #[test]
    fn the_software_multiply_add_rounds_once() {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        for round in 0..if cfg!(miri) { 2_000 } else { 400_000 } {
            let (a, mut b, mut c) = (
                f32::from_bits(next()),
                f32::from_bits(next()),
                f32::from_bits(next()),
            );
            if round % 2 == 0 {
                // Exponents near each other, where the sum's bits overlap the product's.
                b = f32::from_bits((b.to_bits() & 0x807f_ffff) | 0x3f80_0000);
                let exponent =
                    ((a.to_bits() >> 23 & 0xff) as i32 + (next() % 60) as i32 - 30).clamp(0, 254);
                c = f32::from_bits((c.to_bits() & 0x807f_ffff) | (exponent as u32) << 23);
            }
            check(a, b, c);
        }
        // A product of 25 bits, the last one set, lies midway between two f32; the smallest addend decides,
        // and two roundings, to f64 and to f32, would lose it.
        let mut lost = 0;
        for i in 0..1000_u16 {
            let (a, b) = (f32::from(4097 + 2 * i), f32::from(4099_u16));
            for c in [1e-30, -1e-30, 0.0] {
                check(a, b, c);
                lost += u32::from(
                    (f64::from(a) * f64::from(b) + f64::from(c)) as f32 != of_the_machine(a, b, c),
                );
            }
        }
        assert!(
            lost > 100,
            "only {lost} cases in which two roundings would have been wrong"
        );
    }

    fn check(a: f32, b: f32, c: f32) {
        let (ours, exact) = (fused(a, b, c), of_the_machine(a, b, c));
        let same = ours.to_bits() == exact.to_bits() || (ours.is_nan() && exact.is_nan());
        assert!(same, "{a:e} * {b:e} + {c:e}: {ours:e}, exactly {exact:e}");
    }

    #[test]
    fn the_software_multiply_add_is_right_among_subnormals() {
        for i in 0..2000_u32 {
            let a = f32::from_bits(0x0080_0000 + i * 7919);
            let b = f32::from_bits(0x3300_0001 + i * 104_729 % 0x0080_0000);
            for c in [0.0, f32::from_bits(1), -f32::from_bits(3 + i)] {
                check(a, b, c);
            }
        }
    }
}
