//! Convolutions whose outputs are max pooled, as one step: the same bits as one after the other.

use conv_core::NumpyRandom;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::pool::Pool;
use conv_core::ops::{conv, pool};
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Layers, Spec};
use ndarray::{Array4, Zip};

use crate::support::{nan, on_every_level, uniform, whole};

/// An image's rows and columns, the window of the kernels, how many there are, and the side of the tiles that are pooled.
type Case = ((usize, usize), Window, usize, usize);

fn cases() -> Vec<Case> {
    let padded = Window::new(3, 3).padding(Padding::Same);
    vec![
        // The recipe `quick`, and a LeNet.
        ((28, 28), Window::new(5, 5), 8, 3),
        ((28, 28), Window::new(5, 5), 6, 2),
        // One line more than a vector has; rows and columns that no tile covers; few kernels.
        ((24, 29), Window::new(3, 2), 4, 2),
        ((17, 31), Window::new(1, 4), 7, 3),
        ((16, 40), padded, 5, 2),
        ((20, 38), Window::new(3, 3).dilation((2, 5)), 8, 3),
        // Too few columns, too few rows, steps of two pixels, larger tiles: as a convolution and a pooling.
        ((19, 19), Window::new(5, 5), 8, 2),
        ((3, 30), Window::new(1, 1), 8, 2),
        ((33, 40), Window::new(3, 3).stride((2, 1)), 8, 2),
        ((40, 40), Window::new(3, 3), 8, 4),
    ]
}

fn run((size, window, kernels, side): Case, input: &Array4<f32>) {
    let layers = Layers::new()
        .then(Conv::new(kernels, window))
        .max_pool(side);
    let spec = Spec::new((size.0, size.1, 1), layers);
    let mut network = Network::new(&spec, 5).unwrap();
    let bias: Vec<f32> = (0..kernels).map(|k| k as f32 - 2.5).collect();
    network.set_parameter("0.bias", &bias).unwrap();
    // One layer after the other.
    let convolution = conv::Conv::new(window);
    let (kh, kw) = window.size.into();
    let weights = network.parameter("0.kernels").unwrap().to_vec();
    let weights = Array4::from_shape_vec((kh, kw, 1, kernels), weights).unwrap();
    let n = input.dim().0;
    let (rows, cols) = window.output(size.0, size.1).unwrap().into();
    let mut between = nan((n, rows, cols, kernels));
    let (x, bias) = (input.view(), ndarray::aview1(&bias));
    conv::forward(
        &convolution,
        x,
        weights.view(),
        Some(bias),
        between.view_mut(),
    )
    .unwrap();
    let tiles = Window::new(side, side).stride((side, side));
    let mut right = nan((n, rows / side, cols / side, kernels));
    pool::forward(Pool::Max, &tiles, between.view(), right.view_mut()).unwrap();
    let outputs = right.len() / n;

    let mut workspace = Workspace::new();
    let found = network.forward(x, &mut workspace).unwrap();
    assert_eq!(found.dim(), (n, outputs));
    for (found, right) in found.iter().zip(&right) {
        assert!(
            found.to_bits() == right.to_bits() || (found.is_nan() && right.is_nan()),
            "{size:?} {window:?} {kernels} {side}: {found} {right}"
        );
    }
    if input.iter().any(|x| !x.is_finite()) {
        return;
    }
    // The gradient finds the largest at their places.
    let targets = uniform(&mut NumpyRandom::new(8), (n, outputs));
    let shape = right.dim();
    let goal = targets.to_shape(shape).unwrap();
    let mut d_pooled = right.clone();
    Zip::from(&mut d_pooled)
        .and(&goal)
        .for_each(|d, goal| *d = 2.0 * (*d - goal) / (n * outputs) as f32);
    let mut d_between = nan(between.dim());
    let d = d_between.view_mut();
    pool::d_input(Pool::Max, &tiles, between.view(), d_pooled.view(), d).unwrap();
    let mut d_kernels = nan((kh, kw, 1, kernels));
    conv::d_kernels(&convolution, x, d_between.view(), d_kernels.view_mut()).unwrap();
    let (targets, loss) = (Targets::Values(targets.view()), Loss::MeanSquaredError);
    network
        .gradient(x, targets, loss, 0, &mut workspace)
        .unwrap();
    let largest = d_kernels.iter().fold(0.0_f32, |most, d| most.max(d.abs()));
    let found = &workspace.gradient()[..d_kernels.len()];
    for (found, right) in found.iter().zip(&d_kernels) {
        assert!((found - right).abs() <= 1e-5 * largest, "{found} {right}");
    }
}

#[test]
fn pooled_outputs_are_those_of_one_layer_after_the_other() {
    on_every_level(|_| {
        for case in cases() {
            let (h, w) = case.0;
            let random = &mut NumpyRandom::new(7);
            run(case, &uniform(random, (3, h, w, 1)));
            // Many outputs are equal.
            let pixels = whole(random, (3, h, w, 1)).mapv(|x| (x * 0.25).round());
            run(case, &pixels);
        }
    });
}

#[test]
fn nan_and_infinities_are_pooled_as_by_one_layer_after_the_other() {
    on_every_level(|_| {
        for case in cases() {
            let (h, w) = case.0;
            for strange in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut pixels = uniform(&mut NumpyRandom::new(7), (3, h, w, 1));
                pixels[[1, 2, 9, 0]] = strange;
                pixels[[1, 2, w - 2, 0]] = -strange;
                run(case, &pixels);
            }
        }
    });
}
