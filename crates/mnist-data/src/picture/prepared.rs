//! What a picture became.

use ndarray::Array2;

use super::area::Area;
use super::warning::Warning;

/// What was made of a picture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// (rows, columns): levels, 0 the background of the data set's images, 255 full ink.
    pub image: Array2<u8>,
    /// What was taken of the upright picture, in its pixels.
    pub area: Area,
    /// Whether the ink is darker than its background; none if the picture was taken as it is.
    pub darker: Option<bool>,
    /// Areas that were taken for dust or the like, in pixels of the upright picture, the largest first.
    pub left_out: Vec<Area>,
    /// Where there is doubt.
    pub warnings: Vec<Warning>,
}
