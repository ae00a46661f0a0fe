//! Convolution with many kernels: any size, stride, dilation, padding and groups.

use ndarray::{ArrayView1, ArrayView4, ArrayViewMut1, ArrayViewMut4};

use super::engine::{PANEL, Plan, TAPS, TILES, packed_window_back, with_kernels};
use super::scatter::Scatter;
use super::{expect_shape, expect_some, numbers, numbers_mut, rows};
use crate::shape::{Window, product};
use crate::simd::{Lanes, groups};
use crate::{Error, parallel};

/// Pixels that are whole tiles of 12, 14 and 6 for the loops over them, and whole halves of tiles of 8.
const PIXELS: usize = 84;

/// What a convolution is, but for its numbers of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// The window under a kernel.
    pub window: Window,
    /// Groups of channels that know nothing of each other: 1 for a common convolution, as many as input
    /// channels for a depthwise one.
    pub groups: usize,
}

impl Conv {
    /// A common convolution with such a window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self { window, groups: 1 }
    }

    /// The same in groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    pub(crate) fn check_channels(&self, cin: usize, cout: usize) -> Result<(), Error> {
        for (what, found) in [("input channels", cin), ("output channels", cout)] {
            expect_some(what, found)?;
            if self.groups == 0 || found % self.groups != 0 {
                let expected = format!("a divisor of the {found} {what}");
                return Err(Error::Range {
                    what: "groups",
                    expected,
                    found: self.groups,
                });
            }
        }
        Ok(())
    }

    /// Checks all shapes; (images, input size, output size).
    fn check(
        &self,
        input: (&'static str, &[usize]),
        kernels: (&'static str, &[usize]),
        output: (&'static str, &[usize]),
    ) -> Result<usize, Error> {
        let ((input_name, input), (kernels_name, kernels), (output_name, output)) =
            (input, kernels, output);
        let (&[n, h, w, cin], &[_, _, _, cout]) = (input, kernels) else {
            return Err(Error::Overflow {
                what: "the number of axes",
            });
        };
        expect_some("images", n)?;
        for (what, found) in [(input_name, cin), (kernels_name, cout)] {
            expect_some(what, found)?;
        }
        self.check_channels(cin, cout)?;
        let (kh, kw) = self.window.size;
        expect_shape(kernels_name, &[kh, kw, cin / self.groups, cout], kernels)?;
        let (rows, cols) = self.window.output(h, w)?;
        product(input_name, input)?;
        product(output_name, &[n, rows, cols, cout])?;
        expect_shape(output_name, &[n, rows, cols, cout], output)?;
        Ok(n)
    }
}

/// The images as the plan's windows find them: as they are, or placed among zeros in `buffer`.
fn placed<'a>(
    plan: &Plan,
    images: &'a [f32],
    buffer: &'a mut Vec<f32>,
) -> Result<&'a [f32], Error> {
    if plan.in_place() {
        return Ok(images);
    }
    let count = images.len() / plan.input_len();
    product("the padded input", &[count, plan.placed_len()])?;
    // A new buffer, all zeros.
    buffer.clear();
    buffer.resize(count * plan.placed_len(), 0.0);
    parallel::parts_mut(buffer, plan.placed_len(), |image, to| {
        plan.place(&images[image * plan.input_len()..][..plan.input_len()], to);
    });
    Ok(buffer)
}

