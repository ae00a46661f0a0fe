//! A part of a batch on its way through the network, in buffers of its own.

mod backward;

use super::program::Program;
use super::step::{Back, StepOp};
use super::{Loss, Network, Report};
use crate::init::Seeded;
use crate::ops::activation::{Gelu, Relu, Sigmoid, Tanh, map};
use crate::ops::batch_norm::{Applied, Line, Statistics, Sums};
use crate::ops::engine::{Entries, Maxima, Peaks, Plan};
use crate::ops::{global_pool, kernel_pool, loss, pool, residual};
use crate::simd::{Lanes, Op, Simd, dispatch};

/// The targets of a batch, checked.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    Labels(&'a [usize]),
    Numbers(&'a [f32]),
}

/// What all parts of a batch share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) network: &'a Network,
    /// The batch.
    pub(super) input: &'a [f32],
    /// Plans of the dense layers for rows of images, forward and back.
    pub(super) rows: &'a [Option<(Plan, Plan)>],
    /// Normalisations: the network's own lines, or in training those of the batch.
    pub(super) lines: &'a [Vec<Line>],
    pub(super) pooled: &'a [Option<Pooled>],
    /// What training needs besides.
    pub(super) training: Option<Training<'a>>,
}

impl<'a> Pass<'a> {
    fn applied(&self, index: usize, slope: f32) -> Applied<'a> {
        let lines = &self.lines[index];
        Applied { lines, slope }
    }
}

/// What a convolution whose outputs are pooled by their largest needs, and the step that pools them.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) maxima: Maxima,
    /// The quicker way to the largest, where there is one.
    pub(super) peaks: Option<Peaks>,
    pub(super) step: usize,
    /// Images whose outputs are there at a time: they are pooled while they are in the first cache.
    pub(super) images: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Training<'a> {
    /// Images of the batch.
    pub(super) count: usize,
    pub(super) goal: Goal<'a>,
    pub(super) loss: Loss,
    pub(super) seed: u64,
    /// Kernels packed for the gradients of inputs.
    pub(super) packed_back: &'a [Vec<Lanes>],
    /// The statistics of the batch, and the sums of the gradients through its normalisations.
    pub(super) statistics: &'a [Statistics],
    pub(super) sums: &'a [Sums],
}

#[derive(Debug, Default)]
pub(super) struct Part {
    /// Value i + 1 in place i, and its gradient.
    values: Vec<Vec<f32>>,
    d_values: Vec<Vec<f32>>,
    /// The inputs of convolutions, and the gradients of their outputs, where the windows find them.
    placed: Vec<Vec<f32>>,
    d_placed: Vec<Vec<f32>>,
    /// Where the largest are, of the steps that take the largest.
    places: Vec<Vec<u32>>,
    /// Of convolutions whose outputs are pooled by their largest.
    entries: Vec<Option<Entries>>,
    /// A gradient before it is added to another.
    spare: Vec<f32>,
    scratch: Vec<Lanes>,
    pub(super) gradient: Vec<f32>,
    pub(super) statistics: Vec<Statistics>,
    pub(super) sums: Vec<Sums>,
    /// The sum of the losses, and how many are right.
    pub(super) report: Report,
    /// The outputs of all its images, block after block.
    pub(super) outputs: Vec<f32>,
}

/// Images of a part: the first one's place in the batch, and how many.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) count: usize,
}

impl Part {
    /// Buffers for blocks of as many images.
    pub(super) fn new(
        program: &Program,
        pooled: &[Option<Pooled>],
        images: usize,
        training: bool,
    ) -> Self {
        let mut part = Self::default();
        for (at, step) in program.steps.iter().enumerate() {
            let len = images * program.lens[at + 1];
            let pooled = pooled[at].as_ref();
            let there = pooled.map_or(images, |pooled| pooled.images.min(images));
            part.values.push(vec![0.0; there * program.lens[at + 1]]);
            let pooled = pooled.filter(|_| training);
            let needed = training && program.needs[at + 1] && pooled.is_none();
            part.d_values.push(vec![0.0; if needed { len } else { 0 }]);
            let (placed, d_placed) = match &step.op {
                StepOp::Conv { plan, back, .. } => {
                    let len = |plan: &Plan| {
                        if plan.in_place() {
                            0
                        } else {
                            images * plan.placed_len()
                        }
                    };
                    if let Some(Pooled { maxima, .. }) = pooled {
                        let together = maxima.together(plan, images);
                        part.entries.push(Some(maxima.entries(plan, together)));
                    }
                    let back = match back {
                        _ if !training || !program.needs[step.input] => 0,
                        _ if pooled.is_some() => len(plan),
                        Back::Gather(plan) | Back::Tiles(plan) => len(plan),
                        Back::Scatter(scatter) => scatter.buffer_len(),
                    };
                    (len(plan), back)
                }
                StepOp::BatchNorm { channels, .. } if training => {
                    part.statistics.push(Statistics::new(*channels));
                    part.sums.push(Sums::new(*channels));
                    (0, 0)
                }
                _ => (0, 0),
            };
            part.entries.resize_with(at + 1, || None);
            let pools = training && matches!(&step.op, StepOp::Pool(plan) if plan.is_max());
            part.places.push(vec![0; if pools { len } else { 0 }]);
            part.placed.push(vec![0.0; placed]);
            part.d_placed.push(vec![0.0; d_placed]);
        }
        if training {
            let largest = program.lens.iter().max().copied().unwrap_or(0);
            part.spare = vec![0.0; images * largest];
            part.gradient = vec![0.0; program.len];
        }
        part
    }

