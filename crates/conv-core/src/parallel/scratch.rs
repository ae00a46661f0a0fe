//! Memory that each thread keeps from one piece of work to the next: it stays in the thread's cache, and the operating system
//! does not map its pages anew each time.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::simd::Lanes;
use crate::tuning::LANES_KEPT;

thread_local! {
    static TILES: Cell<Vec<Lanes>> = const { Cell::new(Vec::new()) };
    static KERNELS: Cell<Vec<Lanes>> = const { Cell::new(Vec::new()) };
}

fn with<R>(
    kept: &'static LocalKey<Cell<Vec<Lanes>>>,
    len: usize,
    work: impl FnOnce(&mut [Lanes]) -> R,
) -> R {
    // Taken out of its place: work that runs within this work must not get the same memory.
    let mut lanes = kept.take();
    if lanes.len() < len {
        lanes = vec![Lanes::ZERO; len];
    }
    let result = work(&mut lanes[..len]);
    if lanes.len() <= LANES_KEPT {
        kept.set(lanes);
    }
    result
}

/// Runs the work of a task with `len` lanes for transformed tiles. They hold any values.
pub(crate) fn with_tiles<R>(len: usize, work: impl FnOnce(&mut [Lanes]) -> R) -> R {
    with(&TILES, len, work)
}

/// Runs work, its tasks included, with `len` lanes for packed kernels or their sums. They hold any values.
pub(crate) fn with_kernels<R>(len: usize, work: impl FnOnce(&mut [Lanes]) -> R) -> R {
    with(&KERNELS, len, work)
}

/// Allocates the lanes for tiles of this thread before they are needed.
pub(crate) fn reserve(len: usize) {
    with_tiles(len, |_| ());
}