/// Runs a plan over images.
fn run(
    plan: &Plan,
    input: &[f32],
    packed: &[Lanes],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), Error> {
    let images = output.len() / plan.output_len();
    let channels = plan.output_len() / plan.pixels();
    // Images that a task takes at once, and the least that are worth a task.
    let (few, least) = match plan.tiles() {
        Some(tiles) => ((TILES / tiles).max(1), (TILES / 2).div_ceil(tiles)),
        None => (
            PIXELS.div_ceil(plan.pixels()),
            PIXELS.div_ceil(plan.pixels()),
        ),
    };
    let together = images.div_ceil(16).max(least);
    let many = images.div_ceil(together) >= 8;
    let by_images = match plan.tiles() {
        Some(tiles) => many || tiles <= TILES,
        None => many && !plan.in_place(),
    };
    if by_images {
        // Some images a task, which places them a few at a time, so that they are in its cache.
        parallel::parts_mut(output, together * plan.output_len(), |part, output| {
            let mut buffer = plan.buffer(few.min(together));
            let input = &input[part * together * plan.input_len()..];
            let blocks = input.chunks(few * plan.input_len());
            for (output, input) in output.chunks_mut(few * plan.output_len()).zip(blocks) {
                let input = &input[..output.len() / plan.output_len() * plan.input_len()];
                let placed = plan.placed(input, &mut buffer);
                plan.forward(placed, 0, packed, bias, output);
            }
        });
        return Ok(());
    }
    let mut buffer = Vec::new();
    let placed = placed(plan, input, &mut buffer)?;
    // Of tiles some rows of an image a task, else some pixels of all images.
    let (whole, pixels) = match plan.band() {
        Some(pixels) => (plan.output_len(), pixels),
        None => {
            let pixels = output.len() / channels / 16;
            (output.len(), pixels.max(1).next_multiple_of(PIXELS))
        }
    };
    for (number, output) in output.chunks_exact_mut(whole).enumerate() {
        let first = number * whole / channels;
        parallel::parts_mut(output, pixels * channels, |part, output| {
            plan.forward(placed, first + part * pixels, packed, bias, output);
        });
    }
    Ok(())
}

/// `output[n, oy, ox, o] = bias[o] + Σ input[n, y, x, i] · kernels[ky, kx, i, o]`,
/// see [`reference::conv`](crate::reference::conv).
///
/// input (N, H, W, Cin), kernels (Kh, Kw, Cin / groups, Cout), bias (Cout) → output (N, Oh, Ow, Cout)
///
/// ```
/// use conv_core::ops::conv::{self, Conv};
/// use conv_core::shape::Window;
/// use ndarray::Array4;
///
/// // One kernel that is a horizontal line, on an image that is one.
/// let image = Array4::from_shape_fn((1, 5, 5, 1), |(_, y, _, _)| if y == 2 { 1.0 } else { 0.0 });
/// let kernels = Array4::from_shape_fn((3, 3, 1, 1), |(y, _, _, _)| if y == 1 { 1.0 } else { -0.5 });
/// let mut output = Array4::zeros((1, 3, 3, 1));
/// conv::forward(&Conv::new(Window::new(3, 3)), image.view(), kernels.view(), None, output.view_mut())?;
/// assert_eq!(output.into_raw_vec_and_offset().0, [-1.5, -1.5, -1.5, 3.0, 3.0, 3.0, -1.5, -1.5, -1.5]);
/// # Ok::<(), conv_core::Error>(())
/// ```
///
/// # Errors
/// If a shape does not fit the others or the window, an array is not in row-major order, or there are no images.
pub fn forward(
    conv: &Conv,
    input: ArrayView4<'_, f32>,
    kernels: ArrayView4<'_, f32>,
    bias: Option<ArrayView1<'_, f32>>,
    mut output: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    conv.check(
        ("input", input.shape()),
        ("kernels", kernels.shape()),
        ("output", output.shape()),
    )?;
    let (_, h, w, cin) = input.dim();
    let cout = kernels.dim().3;
    let bias = match &bias {
        None => None,
        Some(bias) => {
            expect_shape("bias", &[cout], bias.shape())?;
            Some(numbers("bias", bias)?)
        }
    };
    let plan = Plan::new(conv, (h, w, cin), cout)?;
    let (input, kernels) = (numbers("input", &input)?, numbers("kernels", &kernels)?);
    let output = numbers_mut("output", &mut output)?;
    with_kernels(plan.packed_len(), |packed| {
        plan.pack(kernels, packed);
        run(&plan, input, packed, bias, output)
    })
}

