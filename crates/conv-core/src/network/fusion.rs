//! Fuses pairs of steps that are quicker as one: a normalisation and the ReLU after it, whose values between then need no
//! memory; and a convolution and the max pooling after it, most of whose outputs have no gradient.

use super::steps::StepSpec;
use super::steps::activation::Activation;
use super::steps::batch_norm::BatchNorm;
use super::steps::conv_max_pool::ConvMaxPool;
use super::steps::pool::Pool;
use crate::Error;
use crate::ops::conv::choose::{MaxPoolChoice, choose_max_pool};

/// How a step and the pooling after it are computed as one, where they are.
pub(super) fn max_pooled(first: &StepSpec, pool: &Pool) -> Result<Option<MaxPoolChoice>, Error> {
    match first {
        StepSpec::Conv(conv) => choose_max_pool(&conv.problem, pool.pool, &pool.window),
        _ => Ok(None),
    }
}

/// A step, and the indices of the values that it reads.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: StepSpec,
    pub(super) input: usize,
    pub(super) other: Option<usize>,
    /// The name of its layer.
    pub(super) layer: String,
}

/// An array that goes from step to step: the input, or what a step makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// Its length, an image.
    pub(super) len: usize,
    /// Whether it depends on parameters.
    pub(super) needs_gradient: bool,
}

/// Steps in the order in which they are computed. Value 0 is the input, and node i makes value i + 1.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) values: Vec<Value>,
    /// The value that is the output.
    pub(super) output: usize,
}

impl Graph {
    /// Fuses every normalisation with the ReLU after it, and numbers the dropouts.
    pub(super) fn with_rectified_norms(self) -> Result<Self, Error> {
        let mut graph = self.join(|first, second| match (first, second) {
            (StepSpec::BatchNorm(norm), StepSpec::Activation(Activation::Relu(slope)))
                if norm.slope == 1.0 =>
            {
                let slope = *slope;
                Ok(Some(StepSpec::BatchNorm(BatchNorm {
                    slope,
                    ..norm.clone()
                })))
            }
            _ => Ok(None),
        })?;
        for (number, node) in graph.nodes.iter_mut().enumerate() {
            if let StepSpec::Dropout(dropout) = &mut node.op {
                dropout.number = number as u64;
            }
        }
        Ok(graph)
    }

    /// Fuses every convolution with the max pooling after it, where this is quicker.
    pub(super) fn with_max_pooled_convolutions(self) -> Result<Self, Error> {
        self.join(|first, second| {
            let (StepSpec::Conv(conv), StepSpec::Pool(pool)) = (first, second) else {
                return Ok(None);
            };
            let choice = max_pooled(first, pool)?;
            Ok(choice.map(|choice| {
                StepSpec::ConvMaxPool(ConvMaxPool {
                    conv: conv.clone(),
                    pool: *pool,
                    phases: choice.phases,
                })
            }))
        })
    }

    /// How many steps read each value, the output being read once more.
    fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.values.len()];
        readers[self.output] += 1;
        for node in &self.nodes {
            for value in [Some(node.input), node.other].into_iter().flatten() {
                readers[value] += 1;
            }
        }
        readers
    }

    /// Fuses pairs of steps. `join` is given a step and the next one, if that is the only one that reads its output, and
    /// returns both as one step, or nothing to leave them apart.
    fn join(
        self,
        join: impl Fn(&StepSpec, &StepSpec) -> Result<Option<StepSpec>, Error>,
    ) -> Result<Self, Error> {
        let readers = self.readers();
        let mut joined = Self {
            nodes: Vec::with_capacity(self.nodes.len()),
            values: vec![self.values[0]],
            output: 0,
        };
        // The new index of each value.
        let mut numbers = vec![0_usize];
        for (node, value) in self.nodes.into_iter().zip(&self.values[1..]) {
            let input = numbers[node.input];
            let alone = readers[node.input] == 1 && node.other.is_none();
            if let Some(first) = input.checked_sub(1).filter(|_| alone)
                && let Some(op) = join(&joined.nodes[first].op, &node.op)?
            {
                joined.nodes[first].op = op;
                joined.values[input] = *value;
                numbers.push(input);
                continue;
            }
            joined.nodes.push(Node {
                input,
                other: node.other.map(|other| numbers[other]),
                ..node
            });
            joined.values.push(*value);
            numbers.push(joined.nodes.len());
        }
        joined.output = numbers[self.output];
        Ok(joined)
    }
}
