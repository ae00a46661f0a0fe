//! The mathematics in plain loops: the specification of every operation, which the fast ones are tested
//! against. It is generic over `f32` and `f64`, is never optimised, and allocates what it returns.
//!
//! Activations are (image, row, column, channel), NHWC; kernels are (row, column, input channel, output
//! channel), HWIO. With L the loss, `d_x` is ∂L/∂x, and has the shape of x.
//!
//! Shapes that do not fit panic here; the functions of [`ops`](crate::ops) return errors instead.

mod activation;
mod batch_norm;
mod constant;
mod conv;
mod dense;
mod dropout;
mod global_pool;
mod kernel_pool;
mod layer_norm;
mod loss;
mod pool;
mod sections;
mod window;

pub use activation::{
    gelu, gelu_d_input, relu, relu_d_input, sigmoid, sigmoid_d_input, silu, silu_d_input, tanh,
    tanh_d_input,
};
pub use batch_norm::{Gradients, Statistics, batch_norm, batch_norm_backward, statistics};
pub use conv::{conv, conv_d_bias, conv_d_input, conv_d_kernels};
pub use dense::{dense, dense_d_bias, dense_d_input, dense_d_weights};
pub use dropout::dropout;
pub use global_pool::{global_pool, global_pool_d_input};
pub use kernel_pool::{pool_kernels, pool_kernels_d_input};
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use loss::{
    cross_entropy, cross_entropy_d_logits, mean_squared_error, mean_squared_error_d_outputs,
    smooth_labels, softmax,
};
pub use pool::{pool, pool_d_input};
pub use sections::{sections, sections_d_images};
