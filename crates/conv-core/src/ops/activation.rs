//! Functions of each number by itself.

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use super::{expect_shape, numbers, numbers_mut};
use crate::simd::{Op, Simd, dispatch, math};
use crate::{Error, parallel};

/// Numbers of a task.
const PART: usize = 1 << 14;

/// `output = tanh(input)`, within 4e-7 of it.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn tanh<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    mut output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("output", input.shape(), output.shape())?;
    let (input, output) = (
        numbers("input", &input)?,
        numbers_mut("output", &mut output)?,
    );
    parallel::parts_mut(output, PART, |part, output| {
        dispatch(Tanh {
            input: &input[part * PART..],
            output,
        });
    });
    Ok(())
}

/// The gradient of [`tanh`], by what it gave: `d_input = d_output · (1 − output²)`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn tanh_d_input<D: Dimension>(
    output: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    mut d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("d_output", output.shape(), d_output.shape())?;
    expect_shape("d_input", output.shape(), d_input.shape())?;
    let (output, d_output) = (numbers("output", &output)?, numbers("d_output", &d_output)?);
    parallel::parts_mut(
        numbers_mut("d_input", &mut d_input)?,
        PART,
        |part, d_input| {
            dispatch(TanhDInput {
                output: &output[part * PART..],
                d_output: &d_output[part * PART..],
                d_input,
            });
        },
    );
    Ok(())
}

/// `output = input` where it is above 0, else `slope · input`: a leaky `ReLU`, and with slope 0 the `ReLU`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn relu<D: Dimension>(
    slope: f32,
    input: ArrayView<'_, f32, D>,
    mut output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("output", input.shape(), output.shape())?;
    let (input, output) = (
        numbers("input", &input)?,
        numbers_mut("output", &mut output)?,
    );
    parallel::parts_mut(output, PART, |part, output| {
        let input = &input[part * PART..];
        dispatch(Relu {
            slope,
            sign: input,
            input,
            output,
        });
    });
    Ok(())
}

/// The gradient of [`relu`]: `d_input = d_output` where the input was above 0, else `slope · d_output`.
///
/// # Errors
/// If the shapes differ or an array is not in row-major order.
pub fn relu_d_input<D: Dimension>(
    slope: f32,
    input: ArrayView<'_, f32, D>,
    d_output: ArrayView<'_, f32, D>,
    mut d_input: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("d_output", input.shape(), d_output.shape())?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let (input, d_output) = (numbers("input", &input)?, numbers("d_output", &d_output)?);
    parallel::parts_mut(
        numbers_mut("d_input", &mut d_input)?,
        PART,
        |part, output| {
            let (sign, input) = (&input[part * PART..], &d_output[part * PART..]);
            dispatch(Relu {
                slope,
                sign,
                input,
                output,
            });
        },
    );
    Ok(())
}

/// `input`, times `slope` where `sign` is not above 0.
struct Relu<'a> {
    slope: f32,
    sign: &'a [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Relu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let sources = self.sign.chunks(S::WIDTH).zip(self.input.chunks(S::WIDTH));
        for ((sign, input), output) in sources.zip(self.output.chunks_mut(S::WIDTH)) {
            let x = s.load_first(input);
            let scaled = s.mul(s.splat(self.slope), x);
            let y = s.if_greater(s.load_first(sign), s.splat(0.0), x, scaled);
            s.store_first(y, output);
        }
    }
}

struct Tanh<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Tanh<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (input, output) in self
            .input
            .chunks(S::WIDTH)
            .zip(self.output.chunks_mut(S::WIDTH))
        {
            s.store_first(math::tanh(s, s.load_first(input)), output);
        }
    }
}

struct TanhDInput<'a> {
    output: &'a [f32],
    d_output: &'a [f32],
    d_input: &'a mut [f32],
}

impl Op for TanhDInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let sources = self
            .output
            .chunks(S::WIDTH)
            .zip(self.d_output.chunks(S::WIDTH));
        for ((output, d_output), d_input) in sources.zip(self.d_input.chunks_mut(S::WIDTH)) {
            let output = s.load_first(output);
            let slope = s.neg_mul_add(output, output, s.splat(1.0));
            s.store_first(s.mul(s.load_first(d_output), slope), d_input);
        }
    }
}
