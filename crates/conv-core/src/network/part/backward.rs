//! A part of a batch on its way back: the gradients of its values, and what they add to those of the parameters.

use super::{Block, Part, Pass, Pooled, dropout};
use crate::init::Seeded;
use crate::network::step::{Back, Step, StepOp};
use crate::ops::activation::{GeluSlope, Relu, SigmoidSlope, TanhSlope, map};
use crate::ops::{global_pool, kernel_pool, rows};
use crate::simd::Lanes;

impl Part {
    /// Runs some steps backward, adding to the gradient; of a normalisation, the sums alone.
    pub(in crate::network) fn backward(
        &mut self,
        pass: &Pass<'_>,
        steps: std::ops::Range<usize>,
        block: Block,
    ) {
        let program = &pass.network.program;
        for at in steps.rev() {
            if !program.needs[at + 1] {
                continue;
            }
            if let StepOp::BatchNorm {
                index,
                epsilon,
                slope,
                ..
            } = &program.steps[at].op
            {
                let x = Self::value(&self.values, pass, program.steps[at].input, block);
                let d_output = &self.d_values[at][..x.len()];
                if let Some(training) = &pass.training {
                    let statistics = &training.statistics[*index];
                    let applied = pass.applied(*index, *slope);
                    self.sums[*index].set((statistics, *epsilon), applied, (x, d_output));
                }
                continue;
            }
            self.backward_step(pass, at, block);
        }
    }

    /// The gradient of a step's input, and what the step adds to that of the parameters. For a normalisation
    /// the sums over the batch must be there.
    pub(in crate::network) fn backward_step(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let network = pass.network;
        let program = &network.program;
        let step = &program.steps[at];
        if let Some(pooled) = &pass.pooled[at] {
            return self.backward_pooled(pass, (at, pooled), block);
        }
        if let (StepOp::Pool(_), Some(conv)) = (&step.op, step.input.checked_sub(1))
            && pass.pooled[conv].is_some()
        {
            // The convolution goes by the places.
            return;
        }
        let (d_before, d_after) = self.d_values.split_at_mut(at);
        let d_output = &d_after[0][..block.count * program.lens[at + 1]];
        let x = Self::value(&self.values, pass, step.input, block);
        match &step.op {
            StepOp::Conv {
                plan,
                kernels,
                bias,
                ..
            } => {
                let placed = if plan.in_place() { x } else { &self.placed[at] };
                let d_kernels = &mut self.gradient[kernels.clone()];
                plan.add_d_kernels(placed, d_output, 0, d_kernels, &mut self.scratch);
                if let Some(bias) = bias {
                    rows::add(d_output, &mut self.gradient[bias.clone()]);
                }
            }
            StepOp::Dense { kernels, bias, .. } => {
                if let Some((plan, _)) = &pass.rows[at] {
                    let d_kernels = &mut self.gradient[kernels.clone()];
                    plan.add_d_kernels(x, d_output, 0, d_kernels, &mut self.scratch);
                }
                if let Some(bias) = bias {
                    rows::add(d_output, &mut self.gradient[bias.clone()]);
                }
            }
            StepOp::Add { other, accumulate } => {
                for (value, accumulate) in [(step.input, step.accumulate), (*other, *accumulate)] {
                    if program.needs[value] {
                        let to = &mut d_before[value - 1][..d_output.len()];
                        if accumulate {
                            add_to(d_output, to);
                        } else {
                            to.copy_from_slice(d_output);
                        }
                    }
                }
                return;
            }
            _ => {}
        }
        if !program.needs[step.input] {
            return;
        }
        let d_input = &mut d_before[step.input - 1][..x.len()];
        let output = &self.values[at][..d_output.len()];
        let buffers = (&mut self.d_placed[at][..], &self.places[at][..]);
        if step.accumulate {
            let spare = &mut self.spare[..d_input.len()];
            d_step(
                pass,
                (at, step, block),
                (x, output, d_output),
                buffers,
                spare,
            );
            add_to(spare, d_input);
        } else {
            d_step(
                pass,
                (at, step, block),
                (x, output, d_output),
                buffers,
                d_input,
            );
        }
    }

