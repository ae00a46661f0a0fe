//! Digits in drawn pictures: where they come out, pixel by pixel.

use crate::embedded;
use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::area::Area;
use super::{Error, Picture, Preparation};

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

fn digit(levels: &Array2<u8>) -> Result<Array2<u8>, Error> {
    let (height, width) = levels.dim();
    let pixels = Array3::from_shape_fn((height, width, 3), |(y, x, _)| levels[[y, x]]);
    let picture = Picture::new(pixels, (height, width), 1);
    let prepared = Preparation::Digit.prepare(&picture, (28, 28))?;
    Ok(prepared.image)
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
        let light = digit(&picture(image.view(), by, margins, |level| level)).unwrap();
        let dark = digit(&picture(image.view(), by, margins, |level| 230 - level / 2)).unwrap();
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
    bar.slice_each_axis_mut(Area::new(203..603, 511..611).window())
        .fill(250);
    let found = digit(&bar).unwrap();
    let mut expected = Array2::zeros((28, 28));
    expected
        .slice_each_axis_mut(Area::new(4..24, 12..17).window())
        .fill(255);
    // The bar is 5 wide, so its centre lies in the middle of a pixel; 20 high, it lies on an edge.
    assert_eq!(found, expected);
}

#[test]
fn thin_and_tiny_ink_is_kept() {
    let mut line = Array2::from_elem((300, 300), 255_u8);
    line.slice_each_axis_mut(Area::new(20..280, 150..151).window())
        .fill(0);
    let found = digit(&line).unwrap();
    // A line of one pixel of 300 is drawn as wide as a thin pen's: two columns of the image, full from end to end.
    let columns = found.mapv(u32::from).sum_axis(Axis(0));
    assert_eq!(columns.iter().filter(|&&sum| sum > 0).count(), 2);
    assert_eq!(found.iter().filter(|&&level| level == 255).count(), 2 * 20);
    let mut dot = Array2::from_elem((5, 5), 0_u8);
    dot[[1, 3]] = 200;
    let found = digit(&dot).unwrap();
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
    let expected = digit(&clean).unwrap();
    let grainy = Array2::from_shape_fn(clean.dim(), |(y, x)| {
        let grain = (y * 7919 + x * 104_729) % 13;
        200 - (f32::from(clean[[y, x]]) * 0.6) as u8 + grain as u8
    });
    let found = digit(&grainy).unwrap();
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
        let message = digit(&Array2::from_elem(shape, level))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("it is blank: ink and background differ by 0"),
            "{message}"
        );
    }
}

/// A digit with a counter near two edges: the paper between is not a light frame that could be taken away.
#[test]
fn paper_beside_a_figure_is_not_a_frame() {
    let images = embedded::load().test;
    for number in [102, 52, 231] {
        let image = images.images().index_axis_move(Axis(0), number);
        let dark = |level: u8| 255 - level;
        let found = digit(&picture(image.view(), 3, [3, 40, 0, 11], dark)).unwrap();
        let far = found.iter().zip(&image).map(|(a, b)| a.abs_diff(*b));
        let far = far.filter(|&far| far > 40).count();
        assert!(far <= 4, "{number}: {far} pixels\n{found}");
    }
}
