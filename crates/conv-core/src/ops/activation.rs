//! Functions of each value by itself.

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use super::check::{expect_shape, slice, slice_mut};
use crate::simd::{Op, Simd, dispatch, math};
use crate::tuning::VALUES_PER_TASK as PART;
use crate::{Error, parallel};

/// `output = tanh(input)`, within 4e-7 of it.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn tanh<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    unary(Tanh, input, output)
}

/// The gradient of [`tanh`], by what it gave: `d_input = d_output · (1 − output²)`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn tanh_d_input<D: Dimension>(
    output: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    gradient(TanhSlope, ("output", output), d_output, d_input)
}

/// `output = input` where it is above 0, else `slope · input`: a leaky `ReLU`, and with slope 0 the `ReLU`.
///
/// ```
/// use conv_core::ops::activation;
/// use ndarray::{Array1, arr1};
///
/// let (input, mut output, mut d_input) = (arr1(&[-2., 0., 3.]), Array1::zeros(3), Array1::zeros(3));
/// activation::relu(0.5, input.view(), output.view_mut())?;
/// assert_eq!(output, arr1(&[-1., 0., 3.]));
/// let d_output = arr1(&[10., 10., 10.]);
/// activation::relu_d_input(0.5, input.view(), d_output.view(), d_input.view_mut())?;
/// assert_eq!(d_input, arr1(&[5., 5., 10.]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn relu<D: Dimension>(
    slope: f32,
    input: ArrayView<'_, f32, D>,
    output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    unary(Relu(slope), input, output)
}

/// The gradient of [`relu`]: `d_input = d_output` where the input was above 0, else `slope · d_output`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn relu_d_input<D: Dimension>(
    slope: f32,
    input: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    gradient(Relu(slope), ("input", input), d_output, d_input)
}

/// `output = 1 / (1 + exp(−input))`, within 3e-7 of it.
///
/// Computed as ½ + ½ tanh(input / 2), and so exactly 0 or 1 beyond ±18.04.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn sigmoid<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    unary(Sigmoid, input, output)
}

/// The gradient of [`sigmoid`], by what it gave: `d_input = d_output · output · (1 − output)`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn sigmoid_d_input<D: Dimension>(
    output: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    gradient(SigmoidSlope, ("output", output), d_output, d_input)
}

/// GELU in its tanh form: `output = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))` for each x of the input,
/// within `4e-7 · |x|` of it. The exact form with the error function differs from it by up to 5e-4; in
/// `PyTorch` this one is `GELU(approximate="tanh")`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn gelu<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    unary(Gelu, input, output)
}

/// The gradient of [`gelu`]: with t the tanh in it,
/// `d_input = d_output · (½ (1 + t) + ½ x (1 − t²) √(2/π) (1 + 0.134145 x²))`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn gelu_d_input<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    gradient(GeluSlope, ("input", input), d_output, d_input)
}

/// `SiLU`, also called Swish: `output = x / (1 + exp(−x))` for each x of the input, within `4e-7 · |x|` of it. S. Elfwing,
/// E. Uchibe and K. Doya, Sigmoid-weighted linear units (2017).
///
/// Computed as ½x + ½x tanh(½x), and so exactly 0 below −18.04 and x above 18.04.
///
/// ```
/// use conv_core::ops::activation;
/// use ndarray::{Array1, arr1};
///
/// let (input, mut output) = (arr1(&[-30., 0., 1., 30.]), Array1::zeros(4));
/// activation::silu(input.view(), output.view_mut())?;
/// assert_eq!((output[0], output[1], output[3]), (0., 0., 30.));
/// assert!((output[2] - 1. / (1. + (-1_f32).exp())).abs() < 4e-7);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn silu<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    unary(Silu, input, output)
}

/// The gradient of [`silu`]: with σ = 1 / (1 + exp(−x)), `d_input = d_output · (σ + x σ (1 − σ))`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn silu_d_input<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    gradient(SiluSlope, ("input", input), d_output, d_input)
}

fn unary<F: Function, D: Dimension>(
    function: F,
    input: ArrayView<'_, f32, D>,
    mut output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("output", input.shape(), output.shape())?;
    let input = slice("input", &input)?;
    let output = slice_mut("output", &mut output)?;
    parallel::parts_mut(output, PART, |part, output| {
        let input = &input[part * PART..];
        map(function, input, input, output);
    });
    Ok(())
}

fn gradient<F: Function, D: Dimension>(
    function: F,
    (what, known): (&'static str, ArrayView<'_, f32, D>),
    d_output: ArrayView<'_, f32, D>,
    mut d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("d_output", known.shape(), d_output.shape())?;
    expect_shape("d_input", known.shape(), d_input.shape())?;
    let (known, d_output) = (slice(what, &known)?, slice("d_output", &d_output)?);
    let d_input = slice_mut("d_input", &mut d_input)?;
    parallel::parts_mut(d_input, PART, |part, d_input| {
        let (known, d_output) = (&known[part * PART..], &d_output[part * PART..]);
        map(function, known, d_output, d_input);
    });
    Ok(())
}

