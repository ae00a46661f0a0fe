//! Work on parts of an array, on the threads of the current rayon pool, or without the feature `rayon` on the
//! caller's.
//!
//! The parts depend on the array and never on the number of threads, and so do the results: who asks for the number of
//! threads divides no sum by it. Within a [stage](stages()) all of this runs on the thread that is at work there.

pub(crate) mod scratch;
mod stages;

pub(crate) use stages::{Items, stages};

/// Calls `work` with each part of `size` items and the part's number; the last part may be shorter.
pub(crate) fn parts_mut<T: Send>(
    data: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    let size = size.max(1);
    // A single part is done at once: to wake a thread takes longer than many a layer.
    #[cfg(feature = "rayon")]
    if data.len() > size && !stages::inside() {
        use rayon::prelude::*;
        let parts = data.par_chunks_mut(size).enumerate();
        return parts.for_each(|(part, items)| work(part, items));
    }
    for (part, items) in data.chunks_mut(size).enumerate() {
        work(part, items);
    }
}

/// [`parts_mut`] of two arrays at once, of each so many items; as many parts as the shorter one has.
pub(crate) fn parts_of_two_mut<A: Send, B: Send>(
    (a, a_size): (&mut [A], usize),
    (b, b_size): (&mut [B], usize),
    work: impl Fn(usize, &mut [A], &mut [B]) + Send + Sync,
) {
    let (a_size, b_size) = (a_size.max(1), b_size.max(1));
    #[cfg(feature = "rayon")]
    if a.len() > a_size {
        use rayon::prelude::*;
        let parts = (a.par_chunks_mut(a_size), b.par_chunks_mut(b_size));
        let parts = parts.into_par_iter().enumerate();
        return parts.for_each(|(part, (a, b))| work(part, a, b));
    }
    let parts = a.chunks_mut(a_size).zip(b.chunks_mut(b_size));
    for (part, (a, b)) in parts.enumerate() {
        work(part, a, b);
    }
}

/// [`parts_mut`] of three arrays at once, of each so many items; as many parts as the shortest has.
pub(crate) fn parts_of_three_mut<A: Send, B: Send, C: Send>(
    (a, a_size): (&mut [A], usize),
    (b, b_size): (&mut [B], usize),
    (c, c_size): (&mut [C], usize),
    work: impl Fn(usize, &mut [A], &mut [B], &mut [C]) + Send + Sync,
) {
    #[cfg(feature = "rayon")]
    if !stages::inside() {
        use rayon::prelude::*;
        let parts = (
            a.par_chunks_mut(a_size),
            b.par_chunks_mut(b_size),
            c.par_chunks_mut(c_size),
        );
        let parts = parts.into_par_iter().enumerate();
        return parts.for_each(|(part, (a, b, c))| work(part, a, b, c));
    }
    let parts = a.chunks_mut(a_size).zip(b.chunks_mut(b_size));
    for (part, ((a, b), c)) in parts.zip(c.chunks_mut(c_size)).enumerate() {
        work(part, a, b, c);
    }
}

/// Does the work once on every thread.
pub(crate) fn on_every_thread(work: impl Fn() + Sync) {
    #[cfg(feature = "rayon")]
    if !stages::inside() {
        rayon::broadcast(|_| work());
        return;
    }
    work();
}

/// What two pieces of work give, which run at the same time where there are threads.
pub(crate) fn both<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    #[cfg(feature = "rayon")]
    if !stages::inside() {
        return rayon::join(a, b);
    }
    let a = a();
    (a, b())
}

/// The sum of what the pieces of work number 0 to `count − 1` give.
pub(crate) fn sum(count: usize, work: impl Fn(usize) -> usize + Send + Sync) -> usize {
    #[cfg(feature = "rayon")]
    if !stages::inside() {
        use rayon::prelude::*;
        return (0..count).into_par_iter().map(work).sum();
    }
    (0..count).map(work).sum()
}

/// The threads that work may be divided among.
pub(crate) fn threads() -> usize {
    if stages::inside() {
        return 1;
    }
    #[cfg(feature = "rayon")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "rayon"))]
    1
}
