//! The memory of a network's passes, and the passes themselves.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::division::Division;
use super::exchange::{Exchange, share};
use super::objective::{Objective, Report};
use super::pass::{Shared, bytes};
use super::program::Program;
use super::reduce::{Reduction, record_len};
use super::shard::{Pass, Shard};
use super::weights::Weights;
use crate::Error;
use crate::ops::argmax::argmax;
use crate::ops::batch_norm::Statistics;
use crate::ops::check::expect_some;
use crate::parallel::{self, scratch};
use crate::simd::Lanes;
use crate::tuning::MOST_SHARDS;

/// Bytes that a workspace takes at most unless it is told otherwise: 4 GiB, or 1 GiB where addresses have 32 bits.
const DEFAULT_LIMIT: u64 = 1 << if usize::BITS > 32 { 32 } else { 30 };

/// The memory in which a network works: it grows at first use, and a step after the first allocates none.
///
/// Any network may use any workspace. It holds the buffers of one network: when another one uses it, they are allocated
/// anew.
///
/// A pass that would take more than a [limit](Self::set_limit) is refused with [`Error::Memory`] before anything is
/// allocated, and the workspace stays as it was.
///
/// ```
/// use conv_core::network::{Network, Workspace};
/// use conv_core::spec::{Layers, Spec};
/// use ndarray::Array4;
///
/// let network = Network::new(&Spec::new((1, 1, 1), Layers::new().dense(16_384)), 1)?;
/// let mut workspace = Workspace::new();
/// workspace.set_limit(1 << 20);
/// let refused = network.forward(Array4::zeros((1000, 1, 1, 1)).view(), &mut workspace);
/// assert!(refused.unwrap_err().to_string().contains("a batch of 1000 images needs 6"));
/// assert!(network.forward(Array4::zeros((2, 1, 1, 1)).view(), &mut workspace).is_ok());
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Workspace {
    limit: u64,
    program: Option<Arc<Program>>,
    /// What there is room for.
    room: Room,
    shards: Vec<Shard>,
    /// What the shards share, for each step.
    shared: Vec<Shared>,
    gradient: Vec<f32>,
    outputs: Vec<f32>,
    predicted: Vec<usize>,
    /// With what other processes it computes gradients.
    exchange: Option<Box<dyn Exchange>>,
    /// Room for a record of each shard of a batch, with an exchange.
    records: Vec<f64>,
}

/// What the buffers of a workspace hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Room {
    shards: usize,
    images_per_block: usize,
    /// Images whose outputs are kept.
    outputs: usize,
    training: bool,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            limit: DEFAULT_LIMIT,
            program: None,
            room: Room::default(),
            shards: Vec::new(),
            shared: Vec::new(),
            gradient: Vec::new(),
            outputs: Vec::new(),
            predicted: Vec::new(),
            exchange: None,
            records: Vec::new(),
        }
    }
}

impl Workspace {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many bytes its buffers may take in all, from the next pass on; 4 GiB at first (1 GiB where addresses have
    /// 32 bits). Buffers that are there already stay.
    pub fn set_limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// How many bytes its buffers may take in all.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Has it compute gradients from now on as one of several processes: of each batch its share of the shards, and the sums
    /// together with the others. Outputs and predictions it goes on to compute alone.
    pub fn set_exchange(&mut self, exchange: Box<dyn Exchange>) {
        self.exchange = Some(exchange);
    }

    /// The gradient of the last [`Network::gradient`](super::Network::gradient) for all parameters, in their order.
    #[must_use]
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// Bytes of its buffers, but for small ones.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(Shard::bytes).sum();
        let packed = self.shared.iter().map(|own| own.packed_d_input.capacity());
        let packed: usize = packed.sum();
        let values = self.gradient.capacity() + self.outputs.capacity();
        let records = self.records.capacity() * size_of::<f64>();
        shards + packed * size_of::<Lanes>() + values * size_of::<f32>() + records
    }

    /// The statistics of the last batch, for each batch normalisation.
    pub(super) fn statistics(&self) -> impl Iterator<Item = &Statistics> {
        let norms = self
            .program
            .iter()
            .flat_map(|program| program.batch_norms());
        norms.map(|(at, _)| &self.shared[at].statistics)
    }

