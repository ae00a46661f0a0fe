//! Pooling over the pixels under a window, channel by channel: the maximum, or the mean.
//!
//! Longer than other files, since the maximum has two loops: one for values without a NaN, and one for any values.

use std::ops::Range;

use super::check::{expect_shape, expect_some, slice, slice_mut};
use crate::shape::{Window, product};
use crate::simd::{LANES, Op, Simd, dispatch, dispatch_for, outlined};
use crate::{Error, parallel};
use ndarray::{ArrayView4, ArrayViewMut4};

/// What becomes of the pixels under a window. Pixels of the padding count for neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Pool {
    /// The maximum; of equals, the first one has the gradient.
    Max,
    /// The mean.
    Mean,
}

/// `output[n, oy, ox, c]` = maximum or mean of `input[n, y, x, c]` under the window,
/// see [`reference::pool`](crate::reference::pool).
///
/// input (N, H, W, C) → output (N, Oh, Ow, C)
///
/// ```
/// use conv_core::ops::pool::{self, Pool};
/// use conv_core::shape::Window;
/// use ndarray::{Array4, arr1};
///
/// // The values 0 to 7 in two rows, pooled in tiles of 2 × 2.
/// let image = Array4::from_shape_fn((1, 2, 4, 1), |(_, y, x, _)| (4 * y + x) as f32);
/// let tiles = Window::new(2, 2).stride(2);
/// let mut output = Array4::zeros((1, 1, 2, 1));
/// pool::forward(Pool::Max, &tiles, image.view(), output.view_mut())?;
/// assert_eq!(output.flatten(), arr1(&[5., 7.]));
/// pool::forward(Pool::Mean, &tiles, image.view(), output.view_mut())?;
/// assert_eq!(output.flatten(), arr1(&[2.5, 4.5]));
/// # Ok::<(), conv_core::Error>(())
/// ```
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
    let plan = check(pool, window, input.dim(), ("output", output.shape()))?;
    let input = slice("input", &input)?;
    let output = slice_mut("output", &mut output)?;
    parallel::parts_mut(output, plan.output_len(), |image, output| {
        plan.forward(&input[image * plan.input_len()..], output);
    });
    Ok(())
}

/// The gradient of [`forward`]: to the maximum all of `d_output`, or to each pixel an equal share.
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
    let plan = check(pool, window, input.dim(), ("d_output", d_output.shape()))?;
    expect_shape("d_input", input.shape(), d_input.shape())?;
    let (input, d_output) = (slice("input", &input)?, slice("d_output", &d_output)?);
    let d_input = slice_mut("d_input", &mut d_input)?;
    parallel::parts_mut(d_input, plan.input_len(), |image, d_input| {
        let input = &input[image * plan.input_len()..];
        let d_output = &d_output[image * plan.output_len()..];
        let mut argmax = Vec::new();
        if pool == Pool::Max {
            argmax.resize(plan.output_len(), 0);
            let mut output = vec![0.0; plan.output_len()];
            plan.max(input, &mut output, Some(&mut argmax));
        }
        plan.d_input(&argmax, d_output, d_input);
    });
    Ok(())
}

fn check(
    pool: Pool,
    window: &Window,
    (n, h, w, channels): (usize, usize, usize, usize),
    (name, output): (&'static str, &[usize]),
) -> Result<Plan, Error> {
    expect_some("images", n)?;
    let (rows, cols) = window.output(h, w)?.into();
    product("input", &[n, h, w, channels])?;
    product("output", &[n, rows, cols, channels])?;
    expect_shape(name, &[n, rows, cols, channels], output)?;
    Plan::new(pool, window, (h, w, channels))
}

/// Which pixels of a window lie on the image along one side, where the window begins with pixel `start` of the padded
/// image, of which those from `before` on are the `input`'s.
fn inside(
    start: usize,
    before: usize,
    input: usize,
    (size, dilation): (usize, usize),
) -> Range<usize> {
    let reach = |to: usize| to.saturating_sub(start).div_ceil(dilation).min(size);
    reach(before)..reach(before + input)
}

/// An error if there is a position with nothing but padding under the window, of an image of so many rows and columns.
pub(crate) fn check_padding(window: &Window, rows: usize, cols: usize) -> Result<(), Error> {
    let (positions, before) = (window.output(rows, cols)?, window.before(rows, cols)?);
    let empty = |positions, stride, before, input, taps| {
        let mut starts = (0..positions).map(|at: usize| at * stride);
        starts.any(|start| inside(start, before, input, taps).is_empty())
    };
    let (size, dilation, stride) = (window.size, window.dilation, window.stride);
    if empty(
        positions.down,
        stride.down,
        before.down,
        rows,
        (size.down, dilation.down),
    ) || empty(
        positions.right,
        stride.right,
        before.right,
        cols,
        (size.right, dilation.right),
    ) {
        let expected = "less: there is a position with nothing but padding under the window";
        return Err(Error::Range {
            what: "padding",
            expected: expected.into(),
            found: before.down.max(before.right),
        });
    }
    Ok(())
}

/// The pixels under the window at each position of an image.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pool: Pool,
    channels: usize,
    pixels: usize,
    /// The pixels, position by position, row-major both.
    taps: Vec<u32>,
    /// Where each position's taps end.
    ends: Vec<u32>,
    /// Whether no pixel is under the windows of two positions.
    apart: bool,
}

