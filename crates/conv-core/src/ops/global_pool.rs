//! Global average pooling: each channel of an image becomes its mean.

use ndarray::{ArrayView2, ArrayView4, ArrayViewMut2, ArrayViewMut4};

use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::{Error, parallel};

/// `output[n, c] = Σ input[n, y, x, c] / (H · W)`, the pixels added in their order.
///
/// input (N, H, W, C) → output (N, C)
///
/// ```
/// use conv_core::ops::global_pool;
/// use ndarray::{Array2, Array4, arr2};
///
/// // Two channels: one of the columns' values 0 to 2, one of ones.
/// let image = Array4::from_shape_fn((1, 4, 3, 2), |(_, _, x, c)| if c == 0 { x as f32 } else { 1. });
/// let mut output = Array2::zeros((1, 2));
/// global_pool::forward(image.view(), output.view_mut())?;
/// assert_eq!(output, arr2(&[[1., 1.]]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit, an array is not in row-major order, or the input is empty.
pub fn forward(
    input: ArrayView4<'_, f32>,
    mut output: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    let (n, pixels, channels) = check(input.dim())?;
    expect_shape("output", &[n, channels], output.shape())?;
    let input = slice("input", &input)?;
    let output = slice_mut("output", &mut output)?;
    parallel::parts_mut(output, channels, |image, output| {
        mean(
            &input[image * pixels * channels..][..pixels * channels],
            output,
        );
    });
    Ok(())
}

/// The gradient of [`forward`]: `d_input[n, y, x, c] = d_output[n, c] / (H · W)`.
///
/// `d_output` (N, C) → `d_input` (N, H, W, C)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    d_output: ArrayView2<'_, f32>,
    mut d_input: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let (n, pixels, channels) = check(d_input.dim())?;
    expect_shape("d_output", &[n, channels], d_output.shape())?;
    let d_output = slice("d_output", &d_output)?;
    let d_input = slice_mut("d_input", &mut d_input)?;
    parallel::parts_mut(d_input, pixels * channels, |image, d_input| {
        spread(&d_output[image * channels..][..channels], d_input);
    });
    Ok(())
}

fn check(
    (n, h, w, channels): (usize, usize, usize, usize),
) -> Result<(usize, usize, usize), Error> {
    expect_some("images", n)?;
    expect_some("pixels", h * w)?;
    expect_some("channels", channels)?;
    Ok((n, h * w, channels))
}

/// One image (pixels, C) → its means (C).
pub(crate) fn mean(image: &[f32], output: &mut [f32]) {
    output.fill(0.0);
    for pixel in image.chunks_exact(output.len()) {
        for (sum, x) in output.iter_mut().zip(pixel) {
            *sum += x;
        }
    }
    let pixels = (image.len() / output.len()) as f32;
    for sum in output {
        *sum /= pixels;
    }
}

/// The gradient of [`mean`].
pub(crate) fn spread(d_output: &[f32], d_image: &mut [f32]) {
    let pixels = (d_image.len() / d_output.len()) as f32;
    for pixel in d_image.chunks_exact_mut(d_output.len()) {
        for (to, d) in pixel.iter_mut().zip(d_output) {
            *to = d / pixels;
        }
    }
}
