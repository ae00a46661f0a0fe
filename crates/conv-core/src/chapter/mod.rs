//! The chapter's own network, fused for speed: sections → kernels → tanh → (pooling across kernels) →
//! dropout → dense → softmax.
//!
//! What its listing computes a layer at a time over 128 × 625 × 16 numbers, this module computes section by
//! section in registers. Two facts make it quick: the kernels have no bias, so a section of zeros gives
//! zeros, forward and backward, and 60 % of MNIST's sections are blank; and sixteen kernels are one vector.
//!
//! The arithmetic is `f32`, and yet the run prints what NumPy prints in `f64`: the parameters are kept in
//! `f64` and rounded for use, since an update may change a weight by less than `f32` resolves; and a
//! prediction too close to call in `f32` is made again in `f64`.
//!
//! Chapter 9's dense network is the same with one section, the whole image.

mod batch;
mod exact;
mod geometry;
mod images;
mod network;
mod per_kernel;
mod pooled;
mod training;
mod window;

pub use crate::ops::kernel_pool::Pooling;
pub use batch::{Batch, Workspace};
pub use geometry::{CLASSES, Geometry};
pub use images::Images;
pub use network::Network;
pub use training::Rules;
