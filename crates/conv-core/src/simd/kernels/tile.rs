//! `L · x · Lᵀ` for tiles of values, a channel a lane: the loop of Winograd's transforms.

use std::hint::black_box;
use std::mem::MaybeUninit;

use crate::simd::{LANES, Lanes, Simd, outlined};

/// A matrix L, as what it does to a column: `M` values from `N`.
pub(crate) trait Transform<const N: usize, const M: usize> {
    /// Whether tiles that are read may begin after their first rows and columns, and end before their last ones. Those that are
    /// not there are zeros.
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
    /// The first row and the first column that are there, which begin the slice.
    pub(crate) first: (usize, usize),
    /// How many rows and columns there are, with those before the first ones.
    pub(crate) size: (usize, usize),
}

impl Tile {
    /// A whole tile, whose values lie `step` apart.
    #[must_use]
    pub(crate) fn spread(side: usize, step: usize) -> Self {
        Self {
            step: (side * step, step),
            first: (0, 0),
            size: (side, side),
        }
    }

    /// Whether all rows and columns are there.
    #[inline(always)]
    fn is_whole(self, side: usize) -> bool {
        (self.first, self.size) == ((0, 0), (side, side))
    }

    /// Where the last channel of the last value ends.
    #[inline(always)]
    fn end(self, channels: usize) -> Option<usize> {
        let last = |size: usize, first: usize| size.checked_sub(1)?.checked_sub(first);
        let rows = last(self.size.0, self.first.0)?.checked_mul(self.step.0)?;
        let columns = last(self.size.1, self.first.1)?.checked_mul(self.step.1)?;
        rows.checked_add(columns)?.checked_add(channels)
    }
}

/// `to = L · from · Lᵀ` for each channel, or `to += L · from · Lᵀ` where the matrix [adds](Transform::ADDS). To the values of a
/// channel its bias is added, where the matrix [does so](Transform::ADDS_BIAS) and there is one.
///
/// # Panics
/// If there is a bias and not one for each channel, or if a tile reaches beyond its slice or has another size than the matrix;
/// a smaller tile is allowed where the matrix takes [cut](Transform::READS_CUT_TILES) ones, one that begins later where it reads them.
#[inline(always)]
pub(crate) fn transform<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    s: S,
    from: (&[f32], Tile),
    to: (&mut [f32], Tile),
    bias: &[f32],
    channels: usize,
) {
    outlined!(S: inlined::<T, S, N, M>(s, from, to, bias, channels));
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
        let fits = tile.is_whole(side) || cut && tile.size.0 <= side && tile.size.1 <= side;
        assert!(
            fits && tile.end(channels).is_some_and(|end| end <= len),
            "a tile of another size, or beyond the end of its slice"
        );
    }
    assert!(
        written.first == (0, 0),
        "a tile that is written begins with its first row and column"
    );
    let (mut x, mut y) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let mut channel = 0;
    while channel < channels {
        let count = (channels - channel).min(S::WIDTH);
        // A masked load of no value, from nowhere, would take as long as hundreds of instructions.
        let bias = match bias.get(channel..channel + count) {
            Some(bias) => s.load_first(bias),
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
        // A copy has zeros where nothing is, and so is whole.
        let cut = whole && T::READS_CUT_TILES && !read.is_whole(N);
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
        // or they are the arrays, with sixteen values each, which were written. A tile that is not cut has all rows and columns.
        unsafe {
            let (read, written) = (
                Tile {
                    step: from_step,
                    ..read
                },
                Tile {
                    step: sums_step,
                    ..written
                },
            );
            if cut {
                vector::<T, S, N, M, true>(s, (from, read), (sums, written), bias);
            } else {
                vector::<T, S, N, M, false>(s, (from, read), (sums, written), bias);
            }
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
    let (first, size) = (tile.first, tile.size);
    let rows = values.iter_mut().take(size.0).skip(first.0).enumerate();
    rows.flat_map(move |(y, row)| {
        let columns = row.iter_mut().take(size.1).skip(first.1).enumerate();
        columns.map(move |(x, value)| (y * tile.step.0 + x * tile.step.1, value))
    })
}

/// [`transform`] for a vector of channels. It transforms the columns, then the rows, since a whole tile does not fit into
/// registers. With CUT, the tile that is read may be a cut one.
///
/// # Safety
/// There must be a vector of channels at each of the values of both tiles that are there. What is read has all rows and columns
/// without CUT, and what is written has them unless the matrix allows a cut one.
#[inline(always)]
unsafe fn vector<T: Transform<N, M>, S: Simd, const N: usize, const M: usize, const CUT: bool>(
    s: S,
    (from, read): (*const f32, Tile),
    (to, written): (*mut f32, Tile),
    bias: S::F32,
) {
    // The compiler is not to know the distances: it would compute the addresses of all values for each tile, before the channels,
    // and keep them in memory.
    let (from_step, to_step) = black_box((read.step, written.step));
    // Where the first row and column would be.
    let from = if CUT {
        from.wrapping_sub(read.first.0 * from_step.0 + read.first.1 * from_step.1)
    } else {
        from
    };
    let zero = s.splat(0.0);
    // Not zeros at first: those of eight by eight values the compiler would write, a call for each tile.
    let mut halfway = [[MaybeUninit::uninit(); N]; M];
    for column in 0..N {
        let mut x = [zero; N];
        for (y, value) in x.iter_mut().enumerate() {
            let rows = read.first.0..read.size.0;
            let columns = read.first.1..read.size.1;
            if !CUT || (rows.contains(&y) && columns.contains(&column)) {
                let from = from.wrapping_add(y * from_step.0 + column * from_step.1);
                // SAFETY: the caller vouches for it.
                *value = unsafe { s.load_at(from) };
            }
        }
        for (to, value) in halfway.iter_mut().zip(T::apply(s, x)) {
            to[column] = MaybeUninit::new(value);
        }
    }
    for (y, columns) in halfway.iter().enumerate() {
        let mut row = [zero; N];
        for (to, value) in row.iter_mut().zip(columns) {
            // SAFETY: every column was written above, and T::apply makes M values of each.
            *to = unsafe { value.assume_init() };
        }
        for (column, value) in T::apply(s, row).into_iter().enumerate() {
            let value = if T::ADDS_BIAS {
                s.add(value, bias)
            } else {
                value
            };
            if !T::WRITES_CUT_TILES || (y < written.size.0 && column < written.size.1) {
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
