//! Work on parts of an array, on the threads of the current rayon pool, or without the feature `rayon` on the
//! caller's.
//!
//! The parts depend on the array and never on the number of threads, and so do the results.

/// Calls `work` with each part of `size` items and the part's number; the last part may be shorter.
pub(crate) fn parts_mut<T: Send>(
    data: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    let size = size.max(1);
    // A single part is done at once: to wake a thread takes longer than many a layer.
    #[cfg(feature = "rayon")]
    if data.len() > size {
        use rayon::prelude::*;
        let parts = data.par_chunks_mut(size).enumerate();
        return parts.for_each(|(part, items)| work(part, items));
    }
    for (part, items) in data.chunks_mut(size).enumerate() {
        work(part, items);
    }
}
