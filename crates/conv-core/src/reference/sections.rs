use ndarray::{Array3, ArrayView3, NdFloat};

use super::window::taps;
use crate::shape::{Pair, Window};

/// The chapter's `get_image_section` and `reshape`: the pixels under a window, position by position, row-major
/// both. `sections[n, p, t] = images[n, y, x]`.
///
/// # Panics
/// If the window does not fit into the images.
#[must_use]
pub fn sections<F: NdFloat>(images: ArrayView3<'_, F>, window: &Window) -> Array3<F> {
    // images (N, H, W) → sections (N, positions, taps)
    let (n, h, w) = images.dim();
    let (rows, cols) = window.output(h, w).expect("the window fits").into();
    let mut sections = Array3::zeros((n, rows * cols, window.size.down * window.size.right));
    for image in 0..n {
        taps(window, (h, w), |[oy, ox, ky, kx, y, x]| {
            sections[[image, oy * cols + ox, ky * window.size.right + kx]] = images[[image, y, x]];
        });
    }
    sections
}

/// The gradient of [`sections`]: each pixel sums up what came back from every section it is part of.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn sections_d_images<F: NdFloat>(
    d_sections: ArrayView3<'_, F>,
    size: impl Into<Pair>,
    window: &Window,
) -> Array3<F> {
    let (h, w) = size.into().into();
    // d_sections (N, positions, taps) → d_images (N, H, W)
    let n = d_sections.dim().0;
    let cols = window.output(h, w).expect("the window fits").right;
    let mut d_images = Array3::zeros((n, h, w));
    for image in 0..n {
        taps(window, (h, w), |[oy, ox, ky, kx, y, x]| {
            d_images[[image, y, x]] +=
                d_sections[[image, oy * cols + ox, ky * window.size.right + kx]];
        });
    }
    d_images
}
