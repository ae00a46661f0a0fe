//! MNIST and its relatives: IDX files read without trust, checked data sets, verified downloads.
//!
//! - [`idx`]: the file format, read and written.
//! - [`Dataset`]: images u8 (N, H, W) with labels, checked when it is made.
//! - [`read_dir`]: a folder of the four files under MNIST's names.
//!
//! Without features there is no network in this crate and no data.
#![forbid(unsafe_code)]

mod dataset;
mod directory;
mod error;
pub mod idx;

pub use dataset::{Dataset, Splits};
pub use directory::read_dir;
pub use error::{Attempt, Error, ErrorKind};
