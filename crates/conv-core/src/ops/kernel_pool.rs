//! The chapter's pooling across kernels: at each position the predictions of all kernels become one.

use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3};

use super::argmax::argmax;
use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::tuning::POSITIONS_PER_TASK as PART;
use crate::{Error, parallel};

/// The chapter's pooling, *across kernels*: at each position the predictions of all kernels become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Pooling {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// Their maximum.
    Max,
}

/// `output[n, p]` = sum, mean or maximum of `input[n, p, k]` over the kernels k, in their order.
///
/// input (N, positions, kernels) → output (N, positions)
///
/// ```
/// use conv_core::ops::kernel_pool::{self, Pooling};
/// use ndarray::{Array2, arr2, arr3};
///
/// // Two positions, and what three kernels say of each.
/// let predictions = arr3(&[[[1., -2., 4.], [3., 0., 0.]]]);
/// let mut output = Array2::zeros((1, 2));
/// for (pooling, right) in [(Pooling::Sum, [3., 3.]), (Pooling::Mean, [1., 1.]), (Pooling::Max, [4., 3.])] {
///     kernel_pool::forward(pooling, predictions.view(), output.view_mut())?;
///     assert_eq!(output, arr2(&[right]));
/// }
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit, an array is not in row-major order, or there are no kernels.
pub fn forward(
    pooling: Pooling,
    input: ArrayView3<'_, f32>,
    mut output: ArrayViewMut2<'_, f32>,
) -> Result<(), Error> {
    let (n, positions, kernels) = input.dim();
    expect_some("kernels", kernels)?;
    expect_shape("output", &[n, positions], output.shape())?;
    let input = slice("input", &input)?;
    parallel::parts_mut(slice_mut("output", &mut output)?, PART, |part, output| {
        pool(pooling, kernels, &input[part * PART * kernels..], output);
    });
    Ok(())
}

/// The gradient of [`forward`]: to every kernel, to each its part, or to the maximum alone, the first of equals.
///
/// input (N, positions, kernels), `d_output` (N, positions) → `d_input` (N, positions, kernels)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    pooling: Pooling,
    input: ArrayView3<'_, f32>,
    d_output: ArrayView2<'_, f32>,
    mut d_input: ArrayViewMut3<'_, f32>,
) -> Result<(), Error> {
    let (n, positions, kernels) = input.dim();
    expect_some("kernels", kernels)?;
    expect_shape("d_output", &[n, positions], d_output.shape())?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let (input, d_output) = (slice("input", &input)?, slice("d_output", &d_output)?);
    parallel::parts_mut(
        slice_mut("d_input", &mut d_input)?,
        PART.saturating_mul(kernels),
        |part, d_input| {
            let (input, d_output) = (&input[part * PART * kernels..], &d_output[part * PART..]);
            spread(pooling, kernels, (input, d_output), d_input);
        },
    );
    Ok(())
}

/// (positions, kernels) → (positions)
pub(crate) fn pool(pooling: Pooling, kernels: usize, input: &[f32], output: &mut [f32]) {
    for (predictions, output) in input.chunks_exact(kernels).zip(output) {
        *output = match pooling {
            Pooling::Sum => predictions.iter().sum(),
            Pooling::Mean => predictions.iter().sum::<f32>() / kernels as f32,
            Pooling::Max => predictions[argmax(predictions)],
        };
    }
}

/// The gradient of [`pool`].
pub(crate) fn spread(
    pooling: Pooling,
    kernels: usize,
    (input, d_output): (&[f32], &[f32]),
    d_input: &mut [f32],
) {
    let sources = input.chunks_exact(kernels).zip(d_output);
    for ((predictions, &d_output), d_input) in sources.zip(d_input.chunks_exact_mut(kernels)) {
        match pooling {
            Pooling::Sum => d_input.fill(d_output),
            Pooling::Mean => d_input.fill(d_output / kernels as f32),
            Pooling::Max => {
                d_input.fill(0.0);
                d_input[argmax(predictions)] = d_output;
            }
        }
    }
}
