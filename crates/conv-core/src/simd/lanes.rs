pub(crate) use crate::tuning::LANES;

/// Sixteen `f32`, aligned to a cache line: what is stored, and what a [`Simd`](super::Simd) loads.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; LANES]);

impl Lanes {
    /// Sixteen zeros.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The values of them all, one after the other.
    #[must_use]
    pub fn flat(lanes: &[Self]) -> &[f32] {
        // SAFETY: `Lanes` is sixteen f32 in an array (`repr(C)`) and, at 64 bytes of size and alignment, has
        // no padding, so the same memory is sixteen times as many f32.
        unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
    }

    /// The values of them all, mutable.
    #[must_use]
    pub fn flat_mut(lanes: &mut [Self]) -> &mut [f32] {
        // SAFETY: as in `flat`, and every f32 is a valid lane; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(lanes.as_mut_ptr().cast(), lanes.len() * LANES) }
    }

    /// The sum of the lanes in `f64`, halving: lane `i` with lane `i + 8`, then `i + 4`, `i + 2`, `i + 1`.
    #[inline(always)]
    #[must_use]
    pub fn sum(&self) -> f64 {
        let mut s = [0.0; LANES];
        for (sum, lane) in s.iter_mut().zip(self.0) {
            *sum = f64::from(lane);
        }
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                s[i] += s[i + half];
            }
            half /= 2;
        }
        s[0]
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::ZERO
    }
}

/// How many [`Lanes`] hold `n` values.
#[must_use]
pub(crate) const fn groups(n: usize) -> usize {
    n.div_ceil(LANES)
}
