//! The transforms of Winograd's convolutions, a channel a lane.
//!
//! Each is a matrix on either side, `L · x · Lᵀ`. The names are those of Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks" (2015, arXiv 1509.09308, section 4.1), for an input tile d, a kernel g and an output
//! tile Y: `Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A`. Gradients are transformed by the same matrices, transposed.

use crate::simd::{Simd, Tile, transform};

use super::Tiling;
use super::matrices::{AddDInput, DInput, DKernel, DOutput, Input, Kernel, NewDKernel, Output};

/// Functions that apply a matrix of each tiling, from tiles of so many rows and columns to tiles of so many.
macro_rules! transforms {
    ($(
        $(#[$doc:meta])*
        $name:ident: $matrix:ident [$($tiling:ident $from:literal => $to:literal),+]
    )+) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If a tile is not of the size of the matrix, or reaches beyond its slice; tiles of the output may be cut.
        #[inline(always)]
        pub(crate) fn $name<S: Simd>(
            s: S,
            tiling: Tiling,
            from: (&[f32], Tile),
            to: (&mut [f32], Tile),
            channels: usize,
        ) {
            match tiling {
                $(Tiling::$tiling => transform::<$matrix, S, $from, $to>(s, from, to, &[], channels),)+
            }
        }
    )+};
}

transforms! {
    /// `Bᵀ d B`: a tile of the input to a transformed one.
    input: Input [F2x3 4 => 4, F4x3 6 => 6, F4x5 8 => 8]

    /// `A dY Aᵀ`: a tile of the output's gradient to a transformed one.
    d_output: DOutput [F2x3 2 => 4, F4x3 4 => 6, F4x5 4 => 8]

    /// `B m Bᵀ`: a transformed tile to one of the input's gradient.
    d_input: DInput [F2x3 4 => 4, F4x3 6 => 6, F4x5 8 => 8]

    /// `B m Bᵀ`: a transformed tile, added to one of the input's gradient.
    add_d_input: AddDInput [F2x3 4 => 4, F4x3 6 => 6, F4x5 8 => 8]

    /// `G g Gᵀ`: a kernel to a transformed one.
    kernel: Kernel [F2x3 3 => 4, F4x3 3 => 6, F4x5 5 => 8]

    /// `Gᵀ u G`: transformed sums, added to a kernel's gradient.
    add_d_kernel: DKernel [F2x3 4 => 3, F4x3 6 => 3, F4x5 8 => 5]

    /// `Gᵀ u G`: transformed sums to a kernel's gradient, with the bits of a sum with zeros.
    new_d_kernel: NewDKernel [F2x3 4 => 3, F4x3 6 => 3, F4x5 8 => 5]
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
