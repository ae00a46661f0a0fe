//! The threads that the program computes on.

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::interrupts::watch_interrupts;
use crate::failure::Failure;

/// A pool of so many threads. From here on Ctrl-C asks instead of ending the program.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, Failure> {
    watch_interrupts()?;
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::Error(format!("cannot start {threads} threads: {error}")))
}
