//! Items that go through several stages together, by threads that stay awake from the first to the last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// Fruitless looks for work before a thread lets others have its core.
const LOOKS: u32 = 64;

/// An item, and the stage that nobody has begun with it yet.
struct Item<'a, T> {
    next: AtomicUsize,
    item: Mutex<&'a mut T>,
}

/// All items, to be seen between two stages.
pub(crate) struct Items<'a, 'b, T>(&'b [Option<Item<'a, T>>]);

impl<T> Items<'_, '_, T> {
    /// Calls `see` with every item, in their order.
    pub(crate) fn each(&self, mut see: impl FnMut(&T)) {
        for item in self.0.iter().flatten() {
            see(&held(item));
        }
    }
}

fn held<'b, 'a, T>(item: &'b Item<'a, T>) -> MutexGuard<'b, &'a mut T> {
    // Where a thread panicked, so will the one that waits for it.
    item.item.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work` with every item (stage, what is shared, the item's number, the item), and after each stage `meet`, alone
/// (stage, what is shared, all items); then comes the next stage. At most MOST items; neither may do anything in
/// parallel itself.
///
/// To wake a thread takes as long as a layer. So the threads that help do not sleep between stages, they look for the
/// next one; and nobody waits for one that has not come yet: whoever is there does all there is.
pub(crate) fn stages<const MOST: usize, T: Send, S: Send + Sync>(
    items: &mut [T],
    shared: &mut S,
    stages: usize,
    work: impl Fn(usize, &S, usize, &mut T) + Sync,
    mut meet: impl FnMut(usize, &mut S, Items<'_, '_, T>) + Send,
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
    // The items of a stage that nobody has begun with, those from `first` on before the others; whether there were any.
    let work = |now: usize, first: usize| {
        let mut found = false;
        for number in (first..count).chain(0..first) {
            let Some(item) = &items[number] else { break };
            let begun =
                item.next
                    .compare_exchange(now, now + 1, Ordering::AcqRel, Ordering::Relaxed);
            if begun.is_ok() {
                let _counted = Counted(&done);
                let shared = shared.read().unwrap_or_else(PoisonError::into_inner);
                work(now, &shared, number, &mut held(item));
                found = true;
            }
        }
        found
    };
    let helpers = threads().min(count).saturating_sub(1);
    let help = |helper: usize| {
        let mut looks = 0;
        loop {
            match stage.load(Ordering::Acquire) {
                now if now >= stages => break,
                now if work(now, helper * count / (helpers + 1)) => looks = 0,
                _ => pause(&mut looks),
            }
        }
    };
    let mut lead = || {
        let _over = Over(&stage);
        for now in 0..stages {
            work(now, 0);
            let mut looks = 0;
            while done.load(Ordering::Acquire) < (now + 1) * count {
                pause(&mut looks);
            }
            let mut shared = shared.write().unwrap_or_else(PoisonError::into_inner);
            meet(now, &mut shared, Items(&items));
            drop(shared);
            stage.store(now + 1, Ordering::Release);
        }
    };
    beside(helpers, &help, &mut lead);
}

/// Counts a piece of work when it is done, and if it panics too: somebody waits for it.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Sends the helpers home, after a panic too.
struct Over<'a>(&'a AtomicUsize);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

fn pause(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

fn threads() -> usize {
    #[cfg(feature = "rayon")]
    {
        rayon::current_num_threads()
    }
    #[cfg(not(feature = "rayon"))]
    {
        1
    }
}

/// Calls `lead`, and beside it `help` on as many threads as have time for it.
fn beside(helpers: usize, help: &(dyn Fn(usize) + Sync), lead: &mut (dyn FnMut() + Send)) {
    match helpers {
        0 => lead(),
        // Its closures lie on the stack, where a scope would allocate them.
        _ => {
            super::both(|| beside(helpers - 1, help, lead), || help(helpers));
        }
    }
}
