use ndarray::{Array2, Array4, ArrayView4, NdFloat};

use super::window::taps;
use crate::ops::pool::Pool;
use crate::shape::Window;

/// Pooling over the pixels under a window, channel by channel, without those of the padding:
/// `output[n, oy, ox, c] = max input[n, y, x, c]`, or their mean.
///
/// # Panics
/// If the window does not fit.
#[must_use]
pub fn pool<F: NdFloat>(pool: Pool, window: &Window, input: ArrayView4<'_, F>) -> Array4<F> {
    // input (N, H, W, C) → output (N, Oh, Ow, C)
    let (n, h, w, channels) = input.dim();
    let (rows, cols) = window.output(h, w).expect("the window fits").into();
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
