//! The operations one by one, on arrays of any shapes: an error, or every number of the output is written.

use conv_core::ops::batch_norm::{self, Gradients, Statistics};
use conv_core::ops::conv::{self, Conv};
use conv_core::ops::kernel_pool::{self, Pooling};
use conv_core::ops::pool::{self, Pool};
use conv_core::ops::{activation, dense, dropout, global_pool, loss, residual, sections};
use conv_core::shape::{Padding, Pair, Window};
use conv_core::{Bits, Error, NumpyRandom};
use ndarray::{Array, Array1, Array2, Array3, Array4, Dimension, IntoDimension};

use crate::bytes::Bytes;

/// A size: a small one as a rule, seldom one that overflows with another.
fn size(bytes: &mut Bytes<'_>) -> usize {
    match bytes.byte() {
        0..=239 => bytes.below(5),
        240..=245 => usize::MAX,
        kind => 1 << (kind % 10 * 7),
    }
}

fn window(bytes: &mut Bytes<'_>) -> Window {
    let padding = match bytes.below(4) {
        0 | 1 => Padding::Valid,
        2 => Padding::Same,
        _ => Padding::Explicit {
            top: size(bytes),
            bottom: size(bytes),
            left: size(bytes),
            right: size(bytes),
        },
    };
    let mut window = Window::new(size(bytes), size(bytes)).padding(padding);
    if bytes.below(2) == 0 {
        window = window.stride((size(bytes), size(bytes)));
    }
    if bytes.below(2) == 0 {
        window = window.dilation((size(bytes), size(bytes)));
    }
    window
}

/// Whether an image with its padding is small. The memory for a large one is what the caller asks for.
fn is_small(window: &Window, (h, w): (usize, usize)) -> bool {
    let side = |input: usize, i: fn(Pair) -> usize, padding: [usize; 2]| {
        let (size, stride, dilation) = (i(window.size), i(window.stride), i(window.dilation));
        let reach = size.saturating_sub(1).saturating_mul(dilation);
        let same = input.saturating_add(stride).saturating_add(reach);
        let padded = input.saturating_add(padding[0]).saturating_add(padding[1]);
        if window.padding == Padding::Same {
            same
        } else {
            padded
        }
    };
    let [rows, cols] = match window.padding {
        Padding::Explicit {
            top,
            bottom,
            left,
            right,
        } => [[top, bottom], [left, right]],
        _ => [[0, 0]; 2],
    };
    side(h, |pair| pair.down, rows).saturating_mul(side(w, |pair| pair.right, cols)) < 1 << 20
}

/// The shape that fits as a rule, else another one near it.
fn near<const N: usize>(bytes: &mut Bytes<'_>, right: [usize; N]) -> [usize; N] {
    let mut shape = right.map(|n| n.min(64));
    if N > 0 && bytes.below(4) == 0 {
        shape[bytes.below(N)] = bytes.below(5);
    }
    shape
}

fn input<const N: usize>(
    bytes: &mut Bytes<'_>,
    shape: [usize; N],
) -> Array<f32, <[usize; N] as IntoDimension>::Dim>
where
    [usize; N]: IntoDimension,
{
    Array::from_shape_simple_fn(shape, || f32::from(bytes.byte() % 7) - 3.0)
}

/// An output that must be written in full.
fn output<const N: usize>(shape: [usize; N]) -> Array<f32, <[usize; N] as IntoDimension>::Dim>
where
    [usize; N]: IntoDimension,
{
    Array::from_elem(shape, f32::NAN)
}

