//! Memory that each thread keeps from one piece of work to the next, so that it stays in the thread's cache and no page
//! of it is made anew each time.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::simd::Lanes;

/// Lanes that a thread keeps at most: 8 MiB.
pub(crate) const KEPT: usize = 1 << 17;

thread_local! {
    static TILES: Cell<Vec<Lanes>> = const { Cell::new(Vec::new()) };
    static KERNELS: Cell<Vec<Lanes>> = const { Cell::new(Vec::new()) };
}

fn with<R>(
    kept: &'static LocalKey<Cell<Vec<Lanes>>>,
    len: usize,
    work: impl FnOnce(&mut [Lanes]) -> R,
) -> R {
    // Taken, so that work within this work finds none rather than the same.
    let mut lanes = kept.take();
    if lanes.len() < len {
        lanes = vec![Lanes::ZERO; len];
    }
    let result = work(&mut lanes[..len]);
    if lanes.len() <= KEPT {
        kept.set(lanes);
    }
    result
}

/// Work of a task with so many lanes for transformed tiles, which hold any numbers.
pub(crate) fn with_tiles<R>(len: usize, work: impl FnOnce(&mut [Lanes]) -> R) -> R {
    with(&TILES, len, work)
}

/// Work, its tasks included, with so many lanes for packed kernels or their sums, which hold any numbers.
pub(crate) fn with_kernels<R>(len: usize, work: impl FnOnce(&mut [Lanes]) -> R) -> R {
    with(&KERNELS, len, work)
}

/// Lets the thread have as many for tiles before it needs them.
pub(crate) fn reserve(len: usize) {
    with_tiles(len, |_| ());
}
