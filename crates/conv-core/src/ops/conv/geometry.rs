//! What a convolution is: its window and groups as a caller gives them ([`Conv`]), and the same over images of one
//! size, checked once ([`Problem`]).

use super::padding::PaddedImage;
use crate::Error;
use crate::ops::check::{expect_shape, expect_some};
use crate::shape::{ImageShape, Window, product};
use crate::simd::{LANES, groups};

/// What a convolution is, but for its numbers of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// The window under a kernel.
    pub window: Window,
    /// Groups of channels that are convolved apart: 1 for a common convolution, as many as input channels for a
    /// depthwise one.
    pub groups: usize,
}

impl Conv {
    /// A convolution in one group with such a window.
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

    /// The problem of three arrays by their names and shapes, input (N, H, W, Cin), kernels (Kh, Kw, Cin / groups,
    /// Cout) and output (N, Oh, Ow, Cout): an error unless they fit each other and the window.
    pub(super) fn problem(
        &self,
        input: (&'static str, &[usize]),
        kernels: (&'static str, &[usize]),
        output: (&'static str, &[usize]),
    ) -> Result<Problem, Error> {
        let ((input_name, input), (kernels_name, kernels), (output_name, output)) =
            (input, kernels, output);
        let (&[n, rows, cols, cin], &[_, _, _, cout]) = (input, kernels) else {
            return Err(Error::Overflow {
                what: "the number of axes",
            });
        };
        expect_some("images", n)?;
        for (what, found) in [(input_name, cin), (kernels_name, cout)] {
            expect_some(what, found)?;
        }
        self.check_channels(cin, cout)?;
        let (kh, kw) = self.window.size.into();
        expect_shape(kernels_name, &[kh, kw, cin / self.groups, cout], kernels)?;
        let (out_rows, out_cols) = self.window.output(rows, cols)?.into();
        product(input_name, input)?;
        let expected = [n, out_rows, out_cols, cout];
        product(output_name, &expected)?;
        expect_shape(output_name, &expected, output)?;
        Problem::new(self, ImageShape::new(rows, cols, cin), cout)
    }
}

/// Kernels that slide over padded images of one size: a convolution, or, [transposed](Self::transposed), the gradient
/// of its input. All fields fit each other, and every array of one image has at most as many values as `u32` offsets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Rows and columns of a kernel.
    pub(crate) kernel: (usize, usize),
    /// Pixels from one row of the kernel to the next, and from one column to the next.
    pub(crate) dilation: (usize, usize),
    /// Pixels from one output to the next, down and to the right.
    pub(crate) stride: (usize, usize),
    pub(crate) groups: usize,
    /// The input and what is around it.
    pub(crate) padded: PaddedImage,
    /// The output; its channels are the kernels.
    pub(crate) output: ImageShape,
}

impl Problem {
    pub(crate) fn new(conv: &Conv, input: ImageShape, kernels: usize) -> Result<Self, Error> {
        conv.check_channels(input.channels, kernels)?;
        let window = &conv.window;
        let (rows, cols) = window.axes(input.rows, input.cols)?;
        Self {
            kernel: window.size.into(),
            dilation: window.dilation.into(),
            stride: window.stride.into(),
            groups: conv.groups,
            padded: PaddedImage {
                image: input,
                rows: rows.padded,
                cols: cols.padded,
                top: rows.before as isize,
                left: cols.before as isize,
                step: (1, 1),
            },
            output: ImageShape::new(rows.output, cols.output, kernels),
        }
        .checked()
    }

    /// A dense layer for this many rows, each a pixel of one image: (rows, features) → (rows, outputs).
    pub(crate) fn dense(rows: usize, features: usize, outputs: usize) -> Result<Self, Error> {
        let pixel = Conv::new(Window::new(1, 1));
        Self::new(&pixel, ImageShape::new(rows, 1, features), outputs)
    }

    /// The gradient of the input as a convolution: over `d_output`, its pixels as far apart as the stride was, by the
    /// kernels flipped and with their channels swapped.
    pub(crate) fn transposed(&self) -> Result<Self, Error> {
        let input = self.input();
        let reach_y = (self.kernel.0 - 1) * self.dilation.0;
        let reach_x = (self.kernel.1 - 1) * self.dilation.1;
        Self {
            stride: (1, 1),
            padded: PaddedImage {
                image: self.output,
                rows: input.rows + reach_y,
                cols: input.cols + reach_x,
                top: reach_y as isize - self.padded.top,
                left: reach_x as isize - self.padded.left,
                step: self.stride,
            },
            output: input,
            ..*self
        }
        .checked()
    }

    /// Itself, if its arrays are small enough for `u32` offsets.
    pub(super) fn checked(self) -> Result<Self, Error> {
        let PaddedImage { rows, cols, .. } = self.padded;
        let (input, output) = (self.input(), self.output);
        product("the padded input", &[rows, cols, input.channels])?;
        product("output", &[output.rows, output.cols, output.channels])?;
        let taps = product(
            "kernels",
            &[self.kernel.0, self.kernel.1, self.group_inputs()],
        )?;
        let lanes = groups(self.group_kernels());
        product("kernels", &[taps, lanes, LANES, self.groups])?;
        Ok(self)
    }

    /// The images without their padding.
    pub(crate) fn input(&self) -> ImageShape {
        self.padded.image
    }

    /// Input channels of a group.
    pub(crate) fn group_inputs(&self) -> usize {
        self.input().channels / self.groups
    }

    /// Kernels of a group.
    pub(crate) fn group_kernels(&self) -> usize {
        self.output.channels / self.groups
    }

    /// Taps of a kernel, over the input channels of its group.
    pub(crate) fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.group_inputs()
    }

    /// Whether kernels are moved by one pixel over every input pixel, without holes and groups.
    pub(super) fn is_plain(&self) -> bool {
        let ones = [self.stride, self.dilation, self.padded.step];
        ones == [(1, 1); 3] && self.groups == 1
    }

    /// Where each tap (row, column, input channel of the group) lies in the padded image from the window's first pixel on.
    pub(super) fn tap_offsets(&self) -> impl Iterator<Item = u32> + use<> {
        let (width, cin) = (self.padded.cols, self.input().channels);
        let ((kh, kw), (dy, dx), channels) = (self.kernel, self.dilation, self.group_inputs());
        (0..kh * kw).flat_map(move |at| {
            let first = (at / kw * dy * width + at % kw * dx) * cin;
            (first..first + channels).map(|offset| offset as u32)
        })
    }

    /// Where the window of each output pixel begins in the padded image.
    pub(super) fn window_offsets(&self) -> impl Iterator<Item = u32> + use<> {
        let (width, cin) = (self.padded.cols, self.input().channels);
        let ((down, right), cols) = (self.stride, self.output.cols);
        (0..self.output.rows).flat_map(move |y| {
            (0..cols).map(move |x| ((y * down * width + x * right) * cin) as u32)
        })
    }
}
