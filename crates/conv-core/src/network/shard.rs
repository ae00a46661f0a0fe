//! The forward and the backward pass of a shard of a batch, in buffers of its own.

use std::ops::Range;

use super::objective::{Objective, Report};
use super::pass::{Backward, Block, Buffers, Forward, Packed, Shared, bytes};
use super::program::Program;
use crate::ops::sum;

/// What all shards of a batch read.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) program: &'a Program,
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
    /// Value i + 1 at index i.
    values: Vec<Vec<f32>>,
    /// The buffers of the values' [`Gradients`](super::gradients::Gradients).
    d_values: Vec<Vec<f32>>,
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
        let mut shard = Self::default();
        for (step, value) in program.steps.iter().zip(&program.values[1..]) {
            shard.values.push(vec![0.0; images * value.len]);
            shard.buffers.push(step.step.buffers(images, training));
        }
        if training {
            let lens = program.gradients.lens.iter();
            shard.d_values = lens.map(|len| vec![0.0; images * len]).collect();
            shard.spare = vec![0.0; images * spare_len(program)];
            shard.gradient = vec![0.0; program.parameters_len];
        }
        shard
    }

    /// Bytes that the buffers of a step and its value take.
    pub(super) fn step_bytes(program: &Program, at: usize, images: usize, training: bool) -> u64 {
        let (step, value) = (&program.steps[at].step, program.values[at + 1]);
        let values = bytes(images, size_of::<f32>()).saturating_mul(value.len as u64);
        // However small a step is, the vectors that hold its buffers take room too.
        let vectors = size_of::<Buffers>() + size_of::<Vec<f32>>();
        let own = step.buffer_sizes(images, training).bytes();
        values.saturating_add(own).saturating_add(vectors as u64)
    }

    /// Bytes that it takes beside those of its steps.
    pub(super) fn other_bytes(program: &Program, images: usize, training: bool) -> u64 {
        if !training {
            return 0;
        }
        let len: usize = program.gradients.lens.iter().sum();
        let len = (len + spare_len(program)) as u64;
        let d_values = bytes(images, size_of::<f32>()).saturating_mul(len);
        d_values.saturating_add(bytes(program.parameters_len, size_of::<f32>()))
    }

    /// Bytes of its buffers.
    pub(super) fn bytes(&self) -> usize {
        let values = self.values.iter().chain(&self.d_values);
        let values: usize = values.map(Vec::capacity).sum();
        let others = self.spare.capacity() + self.gradient.capacity();
        let buffers: usize = self.buffers.iter().map(Buffers::bytes).sum();
        (values + others) * size_of::<f32>() + buffers
    }

    /// A value of the block, the input being the batch's.
    fn value<'a>(values: &'a [Vec<f32>], pass: &Pass<'a>, value: usize, block: Block) -> &'a [f32] {
        let len = pass.program.values[value].len;
        match value {
            0 => &pass.input[block.first * len..][..block.count * len],
            _ => &values[value - 1][..block.count * len],
        }
    }

    /// Runs some steps forward.
    pub(super) fn forward(&mut self, pass: &Pass<'_>, steps: Range<usize>, block: Block) {
        for at in steps {
            let step = &pass.program.steps[at];
            let (before, after) = self.values.split_at_mut(at);
            let len = block.count * pass.program.values[at + 1].len;
            let other = step.other.map(|other| other.value);
            let forward = Forward {
                parameters: pass.parameters,
                packed: &pass.packed[at],
                shared: &pass.shared[at],
                x: Self::value(before, pass, step.input.value, block),
                other: other.map_or(&[], |other| Self::value(before, pass, other, block)),
                block,
                seed: pass.seed,
            };
            step.step
                .forward(&forward, &mut self.buffers[at], &mut after[0][..len]);
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
        let output = pass.program.output;
        let values = Self::value(&self.values, pass, output, block);
        let d_values = &mut self.d_values[pass.program.gradients.buffers[output]];
        let outputs = pass.program.output_len();
        objective.add(block.first, values, d_values, outputs, &mut self.report);
    }

    /// Runs some steps backward, adding to the gradient. Of a batch normalisation it computes only the sums over the shard.
    pub(super) fn backward(&mut self, pass: &Pass<'_>, steps: Range<usize>, block: Block) {
        for at in steps.rev() {
            if !pass.program.values[at + 1].needs_gradient {
                continue;
            }
            let step = &pass.program.steps[at];
            if let Some(norm) = step.step.batch_norm() {
                let output = Self::value(&self.values, pass, at + 1, block);
                let backward = Backward {
                    parameters: pass.parameters,
                    shared: &pass.shared[at],
                    x: Self::value(&self.values, pass, step.input.value, block),
                    output,
                    d_output: &self.d_values[pass.program.gradients.buffers[at + 1]]
                        [..output.len()],
                    block,
                    seed: pass.seed.unwrap_or_default(),
                };
                norm.measure_gradient(&backward, &mut self.buffers[at]);
                continue;
            }
            self.backward_step(pass, at, block);
        }
    }

    /// The gradient of a step's input, and what the step adds to that of the parameters. For a normalisation the sums
    /// over the batch must be there.
    pub(super) fn backward_step(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let program = pass.program;
        let step = &program.steps[at];
        let buffer_of = |value: usize| program.gradients.buffers[value];
        // Taken out, so that others can be written meanwhile.
        let own = buffer_of(at + 1);
        let d_values = std::mem::take(&mut self.d_values[own]);
        let output = Self::value(&self.values, pass, at + 1, block);
        let d_output = &d_values[..output.len()];
        if step.step.passes_gradient_on() {
            for source in std::iter::once(step.input).chain(step.other) {
                let needed = program.values[source.value].needs_gradient;
                if needed && buffer_of(source.value) != own {
                    let to = &mut self.d_values[buffer_of(source.value)][..d_output.len()];
                    if source.accumulate {
                        sum::add_to(d_output, to);
                    } else {
                        to.copy_from_slice(d_output);
                    }
                }
            }
            self.d_values[own] = d_values;
            return;
        }
        let x = Self::value(&self.values, pass, step.input.value, block);
        let needed = program.values[step.input.value].needs_gradient;
        let d_input = &mut self.d_values[buffer_of(step.input.value)];
        let mut d_input = needed.then(|| &mut d_input[..x.len()]);
        let mut spare = None;
        if step.input.accumulate {
            spare = d_input.is_some().then(|| &mut self.spare[..x.len()]);
        }
        let backward = Backward {
            parameters: pass.parameters,
            shared: &pass.shared[at],
            x,
            output,
            d_output,
            block,
            seed: pass.seed.unwrap_or_default(),
        };
        let to = spare.as_deref_mut().or(d_input.as_deref_mut());
        let buffers = &mut self.buffers[at];
        step.step
            .backward(&backward, buffers, &mut self.gradient, to);
        if let (Some(spare), Some(d_input)) = (spare, d_input) {
            sum::add_to(spare, d_input);
        }
        self.d_values[own] = d_values;
    }
}

/// Length of the largest value to whose gradient one is added, an image.
fn spare_len(program: &Program) -> usize {
    let steps = program.steps.iter().map(|step| step.input);
    let added = steps.filter(|input| input.accumulate);
    let lens = added.map(|input| program.values[input.value].len);
    lens.max().unwrap_or(0)
}
