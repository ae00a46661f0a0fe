//! A window that slides over an image: which pixels it covers, and how many positions it has.

use super::limit::{LIMIT, product};
use super::pair::Pair;
use crate::Error;

/// What surrounds an image before a window slides over it. All of it counts as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Padding {
    /// Nothing: the window stays inside.
    #[default]
    Valid,
    /// As much as makes the output `ceil(input / stride)` a side; where that is odd, the one pixel more comes
    /// after. This is TensorFlow's rule, and with stride 1 `PyTorch`'s `padding="same"`.
    Same,
    /// Pixels at the top, bottom, left and right.
    Explicit {
        /// Rows before the first.
        top: usize,
        /// Rows after the last.
        bottom: usize,
        /// Columns before the first.
        left: usize,
        /// Columns after the last.
        right: usize,
    },
}

/// A window that slides over an image. As data it may be short: `5` for 5 × 5 pixels, `[5, 3]` for a height and a
/// width, else a table, in which the stride and the dilation may be such numbers too.
///
/// ```
/// use conv_core::shape::{Padding, Pair, Window};
///
/// assert_eq!(Window::new(3, 3).output(28, 28)?, Pair::from(26));
/// assert_eq!(Window::new(3, 3).padding(Padding::Same).output(28, 28)?, Pair::from(28));
/// assert_eq!(Window::new(2, 2).stride(2).output(5, 8)?, Pair::from((2, 4)));
/// let error = Window::new(5, 5).output(4, 4).unwrap_err();
/// assert_eq!(error.to_string(), "window height is 5, expected 1 to 4 (the padded image's)");
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize))]
pub struct Window {
    /// Height and width in pixels.
    pub size: Pair,
    /// Pixels from one position to the next, down and to the right.
    pub stride: Pair,
    /// Pixels from one row of the window to the next, and from one column to the next; 1 leaves no holes.
    pub dilation: Pair,
    /// What surrounds the image.
    pub padding: Padding,
}

/// [`Window::new`] of one number for its height and its width.
impl From<usize> for Window {
    fn from(side: usize) -> Self {
        Self::new(side, side)
    }
}

/// [`Window::new`] of a height and a width.
impl From<(usize, usize)> for Window {
    fn from((height, width): (usize, usize)) -> Self {
        Self::new(height, width)
    }
}

impl Window {
    /// A window of `height` × `width` pixels with stride 1 and dilation 1, without padding.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Self {
        Self {
            size: (height, width).into(),
            stride: 1.into(),
            dilation: 1.into(),
            padding: Padding::Valid,
        }
    }

    /// The same with another stride.
    #[must_use]
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        Self {
            stride: stride.into(),
            ..self
        }
    }

    /// The same with another dilation.
    #[must_use]
    pub fn dilation(self, dilation: impl Into<Pair>) -> Self {
        Self {
            dilation: dilation.into(),
            ..self
        }
    }

    /// The same with other padding.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Rows and columns of positions over an image of `height` × `width`.
    ///
    /// # Errors
    /// [`Error::Range`] if a size, stride or dilation is 0 or the window is larger than the padded image,
    /// [`Error::Overflow`] if a number becomes too large.
    pub fn output(&self, height: usize, width: usize) -> Result<Pair, Error> {
        let (rows, cols) = self.axes(height, width)?;
        Ok((rows.output, cols.output).into())
    }

    /// Rows and columns of padding before the first pixel of an image of `height` × `width`.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn before(&self, height: usize, width: usize) -> Result<Pair, Error> {
        let (rows, cols) = self.axes(height, width)?;
        Ok((rows.before, cols.before).into())
    }

    pub(crate) fn axes(&self, height: usize, width: usize) -> Result<(Axis, Axis), Error> {
        let (top, bottom, left, right) = match self.padding {
            Padding::Valid => (Some(0), 0, Some(0), 0),
            Padding::Same => (None, 0, None, 0),
            Padding::Explicit {
                top,
                bottom,
                left,
                right,
            } => (Some(top), bottom, Some(left), right),
        };
        let rows = Axis::new(
            "height",
            height,
            self.size.down,
            self.stride.down,
            self.dilation.down,
            (top, bottom),
        )?;
        let cols = Axis::new(
            "width",
            width,
            self.size.right,
            self.stride.right,
            self.dilation.right,
            (left, right),
        )?;
        product("the padded image", &[rows.padded, cols.padded])?;
        Ok((rows, cols))
    }
}

