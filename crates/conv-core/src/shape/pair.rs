//! Sizes in pixels, down and to the right.

/// A number of pixels down and one to the right: a size, a stride or a dilation. One number for both is enough, in code
/// as in data.
///
/// ```
/// use conv_core::shape::Pair;
///
/// assert_eq!(Pair::from(2), Pair::from((2, 2)));
/// let (rows, columns) = Pair { down: 3, right: 5 }.into();
/// assert_eq!((rows, columns), (3, 5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize))]
#[cfg_attr(feature = "serde", serde(into = "(usize, usize)"))]
pub struct Pair {
    /// Pixels down: a height, or rows.
    pub down: usize,
    /// Pixels to the right: a width, or columns.
    pub right: usize,
}

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self {
            down: both,
            right: both,
        }
    }
}

impl From<(usize, usize)> for Pair {
    fn from((down, right): (usize, usize)) -> Self {
        Self { down, right }
    }
}

impl From<Pair> for (usize, usize) {
    fn from(Pair { down, right }: Pair) -> Self {
        (down, right)
    }
}
