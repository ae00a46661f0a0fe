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
}
