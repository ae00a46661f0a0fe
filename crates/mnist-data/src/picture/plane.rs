//! Operations on a plane of levels: reduced, projected from colours, filtered.

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis};

/// The means of blocks of `factor` × `factor` pixels (rows, columns, 3), those at the ends of what is left.
pub(super) fn reduced(pixels: ArrayView3<'_, u8>, factor: usize) -> Array3<u8> {
    if factor == 1 {
        return pixels.to_owned();
    }
    let (height, width, _) = pixels.dim();
    let (rows, columns) = (height.div_ceil(factor), width.div_ceil(factor));
    let mut result = Vec::with_capacity(3 * rows * columns);
    let mut sums = vec![[0_u32; 3]; columns];
    for y in 0..rows {
        sums.fill([0; 3]);
        let own = y * factor..((y + 1) * factor).min(height);
        for row in own.clone() {
            let row = pixels.index_axis(Axis(0), row);
            let row = row.as_standard_layout();
            let (row, _) = row.as_slice().unwrap_or_default().as_chunks::<3>();
            for (sum, block) in sums.iter_mut().zip(row.chunks(factor)) {
                for pixel in block {
                    for (sum, &level) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(level);
                    }
                }
            }
        }
        for (x, sum) in sums.iter().enumerate() {
            let across = factor.min(width - x * factor);
            let count = (own.len() * across) as u32;
            result.extend(sum.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    Array3::from_shape_vec((rows, columns, 3), result).unwrap_or_default()
}

/// The axis of colours on which neighbourhoods differ most.
///
/// It is the first principal component of the differences between pixels some distance apart, so that slow changes of
/// light count for little. Grey pictures keep their levels.
pub(super) struct MainAxis {
    weights: [f32; 3],
    /// The sum of the weights without their signs, and that of the negative ones.
    all: f32,
    below: f32,
}

impl MainAxis {
    pub(super) fn of(pixels: ArrayView3<'_, u8>) -> Self {
        let weights = main_axis(pixels);
        Self {
            weights,
            all: weights.iter().map(|weight| weight.abs()).sum(),
            below: weights.iter().map(|weight| weight.min(0.0)).sum(),
        }
    }

    /// Where a colour lies on the axis: 0 to 255, lighter colours greater.
    pub(super) fn level(&self, pixel: ArrayView1<'_, u8>) -> u8 {
        let level = |at: usize| self.weights[at] * f32::from(pixel[at]);
        let sum = level(0) + level(1) + level(2);
        ((sum - 255.0 * self.below) / self.all).round() as u8
    }

    /// The levels of all pixels.
    pub(super) fn plane(&self, pixels: ArrayView3<'_, u8>) -> Array2<u8> {
        pixels.map_axis(Axis(2), |pixel| self.level(pixel))
    }
}

fn main_axis(pixels: ArrayView3<'_, u8>) -> [f32; 3] {
    let (height, width, _) = pixels.dim();
    let apart = (height.max(width) / 16).max(1);
    let step = (height.max(width) / 160).max(1);
    let mut covariance = [[0.0_f64; 3]; 3];
    let at = |y: usize, x: usize, c: usize| f64::from(pixels[[y, x, c]]);
    for y in (0..height).step_by(step) {
        for x in (0..width).step_by(step) {
            for (other_y, other_x) in [(y + apart, x), (y, x + apart)] {
                if other_y >= height || other_x >= width {
                    continue;
                }
                let difference: [f64; 3] =
                    std::array::from_fn(|c| at(other_y, other_x, c) - at(y, x, c));
                for (row, a) in covariance.iter_mut().zip(difference) {
                    for (sum, b) in row.iter_mut().zip(difference) {
                        *sum += a * b;
                    }
                }
            }
        }
    }
    // By powers; the start prefers no channel and is no axis of colours that are often met.
    let mut axis = [0.5, 0.7, 0.4];
    for _ in 0..50 {
        let product = covariance.map(|row| row[0] * axis[0] + row[1] * axis[1] + row[2] * axis[2]);
        let length = product.iter().fold(0.0, |sum, x| sum + x * x).sqrt();
        if length <= 0.0 {
            break;
        }
        axis = product.map(|x| x / length);
    }
    let sign = if axis.iter().sum::<f64>() < 0.0 {
        -1.0
    } else {
        1.0
    };
    axis.map(|weight| (sign * weight) as f32)
}

/// The greatest level within `radius` of each pixel in both directions, of those that there are.
pub(super) fn dilated(plane: ArrayView2<'_, u8>, radius: usize) -> Array2<u8> {
    let along_rows = lines_dilated(plane, radius);
    let along_columns = lines_dilated(along_rows.t(), radius);
    along_columns.t().to_owned()
}

/// The least level within `radius`.
pub(super) fn eroded(plane: ArrayView2<'_, u8>, radius: usize) -> Array2<u8> {
    let inverse = plane.mapv(|level| 255 - level);
    dilated(inverse.view(), radius).mapv_into(|level| 255 - level)
}

/// A morphological closing by a square: what is darker than its surroundings and narrower than 2 · `radius` becomes as
/// light as they are.
pub(super) fn closed(plane: ArrayView2<'_, u8>, radius: usize) -> Array2<u8> {
    eroded(dilated(plane, radius).view(), radius)
}

/// M. van Herk, A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels (1992):
/// the greatest of a window is that of the end of one block and the start of the next.
fn lines_dilated(plane: ArrayView2<'_, u8>, radius: usize) -> Array2<u8> {
    let (height, width) = plane.dim();
    let window = 2 * radius + 1;
    let length = (width + 2 * radius).div_ceil(window) * window;
    let mut result = Array2::zeros((height, width));
    let (mut forward, mut backward) = (vec![0; length], vec![0; length]);
    for (line, mut to) in plane.rows().into_iter().zip(result.rows_mut()) {
        forward.fill(0);
        for (place, &level) in forward[radius..].iter_mut().zip(line) {
            *place = level;
        }
        backward.copy_from_slice(&forward);
        for block in forward.chunks_exact_mut(window) {
            for at in 1..window {
                block[at] = block[at].max(block[at - 1]);
            }
        }
        for block in backward.chunks_exact_mut(window) {
            for at in (1..window).rev() {
                block[at - 1] = block[at - 1].max(block[at]);
            }
        }
        for (x, to) in to.iter_mut().enumerate() {
            *to = backward[x].max(forward[x + window - 1]);
        }
    }
    result
}

/// The level below which a part of them lies, 0 of none.
pub(super) fn quantile(mut levels: Vec<u8>, part: f64) -> u8 {
    if levels.is_empty() {
        return 0;
    }
    let at = (part * (levels.len() - 1) as f64).round() as usize;
    *levels.select_nth_unstable(at).1
}

/// N. Otsu, A threshold selection method from gray-level histograms (1979): the level that parts a histogram into two
/// classes with the least variance within them; the upper class is above it.
pub(super) fn otsu(histogram: &[u64; 256]) -> u8 {
    let all: u64 = histogram.iter().sum();
    let moment: u64 = (0_u64..)
        .zip(histogram)
        .map(|(level, count)| level * count)
        .sum();
    let (mut below, mut moment_below) = (0_u64, 0_u64);
    let mut best = (0.0, 0);
    for (level, &count) in histogram.iter().enumerate() {
        below += count;
        moment_below += level as u64 * count;
        let above = all - below;
        if below == 0 || above == 0 {
            continue;
        }
        let mean = moment_below as f64 / below as f64;
        let mean_above = (moment - moment_below) as f64 / above as f64;
        let between = below as f64 * above as f64 * (mean_above - mean) * (mean_above - mean);
        if between > best.0 {
            best = (between, level as u8);
        }
    }
    best.1
}

pub(super) fn histogram<'a>(levels: impl IntoIterator<Item = &'a u8>) -> [u64; 256] {
    let mut histogram = [0; 256];
    for &level in levels {
        histogram[usize::from(level)] += 1;
    }
    histogram
}

#[cfg(test)]
mod tests {
    use crate::picture::area::Area;

    use super::*;

    fn odd_plane() -> Array2<u8> {
        Array2::from_shape_fn((9, 14), |(y, x)| (y * 37 + x * 101 + y * x * 13) as u8)
    }

    #[test]
    fn dilation_is_the_greatest_of_the_window() {
        let plane = odd_plane();
        for radius in [0, 1, 2, 5, 20] {
            let found = dilated(plane.view(), radius);
            let least = eroded(plane.view(), radius);
            for ((y, x), &level) in found.indexed_iter() {
                let rows = y.saturating_sub(radius)..(y + radius + 1).min(9);
                let columns = x.saturating_sub(radius)..(x + radius + 1).min(14);
                let window = plane.slice_each_axis(Area::new(rows, columns).window());
                assert_eq!(Some(&level), window.iter().max(), "{radius}");
                assert_eq!(Some(&least[[y, x]]), window.iter().min(), "{radius}");
            }
        }
    }

    #[test]
    fn closing_fills_what_is_narrow() {
        let shadow = Array2::from_shape_fn((40, 60), |(_, x)| if x < 30 { 100 } else { 200 });
        assert_eq!(closed(shadow.view(), 7), shadow);
        let mut line = shadow.clone();
        line.slice_each_axis_mut(Area::new(10..30, 40..44).window())
            .fill(0);
        assert_eq!(closed(line.view(), 7), shadow);
    }

    #[test]
    fn colours_of_equal_luma_are_told_apart() {
        // Red on green: 0.2126 · 200 = 42.5 against 0.7152 · 60 = 42.9.
        let mut picture = Array3::zeros((40, 40, 3));
        picture.index_axis_mut(Axis(2), 1).fill(60_u8);
        let ink = Area::new(10..30, 15..20);
        picture.slice_each_axis_mut(ink.window()).fill(0);
        let mut red = picture.index_axis_mut(Axis(2), 0);
        red.slice_each_axis_mut(ink.window()).fill(200);
        let plane = MainAxis::of(picture.view()).plane(picture.view());
        assert!(plane[[20, 17]].abs_diff(plane[[0, 0]]) > 150);
        // Grey levels stay.
        let grey = Array3::from_shape_fn((20, 30, 3), |(y, x, _)| (y * 9 + x) as u8);
        let plane = MainAxis::of(grey.view()).plane(grey.view());
        assert!(
            plane
                .indexed_iter()
                .all(|((y, x), &l)| l.abs_diff(grey[[y, x, 0]]) <= 1)
        );
    }

    #[test]
    fn otsu_parts_two_classes() {
        let levels = [10, 12, 11, 10, 200, 210, 205];
        let threshold = otsu(&histogram(&levels));
        assert!((12..200).contains(&threshold), "{threshold}");
        assert_eq!(quantile(vec![5, 1, 9], 0.5), 5);
        assert_eq!(quantile(vec![], 0.5), 0);
    }
}
