//! The dense layer: every output is a weighted sum of all inputs.
//!
//! A batch is an image of N × 1 pixels with F channels each, and the layer a convolution of it by a window of
//! one pixel.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

use super::check::expect_some;
use super::conv::{self, Conv};
use crate::Error;
use crate::shape::{Pair, Window};

/// One pixel.
const ONE: Pair = Pair { down: 1, right: 1 };

/// A window of one pixel: how a convolution is a dense layer of each pixel.
pub(crate) const DENSE: Conv = Conv {
    window: Window {
        size: ONE,
        stride: ONE,
        dilation: ONE,
        padding: crate::shape::Padding::Valid,
    },
    groups: 1,
};

/// Two axes (rows, channels) as four (1, rows, 1, channels).
macro_rules! image {
    ($matrix:expr) => {
        $matrix.insert_axis(Axis(1)).insert_axis(Axis(0))
    };
}

/// Two axes (inputs, outputs) as four (1, 1, inputs, outputs).
macro_rules! kernels {
    ($matrix:expr) => {
        $matrix.insert_axis(Axis(0)).insert_axis(Axis(0))
    };
}

/// `output[n, c] = bias[c] + Σ input[n, f] · weights[f, c]`
///
/// input (N, F), weights (F, C), bias (C) → output (N, C)
///
/// ```
/// use conv_core::ops::dense;
/// use ndarray::{Array2, arr1, arr2};
///
/// let (input, weights) = (arr2(&[[1., 2.]]), arr2(&[[1., 0., 2.], [0., 1., -1.]]));
/// let mut output = Array2::zeros((1, 3));
/// dense::forward(input.view(), weights.view(), Some(arr1(&[10., 0., 0.]).view()), output.view_mut())?;
/// assert_eq!(output, arr2(&[[11., 2., 0.]]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit, an array is not in row-major order, or one is empty. The shape in the error has
/// the two axes among others of size 1.
pub fn forward(
    input: ArrayView2<'_, f32>,
    weights: ArrayView2<'_, f32>,
    bias: Option<ArrayView1<'_, f32>>,
    output: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    expect_some("rows of the input", input.nrows())?;
    conv::forward(
        &DENSE,
        image!(input),
        kernels!(weights),
        bias,
        image!(output),
    )
}

/// `d_input[n, f] = Σ d_output[n, c] · weights[f, c]`
///
/// `d_output` (N, C), weights (F, C) → `d_input` (N, F)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    d_output: ArrayView2<'_, f32>,
    weights: ArrayView2<'_, f32>,
    d_input: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    expect_some("rows of d_input", d_input.nrows())?;
    conv::d_input(&DENSE, image!(d_output), kernels!(weights), image!(d_input))
}

/// `d_weights[f, c] = Σ input[n, f] · d_output[n, c]`
///
/// input (N, F), `d_output` (N, C) → `d_weights` (F, C)
///
/// # Errors
/// As [`forward`].
pub fn d_weights(
    input: ArrayView2<'_, f32>,
    d_output: ArrayView2<'_, f32>,
    d_weights: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    expect_some("rows of the input", input.nrows())?;
    conv::d_kernels(&DENSE, image!(input), image!(d_output), kernels!(d_weights))
}

/// `d_bias[c] = Σ d_output[n, c]`
///
/// `d_output` (N, C) → `d_bias` (C)
///
/// # Errors
/// As [`forward`].
pub fn d_bias(d_output: ArrayView2<'_, f32>, d_bias: ArrayViewMut1<'_, f32>) -> Result<(), Error> {
    conv::d_bias(image!(d_output), d_bias)
}
