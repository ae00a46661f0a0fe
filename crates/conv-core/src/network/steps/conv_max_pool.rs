//! A convolution and the max pooling of its output as one.

use std::ops::Range;

use super::Step;
use super::conv::Conv;
use super::pool::Pool;
use crate::Error;
use crate::network::pass::{Backward, BufferSizes, Buffers, Forward, Packed, Shared, SharedSizes};
use crate::ops::batch_norm::Statistics;
use crate::ops::conv::max_pooled::{DInput, MaxPooled};
use crate::ops::sum;
use crate::simd::Lanes;

/// A convolution and its pooling as the fusion describes them.
#[derive(Clone, Debug)]
pub(in crate::network) struct ConvMaxPool {
    pub(in crate::network) conv: Conv,
    pub(in crate::network) pool: Pool,
    /// See [`MaxPoolChoice`](crate::ops::conv::choose::MaxPoolChoice).
    pub(in crate::network) phases: Option<usize>,
}

impl ConvMaxPool {
    pub(super) fn build(self) -> Result<ConvMaxPoolStep, Error> {
        let Conv {
            problem,
            needs_d_input,
            kernels,
            bias,
        } = self.conv;
        Ok(ConvMaxPoolStep {
            pooled: MaxPooled::new(&problem, self.pool.plan()?, self.phases)?,
            needs_d_input,
            kernels,
            bias,
        })
    }
}

/// The same with tables.
#[derive(Debug)]
pub(super) struct ConvMaxPoolStep {
    pooled: MaxPooled,
    needs_d_input: bool,
    kernels: Range<usize>,
    bias: Option<Range<usize>>,
}

impl Step for ConvMaxPoolStep {
    fn scratch_len(&self) -> usize {
        self.pooled.scratch_len()
    }

    fn packed(&self) -> Packed {
        Packed {
            kernels: vec![Lanes::ZERO; self.pooled.plan.packed_len()],
            ..Packed::default()
        }
    }

    fn pack(&self, parameters: &[f32], _: &[Statistics], packed: &mut Packed) {
        let kernels = &parameters[self.kernels.clone()];
        self.pooled.plan.pack(kernels, &mut packed.kernels);
    }

    fn shared_sizes(&self, _: usize, training: bool) -> SharedSizes {
        let needed = training && self.needs_d_input;
        SharedSizes {
            packed_d_input: if needed {
                self.pooled.packed_d_input_len()
            } else {
                0
            },
            ..SharedSizes::default()
        }
    }

    fn pack_d_input(&self, parameters: &[f32], shared: &mut Shared) {
        if self.needs_d_input {
            let kernels = &parameters[self.kernels.clone()];
            let packed = &mut shared.packed_d_input;
            self.pooled.pack_d_input(kernels, packed);
        }
    }

    fn buffer_sizes(&self, images: usize, training: bool) -> BufferSizes {
        let padded = self.pooled.plan.padded().buffer_len(images);
        let sizes = BufferSizes {
            padded,
            unpooled: self.pooled.unpooled_len(images),
            ..BufferSizes::default()
        };
        if !training {
            return sizes;
        }
        BufferSizes {
            d_padded: if self.needs_d_input { padded } else { 0 },
            argmax: images.saturating_mul(self.pooled.output_len()),
            sparse: self.pooled.sparse_size(images),
            ..sizes
        }
    }

    fn forward(&self, pass: &Forward<'_>, buffers: &mut Buffers, output: &mut [f32]) {
        let plan = &self.pooled.plan;
        let bias = self.bias.clone().map(|bias| &pass.parameters[bias]);
        let padded = plan.padded().pad_all(pass.x, &mut buffers.padded);
        let argmax = &mut buffers.argmax;
        let argmax = pass.seed.map(|_| &mut argmax[..output.len()]);
        let kernels = (&pass.packed.kernels[..], bias);
        let unpooled = &mut buffers.unpooled;
        self.pooled
            .forward(padded, kernels, unpooled, output, argmax);
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        buffers: &mut Buffers,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let plan = &self.pooled.plan;
        let padded = if plan.padded().is_image() {
            pass.x
        } else {
            &buffers.padded
        };
        let argmax = &buffers.argmax[..pass.d_output.len()];
        let d_input = d_input.map(|d_input| DInput {
            packed: &pass.shared.packed_d_input,
            d_padded: &mut buffers.d_padded,
            d_input,
        });
        let d_kernels = &mut gradient[self.kernels.clone()];
        let outputs = (argmax, pass.d_output);
        self.pooled
            .backward(padded, outputs, &mut buffers.sparse, d_kernels, d_input);
        if let Some(bias) = &self.bias {
            sum::add_rows(pass.d_output, &mut gradient[bias.clone()]);
        }
    }
}
