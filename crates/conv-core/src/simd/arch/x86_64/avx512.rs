use std::arch::asm;
use std::arch::x86_64::*;

use super::avx2;
use crate::simd::tiles::{Rows, Tiles, gemm_rows_of_six};
use crate::simd::vector::assert_width;
use crate::simd::{LANES, Lanes, Op, Simd};
use crate::tuning::TAPS_PER_TILE;

/// AVX-512F: one vector of 512 bits.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Avx512(());

const _: () = assert_width(Avx512::WIDTH, Avx512::PARTS);

/// # Safety
/// The processor must have AVX-512F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(in crate::simd) unsafe fn run<O: Op>(op: O) -> O::Output {
    op.run(Avx512(()))
}

/// The first `n` lanes, fewer than sixteen, as a mask.
#[inline(always)]
fn first(n: usize) -> u16 {
    (1 << n) - 1
}

/// `v` as it is, through an `asm!` block without an instruction: the compiler keeps such blocks in their order.
#[inline]
#[target_feature(enable = "avx512f")]
fn in_order(mut v: __m512) -> __m512 {
    // SAFETY: there is no instruction; `v` stays as it is, and no memory is touched.
    unsafe { asm!("/* {0} */", inout(zmm_reg) v, options(nomem, nostack, preserves_flags)) };
    v
}

/// `a * b + c` in the register of `c`, by an `asm!` block: the compiler keeps such blocks in their order.
#[inline]
#[target_feature(enable = "avx512f")]
fn mul_add_in_order(a: __m512, b: __m512, mut c: __m512) -> __m512 {
    // SAFETY: the function's features have the instruction; it touches no memory and no flags.
    unsafe {
        asm!("vfmadd231ps {0}, {1}, {2}", inout(zmm_reg) c, in(zmm_reg) a, in(zmm_reg) b,
            options(nomem, nostack, preserves_flags));
    }
    c
}

/// [`Simd::splat_from`]. The instruction adds up the address: the compiler would keep each address in a register of its own,
/// and has not enough of them.
///
/// # Safety
/// As [`Simd::splat_from`].
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn splat_from<const PAIR: bool, const TIMES: usize>(
    from: *const f32,
    step: usize,
) -> __m512 {
    let v: __m512;
    // SAFETY: the function's features have the instructions; the caller vouches for what is read.
    unsafe {
        match (PAIR, TIMES) {
            (false, 0) => {
                asm!("vbroadcastss {0}, dword ptr [{1}]", out(zmm_reg) v, in(reg) from,
                    options(readonly, nostack, preserves_flags));
            }
            (true, 0) => {
                asm!("vbroadcastsd {0}, qword ptr [{1}]", out(zmm_reg) v, in(reg) from,
                    options(readonly, nostack, preserves_flags));
            }
            (false, _) => {
                asm!("vbroadcastss {0}, dword ptr [{1} + {2}*{3}]", out(zmm_reg) v, in(reg) from,
                    in(reg) step, const TIMES, options(readonly, nostack, preserves_flags));
            }
            (true, _) => {
                asm!("vbroadcastsd {0}, qword ptr [{1} + {2}*{3}]", out(zmm_reg) v, in(reg) from,
                    in(reg) step, const TIMES, options(readonly, nostack, preserves_flags));
            }
        }
    }
    v
}

/// One intrinsic as a safe method of the token.
macro_rules! with {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: an `Avx512` exists only inside `run`, whose caller vouched for the processor.
        unsafe { $intrinsic($($argument),*) }
    };
}

/// Thirty-two registers.
impl Tiles for Avx512 {
    const WEIGHTED_ROWS: usize = 15;

    #[inline(always)]
    fn output_pixels<R: Rows>(by_fours: bool, work: R) -> R::Output {
        if by_fours {
            work.run::<8>()
        } else {
            work.run::<14>()
        }
    }
    #[inline(always)]
    fn d_kernel_taps<R: Rows>(work: R) -> R::Output {
        work.run::<TAPS_PER_TILE>()
    }
    #[inline(always)]
    fn gemm_rows<R: Rows, const V: usize>(left: usize, work: R) -> R::Output {
        match left {
            16.. if V == 1 => work.run::<16>(),
            8.. => work.run::<8>(),
            _ => gemm_rows_of_six(left, work),
        }
    }
}

