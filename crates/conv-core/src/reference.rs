//! The mathematics in plain loops: the specification of every operation, which the fast ones are tested
//! against. It is generic over `f32` and `f64`, is never optimised, and allocates what it returns.
//!
//! Activations are (image, row, column, channel), NHWC; kernels are (row, column, input channel, output
//! channel), HWIO. With L the loss, `d_x` is ∂L/∂x, and has the shape of x.
//!
//! Shapes that do not fit panic here; the functions of [`ops`](crate::ops) return errors instead.

use ndarray::{
    Array1, Array2, Array3, Array4, ArrayView1, ArrayView2, ArrayView3, ArrayView4, NdFloat,
};

mod stacked;

pub use stacked::*;

use crate::ops::conv::Conv;
use crate::ops::kernel_pool::Pooling;
use crate::ops::pool::Pool;
use crate::shape::Window;

/// Calls `visit` with (output row, output column, kernel row, kernel column, input row, input column) for every
/// tap of every position that lies on a pixel, not on the padding: `y = oy · stride + ky · dilation − before`.
fn taps(window: &Window, (h, w): (usize, usize), mut visit: impl FnMut([usize; 6])) {
    let (rows, cols) = window.output(h, w).expect("the window fits");
    let (top, left) = window.before(h, w).expect("the window fits");
    for oy in 0..rows {
        for ox in 0..cols {
            for ky in 0..window.size.0 {
                for kx in 0..window.size.1 {
                    let y = (oy * window.stride.0 + ky * window.dilation.0).checked_sub(top);
                    let x = (ox * window.stride.1 + kx * window.dilation.1).checked_sub(left);
                    if let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) {
                        visit([oy, ox, ky, kx, y, x]);
                    }
                }
            }
        }
    }
}

/// The chapter's `get_image_section` and `reshape`: the pixels under a window, position by position, row-major
/// both. `sections[n, p, t] = images[n, y, x]`.
///
/// # Panics
/// If the window does not fit into the images.
#[must_use]
pub fn sections<F: NdFloat>(images: ArrayView3<'_, F>, window: &Window) -> Array3<F> {
    // images (N, H, W) → sections (N, positions, taps)
    let (n, h, w) = images.dim();
    let (rows, cols) = window.output(h, w).expect("the window fits");
    let mut sections = Array3::zeros((n, rows * cols, window.size.0 * window.size.1));
    for image in 0..n {
        taps(window, (h, w), |[oy, ox, ky, kx, y, x]| {
            sections[[image, oy * cols + ox, ky * window.size.1 + kx]] = images[[image, y, x]];
        });
    }
    sections
}

/// The gradient of [`sections`]: each pixel sums up what came back from every section it is part of.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn sections_d_images<F: NdFloat>(
    d_sections: ArrayView3<'_, F>,
    (h, w): (usize, usize),
    window: &Window,
) -> Array3<F> {
    // d_sections (N, positions, taps) → d_images (N, H, W)
    let n = d_sections.dim().0;
    let cols = window.output(h, w).expect("the window fits").1;
    let mut d_images = Array3::zeros((n, h, w));
    for image in 0..n {
        taps(window, (h, w), |[oy, ox, ky, kx, y, x]| {
            d_images[[image, y, x]] += d_sections[[image, oy * cols + ox, ky * window.size.1 + kx]];
        });
    }
    d_images
}

/// Calls `visit` with (input index, kernel index, output index) of every product of a convolution.
fn products(
    conv: &Conv,
    (n, h, w, cin): (usize, usize, usize, usize),
    cout: usize,
    mut visit: impl FnMut([usize; 4], [usize; 4], [usize; 4]),
) {
    let (per_in, per_out) = (cin / conv.groups, cout / conv.groups);
    for image in 0..n {
        taps(&conv.window, (h, w), |[oy, ox, ky, kx, y, x]| {
            for group in 0..conv.groups {
                for i in 0..per_in {
                    for o in group * per_out..(group + 1) * per_out {
                        visit(
                            [image, y, x, group * per_in + i],
                            [ky, kx, i, o],
                            [image, oy, ox, o],
                        );
                    }
                }
            }
        });
    }
}

