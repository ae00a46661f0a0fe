//! A convolution.

use std::ops::Range;

use super::Step;
use crate::Error;
use crate::network::pass::{Backward, BufferSizes, Buffers, Forward, Packed, Shared, SharedSizes};
use crate::ops::batch_norm::Statistics;
use crate::ops::conv::geometry::Problem;
use crate::ops::conv::plan::{DInputPlan, Plan};
use crate::ops::sum;
use crate::simd::Lanes;

/// A convolution as the layout describes it.
#[derive(Clone, Debug)]
pub(in crate::network) struct Conv {
    pub(in crate::network) problem: Problem,
    /// Whether the input has a gradient.
    pub(in crate::network) needs_d_input: bool,
    pub(in crate::network) kernels: Range<usize>,
    pub(in crate::network) bias: Option<Range<usize>>,
}

impl Conv {
    pub(super) fn build(self) -> Result<ConvStep, Error> {
        let d_input = self.needs_d_input.then(|| DInputPlan::new(&self.problem));
        Ok(ConvStep {
            plan: Plan::new(&self.problem)?,
            d_input: d_input.transpose()?,
            op: self,
        })
    }
}

/// A convolution with its tables.
#[derive(Debug)]
pub(super) struct ConvStep {
    op: Conv,
    plan: Plan,
    d_input: Option<DInputPlan>,
}

impl Step for ConvStep {
    fn scratch_len(&self) -> usize {
        let d_input = self.d_input.as_ref().map_or(0, DInputPlan::scratch_len);
        self.plan.scratch_len().max(d_input)
    }

    fn packed(&self) -> Packed {
        Packed {
            kernels: vec![Lanes::ZERO; self.plan.packed_len()],
            ..Packed::default()
        }
    }

    fn pack(&self, parameters: &[f32], _: &[Statistics], packed: &mut Packed) {
        let kernels = &parameters[self.op.kernels.clone()];
        self.plan.pack(kernels, &mut packed.kernels);
    }

    fn shared_sizes(&self, _: usize, training: bool) -> SharedSizes {
        let d_input = self.d_input.as_ref().filter(|_| training);
        SharedSizes {
            packed_d_input: d_input.map_or(0, DInputPlan::packed_len),
            ..SharedSizes::default()
        }
    }

    fn pack_d_input(&self, parameters: &[f32], shared: &mut Shared) {
        if let Some(d_input) = &self.d_input {
            let kernels = &parameters[self.op.kernels.clone()];
            d_input.pack(kernels, &mut shared.packed_d_input);
        }
    }

    fn buffer_sizes(&self, images: usize, training: bool) -> BufferSizes {
        let d_input = self.d_input.as_ref().filter(|_| training);
        BufferSizes {
            padded: self.plan.padded().buffer_len(images),
            d_padded: d_input.map_or(0, |plan| plan.buffer_len(images)),
            ..BufferSizes::default()
        }
    }

    fn forward(&self, pass: &Forward<'_>, buffers: &mut Buffers, output: &mut [f32]) {
        let bias = self.op.bias.clone().map(|bias| &pass.parameters[bias]);
        let padded = self.plan.padded().pad_all(pass.x, &mut buffers.padded);
        let kernels = &pass.packed.kernels;
        self.plan.forward(padded, 0, kernels, bias, output);
    }

    fn written(&self) -> Range<usize> {
        self.op.kernels.clone()
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        buffers: &mut Buffers,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let (plan, d_output) = (&self.plan, pass.d_output);
        let padded = if plan.padded().is_image() {
            pass.x
        } else {
            &buffers.padded
        };
        let d_kernels = &mut gradient[self.op.kernels.clone()];
        if pass.block.begins {
            plan.d_kernels(padded, d_output, d_kernels);
        } else {
            plan.add_d_kernels(padded, d_output, 0, d_kernels);
        }
        if let Some(bias) = &self.op.bias {
            sum::add_rows(d_output, &mut gradient[bias.clone()]);
        }
        if let (Some(plan), Some(d_input)) = (&self.d_input, d_input) {
            let packed = &pass.shared.packed_d_input;
            plan.d_input(d_output, packed, &mut buffers.d_padded, d_input);
        }
    }
}
