//! Two of `trainer`'s recipes.

use conv_core::init::Seeded;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Conv, Layers, Spec};
use mnist_data::{Augmentation, Batches, Elastic, embedded};
use sha2::{Digest, Sha256};

const SEED: u64 = 1;
const BATCH: usize = 50;
/// Steps of an epoch of the 1,000 embedded images.
const STEPS: u64 = 20;
const LOSS: Loss = Loss::CrossEntropy { smoothing: 0.1 };

/// `trainer train stacked --epochs 2`.
pub(crate) fn two_epochs() -> String {
    let conv = |kernels, window: usize| Conv::new(kernels, window).without_bias();
    let layers = Layers::new()
        .then(conv(16, 5))
        .batch_norm()
        .relu()
        .max_pool(2)
        .then(conv(32, 3).same())
        .batch_norm()
        .relu()
        .max_pool(2)
        .then(conv(64, 3))
        .batch_norm()
        .relu()
        .flatten()
        .dropout(0.3)
        .dense(10);
    let optimizer = Optimizer::adamw(4e-3)
        .weight_decay(0.05)
        .schedule(Schedule::OneCycle { steps: 2 * STEPS })
        .average(0.98);
    let augmentation = Augmentation {
        probability: 1.0,
        shift: 2.0,
        rotation: 10.0,
        scale: 0.1,
        shear: 0.1,
        elastic: Some(Elastic::new(34.0, 4.0).unwrap()),
    };
    trained(layers, optimizer, 2, |batches, seed| {
        batches.augmented(augmentation.clone(), seed)
    })
}

/// `trainer train quick --epochs 1 --set data.train_images=1000 --set batch=50`.
pub(crate) fn twenty_steps_of_quick() -> String {
    let layers = Layers::new()
        .then(Conv::new(8, 5).without_bias())
        .max_pool(3)
        .batch_norm()
        .relu()
        .then(Conv::new(64, 5).without_bias())
        .batch_norm()
        .relu()
        .flatten()
        .dense(10);
    let optimizer = Optimizer::nesterov(0.8, 0.9)
        .weight_decay(1e-3)
        .schedule(Schedule::OneCycle { steps: STEPS });
    trained(layers, optimizer, 1, |batches, _| batches)
}

/// The digest of a network that learns from the embedded images.
fn trained(
    layers: Layers,
    mut optimizer: Optimizer,
    epochs: u64,
    change: impl Fn(Batches, u64) -> Batches,
) -> String {
    let train = embedded::load().train;
    let mut network = Network::new(&Spec::new((28, 28, 1), layers), SEED).unwrap();
    let mut workspace = Workspace::new();
    for epoch in 0..epochs {
        let seed = |part| Seeded::new(SEED).part(part).at(epoch);
        let batches = train.batches(BATCH).unwrap().shuffled(seed(1));
        for batch in change(batches, seed(2)) {
            let labels: Vec<usize> = batch.labels.iter().map(|&label| label.into()).collect();
            let (images, labels) = (batch.images.view(), Targets::Labels(&labels));
            network
                .train_step(images, labels, LOSS, &mut optimizer, &mut workspace)
                .unwrap();
        }
    }
    let model = network.averaged(&optimizer).unwrap();
    let mut sha = Sha256::new();
    for value in model.values() {
        sha.update(value.to_le_bytes());
    }
    for statistics in model.running_statistics() {
        for &value in statistics.mean.iter().chain(&statistics.variance) {
            sha.update((value as f32).to_le_bytes());
        }
    }
    super::hex(sha)
}
