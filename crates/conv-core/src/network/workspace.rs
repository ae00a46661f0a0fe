//! The buffers of one thread's passes, and the passes themselves.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::part::{Block, Goal, Part, Pass, Pooled, Training, largest};
use super::program::Program;
use super::step::StepOp;
use super::{Loss, Network, Report};
use crate::Error;
use crate::ops::batch_norm::{Line, Statistics, Sums, set_lines};
use crate::ops::dense::DENSE;
use crate::ops::engine::{self, Maxima, Peaks, Plan};
use crate::ops::expect_some;
use crate::parallel::{self, Items};
use crate::simd::{Lanes, groups};

/// Most parts of a batch, where there is little to do and where there is much: a number that follows from the batch and the
/// network alone.
const PARTS: (usize, usize) = (8, 16);
/// Multiply-adds forward that are worth a part of their own: each has a gradient of all parameters, which is to be added up.
const WORK: usize = 1 << 22;
/// Numbers that the values and gradients of a block of images may have, to stay in a core's cache.
const BLOCK: usize = 1 << 17;
/// Numbers of a convolution that stay in the first cache until they are pooled.
const NEAR: usize = 1 << 13;
/// Parameters of a task that adds up the gradients.
const ADDED: usize = 1 << 12;

/// The memory in which a network works: it grows at first use, and a step after the first allocates none.
///
/// Any network may use any workspace; going to and fro between networks, it is made anew each time.
#[derive(Debug, Default)]
pub struct Workspace {
    program: Option<Arc<Program>>,
    /// Images that a part's buffers hold, and whether they are for training too.
    capacity: usize,
    training: bool,
    parts: Vec<Part>,
    rows: Vec<Option<(Plan, Plan)>>,
    /// Convolutions of which the largest outputs alone have a gradient.
    pooled: Vec<Option<Pooled>>,
    packed_back: Vec<Vec<Lanes>>,
    whole: Whole,
    gradient: Vec<f32>,
    outputs: Vec<f32>,
    largest: Vec<usize>,
}

/// What normalisations know of the whole batch.
#[derive(Debug, Default)]
struct Whole {
    statistics: Vec<Statistics>,
    lines: Vec<Vec<Line>>,
    sums: Vec<Sums>,
}

/// How a batch is divided.
struct Division {
    images: usize,
    per_part: usize,
    /// Images that go through the network together.
    per_block: usize,
}

impl Division {
    fn new(program: &Program, images: usize, together: bool) -> Self {
        let layers = program.layers.iter().map(|layer| layer.multiply_adds);
        let work = layers.fold(0, usize::saturating_add).saturating_mul(images);
        let parts = (work / WORK).clamp(PARTS.0, PARTS.1);
        let per_part = images.div_ceil(parts);
        let numbers = 2 * program.lens.iter().sum::<usize>();
        let per_block = (BLOCK / numbers).clamp(1, 32).min(per_part);
        Self {
            images,
            per_part,
            per_block: if together { per_part } else { per_block },
        }
    }

    fn parts(&self) -> usize {
        self.images.div_ceil(self.per_part)
    }

    fn blocks(&self, part: usize) -> impl Iterator<Item = Block> + use<> {
        let (size, start) = (self.per_block, part * self.per_part);
        let end = (start + self.per_part).min(self.images);
        let firsts = (start..end).step_by(size);
        firsts.map(move |first| Block {
            first,
            count: size.min(end - first),
        })
    }
}

