//! The transforms of Winograd's convolutions, a channel a lane.
//!
//! Each is a matrix on either side, `L · x · Lᵀ`. The names are those of Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks" (2015, arXiv 1509.09308, section 4.1), for an input tile d, a kernel g and an output
//! tile Y: `Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A`. Gradients are transformed by the same matrices, transposed.

use crate::simd::{Simd, Tile, transform};

use super::Tiling;
use super::matrices::{AddDInput, DInput, DKernel, DOutput, Input, Kernel, NewDKernel, Output};

/// `Bᵀ d B`: a tile of the input to a transformed one.
///
/// # Panics
/// If a tile is not of the size of the matrix, or reaches beyond its slice; tiles of the output may be cut.
#[inline(always)]
pub(crate) fn input<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<Input, S, 4, 4>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<Input, S, 6, 6>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<Input, S, 8, 8>(s, from, to, &[], channels),
    }
}

/// `Aᵀ m A`: a transformed tile to one of the output, with a bias where there is one.
///
/// # Panics
/// As [`input`], or if there is a bias and not one for each channel.
#[inline(always)]
pub(crate) fn output<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    bias: &[f32],
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<Output, S, 4, 2>(s, from, to, bias, channels),
        Tiling::F4x3 => transform::<Output, S, 6, 4>(s, from, to, bias, channels),
        Tiling::F4x5 => transform::<Output, S, 8, 4>(s, from, to, bias, channels),
    }
}

/// `A dY Aᵀ`: a tile of the output's gradient to a transformed one.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn d_output<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<DOutput, S, 2, 4>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<DOutput, S, 4, 6>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<DOutput, S, 4, 8>(s, from, to, &[], channels),
    }
}

/// `B m Bᵀ`: a transformed tile to one of the input's gradient.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn d_input<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<DInput, S, 4, 4>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<DInput, S, 6, 6>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<DInput, S, 8, 8>(s, from, to, &[], channels),
    }
}

/// `B m Bᵀ`: a transformed tile, added to one of the input's gradient.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn add_d_input<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<AddDInput, S, 4, 4>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<AddDInput, S, 6, 6>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<AddDInput, S, 8, 8>(s, from, to, &[], channels),
    }
}

/// `G g Gᵀ`: a kernel to a transformed one.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn kernel<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<Kernel, S, 3, 4>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<Kernel, S, 3, 6>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<Kernel, S, 5, 8>(s, from, to, &[], channels),
    }
}

/// Adds `Gᵀ u G` to a kernel's gradient.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn add_d_kernel<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<DKernel, S, 4, 3>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<DKernel, S, 6, 3>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<DKernel, S, 8, 5>(s, from, to, &[], channels),
    }
}

/// The same added to zeros, whatever is there.
///
/// # Panics
/// As [`input`].
#[inline(always)]
pub(crate) fn new_d_kernel<S: Simd>(
    s: S,
    tiling: Tiling,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    channels: usize,
) {
    match tiling {
        Tiling::F2x3 => transform::<NewDKernel, S, 4, 3>(s, from, to, &[], channels),
        Tiling::F4x3 => transform::<NewDKernel, S, 6, 3>(s, from, to, &[], channels),
        Tiling::F4x5 => transform::<NewDKernel, S, 8, 5>(s, from, to, &[], channels),
    }
}
