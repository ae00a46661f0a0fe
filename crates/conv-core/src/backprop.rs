#![doc = include_str!("docs/backprop.md")]
//!
//! # Where it is in the code
//!
//! | | forward and back, fast | in plain loops |
//! |---|---|---|
//! | convolution | [`ops::conv`](crate::ops::conv) | [`conv`](crate::reference::conv()), [`conv_d_input`](crate::reference::conv_d_input), [`conv_d_kernels`](crate::reference::conv_d_kernels), [`conv_d_bias`](crate::reference::conv_d_bias) |
//! | pooling | [`ops::pool`](crate::ops::pool) | [`pool`](crate::reference::pool()), [`pool_d_input`](crate::reference::pool_d_input) |
//! | global average pooling | [`ops::global_pool`](crate::ops::global_pool) | [`global_pool`](crate::reference::global_pool), [`global_pool_d_input`](crate::reference::global_pool_d_input) |
//! | pooling across kernels | [`ops::kernel_pool`](crate::ops::kernel_pool) | [`pool_kernels`](crate::reference::pool_kernels), [`pool_kernels_d_input`](crate::reference::pool_kernels_d_input) |
//! | dense | [`ops::dense`](crate::ops::dense) | [`dense`](crate::reference::dense), [`dense_d_input`](crate::reference::dense_d_input), [`dense_d_weights`](crate::reference::dense_d_weights), [`dense_d_bias`](crate::reference::dense_d_bias) |
//! | activations | [`ops::activation`](crate::ops::activation) | [`relu`](crate::reference::relu), [`tanh`](crate::reference::tanh), [`sigmoid`](crate::reference::sigmoid), [`gelu`](crate::reference::gelu), each with its `_d_input` |
//! | dropout | [`ops::dropout`](mod@crate::ops::dropout) | [`dropout`](crate::reference::dropout) |
//! | batch normalisation | [`ops::batch_norm`](crate::ops::batch_norm) | [`statistics`](crate::reference::statistics), [`batch_norm`](crate::reference::batch_norm), [`batch_norm_backward`](crate::reference::batch_norm_backward) |
//! | residual addition | [`ops::residual`](crate::ops::residual) | `+` |
//! | losses | [`ops::loss`](crate::ops::loss) | [`cross_entropy`](crate::reference::cross_entropy), [`cross_entropy_d_logits`](crate::reference::cross_entropy_d_logits), [`mean_squared_error`](crate::reference::mean_squared_error), [`mean_squared_error_d_outputs`](crate::reference::mean_squared_error_d_outputs) |
//!
//! What a gradient then does to the parameters is in [`optimizer`](crate::optimizer).