    /// Bytes of its buffers.
    pub(super) fn bytes(&self) -> usize {
        let all = [&self.values, &self.d_values, &self.placed, &self.d_placed];
        let numbers: usize = all.into_iter().flatten().map(Vec::capacity).sum();
        let others = self.spare.capacity() + self.gradient.capacity() + self.outputs.capacity();
        let places: usize = self.places.iter().map(Vec::capacity).sum();
        let entries: usize = self.entries.iter().flatten().map(Entries::bytes).sum();
        (numbers + others) * size_of::<f32>()
            + self.scratch.capacity() * size_of::<Lanes>()
            + places * size_of::<u32>()
            + entries
    }

    /// Runs some steps forward.
    pub(super) fn forward(&mut self, pass: &Pass<'_>, steps: std::ops::Range<usize>, block: Block) {
        for at in steps {
            self.forward_step(pass, at, block);
        }
    }

    /// A value of the block, the input being the batch's.
    fn value<'a>(values: &'a [Vec<f32>], pass: &Pass<'a>, value: usize, block: Block) -> &'a [f32] {
        let len = pass.network.program.lens[value];
        match value {
            0 => &pass.input[block.first * len..][..block.count * len],
            _ => &values[value - 1][..block.count * len],
        }
    }

    fn forward_step(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let network = pass.network;
        let program = &network.program;
        let step = &program.steps[at];
        if let Some(pooled) = &pass.pooled[at] {
            return self.forward_pooled(pass, (at, pooled), block);
        }
        if let (StepOp::Pool(_), Some(conv)) = (&step.op, step.input.checked_sub(1))
            && pass.pooled[conv].is_some()
        {
            // Pooled already.
            return;
        }
        let (before, after) = self.values.split_at_mut(at);
        let x = Self::value(before, pass, step.input, block);
        let len = program.lens[at + 1];
        let output = &mut after[0][..block.count * len];
        let parameters = &network.parameters;
        match &step.op {
            StepOp::Conv { plan, bias, .. } => {
                let bias = bias.clone().map(|bias| &parameters[bias]);
                let placed = plan.placed(x, &mut self.placed[at]);
                plan.forward(placed, 0, &network.packed[at], bias, output);
            }
            StepOp::Dense { bias, .. } => {
                let bias = bias.clone().map(|bias| &parameters[bias]);
                if let Some((plan, _)) = &pass.rows[at] {
                    plan.forward(x, 0, &network.packed[at], bias, output);
                }
            }
            StepOp::Pool(plan) => pool(pass, plan, x, output, &mut self.places[at]),
            StepOp::GlobalPool => {
                let images = x.chunks_exact(program.lens[step.input]);
                for (x, output) in images.zip(output.chunks_exact_mut(len)) {
                    global_pool::mean(x, output);
                }
            }
            StepOp::KernelPool { pooling, kernels } => {
                kernel_pool::pool(*pooling, *kernels, x, output);
            }
            StepOp::Relu(slope) => map(Relu(*slope), x, x, output),
            StepOp::Tanh => map(Tanh, x, x, output),
            StepOp::Sigmoid => map(Sigmoid, x, x, output),
            StepOp::Gelu => map(Gelu, x, x, output),
            StepOp::Dropout { probability } => match pass.training {
                None => output.copy_from_slice(x),
                Some(training) => {
                    let random = Seeded::new(training.seed).part(at as u64);
                    dropout(&random, *probability, block.first * len, x, output);
                }
            },
            StepOp::BatchNorm { index, slope, .. } => pass.applied(*index, *slope).to(x, output),
            StepOp::Add { other, .. } => {
                residual::add(x, Self::value(before, pass, *other, block), output);
            }
        }
    }

