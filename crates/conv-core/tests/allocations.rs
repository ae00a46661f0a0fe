//! A training step after the first allocates nothing. A program of its own, since the allocator is the process's, and
//! without the test harness, whose other thread allocates now and then while a test runs.

#[cfg(feature = "rayon")]
use std::sync::atomic::{AtomicBool, Ordering};

use conv_core::Error;
use conv_core::network::{Exchange, Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Layers, Spec};
use ndarray::Array4;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// How often memory was asked for so far, by any thread.
fn count() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn main() {
    a_step_after_the_first_allocates_nothing();
    println!("test a_step_after_the_first_allocates_nothing ... ok");
}

fn a_step_after_the_first_allocates_nothing() {
    let spec = Spec::new(
        (18, 18, 1),
        Layers::new()
            // Pooled before its activation and after: two ways back.
            .conv(8, (3, 3))
            .max_pool(2)
            .relu()
            .then(Conv::new(12, (3, 3)).same())
            .relu()
            .max_pool(2)
            .then(Conv::new(12, (3, 3)).same().without_bias())
            .batch_norm()
            // By tiles, forward and back.
            .then(Conv::new(20, (5, 5)).same())
            .then(Conv::new(16, (3, 3)).same())
            .then(Conv::new(12, (3, 3)).same())
            .gelu()
            .dropout(0.25)
            .residual(|block| block.then(Conv::new(12, (3, 3)).same()).tanh())
            .flatten()
            .dense(5),
    );
    // The steps begin on a thread of the pool: handing them over to it is rayon's, and allocates now and then.
    #[cfg(feature = "rayon")]
    let later = {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        // Each thread allocates once for itself when it first looks for something to steal. The one that takes this up
        // has looked; the other one must, or this would not end.
        pool.install(|| {
            let stolen = AtomicBool::new(false);
            let wait = || {
                while !stolen.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            };
            rayon::join(wait, || stolen.store(true, Ordering::Relaxed));
        });
        pool.install(|| allocations_later(&spec))
    };
    #[cfg(not(feature = "rayon"))]
    let later = allocations_later(&spec);
    assert_eq!(later, [0, 0, 0, 0]);
}

/// The first of two ranks, whose records are the other one's too, and which alone adds to sums.
#[derive(Debug)]
struct Mirror;

impl Exchange for Mirror {
    fn rank(&self) -> usize {
        0
    }

    fn ranks(&self) -> usize {
        2
    }

    fn gather(&mut self, values: &mut [f64], len: usize) -> Result<(), Error> {
        let shards = values.len() / len;
        let (own, others) = values.split_at_mut(shards / 2 * len);
        others[..own.len()].copy_from_slice(own);
        Ok(())
    }

    fn sum(
        &mut self,
        values: &mut [f32],
        ready: usize,
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error> {
        if ready == 0 {
            add(0, values);
        }
        Ok(())
    }
}

/// Those of the steps after the first, with two optimizers, alone and as one of two ranks. On one pool: the threads of one that is dropped end at some
/// time, and allocate once more.
fn allocations_later(spec: &Spec) -> [usize; 4] {
    let input = Array4::from_elem((70, 18, 18, 1), 0.5);
    let labels = [3; 70];
    let (nesterov, adamw) = (Optimizer::nesterov(0.01, 0.9), Optimizer::adamw(0.01));
    [
        (&nesterov, false),
        (&adamw, false),
        (&nesterov, true),
        (&adamw, true),
    ]
    .map(|(optimizer, together)| {
        let mut network = Network::new(spec, 1).unwrap();
        let mut workspace = Workspace::new();
        if together {
            workspace.set_exchange(Box::new(Mirror));
        }
        let mut optimizer = optimizer.clone().clip(1.0).average(0.9);
        let mut step = |images: usize| {
            let before = count();
            let report = network.train_step(
                input.slice(ndarray::s![..images, .., .., ..]),
                Targets::Labels(&labels[..images]),
                Loss::CrossEntropy { smoothing: 0.0 },
                &mut optimizer,
                &mut workspace,
            );
            assert!(report.is_ok());
            count() - before
        };
        assert!(step(70) > 0, "the allocator counts nothing");
        (0..20)
            .map(|n| step(if n % 5 == 0 { 33 } else { 70 }))
            .sum()
    })
}
