//! `L · x · Lᵀ` for tiles of values, a channel a lane: the loop of Winograd's transforms.

use crate::simd::Simd;

/// A matrix L, as what it does to a column: `M` values from `N`.
pub(crate) trait Transform<const N: usize, const M: usize> {
    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; M];
}

/// Where the values of a tile lie in a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// How far it is from a row to the next, and from a column to the next.
    pub(crate) step: (usize, usize),
    /// How many rows and columns there are. Zeros are read beyond them, and nothing is written.
    pub(crate) size: (usize, usize),
}

impl Tile {
    /// A whole tile, whose values lie `step` apart.
    #[must_use]
    pub(crate) fn spread(side: usize, step: usize) -> Self {
        Self {
            step: (side * step, step),
            size: (side, side),
        }
    }

    /// Where the last channel of the last value ends.
    #[inline(always)]
    fn end(self, channels: usize) -> Option<usize> {
        let rows = self.size.0.checked_sub(1)?.checked_mul(self.step.0)?;
        let columns = self.size.1.checked_sub(1)?.checked_mul(self.step.1)?;
        rows.checked_add(columns)?.checked_add(channels)
    }
}

/// `to = L · from · Lᵀ` for each channel, or with ADD `to += L · from · Lᵀ`.
///
/// # Panics
/// If a tile is larger than the matrix has it, or reaches beyond its slice.
#[inline(always)]
pub(crate) fn transform<
    T: Transform<N, M>,
    S: Simd,
    const N: usize,
    const M: usize,
    const ADD: bool,
>(
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
            "a tile beyond the end of its slice"
        );
    }
    let mut channel = 0;
    while channel < channels {
        let left = channels - channel;
        let (from, to) = ((&from[channel..], read), (&mut to[channel..], written));
        // SAFETY: both tiles end within their slices, as checked, and these begin so many channels before the last one's end.
        unsafe {
            if left >= S::WIDTH {
                first_channels::<T, S, N, M, ADD, true>(s, from, to, S::WIDTH);
            } else {
                first_channels::<T, S, N, M, ADD, false>(s, from, to, left);
            }
        }
        channel += S::WIDTH;
    }
}

/// [`transform`] for the first channels, a vector of them or fewer. It transforms the columns, then the rows, since a whole
/// tile does not fit into registers.
///
/// # Safety
/// With WHOLE there must be a vector of channels at each of the values of both tiles, in their slices.
#[inline(always)]
unsafe fn first_channels<
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
    let mut halfway = [[zero; N]; M];
    for column in 0..N {
        let mut x = [zero; N];
        for (y, value) in x.iter_mut().enumerate() {
            if y < read.size.0 && column < read.size.1 {
                let at = y * read.step.0 + column * read.step.1;
                *value = if WHOLE {
                    // SAFETY: the caller vouches for it.
                    unsafe { s.load_at(from.as_ptr().add(at)) }
                } else {
                    s.load_first(&from[at..][..channels])
                };
            }
        }
        for (to, value) in halfway.iter_mut().zip(T::apply(s, x)) {
            to[column] = value;
        }
    }
    for (y, row) in halfway.into_iter().enumerate() {
        for (column, value) in T::apply(s, row).into_iter().enumerate() {
            if y < written.size.0 && column < written.size.1 {
                let at = y * written.step.0 + column * written.step.1;
                if WHOLE {
                    // SAFETY: the caller vouches for it.
                    unsafe {
                        let to = to.as_mut_ptr().add(at);
                        let sum = if ADD {
                            s.add(s.load_at(to), value)
                        } else {
                            value
                        };
                        s.store_at(sum, to);
                    }
                } else {
                    let to = &mut to[at..][..channels];
                    let sum = if ADD {
                        s.add(s.load_first(to), value)
                    } else {
                        value
                    };
                    s.store_first(sum, to);
                }
            }
        }
    }
}
