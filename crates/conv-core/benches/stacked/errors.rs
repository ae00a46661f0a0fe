//! The rounding errors of convolution layers, on the numbers on which `benches/peers/torch_errors.py` measures those of PyTorch.

use conv_core::{Error, reference};
use ndarray::{Array4, Axis};

use crate::layers::{SHAPES, Shape};
use crate::numbers::images;

/// So many images, the first ones.
const IMAGES: usize = 16;

/// For S3, S4 and S5 a line for outputs and one for each gradient: the errors' root mean square beside that of the plain sum in
/// `f32`, and the largest error.
pub(crate) fn print() -> Result<(), Error> {
    for shape in SHAPES
        .iter()
        .filter(|shape| shape.kernel == 3 && shape.cin > 1)
    {
        of(shape)?;
    }
    Ok(())
}

fn of(shape: &Shape) -> Result<(), Error> {
    let mut layer = shape.layer()?;
    layer.input = layer
        .input
        .slice_axis(Axis(0), (..IMAGES).into())
        .to_owned();
    layer.output = layer
        .output
        .slice_axis(Axis(0), (..IMAGES).into())
        .to_owned();
    layer.d_input = layer
        .d_input
        .slice_axis(Axis(0), (..IMAGES).into())
        .to_owned();
    let (n, rows, cols, cout) = layer.output.dim();
    layer.d_output = images([n, cout, rows, cols], 4, 1.0);
    layer.bias.fill(0.0);
    layer.both()?;
    let (conv, side) = (&layer.conv, (shape.side, shape.side));
    let (x, k, d) = (
        layer.input.view(),
        layer.kernels.view(),
        layer.d_output.view(),
    );
    let plain = [
        reference::conv(conv, x, k, None),
        reference::conv_d_input(conv, d, k, side),
        reference::conv_d_kernels(conv, x, d),
    ];
    let wide = |array: &Array4<f32>| array.mapv(f64::from);
    let (x, k, d) = (
        wide(&layer.input),
        wide(&layer.kernels),
        wide(&layer.d_output),
    );
    let (x, k, d) = (x.view(), k.view(), d.view());
    let right = [
        reference::conv(conv, x, k, None),
        reference::conv_d_input(conv, d, k, side),
        reference::conv_d_kernels(conv, x, d),
    ];
    let found = [&layer.output, &layer.d_input, &layer.d_kernels];
    for (i, what) in ["output", "d_input", "d_kernels"].into_iter().enumerate() {
        let ((own, largest), (plain, _)) = (off(found[i], &right[i]), off(&plain[i], &right[i]));
        let name = shape.name;
        println!(
            "{name} {what}: {:.2} times the plain sum, at most {largest:.2e}",
            own / plain
        );
    }
    Ok(())
}

/// The root mean square and the largest of the errors.
fn off(found: &Array4<f32>, right: &Array4<f64>) -> (f64, f64) {
    let (mut squares, mut largest) = (0.0, 0.0_f64);
    for (&found, right) in found.iter().zip(right) {
        let error = (f64::from(found) - right).abs();
        squares += error * error;
        largest = largest.max(error);
    }
    ((squares / right.len() as f64).sqrt(), largest)
}
