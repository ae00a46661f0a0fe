//! A square window of weights over an image: the sum of a section, and its gradient.

use super::Geometry;
use crate::simd::{Lanes, Simd};

/// Sixteen kernels (one part of them) of one size, ready for a processor.
///
/// `taps` are their weights (taps, 16), row-major. A section is given by its first pixel, an index into the
/// pixels of the image.
pub(super) trait Window<S: Simd>: Copy {
    /// The part of the gradient that stays in registers while it is summed.
    type Gradient;

    /// Part `part` of the kernels.
    fn load(s: S, geometry: &Geometry, taps: &[Lanes], part: usize) -> Self;
    /// Σ pixel × weight over each of B sections. With one section alone, the processor would wait for the sum's last addition
    /// before each next one.
    fn sums<const B: usize>(
        self,
        s: S,
        taps: &[Lanes],
        pixels: &[f32],
        cells: &[u16; B],
    ) -> [S::F32; B];
    /// No gradient yet.
    fn zero(s: S) -> Self::Gradient;
    /// Adds pixel × `delta` for each weight, to `gradient` or to `sums` (taps, 16).
    fn add(
        self,
        s: S,
        gradient: &mut Self::Gradient,
        sums: &mut [Lanes],
        pixels: &[f32],
        cell: usize,
        delta: S::F32,
    );
    /// Adds what `gradient` holds to `sums`.
    fn finish(self, s: S, gradient: Self::Gradient, sums: &mut [Lanes]);
}

/// Rows and columns of a window whose size the compiler knows.
const K: usize = 3;

/// A window of 3×3 over an image `WIDTH` wide: the compiler knows every offset, and weights and gradient
/// live in registers.
#[derive(Clone, Copy)]
pub(super) struct ThreeByThree<V, const WIDTH: usize> {
    taps: [[V; K]; K],
    part: usize,
}

impl<V, const WIDTH: usize> ThreeByThree<V, WIDTH> {
    /// How many pixels there are from a section's first to its last.
    const PIXELS: usize = (K - 1) * WIDTH + K;

    /// The pixels from the section's first to its last.
    #[inline(always)]
    fn section(pixels: &[f32], cell: usize) -> &[f32] {
        &pixels[cell..cell + Self::PIXELS]
    }

    /// A pixel of a section in all lanes, from four pixels of the section that lie beside each other.
    #[inline(always)]
    fn splat<S: Simd<F32 = V>, const ROW: usize, const COL: usize>(s: S, section: &[f32]) -> V {
        let at = const { ROW * WIDTH + COL };
        let first = const { Self::first_of_four(ROW * WIDTH) };
        let (fours, _) = section[first..].as_chunks();
        s.splat_one_of(&fours[0], at - first)
    }

    /// The first of four pixels of a section with those of a row, which begins there.
    const fn first_of_four(row: usize) -> usize {
        if row + 4 > Self::PIXELS {
            Self::PIXELS - 4
        } else {
            row
        }
    }
}

/// What is done for each weight of the window, with its row and its column as constants. In loops the compiler would not know in
/// which of four pixels one lies.
macro_rules! for_each_weight {
    ($each:ident) => {
        $each!(0, 0);
        $each!(0, 1);
        $each!(0, 2);
        $each!(1, 0);
        $each!(1, 1);
        $each!(1, 2);
        $each!(2, 0);
        $each!(2, 1);
        $each!(2, 2);
    };
}

impl<S: Simd, const WIDTH: usize> Window<S> for ThreeByThree<S::F32, WIDTH> {
    type Gradient = [[S::F32; K]; K];

    #[inline(always)]
    fn load(s: S, _geometry: &Geometry, taps: &[Lanes], part: usize) -> Self {
        let taps = std::array::from_fn(|row| {
            std::array::from_fn(|col| s.load(&taps[row * K + col], part))
        });
        Self { taps, part }
    }

    #[inline(always)]
    fn sums<const B: usize>(
        self,
        s: S,
        _taps: &[Lanes],
        pixels: &[f32],
        cells: &[u16; B],
    ) -> [S::F32; B] {
        // Loops, not `array::from_fn`, which is not compiled into the caller.
        let mut sections: [&[f32]; B] = [&[]; B];
        for (section, &cell) in sections.iter_mut().zip(cells) {
            *section = Self::section(pixels, cell.into());
        }
        let mut sums = [s.splat(0.0); B];
        macro_rules! add {
            ($row:literal, $col:literal) => {
                for (sum, section) in sums.iter_mut().zip(sections) {
                    let pixel = Self::splat::<S, $row, $col>(s, section);
                    *sum = s.mul_add(pixel, self.taps[$row][$col], *sum);
                }
            };
        }
        for_each_weight!(add);
        sums
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
        cell: usize,
        delta: S::F32,
    ) {
        let section = Self::section(pixels, cell);
        macro_rules! add {
            ($row:literal, $col:literal) => {
                let pixel = Self::splat::<S, $row, $col>(s, section);
                gradient[$row][$col] = s.mul_add(pixel, delta, gradient[$row][$col]);
            };
        }
        for_each_weight!(add);
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
    kernel_width: usize,
    image_width: usize,
    part: usize,
}

impl<S: Simd> Window<S> for Any {
    type Gradient = ();

    #[inline(always)]
    fn load(_s: S, geometry: &Geometry, _taps: &[Lanes], part: usize) -> Self {
        Self {
            kernel_width: geometry.kernel.1,
            image_width: geometry.image.1,
            part,
        }
    }

    #[inline(always)]
    fn sums<const B: usize>(
        self,
        s: S,
        taps: &[Lanes],
        pixels: &[f32],
        cells: &[u16; B],
    ) -> [S::F32; B] {
        let mut sums = [s.splat(0.0); B];
        for (row, taps) in taps.chunks_exact(self.kernel_width).enumerate() {
            let mut rows: [&[f32]; B] = [&[]; B];
            for (pixels_of_row, &cell) in rows.iter_mut().zip(cells) {
                let first = usize::from(cell) + row * self.image_width;
                *pixels_of_row = &pixels[first..][..self.kernel_width];
            }
            for (col, tap) in taps.iter().enumerate() {
                let tap = s.load(tap, self.part);
                for (sum, pixels) in sums.iter_mut().zip(rows) {
                    *sum = s.mul_add(s.splat(pixels[col]), tap, *sum);
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn zero(_s: S) {}

    #[inline(always)]
    fn add(
        self,
        s: S,
        _gradient: &mut (),
        sums: &mut [Lanes],
        pixels: &[f32],
        cell: usize,
        delta: S::F32,
    ) {
        for (row, sums) in sums.chunks_exact_mut(self.kernel_width).enumerate() {
            for (&pixel, sum) in pixels[cell + row * self.image_width..][..self.kernel_width]
                .iter()
                .zip(sums)
            {
                s.store(
                    s.mul_add(s.splat(pixel), delta, s.load(sum, self.part)),
                    sum,
                    self.part,
                );
            }
        }
    }

    #[inline(always)]
    fn finish(self, _s: S, _gradient: (), _sums: &mut [Lanes]) {}
}
