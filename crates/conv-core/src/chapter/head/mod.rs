//! The layers after the kernels, forward and backward: as printed, and with pooling across kernels.

pub(super) mod per_kernel;
pub(super) mod pooled;