impl Workspace {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The gradient of the last [`Network::gradient`] for all parameters, in their order.
    #[must_use]
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// Bytes of its buffers, but for small ones.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(Part::bytes).sum();
        let packed: usize = self.packed_back.iter().map(Vec::capacity).sum();
        let numbers = self.gradient.capacity() + self.outputs.capacity();
        parts + packed * size_of::<Lanes>() + numbers * size_of::<f32>()
    }

    /// The statistics of the last batch at each normalisation.
    pub(crate) fn statistics(&self) -> &[Statistics] {
        &self.whole.statistics
    }

    fn prepare(
        &mut self,
        network: &Network,
        division: &Division,
        training: bool,
    ) -> Result<(), Error> {
        let program = &network.program;
        let known = self
            .program
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, program));
        if !known {
            *self = Self::default();
            self.pooled = pooled(program);
            let peaks = self.pooled.iter().flatten().flat_map(|it| &it.peaks);
            let lanes = peaks.map(Peaks::scratch_len).max().unwrap_or(0);
            let lanes = lanes.max(program.scratch_len());
            parallel::on_every_thread(|| engine::reserve(lanes));
        }
        let grown = division.per_block > self.capacity || (training && !self.training);
        if grown {
            self.capacity = self.capacity.max(division.per_block);
            self.training |= training;
            self.parts.clear();
            self.rows.clear();
            for step in &program.steps {
                self.rows.push(match &step.op {
                    StepOp::Dense {
                        features, outputs, ..
                    } => {
                        let rows = (self.capacity, 1, *features);
                        let plan = Plan::new(&DENSE, rows, *outputs)?;
                        Some((plan, Plan::transposed(&DENSE, rows, *outputs)?))
                    }
                    _ => None,
                });
            }
        }
        while self.parts.len() < division.parts() {
            self.parts.push(Part::new(
                program,
                &self.pooled,
                self.capacity,
                self.training,
            ));
        }
        if training && self.packed_back.is_empty() {
            self.gradient = vec![0.0; program.len];
            for (step, pooled) in program.steps.iter().zip(&self.pooled) {
                let back = match &step.op {
                    StepOp::Conv { kernels, .. } if pooled.is_some() => groups(kernels.len()),
                    StepOp::Conv { back, .. } => back.packed_len(),
                    StepOp::Dense { back, .. } => back.packed_len(),
                    _ => 0,
                };
                let needed = if program.needs[step.input] { back } else { 0 };
                self.packed_back.push(vec![Lanes::ZERO; needed]);
                if let StepOp::BatchNorm { channels, .. } = step.op {
                    let whole = &mut self.whole;
                    whole.statistics.push(Statistics::new(channels));
                    whole.lines.push(vec![Line::default(); channels]);
                    whole.sums.push(Sums::new(channels));
                }
            }
        }
        self.program = Some(Arc::clone(program));
        Ok(())
    }

    pub(super) fn forward(
        &mut self,
        network: &Network,
        input: &[f32],
        images: usize,
    ) -> Result<ArrayView2<'_, f32>, Error> {
        let program = &network.program;
        let division = Division::new(program, images, false);
        self.prepare(network, &division, false)?;
        let pass = Pass {
            network,
            input,
            rows: &self.rows,
            lines: &network.lines,
            pooled: &self.pooled,
            training: None,
        };
        let parts = &mut self.parts[..division.parts()];
        parallel::parts_mut(parts, 1, |number, parts| {
            for part in parts {
                part.outputs.clear();
                for block in division.blocks(number) {
                    part.forward(&pass, 0..program.steps.len(), block);
                    let mut outputs = std::mem::take(&mut part.outputs);
                    outputs.extend_from_slice(part.output(&pass, block));
                    part.outputs = outputs;
                }
            }
        });
        self.outputs.clear();
        for part in parts {
            self.outputs.extend_from_slice(&part.outputs);
        }
        ArrayView2::from_shape((images, program.output_len()), &self.outputs)
            .map_err(|_| Error::Overflow { what: "outputs" })
    }

    pub(super) fn predict(
        &mut self,
        network: &Network,
        input: &[f32],
        images: usize,
    ) -> Result<&[usize], Error> {
        self.forward(network, input, images)?;
        self.largest.clear();
        let rows = self.outputs.chunks_exact(network.program.output_len());
        self.largest.extend(rows.map(largest));
        Ok(&self.largest)
    }

    pub(super) fn gradient_of(
        &mut self,
        network: &Network,
        (input, images): (&[f32], usize),
        (goal, loss): (Goal<'_>, Loss),
        seed: u64,
    ) -> Result<Report, Error> {
        let program = &network.program;
        expect_some("parameters", program.len)?;
        let runs = &program.runs;
        let last = runs.len() - 1;
        let division = Division::new(program, images, last > 0);
        self.prepare(network, &division, true)?;
        let steps = program.steps.iter().zip(&self.pooled);
        for ((step, pooled), packed) in steps.zip(&mut self.packed_back) {
            if packed.is_empty() {
                continue;
            }
            match &step.op {
                StepOp::Conv { plan, kernels, .. } if pooled.is_some() => {
                    let kernels = &network.parameters[kernels.clone()];
                    Maxima::pack(plan, kernels, &mut Lanes::flat_mut(packed)[..kernels.len()]);
                }
                StepOp::Conv { back, kernels, .. } => {
                    back.pack(&network.parameters[kernels.clone()], packed);
                }
                StepOp::Dense { back, kernels, .. } => {
                    back.pack_transposed(&network.parameters[kernels.clone()], packed);
                }
                _ => {}
            }
        }
        let count = division.parts();
        let (rows, pooled, packed_back) = (&self.rows, &self.pooled, &self.packed_back);
        // Forward through the runs, and back through all but the last, with which the way back begins.
        parallel::stages::<{ PARTS.1 }, _, _>(
            &mut self.parts[..count],
            &mut self.whole,
            2 * last + 1,
            |stage, whole, number, part| {
                let training = Training {
                    count: images,
                    goal,
                    loss,
                    seed,
                    packed_back,
                    statistics: &whole.statistics,
                    sums: &whole.sums,
                };
                let pass = Pass {
                    network,
                    input,
                    rows,
                    lines: &whole.lines,
                    pooled,
                    training: Some(training),
                };
                let steps = runs[stage.min(2 * last - stage)].clone();
                if stage == last {
                    part.gradient.fill(0.0);
                    part.report = Report::default();
                }
                for block in division.blocks(number) {
                    if stage > last {
                        part.backward_step(&pass, steps.end, block);
                        part.backward(&pass, steps.clone(), block);
                        continue;
                    }
                    part.forward(&pass, steps.clone(), block);
                    if stage < last {
                        part.measure(&pass, steps.end, block);
                    } else {
                        part.loss(&pass, block);
                        part.backward(&pass, steps.clone(), block);
                    }
                }
            },
            |stage, whole, parts| {
                if stage < last {
                    whole.meet_forward(network, runs[stage].end, &parts);
                } else if stage < 2 * last {
                    whole.meet_backward(network, runs[2 * last - 1 - stage].end, &parts);
                }
            },
        );
        Ok(self.add_up(network, count, images))
    }

    /// The gradient of the batch, the parts' added in their order, and its report.
    fn add_up(&mut self, network: &Network, count: usize, images: usize) -> Report {
        let parts = &self.parts[..count];
        parallel::parts_mut(&mut self.gradient, ADDED, |chunk, total| {
            total.fill(0.0);
            for part in parts {
                for (total, x) in total.iter_mut().zip(&part.gradient[chunk * ADDED..]) {
                    *total += x;
                }
            }
        });
        for step in &network.program.steps {
            if let StepOp::BatchNorm {
                index, gamma, beta, ..
            } = &step.op
            {
                let sums = &self.whole.sums[*index];
                sums.write(&mut self.gradient[gamma.clone()], []);
                sums.write([], &mut self.gradient[beta.clone()]);
            }
        }
        let mut report = Report::default();
        for part in parts {
            report.loss += part.report.loss;
            report.correct += part.report.correct;
        }
        report.loss /= images as f64;
        report
    }
}

