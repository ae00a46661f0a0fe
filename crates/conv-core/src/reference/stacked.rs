//! What stacked networks need beyond the chapter.

use ndarray::{Array1, Array2, Array4, ArrayView1, ArrayView2, ArrayView4, Axis, NdFloat};

fn number<F: NdFloat>(x: f64) -> F {
    F::from(x).unwrap_or(F::nan())
}

/// The logistic function, `1 / (1 + exp(−x))`.
#[must_use]
pub fn sigmoid<F: NdFloat>(x: F) -> F {
    F::one() / (F::one() + (-x).exp())
}

/// The gradient of [`sigmoid`], by what it gave: `d_input = d_output · output · (1 − output)`.
#[must_use]
pub fn sigmoid_d_input<F: NdFloat>(output: F, d_output: F) -> F {
    d_output * output * (F::one() - output)
}

/// The tanh in [`gelu`], `tanh(√(2/π) (x + 0.044715 x³))`.
fn gelu_tanh<F: NdFloat>(x: F) -> F {
    let root = number::<F>(2.0 / std::f64::consts::PI).sqrt();
    (root * (x + number::<F>(0.044_715) * x * x * x)).tanh()
}

/// GELU in its tanh form, `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`. D. Hendrycks and K. Gimpel, Gaussian error
/// linear units (2016).
#[must_use]
pub fn gelu<F: NdFloat>(x: F) -> F {
    number::<F>(0.5) * x * (F::one() + gelu_tanh(x))
}

/// The gradient of [`gelu`]: with t the tanh in it,
/// `d_input = d_output · (½ (1 + t) + ½ x (1 − t²) √(2/π) (1 + 3 · 0.044715 x²))`.
#[must_use]
pub fn gelu_d_input<F: NdFloat>(x: F, d_output: F) -> F {
    let (half, t) = (number::<F>(0.5), gelu_tanh(x));
    let root = number::<F>(2.0 / std::f64::consts::PI).sqrt();
    let inner = root * (F::one() + number::<F>(3.0 * 0.044_715) * x * x);
    d_output * (half * (F::one() + t) + half * x * (F::one() - t * t) * inner)
}

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
    output / number::<F>((h * w) as f64)
}

/// The gradient of [`global_pool`]: `d_input[n, y, x, c] = d_output[n, c] / (H · W)`.
#[must_use]
pub fn global_pool_d_input<F: NdFloat>(
    d_output: ArrayView2<'_, F>,
    (h, w): (usize, usize),
) -> Array4<F> {
    // d_output (N, C) → d_input (N, H, W, C)
    let (n, channels) = d_output.dim();
    Array4::from_shape_fn((n, h, w, channels), |(n, _, _, c)| {
        d_output[[n, c]] / number::<F>((h * w) as f64)
    })
}

/// Mean and mean squared deviation of each channel.
#[must_use]
pub fn statistics<F: NdFloat>(input: ArrayView4<'_, F>) -> (Array1<F>, Array1<F>) {
    // input (N, H, W, C) → mean, variance (C)
    let channels = input.dim().3;
    let count = number::<F>((input.len() / channels) as f64);
    let mean = Array1::from_shape_fn(channels, |c| input.index_axis(Axis(3), c).sum() / count);
    let variance = Array1::from_shape_fn(channels, |c| {
        let deviation = input.index_axis(Axis(3), c).mapv(|x| x - mean[c]);
        deviation.mapv(|d| d * d).sum() / count
    });
    (mean, variance)
}

/// Batch normalisation by given statistics: `output = γ (input − mean) / √(variance + ε) + β`, channel by channel.
/// S. Ioffe and C. Szegedy, Batch normalization, ICML (2015).
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn batch_norm<F: NdFloat>(
    input: ArrayView4<'_, F>,
    (mean, variance): (ArrayView1<'_, F>, ArrayView1<'_, F>),
    epsilon: F,
    (gamma, beta): (ArrayView1<'_, F>, ArrayView1<'_, F>),
) -> Array4<F> {
    // input (N, H, W, C), mean, variance, gamma, beta (C) → output (N, H, W, C)
    Array4::from_shape_fn(input.dim(), |(n, y, x, c)| {
        gamma[c] * (input[[n, y, x, c]] - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    })
}

/// The gradients of [`batch_norm`] by the input's own [`statistics`], for input, γ and β. With
/// `x̂ = (input − mean) / √(variance + ε)` and M numbers a channel: `d_beta = Σ d_output`,
/// `d_gamma = Σ d_output · x̂`, `d_input = γ / √(variance + ε) · (d_output − d_beta / M − x̂ · d_gamma / M)`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn batch_norm_backward<F: NdFloat>(
    input: ArrayView4<'_, F>,
    epsilon: F,
    gamma: ArrayView1<'_, F>,
    d_output: ArrayView4<'_, F>,
) -> (Array4<F>, Array1<F>, Array1<F>) {
    // input, d_output (N, H, W, C), gamma (C) → d_input (N, H, W, C), d_gamma, d_beta (C)
    let channels = gamma.len();
    let (mean, variance) = statistics(input);
    let (ones, zeros) = (Array1::ones(channels), Array1::zeros(channels));
    let affine = (ones.view(), zeros.view());
    let normal = batch_norm(input, (mean.view(), variance.view()), epsilon, affine);
    let sum =
        |array: &Array4<F>| Array1::from_shape_fn(channels, |c| array.index_axis(Axis(3), c).sum());
    let (d_beta, d_gamma) = (sum(&d_output.to_owned()), sum(&(&normal * &d_output)));
    let count = number::<F>((input.len() / channels) as f64);
    let d_input = Array4::from_shape_fn(input.dim(), |at| {
        let c = at.3;
        gamma[c] / (variance[c] + epsilon).sqrt()
            * (d_output[at] - d_beta[c] / count - normal[at] * d_gamma[c] / count)
    });
    (d_input, d_gamma, d_beta)
}

/// Targets of labels for [`cross_entropy`](super::cross_entropy), smoothed: `1 − s + s / C` for the label, `s / C`
/// for the others.
#[must_use]
pub fn smooth_labels<F: NdFloat>(labels: &[usize], smoothing: F, classes: usize) -> Array2<F> {
    // labels (N) → targets (N, C)
    let spread = smoothing / number::<F>(classes as f64);
    Array2::from_shape_fn((labels.len(), classes), |(n, c)| {
        spread
            + if labels[n] == c {
                F::one() - smoothing
            } else {
                F::zero()
            }
    })
}

/// The mean of `(outputs − targets)²` over all numbers.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn mean_squared_error<F: NdFloat>(outputs: ArrayView2<'_, F>, targets: ArrayView2<'_, F>) -> F {
    // outputs, targets (N, C) → loss
    let count = number::<F>(outputs.len() as f64);
    (&outputs - &targets).mapv(|error| error * error).sum() / count
}

/// The gradient of [`mean_squared_error`]: `2 (outputs − targets) / (N · C)`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn mean_squared_error_d_outputs<F: NdFloat>(
    outputs: ArrayView2<'_, F>,
    targets: ArrayView2<'_, F>,
) -> Array2<F> {
    // outputs, targets (N, C) → d_outputs (N, C)
    let scale = number::<F>(2.0 / outputs.len() as f64);
    (&outputs - &targets).mapv(|error| scale * error)
}
