//! A decoded picture.

use ndarray::{Array2, Array3, ArrayView3, Axis};

/// Pixels that a picture may have: twice as many as the sensors of most cameras.
pub(super) const MOST_PIXELS: u64 = 1 << 27;

/// A picture as it is seen: upright, opaque, its longer side of at most 1,600 pixels.
#[derive(Clone, Debug)]
pub struct Picture {
    /// (rows, columns, 3): red, green, blue.
    pixels: Array3<u8>,
    /// Rows and columns of the file's picture, upright.
    size: (usize, usize),
    /// Pixels of the file's along the side of one of these.
    factor: usize,
}

impl Picture {
    pub(super) fn new(pixels: Array3<u8>, size: (usize, usize), factor: usize) -> Self {
        Self {
            pixels,
            size,
            factor,
        }
    }

    /// Red, green and blue, (rows, columns, 3).
    pub(super) fn pixels(&self) -> ArrayView3<'_, u8> {
        self.pixels.view()
    }

    /// Rows and columns of the picture in its file, turned upright.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Pixels of the file's picture along the side of one that was kept, 1 unless it was large.
    pub(super) fn factor(&self) -> usize {
        self.factor
    }

    /// Whether all of its pixels are grey.
    pub(super) fn is_grey(&self) -> bool {
        let mut pixels = self.pixels.rows().into_iter();
        pixels.all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    }

    /// Luma (ITU-R BT.709), which of grey pixels is their level.
    pub(super) fn grey(&self) -> Array2<u8> {
        self.pixels.map_axis(Axis(2), |pixel| {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((2126 * r + 7152 * g + 722 * b + 5000) / 10_000) as u8
        })
    }
}
