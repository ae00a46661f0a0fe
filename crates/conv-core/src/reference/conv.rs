use std::iter::zip;
use std::ops::Range;

use ndarray::{Array1, Array4, ArrayView1, ArrayView4, CowArray, Ix4, NdFloat};

use super::window::taps;
use crate::ops::conv::Conv;
use crate::shape::Pair;

/// Calls `visit` with an input, and with the kernels and the outputs of its group, as indices into arrays in standard layout:
/// that input is multiplied by each of these kernels, at one tap, for these outputs, at one position.
fn products(
    conv: &Conv,
    (n, h, w, cin): (usize, usize, usize, usize),
    cout: usize,
    mut visit: impl FnMut(usize, Range<usize>, Range<usize>),
) {
    let (rows, cols) = conv.window.output(h, w).expect("the window fits").into();
    let (per_in, per_out) = (cin / conv.groups, cout / conv.groups);
    for image in 0..n {
        taps(&conv.window, (h, w), |[oy, ox, ky, kx, y, x]| {
            let input = ((image * h + y) * w + x) * cin;
            let kernel = (ky * conv.window.size.right + kx) * per_in * cout;
            let output = ((image * rows + oy) * cols + ox) * cout;
            for group in 0..conv.groups {
                let (first, end) = (group * per_out, (group + 1) * per_out);
                for i in 0..per_in {
                    let kernel = kernel + i * cout;
                    visit(
                        input + group * per_in + i,
                        kernel + first..kernel + end,
                        output + first..output + end,
                    );
                }
            }
        });
    }
}

/// The values in standard layout.
fn values<'a, F: NdFloat>(array: &'a CowArray<'_, F, Ix4>) -> &'a [F] {
    array.as_slice().expect("it is in standard layout")
}

/// Panics unless kernels (Kh, Kw, Cin / groups, Cout) and outputs (N, Oh, Ow, Cout) fit images (N, H, W, Cin): indices alone
/// would not tell.
fn check(
    conv: &Conv,
    (n, h, w, cin): (usize, usize, usize, usize),
    kernels: (usize, usize, usize, usize),
    output: (usize, usize, usize, usize),
) {
    let (kh, kw) = conv.window.size.into();
    let (rows, cols) = conv.window.output(h, w).expect("the window fits").into();
    assert_eq!(cin % conv.groups, 0, "groups of channels");
    assert_eq!(kernels.3 % conv.groups, 0, "groups of kernels");
    assert_eq!(kernels, (kh, kw, cin / conv.groups, kernels.3), "kernels");
    assert_eq!(output, (n, rows, cols, kernels.3), "outputs");
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
    check(conv, input.dim(), kernels.dim(), output.dim());
    let (inputs, kernels) = (input.as_standard_layout(), kernels.as_standard_layout());
    let (inputs, kernels) = (values(&inputs), values(&kernels));
    let outputs = output.as_slice_mut().expect("it is in standard layout");
    products(conv, input.dim(), cout, |i, k, o| {
        for (output, &kernel) in zip(&mut outputs[o], &kernels[k]) {
            *output += inputs[i] * kernel;
        }
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
    let cout = kernels.dim().3;
    let mut d_input = Array4::zeros((n, h, w, cin));
    check(conv, d_input.dim(), kernels.dim(), d_output.dim());
    let (d_outputs, kernels) = (d_output.as_standard_layout(), kernels.as_standard_layout());
    let (d_outputs, kernels) = (values(&d_outputs), values(&kernels));
    let d_inputs = d_input.as_slice_mut().expect("it is in standard layout");
    products(conv, (n, h, w, cin), cout, |i, k, o| {
        for (&d_output, &kernel) in zip(&d_outputs[o], &kernels[k]) {
            d_inputs[i] += d_output * kernel;
        }
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
    check(conv, input.dim(), d_kernels.dim(), d_output.dim());
    let (inputs, d_outputs) = (input.as_standard_layout(), d_output.as_standard_layout());
    let (inputs, d_outputs) = (values(&inputs), values(&d_outputs));
    let to = d_kernels.as_slice_mut().expect("it is in standard layout");
    products(conv, input.dim(), cout, |i, k, o| {
        for (d_kernel, &d_output) in zip(&mut to[k], &d_outputs[o]) {
            *d_kernel += inputs[i] * d_output;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Window;

    /// A shape that does not fit, and whose indices lie inside all the same.
    #[test]
    #[should_panic(expected = "kernels")]
    fn kernels_of_more_channels_than_the_input_has_are_refused() {
        let (input, kernels) = (
            Array4::<f64>::ones((1, 4, 4, 2)),
            Array4::ones((3, 3, 3, 2)),
        );
        let of = Conv::new(Window::new(3, 3));
        let _ = conv(&of, input.view(), kernels.view(), None);
    }

    #[test]
    #[should_panic(expected = "outputs")]
    fn gradients_of_fewer_outputs_than_there_are_positions_are_refused() {
        let (input, d_output) = (
            Array4::<f64>::ones((1, 4, 4, 2)),
            Array4::ones((1, 2, 1, 2)),
        );
        let of = Conv::new(Window::new(3, 3));
        let _ = conv_d_kernels(&of, input.view(), d_output.view());
    }
}
