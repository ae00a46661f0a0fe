//! The chapter's sections: the pixels under a window, each position's beside each other (elsewhere: im2col).

use ndarray::{ArrayView3, ArrayViewMut3};

use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::shape::{Pair, Window, product};
use crate::{Error, parallel};

/// `sections[n, p, t] = images[n, y, x]`: position by position, row-major, and so the pixels of each.
///
/// images (N, H, W) → sections (N, positions, taps)
///
/// ```
/// use conv_core::ops::sections;
/// use conv_core::shape::Window;
/// use ndarray::{Array3, array};
///
/// // An image of 2 × 3 pixels has two sections of 2 × 2.
/// let images = array![[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]];
/// let mut found = Array3::zeros((1, 2, 4));
/// sections::forward(&Window::new(2, 2), images.view(), found.view_mut())?;
/// assert_eq!(found, array![[[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]]]);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the window does not fit into the images, a shape does not fit, or an array is not in row-major order.
pub fn forward(
    window: &Window,
    images: ArrayView3<'_, f32>,
    mut sections: ArrayViewMut3<'_, f32>,
) -> Result<(), Error> {
    let (n, h, w) = images.dim();
    let expected = check(window, (n, h, w))?;
    expect_shape("sections", &expected, sections.shape())?;
    let images = slice("images", &images)?;
    let sections = slice_mut("sections", &mut sections)?;
    let geometry = Geometry::new(window, (h, w))?;
    parallel::parts_mut(sections, expected[1] * expected[2], |image, sections| {
        let pixels = &images[image * h * w..][..h * w];
        for (at, section) in sections.iter_mut().enumerate() {
            *section = geometry.pixel(at).map_or(0.0, |pixel| pixels[pixel]);
        }
    });
    Ok(())
}

/// The gradient of [`forward`]: each pixel sums up what came back from every section it is part of.
///
/// `d_sections` (N, positions, taps) → `d_images` (N, H, W)
///
/// ```
/// use conv_core::ops::sections;
/// use conv_core::shape::Window;
/// use ndarray::{Array3, array};
///
/// let d_sections = Array3::ones((1, 2, 4));
/// let mut d_images = Array3::zeros((1, 2, 3));
/// sections::d_images(&Window::new(2, 2), d_sections.view(), d_images.view_mut())?;
/// // The pixels in the middle are part of both sections.
/// assert_eq!(d_images, array![[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// As [`forward`].
pub fn d_images(
    window: &Window,
    d_sections: ArrayView3<'_, f32>,
    mut d_images: ArrayViewMut3<'_, f32>,
) -> Result<(), Error> {
    let (n, h, w) = d_images.dim();
    let expected = check(window, (n, h, w))?;
    expect_shape("d_sections", &expected, d_sections.shape())?;
    let d_sections = slice("d_sections", &d_sections)?;
    let d_images = slice_mut("d_images", &mut d_images)?;
    let geometry = Geometry::new(window, (h, w))?;
    let size = expected[1] * expected[2];
    parallel::parts_mut(d_images, h * w, |image, pixels| {
        pixels.fill(0.0);
        for (at, d) in d_sections[image * size..][..size].iter().enumerate() {
            if let Some(pixel) = geometry.pixel(at) {
                pixels[pixel] += d;
            }
        }
    });
    Ok(())
}

fn check(window: &Window, (n, h, w): (usize, usize, usize)) -> Result<[usize; 3], Error> {
    expect_some("images", n)?;
    let (rows, cols) = window.output(h, w)?.into();
    product(
        "sections",
        &[n, rows, cols, window.size.down, window.size.right],
    )?;
    Ok([n, rows * cols, window.size.down * window.size.right])
}

struct Geometry<'a> {
    window: &'a Window,
    image: (usize, usize),
    cols: usize,
    before: Pair,
}

impl<'a> Geometry<'a> {
    fn new(window: &'a Window, image: (usize, usize)) -> Result<Self, Error> {
        let before = window.before(image.0, image.1)?;
        Ok(Self {
            window,
            image,
            cols: window.output(image.0, image.1)?.right,
            before,
        })
    }

    /// The pixel under a tap of a position, `at` counting the taps over the positions; none on the padding.
    fn pixel(&self, at: usize) -> Option<usize> {
        let Window {
            size,
            stride,
            dilation,
            ..
        } = self.window;
        let (position, tap) = (at / (size.down * size.right), at % (size.down * size.right));
        let y = position / self.cols * stride.down + tap / size.right * dilation.down;
        let x = position % self.cols * stride.right + tap % size.right * dilation.right;
        let y = y
            .checked_sub(self.before.down)
            .filter(|&y| y < self.image.0)?;
        let x = x
            .checked_sub(self.before.right)
            .filter(|&x| x < self.image.1)?;
        Some(y * self.image.1 + x)
    }
}
