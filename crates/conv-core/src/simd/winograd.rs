//! The transforms of Winograd's convolutions F(2×2, 3×3) and F(4×4, 5×5): tiles of the input of 4 × 4 or 8 × 8 numbers,
//! and of the output of 2 × 2 or 4 × 4, a channel a lane.
//!
//! Each is a matrix on either side, `L · x · Lᵀ`. The names are those of Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks" (2015, arXiv 1509.09308, section 4.1), for an input tile d, a kernel g and an output
//! tile Y: `Y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A`. What they do to gradients is the same matrices transposed.

mod matrices;

use super::Simd;
use matrices::{DInput, DKernel, DOutput, Input, Kernel, Output, Transform};

/// The kernels that there are transforms for, by their rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// 3 × 3, and tiles of the input of 4 × 4.
    Three,
    /// 5 × 5, and tiles of the input of 8 × 8.
    Five,
}

impl Side {
    /// Rows and columns of a kernel.
    #[must_use]
    pub const fn kernel(self) -> usize {
        match self {
            Self::Three => 3,
            Self::Five => 5,
        }
    }

    /// Rows and columns of a tile of the output.
    #[must_use]
    pub const fn output(self) -> usize {
        match self {
            Self::Three => 2,
            Self::Five => 4,
        }
    }

    /// Rows and columns of a tile of the input, of which one of the output comes.
    #[must_use]
    pub const fn tile(self) -> usize {
        self.kernel() + self.output() - 1
    }

    /// Numbers of a transformed tile.
    #[must_use]
    pub const fn numbers(self) -> usize {
        self.tile() * self.tile()
    }
}

/// A tile in memory: where a slice has its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    /// From a row to the next one, and from a column to the next one.
    pub step: (usize, usize),
    /// Rows and columns that there are; beyond them zeros are read, and nothing is written.
    pub size: (usize, usize),
}

impl Tile {
    /// A whole tile of numbers that lie so far from each other.
    #[must_use]
    pub fn spread(side: usize, step: usize) -> Self {
        Self {
            step: (side * step, step),
            size: (side, side),
        }
    }

    /// Where the last channel of the last number ends.
    #[inline(always)]
    fn end(self, channels: usize) -> Option<usize> {
        let rows = self.size.0.checked_sub(1)?.checked_mul(self.step.0)?;
        let columns = self.size.1.checked_sub(1)?.checked_mul(self.step.1)?;
        rows.checked_add(columns)?.checked_add(channels)
    }
}

/// `to = L · from · Lᵀ` for each of so many channels, or with ADD the sum with what stands there.
///
/// # Panics
/// If a tile is larger than the matrix has it, or reaches beyond its slice.
#[inline(always)]
fn transform<T: Transform<N, M>, S: Simd, const N: usize, const M: usize, const ADD: bool>(
    s: S,
    (from, read): (&[f32], Tile),
    (to, written): (&mut [f32], Tile),
    channels: usize,
) {
    for (tile, len, side) in [(read, from.len(), N), (written, to.len(), M)] {
        assert!(
            tile.size.0 <= side
                && tile.size.1 <= side
                && tile.end(channels).is_some_and(|end| end <= len),
            "a tile beyond the end of its numbers"
        );
    }
    let mut channel = 0;
    while channel < channels {
        let left = channels - channel;
        let (from, to) = ((&from[channel..], read), (&mut to[channel..], written));
        // SAFETY: both tiles end within their slices, as checked, and these begin so many channels before the last one's end.
        unsafe {
            if left >= S::WIDTH {
                some::<T, S, N, M, ADD, true>(s, from, to, S::WIDTH);
            } else {
                some::<T, S, N, M, ADD, false>(s, from, to, left);
            }
        }
        channel += S::WIDTH;
    }
}

/// [`transform`] for the first channels, a vector of them or fewer: a column of the tile at a time, then a row, since there are
/// too many for all to be in registers.
///
/// # Safety
/// With WHOLE there must be a vector of channels at each of the numbers of both tiles, in their slices.
#[inline(always)]
unsafe fn some<
    T: Transform<N, M>,
    S: Simd,
    const N: usize,
    const M: usize,
    const ADD: bool,
    const WHOLE: bool,
>(
    s: S,
    (from, read): (&[f32], Tile),
    (to, written): (&mut [f32], Tile),
    channels: usize,
) {
    let zero = s.splat(0.0);
    let mut turned = [[zero; N]; M];
    for column in 0..N {
        let mut x = [zero; N];
        for (y, number) in x.iter_mut().enumerate() {
            if y < read.size.0 && column < read.size.1 {
                let at = y * read.step.0 + column * read.step.1;
                *number = if WHOLE {
                    // SAFETY: the caller vouches for it.
                    unsafe { s.load_at(from.as_ptr().add(at)) }
                } else {
                    s.load_first(&from[at..][..channels])
                };
            }
        }
        for (to, number) in turned.iter_mut().zip(T::apply(s, x)) {
            to[column] = number;
        }
    }
    for (y, row) in turned.into_iter().enumerate() {
        for (column, number) in T::apply(s, row).into_iter().enumerate() {
            if y < written.size.0 && column < written.size.1 {
                let at = y * written.step.0 + column * written.step.1;
                if WHOLE {
                    // SAFETY: the caller vouches for it.
                    unsafe {
                        let to = to.as_mut_ptr().add(at);
                        let sum = if ADD {
                            s.add(s.load_at(to), number)
                        } else {
                            number
                        };
                        s.store_at(sum, to);
                    }
                } else {
                    let to = &mut to[at..][..channels];
                    let sum = if ADD {
                        s.add(s.load_first(to), number)
                    } else {
                        number
                    };
                    s.store_first(sum, to);
                }
            }
        }
    }
}

/// `Bᵀ d B`: a tile of the input to a transformed one.
///
/// # Panics
/// As all of these: if a tile is larger than that, or reaches beyond its slice.
#[inline(always)]
pub fn input<S: Simd>(
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
pub fn output<S: Simd>(
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
pub fn d_output<S: Simd>(
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
pub fn d_input<S: Simd>(
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
pub fn kernel<S: Simd>(
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
pub fn add_d_kernel<S: Simd>(
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