/// Convolution with many kernels (as everywhere in deep learning, a cross-correlation):
/// `output[n, oy, ox, o] = bias[o] + Σ input[n, y, x, i] · kernels[ky, kx, i, o]`
/// over the taps and the input channels of o's group. V. Dumoulin and F. Visin, A guide to convolution
/// arithmetic for deep learning (2016), has the geometry.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn conv<F: NdFloat>(
    conv: &Conv,
    input: ArrayView4<'_, F>,
    kernels: ArrayView4<'_, F>,
    bias: Option<ArrayView1<'_, F>>,
) -> Array4<F> {
    // input (N, H, W, Cin), kernels (Kh, Kw, Cin / groups, Cout), bias (Cout) → output (N, Oh, Ow, Cout)
    let (n, h, w, _) = input.dim();
    let cout = kernels.dim().3;
    let (rows, cols) = conv.window.output(h, w).expect("the window fits");
    let mut output = Array4::from_shape_fn((n, rows, cols, cout), |(_, _, _, o)| {
        bias.map_or(F::zero(), |bias| bias[o])
    });
    products(conv, input.dim(), cout, |i, k, o| {
        output[o] += input[i] * kernels[k];
    });
    output
}

/// The gradient of [`conv`] for its input: `d_input[n, y, x, i] = Σ d_output[n, oy, ox, o] · kernels[ky, kx, i, o]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn conv_d_input<F: NdFloat>(
    conv: &Conv,
    d_output: ArrayView4<'_, F>,
    kernels: ArrayView4<'_, F>,
    (h, w): (usize, usize),
) -> Array4<F> {
    // d_output (N, Oh, Ow, Cout), kernels (Kh, Kw, Cin / groups, Cout) → d_input (N, H, W, Cin)
    let (n, cin) = (d_output.dim().0, kernels.dim().2 * conv.groups);
    let mut d_input = Array4::zeros((n, h, w, cin));
    products(conv, (n, h, w, cin), kernels.dim().3, |i, k, o| {
        d_input[i] += d_output[o] * kernels[k];
    });
    d_input
}

/// The gradient of [`conv`] for its kernels: `d_kernels[ky, kx, i, o] = Σ input[n, y, x, i] · d_output[n, oy, ox, o]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn conv_d_kernels<F: NdFloat>(
    conv: &Conv,
    input: ArrayView4<'_, F>,
    d_output: ArrayView4<'_, F>,
) -> Array4<F> {
    // input (N, H, W, Cin), d_output (N, Oh, Ow, Cout) → d_kernels (Kh, Kw, Cin / groups, Cout)
    let ((kh, kw), cout) = (conv.window.size, d_output.dim().3);
    let mut d_kernels = Array4::zeros((kh, kw, input.dim().3 / conv.groups, cout));
    products(conv, input.dim(), cout, |i, k, o| {
        d_kernels[k] += input[i] * d_output[o];
    });
    d_kernels
}

/// The gradient of [`conv`] for its bias: `d_bias[o] = Σ d_output[n, oy, ox, o]`.
#[must_use]
pub fn conv_d_bias<F: NdFloat>(d_output: ArrayView4<'_, F>) -> Array1<F> {
    // d_output (N, Oh, Ow, Cout) → d_bias (Cout)
    let mut d_bias = Array1::zeros(d_output.dim().3);
    for ((_, _, _, o), &d) in d_output.indexed_iter() {
        d_bias[o] += d;
    }
    d_bias
}

/// A dense layer: `output[n, c] = bias[c] + Σ input[n, f] · weights[f, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense<F: NdFloat>(
    input: ArrayView2<'_, F>,
    weights: ArrayView2<'_, F>,
    bias: Option<ArrayView1<'_, F>>,
) -> Array2<F> {
    // input (N, F), weights (F, C), bias (C) → output (N, C)
    assert_eq!(input.dim().1, weights.dim().0);
    Array2::from_shape_fn((input.dim().0, weights.dim().1), |(n, c)| {
        let mut sum = bias.map_or(F::zero(), |bias| bias[c]);
        for f in 0..weights.dim().0 {
            sum += input[[n, f]] * weights[[f, c]];
        }
        sum
    })
}

/// The gradient of [`dense`] for its input: `d_input[n, f] = Σ d_output[n, c] · weights[f, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense_d_input<F: NdFloat>(
    d_output: ArrayView2<'_, F>,
    weights: ArrayView2<'_, F>,
) -> Array2<F> {
    // d_output (N, C), weights (F, C) → d_input (N, F)
    dense(d_output, weights.t(), None)
}

/// The gradient of [`dense`] for its weights: `d_weights[f, c] = Σ input[n, f] · d_output[n, c]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn dense_d_weights<F: NdFloat>(
    input: ArrayView2<'_, F>,
    d_output: ArrayView2<'_, F>,
) -> Array2<F> {
    // input (N, F), d_output (N, C) → d_weights (F, C)
    dense(input.t(), d_output, None)
}

