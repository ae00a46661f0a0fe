use ndarray::{Array2, Array3, ArrayView2, ArrayView3, NdFloat};

use crate::ops::kernel_pool::Pooling;

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