impl Simd for Avx512 {
    type F32 = __m512;
    const WIDTH: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        with!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, lanes: &Lanes, _part: usize) -> __m512 {
        // SAFETY: `Lanes` is sixteen f32, aligned to 64 bytes; the processor as in `with!`.
        unsafe { _mm512_load_ps(lanes.0.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, v: __m512, lanes: &mut Lanes, _part: usize) {
        // SAFETY: as in `load`.
        unsafe { _mm512_store_ps(lanes.0.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        with!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn keep(self, v: __m512, bits: u16, _part: usize) -> __m512 {
        with!(_mm512_maskz_mov_ps(bits, v))
    }
    #[inline(always)]
    fn load_first(self, from: &[f32]) -> __m512 {
        // SAFETY: sixteen lanes are read of at least sixteen, or only those of the mask, which lie inside `from`;
        // the processor as in `with!`.
        unsafe {
            if from.len() >= LANES {
                return _mm512_loadu_ps(from.as_ptr());
            }
            _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr())
        }
    }
    #[inline(always)]
    fn store_first(self, v: __m512, to: &mut [f32]) {
        // SAFETY: as in `load_first`, writing to `to`.
        unsafe {
            if to.len() >= LANES {
                return _mm512_storeu_ps(to.as_mut_ptr(), v);
            }
            _mm512_mask_storeu_ps(to.as_mut_ptr(), first(to.len()), v);
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m512 {
        // SAFETY: the caller vouches for sixteen values; the processor as in `with!`.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn splat_pair(self, from: *const f32) -> __m512 {
        // SAFETY: the caller vouches for two values; the processor as in `with!`.
        unsafe { _mm512_castpd_ps(_mm512_set1_pd(from.cast::<f64>().read_unaligned())) }
    }
    #[inline(always)]
    unsafe fn splat_from<const PAIR: bool, const TIMES: usize>(
        self,
        from: *const f32,
        step: usize,
    ) -> __m512 {
        // SAFETY: the caller vouches for what lies there; the processor as in `with!`.
        unsafe { splat_from::<PAIR, TIMES>(from, step) }
    }
    #[inline(always)]
    fn add_pairwise(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            _mm512_add_ps(
                _mm512_permutex2var_ps(a, even, b),
                _mm512_permutex2var_ps(a, odd, b),
            )
        }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: __m512, to: *mut f32) {
        // SAFETY: the caller vouches for sixteen values; the processor as in `with!`.
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn store_transposed(self, vectors: [__m512; 8], to: *mut f32, step: usize) {
        // SAFETY: the caller vouches for eight values in each of sixteen rows, eight of them at a time; the processor as in
        // `with!`, and it has AVX2.
        unsafe {
            let (mut low, mut high) = ([_mm256_setzero_ps(); 8], [_mm256_setzero_ps(); 8]);
            // By reference: of an iterator of its own the compiler makes a copy in memory.
            for ((v, low), high) in vectors.iter().zip(&mut low).zip(&mut high) {
                *low = _mm512_castps512_ps256(*v);
                *high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(*v)));
            }
            avx2::store_transposed(low, to, step);
            avx2::store_transposed(high, to.wrapping_add(8 * step), step);
        }
    }
    #[inline(always)]
    unsafe fn copy_strided<const P: usize>(self, from: *const f32, to: *mut f32) {
        // SAFETY: the caller vouches for what is read and written; the processor as in `with!`, and it has AVX2.
        unsafe { avx2::copy_strided::<P>(from, to) }
    }
    #[inline(always)]
    fn in_order(self, v: __m512) -> __m512 {
        with!(in_order(v))
    }
    #[inline(always)]
    fn mul_add_in_order(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with!(mul_add_in_order(a, b, c))
    }
    #[inline(always)]
    fn scale(self, v: __m512, k: __m512) -> __m512 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127));
            _mm512_mul_ps(v, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn if_greater(self, a: __m512, b: __m512, v: __m512, otherwise: __m512) -> __m512 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe { _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), v) }
    }
    #[inline(always)]
    fn if_nan(self, a: __m512, v: __m512, otherwise: __m512) -> __m512 {
        // SAFETY: the processor as in `with!`; nothing is read from memory.
        unsafe { _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), v) }
    }
    #[inline(always)]
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        // SAFETY: sixteen integers are read, unaligned; the processor as in `with!`.
        unsafe {
            let x = _mm512_loadu_si512(x.as_ptr().cast());
            _mm512_test_epi32_mask(x, _mm512_set1_epi32(1))
        }
    }
}
