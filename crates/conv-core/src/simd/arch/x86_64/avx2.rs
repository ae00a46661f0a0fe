use std::arch::asm;
use std::arch::x86_64::*;

use crate::simd::tiles::{Rows, Tiles};
use crate::simd::vector::assert_width;
use crate::simd::{LANES, Lanes, Op, Simd};

/// AVX2 and FMA: two vectors of 256 bits.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Avx2(());

const _: () = assert_width(Avx2::WIDTH, Avx2::PARTS);

/// # Safety
/// The processor must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) unsafe fn run<O: Op>(op: O) -> O::Output {
    op.run(Avx2(()))
}

/// The first `n` lanes, fewer than eight, as a mask.
///
/// # Safety
/// The processor must have AVX2.
#[inline(always)]
unsafe fn first(n: usize) -> __m256i {
    // SAFETY: as the caller vouches; nothing is read from memory.
    unsafe {
        _mm256_cmpgt_epi32(
            _mm256_set1_epi32(n as i32),
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        )
    }
}

/// `v` as it is, through an `asm!` block without an instruction: the compiler keeps such blocks in their order.
#[inline]
#[target_feature(enable = "avx")]
fn in_order(mut v: __m256) -> __m256 {
    // SAFETY: there is no instruction; `v` stays as it is, and no memory is touched.
    unsafe { asm!("/* {0} */", inout(ymm_reg) v, options(nomem, nostack, preserves_flags)) };
    v
}

/// `a * b + c` in the register of `c`, by an `asm!` block: the compiler keeps such blocks in their order.
#[inline]
#[target_feature(enable = "avx,fma")]
fn mul_add_in_order(a: __m256, b: __m256, mut c: __m256) -> __m256 {
    // SAFETY: the function's features have the instruction; it touches no memory and no flags.
    unsafe {
        asm!("vfmadd231ps {0}, {1}, {2}", inout(ymm_reg) c, in(ymm_reg) a, in(ymm_reg) b,
            options(nomem, nostack, preserves_flags));
    }
    c
}

/// Writes eight vectors transposed: lane i of the eight becomes row i. The rows begin `step` values apart.
///
/// # Safety
/// Eight values must be writable at each of the eight rows.
#[inline]
#[target_feature(enable = "avx")]
pub(super) unsafe fn store_transposed(vectors: [__m256; 8], to: *mut f32, step: usize) {
    let [a, b, c, d, e, f, g, h] = vectors;
    let (first, last) = (transpose_halves(a, b, c, d), transpose_halves(e, f, g, h));
    for row in 0..4 {
        let (first, last) = (first[row], last[row]);
        // SAFETY: the caller vouches for the rows.
        unsafe {
            let to = to.wrapping_add(row * step);
            _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(first, last));
            let to = to.wrapping_add(4 * step);
            _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x31>(first, last));
        }
    }
}

/// Copies eight values that lie P apart.
///
/// # Safety
/// As [`Simd::copy_strided`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn copy_strided<const P: usize>(from: *const f32, to: *mut f32) {
    // SAFETY: the caller vouches for P vectors of eight at `from`, and for one at `to`.
    unsafe {
        let (a, b) = (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)));
        let every = if P == 2 {
            // Two values at a time: 0, 2, 8, 10 and 4, 6, 12, 14, of which the middle ones change places.
            let pairs = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(pairs))
        } else {
            // The values that are wanted lie in different lanes of a, b and c, so that they fit into one vector.
            let c = _mm256_loadu_ps(from.add(16));
            let ab = _mm256_blend_ps::<0b1001_0010>(a, b);
            let abc = _mm256_blend_ps::<0b0010_0100>(ab, c);
            _mm256_permutevar8x32_ps(abc, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5))
        };
        _mm256_storeu_ps(to, every);
    }
}

/// Transposes four vectors, either half by itself: the lanes of a half become four rows.
#[inline]
#[target_feature(enable = "avx")]
fn transpose_halves(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0b01_00_01_00>(ab, cd),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab, cd),
        _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
    ]
}

/// One intrinsic as a safe method of the token.
macro_rules! with {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: an `Avx2` exists only inside `run`, whose caller vouched for the processor.
        unsafe { $intrinsic($($argument),*) }
    };
}

