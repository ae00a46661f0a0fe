//! Convolution with many kernels: any size, stride, dilation, padding and groups.
//!
//! Which algorithm computes a convolution is decided in `choose.rs`; each has a file or folder beside it.

pub(crate) mod choose;
mod col2im;
mod direct;
pub(crate) mod geometry;
pub(crate) mod max_pooled;
mod order;
pub(crate) mod padding;
pub(crate) mod plan;
mod single_channel;
mod tasks;
mod windows;
mod winograd;

use ndarray::{ArrayView1, ArrayView4, ArrayViewMut1, ArrayViewMut4};

use super::check::{expect_shape, slice, slice_mut};
use super::sum;
use crate::parallel::scratch::with_kernels;
use crate::shape::ImageShape;
use crate::tuning::{SUMS_PER_BATCH, VALUES_PER_BIAS_TASK};
use crate::{Error, parallel};
use choose::{choose, choose_d_input};
pub use geometry::Conv;
use geometry::Problem;
use plan::{DInputPlan, Plan};

/// `output[n, oy, ox, o] = bias[o] + Σ input[n, y, x, i] · kernels[ky, kx, i, o]`,
/// see [`reference::conv`](crate::reference::conv).
///
/// input (N, H, W, Cin), kernels (Kh, Kw, Cin / groups, Cout), bias (Cout) → output (N, Oh, Ow, Cout)
///
/// ```
/// use conv_core::ops::conv::{self, Conv};
/// use conv_core::shape::Window;
/// use ndarray::Array4;
///
/// // One kernel that is a horizontal line, on an image that is one.
/// let image = Array4::from_shape_fn((1, 5, 5, 1), |(_, y, _, _)| if y == 2 { 1.0 } else { 0.0 });
/// let kernels = Array4::from_shape_fn((3, 3, 1, 1), |(y, _, _, _)| if y == 1 { 1.0 } else { -0.5 });
/// let mut output = Array4::zeros((1, 3, 3, 1));
/// conv::forward(&Conv::new(Window::new(3, 3)), image.view(), kernels.view(), None, output.view_mut())?;
/// assert_eq!(output.into_raw_vec_and_offset().0, [-1.5, -1.5, -1.5, 3.0, 3.0, 3.0, -1.5, -1.5, -1.5]);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If a shape does not fit the others or the window, an array is not in row-major order, or there are no images.
pub fn forward(
    conv: &Conv,
    input: ArrayView4<'_, f32>,
    kernels: ArrayView4<'_, f32>,
    bias: Option<ArrayView1<'_, f32>>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let problem = conv.problem(
        ("input", input.shape()),
        ("kernels", kernels.shape()),
        ("output", output.shape()),
    )?;
    let cout = kernels.dim().3;
    let bias = match &bias {
        None => None,
        Some(bias) => {
            expect_shape("bias", &[cout], bias.shape())?;
            Some(slice("bias", bias)?)
        }
    };
    let plan = Plan::of_padded(&problem)?;
    let (input, kernels) = (slice("input", &input)?, slice("kernels", &kernels)?);
    let output = slice_mut("output", &mut output)?;
    with_kernels(plan.packed_len(), |packed| {
        plan.pack(kernels, packed);
        tasks::forward(&plan, input, packed, bias, output)
    })
}

/// `d_input[n, y, x, i] = Σ d_output[n, oy, ox, o] · kernels[ky, kx, i, o]`,
/// see [`reference::conv_d_input`](crate::reference::conv_d_input).
///
/// `d_output` (N, Oh, Ow, Cout), kernels (Kh, Kw, Cin / groups, Cout) → `d_input` (N, H, W, Cin)
///
/// ```
/// use conv_core::ndarray::{Array4, arr1};
/// use conv_core::ops::conv::{self, Conv};
/// use conv_core::shape::Window;
///
/// // Two outputs of a kernel of the weights 1 and 10 over three pixels: the middle pixel is under both.
/// let d_output = Array4::ones((1, 1, 2, 1));
/// let kernels = Array4::from_shape_fn((1, 2, 1, 1), |(_, x, ..)| if x == 0 { 1. } else { 10. });
/// let mut d_input = Array4::zeros((1, 1, 3, 1));
/// conv::d_input(&Conv::new(Window::new(1, 2)), d_output.view(), kernels.view(), d_input.view_mut())?;
/// assert_eq!(d_input.flatten(), arr1(&[1., 11., 10.]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    conv: &Conv,
    d_output: ArrayView4<'_, f32>,
    kernels: ArrayView4<'_, f32>,
    mut d_input: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let problem = conv.problem(
        ("d_input", d_input.shape()),
        ("kernels", kernels.shape()),
        ("d_output", d_output.shape()),
    )?;
    let plan = DInputPlan::of_padded(&problem)?;
    let (d_output, kernels) = (slice("d_output", &d_output)?, slice("kernels", &kernels)?);
    let d_input = slice_mut("d_input", &mut d_input)?;
    with_kernels(plan.packed_len(), |packed| {
        plan.pack(kernels, packed);
        tasks::d_input(&plan, d_output, packed, d_input)
    })
}

