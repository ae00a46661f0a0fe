use std::arch::x86_64::*;

use super::{LANES, Lanes, Op, Simd};

/// AVX-512F: one vector of 512 bits.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// # Safety
/// The processor must have AVX-512F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run<O: Op>(op: O) -> O::Output {
    op.run(Avx512(()))
}

/// One intrinsic as a safe method of the token.
macro_rules! with {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: an `Avx512` exists only inside `run`, whose caller vouched for the processor.
        unsafe { $intrinsic($($argument),*) }
    };
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
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        // SAFETY: sixteen integers are read, unaligned; the processor as in `with!`.
        unsafe {
            let x = _mm512_loadu_si512(x.as_ptr().cast());
            _mm512_test_epi32_mask(x, _mm512_set1_epi32(1))
        }
    }
}
