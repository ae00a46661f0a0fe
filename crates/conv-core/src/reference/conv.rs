use ndarray::{Array1, Array4, ArrayView1, ArrayView4, NdFloat};

use super::window::taps;
use crate::ops::conv::Conv;
use crate::shape::Pair;

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
    let (rows, cols) = conv.window.output(h, w).expect("the window fits").into();
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
    size: impl Into<Pair>,
) -> Array4<F> {
    let (h, w) = size.into().into();
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
    let ((kh, kw), cout) = (conv.window.size.into(), d_output.dim().3);
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
