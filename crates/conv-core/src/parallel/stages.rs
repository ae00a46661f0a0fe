//! Items that go through several stages together, by threads that stay awake from the first stage to the last.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::threads;
use crate::tuning::SPINS_BEFORE_YIELD;

thread_local! {
    /// Whether this thread works on an item.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is at work in a stage. It then must not wait for other threads: while it waited, rayon could let it
/// help in the very stage that waits for its item, for ever.
pub(super) fn inside() -> bool {
    BUSY.get()
}

/// An item, and the first stage that no thread has started on it.
struct Item<'a, T> {
    next: AtomicUsize,
    item: Mutex<&'a mut T>,
}

/// All items, as they are between two stages.
pub(crate) struct Items<'a, 'b, T>(&'b [Option<Item<'a, T>>]);

impl<T> Items<'_, '_, T> {
    /// Calls `see` with every item, in their order.
    pub(crate) fn each(&self, mut see: impl FnMut(&T)) {
        for item in self.0.iter().flatten() {
            see(&lock(item));
        }
    }
}

fn lock<'b, 'a, T>(item: &'b Item<'a, T>) -> MutexGuard<'b, &'a mut T> {
    // A poisoned lock means that `work` panicked on a helper. That panic goes on when all stages are over.
    item.item.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `work` with every item (stage, what is shared, the item's number, the item), on several threads at once. When all
/// items are through a stage, it calls `reduce` (stage, what is shared, all items) on one thread, and begins the next stage.
///
/// Each item goes through a stage once, and what `work` and `reduce` see does not depend on the number of threads. What they
/// do in parallel themselves runs on their own thread alone. A panic of either is the caller's, when the threads are back.
///
/// Each thread takes the items of its own share first, in every other stage from the last one to the first: what it wrote last
/// is then still in its cache.
///
/// To wake a thread takes as long as a layer. So helpers do not sleep between stages but spin until the next one begins, and
/// nobody waits for a helper that has not come yet: the threads that are there do all the work.
///
/// # Panics
/// If there are more than MOST items, or `work` or `reduce` does.
pub(crate) fn stages<const MOST: usize, T: Send, S: Send + Sync>(
    items: &mut [T],
    shared: &mut S,
    stages: usize,
    work: impl Fn(usize, &S, usize, &mut T) + Sync,
    mut reduce: impl FnMut(usize, &mut S, Items<'_, '_, T>) + Send,
) {
    let count = items.len();
    assert!(count <= MOST, "more items than there is room for");
    let mut items = items.iter_mut();
    let items: [Option<Item<'_, T>>; MOST] = std::array::from_fn(|_| {
        items.next().map(|item| Item {
            next: AtomicUsize::new(0),
            item: Mutex::new(item),
        })
    });
    let shared = RwLock::new(shared);
    let (stage, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Takes the items through a stage that no thread has started on them, those of the thread's own share first. Returns
    // whether there was one.
    let work = |now: usize, own: &Range<usize>| {
        let mut any = false;
        for place in 0..count {
            let number = if now.is_multiple_of(2) {
                (own.start + place) % count
            } else {
                (own.end + count - 1 - place) % count
            };
            let Some(item) = &items[number] else { break };
            let begun =
                item.next
                    .compare_exchange(now, now + 1, Ordering::AcqRel, Ordering::Relaxed);
            if begun.is_ok() {
                let _working = Working::new(&done);
                let shared = shared.read().unwrap_or_else(PoisonError::into_inner);
                work(now, &shared, number, &mut lock(item));
                any = true;
            }
        }
        any
    };
    let helpers = threads().min(count).saturating_sub(1);
    let share =
        |thread: usize| thread * count / (helpers + 1)..(thread + 1) * count / (helpers + 1);
    let help = |helper: usize| {
        let (own, mut spins) = (share(helper), 0);
        loop {
            match stage.load(Ordering::Acquire) {
                now if now >= stages => break,
                now if work(now, &own) => spins = 0,
                _ => spin(&mut spins),
            }
        }
    };
    let mut lead = || {
        let _release = ReleaseHelpers(&stage);
        let own = share(0);
        for now in 0..stages {
            work(now, &own);
            let mut spins = 0;
            while done.load(Ordering::Acquire) < (now + 1) * count {
                spin(&mut spins);
            }
            let mut shared = shared.write().unwrap_or_else(PoisonError::into_inner);
            let _busy = Busy::new();
            reduce(now, &mut shared, Items(&items));
            drop(shared);
            stage.store(now + 1, Ordering::Release);
        }
    };
    with_helpers(helpers, &help, &mut lead);
}

/// Marks the thread as at work, and as it was before when dropped.
struct Busy(bool);

impl Busy {
    fn new() -> Self {
        Self(BUSY.replace(true))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.set(self.0);
    }
}

/// Work on an item, which counts as done when this is dropped: after a panic too, since the lead waits for all.
struct Working<'a>(
    &'a AtomicUsize,
    #[allow(dead_code, reason = "held until the work is done")] Busy,
);

impl<'a> Working<'a> {
    fn new(done: &'a AtomicUsize) -> Self {
        Self(done, Busy::new())
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Ends the helpers' wait for another stage when dropped: after a panic too.
struct ReleaseHelpers<'a>(&'a AtomicUsize);

impl Drop for ReleaseHelpers<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

fn spin(spins: &mut u32) {
    *spins += 1;
    if spins.is_multiple_of(SPINS_BEFORE_YIELD) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// Calls `lead`, and beside it `help` on as many threads as have time for it.
fn with_helpers(helpers: usize, help: &(dyn Fn(usize) + Sync), lead: &mut (dyn FnMut() + Send)) {
    match helpers {
        0 => lead(),
        // Its closures lie on the stack, where a scope would allocate them.
        _ => {
            super::both(|| with_helpers(helpers - 1, help, lead), || help(helpers));
        }
    }
}

// Its panics are caught: not where a panic ends the program, as in WebAssembly.
#[cfg(all(test, panic = "unwind"))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const MOST: usize = 16;

    /// Runs `test` on pools of so many threads, or without the feature `rayon` on this thread.
    fn on_pools(test: impl Fn() + Send + Sync) {
        #[cfg(feature = "rayon")]
        for &threads in if cfg!(miri) {
            &[1, 3][..]
        } else {
            &[1, 2, 3, 8]
        } {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(&test);
        }
        #[cfg(not(feature = "rayon"))]
        test();
    }

    /// What items and shared value are after some stages: each stage adds the shared value to every item, then the sum of
    /// all items, by their numbers, to the shared value.
    fn run(count: usize, stages: usize) -> (Vec<u64>, u64) {
        let (mut items, mut shared) = ((0..count as u64).collect::<Vec<_>>(), 1);
        super::stages::<MOST, _, _>(
            &mut items,
            &mut shared,
            stages,
            |stage, shared, number, item| {
                *item = item.wrapping_mul(31).wrapping_add(shared + stage as u64);
                *item ^= number as u64;
            },
            |stage, shared, items| {
                items.each(|item| *shared = shared.wrapping_mul(17).wrapping_add(*item));
                *shared ^= stage as u64;
            },
        );
        (items, shared)
    }

    /// The same in plain loops.
    fn expected(count: usize, stages: usize) -> (Vec<u64>, u64) {
        let (mut items, mut shared) = ((0..count as u64).collect::<Vec<_>>(), 1_u64);
        for stage in 0..stages as u64 {
            for (number, item) in items.iter_mut().enumerate() {
                *item = item.wrapping_mul(31).wrapping_add(shared + stage) ^ number as u64;
            }
            for item in &items {
                shared = shared.wrapping_mul(17).wrapping_add(*item);
            }
            shared ^= stage;
        }
        (items, shared)
    }

    #[test]
    fn every_item_goes_through_every_stage_once_and_in_order() {
        let stages = if cfg!(miri) { 5 } else { 200 };
        on_pools(|| {
            for count in [0, 1, 2, 5, MOST] {
                for stages in [0, 1, stages] {
                    assert_eq!(
                        run(count, stages),
                        expected(count, stages),
                        "{count}, {stages}"
                    );
                }
            }
        });
    }

    #[test]
    fn a_pool_serves_one_call_after_another() {
        let calls = if cfg!(miri) { 3 } else { 500 };
        on_pools(|| {
            let right = expected(7, 3);
            for call in 0..calls {
                assert_eq!(run(7, 3), right, "call {call}");
            }
        });
    }

    #[test]
    fn calls_at_the_same_time_do_not_disturb_each_other() {
        on_pools(|| {
            let mut found = vec![None; if cfg!(miri) { 4 } else { 64 }];
            crate::parallel::parts_mut(&mut found, 1, |call, found| {
                found[0] = Some(run(1 + call % MOST, 20));
            });
            for (call, found) in found.into_iter().enumerate() {
                assert_eq!(found, Some(expected(1 + call % MOST, 20)), "call {call}");
            }
        });
    }

    #[test]
    fn what_a_stage_does_in_parallel_itself_ends() {
        const COUNT: usize = if cfg!(miri) { 3 } else { 40 };
        let rounds = if cfg!(miri) { 1 } else { 50 };
        on_pools(|| {
            for _ in 0..rounds {
                let (mut items, mut total) = (vec![0; MOST], 0);
                super::stages::<MOST, _, _>(
                    &mut items,
                    &mut total,
                    4,
                    |_, _, number, item| {
                        let mut squares = vec![0; COUNT];
                        crate::parallel::parts_mut(&mut squares, 1, |i, square| {
                            square[0] = i * i + usize::from(run(3, 4) != expected(3, 4));
                        });
                        // Long enough for another thread to take the second half, and for this one to wait for it.
                        let pause = || std::thread::sleep(std::time::Duration::from_micros(50));
                        let (a, b) = crate::parallel::both(
                            || number,
                            || {
                                pause();
                                1
                            },
                        );
                        *item = squares.iter().sum::<usize>() + a + b;
                    },
                    |_, total, items| {
                        items.each(|item| *total += item);
                        *total += crate::parallel::sum(10, |i| i);
                    },
                );
                let each = (0..COUNT).map(|i| i * i).sum::<usize>() + 1;
                let all = MOST * each + (0..MOST).sum::<usize>();
                assert_eq!(total, 4 * (all + 45));
            }
        });
    }

    #[test]
    fn a_panic_in_a_stage_reaches_the_caller_and_ends_the_helpers() {
        on_pools(|| {
            // Of the work with each item, of all, and of `reduce`.
            let few = |wrong: &usize| [0, MOST, MOST + 1].contains(wrong);
            for wrong in (0..=MOST + 1).filter(|wrong| !cfg!(miri) || few(wrong)) {
                let (mut items, mut calls) = ([0; MOST], 0);
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    super::stages::<MOST, _, _>(
                        &mut items,
                        &mut calls,
                        5,
                        |stage, _, number, item| {
                            *item += 1;
                            assert!(stage != 2 || wrong != number && wrong != MOST, "the item");
                        },
                        |stage, calls, _| {
                            *calls += 1;
                            assert!(stage != 3 || wrong != MOST + 1, "the reduction");
                        },
                    );
                }));
                let message = *outcome.unwrap_err().downcast::<&str>().unwrap();
                let expected = if wrong == MOST + 1 {
                    "the reduction"
                } else {
                    "the item"
                };
                assert_eq!(message, expected);
                assert!(!inside(), "this thread counts as at work");
                // The pool is whole: all its threads can be had again.
                assert_eq!(run(MOST, 10), self::expected(MOST, 10));
            }
        });
    }

    #[test]
    fn more_items_than_there_is_room_for_are_refused() {
        let mut items = [0; MOST + 1];
        let refused = catch_unwind(AssertUnwindSafe(|| {
            super::stages::<MOST, _, _>(
                &mut items,
                &mut (),
                1,
                |_, (), _, item| *item = 1,
                |_, (), _| (),
            );
        }));
        assert!(refused.is_err());
        assert_eq!(items, [0; MOST + 1]);
    }
}
