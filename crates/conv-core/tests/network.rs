//! Whole networks: gradients against finite differences of the reference in f64, the same bits everywhere, and
//! what is refused.

mod support;

use std::cell::Cell;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::conv as op;
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::pool::Pool;
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Dense, Layer, Layers, Spec};
use conv_core::{Error, NumpyRandom, reference};
use ndarray::{Array1, Array2, Array4, ArrayView1, Axis};
use support::*;

/// The network as the reference computes it, in f64: in inference, or in training but for dropout.
struct Wide<'a> {
    network: &'a Network,
    numbers: &'a Array1<f64>,
    training: bool,
    /// Normalisations so far.
    norms: Cell<usize>,
}

impl Wide<'_> {
    fn get(&self, path: &str, what: &str) -> Option<ArrayView1<'_, f64>> {
        let name = format!("{path}.{what}");
        let parameter = self.network.parameters().iter().find(|p| p.name == name)?;
        Some(self.numbers.slice(ndarray::s![parameter.range.clone()]))
    }

    fn layers(&self, layers: &Layers, path: &str, mut x: Array4<f64>) -> Array4<f64> {
        for (number, layer) in layers.0.iter().enumerate() {
            x = self.layer(layer, &format!("{path}{number}"), x);
        }
        x
    }

    fn layer(&self, layer: &Layer, path: &str, x: Array4<f64>) -> Array4<f64> {
        let (n, h, w, c) = x.dim();
        let flat = |x: Array4<f64>| x.into_shape_with_order((n, h * w * c)).unwrap();
        let image = |x: Array2<f64>| x.insert_axis(Axis(1)).insert_axis(Axis(1));
        match layer {
            Layer::Conv(Conv {
                kernels,
                window,
                groups,
                ..
            }) => {
                let conv = op::Conv::new(*window).groups(*groups);
                let shape = (window.size.0, window.size.1, c / groups, *kernels);
                let kernels = self.get(path, "kernels").unwrap();
                let kernels = kernels.into_shape_with_order(shape).unwrap();
                reference::conv(&conv, x.view(), kernels, self.get(path, "bias"))
            }
            Layer::Dense(Dense { outputs, .. }) => {
                let weights = self.get(path, "weights").unwrap();
                let weights = weights.into_shape_with_order((c, *outputs)).unwrap();
                image(reference::dense(
                    flat(x).view(),
                    weights,
                    self.get(path, "bias"),
                ))
            }
            Layer::Pool { pool, window } => reference::pool(*pool, window, x.view()),
            Layer::GlobalAveragePool => image(reference::global_pool(x.view())),
            Layer::KernelPool { pooling } => {
                let rows = x.into_shape_with_order((n, h * w, c)).unwrap();
                let pooled = reference::pool_kernels(rows.view(), *pooling);
                pooled.into_shape_with_order((n, h, w, 1)).unwrap()
            }
            Layer::Flatten => image(flat(x)),
            Layer::Relu { slope } => x.mapv(|x| reference::relu(x, f64::from(*slope))),
            Layer::Tanh => x.mapv(reference::tanh),
            Layer::Sigmoid => x.mapv(reference::sigmoid),
            Layer::Gelu => x.mapv(reference::gelu),
            Layer::Dropout { .. } => x,
            Layer::BatchNorm(norm) => {
                let (mut mean, mut variance) = reference::statistics(x.view());
                if !self.training {
                    let running = &self.network.running()[self.norms.get()];
                    mean = running.mean.clone().into();
                    variance = running.variance.clone().into();
                    self.norms.set(self.norms.get() + 1);
                }
                let (gamma, beta) = (self.get(path, "gamma"), self.get(path, "beta"));
                reference::batch_norm(
                    x.view(),
                    (mean.view(), variance.view()),
                    f64::from(norm.epsilon),
                    (gamma.unwrap(), beta.unwrap()),
                )
            }
            Layer::Residual { body, shortcut } => {
                let body = self.layers(body, &format!("{path}.body."), x.clone());
                body + self.layers(shortcut, &format!("{path}.shortcut."), x)
            }
        }
    }
}

