//! The forward and the backward pass of a shard of a batch, in buffers of its own.

use std::ops::Range;

use super::objective::{Objective, Report};
use super::pass::{Backward, Block, Buffers, Forward, Packed, Shared, bytes};
use super::placement::Placement;
use super::program::Program;
use super::program_step::{ProgramStep, Source};
use crate::ops::sum;

/// What all shards of a batch read.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) program: &'a Program,
    /// That of the shards, which may have room for training where this pass is none.
    pub(super) placement: &'a Placement,
    pub(super) parameters: &'a [f32],
    /// The batch.
    pub(super) input: &'a [f32],
    /// For each step, what the network and the workspace keep.
    pub(super) packed: &'a [Packed],
    pub(super) shared: &'a [Shared],
    /// In training, what chooses the values that dropout drops.
    pub(super) seed: Option<u64>,
}

/// The buffers of a shard, for a block of images.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Values and their gradients, where their [`Placement`] says.
    values: Vec<Vec<f32>>,
    /// The buffers of each step.
    pub(super) buffers: Vec<Buffers>,
    /// A gradient before it is added to another.
    spare: Vec<f32>,
    /// Of all parameters.
    pub(super) gradient: Vec<f32>,
    /// The sum of the losses, and how many predictions are correct.
    pub(super) report: Report,
}

impl Shard {
    /// Buffers for blocks of as many images.
    pub(super) fn new(program: &Program, images: usize, training: bool) -> Self {
        let lens = program.placement(training).lens.iter();
        let steps = program.steps.iter();
        let mut shard = Self {
            values: lens.map(|len| vec![0.0; images * len]).collect(),
            buffers: steps
                .map(|step| step.step.buffers(images, training))
                .collect(),
            ..Self::default()
        };
        if training {
            shard.spare = vec![0.0; images * spare_len(program)];
            shard.gradient = vec![0.0; program.parameters_len];
        }
        shard
    }

    /// Bytes that a step's own buffers take.
    pub(super) fn step_bytes(program: &Program, at: usize, images: usize, training: bool) -> u64 {
        let step = &program.steps[at].step;
        let own = step.buffer_sizes(images, training).bytes();
        // However small a step is, the vectors that hold its buffers take room too.
        own.saturating_add(size_of::<Buffers>() as u64)
    }

    /// Bytes that values and gradients take.
    pub(super) fn other_bytes(program: &Program, images: usize, training: bool) -> u64 {
        let lens = &program.placement(training).lens;
        let vectors = lens.len() * size_of::<Vec<f32>>();
        let mut len: usize = lens.iter().sum();
        let mut parameters = 0;
        if training {
            len += spare_len(program);
            parameters = program.parameters_len;
        }
        let values = bytes(images, size_of::<f32>()).saturating_mul(len as u64);
        let values = values.saturating_add(bytes(parameters, size_of::<f32>()));
        values.saturating_add(vectors as u64)
    }

