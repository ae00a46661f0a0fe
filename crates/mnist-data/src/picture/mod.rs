//! Pictures as a network takes them: from the bytes of a PNG or JPEG to an image of its data set.
//!
//! [`Picture::read`] decodes a file, of which it needs to know neither name nor place.

mod area;
mod background;
mod components;
mod decode;
mod detail;
#[cfg(all(test, feature = "embedded"))]
mod digits;
mod edge;
mod error;
mod field;
mod figure;
#[cfg(test)]
mod fuzz;
mod garment;
mod glyph;
mod ink;
mod pixels;
mod plane;
mod preparation;
mod prepared;
mod search;
mod warning;

use std::io::{BufRead, Seek};

use ndarray::ArrayView2;

pub use area::Area;
pub use error::Error;
pub use pixels::Picture;
pub use preparation::Preparation;
pub use prepared::Prepared;
pub use warning::Warning;

impl Picture {
    /// Decodes a file, PNG or JPEG by its content; upright, as Exif's orientation says.
    ///
    /// # Errors
    /// If it is another kind of file, a damaged one, or has too many pixels.
    pub fn read(file: impl BufRead + Seek) -> Result<Self, Error> {
        decode::picture(file)
    }

    /// The picture of levels of grey, (rows, columns), 0 black to 255 white: the one that a PNG of them would be.
    ///
    /// ```
    /// use mnist_data::picture::{Picture, Preparation};
    /// use ndarray::Array2;
    ///
    /// // A dark upright line on light paper.
    /// let levels = Array2::from_shape_fn((60, 40), |(y, x)| match (y, x) {
    ///     (10..50, 18..22) => 30,
    ///     _ => 240,
    /// });
    /// let picture = Picture::of_grey(levels.view())?;
    /// let one = Preparation::Digit.prepare(&picture, (28, 28))?;
    /// assert_eq!((one.area.top, one.area.left), (10, 18));
    /// # Ok::<(), mnist_data::picture::Error>(())
    /// ```
    ///
    /// # Errors
    /// If it has no pixels, or too many.
    pub fn of_grey(levels: ArrayView2<'_, u8>) -> Result<Self, Error> {
        decode::grey(levels)
    }
}
