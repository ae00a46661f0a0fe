//! The folder of a run: what is written into it, and what is read from it.

mod environment;
mod folder;
pub mod records;

pub use environment::Environment;
pub(crate) use folder::{BEST, LATEST};
pub use folder::{Metrics, RunFolder};
