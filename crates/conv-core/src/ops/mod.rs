//! The operations, each forward and backward, on arrays of the caller's: `ndarray` views in row-major order
//! (another layout is an [`Error::Layout`](crate::Error::Layout)), nothing returned but a [`Result`].
//!
//! Activations are NHWC (image, row, column, channel), kernels HWIO (row, column, input channel, output
//! channel). With L the loss, `d_x` is ∂L/∂x and has the shape of x. Each operation gives the same bits on
//! every instruction set and for any number of threads, and does what [`reference`](crate::reference) does.

pub mod activation;
pub(crate) mod argmax;
pub mod batch_norm;
pub(crate) mod check;
pub mod conv;
pub mod dense;
pub mod dropout;
pub mod global_pool;
pub mod kernel_pool;
pub mod layer_norm;
pub mod loss;
pub mod pool;
pub mod residual;
pub mod sections;
pub(crate) mod sum;