/// The gradient of [`dense`] for its bias: `d_bias[c] = Σ d_output[n, c]`.
#[must_use]
pub fn dense_d_bias<F: NdFloat>(d_output: ArrayView2<'_, F>) -> Array1<F> {
    // d_output (N, C) → d_bias (C)
    let mut d_bias = Array1::zeros(d_output.dim().1);
    for ((_, c), &d) in d_output.indexed_iter() {
        d_bias[c] += d;
    }
    d_bias
}

/// `tanh(x)`
#[must_use]
pub fn tanh<F: NdFloat>(x: F) -> F {
    x.tanh()
}

/// The gradient of [`tanh`], by what it gave: `d_input = d_output · (1 − output²)`.
#[must_use]
pub fn tanh_d_input<F: NdFloat>(output: F, d_output: F) -> F {
    d_output * (F::one() - output * output)
}

/// A leaky `ReLU`: x above 0, else `slope · x`. A. Maas et al., Rectifier nonlinearities improve neural network
/// acoustic models (2013); with slope 0 the `ReLU`.
#[must_use]
pub fn relu<F: NdFloat>(x: F, slope: F) -> F {
    if x > F::zero() { x } else { slope * x }
}

/// The gradient of [`relu`]: `d_output` where the input was above 0, else `slope · d_output` (at 0 as well).
#[must_use]
pub fn relu_d_input<F: NdFloat>(input: F, d_output: F, slope: F) -> F {
    if input > F::zero() {
        d_output
    } else {
        slope * d_output
    }
}

/// Dropout, and its own gradient: a unit that is kept is multiplied by `scale`, the others become 0. With
/// `scale` = 1 / (probability to be kept) the expected value stays what it was. N. Srivastava et al.,
/// Dropout: a simple way to prevent neural networks from overfitting, JMLR 15 (2014).
#[must_use]
pub fn dropout<F: NdFloat>(x: F, kept: bool, scale: F) -> F {
    if kept { x * scale } else { F::zero() }
}

/// `softmax(z)[c] = exp(z[c] − max z) / Σ exp(z[k] − max z)`, row by row.
#[must_use]
pub fn softmax<F: NdFloat>(logits: ArrayView2<'_, F>) -> Array2<F> {
    // logits (N, C) → probabilities (N, C)
    let mut probabilities = logits.to_owned();
    for mut row in probabilities.rows_mut() {
        let largest = row
            .iter()
            .fold(F::neg_infinity(), |a, &b| if b > a { b } else { a });
        row.mapv_inplace(|z| (z - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|power| power / sum);
    }
    probabilities
}

/// The mean of `−Σ targets[n, c] · ln softmax(logits)[n, c]` over the rows, with
/// `ln softmax(z)[c] = z[c] − max z − ln Σ exp(z[k] − max z)`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn cross_entropy<F: NdFloat>(logits: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> F {
    // logits (N, C), targets (N, C), whose rows sum to 1 → loss
    assert_eq!(logits.dim(), targets.dim());
    let mut loss = F::zero();
    let mut rows = F::zero();
    for (row, targets) in logits.rows().into_iter().zip(targets.rows()) {
        let largest = row
            .iter()
            .fold(F::neg_infinity(), |a, &b| if b > a { b } else { a });
        let log = row
            .iter()
            .fold(F::zero(), |sum, &z| sum + (z - largest).exp())
            .ln();
        for (&z, &target) in row.iter().zip(targets) {
            loss -= target * (z - largest - log);
        }
        rows += F::one();
    }
    loss / rows
}

/// The gradient of [`cross_entropy`] for the logits: `d_logits = (softmax(logits) − targets) / N`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn cross_entropy_d_logits<F: NdFloat>(
    logits: ArrayView2<'_, F>,
    targets: ArrayView2<'_, F>,
) -> Array2<F> {
    // logits (N, C), targets (N, C) → d_logits (N, C)
    let rows = logits
        .rows()
        .into_iter()
        .fold(F::zero(), |rows, _| rows + F::one());
    (softmax(logits) - targets) / rows
}

