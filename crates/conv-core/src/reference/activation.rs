use ndarray::NdFloat;

use super::constant::constant;

/// `tanh(x)`
#[must_use]
pub fn tanh<F: NdFloat>(x: F) -> F {
    x.tanh()
}

/// The gradient of [`tanh`], by its output: `d_input = d_output · (1 − output²)`.
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

/// The logistic function, `1 / (1 + exp(−x))`.
#[must_use]
pub fn sigmoid<F: NdFloat>(x: F) -> F {
    F::one() / (F::one() + (-x).exp())
}

/// The gradient of [`sigmoid`], by its output: `d_input = d_output · output · (1 − output)`.
#[must_use]
pub fn sigmoid_d_input<F: NdFloat>(output: F, d_output: F) -> F {
    d_output * output * (F::one() - output)
}

/// The tanh in [`gelu`], `tanh(√(2/π) (x + 0.044715 x³))`.
fn gelu_tanh<F: NdFloat>(x: F) -> F {
    let root = constant::<F>(2.0 / std::f64::consts::PI).sqrt();
    (root * (x + constant::<F>(0.044_715) * x * x * x)).tanh()
}

/// GELU in its tanh form, `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`. D. Hendrycks and K. Gimpel, Gaussian error
/// linear units (2016).
#[must_use]
pub fn gelu<F: NdFloat>(x: F) -> F {
    constant::<F>(0.5) * x * (F::one() + gelu_tanh(x))
}

/// The gradient of [`gelu`]: with t the tanh in it,
/// `d_input = d_output · (½ (1 + t) + ½ x (1 − t²) √(2/π) (1 + 3 · 0.044715 x²))`.
#[must_use]
pub fn gelu_d_input<F: NdFloat>(x: F, d_output: F) -> F {
    let (half, t) = (constant::<F>(0.5), gelu_tanh(x));
    let root = constant::<F>(2.0 / std::f64::consts::PI).sqrt();
    let inner = root * (F::one() + constant::<F>(3.0 * 0.044_715) * x * x);
    d_output * (half * (F::one() + t) + half * x * (F::one() - t * t) * inner)
}

/// `SiLU`, `x / (1 + exp(−x))`. S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units (2017).
#[must_use]
pub fn silu<F: NdFloat>(x: F) -> F {
    x * sigmoid(x)
}

/// The gradient of [`silu`]: with σ the logistic function, `d_input = d_output · (σ + x σ (1 − σ))`.
#[must_use]
pub fn silu_d_input<F: NdFloat>(x: F, d_output: F) -> F {
    let sigma = sigmoid(x);
    d_output * (sigma + x * sigma * (F::one() - sigma))
}
