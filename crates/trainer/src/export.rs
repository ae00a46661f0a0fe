//! A model for other programs.

pub mod npz;
pub mod onnx;
