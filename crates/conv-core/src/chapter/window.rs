//! A square window of weights over an image: the sum of a section, and its gradient.

use crate::simd::{Lanes, Simd};

/// Sixteen kernels (one part of them) of one size, ready for a processor.
///
/// `taps` are their weights (k², 16), row-major; `pixels` begin with the first one of the section, and its
/// rows are `width` apart.
pub(super) trait Window<S: Simd>: Copy {
    /// What is kept in registers of the gradient while it is summed up.
    type Gradient;

    /// Part `part` of the kernels of size `k`.
    fn load(s: S, k: usize, taps: &[Lanes], part: usize) -> Self;
    /// Σ pixel × weight over a section.
    fn sum(self, s: S, taps: &[Lanes], pixels: &[f32], width: usize) -> S::F32;
    /// No gradient yet.
    fn zero(s: S) -> Self::Gradient;
    /// Adds pixel × `delta` for each weight, to `gradient` or to `sums` (k², 16).
    fn add(
        self,
        s: S,
        gradient: &mut Self::Gradient,
        sums: &mut [Lanes],
        pixels: &[f32],
        width: usize,
        delta: S::F32,
    );
    /// Adds what `gradient` holds to `sums`.
    fn finish(self, s: S, gradient: Self::Gradient, sums: &mut [Lanes]);
}

/// A window whose size the compiler knows: weights and gradient live in registers.
#[derive(Clone, Copy)]
pub(super) struct Fixed<V, const K: usize> {
    taps: [[V; K]; K],
    part: usize,
}

impl<S: Simd, const K: usize> Window<S> for Fixed<S::F32, K> {
    type Gradient = [[S::F32; K]; K];

    #[inline(always)]
    fn load(s: S, _k: usize, taps: &[Lanes], part: usize) -> Self {
        let taps = std::array::from_fn(|row| std::array::from_fn(|col| s.load(&taps[row * K + col], part)));
        Self { taps, part }
    }

    #[inline(always)]
    fn sum(self, s: S, _taps: &[Lanes], pixels: &[f32], width: usize) -> S::F32 {
        let mut sum = s.splat(0.0);
        for (row, taps) in self.taps.iter().enumerate() {
            for (&pixel, &tap) in pixels[row * width..][..K].iter().zip(taps) {
                sum = s.mul_add(s.splat(pixel), tap, sum);
            }
        }
        sum
    }

    #[inline(always)]
    fn zero(s: S) -> Self::Gradient {
        [[s.splat(0.0); K]; K]
    }

    #[inline(always)]
    fn add(
        self,
        s: S,
        gradient: &mut Self::Gradient,
        _sums: &mut [Lanes],
        pixels: &[f32],
        width: usize,
        delta: S::F32,
    ) {
        for (row, sums) in gradient.iter_mut().enumerate() {
            for (&pixel, sum) in pixels[row * width..][..K].iter().zip(sums) {
                *sum = s.mul_add(s.splat(pixel), delta, *sum);
            }
        }
    }

    #[inline(always)]
    fn finish(self, s: S, gradient: Self::Gradient, sums: &mut [Lanes]) {
        for (from, to) in gradient.iter().flatten().zip(sums) {
            s.store(s.add(s.load(to, self.part), *from), to, self.part);
        }
    }
}

/// A window of any size: weights and gradient stay in memory.
#[derive(Clone, Copy)]
pub(super) struct Any {
    k: usize,
    part: usize,
}

impl<S: Simd> Window<S> for Any {
    type Gradient = ();

    #[inline(always)]
    fn load(_s: S, k: usize, _taps: &[Lanes], part: usize) -> Self {
        Self { k, part }
    }

    #[inline(always)]
    fn sum(self, s: S, taps: &[Lanes], pixels: &[f32], width: usize) -> S::F32 {
        let mut sum = s.splat(0.0);
        for (row, taps) in taps.chunks_exact(self.k).enumerate() {
            for (&pixel, tap) in pixels[row * width..][..self.k].iter().zip(taps) {
                sum = s.mul_add(s.splat(pixel), s.load(tap, self.part), sum);
            }
        }
        sum
    }

    #[inline(always)]
    fn zero(_s: S) {}

    #[inline(always)]
    fn add(self, s: S, _gradient: &mut (), sums: &mut [Lanes], pixels: &[f32], width: usize, delta: S::F32) {
        for (row, sums) in sums.chunks_exact_mut(self.k).enumerate() {
            for (&pixel, sum) in pixels[row * width..][..self.k].iter().zip(sums) {
                s.store(s.mul_add(s.splat(pixel), delta, s.load(sum, self.part)), sum, self.part);
            }
        }
    }

    #[inline(always)]
    fn finish(self, _s: S, _gradient: (), _sums: &mut [Lanes]) {}
}
