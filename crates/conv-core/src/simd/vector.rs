use super::tiles::Tiles;
use super::{LANES, Lanes};

/// Refuses, when the crate is compiled, vectors that the kernels could not step by: lines of eight positions, and parts of
/// the eight or sixteen columns that offsets are laid out for.
pub(super) const fn assert_width(width: usize, parts: usize) {
    assert!(
        width == 8 || width == LANES,
        "a vector of neither 8 nor 16 lanes"
    );
    assert!(
        width * parts == LANES,
        "parts that do not make sixteen lanes"
    );
}

/// A piece of work that any instruction set can do.
///
/// ```
/// use conv_core::simd::{Lanes, Op, Simd, dispatch};
///
/// /// Doubles sixteen values.
/// struct Double(Lanes);
///
/// impl Op for Double {
///     type Output = Lanes;
///
///     #[inline(always)]
///     fn run<S: Simd>(mut self, s: S) -> Lanes {
///         for part in 0..S::PARTS {
///             let v = s.load(&self.0, part);
///             s.store(s.add(v, v), &mut self.0, part);
///         }
///         self.0
///     }
/// }
///
/// assert_eq!(dispatch(Double(Lanes([1.5; 16]))), Lanes([3.0; 16]));
/// ```
pub trait Op {
    /// What it returns.
    type Output;

    /// Does the work. Mark the implementation `#[inline(always)]`: only then is it compiled for the
    /// instruction set of `simd`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set: a token whose existence proves that the processor has it.
///
/// A vector holds [`WIDTH`](Self::WIDTH) of the sixteen lanes, and [`PARTS`](Self::PARTS) of them make
/// a [`Lanes`]; `part` counts from 0 and wraps at `PARTS`.
///
/// The crate's unsafe code trusts what an instruction set says of itself, so nobody outside of the crate can implement it.
pub trait Simd: Tiles + Copy + Send + Sync {
    /// A vector.
    type F32: Copy;
    /// Lanes in a vector: 8 or 16.
    const WIDTH: usize;
    /// Vectors in sixteen lanes.
    const PARTS: usize = {
        assert_width(Self::WIDTH, LANES / Self::WIDTH);
        LANES / Self::WIDTH
    };

