//! The background of a picture: what it would be without ink, under uneven light.

use ndarray::{Array2, ArrayView2, Zip};

use super::area::Area;
use super::edge;
use super::plane::{closed, eroded, quantile};

/// Pixels of the longer side at which the background is looked at.
const SIDE: usize = 100;
/// Half of the width up to which a stroke is ink and not background, as a part of the picture's longer side.
const RADIUS: f64 = 0.18;
/// How far around a pixel the usual level is looked for, as a part of the picture's longer side.
const AROUND: f64 = 0.25;

/// What a dark strip along an edge is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum AtEdges {
    /// Background, unless it is a stroke that crosses the edge.
    Background,
    /// Ink, as all that is narrow.
    Ink,
}

/// The levels behind ink that is darker, of a plane, or behind ink that is lighter, of its inverse.
///
/// A morphological closing of the medians of blocks: all that is darker than its surroundings and narrower than a third of
/// the picture becomes as light as they are. Beyond the edges the picture goes on as it is there.
pub(super) fn behind_dark_ink(plane: ArrayView2<'_, u8>, at_edges: AtEdges) -> Array2<u8> {
    let (height, width) = plane.dim();
    let factor = height.max(width).div_ceil(SIDE);
    let medians = medians(plane, factor);
    let (rows, columns) = medians.dim();
    let radius = (RADIUS * rows.max(columns) as f64).ceil() as usize;
    let background = match at_edges {
        AtEdges::Ink => closed(medians.view(), radius),
        AtEdges::Background => {
            let padded = padded(&medians, &edge::without_strokes(&medians), radius);
            let inner = Area::new(radius..radius + rows, radius..radius + columns);
            closed(padded.view(), radius)
                .slice_each_axis(inner.window())
                .to_owned()
        }
    };
    if factor <= 1 {
        return background;
    }
    // At the edge of a shadow a block is of both sides; the darker one is taken, or it would look like a line of ink.
    let darker = eroded(background.view(), 1);
    enlarged(&darker, factor, (height, width))
}

/// The plane with `by` pixels around it, each as the nearest pixel of `edge`, a plane of the same size.
fn padded(plane: &Array2<u8>, edge: &Array2<u8>, by: usize) -> Array2<u8> {
    let (height, width) = plane.dim();
    Array2::from_shape_fn((height + 2 * by, width + 2 * by), |(y, x)| {
        let inner = |at: usize, length: usize| at.saturating_sub(by).min(length - 1);
        let (inner_y, inner_x) = (inner(y, height), inner(x, width));
        let is_inside = inner_y + by == y && inner_x + by == x;
        let from = if is_inside { plane } else { edge };
        from[[inner_y, inner_x]]
    })
}

fn median(plane: ArrayView2<'_, u8>, area: Area) -> u8 {
    let levels = plane.slice_each_axis(area.window());
    quantile(levels.iter().copied().collect(), 0.5)
}

/// The medians of blocks, or of 3 × 3 pixels around each where a block is one pixel.
fn medians(plane: ArrayView2<'_, u8>, factor: usize) -> Array2<u8> {
    let (height, width) = plane.dim();
    if factor <= 1 {
        return Array2::from_shape_fn((height, width), |(y, x)| {
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            median(plane, Area::new(rows, columns))
        });
    }
    let shape = (height.div_ceil(factor), width.div_ceil(factor));
    Array2::from_shape_fn(shape, |(y, x)| {
        let rows = y * factor..((y + 1) * factor).min(height);
        let columns = x * factor..((x + 1) * factor).min(width);
        median(plane, Area::new(rows, columns))
    })
}

