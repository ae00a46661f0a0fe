//! Pooling over the pixels under a window, channel by channel: the largest, or the mean.

use super::{expect_shape, expect_some, numbers, numbers_mut};
use crate::shape::{Window, product};
use crate::simd::{Op, Simd, dispatch};
use crate::{Error, parallel};
use ndarray::{ArrayView4, ArrayViewMut4};

/// What becomes of the pixels under a window. Pixels of the padding count for neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Pool {
    /// The largest; of equals, the first one has the gradient.
    Max,
    /// The mean.
    Mean,
}

/// `output[n, oy, ox, c]` = maximum or mean of `input[n, y, x, c]` under the window,
/// see [`reference::pool`](crate::reference::pool).
///
/// input (N, H, W, C) → output (N, Oh, Ow, C)
///
/// # Errors
/// If the window does not fit, or has a position with nothing but padding under it; if a shape does not fit,
/// an array is not in row-major order or is empty.
pub fn forward(
    pool: Pool,
    window: &Window,
    input: ArrayView4<'_, f32>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let (plan, shape) = check(pool, window, input.dim())?;
    expect_shape("output", &shape, output.shape())?;
    let input = numbers("input", &input)?;
    let output = numbers_mut("output", &mut output)?;
    parallel::parts_mut(output, plan.output_len(), |image, output| {
        plan.forward(&input[image * plan.input_len()..], output);
    });
    Ok(())
}

/// The gradient of [`forward`]: to the largest pixel all of `d_output`, or to each its part.
///
/// input (N, H, W, C), `d_output` (N, Oh, Ow, C) → `d_input` (N, H, W, C)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    pool: Pool,
    window: &Window,
    input: ArrayView4<'_, f32>,
    d_output: ArrayView4<'_, f32>,
    mut d_input: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let (plan, shape) = check(pool, window, input.dim())?;
    expect_shape("d_output", &shape, d_output.shape())?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let (input, d_output) = (numbers("input", &input)?, numbers("d_output", &d_output)?);
    let d_input = numbers_mut("d_input", &mut d_input)?;
    parallel::parts_mut(d_input, plan.input_len(), |image, d_input| {
        let input = &input[image * plan.input_len()..];
        plan.d_input(input, &d_output[image * plan.output_len()..], d_input);
    });
    Ok(())
}

fn check(
    pool: Pool,
    window: &Window,
    (n, h, w, channels): (usize, usize, usize, usize),
) -> Result<(Plan, [usize; 4]), Error> {
    expect_some("images", n)?;
    let plan = Plan::new(pool, window, (h, w, channels))?;
    let (rows, cols) = window.output(h, w)?;
    product("input", &[n, h, w, channels])?;
    product("output", &[n, rows, cols, channels])?;
    Ok((plan, [n, rows, cols, channels]))
}

/// The pixels under the window at each position of an image.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pool: Pool,
    channels: usize,
    pixels: usize,
    /// The first number of each pixel, position by position, row-major both.
    taps: Vec<u32>,
    /// Where each position's taps end.
    ends: Vec<u32>,
}

impl Plan {
    pub(crate) fn new(
        pool: Pool,
        window: &Window,
        (h, w, channels): (usize, usize, usize),
    ) -> Result<Self, Error> {
        expect_some("channels", channels)?;
        let (rows, cols) = window.output(h, w)?;
        let (top, left) = window.before(h, w)?;
        product("input", &[h, w, channels])?;
        product(
            "pixels under the window",
            &[rows, cols, window.size.0, window.size.1],
        )?;
        let mut taps = Vec::new();
        let mut ends = Vec::with_capacity(rows * cols);
        for oy in 0..rows {
            for ox in 0..cols {
                let before = taps.len();
                for ky in 0..window.size.0 {
                    let y = (oy * window.stride.0 + ky * window.dilation.0).checked_sub(top);
                    let Some(y) = y.filter(|&y| y < h) else {
                        continue;
                    };
                    for kx in 0..window.size.1 {
                        let x = (ox * window.stride.1 + kx * window.dilation.1).checked_sub(left);
                        if let Some(x) = x.filter(|&x| x < w) {
                            taps.push(((y * w + x) * channels) as u32);
                        }
                    }
                }
                if taps.len() == before {
                    let expected =
                        "less: there is a position with nothing but padding under the window";
                    return Err(Error::Range {
                        what: "padding",
                        expected: expected.into(),
                        found: top.max(left),
                    });
                }
                ends.push(taps.len() as u32);
            }
        }
        Ok(Self {
            pool,
            channels,
            pixels: h * w,
            taps,
            ends,
        })
    }

    /// Numbers of an image.
    pub(crate) fn input_len(&self) -> usize {
        self.pixels * self.channels
    }

    /// Numbers of what it becomes.
    pub(crate) fn output_len(&self) -> usize {
        self.ends.len() * self.channels
    }

