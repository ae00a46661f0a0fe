//! Where the figures of a picture are: in which part of it, and how large.

use ndarray::{Array3, ArrayView3};

use super::area::Area;
use super::detail;
use super::error::Error;
use super::field;
use super::figure::{self, Found};
use super::pixels::Picture;
use super::plane::{MainAxis, reduced};

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
    let (mut found, axis) = find(pixels.view(), factor)?;
    if let Some((closer, area, own_factor)) = closer(&pixels, factor, &found) {
        return Ok((closer, place.part(&area).reduced(own_factor)));
    }
    let factor = match detail::sharpen(&mut found, pixels.view(), &axis, factor) {
        true => 1,
        false => factor,
    };
    Ok((found, place.reduced(factor)))
}

/// The figures among the means of blocks of pixels, and the axis of colours on which they were found.
fn find(pixels: ArrayView3<'_, u8>, factor: usize) -> Result<(Found, MainAxis), Error> {
    let small = reduced(pixels, factor);
    let axis = MainAxis::of(small.view());
    let found = figure::find(axis.plane(small.view()).view())?;
    Ok((found, axis))
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
    let mut own_factor = factor_to_search(part);
    let (mut closer, axis) = find(part, own_factor).ok()?;
    if closer.figures.len() != found.figures.len() || closer.darker != found.darker {
        return None;
    }
    // Told in the pixels of this view, from its first one on; what lies outside is not in it.
    closer.left_out.clear();
    if detail::sharpen(&mut closer, part, &axis, own_factor) {
        own_factor = 1;
    }
    Some((closer, area, own_factor))
}
