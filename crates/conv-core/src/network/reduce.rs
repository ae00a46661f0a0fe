//! What the shards of a batch are reduced to, in their order: where one process has them all, and where each rank of an
//! [`Exchange`] has some.

use std::ops::Range;

use super::exchange::Exchange;
use super::objective::Report;
use super::pass::Shared;
use super::program::Program;
use super::shard::Shard;
use crate::Error;
use crate::ops::batch_norm::{Statistics, Sums};
use crate::ops::sum;
use crate::parallel::{self, Items};
use crate::tuning::PARAMETERS_PER_TASK;

/// Values in the record of a shard's [`Report`].
const REPORT: usize = 2;

/// Reduces the shards of one batch.
pub(super) struct Reduction<'a> {
    program: &'a Program,
    parameters: &'a [f32],
    exchange: Option<&'a mut (dyn Exchange + 'static)>,
    /// Room for a record of each shard of the batch.
    records: &'a mut [f64],
    gradient: &'a mut [f32],
    /// Shards of the batch, and those of this process.
    shards: usize,
    own: Range<usize>,
    /// The sums of the reports that were gathered.
    report: Option<Report>,
    failed: Option<Error>,
}

/// The largest record of a shard, in values.
pub(super) fn record_len(program: &Program) -> usize {
    let norms = program.batch_norms().map(|(_, norm)| norm.channels);
    REPORT + norms.max().map_or(0, Statistics::record_len)
}

impl<'a> Reduction<'a> {
    /// For the shards `own` of so many; `gradient` is to be that of the batch, and zero
    /// where there is an exchange.
    pub(super) fn new(
        (program, parameters): (&'a Program, &'a [f32]),
        (exchange, records): (Option<&'a mut (dyn Exchange + 'static)>, &'a mut [f64]),
        gradient: &'a mut [f32],
        (shards, own): (usize, Range<usize>),
    ) -> Self {
        Self {
            program,
            parameters,
            exchange,
            records,
            gradient,
            shards,
            own,
            report: None,
            failed: None,
        }
    }

    /// Reduces the shards' statistics to the batch's, if the step is a batch normalisation.
    pub(super) fn statistics(
        &mut self,
        shared: &mut [Shared],
        at: usize,
        shards: &Items<'_, '_, Shard>,
    ) {
        let (program, parameters) = (self.program, self.parameters);
        let Some(norm) = program.steps[at].step.batch_norm() else {
            return;
        };
        norm.reduce(parameters, &mut shared[at], |all| {
            if self.exchange.is_none() {
                return shards.each(|shard| all.merge(&shard.buffers[at].statistics));
            }
            self.gather(
                Statistics::record_len(norm.channels),
                |see| shards.each(see),
                |shard, record| shard.buffers[at].statistics.write_record(record),
                |record| all.merge_record(record),
            );
        });
    }

    /// Reduces the shards' sums for the gradient to the batch's, if the step is a batch normalisation. The first message of a
    /// backward pass has the reports too. The gradients of all steps after it are there, so their sum over the ranks goes on.
    pub(super) fn sums(&mut self, shared: &mut [Shared], at: usize, shards: &Items<'_, '_, Shard>) {
        let Some(norm) = self.program.steps[at].step.batch_norm() else {
            return;
        };
        norm.reduce_gradient(&mut shared[at], |all| {
            if self.exchange.is_none() {
                return shards.each(|shard| all.add(&shard.buffers[at].sums));
            }
            let mut report = self.report.is_none().then(Report::default);
            let before = if report.is_some() { REPORT } else { 0 };
            self.gather(
                before + Sums::record_len(norm.channels),
                |see| shards.each(see),
                |shard, record| {
                    let (first, sums) = record.split_at_mut(before);
                    if before > 0 {
                        shard.report.write_record(first);
                    }
                    shard.buffers[at].sums.write_record(sums);
                },
                |record| {
                    let (first, sums) = record.split_at(before);
                    if let Some(report) = &mut report {
                        report.add_record(first);
                    }
                    all.add_record(sums);
                },
            );
            self.report = self.report.or(report);
        });
        if let (Some(exchange), None) = (&mut self.exchange, &self.failed) {
            let add = &mut |first: usize, part: &mut [f32]| {
                shards.each(|shard| add_gradient(shard, first, part));
            };
            // The parameters stand in the order of the layers.
            let ready = norm.gamma.end.max(norm.beta.end);
            self.failed = exchange.sum(self.gradient, ready, add).err();
        }
    }

    /// The gradient of the batch, the shards' added in their order, and its report, which holds the sum of the losses.
    pub(super) fn gradient(mut self, shards: &[Shard], shared: &[Shared]) -> Result<Report, Error> {
        if self.exchange.is_some() && self.report.is_none() {
            let mut report = Report::default();
            self.gather(
                REPORT,
                |see| shards.iter().for_each(see),
                |shard, record| shard.report.write_record(record),
                |record| report.add_record(record),
            );
            self.report = Some(report);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let gradient = self.gradient;
        match self.exchange {
            None => parallel::parts_mut(gradient, PARAMETERS_PER_TASK, |task, total| {
                total.fill(0.0);
                add_gradients(shards, task * PARAMETERS_PER_TASK, total);
            }),
            Some(exchange) => exchange.sum(gradient, 0, &mut |first, part| {
                parallel::parts_mut(part, PARAMETERS_PER_TASK, |task, total| {
                    add_gradients(shards, first + task * PARAMETERS_PER_TASK, total);
                });
            })?,
        }
        for (at, norm) in self.program.batch_norms() {
            norm.write_gradient(&shared[at], gradient);
        }
        Ok(self.report.unwrap_or_else(|| {
            let mut report = Report::default();
            for shard in shards {
                report.loss += shard.report.loss;
                report.correct += shard.report.correct;
            }
            report
        }))
    }

    /// Has each of this process's shards write a record of so many values, and reads those of all shards in their order.
    /// After an error it does nothing more; [`gradient`](Self::gradient) returns it.
    fn gather(
        &mut self,
        len: usize,
        each: impl FnOnce(&mut dyn FnMut(&Shard)),
        write: impl Fn(&Shard, &mut [f64]),
        read: impl FnMut(&[f64]),
    ) {
        let (Some(exchange), None) = (&mut self.exchange, &self.failed) else {
            return;
        };
        let records = &mut self.records[..self.shards * len];
        let mut own = records[self.own.start * len..].chunks_exact_mut(len);
        each(&mut |shard| {
            if let Some(record) = own.next() {
                write(shard, record);
            }
        });
        match exchange.gather(records, len) {
            Ok(()) => records.chunks_exact(len).for_each(read),
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Adds the gradients of some shards from parameter number `first` on, in the shards' order.
fn add_gradients(shards: &[Shard], first: usize, total: &mut [f32]) {
    let own = first..first + total.len();
    let (fours, rest) = shards.as_chunks::<4>();
    for [a, b, c, d] in fours {
        let from = [a, b, c, d].map(|shard| &shard.gradient[own.clone()]);
        sum::add_four_to(from, total);
    }
    for shard in rest {
        add_gradient(shard, first, total);
    }
}

/// Adds the gradient of a shard from parameter number `first` on.
fn add_gradient(shard: &Shard, first: usize, total: &mut [f32]) {
    sum::add_to(&shard.gradient[first..], total);
}

impl Report {
    fn write_record(&self, record: &mut [f64]) {
        // A batch has fewer images than an f64 can count.
        record.copy_from_slice(&[self.loss, self.correct as f64]);
    }

    fn add_record(&mut self, record: &[f64]) {
        self.loss += record[0];
        self.correct += record[1] as usize;
    }
}
