//! The operations that stacked networks need beyond the chapter, against the reference and finite differences.

mod batch_norm;
#[path = "../support/mod.rs"]
mod support;

use conv_core::ops::batch_norm::{Gradients, Statistics};
use conv_core::ops::{activation, dense, global_pool, layer_norm, loss, residual};
use conv_core::reference;
use conv_core::{Error, NumpyRandom};
use ndarray::{Array1, Array2, Array4, array};
use support::*;

const EPSILON: f64 = f32::EPSILON as f64;

#[test]
fn sigmoid_gelu_silu_and_their_gradients_are_accurate() {
    let mut random = NumpyRandom::new(1);
    for len in [1, 7, 16, 33, 20_000] {
        let mut input = uniform(&mut random, len) * 8.0;
        input[0] = 0.0;
        let d_output = uniform(&mut random, len);
        let right = wide(&input).mapv(reference::sigmoid);
        let right_gelu = wide(&input).mapv(reference::gelu);
        let pairs = || wide(&input).into_iter().zip(wide(&d_output));
        let right_d: Array1<f64> = pairs()
            .map(|(x, d)| reference::sigmoid_d_input(reference::sigmoid(x), d))
            .collect();
        let right_gelu_d: Array1<f64> = pairs()
            .map(|(x, d)| reference::gelu_d_input(x, d))
            .collect();
        let right_silu = wide(&input).mapv(reference::silu);
        let right_silu_d: Array1<f64> = pairs()
            .map(|(x, d)| reference::silu_d_input(x, d))
            .collect();
        on_every_level(|_| {
            let (mut output, mut d_input) = (nan(len), nan(len));
            activation::sigmoid(input.view(), output.view_mut()).unwrap();
            activation::sigmoid_d_input(output.view(), d_output.view(), d_input.view_mut())
                .unwrap();
            let near = Array1::from_elem(len, 3e-7);
            assert_within("sigmoid", &output.view(), &right.view(), &near.view());
            assert_within("d_input", &d_input.view(), &right_d.view(), &near.view());

            activation::gelu(input.view(), output.view_mut()).unwrap();
            let near = wide(&input).mapv(|x| 4e-7 * x.abs());
            assert_within("gelu", &output.view(), &right_gelu.view(), &near.view());
            activation::gelu_d_input(input.view(), d_output.view(), d_input.view_mut()).unwrap();
            let near = Array1::from_elem(len, 3e-6);
            assert_within(
                "d_input",
                &d_input.view(),
                &right_gelu_d.view(),
                &near.view(),
            );

            activation::silu(input.view(), output.view_mut()).unwrap();
            let near = wide(&input).mapv(|x| 4e-7 * x.abs());
            assert_within("silu", &output.view(), &right_silu.view(), &near.view());
            activation::silu_d_input(input.view(), d_output.view(), d_input.view_mut()).unwrap();
            let near = Array1::from_elem(len, 2e-6);
            assert_within(
                "d_input",
                &d_input.view(),
                &right_silu_d.view(),
                &near.view(),
            );
        });
    }
}

#[test]
fn activations_keep_infinities_and_nan_apart() {
    let input = array![f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30, -1e30];
    let ones = Array1::ones(5);
    let (mut output, mut d_input) = (nan(5), nan(5));
    activation::sigmoid(input.view(), output.view_mut()).unwrap();
    assert_eq!(
        (output[0], output[1], output[3], output[4]),
        (1.0, 0.0, 1.0, 0.0)
    );
    assert!(output[2].is_nan());
    activation::gelu_d_input(input.view(), ones.view(), d_input.view_mut()).unwrap();
    assert_eq!(
        (d_input[0], d_input[1], d_input[3], d_input[4]),
        (1.0, 0.0, 1.0, 0.0)
    );
    assert!(d_input[2].is_nan());
    activation::silu(input.view(), output.view_mut()).unwrap();
    assert_eq!(
        (output[0], output[1], output[3], output[4]),
        (f32::INFINITY, 0.0, 1e30, 0.0)
    );
    assert!(output[2].is_nan());
    activation::silu_d_input(input.view(), ones.view(), d_input.view_mut()).unwrap();
    assert_eq!(
        (d_input[0], d_input[1], d_input[3], d_input[4]),
        (1.0, 0.0, 1.0, 0.0)
    );
    assert!(d_input[2].is_nan());
}

#[test]
fn the_reference_activations_have_the_gradients_of_finite_differences() {
    let input = array![-5.0, -1.3, -0.2, 0.0, 0.4, 2.5, 6.0];
    let found = input.mapv(|x| reference::sigmoid_d_input(reference::sigmoid(x), 1.0));
    let right = differences(&input, |x| x.iter().map(|&x| reference::sigmoid(x)).sum());
    assert_near("sigmoid", &found, &right, 1e-8);
    let found = input.mapv(|x| reference::gelu_d_input(x, 1.0));
    let right = differences(&input, |x| x.iter().map(|&x| reference::gelu(x)).sum());
    assert_near("gelu", &found, &right, 1e-8);
    let found = input.mapv(|x| reference::silu_d_input(x, 1.0));
    let right = differences(&input, |x| x.iter().map(|&x| reference::silu(x)).sum());
    assert_near("silu", &found, &right, 1e-8);
}