impl Plan {
    pub(crate) fn new(
        pool: Pool,
        window: &Window,
        (h, w, channels): (usize, usize, usize),
    ) -> Result<Self, Error> {
        expect_some("channels", channels)?;
        let (rows, cols) = window.output(h, w)?.into();
        let (top, left) = window.before(h, w)?.into();
        product("input", &[h, w, channels])?;
        product(
            "pixels under the window",
            &[rows, cols, window.size.down, window.size.right],
        )?;
        check_padding(window, h, w)?;
        let mut taps = Vec::new();
        let mut ends = Vec::with_capacity(rows * cols);
        for oy in 0..rows {
            for ox in 0..cols {
                let (down, right) = (oy * window.stride.down, ox * window.stride.right);
                for ky in inside(down, top, h, (window.size.down, window.dilation.down)) {
                    let y = down + ky * window.dilation.down - top;
                    for kx in inside(right, left, w, (window.size.right, window.dilation.right)) {
                        let x = right + kx * window.dilation.right - left;
                        taps.push((y * w + x) as u32);
                    }
                }
                ends.push(taps.len() as u32);
            }
        }
        let mut seen = vec![false; h * w];
        let mut all = taps.iter();
        let apart = all.all(|&tap| !std::mem::replace(&mut seen[tap as usize], true));
        Ok(Self {
            pool,
            channels,
            pixels: h * w,
            taps,
            ends,
            apart,
        })
    }

    /// Values of an image of the input.
    pub(crate) fn input_len(&self) -> usize {
        self.pixels * self.channels
    }

    /// Values of an image of the output.
    pub(crate) fn output_len(&self) -> usize {
        self.ends.len() * self.channels
    }

    /// Whether it takes the maximum.
    pub(crate) fn is_max(&self) -> bool {
        self.pool == Pool::Max
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
        match self.pool {
            Pool::Max => self.max(input, output, None),
            Pool::Mean => {
                let mean = Mean {
                    plan: self,
                    input,
                    output,
                };
                dispatch_for(self.channels, mean);
            }
        }
    }

    /// Max pooling, and the pixel of each maximum: the first of equal ones, or the first NaN.
    ///
    /// input (H, W, C) → output, argmax (Oh, Ow, C)
    fn max(&self, input: &[f32], output: &mut [f32], argmax: Option<&mut [u32]>) {
        let max = Max {
            plan: self,
            input,
            output,
            argmax,
        };
        dispatch_for(self.channels, max);
    }

    /// Some images, with the pixel of each maximum if there is room for them.
    ///
    /// input (images, H, W, C) → output, argmax (images, Oh, Ow, C)
    pub(crate) fn forward_all(
        &self,
        input: &[f32],
        output: &mut [f32],
        argmax: Option<&mut [u32]>,
    ) {
        let len = self.output_len();
        let mut argmax = argmax.map(|argmax| argmax.chunks_exact_mut(len));
        let images = input.chunks_exact(self.input_len());
        for (input, output) in images.zip(output.chunks_exact_mut(len)) {
            match argmax.as_mut().and_then(Iterator::next) {
                Some(argmax) => self.max(input, output, Some(argmax)),
                None => self.forward(input, output),
            }
        }
    }

    /// The gradient of [`forward`](Self::forward); of max pooling by the argmax.
    ///
    /// argmax, `d_output` (Oh, Ow, C) → `d_input` (H, W, C)
    pub(crate) fn d_input(&self, argmax: &[u32], d_output: &[f32], d_input: &mut [f32]) {
        if self.pool == Pool::Max && self.apart {
            // Pixels that are under no window.
            if self.taps.len() < self.pixels {
                d_input.fill(0.0);
            }
            let choose = Choose {
                plan: self,
                argmax,
                d_output,
                d_input,
            };
            return dispatch(choose);
        }
        d_input.fill(0.0);
        if self.pool == Pool::Mean {
            let spread = Spread {
                plan: self,
                d_output,
                d_input,
            };
            return dispatch_for(self.channels, spread);
        }
        let rows = argmax.chunks_exact(self.channels);
        for (argmax, d) in rows.zip(d_output.chunks_exact(self.channels)) {
            for (channel, (&pixel, d)) in argmax.iter().zip(d).enumerate() {
                d_input[pixel as usize * self.channels + channel] += d;
            }
        }
    }