/// A function of two values; one of a single value is given it twice.
pub(crate) trait Function: Copy + Send + Sync {
    fn of<S: Simd>(self, s: S, x: S::F32, y: S::F32) -> S::F32;
}

/// `output[i] = function(x[i], y[i])` for as many as `output` holds.
pub(crate) fn map<F: Function>(function: F, x: &[f32], y: &[f32], output: &mut [f32]) {
    dispatch(Map {
        function,
        x,
        y,
        output,
    });
}

struct Map<'a, F> {
    function: F,
    x: &'a [f32],
    y: &'a [f32],
    output: &'a mut [f32],
}

impl<F: Function> Op for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let sources = self.x.chunks(S::WIDTH).zip(self.y.chunks(S::WIDTH));
        for ((x, y), output) in sources.zip(self.output.chunks_mut(S::WIDTH)) {
            let value = self.function.of(s, s.load_first(x), s.load_first(y));
            s.store_first(value, output);
        }
    }
}

/// y, times the slope where x is not above 0: the leaky `ReLU` of x where y = x, and its gradient where y is
/// the output's.
#[derive(Clone, Copy)]
pub(crate) struct Relu(pub(crate) f32);

impl Function for Relu {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, y: S::F32) -> S::F32 {
        s.if_greater(x, s.splat(0.0), y, s.mul(s.splat(self.0), y))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, _: S::F32) -> S::F32 {
        math::tanh(s, x)
    }
}

/// Of the output and its gradient.
#[derive(Clone, Copy)]
pub(crate) struct TanhSlope;

impl Function for TanhSlope {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, output: S::F32, d_output: S::F32) -> S::F32 {
        s.mul(d_output, s.neg_mul_add(output, output, s.splat(1.0)))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;

impl Function for Sigmoid {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, _: S::F32) -> S::F32 {
        let half = s.splat(0.5);
        s.mul_add(half, math::tanh(s, s.mul(half, x)), half)
    }
}

/// Of the output and its gradient.
#[derive(Clone, Copy)]
pub(crate) struct SigmoidSlope;

impl Function for SigmoidSlope {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, output: S::F32, d_output: S::F32) -> S::F32 {
        s.mul(d_output, s.neg_mul_add(output, output, output))
    }
}

/// √(2/π)
const GELU: f32 = 0.797_884_6;
const GELU_CUBE: f32 = 0.044_715;

/// The tanh in GELU.
#[inline(always)]
fn gelu_tanh<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let factor = s.mul_add(s.mul(x, x), s.splat(GELU * GELU_CUBE), s.splat(GELU));
    math::tanh(s, s.mul(x, factor))
}

#[derive(Clone, Copy)]
pub(crate) struct Gelu;

impl Function for Gelu {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, _: S::F32) -> S::F32 {
        let half = s.mul(s.splat(0.5), x);
        s.mul_add(half, gelu_tanh(s, x), half)
    }
}

/// Of the input and the output's gradient.
#[derive(Clone, Copy)]
pub(crate) struct GeluSlope;

impl Function for GeluSlope {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, d_output: S::F32) -> S::F32 {
        // Beyond ±10 the tanh is ±1 and 1 − t² is 0, which an infinite square would make NaN.
        let x = s.max(s.splat(-10.0), s.min(s.splat(10.0), x));
        let (half, one) = (s.splat(0.5), s.splat(1.0));
        let t = gelu_tanh(s, x);
        let inner = s.mul_add(s.mul(x, x), s.splat(3.0 * GELU * GELU_CUBE), s.splat(GELU));
        let curve = s.mul(s.mul(s.mul(half, x), inner), s.neg_mul_add(t, t, one));
        s.mul(d_output, s.add(s.mul_add(half, t, half), curve))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Silu;

impl Function for Silu {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, _: S::F32) -> S::F32 {
        // Far below 0 the tanh is −1 and the result 0, which −∞ − (−∞) would make NaN.
        let half = s.mul(s.splat(0.5), s.max(s.splat(-40.0), x));
        s.mul_add(half, math::tanh(s, half), half)
    }
}

/// Of the input and the output's gradient.
#[derive(Clone, Copy)]
pub(crate) struct SiluSlope;

impl Function for SiluSlope {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::F32, d_output: S::F32) -> S::F32 {
        // Beyond ±40 the tanh is ±1 and 1 − t² is 0, which an infinite x would make NaN.
        let x = s.max(s.splat(-40.0), s.min(s.splat(40.0), x));
        let (half, one) = (s.splat(0.5), s.splat(1.0));
        let t = math::tanh(s, s.mul(half, x));
        let curve = s.mul(s.mul(s.splat(0.25), x), s.neg_mul_add(t, t, one));
        s.mul(d_output, s.add(s.mul_add(half, t, half), curve))
    }
}