/// Between them every layer, and every way in which layers may be joined.
fn specs() -> Vec<Spec> {
    let same = |kernels, size| Conv::new(kernels, (size, size)).same();
    vec![
        Spec::new(
            (7, 8, 2),
            Layers::new()
                .then(Conv::new(
                    4,
                    Window::new(3, 2).stride(2, 1).padding(Padding::Same),
                ))
                .leaky_relu(0.125)
                .max_pool(2, 2)
                .tanh()
                .flatten()
                .dense(5)
                .sigmoid()
                .then(Dense::new(3).without_bias()),
        ),
        Spec::new(
            (6, 6, 3),
            Layers::new()
                .batch_norm()
                .then(same(4, 3).without_bias())
                .batch_norm()
                .gelu()
                .residual(|block| block.then(same(4, 3)).batch_norm().tanh().then(same(4, 1)))
                .residual_with(
                    Layers::new().then(same(6, 3).stride(2).groups(2)).gelu(),
                    Layers::new().then(same(6, 1).stride(2)).batch_norm(),
                )
                .then(same(6, 3).groups(6))
                .mean_pool(2, 2)
                .global_average_pool()
                .dense(3),
        ),
        Spec::new(
            (5, 5, 1),
            Layers::new()
                .conv(3, (2, 2))
                .tanh()
                .residual(|block| block)
                .residual(|block| block.residual(Layers::tanh).gelu())
                .kernel_pool(Pooling::Mean)
                .then(Layer::Pool {
                    pool: Pool::Mean,
                    window: Window::new(3, 3).padding(Padding::Same),
                })
                .flatten()
                .dense(3)
                .batch_norm(),
        ),
        // Convolutions right before a pooling by the largest.
        Spec::new(
            (12, 11, 1),
            Layers::new()
                .conv(9, (3, 2))
                .max_pool(2, 2)
                .tanh()
                .residual_with(
                    Layers::new().then(same(17, 3)).then(Layer::Pool {
                        pool: Pool::Max,
                        window: Window::new(3, 3).stride(2, 2).padding(Padding::Same),
                    }),
                    Layers::new().then(same(17, 1).stride(2)),
                )
                .then(Conv::new(
                    4,
                    Window::new(2, 1).dilation(1, 2).padding(Padding::Same),
                ))
                .max_pool(2, 1)
                .flatten()
                .dense(3),
        ),
        Spec::new((1, 1, 9), Layers::new().dense(40).tanh().dense(3)),
    ]
}

fn images(spec: &Spec, count: usize, seed: u32) -> Array4<f32> {
    let (h, w, c) = spec.input;
    uniform(&mut NumpyRandom::new(seed), (count, h, w, c))
}

#[test]
fn gradients_are_those_of_finite_differences_of_the_reference() {
    for (at, spec) in specs().iter().enumerate() {
        for count in [2, 5, 19] {
            let network = Network::new(spec, 7).unwrap();
            let input = images(spec, count, 11);
            let numbers = Array1::from_iter(network.numbers().iter().map(|&x| f64::from(x)));
            let labels: Vec<usize> = (0..count).map(|n| n * 5 % 3).collect();
            let soft = uniform(&mut NumpyRandom::new(5), (count, 3)).mapv(f32::abs);
            let soft = &soft / &soft.sum_axis(Axis(1)).insert_axis(Axis(1));
            let hot = reference::smooth_labels(&labels, 0.0, 3);
            let smooth = reference::smooth_labels(&labels, 0.25, 3);
            let squares = Loss::MeanSquaredError;
            let cross = Loss::CrossEntropy { smoothing: 0.25 };
            for (loss, targets, wide_targets) in [
                (cross, Targets::Labels(&labels), smooth),
                (cross, Targets::Numbers(soft.view()), wide(&soft)),
                (squares, Targets::Labels(&labels), hot),
                (squares, Targets::Numbers(soft.view()), wide(&soft)),
            ] {
                let of = |numbers: &Array1<f64>| {
                    let network = &network;
                    let norms = Cell::new(0);
                    let all = Wide {
                        network,
                        numbers,
                        training: true,
                        norms,
                    };
                    let wide = all.layers(&spec.layers, "", wide(&input));
                    let outputs = wide.into_shape_with_order((count, 3)).unwrap();
                    match loss {
                        Loss::CrossEntropy { .. } => {
                            reference::cross_entropy(outputs.view(), wide_targets.view())
                        }
                        Loss::MeanSquaredError => {
                            reference::mean_squared_error(outputs.view(), wide_targets.view())
                        }
                    }
                };
                let mut workspace = Workspace::new();
                let report = network
                    .gradient(input.view(), targets, loss, 0, &mut workspace)
                    .unwrap();
                let right = of(&numbers);
                assert!(
                    (report.loss - right).abs() < 1e-5,
                    "{at}: {} {right}",
                    report.loss
                );
                let right = differences(&numbers, of);
                let found = Array1::from(workspace.gradient().to_vec());
                let largest = right.fold(0.0_f64, |a, b| a.max(b.abs()));
                let tolerance = right.mapv(|_| 1e-4 * largest + 1e-7);
                let what = format!("spec {at}, {count} images, {loss:?}");
                assert_within(&what, &found.view(), &right.view(), &tolerance.view());
            }
        }
    }
}