    /// Some channels of a pixel.
    #[inline(always)]
    fn pixel(&self, pixel: u32, channels: &Range<usize>) -> Range<usize> {
        let first = pixel as usize * self.channels;
        first + channels.start..first + channels.end
    }
}

/// The channels, a vector at a time.
#[inline(always)]
fn vectors<S: Simd>(channels: usize) -> impl Iterator<Item = Range<usize>> {
    (0..channels)
        .step_by(S::WIDTH)
        .map(move |first| first..(first + S::WIDTH).min(channels))
}

struct Max<'a> {
    plan: &'a Plan,
    input: &'a [f32],
    output: &'a mut [f32],
    argmax: Option<&'a mut [u32]>,
}

impl Op for Max<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        // NaN if a value is, or if there are infinities of both signs.
        let mut sums = s.splat(0.0);
        self.all(s, Some(&mut sums));
        let mut lanes = [0.0; LANES];
        s.store_first(sums, &mut lanes[..S::WIDTH]);
        if lanes.iter().any(|sum| sum.is_nan()) {
            self.all(s, None);
        }
    }
}

impl Max<'_> {
    /// All positions. With `sums`, windows of 4 and 9 pixels are computed as if no value were NaN, and their values are
    /// added to the sums, which are NaN if one was.
    #[inline(always)]
    fn all<S: Simd>(&mut self, s: S, mut sums: Option<&mut S::F32>) {
        let channels = self.plan.channels;
        for (position, taps) in self.plan.positions().enumerate() {
            let mut channel = 0;
            while channel + S::WIDTH <= channels {
                self.channels(s, (position, channel, S::WIDTH), taps, &mut sums);
                channel += S::WIDTH;
            }
            if channel < channels {
                self.channels(s, (position, channel, channels - channel), taps, &mut sums);
            }
        }
    }

    /// Some channels of a position: a vector, or fewer.
    #[inline(always)]
    fn channels<S: Simd>(
        &mut self,
        s: S,
        at: (usize, usize, usize),
        taps: &[u32],
        sums: &mut Option<&mut S::F32>,
    ) {
        match (sums, <&[_; 4]>::try_from(taps), <&[_; 9]>::try_from(taps)) {
            (Some(sums), Ok(taps), _) => outlined!(S: self.small_window(s, at, taps, sums)),
            (Some(sums), _, Ok(taps)) => outlined!(S: self.small_window(s, at, taps, sums)),
            _ => outlined!(S: self.any_window(s, at, taps)),
        }
    }

    /// As [`any_window`](Self::any_window) if no value is NaN, for small windows: each value is read once.
    #[inline(always)]
    fn small_window<S: Simd, const N: usize>(
        &mut self,
        s: S,
        (position, channel, count): (usize, usize, usize),
        taps: &[u32; N],
        sums: &mut S::F32,
    ) {
        let channels = self.plan.channels;
        let mut x = [s.splat(0.0); N];
        for (x, &tap) in x.iter_mut().zip(taps) {
            *x = s.load_first(&self.input[tap as usize * channels + channel..][..count]);
        }
        let (mut value, mut sum) = (x[0], x[0]);
        for &x in &x[1..] {
            value = s.max(x, value);
            sum = s.add(sum, x);
        }
        *sums = s.add(*sums, sum);
        let at = position * channels + channel;
        s.store_first(value, &mut self.output[at..][..count]);
        let Some(argmax) = &mut self.argmax else {
            return;
        };
        // The first value that equals the maximum.
        let mut index = s.splat(f32::from_bits(taps[N - 1]));
        for (&x, &tap) in x.iter().zip(taps).rev().skip(1) {
            index = s.if_greater(value, x, index, s.splat(f32::from_bits(tap)));
        }
        write_indices(s, index, &mut argmax[at..][..count]);
    }

    /// The first of equal values, and the first NaN, for windows of any size.
    #[inline(always)]
    fn any_window<S: Simd>(
        &mut self,
        s: S,
        (position, channel, count): (usize, usize, usize),
        taps: &[u32],
    ) {
        let channels = self.plan.channels;
        let x = |tap: u32| s.load_first(&self.input[tap as usize * channels + channel..][..count]);
        let at = position * channels + channel;
        let mut value = x(taps[0]);
        let Some(argmax) = &mut self.argmax else {
            for &tap in &taps[1..] {
                let x = x(tap);
                // A NaN stays, whatever comes after it.
                value = s.if_nan(x, x, s.max(x, value));
            }
            return s.store_first(value, &mut self.output[at..][..count]);
        };
        // A lane holds the bits of a pixel's index; such lanes are selected, never computed with.
        let number = |tap| s.splat(f32::from_bits(tap));
        let mut index = number(taps[0]);
        for &tap in &taps[1..] {
            let (x, number) = (x(tap), number(tap));
            let first_nan = s.if_nan(value, index, number);
            index = s.if_nan(x, first_nan, s.if_greater(x, value, number, index));
            value = s.if_nan(x, x, s.max(x, value));
        }
        s.store_first(value, &mut self.output[at..][..count]);
        write_indices(s, index, &mut argmax[at..][..count]);
    }
}

