//! A digit as MNIST has it, out of a picture of any size.
//!
//! Y. `LeCun`, C. Cortes and C. Burges describe how theirs were made (<http://yann.lecun.com/exdb/mnist/>): "size
//! normalized to fit in a 20x20 pixel box while preserving their aspect ratio. The resulting images contain grey
//! levels as a result of the anti-aliasing technique used by the normalization algorithm. the images were centered
//! in a 28x28 image by computing the center of mass of the pixels, and translating the image so as to position this
//! point at the center of the 28x28 field." In all of their images the centre of mass lies within the pixel of row
//! and column 14, so the translation was by whole pixels, and that is where it is put here.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, AxisDescription, Slice};

/// Levels between background and ink, of 255, below which a picture counts as blank.
const LEAST_CONTRAST: u8 = 32;

/// The digit of a picture (rows, columns), light on dark, as an image of `size` = (height, width), for MNIST (28, 28).
///
/// The background is the median of the picture's border. What differs from it is ink: of what is darker and what is
/// lighter, that which has the greater sum of squared differences. The ink is stretched to the full contrast, cut
/// out, resampled by area, and put in its place.
///
/// # Errors
/// What is wrong with the picture, if it is blank.
pub fn digit(picture: ArrayView2<'_, u8>, size: (usize, usize)) -> Result<Array2<u8>, String> {
    let ink = ink(picture)?;
    let rows = extent(ink.rows().into_iter().map(|row| row.iter().any(|&x| x > 0)));
    let columns = ink.columns().into_iter();
    let columns = extent(columns.map(|column| column.iter().any(|&x| x > 0)));
    let ink = ink.slice_each_axis(window(rows, columns));
    let ink = fitted(ink, size.0.min(size.1) * 20 / 28);
    Ok(centred(&ink, size))
}

/// The ink of a picture, 0 none to 255 full.
fn ink(picture: ArrayView2<'_, u8>) -> Result<Array2<u8>, String> {
    let background = quantile(border(picture).collect(), 0.5);
    let (mut darker, mut lighter) = (0_u64, 0_u64);
    for &level in picture {
        let square = u64::from(level.abs_diff(background)).pow(2);
        *(if level < background {
            &mut darker
        } else {
            &mut lighter
        }) += square;
    }
    let difference = |level: u8| match lighter >= darker {
        true => level.saturating_sub(background),
        false => background.saturating_sub(level),
    };
    let largest = picture
        .iter()
        .map(|&level| difference(level))
        .max()
        .unwrap_or(0);
    if largest < LEAST_CONTRAST {
        return Err(format!(
            "it is blank: ink and background differ by {largest} of 255 levels, expected at least \
             {LEAST_CONTRAST}"
        ));
    }
    // What the border itself varies by is no ink: a paper's grain.
    let grain = border(picture)
        .map(|level| level.abs_diff(background))
        .collect();
    let grain = quantile(grain, 0.9).saturating_mul(2).min(largest / 2);
    let threshold = grain.max(largest / 16);
    Ok(picture.mapv(|level| {
        let difference = difference(level);
        if difference <= threshold {
            return 0;
        }
        stretched(f32::from(difference) / f32::from(largest))
    }))
}

/// A number from 0 to 1 as a level.
fn stretched(part: f32) -> u8 {
    (part * 255.0).round() as u8
}

/// The outermost pixels.
pub(super) fn border(picture: ArrayView2<'_, u8>) -> impl Iterator<Item = u8> {
    let (height, width) = picture.dim();
    let inner = |at: usize, end: usize| at != 0 && at + 1 != end;
    let places = (0..height).flat_map(move |y| {
        let step = if inner(y, height) {
            (width - 1).max(1)
        } else {
            1
        };
        (0..width).step_by(step).map(move |x| (y, x))
    });
    places.map(move |place| picture[place])
}

