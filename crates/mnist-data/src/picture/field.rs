//! The field that a figure stands in, where it is a part of the picture: a canvas in a page, a card on a desk.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};

use super::area::Area;
use super::components::components;
use super::plane::{MainAxis, eroded, histogram, otsu, quantile, reduced};

/// Pixels of the longer side at which fields are looked for.
const SIDE: usize = 200;
/// Parts of a field's box that it fills, with what it encloses; an ellipse fills 0.785.
const LEAST_FILLED: f64 = 0.9;

/// Where a field lies, in pixels of the picture that it was found in, and the picture of it alone.
pub(super) struct Field {
    pub(super) area: Area,
    /// (rows, columns, 3); what is not of the field has its usual colour.
    pub(super) pixels: Array3<u8>,
}

/// The smallest even rectangle, turned by at most 20 degrees, that encloses something like a figure and is not the whole
/// picture.
pub(super) fn find(pixels: ArrayView3<'_, u8>) -> Option<Field> {
    let (height, width, _) = pixels.dim();
    let factor = height.max(width).div_ceil(SIDE).max(1);
    let small = reduced(pixels, factor);
    let plane = MainAxis::of(small.view()).plane(small.view());
    let mut best: Option<Region> = None;
    for threshold in thresholds(&plane) {
        for upper in [false, true] {
            let mask = plane.mapv(|level| (level > threshold) == upper);
            for region in regions(&mask) {
                if best.as_ref().is_none_or(|best| region.filled < best.filled) {
                    best = Some(region);
                }
            }
        }
    }
    Some(cut(pixels, &best?, factor))
}

/// Levels that part the plane in two classes, and in three by parting each again.
fn thresholds(plane: &Array2<u8>) -> Vec<u8> {
    let all = histogram(plane);
    let middle = otsu(&all);
    let (mut lower, mut upper) = (all, all);
    lower[usize::from(middle) + 1..].fill(0);
    upper[..=usize::from(middle)].fill(0);
    let mut thresholds = vec![middle, otsu(&lower), otsu(&upper)];
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

/// A connected part of a class with what it encloses.
struct Region {
    area: Area,
    /// Pixels, enclosed ones among them.
    filled: usize,
    /// Of the area.
    inside: Array2<bool>,
    /// Pixels of the class itself.
    own: Array2<bool>,
}

/// Those of a mask that can be a field.
fn regions(mask: &Array2<bool>) -> Vec<Region> {
    let (labels, parts) = components(mask, false);
    let whole = mask.len();
    let mut found = Vec::new();
    for (label, part) in (1_u32..).zip(&parts) {
        if 20 * part.count < whole || part.area.height().min(part.area.width()) < 12 {
            continue;
        }
        let own = labels
            .slice_each_axis(part.area.window())
            .mapv(|other| other == label);
        let (inside, figure) = filled(&own);
        let count = inside.iter().filter(|&&set| set).count();
        // Paper that is all of the picture is no field in it.
        if 100 * count > 97 * whole || 2 * part.count < count {
            continue;
        }
        let like_a_figure = figure >= part.area.height().min(part.area.width()) / 6;
        if like_a_figure && count as f64 >= LEAST_FILLED * least_box(&inside) {
            found.push(Region {
                area: part.area,
                filled: count,
                inside,
                own,
            });
        }
    }
    found
}

/// A region with what it encloses, and the longer side of the largest enclosed part.
fn filled(own: &Array2<bool>) -> (Array2<bool>, usize) {
    let outside = own.mapv(|own| !own);
    let (labels, parts) = components(&outside, true);
    let enclosed: Vec<bool> = parts.iter().map(|part| part.touches_edges() == 0).collect();
    let inside = labels.mapv(|label| label == 0 || enclosed[label as usize - 1]);
    let lengths = parts
        .iter()
        .zip(&enclosed)
        .filter(|&(_, &enclosed)| enclosed);
    let longest = lengths.map(|(part, _)| part.area.longer()).max();
    (inside, longest.unwrap_or(0))
}

/// Pixels of the smallest rectangle around a mask, among those turned by up to 20 degrees.
fn least_box(mask: &Array2<bool>) -> f64 {
    // The outermost pixels of each row are enough.
    let mut outline = Vec::new();
    for (y, row) in mask.rows().into_iter().enumerate() {
        let first = row.iter().position(|&set| set);
        let last = row.iter().rposition(|&set| set);
        if let (Some(first), Some(last)) = (first, last) {
            let y = y as f64;
            for corner_y in [y, y + 1.0] {
                outline.extend([(corner_y, first as f64), (corner_y, last as f64 + 1.0)]);
            }
        }
    }
    let extent = |along: (f64, f64)| {
        let places = outline.iter().map(|&(y, x)| y * along.0 + x * along.1);
        let (least, most) = places.fold((f64::MAX, f64::MIN), |(least, most), place| {
            (least.min(place), most.max(place))
        });
        most - least
    };
    // Tangents of the angles, up to 20 degrees.
    let tangents = (-12..=12).map(|step| f64::from(step) * 0.03);
    let boxes = tangents.map(|tangent| {
        // Along (1, t) and (−t, 1), each √(1 + t²) long.
        extent((1.0, tangent)) * extent((-tangent, 1.0)) / (1.0 + tangent * tangent)
    });
    boxes.fold(f64::MAX, f64::min)
}

/// The picture of a region alone, without the pixels at its edge, which are mixed.
fn cut(pixels: ArrayView3<'_, u8>, region: &Region, factor: usize) -> Field {
    let (height, width, _) = pixels.dim();
    let Area {
        top,
        bottom,
        left,
        right,
    } = region.area;
    let area = Area {
        top: top * factor,
        bottom: (bottom * factor).min(height),
        left: left * factor,
        right: (right * factor).min(width),
    };
    let mut pixels = pixels.slice_each_axis(area.window()).to_owned();
    let usual: [u8; 3] = std::array::from_fn(|channel| {
        let levels = pixels.index_axis(Axis(2), channel);
        let own = levels
            .indexed_iter()
            .filter(|&((y, x), _)| region.own[[y / factor, x / factor]]);
        quantile(own.map(|(_, &level)| level).collect(), 0.5)
    });
    let inside = region.inside.mapv(|inside| if inside { 255 } else { 0 });
    // Beyond the area there is nothing of the field, unless it ends there because the picture does.
    let inside = shrunk(
        inside.view(),
        [
            top > 0,
            bottom * factor < height,
            left > 0,
            right * factor < width,
        ],
    );
    for ((y, x), &inside) in inside.indexed_iter() {
        if inside != 0 {
            continue;
        }
        for row in y * factor..((y + 1) * factor).min(area.height()) {
            for column in x * factor..((x + 1) * factor).min(area.width()) {
                for channel in 0..3 {
                    pixels[[row, column, channel]] = usual[channel];
                }
            }
        }
    }
    Field { area, pixels }
}

/// Without the outermost pixels; those in the first and last rows and columns are outermost where `bounded`.
fn shrunk(inside: ArrayView2<'_, u8>, bounded: [bool; 4]) -> Array2<u8> {
    let mut shrunk = eroded(inside, 1);
    let (height, width) = shrunk.dim();
    for (bounded, line) in bounded.into_iter().zip([
        Area::new(0..1, 0..width),
        Area::new(height - 1..height, 0..width),
        Area::new(0..height, 0..1),
        Area::new(0..height, width - 1..width),
    ]) {
        if bounded {
            shrunk.slice_each_axis_mut(line.window()).fill(0);
        }
    }
    shrunk
}
