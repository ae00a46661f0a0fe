//! Batch normalisation, by itself and folded into the convolution before it.

use conv_core::NumpyRandom;
use conv_core::ops::batch_norm::{self, Gradients, Statistics};
use conv_core::ops::conv::{self, Conv};
use conv_core::reference;
use conv_core::shape::Window;
use ndarray::{Array1, Array4};

use crate::EPSILON;
use crate::support::*;

struct Norm {
    input: Array4<f32>,
    d_output: Array4<f32>,
    gamma: Array1<f32>,
    beta: Array1<f32>,
}

impl Norm {
    fn new(seed: u32, shape: (usize, usize, usize, usize)) -> Self {
        let mut random = NumpyRandom::new(seed);
        Self {
            // Far from 0, so that a sum of squares would lose the variance.
            input: uniform(&mut random, shape) + 50.0,
            d_output: uniform(&mut random, shape),
            gamma: uniform(&mut random, shape.3),
            beta: uniform(&mut random, shape.3),
        }
    }

    /// The output, and the gradients of input, gamma and beta, with the statistics of the batch.
    fn both_ways(&self, statistics: &Statistics, epsilon: f32) -> Passes {
        let mut passes = Passes {
            output: nan(self.input.dim()),
            d_input: nan(self.input.dim()),
            d_gamma: nan(self.gamma.len()),
            d_beta: nan(self.beta.len()),
        };
        batch_norm::forward(
            self.input.view(),
            statistics,
            epsilon,
            self.gamma.view(),
            self.beta.view(),
            passes.output.view_mut(),
        )
        .unwrap();
        batch_norm::backward(
            self.input.view(),
            statistics,
            epsilon,
            self.gamma.view(),
            self.d_output.view(),
            Gradients {
                d_input: passes.d_input.view_mut(),
                d_gamma: passes.d_gamma.view_mut(),
                d_beta: passes.d_beta.view_mut(),
            },
        )
        .unwrap();
        passes
    }
}

struct Passes {
    output: Array4<f32>,
    d_input: Array4<f32>,
    d_gamma: Array1<f32>,
    d_beta: Array1<f32>,
}

#[test]
fn batch_norm_and_its_gradients_are_those_of_the_reference() {
    for (seed, shape) in [
        (4, (1, 1, 2, 1)),
        (5, (3, 4, 5, 7)),
        (6, (40, 6, 6, 17)),
        (7, (2, 1, 1, 3)),
    ] {
        let norm = Norm::new(seed, shape);
        let (input, gamma, beta) = (wide(&norm.input), wide(&norm.gamma), wide(&norm.beta));
        let own = reference::statistics(input.view());
        let epsilon = f64::from(1e-3_f32);
        let right = reference::batch_norm(input.view(), &own, epsilon, gamma.view(), beta.view());
        let reference::Statistics { mean, variance } = own;
        let d_output = wide(&norm.d_output);
        let reference::Gradients {
            d_input: right_d,
            d_gamma: right_gamma,
            d_beta: right_beta,
        } = reference::batch_norm_backward(input.view(), epsilon, gamma.view(), d_output.view());
        on_every_level(|_| {
            let statistics = Statistics::of(norm.input.view()).unwrap();
            assert_eq!(statistics.count, shape.0 * shape.1 * shape.2);
            for c in 0..shape.3 {
                assert!((statistics.mean[c] - mean[c]).abs() <= 1e-13 * 50.0);
                assert!((statistics.variance[c] - variance[c]).abs() <= 1e-12);
            }
            let found = norm.both_ways(&statistics, 1e-3);
            // The mean is rounded to f32, half a unit of 64.
            let tolerance = right.mapv(|_| {
                64.0 * EPSILON
                    / variance
                        .fold(1.0, |a: f64, &b| if b < a { b } else { a })
                        .sqrt()
                    + 4e-6
            });
            assert_within(
                "output",
                &found.output.view(),
                &right.view(),
                &tolerance.view(),
            );
            // Computed in f64, rounded once.
            let near = |right: f64| EPSILON * right.abs() + 1e-9;
            assert_within(
                "d_input",
                &found.d_input.view(),
                &right_d.view(),
                &right_d.mapv(near).view(),
            );
            assert_within(
                "d_gamma",
                &found.d_gamma.view(),
                &right_gamma.view(),
                &right_gamma.mapv(near).view(),
            );
            assert_within(
                "d_beta",
                &found.d_beta.view(),
                &right_beta.view(),
                &right_beta.mapv(near).view(),
            );
        });
    }
}

