//! Global average pooling: each channel of an image becomes its mean.

use super::Step;
use crate::network::pass::{Backward, Buffers, Forward};
use crate::ops::global_pool;

#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct GlobalPool {
    /// Values of an image, and of its means.
    pub(in crate::network) input_len: usize,
    pub(in crate::network) channels: usize,
}

impl Step for GlobalPool {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        let images = pass.x.chunks_exact(self.input_len);
        for (x, output) in images.zip(output.chunks_exact_mut(self.channels)) {
            global_pool::mean(x, output);
        }
    }

    fn reads_input(&self) -> bool {
        false
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let Some(d_input) = d_input else { return };
        let images = pass.d_output.chunks_exact(self.channels);
        for (d_output, d_input) in images.zip(d_input.chunks_exact_mut(self.input_len)) {
            global_pool::spread(d_output, d_input);
        }
    }
}
