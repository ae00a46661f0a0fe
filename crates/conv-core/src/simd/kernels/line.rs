//! Sums over pixels of a line: a lane is a pixel, and vectors are pixels that lie beside each other.

use super::indexed_gemm::Offsets;
use crate::simd::{LANES, Simd};
use crate::tuning::KERNEL_BLOCK;

/// `start[k] + Σ from[first + lane + tap] · kernels[tap, k]` for T vectors of pixels, whose first pixels are given, and for
/// the first [`KERNEL_BLOCK`] of sixteen kernels. Each sum adds its products in the order of the taps, with one rounding each.
///
/// # Panics
/// If `from` ends before a vector's last tap, or `kernels` has fewer than sixteen values a tap.
#[inline(always)]
pub(crate) fn line_sums<S: Simd, const T: usize>(
    s: S,
    from: &[f32],
    first: [usize; T],
    taps: Offsets<'_>,
    kernels: &[f32],
    start: [f32; KERNEL_BLOCK],
) -> [[S::F32; T]; KERNEL_BLOCK] {
    let last = taps.largest;
    let mut end = S::WIDTH;
    for first in first {
        end = end.max(first.saturating_add(S::WIDTH));
    }
    assert!(
        end.checked_add(last).is_some_and(|end| end <= from.len()),
        "a line with fewer pixels than its taps reach"
    );
    assert!(
        taps.at.len() <= (kernels.len() + LANES - KERNEL_BLOCK) / LANES,
        "fewer kernels than taps"
    );
    let mut sums = [[s.splat(0.0); T]; KERNEL_BLOCK];
    for (sums, start) in sums.iter_mut().zip(start) {
        *sums = [s.splat(start); T];
    }
    let (from, mut kernel) = (from.as_ptr(), kernels.as_ptr());
    for &tap in taps.at {
        let mut pixels = [s.splat(0.0); T];
        for (pixels, first) in pixels.iter_mut().zip(first) {
            // SAFETY: the vector of the last pixels ends within `from` for the largest tap, as checked.
            *pixels = unsafe { s.load_at(from.wrapping_add(first + tap as usize)) };
        }
        // Written out: in a loop the compiler would not keep the sums in registers.
        macro_rules! add {
            ($($k:literal)*) => {$(
                // SAFETY: there are so many kernels for each tap, as checked.
                let weight = s.in_order(s.splat(unsafe { *kernel.wrapping_add($k) }));
                for (sum, pixels) in sums[$k].iter_mut().zip(pixels) {
                    *sum = s.mul_add_in_order(pixels, weight, *sum);
                }
            )*};
        }
        const { assert!(KERNEL_BLOCK == 4, "kernels that are written out") };
        add!(0 1 2 3);
        kernel = kernel.wrapping_add(LANES);
    }
    sums
}