    /// [`backward_step`](Self::backward_step) of a convolution whose outputs are pooled by their largest.
    fn backward_pooled(
        &mut self,
        pass: &Pass<'_>,
        (
            at,
            Pooled {
                maxima, step: pool, ..
            },
        ): (usize, &Pooled),
        block: Block,
    ) {
        let program = &pass.network.program;
        let step = &program.steps[at];
        let (
            StepOp::Conv {
                plan,
                kernels,
                bias,
                ..
            },
            Some(training),
            Some(entries),
        ) = (&step.op, &pass.training, &mut self.entries[at])
        else {
            return;
        };
        let pooled_len = program.lens[pool + 1];
        let (d_before, d_after) = self.d_values.split_at_mut(at);
        let d_pooled = &d_after[pool - at][..block.count * pooled_len];
        let x = Self::value(&self.values, pass, step.input, block);
        let placed = if plan.in_place() { x } else { &self.placed[at] };
        let mut d_input = program.needs[step.input].then(|| {
            let d_input = if step.accumulate {
                &mut self.spare
            } else {
                &mut d_before[step.input - 1]
            };
            &mut d_input[..x.len()]
        });
        let together = maxima.together(plan, block.count);
        for (group, d_pooled) in d_pooled.chunks(together * pooled_len).enumerate() {
            let images = d_pooled.len() / pooled_len;
            let first = group * together;
            let places = &self.places[*pool][first * pooled_len..][..d_pooled.len()];
            maxima.find(plan, places, d_pooled, entries);
            let len = plan.placed_len();
            let placed = &placed[first * len..][..images * len];
            maxima.add_d_kernels(placed, entries, &mut self.gradient[kernels.clone()]);
            let Some(d_input) = &mut d_input else {
                continue;
            };
            let packed = &Lanes::flat(&training.packed_back[at])[..kernels.len()];
            let d_input = &mut d_input[first * plan.input_len()..][..images * plan.input_len()];
            if plan.in_place() {
                maxima.d_input(plan, entries, packed, d_input);
                continue;
            }
            let d_placed = &mut self.d_placed[at][..images * len];
            maxima.d_input(plan, entries, packed, d_placed);
            let d_inputs = d_input.chunks_exact_mut(plan.input_len());
            for (d_placed, d_input) in d_placed.chunks_exact(len).zip(d_inputs) {
                plan.unplace(d_placed, d_input);
            }
        }
        if let Some(bias) = bias {
            rows::add(d_pooled, &mut self.gradient[bias.clone()]);
        }
        if step.accumulate && program.needs[step.input] {
            add_to(&self.spare, &mut d_before[step.input - 1][..x.len()]);
        }
    }
}

/// The gradient of a step's input.
fn d_step(
    pass: &Pass<'_>,
    (at, step, block): (usize, &Step, Block),
    (x, output, d_output): (&[f32], &[f32], &[f32]),
    (d_placed, places): (&mut [f32], &[u32]),
    d_input: &mut [f32],
) {
    let Some(training) = &pass.training else {
        return;
    };
    let program = &pass.network.program;
    let (len, output_len) = (program.lens[step.input], program.lens[at + 1]);
    let packed = &training.packed_back[at];
    match &step.op {
        StepOp::Conv { back, .. } => match back {
            Back::Gather(plan) => {
                let placed = plan.placed(d_output, d_placed);
                plan.forward(placed, 0, packed, None, d_input);
            }
            Back::Scatter(scatter) => scatter.run(d_output, packed, d_placed, d_input),
            Back::Tiles(plan) => plan.d_input(d_output, packed, d_placed, d_input),
        },
        StepOp::Dense { .. } => {
            if let Some((_, back)) = &pass.rows[at] {
                back.forward(d_output, 0, packed, None, d_input);
            }
        }
        StepOp::Pool(plan) => {
            let images = d_output.chunks_exact(output_len);
            for (number, (d_output, d_input)) in
                images.zip(d_input.chunks_exact_mut(len)).enumerate()
            {
                // Empty of the mean.
                let places = places.chunks_exact(output_len).nth(number);
                plan.d_input(places.unwrap_or_default(), d_output, d_input);
            }
        }
        StepOp::GlobalPool => {
            let images = d_output.chunks_exact(output_len);
            for (d_output, d_input) in images.zip(d_input.chunks_exact_mut(len)) {
                global_pool::spread(d_output, d_input);
            }
        }
        StepOp::KernelPool { pooling, kernels } => {
            kernel_pool::spread(*pooling, *kernels, (x, d_output), d_input);
        }
        StepOp::Relu(slope) => map(Relu(*slope), x, d_output, d_input),
        StepOp::Tanh => map(TanhSlope, output, d_output, d_input),
        StepOp::Sigmoid => map(SigmoidSlope, output, d_output, d_input),
        StepOp::Gelu => map(GeluSlope, x, d_output, d_input),
        StepOp::Dropout { probability } => {
            let random = Seeded::new(training.seed).part(at as u64);
            dropout(&random, *probability, block.first * len, d_output, d_input);
        }
        StepOp::BatchNorm {
            index,
            epsilon,
            slope,
            gamma,
            ..
        } => {
            let gamma = &pass.network.parameters[gamma.clone()];
            let statistics = &training.statistics[*index];
            let normalisation = (statistics, *epsilon, gamma);
            let applied = pass.applied(*index, *slope);
            training.sums[*index].d_input(normalisation, applied, (x, d_output), d_input);
        }
        StepOp::Add { .. } => {}
    }
}

fn add_to(from: &[f32], to: &mut [f32]) {
    for (sum, x) in to.iter_mut().zip(from) {
        *sum += x;
    }
}