#[test]
fn layer_normalisation_is_that_of_the_reference() {
    let mut random = NumpyRandom::new(6);
    let epsilon = 1e-3;
    for (n, h, w, c) in [
        (1, 1, 1, 1),
        (2, 1, 1, 40),
        (3, 2, 3, 7),
        (20, 4, 4, 16),
        (2, 3, 1, 19),
    ] {
        let shape = (n, h, w, c);
        let input = uniform(&mut random, shape) + 3.0;
        let d_output = uniform(&mut random, shape);
        let (gamma, beta) = (uniform(&mut random, c), uniform(&mut random, c));
        let wide_epsilon = f64::from(epsilon as f32);
        let right = reference::layer_norm(
            wide(&input).view(),
            wide_epsilon,
            wide(&gamma).view(),
            wide(&beta).view(),
        );
        let reference::Gradients {
            d_input: right_d_input,
            d_gamma: right_d_gamma,
            d_beta: right_d_beta,
        } = reference::layer_norm_backward(
            wide(&input).view(),
            wide_epsilon,
            wide(&gamma).view(),
            wide(&d_output).view(),
        );
        same_everywhere(|| {
            let (mut output, mut d_input) = (nan(shape), nan(shape));
            let (mut d_gamma, mut d_beta) = (nan(c), nan(c));
            layer_norm::forward(
                input.view(),
                epsilon as f32,
                gamma.view(),
                beta.view(),
                output.view_mut(),
            )
            .unwrap();
            layer_norm::backward(
                input.view(),
                epsilon as f32,
                gamma.view(),
                d_output.view(),
                Gradients {
                    d_input: d_input.view_mut(),
                    d_gamma: d_gamma.view_mut(),
                    d_beta: d_beta.view_mut(),
                },
            )
            .unwrap();
            // Computed in f64, rounded once.
            let near = |right: f64| EPSILON * right.abs() + 1e-9;
            let (near_output, near_input) = (right.mapv(near), right_d_input.mapv(near));
            assert_within("output", &output.view(), &right.view(), &near_output.view());
            assert_within(
                "d_input",
                &d_input.view(),
                &right_d_input.view(),
                &near_input.view(),
            );
            // Sums in f32 over all pixels.
            let pixels = (n * h * w) as f64;
            let near = Array1::from_elem(c, 8.0 * (pixels + 1.0) * EPSILON);
            assert_within(
                "d_gamma",
                &d_gamma.view(),
                &right_d_gamma.view(),
                &near.view(),
            );
            assert_within("d_beta", &d_beta.view(), &right_d_beta.view(), &near.view());
            [bits(&output), bits(&d_input), bits(&d_gamma), bits(&d_beta)]
        });
        if input.len() < 300 {
            let loss = |input: &Array4<f64>, gamma: &Array1<f64>, beta: &Array1<f64>| {
                let (gamma, beta) = (gamma.view(), beta.view());
                let output = reference::layer_norm(input.view(), wide_epsilon, gamma, beta);
                (output * wide(&d_output)).sum()
            };
            let (input, gamma, beta) = (wide(&input), wide(&gamma), wide(&beta));
            let by_input = differences(&input, |input| loss(input, &gamma, &beta));
            assert_near("d_input", &right_d_input, &by_input, 1e-6);
            let by_gamma = differences(&gamma, |gamma| loss(&input, gamma, &beta));
            assert_near("d_gamma", &right_d_gamma, &by_gamma, 1e-6);
            let by_beta = differences(&beta, |beta| loss(&input, &gamma, beta));
            assert_near("d_beta", &right_d_beta, &by_beta, 1e-6);
        }
    }
}

#[test]
fn global_pooling_is_that_of_the_reference() {
    let mut random = NumpyRandom::new(2);
    for (n, h, w, channels) in [(1, 1, 1, 1), (2, 3, 5, 7), (33, 7, 7, 17), (3, 1, 4, 64)] {
        let input = uniform(&mut random, (n, h, w, channels));
        let d_output = uniform(&mut random, (n, channels));
        let right = reference::global_pool(wide(&input).view());
        let right_d = reference::global_pool_d_input(wide(&d_output).view(), (h, w));
        let tolerance = right.mapv(|_| (h * w + 1) as f64 * EPSILON / 2.0);
        on_every_level(|_| {
            let (mut output, mut d_input) = (nan((n, channels)), nan((n, h, w, channels)));
            global_pool::forward(input.view(), output.view_mut()).unwrap();
            global_pool::d_input(d_output.view(), d_input.view_mut()).unwrap();
            assert_within("output", &output.view(), &right.view(), &tolerance.view());
            let tolerance = right_d.mapv(|d| EPSILON * d.abs());
            assert_within(
                "d_input",
                &d_input.view(),
                &right_d.view(),
                &tolerance.view(),
            );
        });
        let found = reference::global_pool_d_input(wide(&d_output).view(), (h, w));
        if input.len() < 300 {
            let by_input = differences(&wide(&input), |input| {
                (reference::global_pool(input.view()) * wide(&d_output)).sum()
            });
            assert_near("d_input", &found, &by_input, 1e-8);
        }
    }
}

