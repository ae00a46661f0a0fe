//! A figure's ink as MNIST and EMNIST have it.
//!
//! Y. `LeCun`, C. Cortes and C. Burges describe how MNIST's were made (<http://yann.lecun.com/exdb/mnist/>): "size
//! normalized to fit in a 20x20 pixel box while preserving their aspect ratio. The resulting images contain grey
//! levels as a result of the anti-aliasing technique used by the normalization algorithm. the images were centered
//! in a 28x28 image by computing the center of mass of the pixels, and translating the image so as to position this
//! point at the center of the 28x28 field." In all of their images the centre of mass lies within the pixel of row
//! and column 14, so the translation was by whole pixels, and that is where it is put here.
//!
//! G. Cohen et al., EMNIST: extending MNIST to handwritten letters (2017): the figure's box is put in the middle of a
//! square, with 2 of 28 pixels around it.

use ndarray::{Array2, ArrayView2};

use super::area::Area;
use super::plane::dilated;

/// Pixels of the image that a stroke is thinner than where it would come out broken.
const THIN: f64 = 1.0;
/// The thickness that such strokes get.
const USUAL: f64 = 2.0;

/// The image of `size` = (height, width), for MNIST (28, 28), of a figure's ink cut out closely.
pub(super) fn digit(ink: ArrayView2<'_, u8>, size: (usize, usize)) -> Array2<u8> {
    let side = size.0.min(size.1) * 20 / 28;
    let ink = with_usual_strokes(ink, side);
    let ink = fitted(ink.view(), side);
    centred(&ink, size)
}

/// The image of `size` = (height, width), for EMNIST (28, 28), of a figure's ink cut out closely.
pub(super) fn letter(ink: ArrayView2<'_, u8>, size: (usize, usize)) -> Array2<u8> {
    let side = size.0.min(size.1) * 24 / 28;
    let ink = with_usual_strokes(ink, side);
    let ink = fitted(ink.view(), side);
    in_the_middle(&ink, size)
}

/// Whether an image could be one of MNIST's: its ink in a box of 20 × 20 with the centre of mass in the middle, all else
/// black.
pub(super) fn is_digit(image: ArrayView2<'_, u8>) -> bool {
    let (height, width) = image.dim();
    let side = height.min(width) * 20 / 28;
    let area = image.indexed_iter().filter(|&(_, &level)| level > 0);
    let area = area.map(|((y, x), _)| Area {
        top: y,
        bottom: y + 1,
        left: x,
        right: x + 1,
    });
    let Some(area) = area.reduce(Area::union) else {
        return false;
    };
    let (down, right) = centre_of_mass(image);
    let near = |centre: f64, length: usize| (centre + 0.5 - (length / 2) as f64).abs() <= 1.0;
    let fits = area.longer() <= side && area.longer() + 2 >= side;
    fits && near(down, height) && near(right, width)
}

/// Whether the outermost pixels are black.
pub(super) fn has_dark_edges(image: ArrayView2<'_, u8>) -> bool {
    let (height, width) = image.dim();
    let mut pixels = image.indexed_iter();
    pixels.all(|((y, x), &level)| {
        let inner = y > 0 && x > 0 && y + 1 < height && x + 1 < width;
        inner || level == 0
    })
}

/// The ink with strokes that would be thinner than a pixel of the image made visible.
fn with_usual_strokes(ink: ArrayView2<'_, u8>, side: usize) -> Array2<u8> {
    let (height, width) = ink.dim();
    let pixel = height.max(width) as f64 / side as f64;
    let thickness = thickness(ink) / pixel;
    if thickness >= THIN {
        return ink.to_owned();
    }
    let radius = ((USUAL - thickness) / 2.0 * pixel).round() as usize;
    let inner = Area::new(radius..radius + height, radius..radius + width);
    let mut padded = Array2::zeros((height + 2 * radius, width + 2 * radius));
    padded.slice_each_axis_mut(inner.window()).assign(&ink);
    dilated(padded.view(), radius)
}

/// Mean thickness of strokes: a stroke of length l has an area of l times its thickness, and 2 l pixels at its sides.
pub(super) fn thickness(ink: ArrayView2<'_, u8>) -> f64 {
    let (height, width) = ink.dim();
    let set = |y: usize, x: usize| ink[[y, x]] >= 128;
    let (mut area, mut sides) = (0_u32, 0_u32);
    for y in 0..height {
        for x in 0..width {
            if !set(y, x) {
                continue;
            }
            area += 1;
            let inner = y > 0
                && x > 0
                && y + 1 < height
                && x + 1 < width
                && set(y - 1, x)
                && set(y + 1, x)
                && set(y, x - 1)
                && set(y, x + 1);
            sides += u32::from(!inner);
        }
    }
    2.0 * f64::from(area) / f64::from(sides.max(1))
}

