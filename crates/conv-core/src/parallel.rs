//! Work on parts of an array, on the threads of the current rayon pool.
//!
//! The parts depend on the array and never on the number of threads, and so do the results.

use rayon::prelude::*;

/// Calls `work` with each part of `size` items and the part's number; the last part may be shorter.
pub(crate) fn parts_mut<T: Send>(
    data: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    data.par_chunks_mut(size.max(1))
        .enumerate()
        .for_each(|(part, items)| work(part, items));
}
