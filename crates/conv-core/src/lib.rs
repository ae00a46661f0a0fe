//! Convolutional networks.
#![deny(unsafe_code)]

pub mod chapter;
mod error;
#[allow(unsafe_code)]
pub mod simd;

mod random;

pub use error::Error;
pub use random::{Bits, NumpyRandom};
