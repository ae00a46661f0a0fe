//! Operation by operation.

use conv_core::ops::batch_norm::{self, Gradients, Statistics};
use conv_core::ops::pool::{self, Pool};
use conv_core::ops::{activation, conv, dense, global_pool, kernel_pool, layer_norm};
use conv_core::shape::Padding;
use conv_core::spec::{Conv, Layer};
use ndarray::{ArrayView, ArrayView4, Axis, Ix1, Ix2, Ix4};

use conv_core_saved_tests::{Arrays, Case, apart, empty, goldens, view};

/// What may lie between a number in f32 and PyTorch's in f64, as a part of the largest of its array.
const TOLERANCE: f64 = 1e-6;

/// What an operation makes of the arrays of a case: output and gradients.
fn run(layer: &Layer, given: &Arrays, training: bool) -> Arrays {
    let input: ArrayView4<'_, f32> = view(given, "input");
    let d_output: ArrayView4<'_, f32> = view(given, "d_output");
    let (mut output, mut d_input) = (empty(d_output.raw_dim()), empty(input.raw_dim()));
    let mut found = Arrays::new();
    let rows = || input.to_shape((input.dim().0, input.dim().3)).unwrap();
    let d_rows = || {
        d_output
            .to_shape((d_output.dim().0, d_output.dim().3))
            .unwrap()
    };
    let bias = given
        .get("0.bias")
        .map(|bias| bias.view().into_dimensionality::<Ix1>().unwrap());
    let mut d_bias = empty(Ix1(d_output.dim().3));
    match layer {
        Layer::Conv(layer) => {
            let conv = conv::Conv::new(layer.window).groups(layer.groups);
            let kernels: ArrayView<'_, f32, Ix4> = view(given, "0.kernels");
            let mut d_kernels = empty(kernels.raw_dim());
            conv::forward(&conv, input, kernels, bias, output.view_mut()).unwrap();
            conv::d_input(&conv, d_output, kernels, d_input.view_mut()).unwrap();
            conv::d_kernels(&conv, input, d_output, d_kernels.view_mut()).unwrap();
            found.insert("d 0.kernels".into(), d_kernels.into_dyn());
            if layer.bias {
                conv::d_bias(d_output, d_bias.view_mut()).unwrap();
                found.insert("d 0.bias".into(), d_bias.into_dyn());
            }
        }
        Layer::Dense(layer) => {
            let weights: ArrayView<'_, f32, Ix2> = view(given, "0.weights");
            let (mut to, mut d_to) = (empty(d_rows().raw_dim()), empty(rows().raw_dim()));
            let mut d_weights = empty(weights.raw_dim());
            dense::forward(rows().view(), weights, bias, to.view_mut()).unwrap();
            dense::d_input(d_rows().view(), weights, d_to.view_mut()).unwrap();
            dense::d_weights(rows().view(), d_rows().view(), d_weights.view_mut()).unwrap();
            output = to.insert_axis(Axis(1)).insert_axis(Axis(1));
            d_input = d_to.insert_axis(Axis(1)).insert_axis(Axis(1));
            found.insert("d 0.weights".into(), d_weights.into_dyn());
            if layer.bias {
                dense::d_bias(d_rows().view(), d_bias.view_mut()).unwrap();
                found.insert("d 0.bias".into(), d_bias.into_dyn());
            }
        }
        Layer::Pool { pool, window } => {
            pool::forward(*pool, window, input, output.view_mut()).unwrap();
            pool::d_input(*pool, window, input, d_output, d_input.view_mut()).unwrap();
        }
        Layer::GlobalAveragePool => {
            let mut to = empty(d_rows().raw_dim());
            global_pool::forward(input, to.view_mut()).unwrap();
            output = to.insert_axis(Axis(1)).insert_axis(Axis(1));
            global_pool::d_input(d_rows().view(), d_input.view_mut()).unwrap();
        }
        Layer::KernelPool { pooling } => {
            let (n, h, w, kernels) = input.dim();
            let input = input.to_shape((n, h * w, kernels)).unwrap();
            let d_output = d_output.to_shape((n, h * w)).unwrap();
            let (mut to, mut d_to) = (empty(d_output.raw_dim()), empty(input.raw_dim()));
            kernel_pool::forward(*pooling, input.view(), to.view_mut()).unwrap();
            kernel_pool::d_input(*pooling, input.view(), d_output.view(), d_to.view_mut()).unwrap();
            output = to.into_shape_with_order((n, h, w, 1)).unwrap();
            d_input = d_to.into_shape_with_order((n, h, w, kernels)).unwrap();
        }
        Layer::Flatten => {
            output = input.to_shape(output.raw_dim()).unwrap().to_owned();
            d_input = d_output.to_shape(d_input.raw_dim()).unwrap().to_owned();
        }
        Layer::Relu { slope } => {
            activation::relu(*slope, input, output.view_mut()).unwrap();
            activation::relu_d_input(*slope, input, d_output, d_input.view_mut()).unwrap();
        }
        Layer::Tanh => {
            activation::tanh(input, output.view_mut()).unwrap();
            activation::tanh_d_input(output.view(), d_output, d_input.view_mut()).unwrap();
        }
        Layer::Sigmoid => {
            activation::sigmoid(input, output.view_mut()).unwrap();
            activation::sigmoid_d_input(output.view(), d_output, d_input.view_mut()).unwrap();
        }
        Layer::Gelu => {
            activation::gelu(input, output.view_mut()).unwrap();
            activation::gelu_d_input(input, d_output, d_input.view_mut()).unwrap();
        }
        Layer::Silu => {
            activation::silu(input, output.view_mut()).unwrap();
            activation::silu_d_input(input, d_output, d_input.view_mut()).unwrap();
        }
        Layer::LayerNorm(layer) => {
            let (gamma, beta) = (view(given, "0.gamma"), view(given, "0.beta"));
            let (mut d_gamma, mut d_beta) = (empty(gamma.raw_dim()), empty(beta.raw_dim()));
            layer_norm::forward(input, layer.epsilon, gamma, beta, output.view_mut()).unwrap();
            let gradients = Gradients {
                d_input: d_input.view_mut(),
                d_gamma: d_gamma.view_mut(),
                d_beta: d_beta.view_mut(),
            };
            layer_norm::backward(input, layer.epsilon, gamma, d_output, gradients).unwrap();
            found.insert("d 0.gamma".into(), d_gamma.into_dyn());
            found.insert("d 0.beta".into(), d_beta.into_dyn());
        }
        Layer::BatchNorm(layer) => {
            let (gamma, beta) = (view(given, "0.gamma"), view(given, "0.beta"));
            let statistics = if training {
                Statistics::of(input).unwrap()
            } else {
                let wide = |name| given[name].iter().map(|&x| f64::from(x)).collect();
                let (mean, variance) = (wide("0.running_mean"), wide("0.running_variance"));
                Statistics {
                    count: 1,
                    mean,
                    variance,
                }
            };
            let output = output.view_mut();
            batch_norm::forward(input, &statistics, layer.epsilon, gamma, beta, output).unwrap();
            if training {
                let (mut d_gamma, mut d_beta) = (empty(gamma.raw_dim()), empty(beta.raw_dim()));
                batch_norm::backward(
                    input,
                    &statistics,
                    layer.epsilon,
                    gamma,
                    d_output,
                    Gradients {
                        d_input: d_input.view_mut(),
                        d_gamma: d_gamma.view_mut(),
                        d_beta: d_beta.view_mut(),
                    },
                )
                .unwrap();
                found.insert("d 0.gamma".into(), d_gamma.into_dyn());
                found.insert("d 0.beta".into(), d_beta.into_dyn());
            }
        }
        Layer::Dropout { .. } | Layer::Residual { .. } => panic!("no case by itself"),
    }
    found.insert("output".into(), output.into_dyn());
    if training {
        found.insert("d input".into(), d_input.into_dyn());
    }
    found
}