    /// Bytes of its buffers.
    pub(super) fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(Vec::capacity).sum();
        let others = self.spare.capacity() + self.gradient.capacity();
        let buffers: usize = self.buffers.iter().map(Buffers::bytes).sum();
        (values + others) * size_of::<f32>() + buffers
    }

    /// A value of the block, the input being the batch's.
    fn value<'a>(values: &'a [Vec<f32>], pass: &Pass<'a>, value: usize, block: Block) -> &'a [f32] {
        let len = pass.program.values[value].len;
        match value {
            0 => &pass.input[block.first * len..][..block.count * len],
            _ => &values[pass.placement.values[value]][..block.count * len],
        }
    }

    /// Runs some steps forward.
    pub(super) fn forward(&mut self, pass: &Pass<'_>, steps: Range<usize>, block: Block) {
        for at in steps {
            let step = &pass.program.steps[at];
            // Taken out, so that it can be written while others are read.
            let to = pass.placement.values[at + 1];
            let mut output = std::mem::take(&mut self.values[to]);
            let len = block.count * pass.program.values[at + 1].len;
            let value = |source: Source| Self::value(&self.values, pass, source.value, block);
            let forward = Forward {
                parameters: pass.parameters,
                packed: &pass.packed[at],
                shared: &pass.shared[at],
                x: value(step.input),
                other: step.other.map_or(&[], value),
                block,
                seed: pass.seed,
            };
            step.step
                .forward(&forward, &mut self.buffers[at], &mut output[..len]);
            self.values[to] = output;
        }
    }

    /// The gradient and the report before the first block.
    pub(super) fn clear(&mut self, program: &Program) {
        for range in &program.added {
            self.gradient[range.clone()].fill(0.0);
        }
        self.report = Report::default();
    }

    /// The statistics of a normalisation's input.
    pub(super) fn measure(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let step = &pass.program.steps[at];
        if let Some(norm) = step.step.batch_norm() {
            let x = Self::value(&self.values, pass, step.input.value, block);
            norm.measure(x, &mut self.buffers[at]);
        }
    }

    /// The outputs of a block.
    pub(super) fn output<'a>(&'a self, pass: &Pass<'a>, block: Block) -> &'a [f32] {
        Self::value(&self.values, pass, pass.program.output, block)
    }

    /// Adds the losses of a block, and writes the gradient of its outputs.
    pub(super) fn loss(&mut self, pass: &Pass<'_>, objective: &Objective<'_>, block: Block) {
        let to = pass.placement.gradients[pass.program.output];
        let mut d_outputs = std::mem::take(&mut self.values[to]);
        let outputs = Self::value(&self.values, pass, pass.program.output, block);
        let len = pass.program.output_len();
        objective.add(block.first, outputs, &mut d_outputs, len, &mut self.report);
        self.values[to] = d_outputs;
    }

    /// What the backward pass of a step reads. `d_values` begins with the gradient of its output.
    fn read<'a>(
        values: &'a [Vec<f32>],
        pass: &Pass<'a>,
        (at, block): (usize, Block),
        d_values: &'a [f32],
    ) -> Backward<'a> {
        let ProgramStep { step, input, .. } = &pass.program.steps[at];
        let value = |value: usize, read: bool| {
            if read {
                Self::value(values, pass, value, block)
            } else {
                &[]
            }
        };
        Backward {
            parameters: pass.parameters,
            shared: &pass.shared[at],
            x: value(input.value, step.reads_input()),
            output: value(at + 1, step.reads_output()),
            d_output: &d_values[..block.count * pass.program.values[at + 1].len],
            block,
            seed: pass.seed.unwrap_or_default(),
        }
    }

    /// Runs some steps backward, adding to the gradient. Of a batch normalisation it computes only the sums over the shard.
    pub(super) fn backward(&mut self, pass: &Pass<'_>, steps: Range<usize>, block: Block) {
        for at in steps.rev() {
            if !pass.program.values[at + 1].needs_gradient {
                continue;
            }
            if let Some(norm) = pass.program.steps[at].step.batch_norm() {
                let d_values = &self.values[pass.placement.gradients[at + 1]];
                let backward = Self::read(&self.values, pass, (at, block), d_values);
                norm.measure_gradient(&backward, &mut self.buffers[at]);
                continue;
            }
            self.backward_step(pass, at, block);
        }
    }

    /// The gradient of a step's input, and what the step adds to that of the parameters. For a normalisation the sums
    /// over the batch must be there.
    pub(super) fn backward_step(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let ProgramStep {
            step, input, other, ..
        } = &pass.program.steps[at];
        let values = &pass.program.values;
        let gradients = &pass.placement.gradients;
        // Taken out, so that others can be written while it is read, as in the forward pass.
        let own = gradients[at + 1];
        let d_values = std::mem::take(&mut self.values[own]);
        if step.passes_gradient_on() {
            let d_output = &d_values[..block.count * values[at + 1].len];
            for source in std::iter::once(input).chain(other) {
                let to = gradients[source.value];
                // It may be the gradient of the sum as well.
                if !values[source.value].needs_gradient || to == own {
                    continue;
                }
                let to = &mut self.values[to][..d_output.len()];
                if source.accumulate {
                    sum::add_to(d_output, to);
                } else {
                    to.copy_from_slice(d_output);
                }
            }
            self.values[own] = d_values;
            return;
        }
        let to = gradients[input.value];
        let needed = values[input.value].needs_gradient;
        let mut d_input = needed.then(|| std::mem::take(&mut self.values[to]));
        let written = if input.accumulate {
            d_input.as_ref().map(|_| &mut self.spare)
        } else {
            d_input.as_mut()
        };
        let len = block.count * values[input.value].len;
        let written = written.map(|written| &mut written[..len]);
        let backward = Self::read(&self.values, pass, (at, block), &d_values);
        let buffers = &mut self.buffers[at];
        step.backward(&backward, buffers, &mut self.gradient, written);
        if let Some(mut d_input) = d_input {
            if input.accumulate {
                sum::add_to(&self.spare[..len], &mut d_input[..len]);
            }
            self.values[to] = d_input;
        }
        self.values[own] = d_values;
    }
}

/// Length of the largest value to whose gradient one is added, an image.
fn spare_len(program: &Program) -> usize {
    let steps = program.steps.iter().map(|step| step.input);
    let added = steps.filter(|input| input.accumulate);
    let lens = added.map(|input| program.values[input.value].len);
    lens.max().unwrap_or(0)
}
