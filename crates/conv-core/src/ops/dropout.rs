//! Dropout: with masks that are given (the chapter's), or drawn from a seed value by value (a network's).

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use super::check::{expect_shape, slice, slice_mut};
use crate::random::Seeded;
use crate::simd::{LANES, Op, Simd, dispatch};
use crate::tuning::VALUES_PER_TASK as PART;
use crate::{Bits, Error, parallel};

/// `output[i] = input[i] · scale` where bit `first + i` of `masks` is set, else 0. Its gradient is itself:
/// `d_input` is made of `d_output` with the same masks and scale.
///
/// With `scale` = 1 / (probability of a set bit) the expected value stays what it was.
///
/// ```
/// use conv_core::ops::dropout::dropout;
/// use conv_core::{Bits, NumpyRandom};
/// use ndarray::{Array1, arr1};
///
/// // The first draws of numpy.random.randint(2) with seed 1: 1 1 0 0 1.
/// let mut masks = Bits::default();
/// NumpyRandom::new(1).randint2(5, &mut masks);
/// let (input, mut output) = (Array1::ones(5), Array1::zeros(5));
/// dropout(input.view(), &masks, 0, 2., output.view_mut())?;
/// assert_eq!(output, arr1(&[2., 2., 0., 0., 2.]));
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ, an array is not in row-major order, or there are too few masks.
pub fn dropout<D: Dimension>(
    input: ArrayView<'_, f32, D>,
    masks: &Bits,
    first: usize,
    scale: f32,
    mut output: ArrayViewMut<'_, f32, D>,
) -> Result<(), Error> {
    expect_shape("output", input.shape(), output.shape())?;
    let needed = first
        .checked_add(input.len())
        .ok_or(Error::Overflow { what: "masks" })?;
    if masks.len() < needed {
        return Err(Error::Shape {
            what: "masks",
            expected: vec![needed],
            found: vec![masks.len()],
        });
    }
    let (input, output) = (slice("input", &input)?, slice_mut("output", &mut output)?);
    parallel::parts_mut(output, PART, |part, output| {
        let first = first + part * PART;
        dispatch(Dropout {
            input: &input[part * PART..],
            masks,
            first,
            scale,
            output,
        });
    });
    Ok(())
}

struct Dropout<'a> {
    input: &'a [f32],
    masks: &'a Bits,
    first: usize,
    scale: f32,
    output: &'a mut [f32],
}

impl Op for Dropout<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let lanes = self.input.chunks(LANES).zip(self.output.chunks_mut(LANES));
        for (i, (input, output)) in lanes.enumerate() {
            let bits = self.masks.get16(self.first + i * LANES);
            let parts = input.chunks(S::WIDTH).zip(output.chunks_mut(S::WIDTH));
            for (part, (input, output)) in parts.enumerate() {
                let scaled = s.mul(s.load_first(input), s.splat(self.scale));
                s.store_first(s.keep(scaled, bits, part), output);
            }
        }
    }
}

/// Dropout with a mask that is drawn, not given: value i, counted over the batch from `first`, becomes 0 where its own
/// draw says so, and otherwise is divided by 1 − p.
pub(crate) fn drop_seeded(
    random: &Seeded,
    probability: f32,
    first: u64,
    input: &[f32],
    output: &mut [f32],
) {
    let below = (f64::from(probability) * 4_294_967_296.0) as u64;
    dispatch(DropSeeded {
        random,
        below,
        scale: 1.0 / (1.0 - probability),
        first,
        input,
        output,
    });
}

/// A plain loop, which the compiler turns into the vectors of each instruction set.
struct DropSeeded<'a> {
    random: &'a Seeded,
    below: u64,
    scale: f32,
    first: u64,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for DropSeeded<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let pairs = self.input.iter().zip(self.output);
        for (at, (&x, output)) in (self.first..).zip(pairs) {
            // A mask and no branch, which no processor could predict.
            let kept = u32::from(self.random.at(at) >> 32 >= self.below);
            *output = f32::from_bits((x * self.scale).to_bits() & kept.wrapping_neg());
        }
    }
}