    /// Each position's output with the taps under it.
    fn positions(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts
            .zip(&self.ends)
            .map(|(&start, &end)| &self.taps[start as usize..end as usize])
    }

    /// One image: input (H, W, C) → output (Oh, Ow, C)
    pub(crate) fn forward(&self, input: &[f32], output: &mut [f32]) {
        dispatch(Forward {
            plan: self,
            input,
            output,
        });
    }

    /// The gradient of [`forward`](Self::forward): input (H, W, C), `d_output` (Oh, Ow, C) → `d_input` (H, W, C)
    pub(crate) fn d_input(&self, input: &[f32], d_output: &[f32], d_input: &mut [f32]) {
        d_input.fill(0.0);
        dispatch(DInput {
            plan: self,
            input,
            d_output,
            d_input,
        });
    }
}

/// Channels that are taken together. The loops over them are plain: compiled for each instruction set, they become
/// vectors by themselves, and nothing in them is rounded otherwise there.
const TOGETHER: usize = 8;

struct Forward<'a> {
    plan: &'a Plan,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let plan = self.plan;
        let outputs = self.output.chunks_exact_mut(plan.channels);
        for (taps, output) in plan.positions().zip(outputs) {
            let (many, rest) = output.as_chunks_mut::<TOGETHER>();
            let done = many.len() * TOGETHER;
            for (at, output) in many.iter_mut().enumerate() {
                *output = pooled(plan.pool, taps, &self.input[at * TOGETHER..]);
            }
            for (at, output) in rest.iter_mut().enumerate() {
                [*output] = pooled(plan.pool, taps, &self.input[done + at..]);
            }
        }
    }
}

/// N channels of a pixel.
#[inline(always)]
fn pixel<const N: usize>(input: &[f32], tap: u32) -> [f32; N] {
    let mut pixel = [0.0; N];
    pixel.copy_from_slice(&input[tap as usize..][..N]);
    pixel
}

#[inline(always)]
fn pooled<const N: usize>(pool: Pool, taps: &[u32], input: &[f32]) -> [f32; N] {
    let mut output: [f32; N] = pixel(input, taps[0]);
    for &tap in &taps[1..] {
        let x: [f32; N] = pixel(input, tap);
        for (output, x) in output.iter_mut().zip(x) {
            *output = match pool {
                // A NaN goes through, and stays.
                Pool::Max if x > *output || x.is_nan() => x,
                Pool::Max => *output,
                Pool::Mean => *output + x,
            };
        }
    }
    if pool == Pool::Mean {
        output = output.map(|sum| sum / taps.len() as f32);
    }
    output
}

struct DInput<'a> {
    plan: &'a Plan,
    input: &'a [f32],
    d_output: &'a [f32],
    d_input: &'a mut [f32],
}

impl Op for DInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let plan = self.plan;
        let d_outputs = self.d_output.chunks_exact(plan.channels);
        for (taps, d_output) in plan.positions().zip(d_outputs) {
            let (many, rest) = d_output.as_chunks::<TOGETHER>();
            let done = many.len() * TOGETHER;
            for (at, &d) in many.iter().enumerate() {
                let first = at * TOGETHER;
                spread(
                    plan.pool,
                    taps,
                    d,
                    &self.input[first..],
                    &mut self.d_input[first..],
                );
            }
            for (at, &d) in rest.iter().enumerate() {
                let first = done + at;
                spread(
                    plan.pool,
                    taps,
                    [d],
                    &self.input[first..],
                    &mut self.d_input[first..],
                );
            }
        }
    }
}

#[inline(always)]
fn spread<const N: usize>(
    pool: Pool,
    taps: &[u32],
    d: [f32; N],
    input: &[f32],
    d_input: &mut [f32],
) {
    // The tap of the largest, the first of equals; of NaN the first.
    let mut place = [0_u32; N];
    if pool == Pool::Max {
        let mut best: [f32; N] = pixel(input, taps[0]);
        for (number, &tap) in (1..).zip(&taps[1..]) {
            let x: [f32; N] = pixel(input, tap);
            for lane in 0..N {
                let larger = x[lane] > best[lane] || (x[lane].is_nan() && !best[lane].is_nan());
                best[lane] = if larger { x[lane] } else { best[lane] };
                place[lane] = if larger { number } else { place[lane] };
            }
        }
    }
    let count = taps.len() as f32;
    for (number, &tap) in (0..).zip(taps) {
        let d_pixel = &mut d_input[tap as usize..][..N];
        for (lane, d_pixel) in d_pixel.iter_mut().enumerate() {
            *d_pixel += match pool {
                Pool::Mean => d[lane] / count,
                Pool::Max if place[lane] == number => d[lane],
                Pool::Max => 0.0,
            };
        }
    }
}
