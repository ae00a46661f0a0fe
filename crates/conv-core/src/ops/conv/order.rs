//! In which order an array holds the weights of kernels.

use super::geometry::Problem;

/// The order of the weights of kernels from Cin to Cout channels. A tap is a pixel of the window and an input channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// (Kh, Kw, Cin, Cout)
    Forward,
    /// (Kh, Kw, Cout, Cin): those of the convolution whose gradient this one adds up.
    Transposed,
    /// The same with the last row first, and in each the last column.
    Flipped,
}

impl Order {
    /// The pixel of the array's windows, of so many, that is a pixel of the kernels' windows.
    #[inline(always)]
    pub(super) fn pixel(self, pixel: usize, pixels: usize) -> usize {
        match self {
            Self::Forward | Self::Transposed => pixel,
            Self::Flipped => pixels - 1 - pixel,
        }
    }

    /// Where the weights of a tap of a group lie in an array of all groups: the index of the first kernel's, and how far it is from
    /// one kernel's to the next one's.
    pub(super) fn weights(self, problem: &Problem, group: usize, tap: usize) -> (usize, usize) {
        let (inputs, kernels) = (problem.group_inputs(), problem.group_kernels());
        if self == Self::Forward {
            return (tap * problem.output.channels + group * kernels, 1);
        }
        let cin = problem.input().channels;
        let pixel = self.pixel(tap / inputs, problem.kernel.0 * problem.kernel.1);
        (pixel * kernels * cin + group * inputs + tap % inputs, cin)
    }
}
