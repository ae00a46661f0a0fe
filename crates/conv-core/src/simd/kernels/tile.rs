//! `L · x · Lᵀ` for tiles of values, a channel a lane: the loop of Winograd's transforms.

use std::hint::black_box;

use crate::simd::Simd;

/// A matrix L, as what it does to a column: `M` values from `N`.
pub(crate) trait Transform<const N: usize, const M: usize> {
    /// Whether tiles that are read may end before their last rows and columns, which are zeros then.
    const READS_CUT_TILES: bool = false;
    /// Whether tiles that are written may end before their last rows and columns, which are dropped then.
    const WRITES_CUT_TILES: bool = false;
    /// Whether `L · x · Lᵀ` is added to what is there.
    const ADDS: bool = false;
    /// Whether a bias is added to all values of a channel that are written.
    const ADDS_BIAS: bool = false;

    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; M];
}

/// Where the values of a tile lie in a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// How far it is from a row to the next, and from a column to the next.
    pub(crate) step: (usize, usize),
    /// How many rows and columns there are.
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

/// `to = L · from · Lᵀ` for each channel, or `to += L · from · Lᵀ` where the matrix [adds](Transform::ADDS). To the values of a
/// channel its bias is added, where the matrix [does so](Transform::ADDS_BIAS) and there is one.
///
/// # Panics
/// If there is a bias and not one for each channel, or if a tile is not of the size of the matrix, nor a smaller one where this is allowed, or reaches beyond its slice.
#[inline(always)]
pub(crate) fn transform<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    s: S,
    (from, read): (&[f32], Tile),
    (to, written): (&mut [f32], Tile),
    bias: &[f32],
    channels: usize,
) {
    assert!(
        bias.is_empty() || bias.len() == channels,
        "more or fewer biases than channels"
    );
    for (tile, len, side, cut) in [
        (read, from.len(), N, T::READS_CUT_TILES),
        (written, to.len(), M, T::WRITES_CUT_TILES),
    ] {
        let fits = if cut {
            tile.size.0 <= side && tile.size.1 <= side
        } else {
            tile.size == (side, side)
        };
        assert!(
            fits && tile.end(channels).is_some_and(|end| end <= len),
            "a tile of another size, or beyond the end of its slice"
        );
    }
    let mut channel = 0;
    while channel < channels {
        let left = channels - channel;
        let (from, to) = ((&from[channel..], read), (&mut to[channel..], written));
        let bias = bias.get(channel..).unwrap_or_default();
        // SAFETY: both tiles end within their slices, as checked, and these begin so many channels before the last one's end; a
        // tile that must not be cut has all rows and columns.
        unsafe {
            if left >= S::WIDTH {
                first_channels::<T, S, N, M, true>(s, from, to, bias, S::WIDTH);
            } else {
                first_channels::<T, S, N, M, false>(s, from, to, bias, left);
            }
        }
        channel += S::WIDTH;
    }
}

/// [`transform`] for the first channels, a vector of them or fewer. It transforms the columns, then the rows, since a whole
/// tile does not fit into registers.
///
/// # Safety
/// With WHOLE there must be a vector of channels at each of the values of both tiles, in their slices. A tile has all rows and
/// columns unless the matrix allows a cut one.
#[inline(always)]
unsafe fn first_channels<
    T: Transform<N, M>,
    S: Simd,
    const N: usize,
    const M: usize,
    const WHOLE: bool,
>(
    s: S,
    (from, read): (&[f32], Tile),
    (to, written): (&mut [f32], Tile),
    bias: &[f32],
    channels: usize,
) {
    // The compiler is not to know the distances: it would compute the addresses of all values for each tile, before the channels,
    // and keep them in memory.
    let (read_step, written_step) = black_box((read.step, written.step));
    let zero = s.splat(0.0);
    let bias = s.load_first(&bias[..bias.len().min(channels)]);
    let mut halfway = [[zero; N]; M];
    for column in 0..N {
        let mut x = [zero; N];
        for (y, value) in x.iter_mut().enumerate() {
            if !T::READS_CUT_TILES || (y < read.size.0 && column < read.size.1) {
                let at = y * read_step.0 + column * read_step.1;
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
            let value = if T::ADDS_BIAS {
                s.add(value, bias)
            } else {
                value
            };
            if !T::WRITES_CUT_TILES || (y < written.size.0 && column < written.size.1) {
                let at = y * written_step.0 + column * written_step.1;
                if WHOLE {
                    // SAFETY: the caller vouches for it.
                    unsafe {
                        let to = to.as_mut_ptr().add(at);
                        let sum = if T::ADDS {
                            s.add(s.load_at(to), value)
                        } else {
                            value
                        };
                        s.store_at(sum, to);
                    }
                } else {
                    let to = &mut to[at..][..channels];
                    let sum = if T::ADDS {
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
