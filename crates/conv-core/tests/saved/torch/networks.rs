//! Losses, and gradients through whole networks.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::loss;
use conv_core::spec::Spec;
use ndarray::{Array2, ArrayView, Ix2};

use conv_core_saved_tests::{Arrays, Case, Goal, apart, empty, goldens, view};

/// What may lie between a number in f32 and PyTorch's in f64, as a part of the largest of its array.
const TOLERANCE: f64 = 2e-6;

pub(crate) fn network_of(spec: &Spec, arrays: &Arrays) -> Network {
    let mut network = Network::new(spec, 0).unwrap();
    for parameter in network.parameters().to_vec() {
        let array = &arrays[&parameter.name];
        assert_eq!(array.shape(), parameter.shape);
        network
            .set_parameter(&parameter.name, array.as_slice().unwrap())
            .unwrap();
    }
    network
}

pub(crate) fn loss_of(goal: Goal) -> Loss {
    match goal {
        Goal::CrossEntropy(smoothing) => Loss::CrossEntropy { smoothing },
        Goal::MeanSquaredError => Loss::MeanSquaredError,
    }
}

/// How far a network's loss and gradients are from PyTorch's.
fn network_error(
    network: &Network,
    right: &Arrays,
    loss: Loss,
    targets: Targets<'_>,
    value: f64,
) -> f64 {
    let mut workspace = Workspace::new();
    let report = network
        .gradient(view(right, "input"), targets, loss, 0, &mut workspace)
        .unwrap();
    let parameters = network.parameters();
    let gradients = parameters
        .iter()
        .flat_map(|p| &right[&format!("d {}", p.name)]);
    let least = gradients.fold(0.0_f64, |most, &d| most.max(f64::from(d).abs())) / 100.0;
    let errors = parameters.iter().map(|parameter| {
        let found = &workspace.gradient()[parameter.range.clone()];
        apart(found, &right[&format!("d {}", parameter.name)], least)
    });
    errors.fold((report.loss / value - 1.0).abs(), f64::max)
}

#[test]
fn gradients_of_networks_are_those_of_pytorch() {
    let goldens = goldens();
    let mut tested = 0;
    for case in &goldens.cases {
        let Case::Network {
            name,
            spec,
            loss,
            labels,
            found: value,
        } = case
        else {
            continue;
        };
        let right = &goldens.arrays[name];
        let mut network = network_of(spec, right);
        let targets = || match labels {
            Some(labels) => Targets::Labels(labels),
            None => Targets::Values(view(right, "targets")),
        };
        let loss = loss_of(*loss);
        let error = network_error(&network, right, loss, targets(), *value);
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        tested += 1;
        for parameter in network.parameters().to_vec() {
            let own = network.parameter(&parameter.name).unwrap().to_vec();
            let other: Vec<f32> = own.iter().map(|x| x * 1.01).collect();
            network.set_parameter(&parameter.name, &other).unwrap();
            let error = network_error(&network, right, loss, targets(), *value);
            let name = format!("{name} does not notice another {}", parameter.name);
            assert!(error > 10.0 * TOLERANCE, "{name}: {error:e}");
            network.set_parameter(&parameter.name, &own).unwrap();
        }
    }
    assert_eq!(tested, 6);
}

#[test]
fn losses_and_their_gradients_are_those_of_pytorch() {
    let goldens = goldens();
    let mut tested = 0;
    for case in &goldens.cases {
        let Case::Network {
            name,
            loss,
            labels,
            found: right_loss,
            ..
        } = case
        else {
            continue;
        };
        let right = &goldens.arrays[name];
        let outputs: ArrayView<'_, f32, Ix2> = view(right, "outputs");
        let mut d_outputs = empty(outputs.raw_dim());
        let found = match (loss, labels) {
            (Goal::CrossEntropy(smoothing), Some(labels)) => {
                loss::cross_entropy_of_labels(outputs, labels, *smoothing, d_outputs.view_mut())
            }
            (Goal::CrossEntropy(_), None) => {
                loss::cross_entropy(outputs, view(right, "targets"), d_outputs.view_mut())
            }
            (Goal::MeanSquaredError, labels) => {
                let targets = match labels {
                    None => view(right, "targets").to_owned(),
                    Some(labels) => Array2::from_shape_fn(outputs.dim(), |(n, class)| {
                        f32::from(u8::from(labels[n] == class))
                    }),
                };
                loss::mean_squared_error(outputs, targets.view(), d_outputs.view_mut())
            }
        };
        let found = found.unwrap();
        assert!(
            (found / right_loss - 1.0).abs() < TOLERANCE,
            "{name}: {found} {right_loss}"
        );
        let error = apart(&d_outputs, &right["d outputs"], 0.0);
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        tested += 1;
    }
    assert_eq!(tested, 6);
}
