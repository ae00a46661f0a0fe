//! The transforms of Winograd's convolutions F(2×2, 3×3) and F(4×4, 5×5): tiles of the input of 4 × 4 or 8 × 8 values,
//! and of the output of 2 × 2 or 4 × 4, a channel a lane.
//!
//! Each is a matrix on either side, `L · x · Lᵀ`. The names are those of Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks" (2015, arXiv 1509.09308, section 4.1), for an input tile d, a kernel g and an output
//! tile Y: `Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A`. Gradients are transformed by the same matrices, transposed.

use crate::simd::{Simd, Tile, transform};

use super::matrices::{DInput, DKernel, DOutput, Input, Kernel, Output};

/// The sizes of kernels that there are transforms for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// 3 × 3, and tiles of the input of 4 × 4.
    Three,
    /// 5 × 5, and tiles of the input of 8 × 8.
    Five,
}

impl Side {
    /// Values of a channel of the largest kernel.
    pub(super) const MOST_TAPS: usize = Self::Five.taps();

    /// Rows and columns of a kernel.
    #[must_use]
    pub(crate) const fn kernel(self) -> usize {
        match self {
            Self::Three => 3,
            Self::Five => 5,
        }
    }

    /// Values of a channel of a kernel.
    #[must_use]
    pub(crate) const fn taps(self) -> usize {
        self.kernel() * self.kernel()
    }

    /// Rows and columns of a tile of the output.
    #[must_use]
    pub(crate) const fn output(self) -> usize {
        match self {
            Self::Three => 2,
            Self::Five => 4,
        }
    }

    /// Rows and columns of the tile of the input that gives a tile of the output.
    #[must_use]
    pub(crate) const fn tile(self) -> usize {
        self.kernel() + self.output() - 1
    }

    /// Values of a transformed tile.
    #[must_use]
    pub(crate) const fn values(self) -> usize {
        self.tile() * self.tile()
    }
}

/// `Bᵀ d B`: a tile of the input to a transformed one.
///
/// # Panics
/// If a tile is larger than the matrix takes it, or reaches beyond its slice.
#[inline(always)]
pub(crate) fn input<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<Input, S, 4, 4, false>(s, from, to, channels),
        Side::Five => transform::<Input, S, 8, 8, false>(s, from, to, channels),
    }
}

/// `Aᵀ m A`: a transformed tile to one of the output.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn output<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<Output, S, 4, 2, false>(s, from, to, channels),
        Side::Five => transform::<Output, S, 8, 4, false>(s, from, to, channels),
    }
}

/// `A dY Aᵀ`: a tile of the output's gradient to a transformed one.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn d_output<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<DOutput, S, 2, 4, false>(s, from, to, channels),
        Side::Five => transform::<DOutput, S, 4, 8, false>(s, from, to, channels),
    }
}

/// `B m Bᵀ`: a transformed tile to one of the input's gradient.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn d_input<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<DInput, S, 4, 4, false>(s, from, to, channels),
        Side::Five => transform::<DInput, S, 8, 8, false>(s, from, to, channels),
    }
}

/// `G g Gᵀ`: a kernel to a transformed one.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn kernel<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<Kernel, S, 3, 4, false>(s, from, to, channels),
        Side::Five => transform::<Kernel, S, 5, 8, false>(s, from, to, channels),
    }
}

/// Adds `Gᵀ u G` to a kernel's gradient.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn add_d_kernel<S: Simd>(
    s: S,
    side: Side,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match side {
        Side::Three => transform::<DKernel, S, 4, 3, true>(s, from, to, channels),
        Side::Five => transform::<DKernel, S, 8, 5, true>(s, from, to, channels),
    }
}
