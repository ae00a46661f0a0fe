//! Where the figures of a picture are: in which part of it, and how large.

use ndarray::{Array3, ArrayView3};

use super::area::Area;
use super::error::Error;
use super::field;
use super::figure::{self, Found};
use super::pixels::Picture;
use super::plane::{along_main_axis, reduced};

/// Pixels of the longer side at which figures are looked for.
const SIDE: usize = 400;
/// Pixels of a figure's longer side below which it is looked at more closely.
const LEAST_FIGURE: usize = 80;
/// Fields in fields that are looked for.
const DEEPEST: usize = 3;

/// Where a view of a picture lies in it: its first pixel, and the picture's pixels along the side of one of its own.
#[derive(Clone, Copy)]
pub(super) struct Place {
    top: usize,
    left: usize,
    factor: usize,
}

impl Place {
    pub(super) const WHOLE: Self = Self {
        top: 0,
        left: 0,
        factor: 1,
    };

    /// That of a part of this view.
    fn part(self, area: &Area) -> Self {
        Self {
            top: self.top + area.top * self.factor,
            left: self.left + area.left * self.factor,
            factor: self.factor,
        }
    }

    /// That of this view with blocks of pixels as one.
    pub(super) fn reduced(self, factor: usize) -> Self {
        Self {
            factor: self.factor * factor,
            ..self
        }
    }

    /// An area of this view in the picture's pixels.
    pub(super) fn of_picture(self, area: &Area, (height, width): (usize, usize)) -> Area {
        Area {
            top: self.top + area.top * self.factor,
            bottom: (self.top + area.bottom * self.factor).min(height),
            left: self.left + area.left * self.factor,
            right: (self.left + area.right * self.factor).min(width),
        }
    }
}

/// The figures of a picture and the place of the view in which they were found.
///
/// # Errors
/// If nothing stands out from the background.
pub(super) fn figures(picture: &Picture) -> Result<(Found, Place), Error> {
    let mut place = Place::WHOLE.reduced(picture.factor());
    let mut pixels = picture.pixels().to_owned();
    for _ in 0..DEEPEST {
        let Some(found) = field::find(pixels.view()) else {
            break;
        };
        place = place.part(&found.area);
        pixels = found.pixels;
    }
    let factor = factor_to_search(pixels.view());
    let small = reduced(pixels.view(), factor);
    let found = figure::find(along_main_axis(small.view()).view())?;
    Ok(match closer(&pixels, factor, &found) {
        Some((closer, area, own_factor)) => (closer, place.part(&area).reduced(own_factor)),
        None => (found, place.reduced(factor)),
    })
}

fn factor_to_search(pixels: ArrayView3<'_, u8>) -> usize {
    let (height, width, _) = pixels.dim();
    height.max(width).div_ceil(SIDE).max(1)
}

/// The same figures looked at again with more of their pixels, where they are small and there are more.
fn closer(pixels: &Array3<u8>, factor: usize, found: &Found) -> Option<(Found, Area, usize)> {
    let mut areas = found.figures.iter().map(|figure| figure.area);
    let all = areas.next()?;
    let all = areas.fold(all, Area::union);
    if factor == 1 || all.longer() >= LEAST_FIGURE {
        return None;
    }
    let (height, width, _) = pixels.dim();
    let margin = all.longer() / 3 + 2;
    let area = Area {
        top: all.top.saturating_sub(margin) * factor,
        bottom: ((all.bottom + margin) * factor).min(height),
        left: all.left.saturating_sub(margin) * factor,
        right: ((all.right + margin) * factor).min(width),
    };
    let part = pixels.slice_each_axis(area.window());
    let own_factor = factor_to_search(part);
    let small = reduced(part, own_factor);
    let mut closer = figure::find(along_main_axis(small.view()).view()).ok()?;
    if closer.figures.len() != found.figures.len() || closer.darker != found.darker {
        return None;
    }
    // Told in the pixels of this view, from its first one on; what lies outside is not in it.
    closer.left_out.clear();
    Some((closer, area, own_factor))
}
