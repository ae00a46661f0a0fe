//! Convolutional networks.
#![deny(unsafe_code)]

mod error;
#[allow(unsafe_code)]
pub mod simd;

pub use error::Error;