/// Linearly between the centres of blocks.
fn enlarged(blocks: &Array2<u8>, factor: usize, shape: (usize, usize)) -> Array2<u8> {
    let (rows, columns) = blocks.dim();
    let place = |at: usize, length: usize| {
        let at = ((at as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (length - 1) as f32);
        let first = at as usize;
        (first, (first + 1).min(length - 1), at - first as f32)
    };
    let across: Vec<_> = (0..shape.1).map(|x| place(x, columns)).collect();
    let mut result = Array2::zeros(shape);
    for (y, mut to) in result.rows_mut().into_iter().enumerate() {
        let (top, bottom, down) = place(y, rows);
        let line = |row: usize| blocks.row(row);
        let (top, bottom) = (line(top), line(bottom));
        for (to, &(left, right, part)) in to.iter_mut().zip(&across) {
            let between =
                |a: u8, b: u8, part: f32| f32::from(a) + part * (f32::from(b) - f32::from(a));
            let (upper, lower) = (
                between(top[left], top[right], part),
                between(bottom[left], bottom[right], part),
            );
            *to = (upper + down * (lower - upper)).round() as u8;
        }
    }
    result
}

/// How much darker and how much lighter pixels are than the usual level around them: sums of squares of both.
pub(super) fn darker_and_lighter(plane: ArrayView2<'_, u8>) -> (f64, f64) {
    let (height, width) = plane.dim();
    let factor = height.max(width).div_ceil(SIDE / 2);
    let blocks = medians(plane, factor.max(1));
    let (rows, columns) = blocks.dim();
    let radius = (AROUND * rows.max(columns) as f64).ceil() as usize;
    let step = 3;
    let coarse = (rows.div_ceil(step), columns.div_ceil(step));
    let usual = Array2::from_shape_fn(coarse, |(y, x)| {
        let (y, x) = (y * step, x * step);
        let rows = y.saturating_sub(radius)..(y + radius + 1).min(rows);
        let columns = x.saturating_sub(radius)..(x + radius + 1).min(columns);
        median(blocks.view(), Area::new(rows, columns))
    });
    let usual = enlarged(&usual, step * factor.max(1), (height, width));
    let (mut darker, mut lighter) = (0.0, 0.0);
    Zip::from(plane).and(&usual).for_each(|&own, &usual| {
        let square = f64::from(own.abs_diff(usual)).powi(2);
        match own < usual {
            true => darker += square,
            false => lighter += square,
        }
    });
    (darker, lighter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paper whose light falls off to the left, and a dark upright line at some columns.
    fn uneven(line: std::ops::Range<usize>) -> Array2<u8> {
        Array2::from_shape_fn((200, 240), |(y, x)| match line.contains(&x) {
            true if (20..200).contains(&y) => 30,
            _ => 100 + (x / 2) as u8,
        })
    }

    #[test]
    fn paper_goes_on_behind_a_line_also_at_the_edges() {
        let paper = uneven(0..0);
        for line in [60..80, 130..150, 205..225] {
            let found = behind_dark_ink(uneven(line.clone()).view(), AtEdges::Background);
            // As light as one side of the line or the other.
            let most = 5 + (line.len() / 2) as u8;
            for (found, expected) in found.iter().zip(&paper) {
                assert!(found.abs_diff(*expected) <= most, "{line:?}");
            }
        }
    }

    #[test]
    fn a_strip_along_an_edge_is_background_or_ink() {
        let strip = Array2::from_shape_fn((100, 100), |(y, _)| if y < 10 { 50 } else { 220 });
        let as_background = behind_dark_ink(strip.view(), AtEdges::Background);
        assert_eq!((as_background[[2, 50]], as_background[[50, 50]]), (50, 220));
        let as_ink = behind_dark_ink(strip.view(), AtEdges::Ink);
        assert_eq!((as_ink[[2, 50]], as_ink[[50, 50]]), (220, 220));
    }

    #[test]
    fn a_dark_line_is_darker_than_the_usual_and_a_light_one_lighter() {
        let (darker, lighter) = darker_and_lighter(uneven(60..80).view());
        assert!(darker > 10.0 * lighter, "{darker} {lighter}");
        let inverse = uneven(60..80).mapv(|level| 255 - level);
        let (darker, lighter) = darker_and_lighter(inverse.view());
        assert!(lighter > 10.0 * darker, "{darker} {lighter}");
    }
}