/// A small network with everything that could depend on threads or instruction sets.
fn stacked() -> Spec {
    Spec::new(
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
            .global_average_pool()
            .dense(20)
            .sigmoid()
            .dense(5),
    )
}

/// A small `LeNet`, whose convolutions are pooled by their largest.
fn pooled() -> Spec {
    Spec::new(
        (12, 12, 1),
        Layers::new()
            .conv(8, (5, 5))
            .max_pool(2, 2)
            .relu()
            .then(Conv::new(12, (3, 3)).same())
            .max_pool(2, 2)
            .relu()
            .flatten()
            .dense(5),
    )
}

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
            let numbers: Vec<u32> = network.numbers().iter().map(|x| x.to_bits()).collect();
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
                network.running().to_vec(),
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
fn outputs_are_those_of_the_reference_with_the_running_statistics() {
    for (at, spec) in specs().iter().enumerate() {
        let mut network = Network::new(spec, 3).unwrap();
        let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::sgd(0.01));
        let input = images(spec, 23, 8);
        let labels: Vec<usize> = (0..23).map(|n| n % 3).collect();
        for _ in 0..3 {
            let (targets, loss) = (Targets::Labels(&labels), Loss::MeanSquaredError);
            network
                .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
                .unwrap();
        }
        let numbers = network.numbers().iter().map(|&x| f64::from(x)).collect();
        let all = Wide {
            network: &network,
            numbers: &numbers,
            training: false,
            norms: Cell::new(0),
        };
        let right = all.layers(&spec.layers, "", wide(&input));
        let right = right.into_shape_with_order((23, 3)).unwrap();
        let found = network.forward(input.view(), &mut workspace).unwrap();
        let tolerance = right.mapv(|x| 1e-5 * (1.0 + x.abs()));
        assert_within(
            &format!("spec {at}"),
            &found,
            &right.view(),
            &tolerance.view(),
        );
    }
}

/// Outputs do not depend on which other images are in the batch, nor on what the workspace did before.
#[test]
fn an_image_gives_the_same_alone_and_among_others() {
    let mut workspace = Workspace::new();
    for spec in specs() {
        let network = Network::new(&spec, 3).unwrap();
        let input = images(&spec, 150, 5);
        let all = network
            .forward(input.view(), &mut workspace)
            .unwrap()
            .to_owned();
        for at in [0, 77, 149] {
            let one = input.slice(ndarray::s![at..=at, .., .., ..]);
            let output = network.forward(one, &mut workspace).unwrap();
            assert_eq!(
                bits(&output.row(0).to_owned()),
                bits(&all.row(at).to_owned())
            );
        }
    }
}

#[test]
fn threads_share_a_network() {
    let spec = stacked();
    let network = Network::new(&spec, 1).unwrap();
    let input = images(&spec, 9, 6);
    let right = network
        .predict(input.view(), &mut Workspace::new())
        .unwrap()
        .to_vec();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut workspace = Workspace::new();
                assert_eq!(
                    network.predict(input.view(), &mut workspace).unwrap(),
                    right
                );
            });
        }
    });
}

#[test]
fn a_loss_that_is_no_number_is_an_error_and_changes_nothing() {
    let spec = stacked();
    let mut network = Network::new(&spec, 1).unwrap();
    let before = network.numbers().to_vec();
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
    assert_eq!(step, Err(Error::NotFinite { what: "the loss" }));
    assert_eq!((network.numbers(), optimizer.steps()), (&before[..], 0));
}

