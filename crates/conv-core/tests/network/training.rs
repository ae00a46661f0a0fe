//! Steps of training.

use conv_core::Error;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::{Optimizer, Schedule, State};
use conv_core::spec::{Layers, Spec};
use ndarray::Array4;

use crate::support::same_everywhere;
use crate::{images, pooled, stacked};

#[test]
fn fifty_steps_give_the_same_bits_everywhere() {
    let labels: Vec<usize> = (0..37).map(|n| n * 3 % 5).collect();
    for (spec, optimizer) in [
        (stacked(), Optimizer::nesterov(0.1, 0.9)),
        (stacked(), Optimizer::adamw(0.01)),
        (pooled(), Optimizer::nesterov(0.1, 0.9)),
    ] {
        let input = images(&spec, 37, 3);
        same_everywhere(|| {
            let mut network = Network::new(&spec, 1).unwrap();
            let mut workspace = Workspace::new();
            let mut optimizer = optimizer
                .clone()
                .schedule(Schedule::OneCycle { steps: 50 })
                .weight_decay(1e-3)
                .clip(0.5)
                .average(0.9);
            let loss = Loss::CrossEntropy { smoothing: 0.1 };
            let mut losses = Vec::new();
            for _ in 0..50 {
                let targets = Targets::Labels(&labels);
                let report = network
                    .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
                    .unwrap();
                losses.push(report.loss.to_bits());
            }
            let outputs = network.forward(input.view(), &mut workspace).unwrap();
            let outputs: Vec<u32> = outputs.iter().map(|x| x.to_bits()).collect();
            let numbers: Vec<u32> = network.values().iter().map(|x| x.to_bits()).collect();
            let averaged: Vec<u32> = optimizer
                .averaged()
                .unwrap()
                .iter()
                .map(|x| x.to_bits())
                .collect();
            (
                losses,
                numbers,
                averaged,
                network.running_statistics().to_vec(),
                optimizer.state().averaged_statistics.clone(),
                outputs,
            )
        });
    }
}

#[test]
fn learns_labels_by_heart() {
    let spec = stacked();
    let input = images(&spec, 40, 4);
    let labels: Vec<usize> = (0..40).map(|n| n * 3 % 5).collect();
    let mut network = Network::new(&spec, 1).unwrap();
    let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::adamw(0.01));
    optimizer = optimizer.schedule(Schedule::Cosine { steps: 300 });
    let loss = Loss::CrossEntropy { smoothing: 0.0 };
    let mut report = Default::default();
    for _ in 0..300 {
        let targets = Targets::Labels(&labels);
        report = network
            .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
            .unwrap();
    }
    assert!(report.loss < 0.3, "{report:?}");
    let found = network.predict(input.view(), &mut workspace).unwrap();
    let right = found.iter().zip(&labels).filter(|(a, b)| a == b).count();
    assert!(right >= 38, "{right} of 40");
}

#[test]
fn a_nan_in_the_input_is_an_error_that_names_it_and_changes_nothing() {
    let spec = stacked();
    let mut network = Network::new(&spec, 1).unwrap();
    let before = network.values().to_vec();
    let mut input = images(&spec, 4, 7);
    input[[2, 5, 5, 0]] = f32::NAN;
    let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::sgd(0.1));
    let step = network.train_step(
        input.view(),
        Targets::Labels(&[0, 1, 2, 3]),
        Loss::CrossEntropy { smoothing: 0.0 },
        &mut optimizer,
        &mut workspace,
    );
    let error = step.unwrap_err();
    let Error::Given { what, at, found } = &error else {
        panic!("{error}");
    };
    assert_eq!((*what, *at), ("the input", 2 * 144 + 5 * 12 + 5));
    assert!(found.is_nan());
    assert_eq!(
        error.to_string(),
        "value 353 of the input is NaN, expected a finite number"
    );
    assert_eq!((network.values(), optimizer.steps()), (&before[..], 0));
}