#[test]
fn a_residual_is_the_sum_of_its_branches() {
    let mut random = NumpyRandom::new(3);
    let (a, b) = (
        whole(&mut random, (2, 3, 3, 5)),
        whole(&mut random, (2, 3, 3, 5)),
    );
    let mut output = nan((2, 3, 3, 5));
    residual::forward(a.view(), b.view(), output.view_mut()).unwrap();
    assert_eq!(output, &a + &b);
    let narrow = whole(&mut random, (2, 3, 3, 4));
    let wrong = residual::forward(a.view(), narrow.view(), output.view_mut());
    let (expected, found) = (vec![2, 3, 3, 5], vec![2, 3, 3, 4]);
    assert_eq!(
        wrong,
        Err(Error::Shape {
            what: "b",
            expected,
            found
        })
    );
}

#[test]
fn losses_of_labels_and_squared_errors_are_those_of_the_reference() {
    let mut random = NumpyRandom::new(11);
    for (n, classes) in [(1, 1), (3, 10), (64, 10), (5, 33)] {
        let logits = uniform(&mut random, (n, classes)) * 20.0;
        let targets: Array2<f32> = uniform(&mut random, (n, classes));
        let labels: Vec<usize> = (0..n).map(|row| row * 7 % classes).collect();
        for smoothing in [0.0, 0.125, 1.0] {
            let smooth = reference::smooth_labels(&labels, f64::from(smoothing), classes);
            let right = reference::cross_entropy(wide(&logits).view(), smooth.view());
            let right_d = reference::cross_entropy_d_logits(wide(&logits).view(), smooth.view());
            let mut d = nan((n, classes));
            let loss =
                loss::cross_entropy_of_labels(logits.view(), &labels, smoothing, d.view_mut())
                    .unwrap();
            assert!(
                (loss - right).abs() <= 1e-13 * right.abs().max(1.0),
                "{loss} {right}"
            );
            let tolerance = right_d.mapv(|_| EPSILON);
            assert_within("d_logits", &d.view(), &right_d.view(), &tolerance.view());
        }
        let right = reference::mean_squared_error(wide(&logits).view(), wide(&targets).view());
        let right_d =
            reference::mean_squared_error_d_outputs(wide(&logits).view(), wide(&targets).view());
        let mut d = nan((n, classes));
        let loss = loss::mean_squared_error(logits.view(), targets.view(), d.view_mut()).unwrap();
        assert!(
            (loss - right).abs() <= 1e-13 * right.abs(),
            "{loss} {right}"
        );
        let tolerance = right_d.mapv(|d| EPSILON * d.abs());
        assert_within("d_outputs", &d.view(), &right_d.view(), &tolerance.view());
    }
    let (outputs, targets) = (
        array![[0.5, -1.0], [2.0, 0.25]],
        array![[1.0, 0.0], [0.5, 3.0]],
    );
    let found = reference::mean_squared_error_d_outputs(outputs.view(), targets.view());
    let by_outputs = differences(&outputs, |o| {
        reference::mean_squared_error(o.view(), targets.view())
    });
    assert_near("d_outputs", &found, &by_outputs, 1e-8);
}

#[test]
fn refuses_labels_that_are_no_class() {
    let (logits, mut d) = (Array2::zeros((3, 4)), nan((3, 4)));
    let mut refuse = |labels: &[usize], smoothing| {
        loss::cross_entropy_of_labels(logits.view(), labels, smoothing, d.view_mut())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refuse(&[0, 4, 1], 0.0),
        "a label is 4, expected 0 to 3 (label 1 of 3)"
    );
    assert_eq!(refuse(&[0, 1], 0.0), "labels has shape [2], expected [3]");
    assert_eq!(
        refuse(&[0, 1, 2], -0.5),
        "label smoothing is -0.5, expected 0 to 1"
    );
    assert_eq!(
        refuse(&[0, 1, 2], f32::NAN),
        "label smoothing is NaN, expected 0 to 1"
    );
}

#[test]
fn refuses_what_is_empty() {
    let none = Array4::<f32>::zeros((0, 3, 3, 2));
    assert!(Statistics::of(none.view()).is_err());
    assert!(global_pool::forward(none.view(), Array2::zeros((0, 2)).view_mut()).is_err());
    let flat = Array2::<f32>::zeros((0, 3));
    let error = loss::mean_squared_error(flat.view(), flat.view(), nan((0, 3)).view_mut());
    assert_eq!(
        error.unwrap_err().to_string(),
        "rows is 0, expected at least 1"
    );
    let weights = Array2::<f32>::zeros((3, 2));
    let error = dense::forward(flat.view(), weights.view(), None, nan((0, 2)).view_mut());
    assert_eq!(
        error.unwrap_err().to_string(),
        "rows of the input is 0, expected at least 1"
    );
}