#[test]
fn refuses_what_does_not_fit() {
    let refuse = |input, layers: Layers| Spec::new(input, layers).check().unwrap_err().to_string();
    let new = Layers::new;
    assert_eq!(
        refuse((4, 4, 2), new().relu().conv(3, (5, 5))),
        "layer 1 (conv): window height is 5, expected 1 to 4 (the padded image's)"
    );
    assert_eq!(
        refuse((4, 4, 2), new().then(Conv::new(3, (3, 3)).groups(2))),
        "layer 0 (conv): groups is 2, expected a divisor of the 3 output channels"
    );
    assert_eq!(
        refuse((4, 4, 2), new().dense(3)),
        "layer 0 (dense): input has shape [4, 4, 2], expected [1, 1, 32]; put a flatten layer before it"
    );
    assert_eq!(
        refuse(
            (4, 4, 2),
            new().tanh().residual(|block| block.relu().conv(2, (3, 3)))
        ),
        "layer 1 (residual): the body's output has shape [2, 2, 2], expected [4, 4, 2]"
    );
    assert_eq!(
        refuse((4, 4, 2), new().residual(|block| block.relu().dropout(1.0))),
        "layer 0.body.1 (dropout): probability is 1, expected 0 to below 1"
    );
    assert_eq!(
        refuse((4, 0, 2), new()),
        "columns of the input is 0, expected at least 1"
    );
    assert_eq!(
        refuse((4, 4, 2), new().flatten().dense(0)),
        "layer 1 (dense): outputs is 0, expected at least 1"
    );
    assert!(refuse((usize::MAX, 4, 2), new()).contains("too many numbers"));
    assert!(refuse((4, 4, 2), new().flatten().dense(usize::MAX)).contains("layer 1 (dense)"));
    let mut deep = new().tanh();
    for _ in 0..40 {
        deep = new().residual(|_| deep);
    }
    assert!(
        refuse((4, 4, 2), deep)
            .contains("the depth of blocks in blocks is 33, expected at most 32")
    );

    let spec = Spec::new((4, 4, 1), new().flatten().dense(3));
    let mut network = Network::new(&spec, 1).unwrap();
    let mut workspace = Workspace::new();
    let mut forward = |shape: (usize, usize, usize, usize)| {
        let input = Array4::zeros(shape);
        network
            .forward(input.view(), &mut workspace)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(forward((0, 4, 4, 1)), "images is 0, expected at least 1");
    assert_eq!(
        forward((2, 4, 5, 1)),
        "input has shape [2, 4, 5, 1], expected [2, 4, 4, 1]"
    );
    let input = Array4::zeros((2, 4, 4, 1));
    let refuse = |targets| {
        let (loss, mut workspace) = (Loss::CrossEntropy { smoothing: 0.0 }, Workspace::new());
        let gradient = network.gradient(input.view(), targets, loss, 0, &mut workspace);
        gradient.unwrap_err().to_string()
    };
    assert_eq!(
        refuse(Targets::Labels(&[0, 3])),
        "a label is 3, expected 0 to 2 (label 1 of 2)"
    );
    assert_eq!(
        refuse(Targets::Labels(&[0])),
        "labels has shape [1], expected [2]"
    );
    let narrow = Array2::zeros((2, 2));
    assert_eq!(
        refuse(Targets::Numbers(narrow.view())),
        "targets has shape [2, 2], expected [2, 3]"
    );
    assert_eq!(
        network.set("1.kernels", &[]).unwrap_err().to_string(),
        "no parameter \"1.kernels\"; there are: 1.weights, 1.bias"
    );
    assert_eq!(
        network.set("1.bias", &[0.0]).unwrap_err().to_string(),
        "the parameter has shape [1], expected [3]"
    );
    let plain = Network::new(&Spec::new((4, 4, 1), new().tanh()), 1).unwrap();
    let loss = Loss::MeanSquaredError;
    let gradient = plain.gradient(
        input.view(),
        Targets::Labels(&[0, 1]),
        loss,
        0,
        &mut workspace,
    );
    assert_eq!(
        gradient.unwrap_err().to_string(),
        "parameters is 0, expected at least 1"
    );
}