    /// Makes room for a pass of so many shards. Either all of it is there then, or nothing has changed.
    fn prepare(
        &mut self,
        program: &Arc<Program>,
        (division, shards): (&Division, usize),
        outputs: usize,
        training: bool,
    ) -> Result<(), Error> {
        let known = self.program.as_ref();
        let known = known.is_some_and(|own| Arc::ptr_eq(own, program));
        let before = if known { self.room } else { Room::default() };
        let room = Room {
            shards: before.shards.max(shards),
            images_per_block: before.images_per_block.max(division.images_per_block),
            outputs: before.outputs.max(outputs),
            training: before.training | training,
        };
        if known && room == before {
            return Ok(());
        }
        let mut room = room;
        let mut anew = !known;
        if let Err(error) = self.check(program, room, division.images) {
            // Room that only earlier passes needed is given up, if that is enough.
            let own = Room {
                shards,
                images_per_block: division.images_per_block,
                outputs,
                training,
            };
            if own == room {
                return Err(error);
            }
            self.check(program, own, division.images)?;
            (room, anew) = (own, true);
        }
        // The blocks of all shards are of one size, and so are the plans for them.
        let fits = !anew
            && room.images_per_block == before.images_per_block
            && room.training == before.training;
        if !fits {
            let mut shared = Vec::with_capacity(program.steps.len());
            for step in &program.steps {
                shared.push(step.step.shared(room.images_per_block, room.training)?);
            }
            self.shared = shared;
            self.shards.clear();
        }
        if !known {
            let lanes = program.scratch_len();
            parallel::on_every_thread(|| scratch::reserve(lanes));
        }
        if anew {
            (self.gradient, self.outputs, self.predicted) = (Vec::new(), Vec::new(), Vec::new());
        }
        while self.shards.len() < room.shards {
            let shard = Shard::new(program, room.images_per_block, room.training);
            self.shards.push(shard);
        }
        if self.outputs.len() < room.outputs * program.output_len() {
            // Of this length and no longer, as the limit counts them, and never the old ones beside the new ones.
            (self.outputs, self.predicted) = (Vec::new(), Vec::new());
            self.outputs = vec![0.0; room.outputs * program.output_len()];
            self.predicted = Vec::with_capacity(room.outputs);
        }
        if room.training && self.gradient.is_empty() {
            self.gradient = vec![0.0; program.parameters_len];
        }
        self.program = Some(Arc::clone(program));
        self.room = room;
        Ok(())
    }

    /// An error if the buffers would take more than the limit.
    fn check(&self, program: &Program, room: Room, images: usize) -> Result<(), Error> {
        let (block, training) = (room.images_per_block, room.training);
        let shards = room.shards as u64;
        let mut most: (u64, &str) = (0, "");
        let mut needed = shards.saturating_mul(Shard::other_bytes(program, block, training));
        for (at, step) in program.steps.iter().enumerate() {
            let own = shards.saturating_mul(Shard::step_bytes(program, at, block, training));
            let shared = step.step.shared_sizes(block, training).bytes();
            let own = own.saturating_add(shared);
            needed = needed.saturating_add(own);
            // The value that it makes is among those that all steps share.
            let value = bytes(
                block,
                program.values[at + 1].len.saturating_mul(size_of::<f32>()),
            );
            let own = own.saturating_add(shards.saturating_mul(value));
            if own > most.0 {
                most = (own, &step.layer);
            }
        }
        let outputs = bytes(room.outputs, size_of::<f32>());
        let outputs = outputs.saturating_mul(program.output_len() as u64);
        let outputs = outputs.saturating_add(bytes(room.outputs, size_of::<usize>()));
        needed = needed.saturating_add(outputs);
        if outputs > most.0 {
            let last = program.steps.last();
            most = (outputs, last.map_or("", |last| &last.layer));
        }
        if training {
            needed = needed.saturating_add(bytes(program.parameters_len, size_of::<f32>()));
        }
        if needed <= self.limit && usize::try_from(needed).is_ok() {
            return Ok(());
        }
        Err(Error::Memory {
            images,
            needed,
            limit: self.limit,
            layer: most.1.to_owned(),
            layer_bytes: most.0,
        })
    }

