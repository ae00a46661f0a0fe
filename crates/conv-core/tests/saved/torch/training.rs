//! Steps of every optimizer, by every schedule.

use conv_core::network::{Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Layer, Spec};
use ndarray::Array1;

use crate::networks::{loss_of, network_of};
use conv_core_saved_tests::{Arrays, Case, Method, apart, goldens, view};

/// What may lie between a number in f32 and PyTorch's in f64 after twelve steps, as a part of the largest of its
/// array.
const TOLERANCE: f64 = 5e-6;

fn optimizer(method: &Method) -> Optimizer {
    let optimizer = match method.method.as_str() {
        "sgd" => Optimizer::momentum(method.rate, method.momentum),
        "nesterov" => Optimizer::nesterov(method.rate, method.momentum),
        "adamw" => Optimizer::adamw(method.rate),
        other => panic!("no method {other}"),
    };
    let optimizer = optimizer
        .weight_decay(method.weight_decay)
        .schedule(method.schedule)
        .average(method.average);
    match method.clip {
        Some(norm) => optimizer.clip(norm),
        None => optimizer,
    }
}

/// How far the losses of the steps, and all that there is after them, are from PyTorch's.
fn training_error(case: &Case, right: &Arrays) -> f64 {
    let Case::Training {
        spec,
        loss,
        labels,
        optimizer: method,
        steps,
        losses,
        rates,
        ..
    } = case
    else {
        panic!("no training");
    };
    let mut network = network_of(spec, right);
    let (mut optimizer, mut workspace) = (optimizer(method), Workspace::new());
    let mut worst = 0.0_f64;
    for step in 0..*steps {
        worst = worst.max((optimizer.rate() / rates[step] - 1.0).abs());
        let targets = Targets::Labels(labels);
        let report = network
            .train_step(
                view(right, "input"),
                targets,
                loss_of(*loss),
                &mut optimizer,
                &mut workspace,
            )
            .unwrap();
        worst = worst.max((report.loss / losses[step] - 1.0).abs());
    }
    for parameter in network.parameters() {
        let range = parameter.range.clone();
        let after = &right[&format!("after {}", parameter.name)];
        worst = worst.max(apart(&network.values()[range.clone()], after, 0.0));
        let average = &right[&format!("average {}", parameter.name)];
        worst = worst.max(apart(&optimizer.averaged().unwrap()[range], average, 0.0));
    }
    let norms = network
        .parameters()
        .iter()
        .filter_map(|p| p.name.strip_suffix(".gamma"));
    for (path, statistics) in norms.zip(network.running_statistics()) {
        for (what, found) in [
            ("mean", &statistics.mean),
            ("variance", &statistics.variance),
        ] {
            let found: Array1<f32> = found.iter().map(|&x| x as f32).collect();
            worst = worst.max(apart(
                &found,
                &right[&format!("after {path}.running_{what}")],
                0.0,
            ));
        }
    }
    let outputs = network
        .forward(view(right, "input"), &mut workspace)
        .unwrap();
    worst.max(apart(outputs, &right["outputs after"], 0.0))
}

#[test]
fn training_steps_are_those_of_pytorch() {
    let goldens = goldens();
    let mut tested = 0;
    for case in &goldens.cases {
        let Case::Training { name, .. } = case else {
            continue;
        };
        let right = &goldens.arrays[name];
        let error = training_error(case, right);
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        tested += 1;
        for (what, change) in CHANGES {
            let mut changed = case.clone();
            let Case::Training {
                spec, optimizer, ..
            } = &mut changed
            else {
                continue;
            };
            if change(optimizer, spec) {
                let error = training_error(&changed, right);
                assert!(
                    error > 10.0 * TOLERANCE,
                    "{name} does not notice another {what}: {error:e}"
                );
            }
        }
    }
    assert_eq!(tested, 5);
}

/// Changes an optimizer or a network a little, and says whether there was anything to change.
type Change = fn(&mut Method, &mut Spec) -> bool;

const CHANGES: [(&str, Change); 7] = [
    ("rate", |method, _| {
        method.rate *= 1.01;
        true
    }),
    ("momentum", |method, _| {
        method.momentum *= 0.99;
        method.momentum > 0.0
    }),
    ("method", |method, _| {
        let was = method.method == "nesterov";
        method.method = "sgd".into();
        was
    }),
    ("weight decay", |method, _| {
        method.weight_decay *= 1.1;
        method.weight_decay > 0.0
    }),
    ("clipping", |method, _| method.clip.take().is_some()),
    ("average", |method, _| {
        method.average += 0.01;
        true
    }),
    ("momentum of the running statistics", |_, spec| {
        let mut norms = spec.layers.0.iter_mut().filter_map(|layer| match layer {
            Layer::BatchNorm(norm) => Some(norm),
            _ => None,
        });
        norms.next().is_some_and(|norm| {
            norm.momentum *= 1.01;
            true
        })
    }),
];
