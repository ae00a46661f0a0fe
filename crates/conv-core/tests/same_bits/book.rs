//! `trainer book --iterations 3`.

use conv_core::chapter::{Batch, Geometry, Images, Network, Rules, Workspace};
use conv_core::{Bits, NumpyRandom};
use mnist_data::embedded;
use sha2::{Digest, Sha256};

const ITERATIONS: usize = 3;
const BATCH: usize = 128;
const ALPHA: f64 = 2.0;

/// The digest of kernels and dense weights after the chapter's first iterations.
pub(crate) fn digest() -> String {
    let train = embedded::load().train;
    let geometry = Geometry::new((28, 28), (3, 3), 16, None).unwrap();
    let geometry = geometry.without_last_position().unwrap();
    let images = Images::new(geometry, train.images(), train.labels()).unwrap();
    let whole = train.len() / BATCH;
    let batches: Vec<Batch> = (0..whole)
        .map(|batch| Batch::new(&images, batch * BATCH..(batch + 1) * BATCH).unwrap())
        .collect();
    let mut random = NumpyRandom::new(1);
    let mut network = Network::new(geometry, &mut random);
    let mut workspace = Workspace::new(&geometry, &batches);
    let mut masks = Bits::default();
    // As the listing has it, faults included.
    let rules = Rules {
        alpha: ALPHA,
        kernel_alpha: -ALPHA,
        delta_divisor: (BATCH * BATCH) as f64,
        slope: 1.0,
        dropout_gradient: 1.0,
        subtract_maximum: false,
    };
    for _ in 0..ITERATIONS {
        for batch in &batches {
            masks.clear();
            random.randint2(batch.len() * geometry.hidden(), &mut masks);
            network
                .train(&images, batch, &masks, 0, &rules, &mut workspace)
                .unwrap();
        }
    }
    let mut sha = Sha256::new();
    for number in network.kernels().iter().chain(&network.weights()) {
        sha.update(number.to_le_bytes());
    }
    super::hex(sha)
}
