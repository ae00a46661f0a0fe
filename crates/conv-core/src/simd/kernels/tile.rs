//! A small matrix on either side of a tile of numbers, a channel a lane: the loop of Winograd's transforms.

use crate::simd::Simd;

/// A matrix L: `M` numbers from `N`.
pub(crate) trait Transform<const N: usize, const M: usize> {
    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; M];
}

/// A tile in memory: where a slice has its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// From a row to the next one, and from a column to the next one.
    pub(crate) step: (usize, usize),
    /// Rows and columns that there are; beyond them zeros are read, and nothing is written.
    pub(crate) size: (usize, usize),
}

impl Tile {
    /// A whole tile of numbers that lie so far from each other.
    #[must_use]
    pub(crate) fn spread(side: usize, step: usize) -> Self {
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