/// Writes the bits of lanes, which are indices of pixels.
#[inline(always)]
fn write_indices<S: Simd>(s: S, index: S::F32, to: &mut [u32]) {
    let mut bits = [0.0; LANES];
    s.store_first(index, &mut bits[..S::WIDTH]);
    for (to, bits) in to.iter_mut().zip(bits) {
        *to = bits.to_bits();
    }
}

/// The gradient of max pooling whose windows lie apart: each pixel under one is written once.
struct Choose<'a> {
    plan: &'a Plan,
    argmax: &'a [u32],
    d_output: &'a [f32],
    d_input: &'a mut [f32],
}

impl Op for Choose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (plan, channels) = (self.plan, self.plan.channels);
        let rows = self.argmax.chunks_exact(channels);
        let rows = rows.zip(self.d_output.chunks_exact(channels));
        for (taps, (argmax, d)) in plan.positions().zip(rows) {
            // Sixteen channels at a time, a number that is known, so that they are a vector; and the others.
            let (vectors, argmax) = argmax.as_chunks::<LANES>();
            let (d_vectors, d) = d.as_chunks::<LANES>();
            let mut first = 0;
            for (argmax, d) in vectors.iter().zip(d_vectors) {
                for &tap in taps {
                    let to = &mut self.d_input[tap as usize * channels + first..];
                    if let Some(to) = to.first_chunk_mut::<LANES>() {
                        *to = shares(tap, argmax, d);
                    }
                }
                first += LANES;
            }
            for &tap in taps {
                let to = &mut self.d_input[tap as usize * channels + first..][..d.len()];
                for ((to, &pixel), &d) in to.iter_mut().zip(argmax).zip(d) {
                    *to = share(tap, pixel, d);
                }
            }
        }
    }
}

/// Of the gradient of a position whose maximum was `argmax`, what goes to the pixel `tap`.
#[inline(always)]
fn share(tap: u32, argmax: u32, d: f32) -> f32 {
    // Added to 0, as where windows overlap: so no gradient is -0.
    let sum = 0.0 + d;
    if argmax == tap { sum } else { 0.0 }
}

/// The same for sixteen channels, in an array of its own: written to where it belongs, the values would be computed one by one.
#[inline(always)]
fn shares(tap: u32, argmax: &[u32; LANES], d: &[f32; LANES]) -> [f32; LANES] {
    let mut shares = *d;
    for (d, &argmax) in shares.iter_mut().zip(argmax) {
        *d = share(tap, argmax, *d);
    }
    shares
}

struct Mean<'a> {
    plan: &'a Plan,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let plan = self.plan;
        let outputs = self.output.chunks_exact_mut(plan.channels);
        for (taps, output) in plan.positions().zip(outputs) {
            for channels in vectors::<S>(plan.channels) {
                let mut sum = s.load_first(&self.input[plan.pixel(taps[0], &channels)]);
                for &tap in &taps[1..] {
                    sum = s.add(sum, s.load_first(&self.input[plan.pixel(tap, &channels)]));
                }
                let mean = s.div(sum, s.splat(taps.len() as f32));
                s.store_first(mean, &mut output[channels]);
            }
        }
    }
}

struct Spread<'a> {
    plan: &'a Plan,
    d_output: &'a [f32],
    d_input: &'a mut [f32],
}

impl Op for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let plan = self.plan;
        let d_outputs = self.d_output.chunks_exact(plan.channels);
        for (taps, d_output) in plan.positions().zip(d_outputs) {
            let count = s.splat(taps.len() as f32);
            for channels in vectors::<S>(plan.channels) {
                let share = s.div(s.load_first(&d_output[channels.clone()]), count);
                for &tap in taps {
                    let d_pixel = &mut self.d_input[plan.pixel(tap, &channels)];
                    s.store_first(s.add(s.load_first(d_pixel), share), d_pixel);
                }
            }
        }
    }
}