/// The chapter's pooling across kernels: elementwise over the kernels' prediction matrices, their sum, mean or
/// maximum. `output[n, p] = Σₖ input[n, p, k]` and so on.
#[must_use]
pub fn pool_kernels<F: NdFloat>(input: ArrayView3<'_, F>, pooling: Pooling) -> Array2<F> {
    // input (N, positions, kernels) → output (N, positions)
    let (n, positions, kernels) = input.dim();
    Array2::from_shape_fn((n, positions), |(n, p)| {
        let predictions = (0..kernels).map(|k| input[[n, p, k]]);
        let sum = || predictions.clone().fold(F::zero(), |a, b| a + b);
        match pooling {
            Pooling::Sum => sum(),
            Pooling::Mean => sum() / F::from(kernels).unwrap_or(F::nan()),
            Pooling::Max => predictions
                .clone()
                .fold(F::neg_infinity(), |a, b| if b > a { b } else { a }),
        }
    })
}

/// The gradient of [`pool_kernels`]: the sum passes `d_output` on to every kernel, the mean a kernel's part of
/// it, and the maximum all of it to the kernel that was the largest, the first one of equals.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn pool_kernels_d_input<F: NdFloat>(
    input: ArrayView3<'_, F>,
    d_output: ArrayView2<'_, F>,
    pooling: Pooling,
) -> Array3<F> {
    // input (N, positions, kernels), d_output (N, positions) → d_input (N, positions, kernels)
    let kernels = input.dim().2;
    let output = pool_kernels(input, pooling);
    Array3::from_shape_fn(input.dim(), |(n, p, k)| match pooling {
        Pooling::Sum => d_output[[n, p]],
        Pooling::Mean => d_output[[n, p]] / F::from(kernels).unwrap_or(F::nan()),
        Pooling::Max => {
            let first = (0..kernels).find(|&k| input[[n, p, k]] == output[[n, p]]);
            if first == Some(k) {
                d_output[[n, p]]
            } else {
                F::zero()
            }
        }
    })
}

/// Pooling over the pixels under a window, channel by channel, without those of the padding:
/// `output[n, oy, ox, c] = max input[n, y, x, c]`, or their mean.
///
/// # Panics
/// If the window does not fit.
#[must_use]
pub fn pool<F: NdFloat>(pool: Pool, window: &Window, input: ArrayView4<'_, F>) -> Array4<F> {
    // input (N, H, W, C) → output (N, Oh, Ow, C)
    let (n, h, w, channels) = input.dim();
    let (rows, cols) = window.output(h, w).expect("the window fits");
    let start = if pool == Pool::Max {
        F::neg_infinity()
    } else {
        F::zero()
    };
    let mut output = Array4::from_elem((n, rows, cols, channels), start);
    let mut counts = Array2::from_elem((rows, cols), F::zero());
    taps(window, (h, w), |[oy, ox, _, _, y, x]| {
        counts[[oy, ox]] += F::one();
        for image in 0..n {
            for c in 0..channels {
                let (to, from) = (&mut output[[image, oy, ox, c]], input[[image, y, x, c]]);
                match pool {
                    Pool::Max if from > *to => *to = from,
                    Pool::Max => {}
                    Pool::Mean => *to += from,
                }
            }
        }
    });
    if pool == Pool::Mean {
        for ((_, oy, ox, _), sum) in output.indexed_iter_mut() {
            *sum /= counts[[oy, ox]];
        }
    }
    output
}

/// The gradient of [`pool`]: the first of the largest pixels gets all of `d_output`, or each pixel its part.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn pool_d_input<F: NdFloat>(
    pool: Pool,
    window: &Window,
    input: ArrayView4<'_, F>,
    d_output: ArrayView4<'_, F>,
) -> Array4<F> {
    // input (N, H, W, C), d_output (N, Oh, Ow, C) → d_input (N, H, W, C)
    let (n, h, w, channels) = input.dim();
    let mut d_input = Array4::zeros(input.dim());
    let output = self::pool(pool, window, input);
    let mut counts = Array2::from_elem((output.dim().1, output.dim().2), F::zero());
    taps(window, (h, w), |[oy, ox, ..]| counts[[oy, ox]] += F::one());
    let mut given = Array4::from_elem(output.dim(), false);
    taps(window, (h, w), |[oy, ox, _, _, y, x]| {
        for image in 0..n {
            for c in 0..channels {
                let (from, at) = ([image, y, x, c], [image, oy, ox, c]);
                match pool {
                    Pool::Mean => d_input[from] += d_output[at] / counts[[oy, ox]],
                    Pool::Max if input[from] == output[at] && !given[at] => {
                        d_input[from] += d_output[at];
                        given[at] = true;
                    }
                    Pool::Max => {}
                }
            }
        }
    });
    d_input
}