    /// All lanes equal to `x`.
    fn splat(self, x: f32) -> Self::F32;
    /// All lanes equal to one of four values, the one at `i`.
    #[inline(always)]
    fn splat_one_of(self, four: &[f32; 4], i: usize) -> Self::F32 {
        self.splat(four[i])
    }
    /// The lanes of one part of `lanes`.
    fn load(self, lanes: &Lanes, part: usize) -> Self::F32;
    /// Writes the lanes of one part.
    fn store(self, v: Self::F32, lanes: &mut Lanes, part: usize);
    /// `a + b`
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `if a < b { a } else { b }`: `b` where either is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `if a > b { a } else { b }`: `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// [`min`](Self::min) of a bound and `v`, which is `v` where it is NaN. The bound is neither 0 nor NaN, so that an instruction for
    /// the minimum may do it, whatever it makes of zeros.
    #[inline(always)]
    fn at_most(self, v: Self::F32, bound: f32) -> Self::F32 {
        self.min(self.splat(bound), v)
    }
    /// [`max`](Self::max) of a bound and `v`, as [`at_most`](Self::at_most).
    #[inline(always)]
    fn at_least(self, v: Self::F32, bound: f32) -> Self::F32 {
        self.max(self.splat(bound), v)
    }
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `c - a * b`, rounded once.
    fn neg_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Two polynomials of degree four at `x`, by Horner's rule, with one rounding a step. `coefficients` are those of both for each
    /// power, the constants first; each stands eight times, as a vector of eight lanes.
    #[inline(always)]
    fn polynomials(
        self,
        x: Self::F32,
        coefficients: &'static [[[f32; 8]; 2]; 5],
    ) -> [Self::F32; 2] {
        let [p, q] = coefficients[4];
        let (mut p, mut q) = (self.splat(p[0]), self.splat(q[0]));
        for [of_p, of_q] in coefficients[..4].iter().rev() {
            p = self.mul_add(p, x, self.splat(of_p[0]));
            q = self.mul_add(q, x, self.splat(of_q[0]));
        }
        [p, q]
    }
    /// The lanes of `v` whose bit of `bits` is set, +0 in the others; lane `i` of the part is bit
    /// `part * WIDTH + i`.
    fn keep(self, v: Self::F32, bits: u16, part: usize) -> Self::F32;
    /// The first lanes from `from`, +0 in those beyond its end.
    fn load_first(self, from: &[f32]) -> Self::F32;
    /// Writes the first lanes to `to`, as many as it holds.
    fn store_first(self, v: Self::F32, to: &mut [f32]);
    /// The lanes that lie at `from`, at any alignment.
    ///
    /// # Safety
    /// [`WIDTH`](Self::WIDTH) values must be readable at `from`.
    unsafe fn load_at(self, from: *const f32) -> Self::F32;
    /// The two values that lie at `from`, at any alignment: the first in the even lanes, the second in the odd ones.
    ///
    /// # Safety
    /// Two values must be readable at `from`.
    unsafe fn splat_pair(self, from: *const f32) -> Self::F32;
    /// The value that lies TIMES `step` bytes behind `from`, in all lanes; with PAIR that one in the even lanes, and the one
    /// after it in the odd ones. The load is [in order](Self::in_order).
    ///
    /// # Safety
    /// One value, or with PAIR two, must be readable there.
    #[inline(always)]
    unsafe fn splat_from<const PAIR: bool, const TIMES: usize>(
        self,
        from: *const f32,
        step: usize,
    ) -> Self::F32 {
        // SAFETY: the caller vouches for what lies there.
        unsafe {
            let from = from.wrapping_byte_add(step.wrapping_mul(TIMES));
            self.in_order(if PAIR {
                self.splat_pair(from)
            } else {
                self.splat(*from)
            })
        }
    }
    /// The sums of two lanes each, 0 and 1, 2 and 3 and so on: those of `a`, then those of `b`.
    fn add_pairwise(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Writes the lanes to `to`, at any alignment.
    ///
    /// # Safety
    /// [`WIDTH`](Self::WIDTH) values must be writable at `to`.
    unsafe fn store_at(self, v: Self::F32, to: *mut f32);
    /// Writes eight vectors transposed: lane i of the eight becomes row i. The rows begin `step` values apart.
    ///
    /// # Safety
    /// Eight values must be writable at each of the rows, of which there are [`WIDTH`](Self::WIDTH).
    unsafe fn store_transposed(self, vectors: [Self::F32; 8], to: *mut f32, step: usize);
    /// Copies eight values that lie P apart to eight that lie beside each other.
    ///
    /// # Safety
    /// P must be 2 or 3; eight times P values must be readable at `from`, and eight writable at `to`.
    #[inline(always)]
    unsafe fn copy_strided<const P: usize>(self, from: *const f32, to: *mut f32) {
        for i in 0..8 {
            // SAFETY: the caller vouches for them.
            unsafe { *to.add(i) = *from.add(P * i) };
        }
    }
    /// `v` as it is. The compiler computes what such calls return in the order of the calls, and so cannot move loads
    /// together that would then fill the registers.
    #[inline(always)]
    fn in_order(self, v: Self::F32) -> Self::F32 {
        v
    }
    /// [`mul_add`](Self::mul_add), [in order](Self::in_order), and with the result in the register of `c`.
    #[inline(always)]
    fn mul_add_in_order(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        self.mul_add(a, b, c)
    }
    /// `v` times 2 to the power of `k`, which is a whole number from -126 to 127 in every lane.
    fn scale(self, v: Self::F32, k: Self::F32) -> Self::F32;
    /// The lanes of `v` where `a > b`, those of `otherwise` elsewhere (where either is NaN too).
    fn if_greater(
        self,
        a: Self::F32,
        b: Self::F32,
        v: Self::F32,
        otherwise: Self::F32,
    ) -> Self::F32;
    /// The lanes of `v` where `a` is NaN, those of `otherwise` elsewhere.
    fn if_nan(self, a: Self::F32, v: Self::F32, otherwise: Self::F32) -> Self::F32;
    /// The lowest bit of each of sixteen integers, the first in bit 0.
    fn low_bits(self, x: &[u32; LANES]) -> u16;
    /// Whether of the bits in BITS an odd number is set, for each of sixteen integers, the first in bit 0.
    #[inline(always)]
    fn parities<const BITS: u32>(self, x: &[u32; LANES]) -> u16 {
        let mut parities = [0; LANES];
        for (parity, x) in parities.iter_mut().zip(x) {
            // Each half has the parity of both, and so on.
            let y = x & BITS;
            let y = y ^ y >> 16;
            let y = y ^ y >> 8;
            let y = y ^ y >> 4;
            let y = y ^ y >> 2;
            *parity = y ^ y >> 1;
        }
        self.low_bits(&parities)
    }
}

/// An instruction set of somebody else's, whose vectors claim to be a thousand parts of sixteen lanes, lacks nothing but
/// [`Tiles`], and does not compile.
///
/// ```compile_fail,E0277
/// use conv_core::simd::{Lanes, Simd};
///
/// #[derive(Clone, Copy)]
/// struct Mine;
///
/// macro_rules! methods {
///     ($(fn $name:ident($($argument:ty),*) $(-> $output:ty)?;)*) => {
///         $(fn $name(self, $(_: $argument),*) $(-> $output)? { loop {} })*
///     };
/// }
///
/// impl Simd for Mine {
///     type F32 = f32;
///     const WIDTH: usize = 16;
///     const PARTS: usize = 1000;
///     methods! {
///         fn splat(f32) -> f32;
///         fn load(&Lanes, usize) -> f32;
///         fn store(f32, &mut Lanes, usize);
///         fn add(f32, f32) -> f32;
///         fn sub(f32, f32) -> f32;
///         fn mul(f32, f32) -> f32;
///         fn div(f32, f32) -> f32;
///         fn min(f32, f32) -> f32;
///         fn max(f32, f32) -> f32;
///         fn mul_add(f32, f32, f32) -> f32;
///         fn neg_mul_add(f32, f32, f32) -> f32;
///         fn keep(f32, u16, usize) -> f32;
///         fn load_first(&[f32]) -> f32;
///         fn store_first(f32, &mut [f32]);
///         fn add_pairwise(f32, f32) -> f32;
///         fn scale(f32, f32) -> f32;
///         fn if_greater(f32, f32, f32, f32) -> f32;
///         fn if_nan(f32, f32, f32) -> f32;
///         fn low_bits(&[u32; 16]) -> u16;
///     }
///     unsafe fn load_at(self, _: *const f32) -> f32 { loop {} }
///     unsafe fn splat_pair(self, _: *const f32) -> f32 { loop {} }
///     unsafe fn store_at(self, _: f32, _: *mut f32) { loop {} }
///     unsafe fn store_transposed(self, _: [f32; 8], _: *mut f32, _: usize) { loop {} }
/// }
/// ```
#[cfg(doctest)]
struct OfSomebodyElse;

#[cfg(all(test, panic = "unwind"))]
mod tests {
    use super::{LANES, assert_width};

    #[test]
    fn only_vectors_that_the_kernels_can_step_by_compile() {
        for width in 0..=2 * LANES {
            for parts in 0..=LANES {
                let fits = std::panic::catch_unwind(|| assert_width(width, parts)).is_ok();
                assert_eq!(
                    fits,
                    matches!((width, parts), (8, 2) | (16, 1)),
                    "{width} x {parts}"
                );
            }
        }
    }
}