/// One step on images of these numbers, by squared errors: what it says, and whether anything changed.
fn refused_step(layers: Layers, input: [f32; 3]) -> Error {
    let mut network = Network::new(&Spec::new((1, 1, 1), layers), 1).unwrap();
    let (before, running) = (
        network.values().to_vec(),
        network.running_statistics().to_vec(),
    );
    let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::adamw(0.1));
    let input = Array4::from_shape_vec((3, 1, 1, 1), input.to_vec()).unwrap();
    let (targets, loss) = (Targets::Labels(&[0, 0, 0]), Loss::MeanSquaredError);
    let step = network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace);
    assert_eq!(network.values(), before);
    assert_eq!(
        (network.running_statistics(), optimizer.steps()),
        (&running[..], 0)
    );
    step.unwrap_err()
}

#[test]
fn what_overflows_behind_a_finite_loss_is_an_error_and_changes_nothing() {
    // The squares of the outputs fit f64, and the gradient does not fit f32.
    let error = refused_step(Layers::new().dense(1), [1e20, -1e20, 3e19]);
    assert_eq!(
        error,
        Error::NotFinite {
            what: "the gradient"
        }
    );
    // A normalisation makes any numbers small ones, but its running variance is a number of f32.
    let error = refused_step(Layers::new().batch_norm(), [1e20, -1e20, 3e19]);
    assert_eq!(
        error,
        Error::NotFinite {
            what: "a variance of the batch"
        }
    );
}

/// With decay 0.5 an average is halfway between the one before and what the step made: of parameters and of running statistics.
#[test]
fn the_averaged_network_has_averaged_parameters_and_statistics() {
    let spec = stacked();
    let (input, labels) = (images(&spec, 9, 3), [0, 1, 2, 3, 4, 0, 1, 2, 3]);
    let (mut network, mut workspace) = (Network::new(&spec, 1).unwrap(), Workspace::new());
    let mut optimizer = Optimizer::nesterov(0.1, 0.9).average(0.5);
    let loss = Loss::CrossEntropy { smoothing: 0.0 };
    let numbers = |network: &Network| {
        let statistics = network.running_statistics().iter();
        let statistics = statistics.flat_map(|all| all.mean.iter().chain(&all.variance));
        let values = network.values().iter().map(|&x| f64::from(x));
        values.chain(statistics.copied()).collect::<Vec<_>>()
    };
    // Before the first step there is no average.
    assert_eq!(
        numbers(&network.averaged(&optimizer).unwrap()),
        numbers(&network)
    );
    let mut expected = Vec::new();
    for step in 0..4 {
        let targets = Targets::Labels(&labels);
        network
            .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
            .unwrap();
        let now = numbers(&network);
        if step == 0 {
            expected.clone_from(&now);
        }
        for (average, x) in expected.iter_mut().zip(&now) {
            *average = f64::from((0.5 * *average + 0.5 * x) as f32);
        }
        let averaged = numbers(&network.averaged(&optimizer).unwrap());
        assert_eq!(averaged, expected, "step {step}");
        assert_eq!(averaged == now, step == 0);
    }
    // An average of the parameters alone is not gone on with, as if the statistics were averaged from now on.
    let state = State {
        averaged_statistics: vec![],
        ..optimizer.state().clone()
    };
    let len = network.values().len();
    let mut without = optimizer.clone().with_state(state, len).unwrap();
    let (before, targets) = (numbers(&network), Targets::Labels(&labels));
    let step = network.train_step(input.view(), targets, loss, &mut without, &mut workspace);
    let error = step.unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    assert_eq!(numbers(&network), before);
    // Another network has other normalisations.
    let layers = Layers::new().flatten().dense(5);
    let other = Network::new(&Spec::new((28, 28, 1), layers), 1).unwrap();
    let error = other.averaged(&optimizer).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}
