//! The steps that a network's layers become.

use std::ops::Range;

use crate::Error;
use crate::ops::conv::Conv;
use crate::ops::kernel_pool::Pooling;
use crate::ops::scatter::Scatter;
use crate::ops::{engine, pool};
use crate::simd::Lanes;

/// One step: what it does, to which value.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) op: StepOp,
    pub(super) input: usize,
    /// Whether the input's gradient has a part already when this step adds its own.
    pub(super) accumulate: bool,
}

/// What a step does, with the tables for it.
#[derive(Debug)]
pub(super) enum StepOp {
    Conv {
        plan: engine::Plan,
        back: Back,
        kernels: Range<usize>,
        bias: Option<Range<usize>>,
    },
    /// Plans for rows of images are the workspace's, which knows how many there are.
    Dense {
        features: usize,
        outputs: usize,
        /// For packing the weights.
        plan: engine::Plan,
        back: engine::Plan,
        kernels: Range<usize>,
        bias: Option<Range<usize>>,
    },
    Pool(pool::Plan),
    GlobalPool,
    KernelPool {
        pooling: Pooling,
        kernels: usize,
    },
    Relu(f32),
    Tanh,
    Sigmoid,
    Gelu,
    Dropout {
        probability: f32,
    },
    BatchNorm {
        /// Which of the network's normalisations.
        index: usize,
        channels: usize,
        epsilon: f32,
        momentum: f32,
        /// Of the ReLU behind it, which is computed with it; 1 without one.
        slope: f32,
        gamma: Range<usize>,
        beta: Range<usize>,
    },
    /// The sum with another value.
    Add {
        other: usize,
        accumulate: bool,
    },
}

/// The way to the gradient of a convolution's input.
#[derive(Debug)]
pub(super) enum Back {
    Gather(engine::Plan),
    Scatter(Scatter),
    /// By the tiles of the convolution's own plan.
    Tiles(engine::Plan),
}

impl Back {
    /// The quickest for images (H, W, Cin) and so many kernels, of whose convolution this is the plan.
    pub(super) fn new(
        conv: &Conv,
        plan: &engine::Plan,
        (h, w, cin): (usize, usize, usize),
        kernels: usize,
    ) -> Result<Self, Error> {
        Ok(if plan.has_d_input() {
            Self::Tiles(plan.clone())
        } else if Scatter::suits(conv, cin) {
            Self::Scatter(Scatter::new(conv, (h, w, cin), kernels)?)
        } else {
            Self::Gather(engine::Plan::transposed(conv, (h, w, cin), kernels)?)
        })
    }

    pub(super) fn packed_len(&self) -> usize {
        match self {
            Self::Gather(plan) => plan.packed_len(),
            Self::Scatter(scatter) => scatter.packed_len(),
            Self::Tiles(plan) => plan.packed_back_len(),
        }
    }

    pub(super) fn scratch_len(&self) -> usize {
        match self {
            Self::Gather(plan) | Self::Tiles(plan) => plan.scratch_len(),
            Self::Scatter(_) => 0,
        }
    }

    pub(super) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        match self {
            Self::Gather(plan) => plan.pack_transposed(kernels, packed),
            Self::Scatter(scatter) => scatter.pack(kernels, packed),
            Self::Tiles(plan) => plan.pack_back(kernels, packed),
        }
    }
}

impl StepOp {
    pub(super) fn is_batch_norm(&self) -> bool {
        matches!(self, Self::BatchNorm { .. })
    }
}