/// A number from 0 to 1 as a level.
fn stretched(part: f32) -> u8 {
    (part * 255.0).round() as u8
}

/// Rows and columns that fit a box of `side` × `side` with the proportions of others.
pub(super) fn shape_within(side: usize, (height, width): (usize, usize)) -> (usize, usize) {
    let longer = height.max(width).max(1) as f64;
    let to = |length: usize| {
        let length = (length as f64 * side as f64 / longer).round() as usize;
        length.clamp(1, side.max(1))
    };
    (to(height), to(width))
}

/// Resampled by area to fit a box of `side` × `side`, its proportions kept, its strongest level 255.
fn fitted(ink: ArrayView2<'_, u8>, side: usize) -> Array2<u8> {
    let means = resampled(ink, shape_within(side, ink.dim()));
    let largest = means.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    means.mapv(|mean| stretched(mean / largest))
}

/// By area, to so many rows and columns.
pub(super) fn resampled(ink: ArrayView2<'_, u8>, (height, width): (usize, usize)) -> Array2<f32> {
    let rows = covers(ink.nrows(), height);
    let columns = covers(ink.ncols(), width);
    Array2::from_shape_fn((rows.len(), columns.len()), |(y, x)| {
        let (top, weights) = &rows[y];
        let (left, across) = &columns[x];
        let mut sum = 0.0;
        for (dy, weight) in weights.iter().enumerate() {
            let row: f32 = across
                .iter()
                .enumerate()
                .map(|(dx, across)| across * f32::from(ink[[top + dy, left + dx]]))
                .sum();
            sum += weight * row;
        }
        sum
    })
}

/// Of `from` pixels in a line and each of `to`: the first that it covers, and what part of it each one is.
fn covers(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    // In units of 1/to of a pixel before, all whole: pixel i spans i·from to (i + 1)·from, pixel k before k·to to (k + 1)·to.
    (0..to)
        .map(|i| {
            let (start, end) = (i * from, (i + 1) * from);
            let (first, last) = (start / to, (end - 1) / to);
            let weight = |k: usize| {
                let covered = end.min((k + 1) * to) - start.max(k * to);
                covered as f32 / from as f32
            };
            (first, (first..=last).map(weight).collect())
        })
        .collect()
}

/// Row and column of the centre of mass, from the middle of the first pixel.
fn centre_of_mass(ink: ArrayView2<'_, u8>) -> (f64, f64) {
    let (mut mass, mut down, mut right) = (0.0, 0.0, 0.0);
    for ((y, x), &level) in ink.indexed_iter() {
        let level = f64::from(level);
        mass += level;
        down += level * y as f64;
        right += level * x as f64;
    }
    (down / f64::max(mass, 1.0), right / f64::max(mass, 1.0))
}

/// In the middle of an image by its centre of mass, as far as it stays inside.
fn centred(ink: &Array2<u8>, size: (usize, usize)) -> Array2<u8> {
    let (down, right) = centre_of_mass(ink.view());
    let place = |centre: f64, own: usize, whole: usize| {
        let shift = ((whole / 2) as f64 - 0.5 - centre).ceil();
        (shift.max(0.0) as usize).min(whole.saturating_sub(own))
    };
    let (rows, columns) = ink.dim();
    at(
        ink,
        (place(down, rows, size.0), place(right, columns, size.1)),
        size,
    )
}

/// In the middle of an image by its box.
pub(super) fn in_the_middle(ink: &Array2<u8>, size: (usize, usize)) -> Array2<u8> {
    let (rows, columns) = ink.dim();
    let place = (
        size.0.saturating_sub(rows) / 2,
        size.1.saturating_sub(columns) / 2,
    );
    at(ink, place, size)
}

fn at(ink: &Array2<u8>, (top, left): (usize, usize), size: (usize, usize)) -> Array2<u8> {
    let (rows, columns) = ink.dim();
    let mut image = Array2::zeros(size);
    image
        .slice_each_axis_mut(Area::new(top..top + rows, left..left + columns).window())
        .assign(ink);
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_whole_lines() {
        for from in 1..50 {
            for to in 1..25 {
                let mut whole = vec![0.0; from];
                for (first, weights) in covers(from, to) {
                    assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                    for (k, weight) in weights.iter().enumerate() {
                        assert!(*weight > 0.0);
                        whole[first + k] += weight;
                    }
                }
                let each = to as f32 / from as f32;
                assert!(
                    whole.iter().all(|sum| (sum - each).abs() < 1e-5),
                    "{from} {to}"
                );
            }
        }
    }
}
