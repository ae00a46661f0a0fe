//! Trains small convolutional networks: a [recipe] says what is trained on what, a [session] trains it in a
//! [run]'s folder, and what comes of it is a [model], which can be [evaluated](evaluation), [exported](export)
//! and shown in a [report].
//!
//! The library has no terminal, no exit codes, no signal handlers, and no thread pool of its own: it computes on the
//! rayon pool that it is called in. The program `trainer` is a shell around it.
#![forbid(unsafe_code)]

mod course;
mod error;
pub mod evaluation;
pub mod export;
pub mod images;
pub mod in_memory;
mod learner;
pub mod listing;
pub mod model;
pub mod recipe;
pub mod report;
pub mod run;
#[cfg(feature = "files")]
pub mod session;
pub mod sweep;
#[cfg(feature = "files")]
pub mod whole_file;

/// The examples of the read-me are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

/// The programs of that page are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/USE.md")]
struct UseItInYourProgram;

pub use error::{Advice, Error};
/// How pictures become images of a data set: [`mnist_data::picture`].
pub use mnist_data::picture;
