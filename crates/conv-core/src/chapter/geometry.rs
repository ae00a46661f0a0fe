use crate::Error;
use crate::ops::kernel_pool::Pooling;
use crate::shape::Pair;
use crate::simd::{LANES, groups};

/// Classes of the last layer: the ten digits.
pub const CLASSES: usize = 10;
/// Kernels of a network, at most.
const MOST_KERNELS: usize = 1024;
/// Pixels of an image, at most: 16 bits count the [cells](Geometry::cells).
const MOST_PIXELS: usize = 1 << 16;

/// The shapes of the chapter's network. Its kernels move a pixel at a time and stay inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of an image, in pixels.
    pub(super) image: (usize, usize),
    /// Height and width of a kernel, in pixels.
    pub(super) kernel: (usize, usize),
    /// How many kernels.
    pub(super) kernels: usize,
    /// Rows and columns of positions at which the kernels look.
    pub(super) positions: (usize, usize),
    /// Pooling across kernels; none gives each kernel's prediction a weight of its own.
    pub(super) pooling: Option<Pooling>,
}

impl Geometry {
    /// The network with kernels at every position where they fit: `image − kernel + 1` a side.
    ///
    /// # Errors
    /// [`Error::Range`] if there is no kernel, if it has no pixel or is larger than the image, or if the
    /// image has more than 65,536 pixels.
    pub fn new(
        image: impl Into<Pair>,
        kernel: impl Into<Pair>,
        kernels: usize,
        pooling: Option<Pooling>,
    ) -> Result<Self, Error> {
        let image: (usize, usize) = image.into().into();
        let kernel: (usize, usize) = kernel.into().into();
        for (side, image) in [(kernel.0, image.0), (kernel.1, image.1)] {
            if side == 0 || side > image {
                return Err(Error::Range {
                    what: "kernel",
                    expected: format!("1 to {image}"),
                    found: side,
                });
            }
        }
        if kernels == 0 || kernels > MOST_KERNELS {
            return Err(Error::Range {
                what: "kernels",
                expected: format!("1 to {MOST_KERNELS}"),
                found: kernels,
            });
        }
        let positions = (image.0 - kernel.0 + 1, image.1 - kernel.1 + 1);
        let pixels = image.0.saturating_mul(image.1);
        if pixels > MOST_PIXELS {
            return Err(Error::Range {
                what: "pixels",
                expected: format!("at most {MOST_PIXELS}"),
                found: pixels,
            });
        }
        Ok(Self {
            image,
            kernel,
            kernels,
            positions,
            pooling,
        })
    }

    /// The same without the last row and the last column of positions, which the listing forgets.
    ///
    /// # Errors
    /// [`Error::Range`] if no position would be left.
    pub fn without_last_position(self) -> Result<Self, Error> {
        let (rows, cols) = self.positions;
        if rows < 2 || cols < 2 {
            let largest = if rows < 2 {
                self.image.0 - 1
            } else {
                self.image.1 - 1
            };
            let found = if rows < 2 {
                self.kernel.0
            } else {
                self.kernel.1
            };
            return Err(Error::Range {
                what: "kernel",
                expected: format!("1 to {largest}"),
                found,
            });
        }
        Ok(Self {
            positions: (rows - 1, cols - 1),
            ..self
        })
    }

    /// Height and width of an image, in pixels.
    #[must_use]
    pub fn image(&self) -> Pair {
        self.image.into()
    }

    /// Rows and columns of positions at which the kernels look.
    #[must_use]
    pub fn positions(&self) -> Pair {
        self.positions.into()
    }

    /// How many positions.
    #[must_use]
    pub fn position_count(&self) -> usize {
        self.positions.0 * self.positions.1
    }

    /// The inputs of the dense layer: one a position and kernel, or one a position where they are pooled.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.position_count()
            * if self.pooling.is_some() {
                1
            } else {
                self.kernels
            }
    }

    /// Trainable parameters: the kernels' and the dense layer's.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.taps() * self.kernels + self.hidden() * CLASSES
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    pub(super) fn pixels(&self) -> usize {
        self.image.0 * self.image.1
    }

    /// Vectors of sixteen kernels.
    pub(super) fn groups(&self) -> usize {
        groups(self.kernels)
    }

    /// The lanes of a group that hold kernels, as bits.
    pub(super) fn lanes_of(&self, group: usize) -> u16 {
        let used = (self.kernels - group * LANES).min(LANES);
        (u32::MAX >> (32 - used)) as u16
    }

    /// Sections are counted by their first pixel, row-major over the image: that finds the pixels and the
    /// dense weights at once. Up to here there are positions (and between them, at the end of each row,
    /// pixels at which no section begins).
    pub(super) fn cells(&self) -> usize {
        self.positions.0 * self.image.1
    }

    /// The position, row-major over the positions, whose section begins at a pixel.
    #[inline(always)]
    pub(super) fn position_of(&self, cell: usize) -> usize {
        cell / self.image.1 * self.positions.1 + cell % self.image.1
    }

    /// The first pixel of the section at a position.
    pub(super) fn cell_of(&self, position: usize) -> usize {
        position / self.positions.1 * self.image.1 + position % self.positions.1
    }

    /// The vector of the dense weights that holds those of (cell, kernels of a group, class), without pooling: the layout is
    /// (group, cell, class, 16), so that the hidden units never leave the registers between the layers.
    pub(super) fn dense_vector(&self, cell: usize, group: usize, class: usize) -> usize {
        (group * self.cells() + cell) * CLASSES + class
    }

    /// The vector and the lane that hold a weight of the dense layer.
    pub(super) fn dense_index(&self, unit: usize, class: usize) -> (usize, usize) {
        if self.pooling.is_some() {
            return (self.cell_of(unit), class);
        }
        let (position, kernel) = (unit / self.kernels, unit % self.kernels);
        let cell = self.cell_of(position);
        (
            self.dense_vector(cell, kernel / LANES, class),
            kernel % LANES,
        )
    }
}
