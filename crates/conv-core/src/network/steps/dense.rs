//! A dense layer: a convolution of the rows of a block by a window of one pixel.

use std::ops::Range;

use super::Step;
use crate::Error;
use crate::network::pass::{Backward, Buffers, Forward, Packed, Shared, SharedSizes};
use crate::ops::batch_norm::Statistics;
use crate::ops::conv::geometry::Problem;
use crate::ops::conv::plan::{DInputPlan, Plan};
use crate::ops::sum;
use crate::simd::Lanes;

/// A dense layer as the layout describes it.
#[derive(Clone, Debug)]
pub(in crate::network) struct Dense {
    pub(in crate::network) features: usize,
    pub(in crate::network) outputs: usize,
    /// Whether the input has a gradient.
    pub(in crate::network) needs_d_input: bool,
    pub(in crate::network) weights: Range<usize>,
    pub(in crate::network) bias: Option<Range<usize>>,
}

impl Dense {
    /// For blocks of so many rows.
    pub(in crate::network) fn problem(&self, rows: usize) -> Result<Problem, Error> {
        Problem::dense(rows, self.features, self.outputs)
    }

    pub(super) fn build(self) -> Result<DenseStep, Error> {
        let row = self.problem(1)?;
        let d_input = self.needs_d_input.then(|| DInputPlan::of_dense(&row));
        Ok(DenseStep {
            row: Plan::new(&row)?,
            d_row: d_input.transpose()?,
            op: self,
        })
    }
}

/// A dense layer with the plans for a single row, by which its weights are packed.
#[derive(Debug)]
pub(super) struct DenseStep {
    op: Dense,
    row: Plan,
    d_row: Option<DInputPlan>,
}

impl Step for DenseStep {
    fn scratch_len(&self) -> usize {
        self.row.scratch_len()
    }

    fn packed(&self) -> Packed {
        Packed {
            kernels: vec![Lanes::ZERO; self.row.packed_len()],
            ..Packed::default()
        }
    }

    fn pack(&self, parameters: &[f32], _: &[Statistics], packed: &mut Packed) {
        let weights = &parameters[self.op.weights.clone()];
        self.row.pack(weights, &mut packed.kernels);
    }

    fn shared_sizes(&self, images: usize, training: bool) -> SharedSizes {
        let d_row = self.d_row.as_ref().filter(|_| training);
        SharedSizes {
            packed_d_input: d_row.map_or(0, DInputPlan::packed_len),
            // The tables of both plans: each row, the features, and the outputs.
            tables: (2 * images).saturating_add(self.op.features + self.op.outputs),
            channels: 0,
        }
    }

    fn shared(&self, images: usize, training: bool) -> Result<Shared, Error> {
        let rows = self.op.problem(images)?;
        let plans = (Plan::new(&rows)?, DInputPlan::of_dense(&rows)?);
        Ok(Shared {
            rows: Some(plans),
            ..Shared::new(&self.shared_sizes(images, training))
        })
    }

    fn pack_d_input(&self, parameters: &[f32], shared: &mut Shared) {
        if let Some(d_row) = &self.d_row {
            let weights = &parameters[self.op.weights.clone()];
            d_row.pack(weights, &mut shared.packed_d_input);
        }
    }

    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        let bias = self.op.bias.clone().map(|bias| &pass.parameters[bias]);
        if let Some((rows, _)) = &pass.shared.rows {
            rows.forward(pass.x, 0, &pass.packed.kernels, bias, output);
        }
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        buffers: &mut Buffers,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let (d_output, Some((rows, d_rows))) = (pass.d_output, &pass.shared.rows) else {
            return;
        };
        let d_weights = &mut gradient[self.op.weights.clone()];
        rows.add_d_kernels(pass.x, d_output, 0, d_weights);
        if let Some(bias) = &self.op.bias {
            sum::add_rows(d_output, &mut gradient[bias.clone()]);
        }
        if let Some(d_input) = d_input {
            let packed = &pass.shared.packed_d_input;
            d_rows.d_input(d_output, packed, &mut buffers.d_padded, d_input);
        }
    }
}
