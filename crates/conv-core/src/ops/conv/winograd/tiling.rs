//! The tiles that images and kernels are transformed by: F(m×m, r×r) for m × m outputs of a kernel of r × r.

/// The sizes that there are transforms for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiling {
    /// F(2×2, 3×3), by tiles of the input of 4 × 4.
    F2x3,
    /// F(4×4, 3×3), by tiles of the input of 6 × 6.
    F4x3,
    /// F(4×4, 5×5), by tiles of the input of 8 × 8.
    F4x5,
}

impl Tiling {
    /// Values of a channel of the largest kernel.
    pub(super) const MOST_TAPS: usize = Self::F4x5.taps();

    /// Rows and columns of a kernel.
    #[must_use]
    pub(crate) const fn kernel(self) -> usize {
        match self {
            Self::F2x3 | Self::F4x3 => 3,
            Self::F4x5 => 5,
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
            Self::F2x3 => 2,
            Self::F4x3 | Self::F4x5 => 4,
        }
    }

    /// Rows and columns of the tile of the input that gives a tile of the output.
    #[must_use]
    pub(crate) const fn tile(self) -> usize {
        self.kernel() + self.output() - 1
    }

    /// Values of a transformed tile, and multiplications that it takes for each pair of channels.
    #[must_use]
    pub(crate) const fn values(self) -> usize {
        self.tile() * self.tile()
    }

    /// Tiles of an output of so many rows and columns, in rows and columns.
    #[must_use]
    pub(crate) const fn tiles(self, rows: usize, cols: usize) -> (usize, usize) {
        (rows.div_ceil(self.output()), cols.div_ceil(self.output()))
    }
}