/// `d_kernels[ky, kx, i, o] = Σ input[n, y, x, i] · d_output[n, oy, ox, o]`,
/// see [`reference::conv_d_kernels`](crate::reference::conv_d_kernels).
///
/// input (N, H, W, Cin), `d_output` (N, Oh, Ow, Cout) → `d_kernels` (Kh, Kw, Cin / groups, Cout)
///
/// ```
/// use conv_core::ndarray::{Array4, arr1};
/// use conv_core::ops::conv::{self, Conv};
/// use conv_core::shape::Window;
///
/// // Pixels 1, 2 and 3: the first weight saw 1 and 2, the second one 2 and 3.
/// let input = Array4::from_shape_fn((1, 1, 3, 1), |(_, _, x, _)| x as f32 + 1.);
/// let d_output = Array4::ones((1, 1, 2, 1));
/// let mut d_kernels = Array4::zeros((1, 2, 1, 1));
/// conv::d_kernels(&Conv::new(Window::new(1, 2)), input.view(), d_output.view(), d_kernels.view_mut())?;
/// assert_eq!(d_kernels.flatten(), arr1(&[3., 5.]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// As [`forward`].
pub fn d_kernels(
    conv: &Conv,
    input: ArrayView4<'_, f32>,
    d_output: ArrayView4<'_, f32>,
    mut d_kernels: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let problem = conv.problem(
        ("input", input.shape()),
        ("d_kernels", d_kernels.shape()),
        ("d_output", d_output.shape()),
    )?;
    let plan = Plan::of_padded(&problem)?;
    let input = slice("input", &input)?;
    let d_output = slice("d_output", &d_output)?;
    let total = slice_mut("d_kernels", &mut d_kernels)?;
    tasks::d_kernels(&plan, input, d_output, total)
}

/// `d_bias[o] = Σ d_output[n, oy, ox, o]`, image by image.
///
/// `d_output` (N, Oh, Ow, Cout) → `d_bias` (Cout)
///
/// # Errors
/// If the numbers of channels differ or an array is not in row-major order.
pub fn d_bias(
    d_output: ArrayView4<'_, f32>,
    mut d_bias: ArrayViewMut1<'_, f32>,
) -> Result<(), Error> {
    let (_, rows, cols, channels) = d_output.dim();
    expect_shape("d_bias", &[channels], d_bias.shape())?;
    let d_output = slice("d_output", &d_output)?;
    let total = slice_mut("d_bias", &mut d_bias)?;
    let image = (rows * cols * channels).max(1);
    let images = d_output.len() / image;
    // To wake a thread takes longer than to add up a few values.
    let tasks = d_output.len().div_ceil(VALUES_PER_BIAS_TASK);
    let tasks = tasks.clamp(1, SUMS_PER_BATCH);
    let size = images.div_ceil(tasks) * channels;
    let mut sums = vec![0.0; images * channels];
    parallel::parts_mut(&mut sums, size, |part, sums| {
        let d_output = d_output[part * size / channels * image..].chunks_exact(image);
        for (image, sum) in d_output.zip(sums.chunks_exact_mut(channels)) {
            sum::add_rows(image, sum);
        }
    });
    total.fill(0.0);
    for sum in sums.chunks_exact(channels.max(1)) {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    Ok(())
}

/// The algorithms that compute a convolution, each with the reason for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithms {
    /// Of the outputs, and of the gradient of the kernels.
    pub forward: &'static str,
    /// Of the gradient of the input.
    pub d_input: &'static str,
}

/// Which algorithms compute a convolution of images of this shape by so many kernels, and why. They follow
/// from the shapes alone, so the same ones compute it on every machine.
///
/// ```
/// use conv_core::ops::conv::{self, Conv};
/// use conv_core::shape::Window;
///
/// let algorithms = conv::algorithms(&Conv::new(Window::new(3, 3)), (28, 28, 16), 32)?;
/// assert_eq!(
///     algorithms.forward,
///     "Winograd: F(4×4, 3×3) takes 36 multiplications for 16 outputs instead of 144",
/// );
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the window, the groups or the channels do not fit each other.
pub fn algorithms(
    conv: &Conv,
    image: impl Into<ImageShape>,
    kernels: usize,
) -> Result<Algorithms, Error> {
    let problem = Problem::new(conv, image.into(), kernels)?;
    Ok(Algorithms {
        forward: choose(&problem).reason,
        d_input: choose_d_input(&problem)?.reason,
    })
}
