//! The shape of an image.

use std::fmt;

/// The shape of one image. As data it is `[rows, cols, channels]`.
///
/// ```
/// use conv_core::shape::ImageShape;
///
/// let shape = ImageShape::from((28, 28, 3));
/// assert_eq!((shape.pixels(), shape.len()), (784, 2352));
/// assert_eq!(shape.to_string(), "28 × 28 × 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "(usize, usize, usize)", into = "(usize, usize, usize)")
)]
pub struct ImageShape {
    /// Pixels from top to bottom.
    pub rows: usize,
    /// Pixels from left to right.
    pub cols: usize,
    /// Values of a pixel.
    pub channels: usize,
}

impl From<(usize, usize, usize)> for ImageShape {
    fn from((rows, cols, channels): (usize, usize, usize)) -> Self {
        Self::new(rows, cols, channels)
    }
}

impl From<ImageShape> for (usize, usize, usize) {
    fn from(shape: ImageShape) -> Self {
        (shape.rows, shape.cols, shape.channels)
    }
}

/// `28 × 28 × 1`, or for a single pixel its channels alone.
impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            cols,
            channels,
        } = self;
        let text = match (rows, cols) {
            (1, 1) => channels.to_string(),
            _ => format!("{rows} × {cols} × {channels}"),
        };
        f.pad(&text)
    }
}

impl ImageShape {
    /// A shape of `rows` × `cols` pixels of so many channels.
    #[must_use]
    pub const fn new(rows: usize, cols: usize, channels: usize) -> Self {
        Self {
            rows,
            cols,
            channels,
        }
    }

    /// Rows times columns.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.rows * self.cols
    }

    /// Values of an image: rows times columns times channels.
    #[must_use]
    pub const fn len(self) -> usize {
        self.rows * self.cols * self.channels
    }

    /// Whether a side or the channels are 0, so that there is no value.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
