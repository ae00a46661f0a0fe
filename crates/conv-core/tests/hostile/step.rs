//! A training step on any batch: it is taken and all is finite, or refused and nothing has changed.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Conv, Layers, Spec};
use ndarray::{Array2, Array4};

use crate::bytes::Bytes;

const OUTPUTS: usize = 3;

fn network(bytes: &mut Bytes<'_>) -> Network {
    let input = (4, 4, 1);
    let conv = || Layers::new().conv(2, (3, 3));
    let layers = match bytes.below(4) {
        0 => Layers::new().flatten().dense(OUTPUTS),
        1 => conv().max_pool(2).relu().flatten().dense(OUTPUTS),
        2 => conv()
            .batch_norm()
            .gelu()
            .dropout(0.5)
            .global_average_pool()
            .dense(OUTPUTS),
        _ => conv()
            .sigmoid()
            .residual(|block| block.then(Conv::new(2, (3, 3)).same()).tanh())
            .mean_pool(2)
            .flatten()
            .dense(OUTPUTS),
    };
    let mut network = Network::new(&Spec::new(input, layers), 1).unwrap();
    if bytes.below(4) == 0 {
        let numbers: Vec<f32> = network.values().iter().map(|_| bytes.wild()).collect();
        network.set_values(&numbers).unwrap();
    }
    network
}

fn optimizer(bytes: &mut Bytes<'_>) -> Optimizer {
    // A setting: one that is allowed, or any.
    let mut set = |usual: f32| match bytes.below(4) {
        0 => bytes.wild(),
        _ => usual,
    };
    let rate = f64::from(set(0.1));
    let (momentum, decay, clip, average) = (set(0.9), set(0.01), set(1.0), set(0.5));
    let mut optimizer = match bytes.below(3) {
        0 => Optimizer::momentum(rate, momentum),
        1 => Optimizer::nesterov(rate, momentum),
        _ => Optimizer::adamw(rate),
    };
    if bytes.below(2) == 0 {
        optimizer = optimizer.weight_decay(f64::from(decay));
    }
    if bytes.below(2) == 0 {
        optimizer = optimizer.clip(f64::from(clip));
    }
    if bytes.below(2) == 0 {
        optimizer = optimizer.average(average);
    }
    if bytes.below(4) == 1 {
        let steps = bytes.below(3) as u64;
        optimizer = optimizer.schedule(match bytes.below(3) {
            0 => Schedule::Cosine { steps },
            1 => Schedule::OneCycle { steps },
            _ => Schedule::Step {
                every: steps,
                factor: f64::from(bytes.wild()),
            },
        });
    }
    optimizer
}

fn label(bytes: &mut Bytes<'_>) -> usize {
    match bytes.below(64) {
        63 => OUTPUTS,
        62 => usize::MAX,
        any => any % OUTPUTS,
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (mut network, mut optimizer) = (network(&mut bytes), optimizer(&mut bytes));
    let mut workspace = Workspace::new();
    for _ in 0..3 {
        let count = [1, 2, 3, 4, 0][bytes.below(5)];
        let channels = if bytes.below(16) == 1 { 2 } else { 1 };
        let wild = bytes.below(4) == 1;
        let number = |bytes: &mut Bytes<'_>| if wild { bytes.wild() } else { bytes.tame() };
        let images = Array4::from_shape_simple_fn((count, 4, 4, channels), || number(&mut bytes));
        let given = if bytes.below(16) == 1 { 1 } else { count };
        let labels: Vec<usize> = (0..given).map(|_| label(&mut bytes)).collect();
        let numbers = Array2::from_shape_simple_fn((given, OUTPUTS), || number(&mut bytes));
        let by_label = bytes.below(2) == 0;
        let targets = if by_label {
            Targets::Labels(&labels)
        } else {
            Targets::Values(numbers.view())
        };
        let smoothing = if bytes.below(8) == 1 {
            bytes.wild()
        } else {
            0.1
        };
        let loss = match bytes.below(2) {
            0 => Loss::CrossEntropy { smoothing },
            _ => Loss::MeanSquaredError,
        };
        let fits = count > 0
            && channels == 1
            && given == count
            && !(by_label && labels.iter().any(|&label| label >= OUTPUTS));
        let before = (network.clone(), optimizer.clone());
        let step = network.train_step(images.view(), targets, loss, &mut optimizer, &mut workspace);
        match step {
            Ok(report) => {
                assert!(fits, "{count} images, {channels} channels, {labels:?}");
                assert!(report.loss.is_finite() && report.correct <= count);
                assert!(workspace.gradient().iter().all(|d| d.is_finite()));
                assert_eq!(optimizer.steps(), before.1.steps() + 1);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let bits = |network: &Network| -> Vec<u32> {
                    network.values().iter().map(|x| x.to_bits()).collect()
                };
                assert_eq!(bits(&network), bits(&before.0));
                assert_eq!(network.running_statistics(), before.0.running_statistics());
                assert_eq!(optimizer.steps(), before.1.steps());
            }
        }
        // The number of the largest output, even where outputs are no numbers.
        let found = network.predict(images.view(), &mut workspace);
        assert_eq!(found.is_ok(), count > 0 && channels == 1);
        if let Ok(found) = found {
            assert!(found.len() == count && found.iter().all(|&class| class < OUTPUTS));
        }
    }
}
