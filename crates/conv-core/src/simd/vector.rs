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
    const PARTS: usize = LANES / Self::WIDTH;
    /// Vectors that the processor keeps in registers.
    const REGISTERS: usize;

    /// All lanes equal to `x`.
    fn splat(self, x: f32) -> Self::F32;
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
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `c - a * b`, rounded once.
    fn neg_mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// The lanes of `v` whose bit of `bits` is set, +0 in the others; lane `i` of the part is bit
    /// `part * WIDTH + i`.
    fn keep(self, v: Self::F32, bits: u16, part: usize) -> Self::F32;
    /// The first lanes from `from`, +0 in those beyond its end.
    fn load_first(self, from: &[f32]) -> Self::F32;
    /// Writes the first lanes to `to`, as many as it holds.
    fn store_first(self, v: Self::F32, to: &mut [f32]);
    /// Lanes from memory of any alignment.
    ///
    /// # Safety
    /// [`WIDTH`](Self::WIDTH) numbers must be readable at `from`.
    unsafe fn load_at(self, from: *const f32) -> Self::F32;
    /// Two numbers from memory of any alignment, by turns in all lanes.
    ///
    /// # Safety
    /// Two numbers must be readable at `from`.
    unsafe fn splat_pair(self, from: *const f32) -> Self::F32;
    /// The number that lies so many times a step of bytes behind `from` in all lanes, or with PAIR it and the one after
    /// it by turns; in the order of [`now`](Self::now).
    ///
    /// # Safety
    /// One number, or two, must be readable there.
    #[inline(always)]
    unsafe fn splat_from<const PAIR: bool, const TIMES: usize>(
        self,
        from: *const f32,
        step: usize,
    ) -> Self::F32 {
        // SAFETY: the caller vouches for what lies there.
        unsafe {
            let from = from.wrapping_byte_add(step.wrapping_mul(TIMES));
            self.now(if PAIR {
                self.splat_pair(from)
            } else {
                self.splat(*from)
            })
        }
    }
    /// The sums of neighbouring lanes, 0 and 1, 2 and 3 and so on: those of `a`, then those of `b`.
    fn add_neighbours(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Writes lanes to memory of any alignment.
    ///
    /// # Safety
    /// [`WIDTH`](Self::WIDTH) numbers must be writable at `to`.
    unsafe fn store_at(self, v: Self::F32, to: *mut f32);
    /// Writes eight vectors turned: lane i of all of them is row i, and the rows lie `step` numbers apart.
    ///
    /// # Safety
    /// Eight numbers must be writable at each of the rows, of which there are [`WIDTH`](Self::WIDTH).
    unsafe fn store_turned(self, vectors: [Self::F32; 8], to: *mut f32, step: usize);
    /// Copies every P-th number to eight that lie beside each other.
    ///
    /// # Safety
    /// P must be 2 or 3; eight times P numbers must be readable at `from`, and eight writable at `to`.
    #[inline(always)]
    unsafe fn copy_every<const P: usize>(self, from: *const f32, to: *mut f32) {
        for i in 0..8 {
            // SAFETY: the caller vouches for them.
            unsafe { *to.add(i) = *from.add(P * i) };
        }
    }
    /// `v`, computed before what any later `now` returns is computed: an order for the compiler to keep.
    #[inline(always)]
    fn now(self, v: Self::F32) -> Self::F32 {
        v
    }
    /// [`mul_add`](Self::mul_add) in that order, and in the register of `c`.
    #[inline(always)]
    fn mul_add_now(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
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
}

#[cfg(test)]
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
