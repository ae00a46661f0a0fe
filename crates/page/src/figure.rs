//! The chapter's figure: small kernels at every section of a small image, and their predictions pooled.

use conv_core::ops::kernel_pool::{self, Pooling};
use conv_core::ops::{dense, sections};
use conv_core::shape::Window;
use ndarray::{Array2, Array3, ArrayView3, Axis};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{exactly, words};

/// Rows and columns of the image, and of a kernel.
const SIDE: usize = 8;
const KERNEL: usize = 3;

/// What kernels predict at every position of an 8 × 8 image: the 6 × 6 predictions of each kernel, then their sums, means
/// and maxima across the kernels, 6 × 6 each.
///
/// `kernels` has the nine weights of one kernel after the other.
///
/// # Errors
/// If the image has not 64 pixels, or the kernels not nine weights each.
#[wasm_bindgen]
pub fn figure(image: &[f32], kernels: &[f32]) -> Result<Vec<f32>, String> {
    let taps = KERNEL * KERNEL;
    let count = kernels.len() / taps;
    exactly(image, SIDE * SIDE, "the image")?;
    let image = ArrayView3::from_shape((1, SIDE, SIDE), image).map_err(words)?;
    if count == 0 || !kernels.len().is_multiple_of(taps) {
        return Err(format!(
            "the kernels have {} weights, expected {taps} each",
            kernels.len()
        ));
    }
    // A row a tap, a column a kernel, as in the listing.
    let kernels =
        Array2::from_shape_fn((taps, count), |(tap, kernel)| kernels[kernel * taps + tap]);
    let window = Window::new(KERNEL, KERNEL);
    let (rows, cols) = window.output(SIDE, SIDE).map_err(words)?.into();
    let positions = rows * cols;
    let mut sects = Array3::zeros((1, positions, taps));
    sections::forward(&window, image, sects.view_mut()).map_err(words)?;
    let mut predictions = Array3::zeros((1, positions, count));
    dense::forward(
        sects.index_axis(Axis(0), 0),
        kernels.view(),
        None,
        predictions.index_axis_mut(Axis(0), 0),
    )
    .map_err(words)?;
    let mut all = Vec::with_capacity((count + 3) * positions);
    for kernel in 0..count {
        all.extend(predictions.index_axis(Axis(2), kernel));
    }
    for pooling in [Pooling::Sum, Pooling::Mean, Pooling::Max] {
        let mut pooled = Array2::zeros((1, positions));
        kernel_pool::forward(pooling, predictions.view(), pooled.view_mut()).map_err(words)?;
        all.extend(pooled);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By plain loops: whole numbers, so the results are exact.
    #[test]
    fn is_the_sum_of_nine_products_at_each_position() {
        let image: Vec<f32> = (0..64).map(|at| (at * 7 % 5) as f32).collect();
        let kernels: Vec<f32> = (0..36).map(|at| (at * 5 % 7) as f32 - 3.0).collect();
        let found = figure(&image, &kernels).unwrap();
        assert_eq!(found.len(), 7 * 36);
        for position in 0..36 {
            let (y, x) = (position / 6, position % 6);
            let sums: Vec<f32> = (0..4)
                .map(|kernel| {
                    let taps = (0..9).map(|tap| {
                        kernels[kernel * 9 + tap] * image[(y + tap / 3) * 8 + x + tap % 3]
                    });
                    taps.sum()
                })
                .collect();
            for (kernel, &sum) in sums.iter().enumerate() {
                assert_eq!(found[kernel * 36 + position], sum);
            }
            let total: f32 = sums.iter().sum();
            let most = sums.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(found[4 * 36 + position], total);
            assert_eq!(found[5 * 36 + position], total / 4.0);
            assert_eq!(found[6 * 36 + position], most);
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        assert!(figure(&[0.0; 63], &[0.0; 36]).is_err());
        assert!(figure(&[0.0; 65], &[0.0; 36]).is_err());
        assert!(figure(&[0.0; 64], &[0.0; 35]).is_err());
        assert!(figure(&[0.0; 64], &[]).is_err());
    }
}
