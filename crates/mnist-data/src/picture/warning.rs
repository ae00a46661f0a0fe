//! Where a picture leaves doubt.

use std::fmt;

/// Why what was made of a picture may not be what is in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Ink fills this part of the box around it, more than strokes do.
    FillsItsBox(f64),
    /// There are so many figures of like size.
    SeveralFigures(usize),
    /// It is as well dark ink on a light background as light ink on a dark one.
    TwoBackgrounds,
    /// The figure is wider than one digit is.
    Wide,
    /// Ink and background differ by little more than the picture's noise.
    Faint,
    /// The figure runs along an edge of the picture.
    AlongAnEdge,
    /// What is around the thing differs from place to place.
    UnevenBackground,
    /// The figure has so many pixels in its longer direction.
    Tiny(usize),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FillsItsBox(part) => write!(
                f,
                "the ink fills {:.0} % of its box, more than the strokes of a figure do",
                100.0 * part
            ),
            Self::SeveralFigures(count) => write!(f, "there are {count} figures"),
            Self::TwoBackgrounds => f.write_str(
                "what is figure and what is background is not clear: both darker and lighter parts may be ink",
            ),
            Self::Wide => f.write_str("the figure is wide: these may be two digits that touch"),
            Self::Faint => f.write_str("the ink is faint beside the noise of its background"),
            Self::AlongAnEdge => f.write_str(
                "the figure runs along an edge of the picture: it may be cut off, or a frame or shadow",
            ),
            Self::UnevenBackground => f.write_str(
                "the background is not even: parts of it may be taken for the thing",
            ),
            Self::Tiny(pixels) => write!(f, "the figure is only {pixels} pixels long"),
        }
    }
}
