use std::arch::wasm32::*;
use std::marker::PhantomData;

use crate::simd::tiles::{Rows, Tiles};
use crate::simd::vector::assert_width;
use crate::simd::{LANES, Lanes, Simd};
use crate::tuning::PIXELS_PER_SMALL_TILE;

/// Lanes 0 to 3 and lanes 4 to 7.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Halves(pub(super) v128, pub(super) v128);

/// How an instruction set multiplies and adds; everything else is the same.
pub(in crate::simd) trait MulAdd: Copy + Send + Sync {
    /// `a * b + c`, rounded once.
    fn mul_add(a: Halves, b: Halves, c: Halves) -> Halves;
    /// `c - a * b`, rounded once.
    fn neg_mul_add(a: Halves, b: Halves, c: Halves) -> Halves;
}

/// SIMD of WebAssembly: a vector of eight lanes is two of 128 bits.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Wasm<M>(PhantomData<M>);

impl<M: MulAdd> Wasm<M> {
    const WIDTHS: () = assert_width(Self::WIDTH, Self::PARTS);

    /// The instruction set, where the module has its instructions.
    pub(super) const fn new() -> Self {
        const { Self::WIDTHS }
        Self(PhantomData)
    }
}

/// Any instruction of vectors of 128 bits, on either half of vectors of eight.
macro_rules! on_halves {
    ($intrinsic:ident($($argument:expr),*)) => {
        Halves($intrinsic($($argument.0),*), $intrinsic($($argument.1),*))
    };
}

/// The first four values, +0 for those that are not there.
#[inline(always)]
fn load_half(from: &[f32]) -> v128 {
    match *from {
        [] => f32x4_splat(0.0),
        [a] => f32x4(a, 0.0, 0.0, 0.0),
        [a, b] => f32x4(a, b, 0.0, 0.0),
        [a, b, c] => f32x4(a, b, c, 0.0),
        [a, b, c, d, ..] => f32x4(a, b, c, d),
    }
}

/// Transposes four halves: the lanes of each become four rows.
#[inline(always)]
fn transpose_halves(a: v128, b: v128, c: v128, d: v128) -> [v128; 4] {
    let (ab, cd) = (
        i32x4_shuffle::<0, 4, 1, 5>(a, b),
        i32x4_shuffle::<0, 4, 1, 5>(c, d),
    );
    let (ab_high, cd_high) = (
        i32x4_shuffle::<2, 6, 3, 7>(a, b),
        i32x4_shuffle::<2, 6, 3, 7>(c, d),
    );
    [
        i64x2_shuffle::<0, 2>(ab, cd),
        i64x2_shuffle::<1, 3>(ab, cd),
        i64x2_shuffle::<0, 2>(ab_high, cd_high),
        i64x2_shuffle::<1, 3>(ab_high, cd_high),
    ]
}

/// Engines have at least the sixteen registers of an x86-64 processor, which are eight vectors of eight lanes.
impl<M: MulAdd> Tiles for Wasm<M> {
    const WEIGHTED_ROWS: usize = 13;

    #[inline(always)]
    fn output_pixels<R: Rows>(_by_fours: bool, work: R) -> R::Output {
        work.run::<6>()
    }
    #[inline(always)]
    fn last_pixels<R: Rows>(left: usize, work: R) -> R::Output {
        // A vector is two registers: four sums at once take twice as long as one.
        match left {
            1 => work.run::<1>(),
            _ => work.run::<PIXELS_PER_SMALL_TILE>(),
        }
    }
    #[inline(always)]
    fn d_kernel_taps<R: Rows>(work: R) -> R::Output {
        work.run::<6>()
    }
}