impl Tiles for Avx2 {
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

impl Simd for Avx2 {
    type F32 = __m256;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        with!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, lanes: &Lanes, part: usize) -> __m256 {
        // SAFETY: `part % 2` is 0 or 1, so eight lanes from there lie inside the sixteen, and they
        // are aligned to 32 bytes; the processor as in `with!`.
        unsafe { _mm256_load_ps(lanes.0.as_ptr().add(part % 2 * 8)) }
    }
    #[inline(always)]
    fn store(self, v: __m256, lanes: &mut Lanes, part: usize) {
        // SAFETY: as in `load`.
        unsafe { _mm256_store_ps(lanes.0.as_mut_ptr().add(part % 2 * 8), v) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        with!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        with!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        with!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn keep(self, v: __m256, bits: u16, part: usize) -> __m256 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe {
            let each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let bits = _mm256_set1_epi32(i32::from(bits >> (part % 2 * 8)));
            let kept = _mm256_cmpeq_epi32(_mm256_and_si256(bits, each), each);
            _mm256_and_ps(v, _mm256_castsi256_ps(kept))
        }
    }
    #[inline(always)]
    fn load_first(self, from: &[f32]) -> __m256 {
        // SAFETY: without a mask eight lanes are read of at least eight; with it only its lanes, which lie
        // inside `from`; the processor as in `with!`.
        unsafe {
            if from.len() >= 8 {
                return _mm256_loadu_ps(from.as_ptr());
            }
            _mm256_maskload_ps(from.as_ptr(), first(from.len()))
        }
    }
    #[inline(always)]
    fn store_first(self, v: __m256, to: &mut [f32]) {
        // SAFETY: as in `load_first`, writing to `to`.
        unsafe {
            if to.len() >= 8 {
                return _mm256_storeu_ps(to.as_mut_ptr(), v);
            }
            _mm256_maskstore_ps(to.as_mut_ptr(), first(to.len()), v);
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m256 {
        // SAFETY: the caller vouches for eight values; the processor as in `with!`.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn splat_pair(self, from: *const f32) -> __m256 {
        // SAFETY: the caller vouches for two values; the processor as in `with!`.
        unsafe { _mm256_castpd_ps(_mm256_set1_pd(from.cast::<f64>().read_unaligned())) }
    }
    #[inline(always)]
    fn add_pairwise(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe {
            // In quarters: sums of a, of b, of a, of b.
            let sums = _mm256_castps_pd(_mm256_hadd_ps(a, b));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(sums))
        }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: __m256, to: *mut f32) {
        // SAFETY: the caller vouches for eight values; the processor as in `with!`.
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, vectors: [__m256; 8], to: *mut f32, step: usize) {
        // SAFETY: the caller vouches for eight values in each of eight rows; the processor as in `with!`.
        unsafe { store_transposed(vectors, to, step) }
    }
    #[inline(always)]
    unsafe fn copy_strided<const P: usize>(self, from: *const f32, to: *mut f32) {
        // SAFETY: the caller vouches for what is read and written; the processor as in `with!`.
        unsafe { copy_strided::<P>(from, to) }
    }
    #[inline(always)]
    fn in_order(self, v: __m256) -> __m256 {
        with!(in_order(v))
    }
    #[inline(always)]
    fn mul_add_in_order(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        with!(mul_add_in_order(a, b, c))
    }
    #[inline(always)]
    fn scale(self, v: __m256, k: __m256) -> __m256 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
            _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn if_greater(self, a: __m256, b: __m256, v: __m256, otherwise: __m256) -> __m256 {
        with!(_mm256_blendv_ps(
            otherwise,
            v,
            _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)
        ))
    }
    #[inline(always)]
    fn if_nan(self, a: __m256, v: __m256, otherwise: __m256) -> __m256 {
        with!(_mm256_blendv_ps(
            otherwise,
            v,
            _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)
        ))
    }
    #[inline(always)]
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        // SAFETY: eight integers are read from 0 and eight from 8 of the sixteen, unaligned; the
        // processor as in `with!`.
        unsafe {
            let half = |at: usize| {
                let x = _mm256_loadu_si256(x.as_ptr().add(at).cast());
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32::<31>(x))) as u16
            };
            half(0) | half(8) << 8
        }
    }
}
