//! The sum of two branches.

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use super::check::{expect_shape, slice, slice_mut};
use crate::Error;

/// `output = a + b`. Its gradient needs no function: `d_a = d_b = d_output`.
///
/// ```
/// use conv_core::ndarray::{Array1, arr1};
/// use conv_core::ops::residual;
///
/// let mut output = Array1::zeros(2);
/// residual::forward(arr1(&[1., 2.]).view(), arr1(&[3., 4.]).view(), output.view_mut())?;
/// assert_eq!(output, arr1(&[4., 6.]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn forward<D: Dimension>(
    a: ArrayView<'_, f32, D>,
    b: ArrayView<'_, f32, D>,
    mut output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("b", a.shape(), b.shape())?;
    expect_shape("output", a.shape(), output.shape())?;
    let (a, b) = (slice("a", &a)?, slice("b", &b)?);
    add(a, b, slice_mut("output", &mut output)?);
    Ok(())
}

pub(crate) fn add(a: &[f32], b: &[f32], output: &mut [f32]) {
    for (sum, (a, b)) in output.iter_mut().zip(a.iter().zip(b)) {
        *sum = a + b;
    }
}
