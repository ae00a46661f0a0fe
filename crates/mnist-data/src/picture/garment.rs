//! Pictures as Fashion-MNIST has them, and whole ones.
//!
//! H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST (2017), section 2, of photographs on light paper: trimmed of edges whose
//! colour is close to that of the corners; the longer side scaled to 28 pixels; the shorter one extended to 28, the
//! image in the middle; intensities negated; grey of 8 bits.

use ndarray::Array2;

use super::area::Area;
use super::error::Error;
use super::glyph::{in_the_middle, resampled, shape_within};
use super::ink::LEAST_CONTRAST;
use super::pixels::Picture;
use super::plane::quantile;
use super::prepared::Prepared;
use super::search::Place;
use super::warning::Warning;

/// Levels of 255 by which a pixel differs from the background, so that it is not trimmed.
const TRIMMED: u8 = 13;

/// Of what differs from the background.
///
/// # Errors
/// If nothing does.
pub(super) fn garment(picture: &Picture, size: (usize, usize)) -> Result<Prepared, Error> {
    let (levels, darker, even) = on_black(picture);
    let contrast = levels.iter().copied().max().unwrap_or(0);
    if contrast < LEAST_CONTRAST {
        return Err(Error::Blank {
            contrast,
            least: LEAST_CONTRAST,
        });
    }
    let differing = levels
        .indexed_iter()
        .filter(|&(_, &level)| level >= TRIMMED);
    let areas = differing.map(|((y, x), _)| Area {
        top: y,
        bottom: y + 1,
        left: x,
        right: x + 1,
    });
    let area = areas.reduce(Area::union).ok_or(Error::NoFigure)?;
    let mut prepared = scaled(picture, &levels, area, size, darker);
    if !even {
        prepared.warnings.push(Warning::UnevenBackground);
    }
    Ok(prepared)
}

/// Of all of it.
pub(super) fn whole(picture: &Picture, size: (usize, usize)) -> Prepared {
    let (levels, darker, _) = on_black(picture);
    let area = Area::of(levels.dim());
    scaled(picture, &levels, area, size, darker)
}

/// The picture's grey levels with its background as 0 and what differs most from it as far as it does; whether it is
/// darker than the background, and whether the background is even.
fn on_black(picture: &Picture) -> (Array2<u8>, bool, bool) {
    let grey = picture.grey();
    let (height, width) = grey.dim();
    let outermost = |(y, x): (usize, usize)| y == 0 || x == 0 || y + 1 == height || x + 1 == width;
    let border = grey.indexed_iter().filter(|&(place, _)| outermost(place));
    let border: Vec<u8> = border.map(|(_, &level)| level).collect();
    let background = quantile(border.clone(), 0.5);
    let spread = quantile(border.clone(), 0.9) - quantile(border, 0.1);
    let darker = background >= 128;
    let levels = grey.mapv(|level| match darker {
        true => background.saturating_sub(level),
        false => level.saturating_sub(background),
    });
    (levels, darker, spread < 4 * TRIMMED)
}

fn scaled(
    picture: &Picture,
    levels: &Array2<u8>,
    area: Area,
    size: (usize, usize),
    darker: bool,
) -> Prepared {
    let cut = levels.slice_each_axis(area.window());
    let means = resampled(cut, shape_within(size.0.min(size.1), cut.dim()));
    let image = means.mapv(|mean| mean.round() as u8);
    Prepared {
        image: in_the_middle(&image, size),
        area: Place::WHOLE
            .reduced(picture.factor())
            .of_picture(&area, picture.size()),
        darker: Some(darker),
        left_out: Vec::new(),
        warnings: Vec::new(),
    }
}
