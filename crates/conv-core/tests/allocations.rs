//! A training step after the first allocates nothing. Its own program, since the allocator is the process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Layers, Spec};
use ndarray::Array4;

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it is; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_step_after_the_first_allocates_nothing() {
    let spec = Spec::new(
        (12, 12, 1),
        Layers::new()
            .conv(8, (3, 3))
            .relu()
            .max_pool(2, 2)
            .then(Conv::new(12, (3, 3)).same().without_bias())
            .batch_norm()
            .gelu()
            .dropout(0.25)
            .residual(|block| block.then(Conv::new(12, (3, 3)).same()).tanh())
            .flatten()
            .dense(5),
    );
    let input = Array4::from_elem((70, 12, 12, 1), 0.5);
    let labels = [3; 70];
    for optimizer in [Optimizer::nesterov(0.01, 0.9), Optimizer::adamw(0.01)] {
        let mut network = Network::new(&spec, 1).unwrap();
        let mut workspace = Workspace::new();
        let mut optimizer = optimizer.clip(1.0).average(0.9);
        let mut step = |images: usize| {
            let before = COUNT.load(Ordering::Relaxed);
            let report = network.train_step(
                input.slice(ndarray::s![..images, .., .., ..]),
                Targets::Labels(&labels[..images]),
                Loss::CrossEntropy { smoothing: 0.0 },
                &mut optimizer,
                &mut workspace,
            );
            assert!(report.is_ok());
            COUNT.load(Ordering::Relaxed) - before
        };
        // The steps begin on a thread of the pool: handing them over to it is rayon's, and allocates now and then.
        let run = || {
            assert!(step(70) > 0, "the allocator counts nothing");
            (0..20)
                .map(|n| step(if n % 5 == 0 { 33 } else { 70 }))
                .sum::<usize>()
        };
        #[cfg(feature = "rayon")]
        let later = {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(2)
                .build()
                .unwrap();
            // Each thread allocates once for itself when it first steals.
            pool.broadcast(|_| ());
            pool.install(run)
        };
        #[cfg(not(feature = "rayon"))]
        let later = { run }();
        assert_eq!(later, 0);
    }
}