/// How far a layer's output and gradients are from PyTorch's.
fn layer_error(layer: &Layer, given: &Arrays, right: &Arrays, training: bool) -> f64 {
    let found = run(layer, given, training);
    let expected = right
        .keys()
        .filter(|name| training && name.starts_with("d "))
        .count()
        + 1;
    assert_eq!(found.len(), expected, "an array was not compared");
    let errors = found.iter().map(|(name, found)| {
        assert_eq!(found.shape(), right[name].shape(), "{name}");
        apart(found, &right[name], 0.0)
    });
    errors.fold(0.0, f64::max)
}

/// A layer that is a little wrong, and has the same shapes.
fn wrong(layer: &Layer) -> Option<Layer> {
    let mut layer = layer.clone();
    match &mut layer {
        Layer::Relu { slope } => *slope += 1e-3,
        Layer::BatchNorm(norm) => norm.epsilon *= 1.1,
        Layer::Pool { pool, .. } => {
            *pool = match pool {
                Pool::Max => Pool::Mean,
                Pool::Mean => Pool::Max,
            };
        }
        Layer::Conv(Conv { window, .. }) => match &mut window.padding {
            // The same number of rows, in another place.
            Padding::Explicit { top, bottom, .. } if *top > 0 => {
                (*top, *bottom) = (*top - 1, *bottom + 1);
            }
            _ => return None,
        },
        Layer::Tanh => layer = Layer::Gelu,
        Layer::Gelu => layer = Layer::Sigmoid,
        Layer::Sigmoid => layer = Layer::Tanh,
        _ => return None,
    }
    Some(layer)
}

#[test]
fn every_layer_and_its_gradients_are_those_of_pytorch() {
    let goldens = goldens();
    let (mut tested, mut changed) = (0, 0);
    for case in &goldens.cases {
        let Case::Layer {
            name,
            spec,
            training,
        } = case
        else {
            continue;
        };
        let right = &goldens.arrays[name];
        let layer = &spec.layers.0[0];
        let error = layer_error(layer, right, right, *training);
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        tested += 1;
        if let Some(wrong) = wrong(layer) {
            let error = layer_error(&wrong, right, right, *training);
            assert!(
                error > 10.0 * TOLERANCE,
                "{name} is also {wrong:?}: {error:e}"
            );
            changed += 1;
        }
        // One part in a thousand more in anything that goes in, and the case fails.
        for (input, array) in right {
            let goes_in = ["input", "d_output"].contains(&input.as_str())
                || (input.starts_with("0.") && (*training || !input.contains("d ")));
            if !goes_in || (!training && input == "d_output") {
                continue;
            }
            let mut given = right.clone();
            given.insert(input.clone(), array * 1.001);
            let error = layer_error(layer, &given, right, *training);
            assert!(
                error > 10.0 * TOLERANCE,
                "{name} does not notice another {input}: {error:e}"
            );
        }
    }
    assert_eq!((tested, changed), (40, 16));
}