fn seen<D: Dimension>(result: Result<(), Error>, output: &Array<f32, D>) {
    match result {
        Ok(()) => assert!(output.iter().all(|x| !x.is_nan())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let bytes = &mut bytes;
    match bytes.below(7) {
        0 => convolution(bytes),
        1 => pooling(bytes),
        2 => across_kernels(bytes),
        3 => dense_layer(bytes),
        4 => normalisation(bytes),
        5 => losses(bytes),
        _ => elementwise(bytes),
    }
}

fn convolution(bytes: &mut Bytes<'_>) {
    let window = window(bytes);
    let groups = [1, 1, 1, 2, 3, 0, usize::MAX][bytes.below(7)];
    let conv = Conv::new(window).groups(groups);
    let [n, h, w, cin, cout] = [5; 5].map(|most| bytes.below(most));
    let (rows, cols) = window.output(h, w).unwrap_or(2.into()).into();
    if window.output(h, w).is_ok() && !is_small(&window, (h, w)) {
        return;
    }
    let images = near(bytes, [n, h, w, cin]);
    let (kh, kw) = window.size.into();
    let kernels = near(bytes, [kh, kw, cin / groups.max(1), cout]);
    let outputs = near(bytes, [n, rows, cols, cout]);
    let bias = near(bytes, [cout]);
    let (image, kernel) = (input(bytes, images), input(bytes, kernels));
    let (bias, d) = (input(bytes, bias), input(bytes, outputs));

    let mut to = output(outputs);
    let bias = (bytes.below(2) == 0).then(|| bias.view());
    seen(
        conv::forward(&conv, image.view(), kernel.view(), bias, to.view_mut()),
        &to,
    );
    let mut to = output(images);
    seen(
        conv::d_input(&conv, d.view(), kernel.view(), to.view_mut()),
        &to,
    );
    let mut to = output(kernels);
    seen(
        conv::d_kernels(&conv, image.view(), d.view(), to.view_mut()),
        &to,
    );
    let mut to = output(near(bytes, [cout]));
    seen(conv::d_bias(d.view(), to.view_mut()), &to);
}

fn pooling(bytes: &mut Bytes<'_>) {
    let window = window(bytes);
    let [n, h, w, c] = [5; 4].map(|most| bytes.below(most));
    let (rows, cols) = window.output(h, w).unwrap_or(2.into()).into();
    let images = near(bytes, [n, h, w, c]);
    let outputs = near(bytes, [n, rows, cols, c]);
    let (image, d) = (input(bytes, images), input(bytes, outputs));
    for pool in [Pool::Max, Pool::Mean] {
        let mut to = output(outputs);
        seen(
            pool::forward(pool, &window, image.view(), to.view_mut()),
            &to,
        );
        let mut to = output(images);
        seen(
            pool::d_input(pool, &window, image.view(), d.view(), to.view_mut()),
            &to,
        );
    }

    let flat = near(bytes, [n, c]);
    let d = input(bytes, flat);
    let mut to = output(flat);
    seen(global_pool::forward(image.view(), to.view_mut()), &to);
    let mut to = output(images);
    seen(global_pool::d_input(d.view(), to.view_mut()), &to);

    let image: Array3<f32> = input(bytes, [n, h, w]);
    let shape = near(
        bytes,
        [
            n,
            rows.saturating_mul(cols),
            window.size.down.saturating_mul(window.size.right),
        ],
    );
    let mut to = output(shape);
    seen(sections::forward(&window, image.view(), to.view_mut()), &to);
    let d = input(bytes, shape);
    let mut to = output([n, h, w]);
    seen(sections::d_images(&window, d.view(), to.view_mut()), &to);
}

fn across_kernels(bytes: &mut Bytes<'_>) {
    let [n, positions] = [5; 2].map(|most| bytes.below(most));
    // Of no numbers there may be any number of kernels.
    let kernels = if n == 0 {
        size(bytes).min(1 << (usize::BITS - 6))
    } else {
        bytes.below(5)
    };
    let inputs = [n, positions, kernels];
    let outputs = near(bytes, [n, positions]);
    let (x, d) = (input(bytes, inputs), input(bytes, outputs));
    for pooling in [Pooling::Sum, Pooling::Mean, Pooling::Max] {
        let mut to = output(outputs);
        seen(kernel_pool::forward(pooling, x.view(), to.view_mut()), &to);
        let mut to = output(inputs);
        seen(
            kernel_pool::d_input(pooling, x.view(), d.view(), to.view_mut()),
            &to,
        );
    }
}

fn dense_layer(bytes: &mut Bytes<'_>) {
    let [n, f, c] = [5; 3].map(|most| bytes.below(most));
    let (inputs, weights) = (near(bytes, [n, f]), near(bytes, [f, c]));
    let (outputs, bias) = (near(bytes, [n, c]), near(bytes, [c]));
    let (x, w) = (input(bytes, inputs), input(bytes, weights));
    let (d, b) = (input(bytes, outputs), input(bytes, bias));
    let mut to = output(outputs);
    let b = (bytes.below(2) == 0).then(|| b.view());
    seen(dense::forward(x.view(), w.view(), b, to.view_mut()), &to);
    let mut to = output(inputs);
    seen(dense::d_input(d.view(), w.view(), to.view_mut()), &to);
    let mut to = output(weights);
    seen(dense::d_weights(x.view(), d.view(), to.view_mut()), &to);
    let mut to = output(bias);
    seen(dense::d_bias(d.view(), to.view_mut()), &to);
}

fn normalisation(bytes: &mut Bytes<'_>) {
    let [n, h, w, c] = [4; 4].map(|most| bytes.below(most));
    let shape = [n, h, w, c];
    let x: Array4<f32> = input(bytes, shape);
    let statistics = Statistics::of(x.view());
    assert_eq!(statistics.is_ok(), !x.is_empty());
    let of = near(bytes, [c])[0];
    let statistics = statistics.unwrap_or(Statistics {
        count: 1,
        mean: vec![0.0; of],
        variance: vec![1.0; of],
    });
    let (outputs, line) = (near(bytes, shape), near(bytes, [c]));
    let (gamma, beta): (Array1<f32>, Array1<f32>) = (input(bytes, line), input(bytes, [c]));
    let d = input(bytes, outputs);
    let mut to = output(outputs);
    let done = batch_norm::forward(
        x.view(),
        &statistics,
        1e-5,
        gamma.view(),
        beta.view(),
        to.view_mut(),
    );
    seen(done, &to);
    let (mut to, mut d_gamma, mut d_beta) = (output(shape), output(line), output([c]));
    let done = batch_norm::backward(
        x.view(),
        &statistics,
        1e-5,
        gamma.view(),
        d.view(),
        Gradients {
            d_input: to.view_mut(),
            d_gamma: d_gamma.view_mut(),
            d_beta: d_beta.view_mut(),
        },
    );
    seen(done, &to);
    let mut kernels = input(bytes, [2, 1, 2, c]);
    let mut bias = input(bytes, line);
    let done = batch_norm::fold(
        &statistics,
        1e-5,
        gamma.view(),
        beta.view(),
        kernels.view_mut(),
        bias.view_mut(),
    );
    seen(done, &kernels);
}

fn losses(bytes: &mut Bytes<'_>) {
    let [n, c] = [5; 2].map(|most| bytes.below(most));
    let shape = near(bytes, [n, c]);
    let (x, t): (Array2<f32>, Array2<f32>) = (input(bytes, [n, c]), input(bytes, shape));
    let labels: Vec<usize> = (0..shape[0])
        .map(|_| [bytes.below(5), usize::MAX][usize::from(bytes.below(16) == 0)])
        .collect();
    let smoothing = [0.0, 0.5, 1.0, bytes.wild()][bytes.below(4)];
    let valid = (0.0..=1.0).contains(&smoothing);

    let mut to = output(shape);
    seen(loss::softmax(x.view(), to.view_mut()), &to);
    let mut to = output([n, c]);
    seen(
        loss::cross_entropy(x.view(), t.view(), to.view_mut()).map(|_| ()),
        &to,
    );
    let mut to = output([n, c]);
    seen(
        loss::mean_squared_error(x.view(), t.view(), to.view_mut()).map(|_| ()),
        &to,
    );
    let mut to = output([n, c]);
    let found = loss::cross_entropy_of_labels(x.view(), &labels, smoothing, to.view_mut());
    let fits = n > 0 && labels.len() == n && labels.iter().all(|&label| label < c);
    assert_eq!(
        found.is_ok(),
        fits && valid,
        "{n}, {c}, {labels:?}, {smoothing}"
    );
    seen(found.map(|_| ()), &to);
}

fn elementwise(bytes: &mut Bytes<'_>) {
    let shape = [5; 2].map(|most| bytes.below(most));
    let (x, other) = (input(bytes, shape), near(bytes, shape));
    let y = input(bytes, other);
    let mut to = output(other);
    let done = match bytes.below(10) {
        8 => activation::silu(x.view(), to.view_mut()),
        9 => activation::silu_d_input(x.view(), y.view(), to.view_mut()),
        0 => activation::tanh(x.view(), to.view_mut()),
        1 => activation::tanh_d_input(x.view(), y.view(), to.view_mut()),
        2 => activation::relu(0.5, x.view(), to.view_mut()),
        3 => activation::relu_d_input(0.5, x.view(), y.view(), to.view_mut()),
        4 => activation::sigmoid_d_input(x.view(), y.view(), to.view_mut()),
        5 => activation::gelu_d_input(x.view(), y.view(), to.view_mut()),
        6 => residual::forward(x.view(), y.view(), to.view_mut()),
        _ => {
            let mut masks = Bits::default();
            NumpyRandom::new(1).randint2(bytes.below(32), &mut masks);
            let first = if bytes.below(8) == 0 {
                usize::MAX
            } else {
                bytes.below(8)
            };
            dropout::dropout(x.view(), &masks, first, 2.0, to.view_mut())
        }
    };
    seen(done, &to);
}
