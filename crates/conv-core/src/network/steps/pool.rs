//! Pooling over windows, by the maximum or the mean.

use super::Step;
use crate::Error;
use crate::network::pass::{Backward, BufferSizes, Buffers, Forward};
use crate::ops::pool;
use crate::shape::ImageShape;
use crate::shape::Window;

/// A pooling as the layout describes it.
#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct Pool {
    pub(in crate::network) pool: pool::Pool,
    pub(in crate::network) window: Window,
    pub(in crate::network) input: ImageShape,
}

impl Pool {
    pub(super) fn plan(&self) -> Result<pool::Plan, Error> {
        let ImageShape {
            rows,
            cols,
            channels,
        } = self.input;
        pool::Plan::new(self.pool, &self.window, (rows, cols, channels))
    }

    pub(super) fn build(self) -> Result<PoolStep, Error> {
        Ok(PoolStep { plan: self.plan()? })
    }
}

/// A pooling with its table.
#[derive(Debug)]
pub(super) struct PoolStep {
    plan: pool::Plan,
}

impl Step for PoolStep {
    fn buffer_sizes(&self, images: usize, training: bool) -> BufferSizes {
        let needed = training && self.plan.is_max();
        BufferSizes {
            argmax: if needed {
                images.saturating_mul(self.plan.output_len())
            } else {
                0
            },
            ..BufferSizes::default()
        }
    }

    fn forward(&self, pass: &Forward<'_>, buffers: &mut Buffers, output: &mut [f32]) {
        let argmax = pass
            .seed
            .and_then(|_| buffers.argmax.get_mut(..output.len()));
        self.plan.forward_all(pass.x, output, argmax);
    }

    fn reads_input(&self) -> bool {
        false
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        buffers: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let Some(d_input) = d_input else { return };
        let len = self.plan.output_len();
        let images = pass.d_output.chunks_exact(len);
        for (number, (d_output, d_input)) in images
            .zip(d_input.chunks_exact_mut(self.plan.input_len()))
            .enumerate()
        {
            // There is none of the mean.
            let argmax = buffers.argmax.get(number * len..(number + 1) * len);
            self.plan
                .d_input(argmax.unwrap_or_default(), d_output, d_input);
        }
    }
}
