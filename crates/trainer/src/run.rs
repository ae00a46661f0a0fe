//! The folder of a run: what is written into it, and what is read from it.

mod contents;
mod criterion;
#[cfg(feature = "files")]
mod environment;
#[cfg(feature = "files")]
mod folder;
#[cfg(feature = "files")]
mod read;
pub mod records;
pub mod shell;

pub use contents::Contents;
pub use criterion::Criterion;
#[cfg(feature = "files")]
pub use folder::{Metrics, RunFolder};