    pub(super) fn forward(
        &mut self,
        (program, weights): (&Arc<Program>, &Weights),
        input: &[f32],
        images: usize,
    ) -> Result<ArrayView2<'_, f32>, Error> {
        let division = Division::new(program, images, false);
        self.prepare(program, (&division, division.shards()), images, false)?;
        let pass = Pass {
            program,
            placement: program.placement(self.room.training),
            parameters: &weights.values,
            input,
            packed: &weights.packed,
            shared: &self.shared,
            seed: None,
        };
        let len = program.output_len();
        let outputs = &mut self.outputs[..images * len];
        let shards = &mut self.shards[..division.shards()];
        let outputs = (outputs, division.images_per_shard * len);
        parallel::parts_of_two_mut((shards, 1), outputs, |number, shards, outputs| {
            for shard in shards {
                let blocks = outputs.chunks_mut(division.images_per_block * len);
                for (block, outputs) in division.blocks(number).zip(blocks) {
                    shard.forward(&pass, 0..program.steps.len(), block);
                    outputs.copy_from_slice(shard.output(&pass, block));
                }
            }
        });
        ArrayView2::from_shape((images, len), &self.outputs[..images * len])
            .map_err(|_| Error::Overflow { what: "outputs" })
    }

    pub(super) fn predict(
        &mut self,
        network: (&Arc<Program>, &Weights),
        input: &[f32],
        images: usize,
    ) -> Result<&[usize], Error> {
        self.forward(network, input, images)?;
        self.predicted.clear();
        let len = network.0.output_len();
        let rows = self.outputs[..images * len].chunks_exact(len);
        self.predicted.extend(rows.map(argmax));
        Ok(&self.predicted)
    }

    pub(super) fn gradient_of(
        &mut self,
        (program, weights): (&Arc<Program>, &Weights),
        input: &[f32],
        images: usize,
        objective: &Objective<'_>,
        seed: u64,
    ) -> Result<Report, Error> {
        expect_some("parameters", program.parameters_len)?;
        let runs = &program.runs;
        let last = runs.len() - 1;
        let division = Division::new(program, images, last > 0);
        let count = division.shards();
        let own = match &self.exchange {
            None => 0..count,
            Some(exchange) => share(count, exchange.rank(), exchange.ranks()),
        };
        self.prepare(program, (&division, own.len()), 0, true)?;
        let parameters = &weights.values[..];
        for (step, shared) in program.steps.iter().zip(&mut self.shared) {
            step.step.pack_d_input(parameters, shared);
        }
        let shards = &mut self.shards[..own.len()];
        let exchange = self.exchange.as_deref_mut();
        if exchange.is_some() {
            let len = count * record_len(program);
            self.records.resize(self.records.len().max(len), 0.0);
            self.gradient.fill(0.0);
        }
        let first = own.start;
        let mut reduction = Reduction::new(
            (program, parameters),
            (exchange, &mut self.records),
            &mut self.gradient,
            (count, own),
        );
        // Forward through all runs, then backward through all of them; the last run goes both ways in one stage.
        parallel::stages::<{ MOST_SHARDS as usize }, _, _>(
            shards,
            &mut self.shared,
            2 * last + 1,
            |stage, shared, number, shard| {
                let pass = Pass {
                    program,
                    placement: program.placement(true),
                    parameters,
                    input,
                    packed: &weights.packed,
                    shared,
                    seed: Some(seed),
                };
                let steps = runs[stage.min(2 * last - stage)].clone();
                if stage == last {
                    shard.clear(program);
                }
                for block in division.blocks(first + number) {
                    if stage > last {
                        shard.backward_step(&pass, steps.end, block);
                        shard.backward(&pass, steps.clone(), block);
                        continue;
                    }
                    shard.forward(&pass, steps.clone(), block);
                    if stage < last {
                        shard.measure(&pass, steps.end, block);
                    } else {
                        shard.loss(&pass, objective, block);
                        shard.backward(&pass, steps.clone(), block);
                    }
                }
            },
            |stage, shared, shards| {
                if stage < last {
                    reduction.statistics(shared, runs[stage].end, &shards);
                } else if stage < 2 * last {
                    reduction.sums(shared, runs[2 * last - 1 - stage].end, &shards);
                }
            },
        );
        let mut report = reduction.gradient(shards, &self.shared)?;
        report.loss /= images as f64;
        Ok(report)
    }
}