#[test]
fn the_reference_batch_norm_has_the_gradients_of_finite_differences() {
    let norm = Norm::new(8, (2, 3, 2, 3));
    let (input, gamma, beta) = (wide(&norm.input), wide(&norm.gamma), wide(&norm.beta));
    let d_output = wide(&norm.d_output);
    let loss = |input: &Array4<f64>, gamma: &Array1<f64>, beta: &Array1<f64>| {
        let own = reference::statistics(input.view());
        let output = reference::batch_norm(input.view(), &own, 1e-3, gamma.view(), beta.view());
        (output * &d_output).sum()
    };
    let reference::Gradients {
        d_input,
        d_gamma,
        d_beta,
    } = reference::batch_norm_backward(input.view(), 1e-3, gamma.view(), d_output.view());
    let by_input = differences(&input, |input| loss(input, &gamma, &beta));
    assert_near("d_input", &d_input, &by_input, 1e-6);
    let by_gamma = differences(&gamma, |gamma| loss(&input, gamma, &beta));
    assert_near("d_gamma", &d_gamma, &by_gamma, 1e-8);
    let by_beta = differences(&beta, |beta| loss(&input, &gamma, beta));
    assert_near("d_beta", &d_beta, &by_beta, 1e-8);
}

#[test]
fn batch_norm_gives_the_same_bits_everywhere() {
    let norm = Norm::new(9, (37, 5, 5, 9));
    same_everywhere(|| {
        let statistics = Statistics::of(norm.input.view()).unwrap();
        let found = norm.both_ways(&statistics, 1e-5);
        [
            bits(&found.output),
            bits(&found.d_input),
            bits(&found.d_gamma),
            bits(&found.d_beta),
        ]
    });
}

#[test]
fn a_folded_convolution_does_both_at_once() {
    let mut random = NumpyRandom::new(10);
    let conv = Conv::new(Window::new(3, 3)).groups(2);
    let input = uniform(&mut random, (2, 6, 6, 4));
    let mut kernels = uniform(&mut random, (3, 3, 2, 6));
    let mut bias = uniform(&mut random, 6);
    let (gamma, beta) = (uniform(&mut random, 6), uniform(&mut random, 6));
    let statistics = Statistics {
        count: 1,
        mean: (0..6).map(|c| f64::from(c) / 7.0).collect(),
        variance: (0..6).map(|c| 0.5 + f64::from(c)).collect(),
    };
    let (mean, variance) = (
        Array1::from(statistics.mean.clone()),
        Array1::from(statistics.variance.clone()),
    );
    let plain = reference::conv(
        &conv,
        wide(&input).view(),
        wide(&kernels).view(),
        Some(wide(&bias).view()),
    );
    let right = reference::batch_norm(
        plain.view(),
        &reference::Statistics { mean, variance },
        f64::from(1e-5_f32),
        wide(&gamma).view(),
        wide(&beta).view(),
    );
    batch_norm::fold(
        &statistics,
        1e-5,
        gamma.view(),
        beta.view(),
        kernels.view_mut(),
        bias.view_mut(),
    )
    .unwrap();
    let mut output = nan((2, 4, 4, 6));
    conv::forward(
        &conv,
        input.view(),
        kernels.view(),
        Some(bias.view()),
        output.view_mut(),
    )
    .unwrap();
    let tolerance = right.mapv(|_| 5e-6);
    assert_within("output", &output.view(), &right.view(), &tolerance.view());
}
