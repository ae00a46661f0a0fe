//! The kinds of steps that a network's layers become, a file each: what a step keeps, packs and computes forward and
//! backward. This file says what all of them have in common, and lists them.

pub(super) mod activation;
pub(super) mod add;
pub(super) mod batch_norm;
pub(super) mod conv;
pub(super) mod conv_max_pool;
pub(super) mod dense;
pub(super) mod dropout;
pub(super) mod global_pool;
pub(super) mod kernel_pool;
pub(super) mod layer_norm;
pub(super) mod pool;

use std::fmt::Debug;
use std::ops::Range;

use super::pass::{Backward, BufferSizes, Buffers, Forward, Packed, Shared, SharedSizes};
use crate::Error;
use crate::ops::batch_norm::Statistics;
use batch_norm::BatchNorm;

/// A step as the layout describes it: shapes and ranges of parameters, no tables yet.
#[derive(Clone, Debug)]
pub(super) enum StepSpec {
    Activation(activation::Activation),
    Add(add::Add),
    BatchNorm(batch_norm::BatchNorm),
    Conv(conv::Conv),
    ConvMaxPool(conv_max_pool::ConvMaxPool),
    Dense(dense::Dense),
    Dropout(dropout::Dropout),
    GlobalPool(global_pool::GlobalPool),
    KernelPool(kernel_pool::KernelPool),
    LayerNorm(layer_norm::LayerNorm),
    Pool(pool::Pool),
}

impl StepSpec {
    /// The step with its tables.
    pub(super) fn build(self) -> Result<Box<dyn Step>, Error> {
        Ok(match self {
            Self::Activation(op) => Box::new(op),
            Self::Add(op) => Box::new(op),
            Self::BatchNorm(op) => Box::new(op),
            Self::Conv(op) => Box::new(op.build()?),
            Self::ConvMaxPool(op) => Box::new(op.build()?),
            Self::Dense(op) => Box::new(op.build()?),
            Self::Dropout(op) => Box::new(op),
            Self::GlobalPool(op) => Box::new(op),
            Self::KernelPool(op) => Box::new(op),
            Self::LayerNorm(op) => Box::new(op),
            Self::Pool(op) => Box::new(op.build()?),
        })
    }
}

/// A step: a value from another one, and the gradients of both and of parameters.
pub(super) trait Step: Debug + Send + Sync {
    /// Lanes that a thread reserves for it.
    fn scratch_len(&self) -> usize {
        0
    }

    /// An empty [`Packed`] of its size.
    fn packed(&self) -> Packed {
        Packed::default()
    }

    /// Brings parameters and running statistics into the form in which it computes with them.
    fn pack(&self, _parameters: &[f32], _running: &[Statistics], _packed: &mut Packed) {}

    /// How large its [`Shared`] is, for blocks of this many images.
    fn shared_sizes(&self, _images: usize, _training: bool) -> SharedSizes {
        SharedSizes::default()
    }

    /// What all shards of a batch share, for blocks of this many images.
    fn shared(&self, images: usize, training: bool) -> Result<Shared, Error> {
        Ok(Shared::new(&self.shared_sizes(images, training)))
    }

    /// Packs parameters for the gradient of its input.
    fn pack_d_input(&self, _parameters: &[f32], _shared: &mut Shared) {}

    /// How large its [`Buffers`] are, for blocks of this many images.
    fn buffer_sizes(&self, _images: usize, _training: bool) -> BufferSizes {
        BufferSizes::default()
    }

    /// Its buffers, for blocks of this many images.
    fn buffers(&self, images: usize, training: bool) -> Buffers {
        Buffers::new(&self.buffer_sizes(images, training))
    }

    /// Writes the output of some images.
    fn forward(&self, pass: &Forward<'_>, buffers: &mut Buffers, output: &mut [f32]);

    /// The part of the gradient of the parameters that it [writes](Self::backward) in the first block of a shard.
    fn written(&self) -> Range<usize> {
        0..0
    }

    /// Adds to the gradient of the parameters, and writes that of the input where there is room for it. What was in the
    /// [`written`](Self::written) part before the first block of a shard does not count.
    fn backward(
        &self,
        pass: &Backward<'_>,
        buffers: &mut Buffers,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
    );

    /// Whether its backward pass reads its inputs. Else it is given none.
    fn reads_input(&self) -> bool {
        true
    }

    /// Whether its backward pass reads its output. Else it is given none.
    fn reads_output(&self) -> bool {
        false
    }

    /// Whether the gradient of each input is that of the output, so that nothing need be computed.
    fn passes_gradient_on(&self) -> bool {
        false
    }

    /// The normalisation, if it is one: it needs statistics of the whole batch, reduced over all shards.
    fn batch_norm(&self) -> Option<&BatchNorm> {
        None
    }
}