    /// The forward pass of a convolution whose outputs are pooled by their largest, and of the pooling.
    fn forward_pooled(&mut self, pass: &Pass<'_>, (at, pooled): (usize, &Pooled), block: Block) {
        let network = pass.network;
        let steps = &network.program.steps;
        let (StepOp::Conv { plan, bias, .. }, StepOp::Pool(pooling)) =
            (&steps[at].op, &steps[pooled.step].op)
        else {
            return;
        };
        let bias = bias.clone().map(|bias| &network.parameters[bias]);
        let (before, after) = self.values.split_at_mut(at);
        let x = Self::value(before, pass, steps[at].input, block);
        let placed = plan.placed(x, &mut self.placed[at]);
        let (output, after) = after.split_at_mut(1);
        let packed = &network.packed[at];
        let few = pooled.images * pooling.output_len();
        let to = &mut after[pooled.step - at - 1][..block.count * pooling.output_len()];
        let places = &mut self.places[pooled.step];
        for (number, to) in to.chunks_mut(few).enumerate() {
            let first = number * pooled.images;
            let places = places.get_mut(number * few..).unwrap_or_default();
            if let Some(peaks) = &pooled.peaks {
                let len = pooling.output_len();
                let placed = placed[first * plan.placed_len()..].chunks_exact(plan.placed_len());
                let mut places = places.chunks_exact_mut(len);
                let mut images = to.chunks_exact_mut(len).zip(placed);
                if images.all(|(to, placed)| {
                    let places = places.next().filter(|_| pass.training.is_some());
                    peaks.run(plan, placed, (packed, bias), to, places)
                }) {
                    continue;
                }
            }
            let output = &mut output[0][..to.len() / pooling.output_len() * plan.output_len()];
            plan.forward(placed, first * plan.pixels(), packed, bias, output);
            pool(pass, pooling, output, to, places);
        }
    }

    /// The statistics of the normalisation's input.
    pub(super) fn measure(&mut self, pass: &Pass<'_>, at: usize, block: Block) {
        let step = &pass.network.program.steps[at];
        if let StepOp::BatchNorm { index, .. } = &step.op {
            self.statistics[*index].set(Self::value(&self.values, pass, step.input, block));
        }
    }

    /// The outputs of a block.
    pub(super) fn output<'a>(&'a self, pass: &Pass<'a>, block: Block) -> &'a [f32] {
        Self::value(&self.values, pass, pass.network.program.output.0, block)
    }

    /// Adds the losses of a block, and writes the gradient of its outputs.
    pub(super) fn loss(&mut self, pass: &Pass<'_>, block: Block) {
        let (Some(training), Some(d_last)) = (pass.training, self.d_values.last_mut()) else {
            return;
        };
        let program = &pass.network.program;
        let outputs = program.output_len();
        let values = Self::value(&self.values, pass, program.output.0, block);
        let rows = values
            .chunks_exact(outputs)
            .zip(d_last.chunks_exact_mut(outputs));
        for (image, (row, d)) in (block.first..).zip(rows) {
            let (loss, n) = (training.loss, training.count);
            let (own, right) = match training.goal {
                Goal::Labels(labels) => {
                    let label = labels[image];
                    let own = match loss {
                        Loss::CrossEntropy { smoothing } => {
                            loss::row(row, loss::smoothed(label, smoothing, outputs), n, d)
                        }
                        Loss::MeanSquaredError => {
                            let target = |class| f64::from(u8::from(class == label));
                            loss::squares(row, target, n * outputs, d) / outputs as f64
                        }
                    };
                    (own, label)
                }
                Goal::Numbers(all) => {
                    let goal = &all[image * outputs..][..outputs];
                    let target = |class| f64::from(goal[class]);
                    let own = match loss {
                        Loss::CrossEntropy { .. } => loss::row(row, target, n, d),
                        Loss::MeanSquaredError => {
                            loss::squares(row, target, n * outputs, d) / outputs as f64
                        }
                    };
                    (own, largest(goal))
                }
            };
            self.report.loss += own;
            self.report.correct += usize::from(largest(row) == right);
        }
    }
}

/// The pooling of some images, and where the largest are, if it has places for them.
fn pool(pass: &Pass<'_>, plan: &pool::Plan, x: &[f32], output: &mut [f32], places: &mut [u32]) {
    let len = plan.output_len();
    let mut places = places.chunks_exact_mut(len);
    let images = x.chunks_exact(plan.input_len());
    for (x, output) in images.zip(output.chunks_exact_mut(len)) {
        match places.next() {
            Some(places) if pass.training.is_some() => plan.largest(x, output, Some(places)),
            _ => plan.forward(x, output),
        }
    }
}

/// Number i, counted over the batch from `first`, is dropped where its own draw says so.
fn dropout(random: &Seeded, probability: f32, first: usize, x: &[f32], output: &mut [f32]) {
    let below = (f64::from(probability) * 4_294_967_296.0) as u64;
    dispatch(Dropout {
        random,
        below,
        scale: 1.0 / (1.0 - probability),
        first: first as u64,
        x,
        output,
    });
}

/// Dropout as plain loops, which the compiler turns into the vectors of each instruction set.
struct Dropout<'a> {
    random: &'a Seeded,
    below: u64,
    scale: f32,
    first: u64,
    x: &'a [f32],
    output: &'a mut [f32],
}

impl Op for Dropout<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let pairs = self.x.iter().zip(self.output);
        for (at, (&x, output)) in (self.first..).zip(pairs) {
            // A mask and no branch: no processor foretells which way a draw goes.
            let kept = u32::from(self.random.at(at) >> 32 >= self.below);
            *output = f32::from_bits((x * self.scale).to_bits() & kept.wrapping_neg());
        }
    }
}

/// The place of the largest, the first of equals.
pub(super) fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (place, &x) in row.iter().enumerate() {
        if x > row[best] {
            best = place;
        }
    }
    best
}