/// The level below which a part of the levels lies.
pub(super) fn quantile(mut levels: Vec<u8>, part: f64) -> u8 {
    if levels.is_empty() {
        return 0;
    }
    let at = (part * (levels.len() - 1) as f64).round() as usize;
    *levels.select_nth_unstable(at).1
}

/// From the first true to after the last; all if there is none.
fn extent(
    marks: impl ExactSizeIterator<Item = bool> + DoubleEndedIterator + Clone,
) -> Range<usize> {
    let first = marks.clone().position(|mark| mark).unwrap_or(0);
    let after = marks
        .clone()
        .rposition(|mark| mark)
        .map_or(marks.len(), |last| last + 1);
    first..after
}

/// These rows and columns.
fn window(rows: Range<usize>, columns: Range<usize>) -> impl Fn(AxisDescription) -> Slice {
    move |about| match about.axis {
        Axis(0) => rows.clone().into(),
        _ => columns.clone().into(),
    }
}

/// Resampled by area to fit a box of `side` × `side`, its proportions kept, its strongest level 255.
fn fitted(ink: ArrayView2<'_, u8>, side: usize) -> Array2<u8> {
    let (height, width) = ink.dim();
    let longer = height.max(width) as f64;
    let to = |length: usize| {
        let length = (length as f64 * side as f64 / longer).round() as usize;
        length.clamp(1, side.max(1))
    };
    let rows = covers(height, to(height));
    let columns = covers(width, to(width));
    let means = Array2::from_shape_fn((rows.len(), columns.len()), |(y, x)| {
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
    });
    let largest = means.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    means.mapv(|mean| stretched(mean / largest))
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

/// In the middle of an image, by its centre of mass, as far as it stays inside.
fn centred(ink: &Array2<u8>, (height, width): (usize, usize)) -> Array2<u8> {
    let (mut mass, mut down, mut right) = (0.0, 0.0, 0.0);
    for ((y, x), &level) in ink.indexed_iter() {
        let level = f64::from(level);
        mass += level;
        down += level * y as f64;
        right += level * x as f64;
    }
    let place = |moment: f64, own: usize, whole: usize| {
        let centre = moment / f64::max(mass, 1.0);
        let shift = ((whole / 2) as f64 - 0.5 - centre).ceil();
        (shift.max(0.0) as usize).min(whole.saturating_sub(own))
    };
    let (rows, columns) = ink.dim();
    let (top, left) = (place(down, rows, height), place(right, columns, width));
    let mut image = Array2::zeros((height, width));
    image
        .slice_each_axis_mut(window(top..top + rows, left..left + columns))
        .assign(ink);
    image
}

#[cfg(test)]
mod tests {
    use mnist_data::embedded;
    use ndarray::{Array2, ArrayView2, Axis};

    use super::*;

    /// The picture of an image, each pixel as `by` × `by`, with a margin on each side, and levels of one's choice.
    fn picture(
        image: ArrayView2<'_, u8>,
        by: usize,
        margins: [usize; 4],
        level: impl Fn(u8) -> u8,
    ) -> Array2<u8> {
        let [top, bottom, left, right] = margins;
        let (height, width) = image.dim();
        let shape = (top + by * height + bottom, left + by * width + right);
        Array2::from_shape_fn(shape, |(y, x)| {
            let inside =
                (top..top + by * height).contains(&y) && (left..left + by * width).contains(&x);
            level(if inside {
                image[[(y - top) / by, (x - left) / by]]
            } else {
                0
            })
        })
    }

    /// All of MNIST's test images but some that are 19 pixels long come back from pictures of them as they were, but
    /// for levels: the greatest becomes 255, and faint ones of the edges vanish.
    #[test]
    fn an_image_of_mnist_comes_back() {
        let images = embedded::load().test;
        let mut same = 0;
        for number in 0..500 {
            let image = images.images().index_axis_move(Axis(0), number);
            let image = image.mapv(|level| if level < 20 { 0 } else { level });
            let (margins, by) = ([number % 7, 3, 40, number % 50], 1 + number % 5);
            let light = digit(
                picture(image.view(), by, margins, |level| level).view(),
                (28, 28),
            )
            .unwrap();
            let dark = picture(image.view(), by, margins, |level| 230 - level / 2);
            let dark = digit(dark.view(), (28, 28)).unwrap();
            let near = |found: &Array2<u8>| {
                let mut pairs = found.iter().zip(&image);
                pairs.all(|(a, b)| a.abs_diff(*b) <= 3)
            };
            same += usize::from(near(&light) && near(&dark));
        }
        assert!(same >= 490, "{same} of 500");
    }

    #[test]
    fn a_large_picture_is_averaged() {
        // A bar of 400 × 100 in a large dark picture, slightly off.
        let mut bar = Array2::from_elem((1000, 900), 10_u8);
        bar.slice_each_axis_mut(window(203..603, 511..611))
            .fill(250);
        let found = digit(bar.view(), (28, 28)).unwrap();
        let mut expected = Array2::zeros((28, 28));
        expected
            .slice_each_axis_mut(window(4..24, 12..17))
            .fill(255);
        // The bar is 5 wide, so its centre lies in the middle of a pixel; 20 high, it lies on an edge.
        assert_eq!(found, expected);
    }

    #[test]
    fn thin_and_tiny_ink_is_kept() {
        let mut line = Array2::from_elem((300, 300), 255_u8);
        line.slice_each_axis_mut(window(20..280, 150..151)).fill(0);
        let found = digit(line.view(), (28, 28)).unwrap();
        assert_eq!(
            found
                .sum_axis(Axis(0))
                .iter()
                .filter(|&&sum| sum > 0)
                .count(),
            1
        );
        assert_eq!(found.iter().filter(|&&level| level == 255).count(), 20);
        let mut dot = Array2::from_elem((5, 5), 0_u8);
        dot[[1, 3]] = 200;
        let found = digit(dot.view(), (28, 28)).unwrap();
        assert_eq!(found.iter().filter(|&&level| level == 255).count(), 400);
    }

    #[test]
    fn grain_of_the_paper_is_no_ink() {
        let image = embedded::load()
            .test
            .images()
            .index_axis_move(Axis(0), 7)
            .to_owned();
        let clean = picture(image.view(), 6, [10; 4], |level| level);
        let expected = digit(clean.view(), (28, 28)).unwrap();
        let grainy = Array2::from_shape_fn(clean.dim(), |(y, x)| {
            let grain = (y * 7919 + x * 104_729) % 13;
            200 - (f32::from(clean[[y, x]]) * 0.6) as u8 + grain as u8
        });
        let found = digit(grainy.view(), (28, 28)).unwrap();
        let far = found
            .iter()
            .zip(&expected)
            .filter(|(a, b)| a.abs_diff(**b) > 60)
            .count();
        assert!(far < 10, "{far} pixels");
    }

    #[test]
    fn a_blank_picture_is_refused() {
        for (shape, level) in [((1, 1), 0), ((28, 28), 255), ((3, 500), 128)] {
            let blank = Array2::from_elem(shape, level);
            let message = digit(blank.view(), (28, 28)).unwrap_err();
            assert!(
                message.starts_with("it is blank: ink and background differ by 0"),
                "{message}"
            );
        }
    }

    #[test]
    fn borders_and_quantiles() {
        let picture = Array2::from_shape_fn((3, 4), |(y, x)| (10 * y + x) as u8);
        let found: Vec<u8> = border(picture.view()).collect();
        assert_eq!(found, [0, 1, 2, 3, 10, 13, 20, 21, 22, 23]);
        let narrow = Array2::from_shape_fn((3, 1), |(y, _)| y as u8);
        assert_eq!(border(narrow.view()).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(quantile(vec![5, 1, 9], 0.5), 5);
        assert_eq!(quantile(vec![], 0.5), 0);
    }

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