/// A window's geometry along one side of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Positions.
    pub(crate) output: usize,
    /// Pixels of padding before the first pixel.
    pub(crate) before: usize,
    /// Pixels, those of the padding included.
    pub(crate) padded: usize,
}

impl Axis {
    /// `padding`: before and after, or none for [`Padding::Same`].
    fn new(
        side: &'static str,
        input: usize,
        size: usize,
        stride: usize,
        dilation: usize,
        padding: (Option<usize>, usize),
    ) -> Result<Self, Error> {
        let (names, overflow) = match side {
            "height" => (
                [
                    "window height",
                    "stride down",
                    "dilation down",
                    "image height",
                ],
                "window height",
            ),
            _ => (
                [
                    "window width",
                    "stride right",
                    "dilation right",
                    "image width",
                ],
                "window width",
            ),
        };
        for (what, found) in names.into_iter().zip([size, stride, dilation, input]) {
            if found == 0 || found > LIMIT {
                return Err(Error::Range {
                    what,
                    expected: format!("1 to {LIMIT}"),
                    found,
                });
            }
        }
        // From the first pixel under the window to the one after the last.
        let extent = (size - 1)
            .checked_mul(dilation)
            .and_then(|holes| holes.checked_add(1))
            .filter(|&extent| extent <= LIMIT)
            .ok_or(Error::Overflow { what: overflow })?;
        let (before, after) = match padding {
            (Some(before), after) => (before, after),
            (None, _) => {
                let positions = input.div_ceil(stride);
                let all = ((positions - 1) * stride + extent).saturating_sub(input);
                (all / 2, all - all / 2)
            }
        };
        let padded = before
            .checked_add(after)
            .and_then(|padding| padding.checked_add(input))
            .filter(|&padded| padded <= LIMIT)
            .ok_or(Error::Overflow { what: "padding" })?;
        if extent > padded {
            let (what, holes) = (
                names[0],
                if dilation > 1 {
                    format!(" with dilation {dilation}")
                } else {
                    String::new()
                },
            );
            let largest = (padded - 1) / dilation + 1;
            let expected = format!("1 to {largest}{holes} (the padded image's)");
            return Err(Error::Range {
                what,
                expected,
                found: size,
            });
        }
        Ok(Self {
            output: (padded - extent) / stride + 1,
            before,
            padded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counting by hand: a position is one where every tap lies inside the padded image.
    #[test]
    fn output_counts_the_positions_at_which_the_window_fits() {
        for input in 1..9 {
            for size in 1..5 {
                for stride in 1..4 {
                    for dilation in 1..4 {
                        for (before, after) in [(0, 0), (1, 1), (0, 2), (3, 0)] {
                            let extent = (size - 1) * dilation + 1;
                            let fits = (0..input + before + after)
                                .step_by(stride)
                                .filter(|start| start + extent <= input + before + after)
                                .count();
                            let found = Axis::new(
                                "width",
                                input,
                                size,
                                stride,
                                dilation,
                                (Some(before), after),
                            );
                            assert_eq!(found.map_or(0, |axis| axis.output), fits);
                        }
                        let same =
                            Axis::new("width", input, size, stride, dilation, (None, 0)).unwrap();
                        assert_eq!(same.output, input.div_ceil(stride));
                    }
                }
            }
        }
    }

    #[test]
    fn refuses_what_overflows() {
        let huge = usize::MAX;
        let explicit = Padding::Explicit {
            top: huge,
            bottom: huge,
            left: 0,
            right: 0,
        };
        for (window, height, width) in [
            (Window::new(huge, 1), 3, 3),
            (Window::new(1, 1).stride((huge, 1)), 3, 3),
            (Window::new(2, 2).dilation((huge, 1)), 3, 3),
            (Window::new(2, 2).dilation((LIMIT, LIMIT)), 3, 3),
            (Window::new(1, 1).padding(explicit), 3, 3),
            (Window::new(1, 1), huge, huge),
            (Window::new(1, 1), LIMIT, LIMIT),
            (Window::new(0, 1), 3, 3),
            (Window::new(1, 1), 0, 3),
        ] {
            assert!(
                window.output(height, width).is_err(),
                "{window:?} over {height} × {width}"
            );
        }
    }
}
