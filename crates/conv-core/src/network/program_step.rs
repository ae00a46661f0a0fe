//! One step of a [program](super::program).

use super::steps::Step;

/// A step, and the values that it reads.
#[derive(Debug)]
pub(super) struct ProgramStep {
    pub(super) step: Box<dyn Step>,
    pub(super) input: Source,
    pub(super) other: Option<Source>,
    /// The name of its layer.
    pub(super) layer: String,
}

/// A value that a step reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) value: usize,
    /// Whether a step that ran before, in the backward pass, has written this value's gradient, so that this one adds to it.
    pub(super) accumulate: bool,
}
