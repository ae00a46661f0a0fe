//! MNIST and its relatives: IDX files read without trust, checked data sets, verified downloads.
//!
//! - [`idx`]: the file format, read and written.
//! - [`Dataset`]: images u8 (N, H, W) with labels, checked when it is made; parts of it, and
//!   [`Batches`] of f32 in NHWC, normalised, shuffled, augmented, prefetched.
//! - [`read_dir`]: a folder of the four files under MNIST's names.
//! - [`catalog`]: which data sets there are, and the digests that decide.
//! - [`png`]: images to look at.
//! - `embedded` (feature `embedded`): the chapter's 1,000 + 10,000 images in the crate itself.
//! - `local` (feature `verify`): where data sets are kept, and whether their files are right.
//! - `fetch` (feature `fetch`): downloads, verified before they get their final name.
//!
//! Without features there is no network in this crate and no data.
#![forbid(unsafe_code)]

mod augment;
mod batch;
pub mod catalog;
mod dataset;
mod directory;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
mod gzip;
pub mod idx;
#[cfg(feature = "verify")]
pub mod local;
mod locate;
mod normalisation;
#[cfg(feature = "png")]
pub mod png;
mod prefetch;
mod random;
mod split;
mod zip;

pub use augment::{Augmentation, Elastic};
pub use batch::{Batch, Batches};
pub use dataset::{Dataset, Splits};
pub use directory::read_dir;
pub use error::{Attempt, Error, ErrorKind};
pub use normalisation::Normalisation;
pub use prefetch::Prefetch;
