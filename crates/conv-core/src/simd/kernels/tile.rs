//! `L · x · Lᵀ` for tiles of values, a channel a lane: the loop of Winograd's transforms.

use std::hint::black_box;
use std::mem::MaybeUninit;

use crate::simd::{LANES, Lanes, Simd, apart};

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
/// If there is a bias and not one for each channel, or if a tile reaches beyond its slice or has another size than the matrix;
/// a smaller tile is allowed where the matrix takes [cut](Transform::READS_CUT_TILES) ones.
#[inline(always)]
pub(crate) fn transform<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    s: S,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    bias: &[f32],
    channels: usize,
) {
    apart!(S: inlined::<T, S, N, M>(s, from, to, bias, channels));
}

/// [`transform`], compiled into its caller.
#[inline(always)]
fn inlined<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
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
    let (mut x, mut y) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let mut channel = 0;
    while channel < channels {
        let count = (channels - channel).min(S::WIDTH);
        let bias = match bias.get(channel..) {
            Some(bias) => s.load_first(&bias[..count.min(bias.len())]),
            None => s.splat(0.0),
        };
        // Fewer channels than a vector holds are transformed in tiles of their own, so that the code is there once.
        let whole = count == S::WIDTH;
        if !whole {
            let (x, y) = (
                x.write([[Lanes::ZERO; N]; N]),
                y.write([[Lanes::ZERO; M]; M]),
            );
            for (at, x) in values(read, x) {
                x.0[..count].copy_from_slice(&from[channel + at..][..count]);
            }
            if T::ADDS {
                for (at, y) in values(written, y) {
                    y.0[..count].copy_from_slice(&to[channel + at..][..count]);
                }
            }
        }
        let (from, from_step) = if whole {
            (from[channel..].as_ptr(), read.step)
        } else {
            (x.as_ptr().cast(), (N * LANES, LANES))
        };
        let (sums, sums_step) = if whole {
            (to[channel..].as_mut_ptr(), written.step)
        } else {
            (y.as_mut_ptr().cast(), (M * LANES, LANES))
        };
        // SAFETY: both tiles end within their slices, as checked, and these begin a vector of channels before the last one's end;
        // or they are the arrays, with sixteen values each, which were written. A tile that must not be cut has all rows and
        // columns.
        unsafe {
            vector::<T, S, N, M>(
                s,
                (from, from_step, read.size),
                (sums, sums_step, written.size),
                bias,
            );
        }
        if !whole {
            // SAFETY: it was written above.
            let y = unsafe { y.assume_init_mut() };
            for (at, y) in values(written, y) {
                to[channel + at..][..count].copy_from_slice(&y.0[..count]);
            }
        }
        channel += S::WIDTH;
    }
}

/// The values that a tile has, and where their first channels lie.
fn values<const N: usize>(
    tile: Tile,
    values: &mut [[Lanes; N]; N],
) -> impl Iterator<Item = (usize, &mut Lanes)> {
    let rows = values.iter_mut().enumerate().take(tile.size.0);
    rows.flat_map(move |(y, row)| {
        let columns = row.iter_mut().enumerate().take(tile.size.1);
        columns.map(move |(x, value)| (y * tile.step.0 + x * tile.step.1, value))
    })
}

/// [`transform`] for a vector of channels. It transforms the columns, then the rows, since a whole tile does not fit into
/// registers. Of the tiles there are the first channel, the distances of rows and columns, and their numbers.
///
/// # Safety
/// There must be a vector of channels at each of the values of both tiles. A tile has all rows and columns unless the matrix
/// allows a cut one.
#[inline(always)]
unsafe fn vector<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    s: S,
    (from, from_step, read): (*const f32, (usize, usize), (usize, usize)),
    (to, to_step, written): (*mut f32, (usize, usize), (usize, usize)),
    bias: S::F32,
) {
    // The compiler is not to know the distances: it would compute the addresses of all values for each tile, before the channels,
    // and keep them in memory.
    let (from_step, to_step) = black_box((from_step, to_step));
    let zero = s.splat(0.0);
    let mut halfway = [[zero; N]; M];
    for column in 0..N {
        let mut x = [zero; N];
        for (y, value) in x.iter_mut().enumerate() {
            if !T::READS_CUT_TILES || (y < read.0 && column < read.1) {
                // SAFETY: the caller vouches for it.
                *value = unsafe { s.load_at(from.add(y * from_step.0 + column * from_step.1)) };
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
            if !T::WRITES_CUT_TILES || (y < written.0 && column < written.1) {
                // SAFETY: the caller vouches for it.
                unsafe {
                    let to = to.add(y * to_step.0 + column * to_step.1);
                    let sum = if T::ADDS {
                        s.add(s.load_at(to), value)
                    } else {
                        value
                    };
                    s.store_at(sum, to);
                }
            }
        }
    }
}
