//! The operations, each forward and backward, on arrays of the caller's: `ndarray` views in row-major order
//! (another layout is an [`Error::Layout`]), nothing returned but a [`Result`].
//!
//! Activations are NHWC (image, row, column, channel), kernels HWIO (row, column, input channel, output
//! channel). With L the loss, `d_x` is ∂L/∂x and has the shape of x. Each operation gives the same bits on
//! every instruction set and for any number of threads, and does what [`reference`](crate::reference) does.

pub mod activation;
pub mod batch_norm;
pub mod conv;
pub mod dense;
pub mod dropout;
pub(crate) mod engine;
pub mod global_pool;
pub mod kernel_pool;
pub mod loss;
pub mod pool;
pub mod residual;
pub(crate) mod rows;
pub(crate) mod scatter;
pub mod sections;

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use crate::Error;

/// The numbers of a view in row-major order.
pub(crate) fn numbers<'a, T, D: Dimension>(
    what: &'static str,
    view: &'a ArrayView<'_, T, D>,
) -> Result<&'a [T], Error> {
    view.as_slice().ok_or(Error::Layout { what })
}

/// The numbers of a view in row-major order, to be written.
pub(crate) fn numbers_mut<'a, T, D: Dimension>(
    what: &'static str,
    view: &'a mut ArrayViewMut<'_, T, D>,
) -> Result<&'a mut [T], Error> {
    view.as_slice_mut().ok_or(Error::Layout { what })
}

/// An error unless `found` is `expected`.
pub(crate) fn expect_shape(
    what: &'static str,
    expected: &[usize],
    found: &[usize],
) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        expected: expected.to_vec(),
        found: found.to_vec(),
    })
}

/// An error if there is none of what there must be at least one.
pub(crate) fn expect_some(what: &'static str, found: usize) -> Result<(), Error> {
    if found > 0 {
        return Ok(());
    }
    Err(Error::Range {
        what,
        expected: "at least 1".into(),
        found,
    })
}
