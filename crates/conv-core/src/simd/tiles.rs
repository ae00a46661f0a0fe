//! The shapes of the tiles of sums that an instruction set keeps in its registers. They fix only speed: each sum adds its
//! products in the same order in a tile of any shape.

use crate::tuning::{PIXELS_PER_NARROW_TILE, PIXELS_PER_SMALL_TILE};

/// `outlined!(S: work)` is the work, compiled into its caller; or compiled as a function of its own and called, where loops of the
/// instruction set S are not [unrolled](Tiles::UNROLLED). It is a macro, since a closure would be compiled without the instructions of S.
macro_rules! outlined {
    ($simd:ty: $work:expr) => {
        if <$simd>::UNROLLED {
            $work
        } else {
            $crate::simd::call(|| $work)
        }
    };
}
pub(crate) use outlined;

/// Calls a function that is compiled on its own.
#[inline(never)]
pub(crate) fn call<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Work on a tile of so many rows, a number that is known when the work is compiled.
pub trait Rows {
    /// What it returns.
    type Output;

    /// Does it.
    fn run<const ROWS: usize>(self) -> Self::Output;
}

/// The tiles of an instruction set. Nobody outside of the crate can name this trait, and so nobody can implement
/// [`Simd`](super::Simd).
pub trait Tiles {
    /// Whether short loops are unrolled and kernels inlined. It takes machine code, and gains nothing where each operation is a
    /// call.
    const UNROLLED: bool = true;

    /// Sums of weighted rows that one pass keeps, in vectors, at most: no more than 15, for which
    /// `ops/conv/max_pooled/backward.rs` is compiled.
    const WEIGHTED_ROWS: usize;

    /// A tile of pixels of a convolution's output, with two vectors of kernels. Pixels that lie evenly by fours, but not by
    /// sevens, are quicker to address where each half of a tile is four of them.
    fn output_pixels<R: Rows>(by_fours: bool, work: R) -> R::Output;

    /// A tile of pixels of a convolution's output, with one vector of kernels.
    #[inline(always)]
    fn narrow_pixels<R: Rows>(work: R) -> R::Output {
        work.run::<PIXELS_PER_NARROW_TILE>()
    }

    /// A tile of the last pixels of a convolution's output, of which so many are left: at most [`PIXELS_PER_SMALL_TILE`]. Where a
    /// multiply-add takes four cycles and two of them begin in each, four sums at once take no longer than one.
    #[inline(always)]
    fn last_pixels<R: Rows>(_left: usize, work: R) -> R::Output {
        work.run::<PIXELS_PER_SMALL_TILE>()
    }

    /// A tile of taps of the gradient of kernels, with two vectors of kernels.
    fn d_kernel_taps<R: Rows>(work: R) -> R::Output;

    /// A tile of the next rows of a product of matrices, of which so many are left (one or more), with V vectors of columns.
    #[inline(always)]
    fn gemm_rows<R: Rows, const V: usize>(left: usize, work: R) -> R::Output {
        gemm_rows_of_six(left, work)
    }
}

/// [`Tiles::gemm_rows`] of one or two vectors where there are sixteen registers.
#[inline(always)]
pub(super) fn gemm_rows_of_six<R: Rows>(left: usize, work: R) -> R::Output {
    match left {
        // Eight as twice four: of the two behind six the sums would wait for each other.
        6.. if left != 8 => work.run::<6>(),
        4.. => work.run::<4>(),
        2.. => work.run::<2>(),
        _ => work.run::<1>(),
    }
}
