//! What a step is given in the forward and in the backward pass, and the buffers in which it computes.

use crate::ops::batch_norm::{Affine, Statistics, Sums};
use crate::ops::conv::max_pooled::SparseGradient;
use crate::ops::conv::plan::{DInputPlan, Plan};
use crate::simd::Lanes;

/// A block of images, which goes through the network layer by layer: the index of its first image in the batch, how
/// many it has, and whether it is the first of its shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) begins: bool,
}

/// What a step reads in the forward pass.
pub(super) struct Forward<'a> {
    pub(super) parameters: &'a [f32],
    pub(super) packed: &'a Packed,
    pub(super) shared: &'a Shared,
    /// Its input, and the other one where it has two.
    pub(super) x: &'a [f32],
    pub(super) other: &'a [f32],
    pub(super) block: Block,
    /// In training, what chooses the values that dropout drops.
    pub(super) seed: Option<u64>,
}

/// What a step reads in the backward pass.
pub(super) struct Backward<'a> {
    pub(super) parameters: &'a [f32],
    pub(super) shared: &'a Shared,
    pub(super) x: &'a [f32],
    pub(super) output: &'a [f32],
    pub(super) d_output: &'a [f32],
    pub(super) block: Block,
    pub(super) seed: u64,
}

/// What a network keeps for a step: its parameters in the form in which it computes with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    pub(super) kernels: Vec<Lanes>,
    /// Of a batch normalisation: scale and shift by the running statistics.
    pub(super) affine: Vec<Affine>,
}

/// What a workspace keeps for a step, once for all shards of a batch.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Kernels packed for the gradient of the input.
    pub(super) packed_d_input: Vec<Lanes>,
    /// Of a dense layer, the plans for its rows.
    pub(super) rows: Option<(Plan, DInputPlan)>,
    /// Of a batch normalisation: the statistics of the whole batch.
    pub(super) affine: Vec<Affine>,
    pub(super) statistics: Statistics,
    pub(super) sums: Sums,
}

/// How large a [`Shared`] is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SharedSizes {
    /// Vectors of sixteen.
    pub(super) packed_d_input: usize,
    /// Offsets in the tables of a dense layer.
    pub(super) tables: usize,
    /// Channels of a normalisation.
    pub(super) channels: usize,
}

impl SharedSizes {
    /// Bytes in all.
    pub(super) fn bytes(&self) -> u64 {
        let channel = size_of::<Affine>() + 4 * size_of::<f64>();
        bytes(self.packed_d_input, size_of::<Lanes>())
            + bytes(self.tables, size_of::<u32>())
            + bytes(self.channels, channel)
    }
}

impl Shared {
    pub(super) fn new(sizes: &SharedSizes) -> Self {
        Self {
            packed_d_input: vec![Lanes::ZERO; sizes.packed_d_input],
            rows: None,
            affine: vec![Affine::default(); sizes.channels],
            statistics: Statistics::new(sizes.channels),
            sums: Sums::new(sizes.channels),
        }
    }
}

/// What a shard of a batch keeps for a step. Of each kind of buffer most steps need none.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The input of a convolution, padded.
    pub(super) padded: Vec<f32>,
    /// Room for the gradient of a convolution's input: padded images, or sections.
    pub(super) d_padded: Vec<f32>,
    /// Outputs of a convolution before they are pooled.
    pub(super) unpooled: Vec<f32>,
    /// The pixel of each maximum of a pooling.
    pub(super) argmax: Vec<u32>,
    /// The outputs of a convolution that have a gradient.
    pub(super) sparse: SparseGradient,
    /// Of a normalisation, the statistics of the shard, and the sums of its gradients.
    pub(super) statistics: Statistics,
    pub(super) sums: Sums,
}

/// How large [`Buffers`] are: values, which saturate where 32 bits cannot count them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BufferSizes {
    pub(super) padded: usize,
    pub(super) d_padded: usize,
    pub(super) unpooled: usize,
    pub(super) argmax: usize,
    /// Channels, and outputs of each, that may have a gradient.
    pub(super) sparse: (usize, usize),
    /// Channels of a normalisation.
    pub(super) channels: usize,
}

impl BufferSizes {
    /// Bytes in all.
    pub(super) fn bytes(&self) -> u64 {
        let values = [self.padded, self.d_padded, self.unpooled, self.argmax];
        let values = values.map(|len| bytes(len, size_of::<f32>()));
        let values = values.into_iter().fold(0, u64::saturating_add);
        let (channels, room) = self.sparse;
        let sparse =
            bytes(channels, room).saturating_mul(bytes(1, size_of::<f32>() + size_of::<u32>()));
        values
            .saturating_add(sparse)
            .saturating_add(bytes(channels, size_of::<usize>()))
            .saturating_add(bytes(self.channels, 4 * size_of::<f64>()))
    }
}

/// Bytes of so many items, in 64 bits on every machine.
pub(super) fn bytes(count: usize, each: usize) -> u64 {
    (count as u64).saturating_mul(each as u64)
}

impl Buffers {
    pub(super) fn new(sizes: &BufferSizes) -> Self {
        Self {
            padded: vec![0.0; sizes.padded],
            d_padded: vec![0.0; sizes.d_padded],
            unpooled: vec![0.0; sizes.unpooled],
            argmax: vec![0; sizes.argmax],
            sparse: SparseGradient::new(sizes.sparse.0, sizes.sparse.1),
            statistics: Statistics::new(sizes.channels),
            sums: Sums::new(sizes.channels),
        }
    }

    /// Bytes of the buffers.
    pub(super) fn bytes(&self) -> usize {
        let values = [&self.padded, &self.d_padded, &self.unpooled];
        let values: usize = values.into_iter().map(Vec::capacity).sum();
        (values + self.argmax.capacity()) * size_of::<f32>()
            + self.sparse.bytes()
            + self.statistics.mean.len() * 4 * size_of::<f64>()
    }
}
