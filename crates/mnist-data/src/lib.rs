//! MNIST, Fashion-MNIST, KMNIST, QMNIST and EMNIST: an IDX reader that trusts no header, data sets
//! that are checked once, batches of f32, and downloads that are verified.
//!
//! - [`idx`]: the file format, read and written.
//! - [`Dataset`]: images u8 (N, H, W) with labels, checked when it is made; splits of it; as f32 in
//!   NHWC, whole ([`Dataset::to_array`]) or in [`Batches`]: normalised, shuffled, augmented, prefetched.
//! - [`read_dir`]: a folder of the four files under MNIST's names.
//! - [`catalog`]: the data sets by name, their files and digests.
//! - `embedded` (feature `embedded`): the chapter's 1,000 + 10,000 images in the crate itself.
//! - `png` (feature `png`): images and contact sheets as PNG.
//! - `picture` (feature `picture`): pictures of any size, PNG or JPEG, made into images as those of a data set were made.
//! - `local` (feature `verify`): where data sets are kept, and whether their files are right.
//! - `fetch` (feature `fetch`): downloads, verified before they get their final name.
//!
//! Without features this crate neither uses the network nor contains data.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
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
#[cfg(feature = "picture")]
pub mod picture;
#[cfg(feature = "png")]
pub mod png;
mod prefetch;
mod random;
mod split;
mod zip;

#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use attempt::Attempt;
pub use augment::{Augmentation, Elastic};
pub use batch::{Batch, Batches};
pub use dataset::{Dataset, Splits};
pub use directory::read_dir;
pub use error::{Error, ErrorKind};
pub use normalisation::Normalisation;
pub use prefetch::Prefetch;