/// `d_input[n, y, x, i] = Σ d_output[n, oy, ox, o] · kernels[ky, kx, i, o]`,
/// see [`reference::conv_d_input`](crate::reference::conv_d_input).
///
/// `d_output` (N, Oh, Ow, Cout), kernels (Kh, Kw, Cin / groups, Cout) → `d_input` (N, H, W, Cin)
///
/// # Errors
/// As [`forward`].
pub fn d_input(
    conv: &Conv,
    d_output: ArrayView4<'_, f32>,
    kernels: ArrayView4<'_, f32>,
    mut d_input: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    conv.check(
        ("d_input", d_input.shape()),
        ("kernels", kernels.shape()),
        ("d_output", d_output.shape()),
    )?;
    let (_, h, w, cin) = d_input.dim();
    let (_, rows, cols, cout) = d_output.dim();
    if packed_window_back(conv, (rows, cols), (cin, cout)).is_some() {
        let plan = Plan::new(conv, (h, w, cin), cout)?;
        let images = d_input.dim().0.div_ceil(16);
        let (d_output, kernels) = (
            numbers("d_output", &d_output)?,
            numbers("kernels", &kernels)?,
        );
        let d_input = numbers_mut("d_input", &mut d_input)?;
        with_kernels(plan.packed_back_len(), |packed| {
            plan.pack_back(kernels, packed);
            parallel::parts_mut(d_input, images * plan.input_len(), |part, d_input| {
                let count = d_input.len() / plan.input_len();
                let first = part * images * plan.output_len();
                let d_output = &d_output[first..][..count * plan.output_len()];
                let mut buffer = plan.buffer(count);
                plan.d_input(d_output, packed, &mut buffer, d_input);
            });
        });
        return Ok(());
    }
    if Scatter::suits(conv, cin) {
        let scatter = Scatter::new(conv, (h, w, cin), kernels.dim().3)?;
        let mut packed = vec![Lanes::ZERO; scatter.packed_len()];
        scatter.pack(numbers("kernels", &kernels)?, &mut packed);
        let d_output_len = d_output.len() / d_output.dim().0;
        let d_output = numbers("d_output", &d_output)?;
        let images = d_input.dim().0.div_ceil(16);
        let d_input = numbers_mut("d_input", &mut d_input)?;
        parallel::parts_mut(d_input, images * h * w * cin, |part, d_input| {
            let d_output = &d_output[part * images * d_output_len..];
            let mut buffer = vec![0.0; scatter.buffer_len()];
            scatter.run(d_output, &packed, &mut buffer, d_input);
        });
        return Ok(());
    }
    let plan = Plan::transposed(conv, (h, w, cin), kernels.dim().3)?;
    let (d_output, kernels) = (
        numbers("d_output", &d_output)?,
        numbers("kernels", &kernels)?,
    );
    let d_input = numbers_mut("d_input", &mut d_input)?;
    with_kernels(plan.packed_len(), |packed| {
        plan.pack_transposed(kernels, packed);
        run(&plan, d_output, packed, None, d_input)
    })
}

/// `d_kernels[ky, kx, i, o] = Σ input[n, y, x, i] · d_output[n, oy, ox, o]`,
/// see [`reference::conv_d_kernels`](crate::reference::conv_d_kernels).
///
/// input (N, H, W, Cin), `d_output` (N, Oh, Ow, Cout) → `d_kernels` (Kh, Kw, Cin / groups, Cout)
///
/// # Errors
/// As [`forward`].
pub fn d_kernels(
    conv: &Conv,
    input: ArrayView4<'_, f32>,
    d_output: ArrayView4<'_, f32>,
    mut d_kernels: ArrayViewMut4<'_, f32>,
) -> Result<(), Error> {
    let n = conv.check(
        ("input", input.shape()),
        ("d_kernels", d_kernels.shape()),
        ("d_output", d_output.shape()),
    )?;
    let (_, h, w, cin) = input.dim();
    let cout = d_kernels.dim().3;
    let plan = Plan::new(conv, (h, w, cin), cout)?;
    let input = numbers("input", &input)?;
    let d_output = numbers("d_output", &d_output)?;
    let total = numbers_mut("d_kernels", &mut d_kernels)?;
    total.fill(0.0);
    if let Some(tiles) = plan.tiles() {
        return tiled_d_kernels((&plan, tiles), input, d_output, total);
    }
    if total.len() * 16 > n * (plan.placed_len() + plan.output_len()) {
        // Kernels that are large beside the batch: each task has its own taps, and sums over all images.
        let mut buffer = Vec::new();
        let input = placed(&plan, input, &mut buffer)?;
        let rows = plan.taps().div_ceil(16).next_multiple_of(TAPS);
        parallel::parts_mut(total, rows * cout, |part, d_kernels| {
            plan.add_d_kernels(input, d_output, part * rows, d_kernels, &mut Vec::new());
        });
        return Ok(());
    }
    // Else each task has its own images, which then stay in its cache, and the tasks' sums are added in their order.
    let images = n.div_ceil(16);
    let mut sums = vec![0.0; n.div_ceil(images) * total.len()];
    parallel::parts_mut(&mut sums, total.len(), |part, sum| {
        let few = |numbers: &'_ [f32], len: usize| {
            let start = part * images * len;
            start..numbers.len().min(start + images * len)
        };
        let input = &input[few(input, plan.input_len())];
        let d_output = &d_output[few(d_output, plan.output_len())];
        let count = d_output.len() / plan.output_len();
        let mut buffer = plan.buffer(count);
        let input = plan.placed(input, &mut buffer);
        plan.add_d_kernels(input, d_output, 0, sum, &mut Vec::new());
    });
    for sum in sums.chunks_exact(total.len()) {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    Ok(())
}

