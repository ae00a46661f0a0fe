//! Pooling over the pixels under a window, channel by channel: the largest, or the mean.

use ndarray::{ArrayView4, ArrayViewMut4};

use super::{expect_shape, expect_some, numbers, numbers_mut};
use crate::shape::{Window, product};
use crate::{Error, parallel};

/// What becomes of the pixels under a window. Pixels of the padding count for neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The largest; of equals, the first one has the gradient.
    Max,
    /// The mean.
    Mean,
}

/// `output[n, oy, ox, c]` = maximum or mean of `input[n, y, x, c]` under the window,
/// see [`reference::pool`](crate::reference::pool).
///
/// input (N, H, W, C) → output (N, Oh, Ow, C)
///
/// # Errors
/// If the window does not fit, or has a position with nothing but padding under it; if a shape does not fit,
/// an array is not in row-major order or is empty.
pub fn forward(
    pool: Pool,
    window: &Window,
    input: ArrayView4<'_, f32>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let geometry = Geometry::new(window, input.dim())?;
    expect_shape("output", &geometry.output(input.dim().0), output.shape())?;
    let (input, output) = (
        numbers("input", &input)?,
        numbers_mut("output", &mut output)?,
    );
    let channels = geometry.channels;
    parallel::parts_mut(output, geometry.output_len(), |image, output| {
        let image = &input[image * geometry.input_len()..][..geometry.input_len()];
        for (at, output) in output.chunks_exact_mut(channels).enumerate() {
            let mut count = 0.0;
            output.fill(if pool == Pool::Max {
                f32::NEG_INFINITY
            } else {
                0.0
            });
            geometry.pixels(at, |pixel| {
                count += 1.0;
                for (output, &x) in output.iter_mut().zip(&image[pixel..][..channels]) {
                    match pool {
                        // A NaN goes through, and stays.
                        Pool::Max if x > *output || x.is_nan() => *output = x,
                        Pool::Max => {}
                        Pool::Mean => *output += x,
                    }
                }
            });
            if pool == Pool::Mean {
                for output in output {
                    *output /= count;
                }
            }
        }
    });
    Ok(())
}

/// The gradient of [`forward`]: to the largest pixel all of `d_output`, or to each its part.
///
/// input (N, H, W, C), `d_output` (N, Oh, Ow, C) → `d_input` (N, H, W, C)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    pool: Pool,
    window: &Window,
    input: ArrayView4<'_, f32>,
    d_output: ArrayView4<'_, f32>,
    mut d_input: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let geometry = Geometry::new(window, input.dim())?;
    expect_shape(
        "d_output",
        &geometry.output(input.dim().0),
        d_output.shape(),
    )?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let (input, d_output) = (numbers("input", &input)?, numbers("d_output", &d_output)?);
    let channels = geometry.channels;
    let d_input = numbers_mut("d_input", &mut d_input)?;
    parallel::parts_mut(d_input, geometry.input_len(), |image, d_input| {
        d_input.fill(0.0);
        let d_output = &d_output[image * geometry.output_len()..][..geometry.output_len()];
        let image = &input[image * geometry.input_len()..][..geometry.input_len()];
        for (at, d_output) in d_output.chunks_exact(channels).enumerate() {
            let mut count = 0.0;
            geometry.pixels(at, |_| count += 1.0);
            for (channel, &d) in d_output.iter().enumerate() {
                let mut largest = None;
                geometry.pixels(at, |pixel| match pool {
                    Pool::Mean => d_input[pixel + channel] += d / count,
                    Pool::Max => {
                        let x = image[pixel + channel];
                        if largest.is_none_or(|(_, value): (usize, f32)| {
                            x > value || (x.is_nan() && !value.is_nan())
                        }) {
                            largest = Some((pixel + channel, x));
                        }
                    }
                });
                if let Some((pixel, _)) = largest {
                    d_input[pixel] += d;
                }
            }
        }
    });
    Ok(())
}

struct Geometry<'a> {
    window: &'a Window,
    image: (usize, usize),
    channels: usize,
    positions: (usize, usize),
    before: (usize, usize),
}

impl<'a> Geometry<'a> {
    fn new(
        window: &'a Window,
        (n, h, w, channels): (usize, usize, usize, usize),
    ) -> Result<Self, Error> {
        expect_some("images", n)?;
        expect_some("channels", channels)?;
        let positions = window.output(h, w)?;
        product("input", &[n, h, w, channels])?;
        product("output", &[n, positions.0, positions.1, channels])?;
        let before = window.before(h, w)?;
        let geometry = Self {
            window,
            image: (h, w),
            channels,
            positions,
            before,
        };
        for at in 0..positions.0 * positions.1 {
            let mut any = false;
            geometry.pixels(at, |_| any = true);
            if !any {
                let expected =
                    "less: there is a position with nothing but padding under the window".into();
                return Err(Error::Range {
                    what: "padding",
                    expected,
                    found: before.0.max(before.1),
                });
            }
        }
        Ok(geometry)
    }

    fn output(&self, images: usize) -> [usize; 4] {
        [images, self.positions.0, self.positions.1, self.channels]
    }

    fn input_len(&self) -> usize {
        self.image.0 * self.image.1 * self.channels
    }

    fn output_len(&self) -> usize {
        self.positions.0 * self.positions.1 * self.channels
    }

    /// Calls `visit` with the first number of each pixel under the window at a position, row-major.
    #[inline]
    fn pixels(&self, position: usize, mut visit: impl FnMut(usize)) {
        let Window {
            size,
            stride,
            dilation,
            ..
        } = self.window;
        let (oy, ox) = (position / self.positions.1, position % self.positions.1);
        for ky in 0..size.0 {
            let y = (oy * stride.0 + ky * dilation.0).checked_sub(self.before.0);
            let Some(y) = y.filter(|&y| y < self.image.0) else {
                continue;
            };
            for kx in 0..size.1 {
                let x = (ox * stride.1 + kx * dilation.1).checked_sub(self.before.1);
                if let Some(x) = x.filter(|&x| x < self.image.1) {
                    visit((y * self.image.1 + x) * self.channels);
                }
            }
        }
    }
}