impl Whole {
    /// The parts' statistics become the batch's.
    fn meet_forward(&mut self, network: &Network, at: usize, parts: &Items<'_, '_, Part>) {
        if let StepOp::BatchNorm {
            index,
            epsilon,
            gamma,
            beta,
            ..
        } = &network.program.steps[at].op
        {
            let all = &mut self.statistics[*index];
            all.set(&[]);
            parts.each(|part| all.merge(&part.statistics[*index]));
            let parameters = &network.parameters;
            let (gamma, beta) = (&parameters[gamma.clone()], &parameters[beta.clone()]);
            set_lines(&mut self.lines[*index], all, *epsilon, gamma, beta);
        }
    }

    /// The parts' sums become the batch's.
    fn meet_backward(&mut self, network: &Network, at: usize, parts: &Items<'_, '_, Part>) {
        if let StepOp::BatchNorm { index, .. } = &network.program.steps[at].op {
            let all = &mut self.sums[*index];
            all.clear();
            parts.each(|part| all.add(&part.sums[*index]));
        }
    }
}

/// Convolutions whose outputs go into a pooling by the largest and nowhere else.
fn pooled(program: &Program) -> Vec<Option<Pooled>> {
    let mut readers = vec![0; program.lens.len()];
    readers[program.output.0] += 1;
    for step in &program.steps {
        readers[step.input] += 1;
        if let StepOp::Add { other, .. } = step.op {
            readers[other] += 1;
        }
    }
    let mut pooled: Vec<Option<Pooled>> = program.steps.iter().map(|_| None).collect();
    for (number, step) in program.steps.iter().enumerate() {
        let (StepOp::Pool(pool), Some(conv)) = (&step.op, step.input.checked_sub(1)) else {
            continue;
        };
        if let (StepOp::Conv { plan, .. }, true, 1) =
            (&program.steps[conv].op, pool.is_max(), readers[step.input])
        {
            let channels = plan.output_len() / plan.pixels();
            let positions = pool.output_len() / channels;
            pooled[conv] = Maxima::new(plan, positions).map(|maxima| Pooled {
                maxima,
                peaks: Peaks::new(plan, pool),
                step: number,
                images: (NEAR / plan.output_len()).max(1),
            });
        }
    }
    pooled
}