/// [`d_kernels`] by a plan with so many tiles an image: a task has some images and all kernels, or where images are few
/// some of the kernels; the tasks' sums are added in their order.
fn tiled_d_kernels(
    (plan, tiles): (&Plan, usize),
    input: &[f32],
    d_output: &[f32],
    total: &mut [f32],
) -> Result<(), Error> {
    let n = d_output.len() / plan.output_len();
    let images = n.div_ceil((n * tiles / TILES).clamp(1, 16));
    let parts = n.div_ceil(images);
    let cout = plan.output_len() / plan.pixels();
    let panels = cout.div_ceil(PANEL);
    let each = panels.div_ceil((8 / parts).max(1));
    let (tasks, width) = (panels.div_ceil(each), cout.min(each * PANEL));
    let rows = plan.taps();
    let len = product("the sums", &[rows, width])?;
    let all = product("the sums", &[parts, tasks, len])?;
    with_kernels(groups(all), |sums| {
        let sums = &mut Lanes::flat_mut(sums)[..all];
        parallel::parts_mut(sums, len, |task, sum| {
            let (part, panel) = (task / tasks, task % tasks);
            let few = |len: usize| part * images * len..((part + 1) * images).min(n) * len;
            let input = &input[few(plan.input_len())];
            let d_output = &d_output[few(plan.output_len())];
            let mut buffer = plan.buffer(images);
            let input = plan.placed(input, &mut buffer);
            let panels = panel * each..panels.min((panel + 1) * each);
            sum.fill(0.0);
            plan.add_d_kernels_of(panels, (input, d_output), (sum, width));
        });
        let some = rows.div_ceil(16);
        parallel::parts_mut(total, some * cout, |part, total| {
            for sum in sums.chunks_exact(tasks * len) {
                for (row, total) in (part * some..).zip(total.chunks_exact_mut(cout)) {
                    let panels = sum.chunks_exact(len);
                    for (total, panel) in total.chunks_mut(width).zip(panels) {
                        for (total, sum) in total.iter_mut().zip(&panel[row * width..]) {
                            *total += sum;
                        }
                    }
                }
            }
        });
    });
    Ok(())
}

/// `d_bias[o] = Σ d_output[n, oy, ox, o]`, image by image.
///
/// `d_output` (N, Oh, Ow, Cout) → `d_bias` (Cout)
///
/// # Errors
/// If the numbers of channels differ or an array is not in row-major order.
pub fn d_bias(
    d_output: ArrayView4<'_, f32>,
    mut d_bias: ArrayViewMut1<'_, f32>,
) -> Result<(), Error> {
    let (_, rows, cols, channels) = d_output.dim();
    expect_shape("d_bias", &[channels], d_bias.shape())?;
    let d_output = numbers("d_output", &d_output)?;
    let total = numbers_mut("d_bias", &mut d_bias)?;
    let image = (rows * cols * channels).max(1);
    let images = d_output.len() / image;
    // To wake a thread takes longer than to add up a few numbers.
    let tasks = d_output.len().div_ceil(1 << 15).clamp(1, 16);
    let size = images.div_ceil(tasks) * channels;
    let mut sums = vec![0.0; images * channels];
    parallel::parts_mut(&mut sums, size, |part, sums| {
        let d_output = d_output[part * size / channels * image..].chunks_exact(image);
        for (image, sum) in d_output.zip(sums.chunks_exact_mut(channels)) {
            rows::add(image, sum);
        }
    });
    total.fill(0.0);
    for sum in sums.chunks_exact(channels.max(1)) {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    Ok(())
}