impl<M: MulAdd> Simd for Wasm<M> {
    type F32 = Halves;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> Halves {
        let half = f32x4_splat(x);
        Halves(half, half)
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
        on_halves!(f32x4_add(a, b))
    }
    #[inline(always)]
    fn sub(self, a: Halves, b: Halves) -> Halves {
        on_halves!(f32x4_sub(a, b))
    }
    #[inline(always)]
    fn mul(self, a: Halves, b: Halves) -> Halves {
        on_halves!(f32x4_mul(a, b))
    }
    #[inline(always)]
    fn div(self, a: Halves, b: Halves) -> Halves {
        on_halves!(f32x4_div(a, b))
    }
    #[inline(always)]
    fn min(self, a: Halves, b: Halves) -> Halves {
        self.if_greater(b, a, a, b)
    }
    #[inline(always)]
    fn max(self, a: Halves, b: Halves) -> Halves {
        self.if_greater(a, b, a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: Halves, b: Halves, c: Halves) -> Halves {
        M::mul_add(a, b, c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Halves, b: Halves, c: Halves) -> Halves {
        M::neg_mul_add(a, b, c)
    }
    #[inline(always)]
    fn keep(self, v: Halves, bits: u16, part: usize) -> Halves {
        let bits = u32x4_splat(u32::from(bits >> (part % 2 * 8)));
        let half = |v: v128, each: v128| v128_and(v, i32x4_eq(v128_and(bits, each), each));
        Halves(
            half(v.0, u32x4(1, 2, 4, 8)),
            half(v.1, u32x4(16, 32, 64, 128)),
        )
    }
    #[inline(always)]
    fn load_first(self, from: &[f32]) -> Halves {
        if from.len() >= 8 {
            // SAFETY: eight values are read of at least eight.
            return unsafe { self.load_at(from.as_ptr()) };
        }
        let second = from.get(4..).unwrap_or_default();
        Halves(load_half(from), load_half(second))
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
        // SAFETY: the caller vouches for eight values; a vector is read at any alignment.
        unsafe { Halves(v128_load(from.cast()), v128_load(from.add(4).cast())) }
    }
    #[inline(always)]
    unsafe fn splat_pair(self, from: *const f32) -> Halves {
        // SAFETY: the caller vouches for two values, which are read at any alignment.
        let half = unsafe { v128_load64_splat(from.cast()) };
        Halves(half, half)
    }
    #[inline(always)]
    fn add_pairwise(self, a: Halves, b: Halves) -> Halves {
        let half = |v: Halves| {
            f32x4_add(
                i32x4_shuffle::<0, 2, 4, 6>(v.0, v.1),
                i32x4_shuffle::<1, 3, 5, 7>(v.0, v.1),
            )
        };
        Halves(half(a), half(b))
    }
    #[inline(always)]
    unsafe fn store_at(self, v: Halves, to: *mut f32) {
        // SAFETY: the caller vouches for eight values; a vector is written at any alignment.
        unsafe {
            v128_store(to.cast(), v.0);
            v128_store(to.add(4).cast(), v.1);
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
            let v = Halves(rows[row / 4][row % 4], ends[row / 4][row % 4]);
            // SAFETY: the caller vouches for eight values in each of eight rows.
            unsafe { self.store_at(v, to.wrapping_add(row * step)) };
        }
    }
    #[inline(always)]
    unsafe fn copy_strided<const P: usize>(self, from: *const f32, to: *mut f32) {
        // SAFETY: the caller vouches for P vectors of eight at `from`, and for one at `to`: either half of the vector is every
        // second or third of P times four values.
        unsafe {
            let every = |from: *const f32| {
                let (a, b) = (v128_load(from.cast()), v128_load(from.add(4).cast()));
                if P == 2 {
                    i32x4_shuffle::<0, 2, 4, 6>(a, b)
                } else {
                    let c = v128_load(from.add(8).cast());
                    i32x4_shuffle::<0, 1, 2, 5>(i32x4_shuffle::<0, 3, 6, 7>(a, b), c)
                }
            };
            self.store_at(Halves(every(from), every(from.add(4 * P))), to);
        }
    }
    #[inline(always)]
    fn scale(self, v: Halves, k: Halves) -> Halves {
        let half = |v: v128, k: v128| {
            let exponent = i32x4_add(i32x4_trunc_sat_f32x4(k), i32x4_splat(127));
            f32x4_mul(v, i32x4_shl(exponent, 23))
        };
        on_halves!(half(v, k))
    }
    #[inline(always)]
    fn if_greater(self, a: Halves, b: Halves, v: Halves, otherwise: Halves) -> Halves {
        let greater = on_halves!(f32x4_gt(a, b));
        on_halves!(v128_bitselect(v, otherwise, greater))
    }
    #[inline(always)]
    fn if_nan(self, a: Halves, v: Halves, otherwise: Halves) -> Halves {
        // What differs from itself is NaN.
        let nan = on_halves!(f32x4_ne(a, a));
        on_halves!(v128_bitselect(v, otherwise, nan))
    }
    #[inline(always)]
    fn low_bits(self, x: &[u32; LANES]) -> u16 {
        let four = |x: &[u32]| {
            let lowest = i32x4_shl(u32x4(x[0], x[1], x[2], x[3]), 31);
            u16::from(i32x4_bitmask(lowest))
        };
        four(&x[..4]) | four(&x[4..8]) << 4 | four(&x[8..12]) << 8 | four(&x[12..]) << 12
    }
}
