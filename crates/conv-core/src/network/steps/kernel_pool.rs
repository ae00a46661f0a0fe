//! The chapter's pooling across kernels.

use super::Step;
use crate::network::pass::{Backward, Buffers, Forward};
use crate::ops::kernel_pool::{self, Pooling};

#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct KernelPool {
    pub(in crate::network) pooling: Pooling,
    pub(in crate::network) kernels: usize,
}

impl Step for KernelPool {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        kernel_pool::pool(self.pooling, self.kernels, pass.x, output);
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        if let Some(d_input) = d_input {
            let sources = (pass.x, pass.d_output);
            kernel_pool::spread(self.pooling, self.kernels, sources, d_input);
        }
    }
}
