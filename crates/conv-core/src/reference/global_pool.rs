use ndarray::{Array2, Array4, ArrayView2, ArrayView4, NdFloat};

use super::constant::constant;
use crate::shape::Pair;

/// Global average pooling: `output[n, c] = Σ input[n, y, x, c] / (H · W)`. M. Lin, Q. Chen and S. Yan, Network in
/// network (2013).
#[must_use]
pub fn global_pool<F: NdFloat>(input: ArrayView4<'_, F>) -> Array2<F> {
    // input (N, H, W, C) → output (N, C)
    let (n, h, w, channels) = input.dim();
    let mut output = Array2::zeros((n, channels));
    for ((image, _, _, channel), &x) in input.indexed_iter() {
        output[[image, channel]] += x;
    }
    output / constant::<F>((h * w) as f64)
}

/// The gradient of [`global_pool`]: `d_input[n, y, x, c] = d_output[n, c] / (H · W)`.
#[must_use]
pub fn global_pool_d_input<F: NdFloat>(
    d_output: ArrayView2<'_, F>,
    size: impl Into<Pair>,
) -> Array4<F> {
    let (h, w) = size.into().into();
    // d_output (N, C) → d_input (N, H, W, C)
    let (n, channels) = d_output.dim();
    Array4::from_shape_fn((n, h, w, channels), |(n, _, _, c)| {
        d_output[[n, c]] / constant::<F>((h * w) as f64)
    })
}
