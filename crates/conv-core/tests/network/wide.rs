//! Outputs and gradients against the reference in f64.

use std::cell::Cell;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::conv as op;
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Dense, Layer, Layers, Spec};
use conv_core::{NumpyRandom, reference};
use ndarray::{Array1, Array2, Array4, ArrayView1, Axis};

use crate::support::*;
use crate::{images, specs};

/// The network as the reference computes it, in f64: in inference, or in training but for dropout.
struct Wide<'a> {
    network: &'a Network,
    values: &'a Array1<f64>,
    training: bool,
    /// Normalisations so far.
    norms: Cell<usize>,
}

impl Wide<'_> {
    fn get(&self, path: &str, what: &str) -> Option<ArrayView1<'_, f64>> {
        let name = format!("{path}.{what}");
        let parameter = self.network.parameters().iter().find(|p| p.name == name)?;
        Some(self.values.slice(ndarray::s![parameter.range.clone()]))
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
                let shape = (window.size.down, window.size.right, c / groups, *kernels);
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
            Layer::Silu => x.mapv(reference::silu),
            Layer::LayerNorm(norm) => {
                let (gamma, beta) = (self.get(path, "gamma"), self.get(path, "beta"));
                let epsilon = f64::from(norm.epsilon);
                reference::layer_norm(x.view(), epsilon, gamma.unwrap(), beta.unwrap())
            }
            Layer::Dropout { .. } => x,
            Layer::BatchNorm(norm) => {
                let mut statistics = reference::statistics(x.view());
                if !self.training {
                    let running = &self.network.running_statistics()[self.norms.get()];
                    statistics.mean = running.mean.clone().into();
                    statistics.variance = running.variance.clone().into();
                    self.norms.set(self.norms.get() + 1);
                }
                let (gamma, beta) = (self.get(path, "gamma"), self.get(path, "beta"));
                reference::batch_norm(
                    x.view(),
                    &statistics,
                    f64::from(norm.epsilon),
                    gamma.unwrap(),
                    beta.unwrap(),
                )
            }
            Layer::Residual { body, shortcut } => {
                let body = self.layers(body, &format!("{path}.body."), x.clone());
                body + self.layers(shortcut, &format!("{path}.shortcut."), x)
            }
        }
    }
}

/// The three outputs of every image, as the reference computes them.
fn outputs(
    network: &Network,
    spec: &Spec,
    values: &Array1<f64>,
    training: bool,
    input: &Array4<f32>,
) -> Array2<f64> {
    let all = Wide {
        network,
        values,
        training,
        norms: Cell::new(0),
    };
    let wide = all.layers(&spec.layers, "", wide(input));
    wide.into_shape_with_order((input.dim().0, 3)).unwrap()
}

#[test]
fn gradients_are_those_of_finite_differences_of_the_reference() {
    for (at, spec) in specs().iter().enumerate() {
        for count in [2, 5, 19] {
            let network = Network::new(spec, 7).unwrap();
            let input = images(spec, count, 11);
            let values = Array1::from_iter(network.values().iter().map(|&x| f64::from(x)));
            let labels: Vec<usize> = (0..count).map(|n| n * 5 % 3).collect();
            let soft = uniform(&mut NumpyRandom::new(5), (count, 3)).mapv(f32::abs);
            let soft = &soft / &soft.sum_axis(Axis(1)).insert_axis(Axis(1));
            let hot = reference::smooth_labels(&labels, 0.0, 3);
            let smooth = reference::smooth_labels(&labels, 0.25, 3);
            let squares = Loss::MeanSquaredError;
            let cross = Loss::CrossEntropy { smoothing: 0.25 };
            let kinds = [
                (cross, Targets::Labels(&labels), smooth),
                (cross, Targets::Values(soft.view()), wide(&soft)),
                (squares, Targets::Labels(&labels), hot),
                (squares, Targets::Values(soft.view()), wide(&soft)),
            ];
            let losses = |values: &Array1<f64>| {
                let outputs = outputs(&network, spec, values, true, &input);
                let of = |(loss, _, targets): &(Loss, _, Array2<f64>)| match loss {
                    Loss::CrossEntropy { .. } => {
                        reference::cross_entropy(outputs.view(), targets.view())
                    }
                    Loss::MeanSquaredError => {
                        reference::mean_squared_error(outputs.view(), targets.view())
                    }
                };
                kinds.each_ref().map(of)
            };
            let right_losses = losses(&values);
            let right = all_differences(&values, losses);
            for (((loss, targets, _), right), right_loss) in
                kinds.iter().zip(right).zip(right_losses)
            {
                let mut workspace = Workspace::new();
                let report = network
                    .gradient(input.view(), *targets, *loss, 0, &mut workspace)
                    .unwrap();
                assert!(
                    (report.loss - right_loss).abs() < 1e-5,
                    "{at}: {} {right_loss}",
                    report.loss
                );
                let found = Array1::from(workspace.gradient().to_vec());
                let largest = right.fold(0.0_f64, |a, b| a.max(b.abs()));
                let tolerance = right.mapv(|_| 1e-4 * largest + 1e-7);
                let what = format!("spec {at}, {count} images, {loss:?}");
                assert_within(&what, &found.view(), &right.view(), &tolerance.view());
            }
        }
    }
}

/// Convolutions by transformed tiles have too many parameters to change each of them. A gradient with one wrong number
/// of its thousands has a wrong slope along every direction that takes a step in each parameter.
#[test]
fn slopes_along_directions_are_those_of_the_reference() {
    let spec = Spec::new(
        (10, 9, 1),
        Layers::new()
            .conv(8, (3, 3))
            .tanh()
            .then(Conv::new(16, (5, 5)).same())
            .tanh()
            .then(Conv::new(16, (5, 5)).same())
            .max_pool(2)
            .tanh()
            .then(Conv::new(16, (3, 3)).same())
            .tanh()
            .flatten()
            .dense(3),
    );
    let network = Network::new(&spec, 7).unwrap();
    let values = Array1::from_iter(network.values().iter().map(|&x| f64::from(x)));
    for count in [2, 5, 19] {
        let input = images(&spec, count, 11);
        let labels: Vec<usize> = (0..count).map(|n| n * 5 % 3).collect();
        let wide_targets = reference::smooth_labels(&labels, 0.25, 3);
        let of = |values: &Array1<f64>| {
            let outputs = outputs(&network, &spec, values, true, &input);
            reference::cross_entropy(outputs.view(), wide_targets.view())
        };
        let targets = Targets::Labels(&labels);
        let loss = Loss::CrossEntropy { smoothing: 0.25 };
        let mut workspace = Workspace::new();
        network
            .gradient(input.view(), targets, loss, 0, &mut workspace)
            .unwrap();
        let gradient = workspace.gradient().iter().map(|&x| f64::from(x));
        let gradient = Array1::from_iter(gradient);
        let length = gradient.dot(&gradient).sqrt();
        for direction in 0..6 {
            let signs = uniform(&mut NumpyRandom::new(direction), values.len());
            let direction = signs.mapv(|x| f64::from(x.signum()));
            let step = 1e-7;
            let [ahead, behind] = [step, -step].map(|step| of(&(&values + &(&direction * step))));
            let (right, found) = ((ahead - behind) / (2.0 * step), gradient.dot(&direction));
            assert!(
                (found - right).abs() < 2e-5 * length,
                "{count} images: {found} {right}, of a gradient as long as {length}"
            );
        }
    }
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
        let values = network.values().iter().map(|&x| f64::from(x)).collect();
        let right = outputs(&network, spec, &values, false, &input);
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
