//! Batch normalisation, and the ReLU after it where there is one.
//!
//! In training the statistics are those of the whole batch, and so are the sums that its gradient needs: each shard
//! measures its own, the shards' are added up in their order, and only then the step goes on.

use std::ops::Range;

use super::Step;
use crate::network::pass::{Backward, BufferSizes, Buffers, Forward, Packed, Shared, SharedSizes};
use crate::ops::batch_norm::{Affine, Normalisation, Statistics, Sums, set_affine};

#[derive(Clone, Debug)]
pub(in crate::network) struct BatchNorm {
    /// Which of the network's normalisations.
    pub(in crate::network) index: usize,
    pub(in crate::network) channels: usize,
    pub(in crate::network) epsilon: f32,
    pub(in crate::network) momentum: f32,
    /// The slope of the ReLU after it, which is computed in the same pass; 1 without one.
    pub(in crate::network) slope: f32,
    pub(in crate::network) gamma: Range<usize>,
    pub(in crate::network) beta: Range<usize>,
}

impl BatchNorm {
    fn normalisation<'a>(&self, affine: &'a [Affine]) -> Normalisation<'a> {
        let slope = self.slope;
        Normalisation { affine, slope }
    }

    fn set_affine(&self, parameters: &[f32], statistics: &Statistics, affine: &mut [Affine]) {
        let gamma = &parameters[self.gamma.clone()];
        let beta = &parameters[self.beta.clone()];
        set_affine(affine, statistics, self.epsilon, gamma, beta);
    }

    /// The statistics of a shard's input.
    pub(in crate::network) fn measure(&self, x: &[f32], buffers: &mut Buffers) {
        buffers.statistics.set(x);
    }

    /// The statistics of the batch, into which `merge` merges those of its shards in their order.
    pub(in crate::network) fn reduce(
        &self,
        parameters: &[f32],
        shared: &mut Shared,
        merge: impl FnOnce(&mut Statistics),
    ) {
        let all = &mut shared.statistics;
        all.set(&[]);
        merge(all);
        self.set_affine(parameters, all, &mut shared.affine);
    }

    /// The sums of a shard that the gradient needs.
    pub(in crate::network) fn measure_gradient(&self, pass: &Backward<'_>, buffers: &mut Buffers) {
        let statistics = (&pass.shared.statistics, self.epsilon);
        let normalisation = self.normalisation(&pass.shared.affine);
        let values = (pass.x, pass.d_output);
        buffers.sums.set(statistics, normalisation, values);
    }

    /// The sums of the batch for the gradient, to which `add` adds those of its shards in their order.
    pub(in crate::network) fn reduce_gradient(
        &self,
        shared: &mut Shared,
        add: impl FnOnce(&mut Sums),
    ) {
        let all = &mut shared.sums;
        all.clear();
        add(all);
    }

    /// The gradient of gamma and beta, which is these sums.
    pub(in crate::network) fn write_gradient(&self, shared: &Shared, gradient: &mut [f32]) {
        shared.sums.write(&mut gradient[self.gamma.clone()], []);
        shared.sums.write([], &mut gradient[self.beta.clone()]);
    }
}

impl Step for BatchNorm {
    fn packed(&self) -> Packed {
        Packed {
            affine: vec![Affine::default(); self.channels],
            ..Packed::default()
        }
    }

    fn pack(&self, parameters: &[f32], running: &[Statistics], packed: &mut Packed) {
        self.set_affine(parameters, &running[self.index], &mut packed.affine);
    }

    fn shared_sizes(&self, _: usize, training: bool) -> SharedSizes {
        SharedSizes {
            channels: if training { self.channels } else { 0 },
            ..SharedSizes::default()
        }
    }

    fn buffer_sizes(&self, _: usize, training: bool) -> BufferSizes {
        BufferSizes {
            channels: if training { self.channels } else { 0 },
            ..BufferSizes::default()
        }
    }

    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        let affine = match pass.seed {
            Some(_) => &pass.shared.affine,
            None => &pass.packed.affine,
        };
        self.normalisation(affine).apply(pass.x, output);
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let Some(d_input) = d_input else { return };
        let gamma = &pass.parameters[self.gamma.clone()];
        let statistics = (&pass.shared.statistics, self.epsilon, gamma);
        let normalisation = self.normalisation(&pass.shared.affine);
        let values = (pass.x, pass.d_output);
        let sums = &pass.shared.sums;
        sums.d_input(statistics, normalisation, values, d_input);
    }

    fn batch_norm(&self) -> Option<&BatchNorm> {
        Some(self)
    }
}
