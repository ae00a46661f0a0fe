//! Convolutional networks.
#![deny(unsafe_code)]
// A view is passed as a slice is: by value.
#![allow(clippy::needless_pass_by_value)]

pub mod chapter;
mod error;
pub mod ops;
mod parallel;
pub mod reference;
pub mod shape;
#[allow(unsafe_code)]
pub mod simd;

mod random;

pub use error::Error;
pub use random::{Bits, NumpyRandom};
